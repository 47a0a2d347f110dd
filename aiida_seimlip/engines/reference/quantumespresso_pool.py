"""From frames to jobs of pw.x, and from jobs to labels."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

import numpy as np
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.reference.job_pool import STRUCTURE, JobPoolMixin
from aiida_seimlip.engines.reference.quantumespresso_known import KIND, explain_potentials, load_potentials
from aiida_seimlip.functions.quantumespresso import harvest_pw, mesh_name, mesh_of, prepare_pw
from aiida_seimlip.options.quantumespresso import PwLabelOptions

KPOINTS = 'kpoints__'
"""How the labels of the links from `prepare_pw` to meshes of k-points begin."""

POTENTIALS = 'pseudos__'
"""How the labels of the links from pseudopotentials to `prepare_pw` begin."""

OF_JOB = ('parameters', 'parallelization')
"""Shared inputs that are those of each job, not of the process that runs them."""


class PwPoolMixin(JobPoolMixin):
    """Run a `PwLabelWorkChain` for each frame."""

    kind = KIND
    hopeless = (*JobPoolMixin.hopeless, 'PwRefused')

    @classmethod
    def explain_potentials(cls, options: PwLabelOptions, elements: Collection[str], name: str) -> str | None:
        """Say which pseudopotentials are not in the profile, or are not of the right kind."""
        return explain_potentials(options, elements, name)

    def prepare(self, frames: FramesData) -> tuple[dict[str, Any], orm.ProcessNode]:
        """Make the inputs of the jobs."""
        potentials = load_potentials(self.inputs.parameters['potential_family'], frames.elements)
        made, node = prepare_pw.run_get_node(frames, self.inputs.parameters, pseudos=potentials)
        return made or {}, node

    def harvest(self, frames: FramesData, reasons: orm.Dict, jobs: dict[str, Any]) -> dict[str, Any]:
        """Make labels of what the jobs returned."""
        groups: dict[str, Any] = {'jobs': jobs} if jobs else {}
        return harvest_pw(frames, self.inputs.parameters, reasons, pseudos=self._potentials, **groups)

    def inputs_of_job(self, name: str, shared: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs of `quantumespresso.pw.base`."""
        structure = self.prepared_node(STRUCTURE + name)
        options = PwLabelOptions.from_node(self.inputs.parameters)
        mesh, gamma = mesh_of(np.array(structure.cell), options.kspacing), shared.pop('gamma', None)
        potentials = {element: self._potentials[element] for element in structure.get_symbols_set()}
        job = {part: shared.pop(part) for part in OF_JOB if part in shared}
        if gamma is not None and max(mesh) == 1:
            job['settings'] = gamma
        return {
            'pw': {
                'code': self.inputs.code, 'structure': structure, 'pseudos': potentials, 'metadata': metadata, **job,
            },
            'kpoints': self.prepared_node(KPOINTS + mesh_name(mesh)),
            **shared,
        }  # fmt: skip

    @cached_property
    def _potentials(self) -> dict[str, Any]:
        """The pseudopotentials by element, as they were when the jobs were prepared."""
        links = self.preparation.base.links.get_incoming(link_label_filter=f'{POTENTIALS}%').all()
        return {link.link_label.removeprefix(POTENTIALS): link.node for link in links}

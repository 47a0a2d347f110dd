"""From frames to VASP jobs, and from jobs to labels."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.reference.job_pool import STRUCTURE, JobPoolMixin
from aiida_seimlip.engines.reference.vasp_known import KIND, explain_potentials
from aiida_seimlip.functions.vasp import harvest_vasp, prepare_vasp
from aiida_seimlip.options.vasp import VaspLabelOptions

INCAR = 'incars__'
"""How the labels of the links from `prepare_vasp` to the settings of dynamics begin."""


class VaspPoolMixin(JobPoolMixin):
    """Run a `VaspLabelWorkChain` for each frame."""

    kind = KIND
    hopeless = (*JobPoolMixin.hopeless, 'VaspRefused')

    @classmethod
    def explain_potentials(cls, options: VaspLabelOptions, elements: Collection[str], name: str) -> str | None:
        """Say which potentials are not in the profile."""
        return explain_potentials(options, elements, name)

    def prepare(self, frames: FramesData) -> tuple[dict[str, Any], orm.ProcessNode]:
        """Make the inputs of the jobs; for dynamics, the settings are those of each frame."""
        made, node = prepare_vasp.run_get_node(frames, self.inputs.parameters, **self._dynamics)
        return made or {}, node

    def harvest(self, frames: FramesData, reasons: orm.Dict, jobs: dict[str, Any]) -> dict[str, Any]:
        """Make labels of what the jobs returned, and say which samples of dynamics are none."""
        groups: dict[str, Any] = {'jobs': jobs} if jobs else {}
        made = harvest_vasp(frames, self.inputs.parameters, reasons, **groups, **self._dynamics)
        for index, refused in (made['refused'].get_dict() if 'refused' in made else {}).items():
            self.report(f'{len(refused)} samples from frame {index} have no label; the first: {refused[0]}')
        return made

    def inputs_of_job(self, name: str, shared: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs of `vasp.vasp`."""
        given = {'structure': self.prepared_node(STRUCTURE + name), **shared}
        if 'dynamics' in self.inputs:
            given['parameters'] = self.prepared_node(INCAR + name)
        return {'code': self.inputs.code, **given, 'calc': {'metadata': metadata}}

    def outputs_to_keep(self) -> tuple[str, ...]:
        """Return the outputs of `vasp.vasp` of which labels are made."""
        return ('retrieved',) if 'dynamics' in self.inputs else ('misc', 'retrieved')

    def keeps_partial(self) -> bool:
        """Return whether there is dynamics, of which the complete steps are kept."""
        return 'dynamics' in self.inputs

    @property
    def _dynamics(self) -> dict[str, orm.Dict]:
        return {'dynamics': self.inputs.dynamics} if 'dynamics' in self.inputs else {}

"""What the card of a frame says of a label that a program has given in a job of its own: VASP, Quantum ESPRESSO."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiida import orm

from aiida_seimlip.functions.job_labels import job_name
from aiida_seimlip.options.quantumespresso import PwLabelOptions
from aiida_seimlip.options.vasp import VaspLabelOptions
from aiida_seimlip.science.frames import Frames


def describe_job_label(process: orm.ProcessNode | None, labelled: Frames) -> Iterator[str]:
    """Yield the job that calculated a label, and the settings that matter; nothing if it was another kind of job.

    :param process: that made the node with the label.
    :param labelled: the frame.
    """
    if process is None or process.process_label not in DESCRIPTIONS:
        return
    program, output, version, describe = DESCRIPTIONS[process.process_label]
    job = _find_job(process, labelled)
    if job is not None:
        found = job.outputs[output].get_dict() if output in job.outputs else {}
        known = found.get(version) or 'of unknown version'
        yield f'{job.process_label} {job.pk} ({job.uuid[:8]}) with {program} {known}'
    yield describe(process.inputs.parameters, labelled)


def _describe_vasp(parameters: orm.Dict, labelled: Frames) -> str:
    options = VaspLabelOptions.from_node(parameters)
    potentials = ', '.join(options.potential_of(element) for element in labelled.elements)
    method = (
        options.functional if options.dispersion is None else f'{options.functional} + {options.dispersion.upper()}'
    )
    return (
        f'{method}, {options.encut:g} eV, k-points every {options.kspacing:g} 1/Å, potentials {potentials} of '
        f'{options.potential_family}'
    )


def _describe_pw(parameters: orm.Dict, labelled: Frames) -> str:
    options = PwLabelOptions.from_node(parameters)
    return (
        f'{options.functional_name}, {options.ecutwfc:g} Ry, k-points every {options.kspacing:g} 1/Å, '
        f'pseudopotentials for {", ".join(labelled.elements)} of {options.potential_family}'
    )


DESCRIPTIONS: dict[str, tuple[str, str, str, Any]] = {
    'harvest_vasp': ('VASP', 'misc', 'version', _describe_vasp),
    'harvest_pw': ('Quantum ESPRESSO', 'output_parameters', 'creator_version', _describe_pw),
}
"""Program, output of a job and key in it that tell the version, and what tells the settings, by who made the labels."""


def _find_job(process: orm.ProcessNode, labelled: Frames) -> Any:
    """Return the job whose files became the label of a frame, None if they are not in the profile."""
    hashes, (value,) = process.inputs.frames.hashes, labelled.hashes()
    if value in hashes:
        index = hashes.index(value)
    elif labelled.origin_uuids is None or labelled.origin_indices is None:
        return None
    elif labelled.origin_uuids[0] == process.inputs.frames.uuid:
        index = int(labelled.origin_indices[0])  # a sample of dynamics
    else:
        return None
    links = process.base.links.get_incoming(link_label_filter=f'jobs__{job_name(index)}__retrieved').all()
    return links[0].node.creator if links else None

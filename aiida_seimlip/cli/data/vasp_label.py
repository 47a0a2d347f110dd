"""What the card of a frame says of a label that VASP has given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiida import orm

from aiida_seimlip.functions.vasp import job_name
from aiida_seimlip.options.vasp import VaspLabelOptions
from aiida_seimlip.science.frames import Frames


def describe_vasp_label(process: orm.ProcessNode | None, labelled: Frames) -> Iterator[str]:
    """Yield the job that calculated a label, and the settings that matter; nothing if it was not VASP.

    :param process: that made the node with the label.
    :param labelled: the frame.
    """
    if process is None or process.process_label != 'harvest_vasp':
        return
    job = _find_job(process, labelled)
    if job is not None:
        misc = job.outputs.misc.get_dict() if 'misc' in job.outputs else {}
        yield f'{job.process_label} {job.pk} ({job.uuid[:8]}) with VASP {misc.get("version") or "of unknown version"}'
    options = VaspLabelOptions.from_node(process.inputs.parameters)
    potentials = ', '.join(options.potential_of(element) for element in labelled.elements)
    method = (
        options.functional if options.dispersion is None else f'{options.functional} + {options.dispersion.upper()}'
    )
    yield (
        f'{method}, {options.encut:g} eV, k-points every {options.kspacing:g} 1/Å, potentials {potentials} of '
        f'{options.potential_family}'
    )


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

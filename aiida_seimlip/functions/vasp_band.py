"""Calcfunctions that make the inputs of VASP with VTST from a band of images, and a band of what it returned."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase.geometry import find_mic

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.vasp_band import VaspBandOptions
from aiida_seimlip.science.analysis.barrier import describe_path
from aiida_seimlip.science.formats.vasp.output import group_species
from aiida_seimlip.science.frames import Frames


def image_name(index: int) -> str:
    """Return what aiida-vasp calls an image; 0 is the first end."""
    return f'image_{index:02d}'


@calcfunction
def prepare_vasp_band(images: FramesData, parameters: orm.Dict) -> dict[str, Any]:
    """Make the inputs of `vasp.neb`, with the atoms grouped by element, and the settings of the single points.

    :param images: the band, both ends included.
    :param parameters: as `VaspBandOptions`.
    :return: ``structures`` by the name of the image, ``incar``, ``kpoints``, ``settings``, and ``label`` as
        `VaspLabelOptions`.
    """
    options = VaspBandOptions.from_node(parameters)
    band = images.get_frames().without_labels()
    order = group_species(band[0].numbers)
    structures = {image_name(index): orm.StructureData(ase=atoms[order]) for index, atoms in enumerate(band.to_atoms())}
    kpoints = orm.KpointsData()
    kpoints.set_cell_from_structure(structures[image_name(0)])
    kpoints.set_kpoints_mesh_from_density(options.kspacing / (2.0 * math.pi))
    return {
        'structures': structures,
        'incar': orm.Dict(options.to_band_incar(len(band) - 2)),
        'kpoints': kpoints,
        'settings': orm.Dict({'parser_settings': {'check_completeness': False, 'check_errors': True}}),
        'label': orm.Dict(options.to_label_options().to_dict()),
    }


@calcfunction
def collect_vasp_band(images: FramesData, **structures: orm.StructureData) -> FramesData:
    """Return the band that VASP has left, with the atoms in the order of the band that it was given.

    :param images: the band that it was given; the ends stay as they are.
    :param structures: images between the ends by aiida-vasp's names, with the atoms grouped by element.
    """
    band = images.get_frames().without_labels()
    order = group_species(band[0].numbers)
    given = band.positions.reshape(len(band), -1, 3)
    positions = given.copy()
    for index in range(1, len(band) - 1):
        found = np.empty_like(given[index])
        found[order] = structures[image_name(index)].get_ase().positions
        positions[index] = given[index] + find_mic(found - given[index], band.cells[0])[0]
    return FramesData(
        band.replace(positions=positions.reshape(-1, 3), origin_uuids=None, origin_indices=None, origin_steps=None)
    )


@calcfunction
def describe_vasp_band(path: FramesData, parameters: orm.Dict, **jobs: orm.Dict) -> orm.Dict:
    """Return the output ``results`` of the socket.

    Whether the band has converged is for VTST to say; the force is that of the single points.

    :param path: the last band, labelled.
    :param parameters: as `VaspBandOptions`.
    :param jobs: what aiida-vasp read of each job, ``misc``, in the order of their names.
    """
    options = VaspBandOptions.from_node(parameters)
    contents = [job.get_dict() for _, job in sorted(jobs.items())]
    is_converged = has_converged(contents[-1])
    return orm.Dict({
        'is_converged': is_converged,
        'fmax': _largest_force(path.get_frames(), climbs=options.climb),
        'n_steps': sum(count_steps(content) for content in contents),
        'n_jobs': len(contents),
        'is_climbing': options.climb,
        'message': None if is_converged else 'The force on the band is above `fmax`.',
        'seconds': _seconds(contents),
    })  # fmt: skip


def has_converged(misc: dict[str, Any]) -> bool:
    """Return whether VTST says of every image that it has converged."""
    images = misc.get('neb_data') or {}
    return bool(images) and all(image.get('neb_converged') for image in images.values())


def has_vtst(misc: dict[str, Any]) -> bool:
    """Return whether VTST has left its version in the output of every image."""
    images = misc.get('neb_data') or {}
    return bool(images) and all(image.get('version') for image in images.values())


def count_steps(misc: dict[str, Any]) -> int:
    """Return how many steps a job did."""
    statuses = (misc.get('run_status') or {}).values()
    return max((int((status.get('last_iteration_index') or [0])[0]) for status in statuses), default=0)


def _seconds(contents: list[dict[str, Any]]) -> float | None:
    """Return the wall time of all jobs in s, None if none of them tells it."""
    times = [[stat.get('elapsed_time') for stat in (misc.get('run_stats') or {}).values()] for misc in contents]
    known = [max(float(time) for time in of_job if time) for of_job in times if any(of_job)]
    return sum(known) if known else None


def _largest_force(path: Frames, *, climbs: bool) -> float:
    """Return the largest force across the path on an atom in eV/Å, that on a climbing image taken whole."""
    profile = describe_path(path)
    forces = np.nan_to_num(profile.perpendicular_forces)
    if climbs and 0 < profile.saddle_index < len(path) - 1:
        assert path.forces is not None
        whole = path.forces.reshape(len(path), -1, 3)[profile.saddle_index]
        forces[profile.saddle_index] = np.linalg.norm(whole, axis=1).max()
    return float(forces.max())

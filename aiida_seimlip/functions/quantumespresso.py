"""Calcfunctions that make the inputs of pw.x from frames, and labels from what pw.x returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.common.exceptions import NotExistent
from aiida.engine import calcfunction
from ase.data import chemical_symbols

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.job_labels import (
    LabelError,
    check_finite,
    collect_labels,
    job_name,
    periodic_frames,
    to_structure,
)
from aiida_seimlip.options.quantumespresso import PwLabelOptions
from aiida_seimlip.science.formats.espresso.schema import PwOutputError, SinglePoint, read_single_point
from aiida_seimlip.science.formats.espresso.stdout import read_potentials
from aiida_seimlip.science.frames import Frames

SCHEMA, STDOUT = 'data-file-schema.xml', 'aiida.out'
"""What aiida-quantumespresso calls the files of pw.x."""

SAME_PLACE = 1e-5
"""So far in Å an atom or a vector of the cell may be from where it was: the input has 10 decimals."""

EMPTY = 0.01
"""The uppermost band may be occupied by so much; if it is more, there are too few bands."""

MAX_JOBS = 20
"""More than all handlers together can ask for: each counts its own attempts."""


@calcfunction
def prepare_pw(frames: FramesData, parameters: orm.Dict, **groups: Any) -> dict[str, Any]:
    """Make the inputs of one job for each frame that is periodic; all jobs share what they can.

    :param frames: the frames.
    :param parameters: as `PwLabelOptions`.
    :param groups: ``pseudos``: the pseudopotentials by element. They are part of what the jobs are known by.
    :return: ``structures`` by the name of the job; ``shared``, inputs of all jobs; ``kpoints`` by `mesh_name`.
    """
    options = PwLabelOptions.from_node(parameters)
    structures, kpoints = {}, {}
    for index, frame, value in periodic_frames(frames):
        sums = {element: groups['pseudos'][element].md5 for element in frame.elements}
        structures[job_name(index)] = to_structure(frame, job_key(value, sums))
        mesh = mesh_of(frame.cells[0], options.kspacing)
        if mesh_name(mesh) not in kpoints:
            kpoints[mesh_name(mesh)] = orm.KpointsData()
            kpoints[mesh_name(mesh)].set_kpoints_mesh(mesh)
    shared: dict[str, Any] = {
        'parameters': orm.Dict(options.to_namelists()),
        'recovery': orm.Dict(options.recovery.to_dict()),
        'max_iterations': orm.Int(MAX_JOBS),
        'clean_workdir': orm.Bool(True),
    }
    if options.parallelization:
        shared['parallelization'] = orm.Dict(options.parallelization)
    if mesh_name([1, 1, 1]) in kpoints:
        shared['gamma'] = orm.Dict({'GAMMA_ONLY': True})
    return {'shared': shared, **({'structures': structures, 'kpoints': kpoints} if structures else {})}


@calcfunction
def harvest_pw(frames: FramesData, parameters: orm.Dict, reasons: orm.Dict, **groups: Any) -> dict[str, orm.Data]:
    """Make labels of what pw.x returned, in the order of the frames.

    :param frames: the frames that the jobs were for.
    :param parameters: as `PwLabelOptions`.
    :param reasons: why a job did not end well, by its name.
    :param groups: ``jobs``: the output ``retrieved`` of each job, by its name; ``pseudos``: the pseudopotentials by
        element, which are part of what the labels are known by.
    :return: ``labelled`` (absent if there are none) and ``failures`` (index and reason).
    """
    options = PwLabelOptions.from_node(parameters)
    sums = {element: node.md5 for element, node in groups['pseudos'].items()}

    def label(_: int, frame: Frames, job: Mapping[str, Any], reason: str | None) -> Frames:
        if reason is not None:
            raise LabelError(reason)
        return label_frame(frame, job['retrieved'], options.functional, sums).computed_by(options.method_name, 'free')

    return collect_labels(frames, reasons.get_dict(), groups.get('jobs', {}), 'Quantum ESPRESSO', label)


def mesh_of(cell: np.ndarray, kspacing: float) -> list[int]:
    """Return the number of k-points along each vector of the reciprocal lattice.

    :param cell: rows are the vectors in Å.
    :param kspacing: largest distance of k-points in 1/Å, the factor 2π included.
    """
    lengths = 2 * np.pi * np.linalg.norm(np.linalg.inv(cell), axis=0)
    return [max(1, int(np.ceil(round(length / kspacing, 5)))) for length in lengths]


def mesh_name(mesh: list[int]) -> str:
    """Return the name of a mesh of k-points."""
    return 'mesh_' + '_'.join(str(number) for number in mesh)


def job_key(value: str, sums: Mapping[str, str]) -> str:
    """Return what identifies the work of a job, beside the method: two families may have the same name.

    :param value: content hash of the frame.
    :param sums: MD5 sums of the pseudopotentials by element.
    """
    return ':'.join([value, *(f'{element}-{sums[element][:8]}' for element in sorted(sums))])


def label_frame(frame: Frames, retrieved: orm.FolderData, functional: str, sums: Mapping[str, str]) -> Frames:
    """Return a frame with the labels that a single point gave it.

    :param frame: one frame.
    :param retrieved: files of the job.
    :param functional: that the label must be of.
    :param sums: MD5 sums of the pseudopotentials that the job was given, by element.
    :raises LabelError: if they are none.
    """
    found = read_result(retrieved)
    if found.converged is None:
        raise LabelError(f'ScfNotConverged: {SCHEMA} does not say whether the electronic steps converged.')
    if not found.converged:
        raise LabelError(f'ScfNotConverged: {SCHEMA} says that the {found.n_steps} electronic steps did not converge.')
    if found.forces is None or found.stress is None:
        lacking = ' and '.join(name for name in ('forces', 'stress') if getattr(found, name) is None)
        raise LabelError(f'OutputTruncated: {SCHEMA} holds no {lacking}.')
    if has_too_few_bands(found):
        raise LabelError(f'TooFewBands: {found.highest_occupation:.3f} of the uppermost band is occupied.')
    _check_frame(frame, found)
    if found.functional.upper() != functional.upper():
        raise LabelError(f'WrongFunctional: {SCHEMA} names {found.functional}, but {functional} was asked for.')
    for species, md5 in read_potentials(_read(retrieved, STDOUT)).items():
        if sums.get(species, md5) != md5:
            raise LabelError(f'WrongPotential: pw.x read another pseudopotential for {species} than it was given.')
    labels = {'energies': np.array([found.energy]), 'forces': found.forces, 'stresses': found.stress[None]}
    check_finite(labels, SCHEMA)
    return frame.replace(**labels, velocities=None)


def read_result(retrieved: orm.FolderData) -> SinglePoint:
    """Return what pw.x left of a single point.

    :param retrieved: files of the job.
    :raises LabelError: if the file is not there, or cut off.
    """
    try:
        with retrieved.base.repository.open(SCHEMA, 'rb') as handle:
            return read_single_point(handle)
    except (OSError, NotExistent) as exception:
        raise LabelError(f'OutputTruncated: pw.x left no {SCHEMA}.') from exception
    except PwOutputError as exception:
        raise LabelError(f'OutputTruncated: {exception}.') from exception


def has_too_few_bands(found: SinglePoint) -> bool:
    """Return whether the uppermost band is occupied, so that electrons would go to bands that are not there."""
    return found.highest_occupation is not None and found.highest_occupation > EMPTY


def _check_frame(frame: Frames, found: SinglePoint) -> None:
    """Refuse results for other atoms, in another order, or in other places.

    :raises LabelError: with what differs.
    """
    if not np.array_equal(found.numbers, frame.numbers):
        names = ['' if len(numbers) == 0 else ' '.join(chemical_symbols[number] for number in numbers[:20])
                 for numbers in (found.numbers, frame.numbers)]  # fmt: skip
        raise LabelError(f'SpeciesOutOfOrder: {SCHEMA} names the elements {names[0]}, but the frame {names[1]}.')
    distances = np.abs(np.concatenate([found.positions - frame.positions, found.cell - frame.cells[0]]))
    if distances.max() > SAME_PLACE:
        raise LabelError(f'GeometryChanged: atoms or cell in {SCHEMA} are {distances.max():.2g} Å from the frame.')


def _read(retrieved: orm.FolderData, name: str) -> str:
    if name not in retrieved.base.repository.list_object_names():
        return ''
    return retrieved.base.repository.get_object_content(name, mode='rb').decode('utf-8', 'replace')

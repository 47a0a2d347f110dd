"""Calcfunctions of `PhononWorkChain`."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.models import CrystalFrames, frames_of_minima, head_of, identify, read_model
from aiida_seimlip.options.crystal.phonon import PhononOptions
from aiida_seimlip.options.crystal.results import (
    ConvergenceRecord,
    ImaginaryRecord,
    PhononComparison,
    PhononCrystal,
    PhononDeviation,
    PhononRecord,
    ThermalRecord,
)
from aiida_seimlip.science.analysis.phonons import (
    Displacements,
    PhononError,
    Phonons,
    force_constants,
    rms_frequency_difference,
)
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.supercells import StructureError

NAMED_POINTS = 20
"""As many points with imaginary modes are written down."""
SIZE_CONSISTENT = 1e-3
"""A larger difference of the energies of an atom in crystal and supercell, in eV, is a doubt."""
LARGE_FORCE = 0.01
"""A larger force in the supercell without displacements, in eV/Å, is a doubt."""


@calcfunction
def displace_crystals(options: orm.Dict, minima: FramesData) -> FramesData:
    """Return the supercells of crystals, those of one after those of the other.

    :param options: as `PhononOptions`.
    :param minima: one frame for each crystal.
    :return: for each crystal and supercell, the one without displacements, then all displaced ones.
    """
    settings = PhononOptions.from_node(options)

    def displaced(atoms: Atoms) -> list[Atoms]:
        return [image for cells in plan_supercells(settings, atoms) for image in (cells.supercell, *cells.supercells)]

    return FramesData(frames_of_minima(minima, displaced))


@calcfunction
def measure_phonons(
    options: orm.Dict, names: orm.List, crystals: FramesData, **groups: Any
) -> dict[str, orm.Data]:  # fmt: skip
    """Find the phonons of each crystal by each model.

    :param options: as `PhononOptions`.
    :param names: of the crystals.
    :param crystals: as they were given, one frame each.
    :param groups: ``models``: by name what there is of each model; see `read_model`.
    :return: ``properties`` as a `PhononComparison`, and ``curves``: for each crystal, counted from 0, and model the
        arrays ``crystal_0_MODEL_distances`` (1/Å, along the path), ``..._frequencies`` (THz; shape (n_points,
        n_branches)), ``..._dos_frequencies`` (THz) and ``..._dos`` (states per THz and primitive cell).
    """
    settings = PhononOptions.from_node(options)
    models = groups['models']
    found = [PhononCrystal(**identity) for identity in identify(names, crystals, settings.symprec)]
    phonons: list[dict[str, Phonons]] = [{} for _ in found]
    for model, outputs in models.items():
        read = read_model(settings, outputs, len(found), lambda frame: count_frames(settings, frame.to_atoms()[0]))
        for crystal, known, frames in zip(found, phonons, read, strict=True):
            crystal.models[model], result = phonons_of(settings, frames)
            if result is not None:
                known[model] = result
    curves = orm.ArrayData()
    for number, (crystal, known) in enumerate(zip(found, phonons, strict=True)):
        crystal.deviations = find_deviations(settings, crystal, known)
        for model, result in known.items():
            bands = result.band_structure(settings.path_points)
            crystal.ticks = crystal.ticks or bands.ticks
            density = result.density_of_states(settings.mesh)
            prefix = f'crystal_{number}_{model}'
            for name, array in (
                ('distances', bands.distances), ('frequencies', bands.frequencies),
                ('dos_frequencies', density.frequencies), ('dos', density.densities),
            ):  # fmt: skip
                curves.set_array(f'{prefix}_{name}', array)
    comparison = PhononComparison(**head_of(settings, models), crystals=found)
    outputs = {'properties': orm.Dict(comparison.model_dump(mode='json'))}
    return {**outputs, 'curves': curves} if any(phonons) else outputs


def plan_supercells(settings: PhononOptions, atoms: Atoms) -> list[Displacements]:
    """Return the displacements in each supercell of a crystal, none if there can be none."""
    try:
        return settings.displacements(atoms)
    except (PhononError, StructureError):
        return []


def count_frames(settings: PhononOptions, atoms: Atoms) -> int:
    """Return the number of frames that `displace_crystals` makes of a crystal."""
    return sum(len(cells) + 1 for cells in plan_supercells(settings, atoms))


def phonons_of(settings: PhononOptions, frames: CrystalFrames) -> tuple[PhononRecord, Phonons | None]:
    """Return what a model makes of a crystal, and the phonons in the largest supercell.

    :param settings: what was asked for.
    :param frames: the minimum, and the displaced supercells.
    """
    record = PhononRecord(**frames.common)
    evaluated = frames.frames.get('clamped')
    if evaluated is None or frames.minimum is None:
        return record, None
    try:
        return record, _find_phonons(settings, record, frames.minimum.to_atoms()[0], evaluated)
    except (PhononError, StructureError) as exception:
        record.failure = str(exception)
        return record, None


def _find_phonons(settings: PhononOptions, record: PhononRecord, atoms: Atoms, evaluated: Frames) -> Phonons:
    """Return the phonons in the largest supercell, and write down what follows from them.

    :raises PhononError: if there are none.
    """
    if evaluated.forces is None:
        raise PhononError('The model gives no forces.')
    series: list[Phonons] = []
    begin = 0
    for cells in settings.displacements(atoms):
        part = evaluated[begin : begin + len(cells) + 1]
        begin += len(part)
        assert part.forces is not None
        forces = part.forces.reshape(len(part), -1, 3)
        series.append(force_constants(cells, forces[1:], residual=forces[0]))
        record.residual_force_ev_per_angstrom = float(np.abs(forces[0]).max())
        record.supercell_energy_difference_ev_per_atom = _energy_difference(part, record.energy_per_atom_ev)
    *smaller, largest = series
    _fill(settings, record, largest)
    record.convergence = [
        ConvergenceRecord(
            n_atoms=len(one.displacements.supercell), rms_thz=rms_frequency_difference(one, largest, settings.mesh)
        )
        for one in smaller
    ]  # fmt: skip
    record.doubts += _find_doubts(record)
    return largest


def find_deviations(
    settings: PhononOptions, crystal: PhononCrystal, phonons: dict[str, Phonons]
) -> dict[str, PhononDeviation]:  # fmt: skip
    """Return how far each model is from the reference.

    :param settings: which model is the reference, and the mesh.
    :param crystal: with its models.
    :param phonons: by model, as far as there are.
    """
    reference = settings.reference
    if reference is None or reference not in phonons:
        return {}
    found = {}
    for name, result in phonons.items():
        if name == reference:
            continue
        try:
            rms: float | None = rms_frequency_difference(phonons[reference], result, settings.mesh)
        except PhononError as exception:
            rms = None
            crystal.models[name].doubts.append(f'The frequencies are not compared one by one: {exception}')
        one, other = crystal.models[name], crystal.models[reference]
        assert one.thermal is not None and other.thermal is not None
        energies = [record.thermal.zero_point_energy_ev_per_atom for record in (one, other) if record.thermal]
        highest = [record.highest_frequency_thz or np.nan for record in (one, other)]
        found[name] = PhononDeviation(
            rms_thz=rms, highest_frequency_percent=100.0 * (highest[0] / highest[1] - 1.0),
            zero_point_energy_percent=100.0 * (energies[0] / energies[1] - 1.0),
        )  # fmt: skip
    return found


def _fill(settings: PhononOptions, record: PhononRecord, phonons: Phonons) -> None:
    """Write down what follows from the force constants."""
    cells, mesh = phonons.displacements, phonons.mesh(settings.mesh)
    # which refuses a mesh without modes
    thermal = phonons.thermal_properties(settings.temperatures, settings.mesh)
    record.supercell, record.n_atoms = cells.supercell_matrix.tolist(), len(cells.supercell)
    record.n_displacements, record.sum_rule_violation_ev_per_angstrom2 = len(cells), phonons.sum_rule_violation
    record.lowest_frequency_thz = float(mesh.frequencies[~mesh.is_acoustic].min())
    record.highest_frequency_thz = float(mesh.frequencies.max())
    imaginary = phonons.imaginary_modes(settings.mesh, tolerance=settings.tolerance, n_points=settings.path_points)
    record.n_imaginary_points = len(imaginary)
    record.imaginary = [
        ImaginaryRecord(
            q_point=list(modes.q_point), label=modes.label, n_branches=modes.n_branches,
            lowest_frequency_thz=modes.lowest_frequency,
        )
        for modes in imaginary[:NAMED_POINTS]
    ]  # fmt: skip
    record.thermal = ThermalRecord(
        temperatures_k=thermal.temperatures.tolist(), free_energies_ev_per_atom=thermal.free_energies.tolist(),
        entropies_ev_per_k_per_atom=thermal.entropies.tolist(),
        heat_capacities_ev_per_k_per_atom=thermal.heat_capacities.tolist(),
        zero_point_energy_ev_per_atom=thermal.zero_point_energy, imaginary_share=thermal.imaginary_share,
    )  # fmt: skip


def _energy_difference(part: Frames, energy_per_atom: float | None) -> float | None:
    """Return the energy of an atom in the supercell without displacements, less that in the crystal, in eV."""
    if part.energies is None or energy_per_atom is None:
        return None
    return float(part.energies[0]) / int(part.sizes[0]) - energy_per_atom


def _find_doubts(record: PhononRecord) -> list[str]:
    """Return what speaks against phonons, in sentences."""
    doubts = []
    if record.imaginary:
        worst = record.imaginary[0]
        where = worst.label or f'q = ({", ".join(f"{value:.3g}" for value in worst.q_point)})'
        doubts.append(
            f'The crystal is not at a minimum of the energy in all directions: imaginary modes at '
            f'{record.n_imaginary_points} points of the zone, the worst {-worst.lowest_frequency_thz:.2g}i THz at '
            f'{where}.'
        )
    if record.thermal is not None and record.thermal.imaginary_share > 0.0:
        share = 100.0 * record.thermal.imaginary_share
        doubts.append(f'Thermal properties leave out {share:.2g} % of the modes, which are imaginary.')
    difference = record.supercell_energy_difference_ev_per_atom
    if difference is not None and abs(difference) > SIZE_CONSISTENT:
        doubts.append(
            f'The model is not size-consistent: an atom has {1000.0 * difference:.2g} meV more in the supercell than '
            'in the crystal.'
        )
    force = record.residual_force_ev_per_angstrom
    if force is not None and force > LARGE_FORCE:
        doubts.append(
            f'Forces of up to {force:.2g} eV/Å are left in the supercell without displacements; they were subtracted.'
        )
    return doubts

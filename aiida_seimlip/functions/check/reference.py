"""Calcfunctions of the check of a reference program: the frames that it labels, and what its labels say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers, covalent_radii

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.check.sheet import Sheet
from aiida_seimlip.options.check.check import FINITE_FORCE, FINITE_STRESS, CheckLimits, CheckOptions
from aiida_seimlip.options.check.report import SpeedRecord
from aiida_seimlip.options.known_calculators import Precision, precision_of
from aiida_seimlip.science.analysis.consistency import (
    NEAR_DIFFERENCES,
    DifferencePlan,
    Differences,
    explain_difference,
    find_differences,
    plan_differences,
)
from aiida_seimlip.science.analysis.size_consistency import CELLS, compare_cells, describe_in_cells
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA

SEED = 3
RATTLE = 0.08
SHEAR = 0.12
BOND = 1.1
"""Distance of neighbours in the small cell, in sums of their covalent radii."""

WRONG_ENERGY = (
    'Label with the energy that belongs to the forces (of VASP `energy_free`, not the one for zero smearing), converge '
    'the SCF more tightly, or allow more by the option `limits.finite_force`.'
)
WRONG_STRESS = (
    'Check the sign, the order xx yy zz yz xz xy and the unit of the stress. With plane waves, Pulay stress fades with '
    'the cut-off; allow for it by the option `limits.finite_stress`.'
)
SINGLE_PRECISION = (
    ' Nothing is known of the precision of this calculator: if it is a model in single precision, the energies are '
    'rounded (7net-0 needs 0.005 eV/Å for it, CHGNet 0.05).'
)
NOT_EXTENSIVE = (
    'The energy of a crystal depends on the cell that describes it: take k-points of even density (not Γ alone, and '
    'not one grid for all cells: `kspacing` of `espresso`, `kpts: {"density": 5}` of `gpaw`) or large cells, of one '
    'size throughout a training set. A larger cell can be checked by `--structure`.'
)
NO_LABEL = (
    'See what the program says about the frame. If it does not know {elements}, name two elements that it knows '
    '(`--options \'{{"elements": ["Cu", "Au"]}}\'`), or give a structure that it can do (`--structure`).'
)
NO_LABEL_OF_GIVEN = 'Give another structure, which the program can do, and see what it says about the frame.'


@calcfunction
def make_small_cells(parameters: orm.Dict, **given: Any) -> dict[str, FramesData]:
    """Lay out the frames whose energies tell what forces and stress should be.

    :param parameters: of the check (`CheckOptions`).
    :param given: ``structure``, if the user gave one: a structure, or one frame.
    :return: ``frames``, in the order of `plan_differences`; ``cells``, one crystal in several, unless they are
        too large.
    """
    options = CheckOptions.from_node(parameters)
    made = {'frames': FramesData(plan_check(options, given.get('structure')).frames)}
    cells = describe_in_cells(crystal_of(options, given.get('structure')))
    if cells.sizes.max() <= options.largest_cell:
        made['cells'] = FramesData(cells)
    return made


def crystal_of(options: CheckOptions, structure: FramesData | orm.StructureData | None) -> Atoms:
    """Return the crystal whose energy is compared in several cells, in its smallest.

    :param options: of the check.
    :param structure: the one that the user gave, if any; else it is rock salt.
    """
    if structure is not None:
        return get_frame(structure).to_atoms()[0]
    return _rock_salt(options.elements)


def _rock_salt(elements: tuple[str, str]) -> Atoms:
    length = 2.0 * BOND * sum(covalent_radii[atomic_numbers[symbol]] for symbol in elements)
    atoms = bulk('NaCl', 'rocksalt', a=length)
    atoms.symbols[:] = elements
    return atoms


def plan_check(options: CheckOptions, structure: FramesData | orm.StructureData | None) -> DifferencePlan:
    """Return the plan of the differences; the same for the same inputs.

    :param options: of the check.
    :param structure: the one that the user gave, if any.
    """
    atoms = small_cell(options.elements) if structure is None else get_frame(structure).to_atoms()[0]
    return plan_differences(
        atoms, displacement=options.displacement, strain=options.strain, n_directions=options.n_directions, seed=SEED
    )


def small_cell(elements: tuple[str, str]) -> Atoms:
    """Return a sheared and rattled cell of four atoms on a lattice of rock salt, without any symmetry.

    :param elements: of the two sublattices.
    """
    atoms = _rock_salt(elements).repeat((1, 1, 2))
    shear = np.eye(3)
    shear[2, 0] = SHEAR
    atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    atoms.positions += np.random.default_rng(SEED).normal(scale=RATTLE, size=atoms.positions.shape)
    return atoms


@calcfunction
def judge_reference_check(parameters: orm.Dict, processes: orm.Dict, **groups: Any) -> orm.Dict:
    """Return what the labels say about the program: `facts`, `checks` and `speeds` of a `CheckReport`.

    :param parameters: of the check (`CheckOptions`).
    :param processes: how each process ended.
    :param groups: ``made`` (with ``frames`` and, if there are, ``cells``, and ``structure`` and ``settings`` of the
        user), and the outputs of the engine: ``label`` for the frames, ``cells`` for the cells.
    """
    options = CheckOptions.from_node(parameters)
    sheet = Sheet(processes.get_dict())
    made = groups['made']
    plan = plan_check(options, made.get('structure'))
    settings = made['settings'].get_dict() if 'settings' in made else {}
    precision = precision_of(settings)
    facts = {'cell': f'{plan.frames.formulas[0]}, {len(plan.frames)} frames'}
    limits = find_limits(options, precision)
    if precision is not None:
        facts['precision'] = f'single: {limits.finite_force:g} eV/Å and {limits.finite_stress:g} GPa are rounding'
    speeds: list[SpeedRecord] = []
    names = ['labels', 'forces', 'stress', 'extensivity', 'speed']
    if sheet.ran('label', names):
        remedy = NO_LABEL.format(elements=' and '.join(options.elements))
        labelled = _judge_labels(sheet, groups['label'], plan, NO_LABEL_OF_GIVEN if 'structure' in made else remedy)
        if labelled is None:
            sheet.skip(names[1:], 'Not all frames have labels.')
        else:
            hint = SINGLE_PRECISION if precision is None and 'calculator' in settings else ''
            _judge_differences(sheet, find_differences(plan, labelled), limits, hint)
            speeds = _judge_speed(sheet, plan)
    _judge_cells(sheet, made.get('cells'), groups.get('cells'), options)
    return orm.Dict({
        'facts': facts, 'checks': [check.model_dump() for check in sheet.checks],
        'speeds': [speed.model_dump() for speed in speeds],
    })  # fmt: skip


def find_limits(options: CheckOptions, precision: Precision | None) -> CheckLimits:
    """Return the limits, with those that the user left open.

    :param options: of the check.
    :param precision: of the calculator, None if it is not known to be single.
    """
    limits = options.limits
    known = (FINITE_FORCE, FINITE_STRESS)
    if precision is not None:
        known = precision.limits(options.displacement, options.strain)
    force, stress = limits.finite_force or known[0], limits.finite_stress or known[1]
    return limits.model_copy(update={'finite_force': force, 'finite_stress': stress})


def _judge_labels(sheet: Sheet, outputs: Mapping[str, Any], plan: DifferencePlan, remedy: str) -> Frames | None:
    """Return the labelled frames, None if there are not all."""
    failures = outputs['failures'].get_dict()
    if not failures and 'frames' in outputs and outputs['frames'].n_frames == len(plan.frames):
        sheet.note('labels', f'All {len(plan.frames)} frames have energy and forces.', 'label')
        found: Frames = outputs['frames'].get_frames()
        return found
    index, reason = next(iter(failures.items()), ('?', 'there is no reason'))
    sheet.fail(
        'labels',
        f'{len(failures)} of {len(plan.frames)} frames have no label; frame {index}: {reason}',
        remedy,
        'label',
    )
    return None


def _judge_differences(sheet: Sheet, differences: Differences, limits: CheckLimits, hint: str) -> None:
    force = np.abs(differences.forces - differences.finite_forces)
    rule = explain_difference(differences.forces, differences.finite_forces, NEAR_DIFFERENCES)
    sheet.compare(
        'forces', float(force.max()), limits.finite_force or FINITE_FORCE, unit='eV/Å', job='label',
        good='They are the slopes of the energy.', bad=f'Compared with the slopes of the energy, they {rule}.',
        remedy=WRONG_ENERGY + hint,
    )  # fmt: skip
    if differences.stress is None:
        sheet.pass_over('stress', 'The program gives no stress: training goes without.')
    else:
        stress = np.abs(differences.stress - differences.finite_stress)
        rule = explain_difference(differences.stress, differences.finite_stress, NEAR_DIFFERENCES)
        sheet.compare(
            'stress', float(stress.max()) * EV_PER_A3_TO_GPA, limits.finite_stress or FINITE_STRESS,
            unit='GPa', job='label', good='It is the slope of the energy under strain.',
            bad=f'Compared with the slopes of the energy under strain, its components {rule}.', remedy=WRONG_STRESS,
        )  # fmt: skip
    sheet.compare(
        'extensivity', abs(differences.extensivity), limits.extensivity, unit='eV/atom', job='label',
        good='The cell repeated once has twice the energy.',
        bad='The cell repeated once does not have twice the energy.', remedy=NOT_EXTENSIVE,
    )  # fmt: skip


def _judge_cells(
    sheet: Sheet, cells: FramesData | None, outputs: Mapping[str, Any] | None, options: CheckOptions
) -> None:  # fmt: skip
    """Write a line on the energy per atom of one crystal in several cells."""
    name = 'energy per atom'
    if cells is None:
        sheet.pass_over(name, f'A crystal in {len(CELLS)} cells would take more than {options.largest_cell} atoms.')
        return
    if 'cells' not in sheet.processes:
        sheet.skip([name], 'No frame has labels.')
        return
    if not sheet.ran('cells', [name]):
        return
    outputs = outputs or {}
    failures = outputs['failures'].get_dict()
    sizes = cells.get_frames().sizes
    lacking = [f'none ({sizes[int(index)]} atoms: {reason})' for index, reason in failures.items()]
    found = compare_cells(outputs['frames'].get_frames()) if 'frames' in outputs else None
    listed = ', '.join([*([str(found)] if found else []), *lacking])
    if found is None or failures:
        sheet.warn(name, f'One crystal has no label in {len(failures)} of its cells: {listed}.', NOT_EXTENSIVE, 'cells')
        return
    sheet.compare(
        name, found.spread, options.limits.extensivity, unit='eV/atom', job='cells',
        good=f'One crystal in {len(CELLS)} cells: {listed} eV.',
        bad=f'One crystal in {len(CELLS)} cells has different ones: {listed} eV.',
        remedy=NOT_EXTENSIVE, otherwise='warning',
    )  # fmt: skip


def _judge_speed(sheet: Sheet, plan: DifferencePlan) -> list[SpeedRecord]:
    process = sheet.processes['label']
    seconds = float(process['program_seconds']) / len(plan.frames)
    n_atoms = int(plan.frames.sizes[0])
    sheet.note('speed', f'{n_atoms} atoms, {process["n_ranks"]} rank(s).', 'label', value=seconds, unit='s/frame')
    return [SpeedRecord(n_atoms=n_atoms, n_ranks=process['n_ranks'], seconds_per_frame=seconds)]

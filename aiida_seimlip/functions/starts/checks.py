"""The calcfunction that judges condensed cells by what was packed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase.units import GPa

from aiida_seimlip.data.frames import FramesData, find_shortest_distances
from aiida_seimlip.options.starts.packed import PackedTable
from aiida_seimlip.options.starts.starts import StartsEngines, StartsOptions
from aiida_seimlip.options.starts.table import StartRecord, StartsTable, UnitsRecord
from aiida_seimlip.science.analysis.condensed import compare_bonds, find_duplicates
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.molecules import MOLECULES

MOST_NAMED = 3
"""So many bonds are named in a sentence."""


@calcfunction
def check_starts(options: orm.Dict, packing: orm.Dict, **groups: Any) -> dict[str, orm.Data]:
    """Judge every start, and return those of use.

    :param options: what a start must be (`StartsOptions`).
    :param packing: the table of `pack_recipe`.
    :param groups: ``packed`` (the cells that were packed, in the order of the table) and, where an engine condensed
        them, ``engines`` (`StartsEngines`) and ``condensed`` with what it gave: ``frames``, ``failures``, ``record``.
    :return: ``table`` (`StartsTable`), and ``frames`` (one for each start that passed) if there are any.
    :raises ValueError: if the condensed frames are not as many as came through.
    """
    settings = StartsOptions.from_node(options)
    engine = StartsEngines.from_node(groups['engines']).condensation if 'engines' in groups else None
    plan = PackedTable.model_validate(packing.get_dict())
    starts = begin_table(plan)
    table = StartsTable(starts=starts, condensation=engine, warnings=plan.warnings)
    final: dict[int, Frames] = {}
    if 'packed' in groups:
        packed = groups['packed'].get_frames(trace=True)
        condensed = groups.get('condensed')
        final = (
            {index: packed[index] for index in range(len(packed))} if engine is None else take(packed, condensed or {})
        )
        tell_of_packing(starts, packed)
        tell_of_condensation(starts, condensed or {}, engine)
        for start, row in zip(starts, plan.starts, strict=True):
            if start.packed_index in final:
                cells = packed[start.packed_index], final[start.packed_index]
                describe(start, *cells, plan.owners_of(row), settings)
        if engine is None:  # molecules are packed as near to each other as bonded atoms are
            settings = settings.model_copy(update={'new_bonds': 'report'})
        judge(starts, final, settings)
    passed = [start for start in starts if start.verdict == 'passed']
    for index, start in enumerate(passed):
        start.index = index
    outputs: dict[str, orm.Data] = {'table': orm.Dict(table.model_dump(mode='json'))}
    if passed:
        frames = [final[start.packed_index] for start in passed if start.packed_index is not None]
        outputs['frames'] = FramesData(Frames.concatenate(frames))
    return outputs


def begin_table(packing: PackedTable) -> list[StartRecord]:
    """Return a record for each start, with what is known from its packing.

    :param packing: the table of `pack_recipe`.
    """
    indices = {name: index for index, name in enumerate(packing.names)}
    return [
        StartRecord(
            name=row.name, verdict='passed' if row.reason is None else 'failed', packed_index=indices.get(row.name),
            reason=None if row.reason is None else f'It was not packed: {row.reason}', counts=row.counts,
            charge=row.charge, n_atoms=row.n_atoms, packing=row.method, seed=row.seed,
            packed_density=row.density,
        )
        for row in packing.starts
    ]  # fmt: skip


def take(packed: Frames, condensed: Mapping[str, Any]) -> dict[int, Frames]:
    """Return the condensed frames by the index of what was packed.

    :param packed: what was given to the engine.
    :param condensed: its outputs ``frames`` and ``failures``.
    :raises ValueError: if there are not as many as came through.
    """
    if 'frames' not in condensed:
        return {}
    failed = condensed['failures'].get_dict() if 'failures' in condensed else {}
    frames = condensed['frames'].get_frames(trace=True)
    indices = [index for index in range(len(packed)) if str(index) not in failed]
    if len(indices) != len(frames):
        raise ValueError(f'The engine gave {len(frames)} frames where {len(indices)} came through.')
    return dict(zip(indices, (frames[number] for number in range(len(frames))), strict=True))


def tell_of_packing(starts: Sequence[StartRecord], packed: Frames) -> None:
    """Complete what is known of the cells that were packed."""
    densities, formulas = packed.densities, packed.formulas
    for start in starts:
        if start.packed_index is not None:
            start.formula = formulas[start.packed_index]
            start.n_atoms = int(packed.sizes[start.packed_index])
            start.packed_density = float(densities[start.packed_index])


def tell_of_condensation(starts: Sequence[StartRecord], condensed: Mapping[str, Any], engine: str | None) -> None:
    """Say which starts did not come through, and how warm they became on the way."""
    if engine is None:
        return
    failures = condensed['failures'].get_dict() if 'failures' in condensed else {}
    warm = temperature_ranges(condensed.get('record'))
    for start in starts:
        index = start.packed_index
        if index is None:
            continue
        start.temperature_range = warm.get(index)
        if 'frames' not in condensed or str(index) in failures:
            reason = failures.get(str(index), 'the engine ended before it')
            start.verdict, start.reason = 'failed', f'It was not condensed: {reason}'


def temperature_ranges(record: orm.ArrayData | None) -> dict[int, tuple[float, float]]:
    """Return the lowest and the highest temperature in K of each frame that was ever in motion.

    :param record: of an engine; None if it kept none.
    """
    if record is None:
        return {}
    frames, temperatures = record.get_array('frame'), record.get_array('temperature')
    moving = np.isfinite(temperatures) & (temperatures > 0)
    return {
        int(index): (float(own.min()), float(own.max()))
        for index in np.unique(frames[moving]) for own in [temperatures[moving & (frames == index)]]
    }  # fmt: skip


def describe(start: StartRecord, packed: Frames, final: Frames, molecules: np.ndarray, settings: StartsOptions) -> None:
    """Complete what is known of one start at its end.

    :param packed: its cell as it was packed.
    :param final: the same at the end.
    :param molecules: number of the molecule of each atom; shape (n_atoms,).
    """
    start.density = float(final.densities[0])
    start.shortest_distance = float(find_shortest_distances(final)[0])
    if final.energies is not None and np.isfinite(final.energies[0]):
        start.energy_per_atom = float(final.energies[0] / final.sizes[0])
        start.method = '' if final.methods is None else str(final.methods[0])
    if final.forces is not None and np.isfinite(final.forces).all():
        start.max_force = float(np.linalg.norm(final.forces, axis=1).max())
    if final.stresses is not None and np.isfinite(final.stresses[0]).all():
        start.pressure = float(-final.stresses[0, :3].mean() / GPa)
    changes = compare_bonds(packed, final, molecules=molecules, tolerance=settings.bond_tolerance)
    start.units = {
        unit_name(formula): UnitsRecord(
            n_packed=fate.n_packed, n_whole=fate.n_whole, pieces=dict(sorted(fate.pieces.items()))
        )
        for formula, fate in sorted(changes.units.items())
    }
    start.new_bonds = [f'{one}–{other} {length:.2f} Å' for one, other, length in changes.new_bonds]


def judge(starts: Sequence[StartRecord], final: Mapping[int, Frames], settings: StartsOptions) -> None:
    """Give verdicts: on each start by itself, then on those that are the same as another of use.

    :param final: frames at the end, by the index of what was packed.
    """
    for start in starts:
        if start.packed_index not in final or start.verdict != 'passed':
            continue
        for fault, answer in find_faults(start, settings):
            answer_fault(start, fault, answer)
    chosen = [start for start in starts if start.verdict == 'passed']
    if len(chosen) < 2:
        return
    frames = Frames.concatenate([final[start.packed_index] for start in chosen if start.packed_index is not None])
    for index, twin in find_duplicates(frames).items():
        chosen[index].same_as = chosen[twin].name
        answer_fault(chosen[index], f'It is the same structure as `{chosen[twin].name}`.', settings.duplicates)


def answer_fault(start: StartRecord, fault: str, answer: str) -> None:
    """Drop a start, or say what is doubtful about it."""
    if answer == 'report':
        start.doubts.append(fault)
    else:
        start.verdict, start.reason = 'dropped', fault if start.reason is None else f'{start.reason} {fault}'


def find_faults(start: StartRecord, settings: StartsOptions) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a start in a sentence, and what is done about it.

    :param start: with all that is known of it.
    """
    distance, density = start.shortest_distance, start.density
    if distance is not None and distance < settings.min_distance:
        yield f'Two atoms are {distance:.2f} Å apart, below the limit of {settings.min_distance:g} Å.', 'drop'
    if density is not None and density < settings.min_density:
        yield f'Its density is {density:.2f} g/cm³, below the limit of {settings.min_density:g} g/cm³.', 'drop'
    if density is not None and density > settings.max_density:
        yield f'Its density is {density:.2f} g/cm³, above the limit of {settings.max_density:g} g/cm³.', 'drop'
    force, pressure = start.max_force, start.pressure
    if force is not None and settings.max_force is not None and force > settings.max_force:
        yield (
            f'A force of {force:.2f} eV/Å is left, above the limit of {settings.max_force:g} eV/Å.',
            settings.residuals,
        )
    if pressure is not None and settings.max_pressure is not None and abs(pressure) > settings.max_pressure:
        yield (
            f'A pressure of {pressure:.2f} GPa is left, above the limit of {settings.max_pressure:g} GPa.',
            settings.residuals,
        )
    if start.n_broken:
        yield describe_broken(start), settings.broken_units
    if start.new_bonds:
        number = len(start.new_bonds)
        named = ', '.join(start.new_bonds[:MOST_NAMED]) + (', ...' if number > MOST_NAMED else '')
        yield f'Units are bonded that were apart ({named}).', settings.new_bonds


def describe_broken(start: StartRecord) -> str:
    """Say which units broke, and into what."""
    parts = [
        f'{unit.n_packed - unit.n_whole} of {unit.n_packed} {name} broke into '
        + ', '.join(f'{count} {piece}' for piece, count in unit.pieces.items())
        for name, unit in start.units.items() if unit.n_whole < unit.n_packed
    ]  # fmt: skip
    return f'{"; ".join(parts)}.'


def unit_name(formula: str) -> str:
    """Return the name of a bonded unit: that of the built-in ion with its atoms, if there is one.

    :param formula: in Hill order.
    """
    return next((name for name, molecule in MOLECULES.items() if molecule.formula == formula), formula)

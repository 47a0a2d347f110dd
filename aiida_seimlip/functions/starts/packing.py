"""The calcfunction that packs the starts of a recipe."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.starts.packed import MoleculeRecord, PackedRecord, PackedTable
from aiida_seimlip.options.starts.recipe import PackingOptions, RecipeOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.seeds import derive_seed
from aiida_seimlip.science.structures.compositions import (
    ELECTRON_DONOR,
    CompositionError,
    draw_compositions,
    net_charge,
)
from aiida_seimlip.science.structures.molecules import MOLECULES, Molecule, MoleculeError
from aiida_seimlip.science.structures.molecules.smiles import molecule_from_smiles
from aiida_seimlip.science.structures.packing import (
    MissingProgramError,
    PackedCell,
    PackingError,
    cell_lengths,
    pack_units,
)
from aiida_seimlip.science.structures.packing.units import explain_method, volume_at

AT_ONCE = 2
"""Cells that are packed at the same time: packmol is a program of its own."""

START = 'start'
"""Feature of a frame: the name of its start."""


@dataclass(frozen=True)
class PlannedStart:
    """A start to be packed.

    :param name: of the start.
    :param counts: of each molecule, in the order of their names.
    :param seed: to pack it with.
    """

    name: str
    counts: Mapping[str, int]
    seed: int


@calcfunction
def pack_recipe(recipe: orm.Dict, **molecules: orm.Data) -> dict[str, orm.Data]:
    """Pack the starts of a recipe; the same recipe and molecules give the same cells.

    Packing takes about half a second a start. A start that cannot be packed stands in the table with the reason.

    :param recipe: as `RecipeOptions`.
    :param molecules: those under `molecules` in the recipe without SMILES, by name: structures, or frames, of one
        molecule each.
    :return: ``table`` (the content of a `PackedTable`) and, if there are any, ``packed``: a frame for each start that
        could be packed, in order of the table, the atoms of each molecule together.
    :raises MoleculeError: if a molecule is missing or cannot be made.
    :raises CompositionError: if no random composition fits.
    :raises MissingProgramError: if the program is not installed that is to pack.
    """
    options = RecipeOptions.from_node(recipe)
    known = gather_molecules(options, molecules)
    starts = plan_starts(options, known)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        cells = list(pool.map(lambda start: pack_start(start, known, options.packing), starts))
    table = PackedTable(
        starts=[_record(start, cell, known) for start, cell in zip(starts, cells, strict=True)],
        molecules={name: _describe(molecule) for name, molecule in known.items()},
        warnings=find_doubts(options),
    )
    outputs: dict[str, orm.Data] = {'table': orm.Dict(table.model_dump(mode='json'))}
    packed = [(start, cell) for start, cell in zip(starts, cells, strict=True) if isinstance(cell, PackedCell)]
    if packed:
        frames = Frames.from_atoms(cell.atoms for _, cell in packed)
        outputs['packed'] = FramesData(frames.with_features([{START: start.name} for start, _ in packed]))
    return outputs


def explain_recipe(options: RecipeOptions, molecules: Mapping[str, orm.Data]) -> str | None:
    """Say why a recipe cannot be packed here, as far as that is known before it is tried.

    :param options: the recipe.
    :param molecules: nodes with geometries, by name.
    :return: one sentence, None if all is well.
    """
    try:
        plan_starts(options, gather_molecules(options, molecules))
    except (MoleculeError, CompositionError) as exception:
        return str(exception)
    return explain_method(options.packing.method)


def find_doubts(options: RecipeOptions) -> list[str]:
    """Return a sentence for each thing that is likely to go wrong.

    :param options: the recipe.
    """
    ranges = {} if options.random is None else {name: high for name, (_, high) in options.random.ranges.items()}
    mixtures = [*options.compositions.values(), ranges]
    anions = sorted({
        name for counts in mixtures for name, count in counts.items()
        if count and options.charges[name] < 0 and counts.get(ELECTRON_DONOR)
    })  # fmt: skip
    salts = {'EDC': 'Li2EDC', 'BDC': 'Li2BDC', 'CO3': 'Li2CO3', 'PF6': 'LiPF6'}
    return [
        f'`{name}` is packed as a bare ion, and its lithium somewhere else: universal potentials know no charges, and '
        'what they relax may lose atoms (EDC loses an H)' + (f'; pack `{salts[name]}`.' if name in salts else '.')
        for name in anions
    ]


def gather_molecules(options: RecipeOptions, nodes: Mapping[str, orm.Data]) -> dict[str, Molecule]:
    """Return the molecules that a recipe uses, in the order of their names.

    :param options: the recipe.
    :param nodes: with the geometries of those that are neither built in nor given as SMILES, by name.
    :raises MoleculeError: if one is missing or cannot be made, or there is one for nothing.
    """
    wanted = {name for name, molecule in options.molecules.items() if molecule.smiles is None}
    surplus = sorted(set(nodes) - wanted)
    if surplus:
        raise MoleculeError(
            f'The recipe does not ask for the node of the molecule `{surplus[0]}`: name it under `molecules`, without '
            '`smiles`.'
        )
    return {name: MOLECULES.get(name) or _own_molecule(name, options, nodes) for name in sorted(options.used)}


def plan_starts(options: RecipeOptions, molecules: Mapping[str, Molecule]) -> list[PlannedStart]:
    """Return what is to be packed, in order of the names; those that are drawn come last.

    The seed of each comes from its name, so that another composition in the recipe changes none of them.

    :param options: the recipe.
    :param molecules: that it uses, by name.
    :raises CompositionError: if no random composition fits.
    """
    counts = dict(zip(options.names, _compositions(options, molecules), strict=True))
    return [
        PlannedStart(name, dict(sorted(each.items())), derive_seed(options.seed, zlib.crc32(name.encode('ascii'))))
        for name, each in counts.items()
    ]


def _compositions(options: RecipeOptions, molecules: Mapping[str, Molecule]) -> list[dict[str, int]]:
    named = [
        {molecule: count for molecule, count in options.compositions[name].items() if count}
        for name in sorted(options.compositions) for _ in range(options.copies)
    ]  # fmt: skip
    if options.random is None:
        return named
    drawn = draw_compositions(
        options.random.ranges, options.random.number,
        sizes={name: len(molecule.atoms) for name, molecule in molecules.items()}, charges=options.charges,
        atoms=(options.random.min_atoms, options.random.max_atoms), neutral=options.neutral, seed=options.seed,
    )  # fmt: skip
    return [*named, *drawn]


def _own_molecule(name: str, options: RecipeOptions, nodes: Mapping[str, orm.Data]) -> Molecule:
    settings = options.molecules[name]
    if settings.smiles is not None:
        return molecule_from_smiles(name, settings.smiles, volume=settings.volume, seed=options.seed)
    if name not in nodes:
        raise MoleculeError(f'The geometry of the molecule `{name}` is missing: give it as a node, or as SMILES.')
    node = nodes[name]
    try:
        (atoms,) = get_frame(node).to_atoms()
    except ValueError as exception:
        raise MoleculeError(f'The molecule `{name}` cannot be packed: {exception}') from exception
    return Molecule.of(
        name, atoms, charge=settings.formal_charge, volume=settings.volume, source=f'geometry: node {node.uuid}'
    )


def pack_start(start: PlannedStart, molecules: Mapping[str, Molecule], options: PackingOptions) -> PackedCell | str:
    """Pack one start.

    :return: the cell, or why there is none.
    """
    used: Sequence[Molecule] = [molecules[name] for name in start.counts]
    counts = list(start.counts.values())
    volume = options.volume_factor * sum(count * each.volume for each, count in zip(used, counts, strict=True))
    if options.density is not None:
        volume = volume_at(options.density, sum(count * each.mass for each, count in zip(used, counts, strict=True)))
    try:
        return pack_units(
            used, counts, cell_lengths(volume, options.proportions, options.min_length), method=options.method,
            tolerances=options.tolerances, seed=start.seed, time_limit=options.time_limit,
        )  # fmt: skip
    except MissingProgramError:
        raise
    except PackingError as exception:
        return str(exception)


def _record(start: PlannedStart, cell: PackedCell | str, molecules: Mapping[str, Molecule]) -> PackedRecord:
    plan = {
        'name': start.name, 'counts': start.counts, 'seed': start.seed,
        'charge': net_charge(start.counts, {name: molecule.charge for name, molecule in molecules.items()}),
        'n_atoms': sum(count * len(molecules[name].atoms) for name, count in start.counts.items()),
    }  # fmt: skip
    if isinstance(cell, str):
        return PackedRecord.model_validate({**plan, 'reason': cell})
    return PackedRecord.model_validate({
        **plan, 'method': cell.method, 'program': cell.program, 'tolerance': cell.tolerance, 'shortest': cell.shortest,
        'density': cell.density, 'lengths': tuple(cell.atoms.cell.lengths().tolist()), 'seconds': cell.seconds,
        'notes': list(cell.notes),
    })  # fmt: skip


def _describe(molecule: Molecule) -> MoleculeRecord:
    return MoleculeRecord(
        formula=molecule.formula, n_atoms=len(molecule.atoms), charge=molecule.charge, volume=molecule.volume,
        source=molecule.source,
    )  # fmt: skip

"""Calcfunctions that make supercells, point defects and the end points of hops.

Each returns the structure as one frame, and a record of what was done to which atom.
"""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.structure.defects import (
    FrenkelPairOptions,
    HopOptions,
    InterstitialOptions,
    SupercellOptions,
    VacancyOptions,
)
from aiida_seimlip.science.structures import defects, hops, migration
from aiida_seimlip.science.structures.supercells import StructureError, describe, supercell


@calcfunction
def make_supercell(structure: FramesData | orm.StructureData, parameters: orm.Dict) -> dict[str, orm.Data]:
    """Repeat a cell.

    :param structure: the crystal: a structure, or one frame.
    :param parameters: as `SupercellOptions`.
    :return: ``structure`` and ``record``.
    :raises StructureError: if the matrix makes no cell.
    """
    atoms = _atoms_of(structure)
    matrix = SupercellOptions.from_node(parameters).matrix_for(atoms)
    result = supercell(atoms, matrix)
    return {
        'structure': FramesData.from_atoms([result]),
        'record': orm.Dict({'kind': 'supercell', 'supercell': describe(result, matrix)}),
    }


@calcfunction
def make_vacancy(structure: FramesData | orm.StructureData, parameters: orm.Dict) -> dict[str, orm.Data]:
    """Remove one atom from a crystal.

    :param structure: the perfect crystal: a structure, or one frame.
    :param parameters: as `VacancyOptions`.
    :return: ``structure`` and ``record``.
    :raises StructureError: if there is no such element or site.
    """
    atoms = _atoms_of(structure)
    return _outputs(defects.vacancy(atoms, **VacancyOptions.from_node(parameters).keywords(atoms)))


@calcfunction
def make_interstitial(structure: FramesData | orm.StructureData, parameters: orm.Dict) -> dict[str, orm.Data]:
    """Add one atom to a crystal.

    :param structure: the perfect crystal: a structure, or one frame.
    :param parameters: as `InterstitialOptions`.
    :return: ``structure`` and ``record``.
    :raises StructureError: if there is no such site, or an atom is in the way.
    """
    atoms = _atoms_of(structure)
    return _outputs(defects.interstitial(atoms, **InterstitialOptions.from_node(parameters).keywords(atoms)))


@calcfunction
def make_frenkel_pair(structure: FramesData | orm.StructureData, parameters: orm.Dict) -> dict[str, orm.Data]:
    """Move one atom of a crystal to an empty site.

    :param structure: the perfect crystal: a structure, or one frame.
    :param parameters: as `FrenkelPairOptions`.
    :return: ``structure`` and ``record``.
    :raises StructureError: if there is no such element or site, or an atom is in the way.
    """
    atoms = _atoms_of(structure)
    return _outputs(defects.frenkel_pair(atoms, **FrenkelPairOptions.from_node(parameters).keywords(atoms)))


@calcfunction
def make_end_points(structure: FramesData | orm.StructureData, parameters: orm.Dict) -> dict[str, orm.Data]:
    """Make the structures before and after a hop, with the atoms of both in the same order.

    :param structure: the perfect crystal: a structure, or one frame.
    :param parameters: as `HopOptions`.
    :return: ``initial``, ``final`` and ``record``.
    :raises StructureError: if there is no such hop, or the supercell is too small for it.
    """
    atoms = _atoms_of(structure)
    options = HopOptions.from_node(parameters)
    found = find_hops(atoms, options)
    if options.number >= len(found):
        raise StructureError(
            f'There is no {options.mechanism} hop {options.number}: there are {len(found)}, numbered from 0 to '
            f'{len(found) - 1}.'
        )
    ends = migration.end_points(atoms, found[options.number], options.supercell.matrix_for(atoms))
    return _ends(ends, {'number': options.number})


@calcfunction
def match_end_points(
    initial: FramesData | orm.StructureData, final: FramesData | orm.StructureData
) -> dict[str, orm.Data]:
    """Check that two structures are the ends of one path, and take the atoms of the second where they are nearest.

    :param initial: a structure, or one frame.
    :param final: a structure, or one frame.
    :return: ``initial``, ``final`` and ``record``.
    :raises EndPointsError: if they do not have the same atoms in the same order and the same cell, or are the same.
    """
    return _ends(migration.match(_atoms_of(initial), _atoms_of(final)))


def find_hops(atoms: Atoms, options: HopOptions) -> list[hops.Hop]:
    """Return the distinct hops that the options ask for, shortest first.

    :param atoms: the perfect crystal.
    :param options: of which ``number`` and ``supercell`` do not matter.
    :raises StructureError: if there is none.
    """
    finders = {
        'vacancy': hops.vacancy, 'interstitial_direct': hops.interstitial_direct,
        'interstitial_knock_off': hops.interstitial_knock_off,
        'frenkel_pair_generation': hops.frenkel_pair_generation,
    }  # fmt: skip
    return finders[options.mechanism](atoms, **options.finder_keywords())


def _atoms_of(node: FramesData | orm.StructureData) -> Atoms:
    (atoms,) = get_frame(node).to_atoms()
    return atoms


def _outputs(defect: defects.Defect) -> dict[str, orm.Data]:
    return {'structure': FramesData.from_atoms([defect.atoms]), 'record': orm.Dict(defect.to_dict())}


def _ends(ends: migration.EndPoints, more: dict[str, int] | None = None) -> dict[str, orm.Data]:
    return {
        'initial': FramesData.from_atoms([ends.initial]), 'final': FramesData.from_atoms([ends.final]),
        'record': orm.Dict({**ends.to_dict(), **(more or {})}),
    }  # fmt: skip

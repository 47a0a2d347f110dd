"""Lone atoms, whose energies are where the constants of the elements begin."""

from __future__ import annotations

from collections.abc import Iterable

from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData


def atoms_alone(species: Iterable[str], length: float) -> list[Atoms]:
    """Return an atom of each species, each in a periodic box of its own.

    :param species: chemical symbols.
    :param length: of the box in Å.
    """
    return [Atoms(symbol, positions=[[length / 2] * 3], cell=[length] * 3, pbc=True) for symbol in species]


@calcfunction
def with_lone_atoms(parameters: orm.Dict, atoms: FramesData) -> orm.Dict:
    """Return parameters of a training that know the energies of lone atoms.

    :param parameters: of the training engine.
    :param atoms: labelled, one in each frame.
    """
    frames = atoms.get_frames()
    assert frames.energies is not None
    symbols = [frame.symbols[0] for frame in frames.to_atoms()]
    energies = dict(zip(symbols, map(float, frames.energies), strict=True))
    return orm.Dict({**parameters.get_dict(), 'atom_energies': energies})

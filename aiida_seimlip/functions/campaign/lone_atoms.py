"""Calcfunctions on lone atoms, whose energies are where the constants of the elements begin."""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions


@calcfunction
def place_lone_atoms(options: orm.Dict, species: orm.List) -> FramesData:
    """Return an atom of each species, each in a periodic box of its own.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param species: chemical symbols in type order.
    :raises ValueError: if the options want no lone atoms.
    """
    length = ActiveLearningOptions.from_node(options).lone_atoms
    if length is None:
        raise ValueError('The options want no lone atoms.')
    return FramesData.from_atoms([
        Atoms(symbol, positions=[[length / 2] * 3], cell=[length] * 3, pbc=True) for symbol in species.get_list()
    ])  # fmt: skip


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

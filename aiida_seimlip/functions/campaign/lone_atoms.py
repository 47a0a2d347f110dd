"""The calcfunction that places the lone atoms of a campaign."""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.lone_atoms import atoms_alone
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
    return FramesData.from_atoms(atoms_alone(species.get_list(), length))

"""The calcfunction that gives each start a node of its own, as campaigns take them."""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.starts.table import StartsTable


@calcfunction
def split_starts(frames: FramesData, table: orm.Dict) -> dict[str, FramesData]:
    """Make one node of one frame of each start, under its name.

    :param frames: of the starts that passed, such as the output of `StartsWorkChain`; labels are left out, as starts
        are no training set.
    :param table: on all starts (`StartsTable`), which knows their names.
    :return: a frame by the name of each start: what the input `structures` of `ActiveLearningWorkChain` takes.
    :raises ValueError: if the table belongs to other frames.
    """
    names = StartsTable.model_validate(table.get_dict()).names
    if len(names) != frames.n_frames:
        raise ValueError(f'The table names {len(names)} starts that passed, but there are {frames.n_frames} frames.')
    found = frames.get_frames(trace=True).without_labels()
    return {name: FramesData(found[index]) for index, name in enumerate(names)}

"""One node for each start."""

from __future__ import annotations

import pytest
from aiida import orm
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.starts.split import split_starts
from aiida_seimlip.options.starts.table import StartRecord, StartsTable
from aiida_seimlip.science.frames import Frames


def table(*indices):
    """Return a table of starts `a`, `b`, ... with the indices of their frames."""
    verdicts = ['dropped' if index is None else 'passed' for index in indices]
    starts = [
        StartRecord(name=name, verdict=verdict, index=index)
        for name, verdict, index in zip('abcdef', verdicts, indices, strict=False)
    ]
    return StartsTable(starts=starts)


def frames(n):
    return FramesData.from_atoms([bulk('Ar', a=5.0 + 0.1 * index) for index in range(n)])


def test_each_start_keeps_its_name():
    """The names are those of the starts that passed, in the order of the frames."""
    node = frames(2)
    labelled = FramesData(node.get_frames().replace(energies=[1.0, 2.0])).store()
    starts = split_starts(labelled, orm.Dict(table(1, None, 0).model_dump(mode='json')))
    assert set(starts) == {'a', 'c'}
    cells = Frames.concatenate([starts['c'].get_frames(), starts['a'].get_frames()]).cells
    assert cells == pytest.approx(node.get_frames().cells)
    one = starts['a'].get_frames()
    assert (one.energies, one.origin_uuids[0], one.origin_indices[0]) == (None, labelled.uuid, 1)


def test_table_of_others_is_refused():
    with pytest.raises(ValueError, match='names 1 starts that passed, but there are 2 frames'):
        split_starts(frames(2), orm.Dict(table(0, None).model_dump(mode='json')))


def test_share_that_was_dropped():
    assert table(0, None, None, 1).share_dropped == 0.5
    assert StartsTable().share_dropped == 0.0

"""One configuration from any node that holds one."""

from __future__ import annotations

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames


def get_frame(node: FramesData | orm.StructureData) -> Frames:
    """Return the one configuration of a node; labels are left out.

    :param node: a structure, or frames.
    :raises ValueError: if there is not exactly one frame.
    """
    if isinstance(node, orm.StructureData):
        return Frames.from_atoms([node.get_ase()])  # type: ignore[no-untyped-call]
    frames = node.get_frames()
    if len(frames) != 1:
        raise ValueError(f'There are {len(frames)} frames, but exactly one is needed.')
    return frames.without_labels()


def elements_of(node: orm.Data) -> tuple[str, ...]:
    """Return the chemical symbols that occur in a structure or in frames."""
    return node.elements if isinstance(node, FramesData) else tuple(sorted(node.get_symbols_set()))

"""What is recorded while frames are condensed, as a node."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from aiida import orm

UNITS = {
    'frame': '', 'stage': '', 'step': '', 'total': '', 'temperature': 'K', 'density': 'g/cm³', 'pressure': 'GPa',
    'energy': 'eV', 'max_force': 'eV/Å',
}  # fmt: skip
"""Units of the arrays of a record, in order; the first four are integers."""

PLACES = ('frame', 'stage', 'step', 'total')


def pack_record(arrays: Mapping[str, np.ndarray]) -> orm.ArrayData:
    """Return a record as a node, in order of frame and step.

    :param arrays: those that `UNITS` names, of equal length: index of the frame, stage, step in the stage, steps of all
        stages, temperature (K), density (g/cm³), pressure (GPa), energy (eV), largest force (eV/Å); unknown ones NaN.
    """
    order = np.lexsort((arrays['total'], arrays['frame']))
    node = orm.ArrayData()
    for name in UNITS:
        node.set_array(name, np.asarray(arrays[name], dtype=int if name in PLACES else float)[order])
    node.base.attributes.set('units', UNITS)
    return node


def read_record(node: orm.ArrayData) -> dict[str, np.ndarray]:
    """Return the arrays of a record by name.

    :param node: made by `pack_record`.
    """
    return {name: node.get_array(name) for name in UNITS}

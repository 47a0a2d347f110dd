"""The neighbour lists of vesin, without torch.

vesin 0.6.2 imports torch (and cupy) wherever they are installed, to take their arrays: seconds and hundreds of
megabytes for each program that wants a neighbour list of numpy arrays.
"""

from __future__ import annotations

import sys

UNWANTED = ('torch', 'cupy')

_absent = [name for name in UNWANTED if name not in sys.modules]
for _name in _absent:
    sys.modules[_name] = None  # type: ignore[assignment]  # so that it cannot be imported
try:
    from vesin import NeighborList
finally:
    for _name in _absent:
        sys.modules.pop(_name, None)

__all__ = ['NeighborList']

"""Kinds of potentials that look like moment tensor potentials of MLIP, but are not those that can be evaluated here."""

from __future__ import annotations

import re

VERSION = '1.1.0'
"""The only version of the format there is."""

RADIAL_BASIS_TYPES = ('RBChebyshev',)
"""The radial bases that this package can evaluate."""

_KINDS = {
    'magnet|magmom|mmtp|^mbasis': 'a magnetic moment tensor potential',
    'zbl': 'a moment tensor potential with a repulsion of Ziegler, Biersack and Littmark (ZBL)',
    'repuls': 'a moment tensor potential with a repulsive wall',
    'charge|electroneg|hardness|qeq': 'a moment tensor potential with charges',
    'sus2|^sh_|two_layer': 'a potential of SUS2-MLIP',
}


def unsupported_kind(text: str) -> str | None:
    """Return what kind of potential a field or value stands for, if it is known to be none that can be read.

    :param text: name of a field, a tag, or the name of a radial basis.
    """
    return next((kind for pattern, kind in _KINDS.items() if re.search(pattern, text, re.IGNORECASE)), None)

"""Fixed charges of atoms as a node: what an electric field acts on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from aiida import orm

CHARGES, LABELS, SOURCE = 'charges', 'labels', 'source'
"""Name of the array, and of the attributes that tell of which label each atom is and where the charges come from."""

NEUTRAL = 1e-6
"""Largest sum of charges in elementary charges that counts as neutral."""


def store_charges(charges: np.ndarray, *, labels: Sequence[str] = (), source: str = '') -> orm.ArrayData:
    """Return a node, not stored yet, that holds the charges of atoms.

    :param charges: in elementary charges, atoms in the order of the structure; shape (n_atoms,).
    :param labels: of the atoms, such as ``Li`` or ``Li_metal``; none if they have none.
    :param source: where the charges come from, in a sentence.
    :raises ValueError: if labels are not as many as charges.
    """
    if labels and len(labels) != len(charges):
        raise ValueError(f'There are {len(labels)} labels of {len(charges)} atoms.')
    node = orm.ArrayData()
    node.set_array(CHARGES, np.asarray(charges, dtype=float))
    node.base.attributes.set_many({LABELS: list(labels), SOURCE: source})
    return node


def load_charges(node: orm.ArrayData) -> np.ndarray:
    """Return the charges that a node holds in elementary charges; shape (n_atoms,).

    :param node: with an array ``charges``.
    :raises KeyError: if it has none.
    """
    return np.asarray(node.get_array(CHARGES), dtype=float)


def faults_of_charges(name: str, node: orm.ArrayData, n_atoms: int, *, neutral: bool = True) -> Iterator[str]:
    """Yield one sentence for each reason why charges cannot be used.

    :param name: of the input.
    :param node: that should hold charges.
    :param n_atoms: of the structure.
    :param neutral: whether their sum must be 0: a field would push on the whole of what is not neutral, which heats
        and cools thermostats unnoticed.
    """
    if CHARGES not in node.get_arraynames():
        yield f'Input `{name}` has no array `{CHARGES}`.'
        return
    charges = load_charges(node)
    if charges.shape != (n_atoms,):
        yield f'Input `{name}` holds charges of shape {charges.shape}, but the structure has {n_atoms} atoms.'
    elif not np.all(np.isfinite(charges)):
        yield f'Input `{name}` holds charges that are not finite.'
    elif neutral and abs(charges.sum()) > NEUTRAL:
        yield (
            f'Input `{name}` holds charges whose sum is {charges.sum():+.6g} e: the field would push on all atoms '
            'together, so that the temperature of a thermostat means nothing. Make them neutral.'
        )

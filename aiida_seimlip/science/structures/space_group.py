"""The number of a crystal's space group."""

from __future__ import annotations

from ase import Atoms


def find_space_group(atoms: Atoms, symprec: float) -> int | None:
    """Return the number of the space group in the International Tables.

    :param atoms: a crystal.
    :param symprec: atoms as near in Å to where symmetry demands them count as being there.
    :return: None if `spglib` finds none.
    :raises ModuleNotFoundError: if `spglib` is not installed.
    """
    import spglib

    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    try:
        dataset = spglib.get_symmetry_dataset(cell, symprec=symprec)
    except spglib.SpglibError:
        return None
    return None if dataset is None else int(dataset.number)

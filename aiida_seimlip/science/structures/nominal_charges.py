"""Nominal charges of the elements in a compound."""

from __future__ import annotations

from functools import lru_cache

from ase import Atoms

from aiida_seimlip.science.structures.supercells import needs_structures


def find_nominal_charges(atoms: Atoms) -> dict[str, float] | None:
    """Return the nominal oxidation state of each element in e, the mean where there are several.

    They are the most probable ones that make the compound neutral, by pymatgen.

    :param atoms: the compound.
    :return: None if none make it neutral.
    """
    charges = _guess(str(atoms.symbols.formula.reduce()[0]))
    return dict(charges) if charges else None


@lru_cache(maxsize=256)
def _guess(formula: str) -> tuple[tuple[str, float], ...]:
    """Return the oxidation states by element, none if no guess is neutral."""
    with needs_structures():
        from pymatgen.core.composition import Composition

    guesses = Composition(formula).oxi_state_guesses()
    return tuple((str(symbol), float(charge)) for symbol, charge in guesses[0].items()) if guesses else ()

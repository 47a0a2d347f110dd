"""Compositions that fix the energies of elements, and those that leave some tied to each other."""

import numpy as np
import pytest
from ase import Atoms

from aiida_seimlip.science.analysis.compositions import count_elements, find_tied
from aiida_seimlip.science.frames import Frames

SEI = ['H', 'Li', 'C', 'O', 'F', 'P']


def frames(*formulas):
    return Frames.from_atoms(
        [Atoms(formula, positions=np.arange(3 * len(Atoms(formula))).reshape(-1, 3)) for formula in formulas]
    )


def test_atoms_are_counted():
    assert count_elements(frames('Li2CO3', 'LiF'), ['Li', 'C', 'O', 'F']).tolist() == [[2, 1, 3, 0], [1, 0, 0, 1]]


@pytest.mark.parametrize(
    ('formulas', 'n_independent', 'tied'),
    [
        (['LiF', 'Li'], 2, ()),
        (['Li', 'Li'], 1, (('F',),)),
        (['LiF', 'Li4F4'], 1, (('Li', 'F'),)),
        (['LiF', 'Li3F', 'Li'], 2, ()),
    ],
)
def test_two_elements(formulas, n_independent, tied):
    found = find_tied(frames(*formulas), ['Li', 'F'])
    assert (found.n_independent, found.tied) == (n_independent, tied)


def test_units_of_an_interphase_tie_their_elements():
    """Li2EDC, Li2CO3, LiPF6 and Li span four of six dimensions: P with F, and C, H and O stay tied."""
    found = find_tied(frames('Li2C4H4O6', 'Li2CO3', 'LiPF6', 'Li'), SEI)
    assert found.n_independent == 4
    assert found.tied == (('H', 'C', 'O'), ('F', 'P'))


def test_crystals_untie_them():
    found = find_tied(frames('Li2C4H4O6', 'Li2CO3', 'LiPF6', 'Li', 'LiF', 'Li2O'), SEI)
    assert (found.n_independent, found.tied) == (6, ())


def test_tie_is_a_shift_that_no_energy_notices():
    """The elements that are named are those along which the least-squares fit of energies is free."""
    given = frames('Li2C4H4O6', 'Li2CO3', 'LiPF6', 'Li')
    counts = count_elements(given, SEI)
    null = np.linalg.svd(counts)[2][np.linalg.matrix_rank(counts) :]
    free = {SEI[index] for index in np.flatnonzero(np.abs(null).max(axis=0) > 1e-9)}
    assert free == {symbol for group in find_tied(given, SEI).tied for symbol in group}

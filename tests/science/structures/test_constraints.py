"""What may not move."""

from ase.build import bulk
from ase.constraints import FixAtoms, FixCartesian, FixedPlane, FixScaled

from aiida_seimlip.science.structures.constraints import find_constraints


def constrained(*constraints):
    atoms = bulk('NaCl', 'rocksalt', 5.6, cubic=True)
    atoms.set_constraint(list(constraints))
    return find_constraints(atoms)


def test_nothing_is_constrained():
    assert not constrained()
    assert not constrained(FixScaled([0], mask=(False, False, False)))


def test_atoms_that_stay():
    found = constrained(FixAtoms([3, -8]), FixCartesian([1]), FixScaled([2], mask=(True, True, True)))
    assert found.fixed == (0, 1, 2, 3)
    assert found.others == ()
    assert found.describe(8) == '4 of 8 atoms stay where they are'


def test_all_else_is_named():
    found = constrained(FixAtoms([3]), FixScaled([2, 1], mask=(True, False, True)), FixedPlane(0, (0, 0, 1)))
    assert found.describe(8) == (
        '1 of 8 atoms stay where they are and 2 atom(s) may move in some directions only and there is a constraint '
        '`FixedPlane`'
    )

"""Interfaces of two crystals."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.science.structures.interfaces import cut_layer, lattice_basis, make_interfaces
from aiida_seimlip.science.structures.supercells import StructureError
from aiida_seimlip.science.structures.whole_units import find_whole_units

COPPER = bulk('Cu', cubic=True, a=3.6)
LIMITS = {'max_area': 150.0, 'max_strain': 0.05, 'max_atoms': 500}


def energy(atoms):
    """Return the energy of an atom with EMT in eV."""
    atoms = atoms.copy()
    atoms.calc = EMT()
    return atoms.get_potential_energy() / len(atoms)


def of_itself(miller, thickness=7.0):
    layer = cut_layer(COPPER, miller, thickness=thickness)
    return layer, make_interfaces(layer, layer, **LIMITS)[0]


@pytest.mark.parametrize('miller', [(0, 0, 1), (1, 1, 0), (1, 1, 1), (2, 1, 0)])
def test_a_layer_is_the_crystal(miller):
    layer, _ = of_itself(miller)
    assert energy(layer.atoms) == pytest.approx(energy(COPPER), abs=1e-9)
    assert layer.slab.thickness == pytest.approx(layer.atoms.cell[2, 2])


@pytest.mark.parametrize('miller', [(0, 0, 1), (1, 1, 0), (1, 1, 1), (2, 1, 0)])
def test_a_crystal_on_itself_is_the_crystal(miller):
    layer, interface = of_itself(miller)
    assert interface.match.misfit == pytest.approx(0.0, abs=1e-9)
    gap = layer.slab.thickness - np.ptp(layer.atoms.positions[:, 2])
    nothing = np.zeros(2)
    sandwich = interface.sandwich((nothing, nothing), (gap, gap))
    assert len(sandwich) == 2 * len(layer.atoms) == interface.n_atoms
    assert energy(sandwich) == pytest.approx(energy(COPPER), abs=1e-9)


def test_shifts_that_are_lattice_vectors_change_nothing():
    _, interface = of_itself((0, 0, 1))
    assert abs(np.linalg.det(interface.registry)) == pytest.approx(3.6**2 / 2)
    moved = [interface.in_vacuum(shift, 1.8, 12.0) for shift in (np.zeros(2), *interface.registry)]
    assert energy(moved[1]) == pytest.approx(energy(moved[0]), abs=1e-9)
    assert energy(moved[2]) == pytest.approx(energy(moved[0]), abs=1e-9)
    hollow, *others = (energy(interface.in_vacuum(shift, 1.8, 12.0)) for shift in interface.shifts(1.3))
    assert len(others) == 3 and hollow < min(others), 'copper goes on as it would in its crystal'


def test_the_gap_is_between_the_outermost_atoms():
    layer, interface = of_itself((0, 0, 1))
    made = interface.in_vacuum(np.zeros(2), 2.5, 12.0)
    heights = made.positions[:, 2]
    assert heights[len(layer.atoms) :].min() - heights[: len(layer.atoms)].max() == pytest.approx(2.5)
    assert made.cell[2, 2] - np.ptp(heights) == pytest.approx(12.0)


def test_contacts_across_are_told():
    layer, interface = of_itself((0, 0, 1))
    near = interface.in_vacuum(np.zeros(2), 0.5, 12.0)
    across = np.hypot(0.5, 3.6 / 2)
    assert interface.closest_contact(near, len(layer.atoms)) == pytest.approx(across / (2 * 1.32), rel=1e-3)
    far = interface.in_vacuum(np.zeros(2), 5.0, 12.0)
    assert interface.closest_contact(far, len(layer.atoms)) == 1.0


def test_the_strain_of_a_film():
    """A film of another lattice parameter takes the substrate's, and its crystal becomes tetragonal."""
    film, substrate = (cut_layer(bulk('Cu', cubic=True, a=a), (0, 0, 1), thickness=6.0) for a in (3.6, 3.5))
    interface = make_interfaces(film, substrate, **LIMITS)[0]
    assert interface.match.film_strain == pytest.approx((3.5 / 3.6 - 1.0) * np.eye(2))
    expected = bulk('Cu', cubic=True, a=3.6)
    expected.set_cell([3.5, 3.5, 3.6], scale_atoms=True)
    assert energy(interface.bulks[0]) == pytest.approx(energy(expected), abs=1e-9)
    assert energy(interface.bulks[1]) == pytest.approx(energy(bulk('Cu', a=3.5)), abs=1e-9)


@pytest.mark.parametrize('miller', [(1, 1, 0), (1, 1, 1), (0, 0, 1)])
def test_lithium_on_its_carbonate(miller):
    film = cut_layer(CRYSTALS['Li-bcc'].conventional(), miller, thickness=8.0)
    substrate = cut_layer(CRYSTALS['Li2CO3-monoclinic'].conventional(), (0, 0, 1), thickness=8.0)
    interface, *others = make_interfaces(film, substrate, max_area=200.0, max_strain=0.06, max_atoms=600)
    assert interface.match.misfit <= 0.06
    assert all(other.match.misfit < interface.match.misfit for other in others)
    nothing = np.zeros(2)
    sandwich = interface.sandwich((nothing, nothing), (2.0, 2.0))
    assert len(sandwich) == interface.n_atoms <= 600
    counts = {symbol: list(sandwich.symbols).count(symbol) for symbol in ('C', 'O', 'Li')}
    assert counts['O'] == 3 * counts['C']
    assert counts['Li'] == 2 * counts['C'] + len(interface.bulks[0])
    units = find_whole_units(sandwich)
    formulas = [str(sandwich.symbols[sorted(members)].formula.reduce()[0]) for members in units.members]
    assert formulas.count('CO3') == counts['C'] and set(formulas) == {'CO3', 'Li'}
    assert interface.match.substrate_strain == pytest.approx(0.0, abs=1e-9)
    carbonate, given = interface.bulks[1], CRYSTALS['Li2CO3-monoclinic'].conventional()
    assert carbonate.get_volume() / len(carbonate) == pytest.approx(given.get_volume() / len(given))


def test_registry_of_two_lattices():
    """Along x the film has 3 cells and the substrate 2: shifts of a sixth change nothing; along y both are the same."""
    film = cut_layer(_tetragonal(2.0, 3.0), (0, 0, 1), thickness=3.0)
    substrate = cut_layer(_tetragonal(3.0, 3.0), (0, 0, 1), thickness=3.0)
    interface = make_interfaces(film, substrate, max_area=18.5, max_strain=0.01, max_atoms=50)[0]
    assert (interface.match.n_film, interface.match.n_substrate) == (3, 2)
    assert abs(np.linalg.det(interface.registry)) == pytest.approx(6.0 / 6.0 * 3.0)


def test_a_sandwich_holds_both_interfaces():
    """With interactions shorter than the layers are thick its energy is that of both interfaces, less both slabs."""
    film, substrate = (cut_layer(bulk('Cu', cubic=True, a=a), (2, 1, 0), thickness=7.0) for a in (3.6, 3.7))
    interface = make_interfaces(film, substrate, **LIMITS)[0]
    shifts, gaps = (np.array([0.4, 0.9]), np.array([-1.1, 0.3])), (1.1, 1.6)

    def pairs(atoms):
        made = atoms.copy()
        made.calc = LennardJones(sigma=2.2, epsilon=0.1, rc=5.0, smooth=True)
        return made.get_potential_energy()

    lower, upper = (
        pairs(interface.in_vacuum(shift, gap, 12.0, side))
        for shift, gap, side in zip(shifts, gaps, ('lower', 'upper'), strict=True)
    )
    expected = lower + upper - sum(map(pairs, interface.slabs(12.0)))
    assert lower != pytest.approx(upper, abs=1e-3)
    assert pairs(interface.sandwich(shifts, gaps)) == pytest.approx(expected, abs=1e-9)


def test_lattice_basis():
    assert abs(np.linalg.det(lattice_basis(np.array([[4, 0], [0, 4], [6, 0], [0, 4]])))) == pytest.approx(8.0)
    basis = lattice_basis(np.array([[3, 1], [1, 3], [5, 5], [0, 0]]))
    assert abs(np.linalg.det(basis)) == pytest.approx(2.0), 'the minors are 8, 10 and -10'


def test_refused():
    layer = cut_layer(COPPER, (0, 0, 1), thickness=7.0)
    with pytest.raises(StructureError, match='has no termination 7'):
        cut_layer(COPPER, (0, 0, 1), thickness=7.0, termination=7)
    with pytest.raises(StructureError, match='holds 8 atoms, 5 are allowed'):
        make_interfaces(layer, layer, max_area=20.0, max_strain=0.05, max_atoms=5)
    other = cut_layer(bulk('Al', cubic=True), (1, 1, 1), thickness=7.0)
    with pytest.raises(StructureError, match='do not match within 10 Å²'):
        make_interfaces(other, layer, max_area=10.0, max_strain=0.01, max_atoms=500)


def _tetragonal(a, b):
    return Atoms('Cu', cell=[a, b, 4.0], pbc=True)

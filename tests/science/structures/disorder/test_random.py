"""Random disordered crystals: ordered cells keep to what they state, or one sentence says why there are none."""

import numpy as np
import pytest
from ase.geometry import get_distances

from aiida_seimlip.science.structures.disorder.crystal import DisorderedCrystal
from aiida_seimlip.science.structures.disorder.ordering import order
from aiida_seimlip.science.structures.supercells import StructureError

CHARGES = {'Li': 1.0, 'Na': 1.0, 'O': -2.0, 'S': -2.0, 'Cl': -1.0}


def random_crystal(rng):
    """Return a triclinic crystal of a few sites, some of them near each other, with simple occupancies."""
    cell = np.diag(rng.uniform(4, 6, 3)) + np.tril(rng.uniform(-1, 1, (3, 3)), -1)
    n_sites = int(rng.integers(2, 6))
    fractional = rng.random((n_sites, 3))
    positions = fractional @ cell
    if rng.random() < 0.5:
        positions[1] = positions[0] + [0.6, 0.0, 0.0]
    sites = []
    for _ in range(n_sites):
        pair = [str(symbol) for symbol in rng.choice(list(CHARGES), size=2, replace=False)]
        share = float(rng.choice([0.25, 0.333, 0.5, 0.667, 1.0]))
        sites.append({pair[0]: share} if rng.random() < 0.6 else {pair[0]: share, pair[1]: round(1.0 - share, 3)})
    return DisorderedCrystal.of(cell, positions, [{s: v for s, v in site.items() if v > 0} for site in sites])


@pytest.mark.parametrize('seed', range(25))
def test_ordered_cells_of_random_crystals(seed):
    rng = np.random.default_rng(seed)
    repeat = [int(number) for number in rng.integers(1, 3, 3)]
    try:
        crystal = random_crystal(rng).supercell(np.diag(repeat))
        rounded = bool(rng.random() < 0.7)
        limit = int(rng.choice([5, 300]))
        found = order(crystal, number=4, seed=seed, charges=CHARGES, rounded=rounded, max_enumerated=limit)
    except StructureError as exception:
        assert str(exception).endswith('.')
        return
    counts = crystal.counts(rounded=True)
    whole = [site for index, site in enumerate(crystal.sites) if index not in crystal.disordered]
    expected = dict.fromkeys(CHARGES, 0)
    for site in whole:
        expected[max(site, key=site.get)] += 1
    for numbers in counts.values():
        for symbol, number in numbers.items():
            expected[symbol] += number
    assert 1 <= len(found.atoms) <= 4
    assert np.all(np.diff(found.energies) > -1e-4)
    for atoms in found.atoms:
        symbols = atoms.get_chemical_symbols()
        assert {symbol: symbols.count(symbol) for symbol in CHARGES} == expected
        distances = get_distances(atoms.positions, crystal.positions, cell=atoms.cell, pbc=True)[1]
        assert distances.min(axis=1).max() < 1e-6, 'each atom is on a site'
        places = distances.argmin(axis=1)
        assert len(set(places.tolist())) == len(places), 'no two on one'
        for symbol, place in zip(symbols, places, strict=True):
            assert symbol in crystal.sites[place]
        disordered = np.isin(places, crystal.disordered)
        near = get_distances(atoms.positions[disordered], cell=atoms.cell, pbc=True)[1]
        assert np.all(near[~np.eye(len(near), dtype=bool)] >= 1.0)

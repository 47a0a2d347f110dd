"""Local order of a metal."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, bcc110, bcc111, bulk, fcc111

from aiida_seimlip.science.analysis.order import (
    BCC_TEMPLATE,
    FCC_TEMPLATE,
    describe_change,
    find_local_order,
    find_texture,
    fit_axes,
)

SLABS = {'001': bcc100, '110': bcc110, '111': bcc111}


def noisy(atoms, amplitude, seed=1):
    made = atoms.copy()
    made.rattle(amplitude, seed=seed)
    return made


@pytest.mark.parametrize(
    ('crystal', 'lattice'),
    [
        (bulk('Li', 'bcc', a=3.51, cubic=True) * (4, 4, 4), 'bcc'),
        (bulk('Cu', 'fcc', a=3.6, cubic=True) * (3, 3, 3), 'fcc'),
        (bulk('Mg', 'hcp', a=3.2, c=5.2) * (5, 5, 3), 'hcp'),
        (bulk('Po', 'sc', a=3.3) * (5, 5, 5), 'other'),
        (bulk('Si', 'diamond', a=5.43, cubic=True) * (2, 2, 2), 'other'),
    ],
)
def test_lattices_with_thermal_noise(crystal, lattice):
    assert find_local_order(crystal).share(lattice) == 1.0
    spacing = np.sort(crystal.get_distances(0, range(1, len(crystal)), mic=True))[0]
    assert find_local_order(noisy(crystal, 0.03 * spacing)).share(lattice) > 0.95


def test_a_crystal_in_a_small_cell():
    assert find_local_order(bulk('Li', 'bcc', a=3.51)).lattices.tolist() == ['bcc']
    assert find_local_order(bulk('Cu', 'fcc', a=3.6)).lattices.tolist() == ['fcc']


def test_a_gas_has_no_lattice():
    rng = np.random.default_rng(3)
    gas = Atoms('Li64', positions=rng.uniform(0.0, 14.0, (64, 3)), cell=[14.0] * 3, pbc=True)
    assert find_local_order(gas).share('other') > 0.95
    assert find_local_order(Atoms('Li', cell=[30.0] * 3, pbc=True)).lattices.tolist() == ['other']
    assert np.isnan(find_local_order(gas, np.array([], dtype=int)).share('bcc'))


@pytest.mark.parametrize('template', [BCC_TEMPLATE, FCC_TEMPLATE])
def test_axes_of_a_rotated_neighbourhood(template):
    rng = np.random.default_rng(5)
    for _ in range(20):
        rotation = _rotation(rng)
        vectors = 3.5 * template @ rotation.T + rng.normal(0.0, 0.08, template.shape)
        axes = fit_axes(rng.permutation(vectors), template)
        assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-9) and np.linalg.det(axes) == pytest.approx(1.0)
        along = np.abs(axes @ rotation)
        assert np.sort(along, axis=1)[:, -1] == pytest.approx(np.ones(3), abs=5e-3), 'up to the symmetry of the cube'


@pytest.mark.parametrize('face', SLABS)
def test_the_plane_of_a_slab(face):
    slab = SLABS[face]('Li', (4, 4, 9), a=3.51, vacuum=8.0)
    slab.pbc = True
    slab.rotate(29.0, 'z', rotate_cell=True)
    texture = find_texture(find_local_order(noisy(slab, 0.1)))
    assert texture.describe() == f'bcc({face}) along the normal'
    assert texture.face_share > 0.95 and texture.angle < 5.0
    assert 0.3 < texture.share < 1.0, 'atoms at the surface lack neighbours'


def test_a_tilted_grain():
    """A crystal that is turned by 10° about x lies (001) along z still, at that angle."""
    slab = bcc100('Li', (6, 6, 9), a=3.51, vacuum=8.0)
    slab.rotate(10.0, 'x')
    slab.pbc = False
    texture = find_texture(find_local_order(slab))
    assert texture.describe() == 'bcc(001) along the normal' and texture.angle == pytest.approx(10.0, abs=0.1)


def test_the_plane_of_a_face_centred_slab():
    slab = fcc111('Cu', (4, 4, 6), a=3.6, vacuum=8.0)
    slab.pbc = True
    assert find_texture(find_local_order(noisy(slab, 0.05))).describe() == 'fcc(111) along the normal'


def test_only_members_count():
    """Lithium in bcc, with oxygen in its holes: without the oxygen it is bcc."""
    metal = bulk('Li', 'bcc', a=3.51, cubic=True) * (3, 3, 3)
    filled = metal + Atoms(f'O{len(metal)}', positions=metal.positions + np.array([0.8, 0.9, 0.0]))
    members = np.flatnonzero(filled.symbols == 'Li')
    assert find_local_order(filled, members).share('bcc') == 1.0
    assert find_local_order(filled).share('bcc') == 0.0


def test_what_became_of_a_metal():
    slabs = [SLABS[face]('Li', (4, 4, 9), a=3.51, vacuum=8.0) for face in ('001', '111')]
    for slab in slabs:
        slab.pbc = True
    begin, end = (find_texture(find_local_order(slab)) for slab in slabs)
    assert describe_change(begin, end) == 'The metal was bcc(001) along the normal, and is bcc(111) at the end.'
    assert describe_change(begin, begin) == 'The metal was bcc(001) along the normal, and still is.'
    gas = find_texture(find_local_order(Atoms('Li', cell=[30.0] * 3, pbc=True)))
    assert (
        describe_change(begin, gas, metal='lithium')
        == 'Lithium was bcc(001) along the normal, and is in no lattice at the end.'
    )
    assert describe_change(gas, gas) == 'The metal was in no lattice, and still is.'


def _rotation(rng):
    """Return a random rotation."""
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return rotation * np.sign(np.linalg.det(rotation))

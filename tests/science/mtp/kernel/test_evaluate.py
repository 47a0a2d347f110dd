"""Tests of the evaluation kernel against the definition, evaluated in extended precision."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import Evaluator
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import initial_guess
from aiida_seimlip.science.neighbours import neighbour_list
from tests.science.mtp.kernel.definition import define

MLIP3 = Path(__file__).parents[3] / 'fixtures' / 'mlip3'
ELEMENTS = ('Li', 'C', 'O', 'F', 'P', 'H')


def make_potential(level, species, seed=0):
    potential = initial_guess(untrained(level, species, min_dist=1.0, max_dist=5.0), seed)
    rng = np.random.default_rng(seed)
    return potential.replace(
        species_coeffs=rng.normal(size=len(species)), moment_coeffs=rng.normal(size=potential.n_moments)
    )


def renamed(frames, species):
    """Return frames whose atoms have become others at random, the last of the species being there in any case."""
    rng = np.random.default_rng(3)
    symbols = rng.choice(species, frames.numbers.size)
    symbols[0] = species[-1]
    parts = frames.to_atoms()
    for atoms, names in zip(parts, np.split(symbols, frames.ptr[1:-1]), strict=True):
        atoms.symbols = names
    return Frames.from_atoms(parts)


def assert_as_defined(potential, frames, tolerance=1e-13):
    """Assert that all results deviate by less than a part of the largest of their kind."""
    result, expected = Evaluator(potential).compute_frames(frames, with_local=True), define(potential, frames)
    for name in expected._fields:
        exact = getattr(expected, name)
        deviation = np.abs(getattr(result, name) - exact).max()
        assert deviation < tolerance * np.abs(exact).max(), name


@pytest.mark.parametrize('level', [6, 8, 10, 12, 14, 16, 20, 22])
def test_levels(mixed_frames, level):
    """A monoclinic crystal, a molecule without a cell and an atom without a neighbour, a slab."""
    assert_as_defined(make_potential(level, ELEMENTS[:3]), mixed_frames[:3])


@pytest.mark.parametrize('n_species', [1, 2, 4, 5, 6])
def test_species(mixed_frames, n_species):
    species = ELEMENTS[:n_species]
    assert_as_defined(make_potential(10, species), renamed(mixed_frames, species))


@pytest.mark.parametrize('path', ['01_train_l08/pot.almtp', 'shared/l08_nbh_30.almtp', 'shared/l08_nbh_40.almtp'])
def test_trained(mixed_frames, path):
    assert_as_defined(read_almtp(MLIP3 / path, ELEMENTS[:3]), mixed_frames)


@pytest.mark.parametrize('n_atoms', [1, 2, 7, 8, 9])
def test_few_atoms(n_atoms):
    """Numbers of atoms, and of neighbours, around that of the lanes."""
    positions = np.random.default_rng(n_atoms).uniform(0, 2.5, (n_atoms, 3)) + np.arange(n_atoms)[:, None] * 0.7
    frames = Frames.from_atoms([Atoms(f'Li{n_atoms}', positions)])
    potential = make_potential(12, ('Li', 'C'))
    if n_atoms > 1:
        assert_as_defined(potential, frames)
    else:
        result = Evaluator(potential).compute_frames(frames)
        assert result.site_energies == potential.species_coeffs[:1]
        assert not result.forces.any() and not result.virials.any()


def test_dense(monoclinic):
    """More neighbours than any material has."""
    atoms = monoclinic.copy()
    atoms.set_cell(0.75 * atoms.cell.array, scale_atoms=True)
    assert_as_defined(make_potential(8, ELEMENTS[:3]), Frames.from_atoms([atoms]))


def test_basic_moments_with_gaps(mixed_frames):
    """Neither all powers of a degree, nor all radial functions of a monomial, in any order."""
    template = make_potential(6, ELEMENTS[:3])
    basic = np.array([[1, 1, 2, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 3, 0, 1], [1, 3, 0, 1], [0, 0, 2, 2], [0, 0, 0, 1]])
    times = np.array([[3, 3, 2, 7], [0, 4, 1, 7], [6, 6, 1, 8], [8, 7, 3, 9], [5, 2, 1, 10], [8, 8, 1, 10]])
    potential = template.replace(
        alpha_moments_count=11, alpha_index_basic=basic, alpha_index_times=times,
        alpha_moment_mapping=np.array([1, 8, 9, 10]), moment_coeffs=np.array([0.3, -0.2, 0.1, 0.4]),
    )  # fmt: skip
    assert_as_defined(potential, mixed_frames)


def large(monoclinic):
    atoms = monoclinic * (2, 2, 3)
    atoms.rattle(0.05, seed=4)
    return Frames.from_atoms([atoms])


@pytest.mark.parametrize('threads', [2, 3, 7])
def test_threads(random_potential, monoclinic, threads):
    """The same to the last bit, whatever the number of threads."""
    potential, frames = random_potential(12), large(monoclinic)
    types = frames.types(potential.species)
    pairs = neighbour_list(frames.positions, frames.ptr, frames.cells, frames.pbc, potential.max_dist)
    one = Evaluator(potential).compute(types, pairs, with_local=True)
    evaluator = Evaluator(potential, threads=threads)
    for _ in range(5):
        several = evaluator.compute(types, pairs, with_local=True)
        for name in ('site_energies', 'forces', 'virials', 'local'):
            np.testing.assert_array_equal(getattr(several, name), getattr(one, name))


def test_blocks(random_potential, monoclinic):
    """The blocks of atoms that threads share add up to the whole."""
    potential, frames = random_potential(8), large(monoclinic)
    pairs = neighbour_list(frames.positions, frames.ptr, frames.cells, frames.pbc, potential.max_dist)
    evaluator = Evaluator(potential)
    blocks = evaluator.compute(frames.types(potential.species), pairs)
    whole = evaluator.compute_frames(frames)
    np.testing.assert_array_equal(blocks.site_energies, whole.site_energies)
    np.testing.assert_allclose(blocks.forces, whole.forces, atol=1e-13 * np.abs(whole.forces).max())
    np.testing.assert_allclose(blocks.virials, whole.virials, atol=1e-13 * np.abs(whole.virials).max())


def test_positions_apart_from_vectors(random_potential, monoclinic):
    """Vectors may be divided into those of images and the differences of positions."""
    potential, frames = random_potential(8), large(monoclinic)
    types = frames.types(potential.species)
    pairs = neighbour_list(frames.positions, frames.ptr, frames.cells, frames.pbc, potential.max_dist + 1.0)
    moved = frames.positions[pairs.neighbours] - frames.positions[pairs.centres]
    evaluator = Evaluator(potential)
    expected = evaluator.compute(types, pairs)
    result = evaluator.compute(types, pairs._replace(vectors=pairs.vectors - moved), positions=frames.positions)
    np.testing.assert_allclose(result.forces, expected.forces, atol=1e-11 * np.abs(expected.forces).max())
    np.testing.assert_allclose(result.virials, expected.virials, atol=1e-11 * np.abs(expected.virials).max())


def test_no_threads(random_potential):
    with pytest.raises(ValueError, match='number of threads is 0'):
        Evaluator(random_potential(6), threads=0)

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.science.formats.mlip3_potential import read_almtp, write_almtp
from aiida_seimlip.science.mtp import levels
from aiida_seimlip.science.mtp.contractions import Moment, Tensor, canonical, components, products, single, splits
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

RADIAL_FUNCTIONS = {6: 2, 8: 2, 10: 3, 12: 3, 14: 4, 16: 4, 18: 5, 20: 5, 22: 6, 24: 6, 26: 6, 28: 6}
SCALARS = {6: 5, 8: 9, 10: 16, 12: 29, 14: 52, 16: 92, 18: 163, 20: 288, 22: 500, 24: 864, 26: 1464, 28: 2445}
PARAMETERS_OF_THREE_SPECIES = {8: 156, 16: 383}
TEMPLATES = (6, 8, 10, 12, 14, 16)


def template(fixtures: Path, level: int) -> MomentTensorPotential:
    return read_almtp(fixtures / 'mtp' / 'templates' / f'{level:02d}.almtp')


def neighbourhoods(n: int, n_neighbours: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors to random neighbours and random values of the radial functions."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, n_neighbours, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors, rng.normal(size=(n, n_neighbours, levels.MAX_MU + 1))


def basis_values(potential: MomentTensorPotential, vectors: np.ndarray, radial: np.ndarray) -> np.ndarray:
    """Evaluate the scalar moments as they are defined; shape (n_neighbourhoods, n_scalars)."""
    moments = np.zeros((potential.alpha_moments_count, len(vectors)))
    for k, (mu, *powers) in enumerate(potential.alpha_index_basic):
        moments[k] = (radial[:, :, mu] * np.prod(vectors ** np.array(powers), axis=-1)).sum(axis=1)
    for i, j, multiplicity, k in potential.alpha_index_times:
        moments[k] += multiplicity * moments[i] * moments[j]
    return moments[potential.alpha_moment_mapping].T


@pytest.mark.parametrize('level', levels.LEVELS)
def test_number_of_scalars(level):
    assert len(levels.scalars(levels.connected_scalars(level), level)) == SCALARS[level]


@pytest.mark.parametrize('level', [*range(6, 21, 2), 24])
def test_counts(level):
    potential = levels.untrained(level, ['Li', 'C', 'O'])
    assert potential.level == level
    assert potential.radial_funcs_count == RADIAL_FUNCTIONS[level]
    assert potential.n_moments == SCALARS[level]
    assert potential.n_parameters == 9 * RADIAL_FUNCTIONS[level] * 8 + 3 + SCALARS[level]
    assert potential.n_parameters == PARAMETERS_OF_THREE_SPECIES.get(level, potential.n_parameters)


@pytest.mark.parametrize('level', TEMPLATES)
def test_spans_the_functions_of_the_template(level, fixtures):
    vectors, radial = neighbourhoods(2 * SCALARS[level] + 20)
    ours = basis_values(levels.untrained(level, ['H']), vectors, radial)
    theirs = basis_values(template(fixtures, level), vectors, radial)
    ours, theirs = ours / np.abs(ours).max(axis=0), theirs / np.abs(theirs).max(axis=0)
    for one, other in ((ours, theirs), (theirs, ours)):
        solution, *_ = np.linalg.lstsq(one, other, rcond=1e-11)
        assert np.abs(one @ solution - other).max() < 1e-10
    assert np.linalg.matrix_rank(np.hstack([ours, theirs]), tol=1e-9) == np.linalg.matrix_rank(theirs, tol=1e-9)


@pytest.mark.parametrize('level', TEMPLATES)
def test_scalars_are_those_of_the_template_in_another_order(level, fixtures):
    vectors, radial = neighbourhoods(4, seed=1)
    ours = basis_values(levels.untrained(level, ['H']), vectors, radial)
    theirs = basis_values(template(fixtures, level), vectors, radial)
    distance = np.abs(ours.T[:, None] / theirs.T[None] - 1).max(axis=-1)
    assert sorted(distance.argmin(axis=1)) == list(range(SCALARS[level]))
    assert distance.min(axis=1).max() < 1e-9


@pytest.mark.parametrize('level', TEMPLATES)
def test_takes_no_more_products_than_the_template(level, fixtures):
    ours, theirs = levels.untrained(level, ['H']), template(fixtures, level)
    assert len(ours.alpha_index_times) <= len(theirs.alpha_index_times)
    assert ours.alpha_moments_count <= theirs.alpha_moments_count
    np.testing.assert_array_equal(ours.alpha_index_basic, theirs.alpha_index_basic)


def test_number_of_products():
    assert len(levels.untrained(16, ['H']).alpha_index_times) == 723
    assert len(levels.untrained(20, ['H']).alpha_index_times) == 4375


@pytest.mark.parametrize('level', (8, 16, 20))
def test_products_can_be_done_one_after_the_other(level):
    potential = levels.untrained(level, ['H'])
    n_basic, times = len(potential.alpha_index_basic), potential.alpha_index_times
    rows = np.arange(len(times))
    last = np.full(potential.alpha_moments_count, -1)
    np.maximum.at(last, times[:, 3], rows)
    assert np.all(last[:n_basic] == -1)
    assert np.all(last[n_basic:] >= 0)
    assert np.all(last[times[:, :2]] < rows[:, None])  # factors are complete
    assert np.all(times[:, 2] > 0)


@pytest.mark.parametrize(('lower', 'higher'), [(6, 8), (8, 10), (10, 16), (16, 20)])
def test_scalars_of_a_lower_level_come_first(lower, higher):
    vectors, radial = neighbourhoods(5)
    low, high = (basis_values(levels.untrained(level, ['H']), vectors, radial) for level in (lower, higher))
    np.testing.assert_allclose(high[:, : low.shape[1]], low, rtol=1e-9)


def test_scalars_do_not_change_under_rotation():
    vectors, radial = neighbourhoods(6)
    rotation, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    potential = levels.untrained(18, ['H'])
    reference = basis_values(potential, vectors, radial)
    scale = np.abs(reference).max(axis=0)
    np.testing.assert_allclose(
        basis_values(potential, vectors @ rotation, radial) / scale, reference / scale, atol=1e-9
    )


def test_potentials_do_not_share_arrays():
    one, other = levels.untrained(6, ['Li']), levels.untrained(6, ['Li'])
    one.alpha_index_times[:] = -1
    assert np.all(other.alpha_index_times >= 0)
    assert np.all(levels.untrained(6, ['Li']).alpha_index_times >= 0)


def test_is_generated_anew_with_the_same_result():
    first = levels.structure(12)
    levels.structure.cache_clear()
    for one, other in zip(first, levels.structure(12), strict=True):
        np.testing.assert_array_equal(one, other)


def test_is_written_in_the_syntax_of_mlip3(fixtures):
    text = write_almtp(levels.untrained(8, ['Li'])).decode()
    expected = (fixtures / 'mtp' / 'templates' / '08.almtp').read_text()
    keys = [re.findall(r'^\t?(\w+)', part, flags=re.MULTILINE) for part in (text, expected)]
    assert keys[0] == keys[1]
    read = read_almtp(text.encode(), ['Li'])
    for name in ('alpha_index_basic', 'alpha_index_times', 'alpha_moment_mapping'):
        np.testing.assert_array_equal(getattr(read, name), getattr(levels.untrained(8, ['Li']), name))


def test_settings():
    potential = levels.untrained(10, ['Li', 'F'], min_dist=1.2, max_dist=6.5, radial_basis_size=10)
    assert potential.species == ('Li', 'F')
    assert (potential.min_dist, potential.max_dist, potential.radial_basis_size) == (1.2, 6.5, 10)
    assert not potential.is_trained
    assert potential.n_parameters == 4 * 3 * 10 + 2 + 16


@pytest.mark.parametrize('level', (2, 4, 7, 30, -8))
def test_level_out_of_range(level):
    with pytest.raises(ValueError, match=rf'Level {level} is not an even number from 6 to 28'):
        levels.untrained(level, ['Li'])


@pytest.mark.parametrize('species', ([], ['Li', 'Li'], ['Li', 'Xx'], ['X']))
def test_species_are_no_symbols(species):
    with pytest.raises(ValueError, match='are not one or more different chemical symbols'):
        levels.untrained(8, species)


def test_distances_out_of_order():
    with pytest.raises(ValueError, match='not in order'):
        levels.untrained(8, ['Li'], min_dist=5.0, max_dist=5.0)


def test_no_radial_basis():
    with pytest.raises(ValueError, match='radial basis size 0 is not positive'):
        levels.untrained(8, ['Li'], radial_basis_size=0)


@pytest.mark.parametrize(
    ('degrees', 'n_graphs', 'n_connected'),
    [
        ((1, 1), 1, 1),
        ((1, 2), 0, 0),
        ((1, 1, 1, 1), 3, 0),
        ((2, 2, 2), 1, 1),
        ((2, 2, 2, 2), 6, 3),
        ((3, 1, 1, 1), 1, 1),
    ],
)
def test_multigraphs(degrees, n_graphs, n_connected):
    graphs = list(levels.multigraphs(degrees))
    assert len(set(graphs)) == len(graphs) == n_graphs
    assert sum(map(levels.is_connected, graphs)) == n_connected
    for graph in graphs:
        matrix = np.array(graph)
        assert np.array_equal(matrix, matrix.T)
        assert matrix.sum(axis=1).tolist() == list(degrees)
        assert not matrix.diagonal().any()


# -- contractions -----------------------------------------------------------------------------------------------------


def full_tensor(moment: Moment, vectors: np.ndarray, radial: np.ndarray) -> np.ndarray:
    """Return M(μ,ν) of one neighbourhood with all its 3^ν components."""
    tensor = radial[:, moment.mu]
    for _ in range(moment.nu):
        tensor = tensor[..., None] * vectors.reshape(-1, *(1,) * (tensor.ndim - 1), 3)
    return tensor.sum(axis=0)


def contract_with_einsum(tensor: Tensor, vectors: np.ndarray, radial: np.ndarray) -> float:
    """Contract a tensor without open indices, index by index."""
    letters = iter('abcdefghijklmnopqrstuvwxyz')
    indices = [''] * len(tensor.factors)
    for i in range(len(tensor.factors)):
        for j in range(i):
            for _ in range(tensor.edges[i][j]):
                letter = next(letters)
                indices[i] += letter
                indices[j] += letter
    return float(
        np.einsum(','.join(indices) + '->', *(full_tensor(m, vectors, radial) for m in tensor.factors), optimize=True)
    )


def test_scalars_are_full_contractions():
    vectors, radial = (array[0] for array in neighbourhoods(1, n_neighbours=5))
    level = 16
    values = basis_values(levels.untrained(level, ['H']), vectors[None], radial[None])[0]
    scalars = levels.scalars(levels.connected_scalars(level), level)
    expected = [np.prod([contract_with_einsum(tensor, vectors, radial) for tensor in scalar]) for scalar in scalars]
    np.testing.assert_allclose(values, expected, rtol=1e-9)


def test_connected_scalars_with_three_factors():
    found = [tensor for tensor in levels.connected_scalars(10) if len(tensor.factors) == 3]
    assert found == [
        Tensor(
            factors=(Moment(0, 1), Moment(0, 1), Moment(0, 2)),
            edges=((0, 0, 1), (0, 0, 1), (1, 1, 0)),
            legs=((), (), ()),
        )
    ]


def test_canonical_form_forgets_the_order_of_factors():
    factors = (Moment(0, 2), Moment(1, 3), Moment(0, 2))
    one = Tensor(factors, ((0, 1, 0), (1, 0, 1), (0, 1, 0)), ((1, 0), (0, 1), (1, 0)))
    other = Tensor((factors[1], factors[0], factors[2]), ((0, 1, 1), (1, 0, 0), (1, 0, 0)), ((1, 0), (0, 1), (0, 1)))
    assert canonical(one).tensor == canonical(other).tensor
    assert canonical(canonical(one).tensor).tensor == canonical(one).tensor


def test_components_of_a_symmetric_product():
    ring = canonical(Tensor((Moment(0, 2),) * 2, ((0, 1), (1, 0)), ((1, 0), (0, 1)))).tensor  # M_ik M_kj
    assert components(ring)[0] == 6
    other = canonical(Tensor((Moment(0, 2), Moment(1, 2)), ((0, 1), (1, 0)), ((1, 0), (0, 1)))).tensor
    assert components(other)[0] == 9


def test_all_splits_give_the_same_scalar():
    vectors, radial = (array[0] for array in neighbourhoods(1))
    factors = (Moment(0, 2), Moment(0, 3), Moment(0, 3), Moment(1, 2))
    edges = ((0, 1, 1, 0), (1, 0, 1, 1), (1, 1, 0, 1), (0, 1, 1, 0))
    scalar = canonical(Tensor(factors, edges, ((),) * 4)).tensor
    expected = contract_with_einsum(scalar, vectors, radial)

    def values(tensor: Tensor) -> list[np.ndarray]:
        """Return the components of a tensor, once for each way to build it."""
        if len(tensor.factors) == 1:
            (moment,) = tensor.factors
            assert tensor == single(moment)
            rows = levels.multi_indices(moment.nu)
            return [(radial[:, moment.mu] * np.prod(vectors ** rows[:, None], axis=-1)).sum(axis=1)]
        results = []
        for split in splits(tensor):
            left, right = values(split.left)[0], values(split.right)[-1]
            result = np.zeros(components(tensor)[0])
            for i, j, multiplicity, k in products(tensor, split):
                result[k] += multiplicity * left[i] * right[j]
            results.append(result)
        return results

    found = values(scalar)
    assert len(found) > 10
    np.testing.assert_allclose(found, expected, rtol=1e-9)

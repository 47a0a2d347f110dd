"""What is likely to go wrong is told before it does, and only then."""

import numpy as np
import pytest
from ase.build import bulk, fcc111

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.campaign.warnings import explain_unfilled, find_warnings, warn_about_cells, warn_about_run
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.filling import count_neighbourhoods, most_rows, n_tolerated, n_unfilled
from aiida_seimlip.science.mtp.grade import build_active_set
from aiida_seimlip.science.mtp.levels import untrained

NVT = {'temperature': 300.0, 'n_steps': 10}
NPT = {**NVT, 'ensemble': 'npt_tri', 'pressure': 1.0}


def options(*conditions, **changes):
    content = {'seed': 1, 'untrained': {'level': 8, 'max_dist': 5.0}, **changes}
    return ActiveLearningOptions(**content, exploration={'conditions': list(conditions or [NVT])})


def warn(atoms, *conditions, training=None, potential=None, **changes):
    """Return the warnings of a campaign that begins with one start."""
    species = sorted(set(atoms.get_chemical_symbols()))
    starts = {'start': FramesData.from_atoms([atoms])}
    return list(find_warnings(options(*conditions, **changes), species, starts, training or {}, potential))


LARGE = bulk('Cu', cubic=True) * (3, 3, 3)
SLAB = fcc111('Cu', (5, 5, 5), vacuum=6.0, periodic=True)


def test_nothing_is_said_of_a_large_crystal():
    assert warn(LARGE, NVT, NPT) == []


# -- cells ------------------------------------------------------------------------------------------------------------


def test_small_cell_is_measured_by_the_cut_off_of_the_potential_that_there_is():
    """And by that of the options where there is none, or where it is not begun with."""
    cell = bulk('Cu', cubic=True) * (3, 3, 3)  # 10.83 Å wide

    def cutoffs(max_dist, **changes):
        node = PotentialData.from_mtp(untrained(6, ['Cu'], min_dist=2.0, max_dist=max_dist))
        warnings = warn(cell, potential=node, training={'a': FramesData.from_atoms([cell])}, **changes)
        return [warning.partition('twice the cut-off of ')[2][:3] for warning in warnings if 'thin' in warning]

    assert cutoffs(6.0) == ['6 Å']
    assert cutoffs(5.0, untrained={'level': 8, 'max_dist': 6.0}) == []
    assert cutoffs(6.0, warm_start=False) == []
    assert cutoffs(5.0, untrained={'level': 8, 'max_dist': 6.5}, warm_start=False) == ['6.5']


# -- vacuum -----------------------------------------------------------------------------------------------------------


def test_vacuum_in_a_free_cell():
    (warning,) = warn(SLAB, NVT, NPT)
    assert warning.startswith(
        'The start `start` has a vacuum of 12.0 Å along c, where nothing holds the cell that npt_'
    )
    assert '`nvt`' in warning


def test_vacuum_in_a_free_cell_of_the_held_out_runs():
    assert 'vacuum' in warn(SLAB, NVT, held_out={'conditions': [{**NPT, 'n_steps': 200}]})[0]


def test_vacuum_in_a_fixed_cell_is_what_it_should_be():
    assert warn(SLAB, NVT) == []


@pytest.mark.parametrize('along', [0, 1])
def test_vacuum_along_any_vector(along):
    atoms = LARGE.copy()
    cell = atoms.cell.array.copy()
    cell[along] *= 2.0
    atoms.set_cell(cell)
    assert f'along {"abc"[along]}' in warn(atoms, NPT)[0]


def test_what_a_cell_did_in_a_run():
    cell = {
        'start_volume': 1000.0, 'start_angle': 90.0, 'start_height': 18.0, 'smallest_volume': 990.0,
        'largest_volume': 2100.0, 'sharpest_angle': 76.0, 'smallest_height': 9.5, 'cutoff': 5.0,
    }  # fmt: skip
    assert list(warn_about_run('slab', 'npt_tri-300K', cell)) == [
        'The cell of `slab` at npt_tri-300K swelled to 2.10 times its volume, and tilted to an angle of 76°, and '
        'became 9.50 Å thin, less than twice the cut-off of 5 Å.'
    ]
    calm = {**cell, 'largest_volume': 1020.0, 'sharpest_angle': 88.0, 'smallest_height': 17.0}
    assert list(warn_about_run('slab', 'npt_tri-300K', calm)) == []
    assert list(warn_about_run('slab', 'npt_tri-300K', None)) == []


def test_cell_that_flows_is_better_held_in_its_shape():
    cell = {
        'start_volume': 1000.0, 'start_angle': 90.0, 'start_height': 9.4, 'smallest_volume': 930.0,
        'largest_volume': 1100.0, 'sharpest_angle': 62.0, 'smallest_height': 6.2, 'cutoff': 5.0,
    }  # fmt: skip
    (words,) = warn_about_run('melt', 'npt_tri-1000K-1bar', cell)
    assert words.startswith(
        'The cell of `melt` at npt_tri-1000K-1bar tilted to an angle of 62°, and became 6.20 Å thin, from 9.40 Å. '
    )
    assert words.endswith('explore it with `npt_iso` instead of `npt_tri`.')
    (words,) = warn_about_run('melt', 'npt_tri-1000K-1bar', {**cell, 'smallest_height': 4.0})
    assert 'became 4.00 Å thin, less than the cut-off of 5 Å' in words
    (words,) = warn_about_run('melt', 'npt_tri-1000K-1bar', {**cell, 'largest_volume': 1500.0})
    assert 'npt_iso' not in words  # a gas, or a collapse, is another matter


@pytest.mark.parametrize(('damping', 'is_said'), [(3.0, True), (500.0, False)])
def test_barostat_that_is_too_hard(damping, is_said):
    said = [text for text in warn(LARGE, {**NPT, 'barostat_damping': damping}) if 'The barostat of' in text]
    assert bool(said) == is_said


# -- active sets ------------------------------------------------------------------------------------------------------


def perturbed(atoms, n, seed=0):
    rng, images = np.random.default_rng(seed), []
    for _ in range(n):
        image = atoms.copy()
        image.set_cell(image.cell.array @ (np.eye(3) + rng.normal(scale=0.02, size=(3, 3))), scale_atoms=True)
        image.positions += rng.normal(scale=0.1, size=image.positions.shape)
        images.append(image)
    return Frames.from_atoms(images)


def potential_with_active_set(frames, level=8):
    empty = untrained(level, ['Cu'], min_dist=2.0, max_dist=5.0)
    rng = np.random.default_rng(1)
    trained = empty.with_parameters(rng.normal(scale=0.1, size=empty.n_parameters))
    return build_active_set(trained, frames)


def test_two_atoms_of_one_element_have_one_neighbourhood():
    """A cell of two atoms is its own mirror image; the active set takes one row of each frame."""
    frames = perturbed(bulk('Cu') * (1, 1, 2), 12)
    assert count_neighbourhoods(frames) == {29: 12}
    potential = potential_with_active_set(frames)
    assert potential.n_parameters - n_unfilled(potential) == 12 == most_rows(potential, {29: 12})


def test_rows_that_no_frame_can_fill_are_no_reason_to_worry():
    """However many frames there are, some rows stay empty, as scaling a radial function up changes nothing."""
    potential = potential_with_active_set(perturbed(LARGE, 3))
    assert 0 < n_unfilled(potential) <= n_tolerated(potential)
    assert explain_unfilled(PotentialData.from_mtp(potential)) is None


def test_potential_says_what_its_active_set_lacks():
    potential = PotentialData.from_mtp(potential_with_active_set(perturbed(bulk('Cu') * (1, 1, 2), 12)))
    words = explain_unfilled(potential)
    assert words.startswith('14 of 26 rows of the active set stay empty')
    assert 'larger cells' in words
    assert explain_unfilled(PotentialData.from_mtp(untrained(8, ['Cu']))) is None


def test_bootstrap_that_cannot_fill_the_active_set():
    pair = bulk('CuAu', 'cesiumchloride', a=3.1)
    warnings = [warning for warning in warn(pair, bootstrap={'n_perturbed': 8}) if 'neighbourhoods' in warning]
    assert len(warnings) == 1
    assert 'gives 16 different neighbourhoods, which fill 16 of the 75 rows of an active set of level 8' in warnings[0]
    assert not any('neighbourhoods' in warning for warning in warn(pair * (3, 3, 3), bootstrap={'n_perturbed': 8}))


def test_reference_dynamics_count():
    pair = bulk('CuAu', 'cesiumchloride', a=3.1)
    dynamics = {'temperatures': [300.0, 600.0], 'n_steps': 100, 'sample_every': 5}
    bootstrap = {'n_perturbed': 8, 'dynamics': dynamics}
    assert not any('neighbourhoods' in warning for warning in warn(pair, bootstrap=bootstrap))


def test_training_set_takes_the_place_of_the_bootstrap():
    pair = bulk('CuAu', 'cesiumchloride', a=3.1)
    few = {'old': FramesData(perturbed(pair, 5))}
    assert 'The input `initial_training` gives 10 different' in warn(pair * (4, 4, 4), training=few)[0]
    enough = {'old': FramesData(perturbed(pair * (2, 2, 2), 9))}
    assert warn(pair * (4, 4, 4), training=enough) == []


def test_element_that_is_rare_counts():
    """One dopant in a large cell has radial coefficients of its own, for which there is little to learn from."""
    atoms = LARGE.copy()
    atoms.symbols[0] = 'Au'
    assert 'neighbourhoods' in warn(atoms, bootstrap={'n_perturbed': 8})[0]
    assert warn(atoms, bootstrap={'n_perturbed': 60}) == []


# -- compositions -----------------------------------------------------------------------------------------------------


def warn_about_compositions(*symbols, bootstrap=(), training=()):
    """Return the warnings about compositions of a campaign whose starts are copper with some atoms replaced."""

    def cell(replaced):
        atoms = LARGE.copy()
        for symbol, count in replaced.items():
            atoms.symbols[np.flatnonzero(atoms.symbols == 'Cu')[:count]] = symbol
        return FramesData.from_atoms([atoms])

    groups = [{f'cell_{i}': cell(one) for i, one in enumerate(group)} for group in (symbols, training, bootstrap)]
    starts, learned, others = groups
    found = find_warnings(options(), ['Cu', 'Ag', 'Au'], starts, learned, None, bootstrap=others)
    return [warning for warning in found if 'compositions' in warning]


def test_compositions_that_leave_elements_tied():
    """Silver and gold in one ratio only: nothing tells their energies apart."""
    (warning,) = warn_about_compositions({'Ag': 4, 'Au': 2}, {'Ag': 8, 'Au': 4}, {})
    assert 'have 2 independent compositions for 3 elements' in warning
    assert 'those of Ag with Au are known together only' in warning


@pytest.mark.parametrize('where', ['bootstrap', 'training'])
def test_composition_that_unties_them(where):
    assert not warn_about_compositions({'Ag': 4, 'Au': 2}, {}, **{where: [{'Ag': 5}]})


def test_nothing_is_said_of_a_single_composition():
    assert not warn_about_compositions({'Ag': 4, 'Au': 2}, {'Ag': 4, 'Au': 2})


def test_limit_of_the_bootstrap_counts_for_the_active_set():
    """What fills an active set when all copies are labelled does not when few of them are."""

    def about_rows(**bootstrap):
        warnings = warn(bulk('Cu', cubic=True) * (2, 2, 1), bootstrap={'n_perturbed': 40, **bootstrap})
        return [warning for warning in warnings if 'different neighbourhoods' in warning]

    assert not about_rows()
    (warning,) = about_rows(max_labels=1)
    assert 'gives 16 different neighbourhoods' in warning


def test_thin_cells_are_named_in_one_sentence():
    frames = {
        name: Frames.from_atoms([bulk('LiF', 'rocksalt', a=a, cubic=True)]) for name, a in (('a', 4.0), ('b', 4.5))
    }
    assert list(warn_about_cells({'a': frames['a']}, 5.0)) == [
        'The cell of the start `a` is 4.00 Å thin, less than twice the cut-off of 5 Å: atoms see their own images.'
    ]
    assert list(warn_about_cells(frames, 5.0)) == [
        'The cells of starts are thin: `a` is 4.00 Å, `b` is 4.50 Å, less than twice the cut-off of 5 Å: atoms see '
        'their own images.'
    ]
    assert list(warn_about_cells(frames, 2.0)) == []

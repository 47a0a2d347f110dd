from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from motep.calculator import make_calculator
from motep.io.mlip.mtp import read_mtp

from aiida_seimlip.science.formats.mlip3_cfg import CfgFile, read_cfg
from aiida_seimlip.science.formats.mlip3_output import parse_grades, parse_select
from aiida_seimlip.science.formats.mlip3_potential import read_almtp, write_almtp
from aiida_seimlip.science.frames import Frames, FramesError
from aiida_seimlip.science.mtp.evaluate import Evaluator, local_basis
from aiida_seimlip.science.mtp.grade import Grader, Grades, build_active_set, check_weights, grade, select
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.maxvol import THRESHOLD
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

SPECIES = ('Li', 'C', 'O')


@pytest.fixture(scope='module')
def recordings() -> Path:
    return Path(__file__).parents[2] / 'fixtures' / 'mlip3'


def potential_of(path: Path) -> MomentTensorPotential:
    return read_almtp(path, SPECIES)


def cfg_of(path: Path) -> CfgFile:
    return read_cfg(path, SPECIES)


@pytest.fixture(scope='module')
def nbh_potential(recordings) -> MomentTensorPotential:
    return potential_of(recordings / 'shared' / 'l08_nbh_30.almtp')


@pytest.fixture(scope='module')
def training(recordings) -> Frames:
    return cfg_of(recordings / 'shared' / 'train30.cfg').frames


@pytest.fixture(scope='module')
def candidates(recordings) -> Frames:
    return cfg_of(recordings / 'shared' / 'valid16.cfg').frames


def indices_in(frames: Frames, some: Frames) -> list[int]:
    """Return which of `frames` each of `some` is; those in a file of candidates are given to six digits."""
    return [
        int(np.argmin([
            np.abs(other.positions - one.positions).max() if len(other.numbers) == len(one.numbers) else np.inf
            for other in frames
        ]))
        for one in some
    ]  # fmt: skip


# -- grades -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(('case', 'name'), [('12_calculate_grade', 'out.cfg'), ('71_mpi1_grade', 'out.cfg.0')])
def test_grades_recorded(recordings, case, name):
    folder = recordings / case
    expected = cfg_of(folder / name)
    grades = grade(potential_of(folder / 'pot.almtp'), cfg_of(folder / 'in.cfg').frames)
    np.testing.assert_allclose(grades.frame, parse_grades((folder / 'stdout.txt').read_text()), rtol=1e-5)
    np.testing.assert_allclose(grades.frame, expected.frames.grades, rtol=1e-5)
    np.testing.assert_allclose(grades.atom, expected.nbh_grades, rtol=1e-4)


def test_grades_recorded_by_lammps(recordings, nbh_potential):
    saved = cfg_of(recordings / '21_lmp_mlip_break' / 'preselected.cfg.0')
    grades = grade(nbh_potential, saved.frames)
    np.testing.assert_allclose(grades.frame, saved.frames.grades, rtol=1e-4)
    np.testing.assert_allclose(grades.atom, saved.nbh_grades, rtol=1e-4)


def test_grades_recorded_by_the_mtp_pair_style(recordings, nbh_potential):
    saved = cfg_of(recordings / '55_mtp_preselected_read' / 'preselected.cfg').frames
    np.testing.assert_allclose(grade(nbh_potential, saved).frame, saved.grades, rtol=1e-4)


@pytest.mark.parametrize(
    'name', ['23_lmp_cfgmode_1rank/preselected.cfg.0', '24_lmp_cfgmode_2ranks/preselected.cfg'], ids=['serial', 'mpi']
)
def test_grades_recorded_in_configuration_mode(recordings, name):
    saved = cfg_of(recordings / name).frames
    grades = grade(potential_of(recordings / '04_train_cfgmode' / 'pot.almtp'), saved)
    assert grades.atom is None
    np.testing.assert_allclose(grades.frame, saved.grades, rtol=1e-4)


def test_grades_recorded_by_motep(recordings, training):
    folder = recordings.parent / 'mtp' / '67_motep_grade'
    expected = cfg_of(folder / 'final.cfg')
    potential = build_active_set(potential_of(recordings / 'shared' / 'l08_checkpoint.mtp'), training)
    grades = grade(potential, expected.frames)
    np.testing.assert_allclose(grades.frame, expected.frames.grades, rtol=1e-5)
    np.testing.assert_allclose(grades.atom, expected.nbh_grades, rtol=1e-4)


def test_grades_by_the_formula_on_derivatives_of_motep(recordings, tmp_path, nbh_potential, candidates):
    text = write_almtp(nbh_potential.replace(active_set=None))
    (tmp_path / 'pot.mtp').write_bytes(text)
    data = read_mtp(tmp_path / 'pot.mtp')
    data.species = [3, 6, 8]
    inverse = nbh_potential.active_set.inverse
    n_radial = nbh_potential.radial_coeffs.size
    for atoms, grades in zip(candidates[:3].to_atoms(), _grades_of_atoms(nbh_potential, candidates[:3]), strict=True):
        calculator = make_calculator(data, engine='cext', mode='train')
        atoms.calc = calculator
        atoms.get_potential_energy()
        jacobian = calculator.engine.jac_energies(atoms).parameters.T  # moments, species, radial
        n_moments = nbh_potential.n_moments
        moments, species, radial = np.split(jacobian, [n_moments, n_moments + 3], axis=1)
        assert radial.shape[1] == n_radial
        rows = np.hstack([radial, species, moments])
        np.testing.assert_allclose(grades, np.abs(rows @ inverse.T).max(axis=1), rtol=1e-5)


def _grades_of_atoms(potential: MomentTensorPotential, frames: Frames) -> list[np.ndarray]:
    atoms = grade(potential, frames).atom
    assert atoms is not None
    return np.split(atoms, frames.ptr[1:-1])


def test_frame_grade_is_the_highest_of_its_atoms(nbh_potential, candidates):
    mixed = Frames.concatenate([candidates[:2], Frames.from_atoms([candidates[2].to_atoms()[0][:5]])])
    grades = grade(nbh_potential, mixed)
    assert isinstance(grades, Grades)
    np.testing.assert_allclose(grades.frame, [part.max() for part in np.split(grades.atom, mixed.ptr[1:-1])])


def test_grades_of_no_frames(nbh_potential):
    grades = grade(nbh_potential, Frames.empty())
    assert grades.frame.shape == grades.atom.shape == (0,)


@pytest.mark.parametrize('mode', ('nbh', 'cfg'))
def test_grades_do_not_depend_on_the_size_of_chunks(nbh_potential, training, candidates, mode, monkeypatch):
    potential = build_active_set(nbh_potential, training, mode)
    expected = grade(potential, candidates)
    monkeypatch.setattr('aiida_seimlip.science.mtp.evaluate.chunks.__defaults__', (50,))
    found = grade(potential, candidates)
    np.testing.assert_allclose(found.frame, expected.frame, rtol=1e-9)


def test_grades_of_a_supercell_are_those_of_the_cell(nbh_potential, training, candidates):
    cell = candidates[0].to_atoms()[0]
    cells = Frames.from_atoms([cell, cell.repeat((2, 1, 1))])
    for mode in ('nbh', 'cfg'):
        one, other = grade(build_active_set(nbh_potential, training, mode), cells).frame
        assert other == pytest.approx(one, rel=1e-6)


def test_training_set_is_not_extrapolated(nbh_potential, training):
    assert grade(nbh_potential, training).frame.max() < THRESHOLD


def test_grader_during_molecular_dynamics(nbh_potential, training, candidates):
    evaluator = Evaluator(nbh_potential)
    types = candidates[0].types(SPECIES)
    local = evaluator.compute_frames(candidates[0], with_local=True).local
    for mode in ('nbh', 'cfg'):
        potential = build_active_set(nbh_potential, training, mode)
        highest, atoms = Grader(potential, evaluator).grade(types, local)
        expected = grade(potential, candidates[0])
        assert highest == pytest.approx(expected.frame[0])
        if mode == 'nbh':
            np.testing.assert_allclose(atoms, expected.atom)
        else:
            assert atoms is None


def test_no_active_set(nbh_potential, training, candidates):
    potential = nbh_potential.replace(active_set=None)
    with pytest.raises(ValueError, match='has no active set'):
        grade(potential, candidates)
    with pytest.raises(ValueError, match='has no active set'):
        select(potential, training, candidates)


def test_unknown_element(nbh_potential, candidates):
    atoms = candidates[0].to_atoms()[0]
    atoms.symbols[0] = 'F'
    with pytest.raises(FramesError, match='F not in the species list'):
        grade(nbh_potential, Frames.from_atoms([atoms]))


# -- active sets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('case', 'mode'), [('01_train_l08', 'nbh'), ('02_train_l08_AL', 'nbh'), ('04_train_cfgmode', 'cfg')]
)
def test_active_set_recorded(recordings, case, mode):
    folder = recordings / case
    recorded = potential_of(folder / 'pot.almtp')
    built = build_active_set(recorded, cfg_of(folder / 'train.cfg').frames, mode).active_set
    expected = recorded.active_set
    np.testing.assert_array_equal(built.origins, expected.origins)
    np.testing.assert_allclose(built.frames.positions, expected.frames.positions, atol=1e-9)
    np.testing.assert_array_equal(built.frames.ptr, expected.frames.ptr)
    scale = np.abs(expected.matrix).max(axis=1, keepdims=True)
    np.testing.assert_allclose(built.matrix / scale, expected.matrix / scale, atol=1e-6)
    assert np.abs(built.inverse - expected.inverse).max() < 1e-6 * np.abs(expected.inverse).max()
    assert built.weights == expected.weights
    assert built.mode == mode


def test_active_set_survives_the_file(nbh_potential, training, candidates):
    built = build_active_set(nbh_potential, training)
    read = read_almtp(write_almtp(built), SPECIES)
    np.testing.assert_array_equal(grade(read, candidates).frame, grade(built, candidates).frame)
    assert select(read, training, candidates).indices.tolist() == select(built, training, candidates).indices.tolist()


def test_active_set_with_weights_of_another(recordings, nbh_potential, training):
    weights = potential_of(recordings / '04_train_cfgmode' / 'pot.almtp').active_set.weights
    assert build_active_set(nbh_potential, training, 'nbh', weights=weights).active_set.mode == 'cfg'


def test_weights_of_energies(nbh_potential, training):
    weights = {'energy_weight': 3.0, 'weight_scaling': 1.0}
    active_set = build_active_set(nbh_potential, training, weights=weights).active_set
    rows = np.add.reduceat(local_basis(nbh_potential, active_set.frames), active_set.frames.ptr[:-1])
    filled = active_set.origins[:, 0] >= 0
    expected = 3.0 / np.sqrt(24) * rows[active_set.origins[filled, 0]]
    np.testing.assert_allclose(active_set.matrix[filled], expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(np.abs(active_set.matrix[~filled]).sum(axis=1), 1e-6)


def test_active_set_of_no_frames(nbh_potential):
    with pytest.raises(ValueError, match='training set has no frames'):
        build_active_set(nbh_potential, Frames.empty())


def test_active_set_of_an_untrained_potential(training):
    with pytest.raises(ValueError, match='not trained'):
        build_active_set(untrained(8, SPECIES), training)


def test_unknown_mode(nbh_potential, training):
    with pytest.raises(ValueError, match='`frames` is neither `nbh` nor `cfg`'):
        build_active_set(nbh_potential, training, 'frames')


@pytest.mark.parametrize(
    ('weights', 'expected'),
    [
        ({'site_en_weight': 1.0, 'weight_scaling': 2.0}, 'nbh'),
        ({'energy_weight': 0.5, 'site_en_weight': 0.0}, 'cfg'),
    ],
)
def test_mode_of_weights(weights, expected):
    assert check_weights(weights) == expected


@pytest.mark.parametrize('weights', [{}, {'force_weight': 1.0}, {'energy_weight': 1.0, 'site_en_weight': 1.0}])
def test_weights_not_supported(weights):
    with pytest.raises(ValueError, match='not supported'):
        check_weights(weights)


# -- selection --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('case', 'names', 'n_selected'),
    [
        ('13_select_add', ('train.cfg', 'candidates.cfg', 'selected.cfg'), 9),
        ('55_mtp_preselected_read', ('train30.cfg', 'preselected.cfg', 'sel.cfg'), 7),
    ],
)
def test_selection_recorded(recordings, case, names, n_selected):
    folder = recordings / case
    training, offered, expected = (cfg_of(folder / name) for name in names)
    selection = select(potential_of(folder / 'pot.almtp'), training.frames, offered.frames)
    assert len(selection.indices) == n_selected
    assert selection.indices.tolist() == indices_in(offered.frames, expected.frames)
    equations = [','.join(map(str, numbers)) for numbers in selection.equations]
    assert equations == [features['selected_eqn_inds'] for features in expected.features]
    report = parse_select((folder / 'stdout.txt').read_text())
    assert report.n_selected == n_selected
    assert (
        f'{selection.n_from_training} configurations selected from training set' in (folder / 'stdout.txt').read_text()
    )


def test_training_set_is_not_selected(nbh_potential, training):
    assert select(nbh_potential, training, training).indices.size == 0


def test_no_candidates(nbh_potential, training):
    selection = select(nbh_potential, training, Frames.empty())
    assert selection.indices.size == 0
    assert selection.equations == ()
    assert selection.n_from_training == 21


def test_no_duplicates_are_selected(nbh_potential, training, candidates):
    once = select(nbh_potential, training, candidates)
    twice = select(nbh_potential, training, Frames.concatenate([candidates, candidates]))
    assert twice.indices.tolist() == once.indices.tolist()


def test_selected_candidates_end_extrapolation(nbh_potential, training, candidates):
    chosen = candidates[select(nbh_potential, training, candidates).indices]
    rebuilt = build_active_set(nbh_potential, Frames.concatenate([training, chosen]))
    assert grade(rebuilt, candidates).frame.max() < 1.05
    assert grade(nbh_potential, candidates).frame.max() > 2.0


def test_limit_of_swaps(nbh_potential, training, candidates):
    everything = select(nbh_potential, training, candidates)
    limited = select(nbh_potential, training, candidates, swap_limit=1)
    assert limited.indices.size == 1
    assert everything.indices.size > 1


def test_batches(nbh_potential, training, candidates):
    whole = select(nbh_potential, training, candidates)
    batches = select(nbh_potential, training, candidates, batch_size=5)
    assert batches.indices.tolist() == sorted(batches.indices)
    assert set(batches.indices) <= set(range(len(candidates)))
    chosen = candidates[batches.indices]
    rebuilt = build_active_set(nbh_potential, Frames.concatenate([training, chosen]))
    assert grade(rebuilt, candidates).frame.max() < 1.2
    assert abs(batches.indices.size - whole.indices.size) <= 5


def test_selection_in_configuration_mode(nbh_potential, training, candidates):
    potential = build_active_set(nbh_potential, training, 'cfg')
    selection = select(potential, training, candidates)
    assert selection.indices.tolist() == list(range(len(candidates)))  # the active set is far from full
    assert all(numbers == (0,) for numbers in selection.equations)

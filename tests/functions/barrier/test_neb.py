"""What a path says, with grades; and comparisons of potentials and of temperatures."""

import numpy as np
import pytest
from aiida import orm
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.barrier.comparison import compare_barriers, compare_paths, evaluate_path
from aiida_seimlip.functions.barrier.neb import describe_barrier, grade_path, interpolate_path, join_ends
from aiida_seimlip.options.barrier.results import BarrierRecord, BarrierTable, ComparisonRecord
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade

RESULTS = {'is_converged': True, 'is_climbing': True, 'n_steps': 12}


def parabola(height, lift=0.0):
    """Return five images over a parabola of some height in eV, the last of them lifted."""
    images = []
    for x in np.linspace(-1.0, 1.0, 5):
        image = Atoms('H', [[x, 0.0, 0.0]])
        energy, force = height * (1.0 - x**2) + 0.5 * lift * (x + 1.0), 2.0 * height * x - 0.5 * lift
        image.calc = SinglePointCalculator(image, energy=energy, forces=np.array([[force, 0.0, 0.0]]))
        images.append(image)
    return Frames.from_atoms(images)


@pytest.fixture
def hop(li2co3):
    """Return both ends of the hop of a lithium ion into a vacancy."""
    initial = li2co3.copy()
    hole = initial.positions[0].copy()
    del initial[0]
    lithium = [atom.index for atom in initial if atom.symbol == 'Li']
    moving = lithium[int(np.argmin(np.linalg.norm(initial.positions[lithium] - hole, axis=1)))]
    final = initial.copy()
    final.positions[moving] = hole
    return orm.StructureData(ase=initial), FramesData.from_atoms([final]), moving


def describe(frames, **beside):
    outputs = describe_barrier(FramesData(frames), orm.Dict(RESULTS), orm.Dict({'threshold': 2.0}), **beside)
    return BarrierRecord.model_validate(outputs['barrier'].get_dict()), outputs['profile']


# -- one path ---------------------------------------------------------------------------------------------------------


def test_first_band(hop):
    initial, final, moving = hop
    ends = join_ends(initial, final)
    band = interpolate_path(ends, orm.Dict({'n_images': 3}))
    assert band.n_frames == 5
    assert band.creator.process_label == 'interpolate_path'
    frames = band.get_frames()
    np.testing.assert_array_equal(frames[0].positions, ends.get_frames()[0].positions)
    moved = np.linalg.norm(frames[4].positions - frames[0].positions, axis=1)
    assert np.flatnonzero(moved > 0.1).tolist() == [moving]


def test_grades_come_with_the_barrier(hop, potential_trained):
    band = interpolate_path(join_ends(*hop[:2]), orm.Dict({'n_images': 3}))
    mtp = potential_trained.get_mtp()
    path = grade_path(FramesData(evaluate(mtp, band.get_frames())), potential_trained)
    expected = grade(mtp, band.get_frames()).frame
    np.testing.assert_allclose(path.get_frames().grades, expected)
    found, profile = describe(path.get_frames(), potential=potential_trained)
    assert found.highest_grade == pytest.approx(expected.max())
    assert found.share_above_threshold == pytest.approx(np.mean(expected > 2.0))
    assert (found.n_graded, found.threshold) == (5, 2.0)
    assert found.potential_uuid == potential_trained.uuid
    assert [atom.symbol for atom in found.moved] == ['Li']
    np.testing.assert_allclose(profile.get_array('grades'), expected)
    assert any('the potential extrapolates' in flag for flag in found.flags) == bool(found.share_above_threshold)


def test_errors_by_the_reference():
    found, profile = describe(parabola(0.30), labelled=FramesData(parabola(0.35, lift=0.02)), failures=orm.Dict({}))
    assert found.forward == pytest.approx(0.30, abs=1e-9)
    assert found.reference.forward == pytest.approx(0.36, abs=1e-3)
    assert found.reference.error_mev.reaction_energy == pytest.approx(-20.0, abs=1e-9)
    assert found.reference.error_mev.forward == pytest.approx(-60.0, abs=1.0)
    assert profile.get_array('reference_energies')[-1] == pytest.approx(0.02)


def test_path_that_rises_to_its_end():
    frames = parabola(0.0, lift=0.5)
    found, _ = describe(frames)
    assert found.forward == pytest.approx(0.5)
    assert found.backward == pytest.approx(0.0, abs=1e-9)
    assert 'The highest image is an end of the path' in found.flags[0]


# -- several ----------------------------------------------------------------------------------------------------------


def test_potentials_on_one_path():
    frames = {'small': parabola(0.28), 'large': parabola(0.34), 'reference': parabola(0.35)}
    outputs = compare_paths(**{name: FramesData(path) for name, path in frames.items()})
    found = ComparisonRecord.model_validate(outputs['comparison'].get_dict())
    assert found.n_images == 5
    assert found.reference.forward == pytest.approx(0.35, abs=1e-9)
    errors = {name: record.error_mev.forward for name, record in found.potentials.items()}
    assert errors == {'small': pytest.approx(-70.0, abs=1e-6), 'large': pytest.approx(-10.0, abs=1e-6)}
    shape = 1.0 - np.linspace(-1.0, 1.0, 5)[1:] ** 2
    assert found.potentials['small'].energy_rmse_mev == pytest.approx(70.0 * np.sqrt(np.mean(shape**2)))
    for name, path in frames.items():
        np.testing.assert_allclose(outputs['profiles'].get_array(f'{name}_energies'), path.energies)
    assert outputs['profiles'].get_array('small_spline_energy').max() == pytest.approx(0.28, abs=1e-3)


def test_comparison_without_a_reference():
    found = compare_paths(one=FramesData(parabola(0.2)), two=FramesData(parabola(0.3)))['comparison']
    record = ComparisonRecord.model_validate(found.get_dict())
    assert record.reference is None
    assert record.potentials['one'].error_mev is None
    with pytest.raises(ValueError, match='The path `two` does not consist of the same images'):
        compare_paths(one=FramesData(parabola(0.2)), two=FramesData(parabola(0.3)[[0, 1, 4]]))


def test_path_evaluated_by_another_potential(hop, potential_trained):
    band = interpolate_path(join_ends(*hop[:2]), orm.Dict({'n_images': 1}))
    found = evaluate_path(potential_trained, band).get_frames()
    expected = evaluate(potential_trained.get_mtp(), band.get_frames())
    np.testing.assert_array_equal(found.energies, expected.energies)
    assert np.isfinite(found.grades).all()
    assert set(found.methods) == {f'potential:{potential_trained.uuid}'}


# -- two temperatures -------------------------------------------------------------------------------------------------


def test_barrier_beside_the_activation_energy():
    found, _ = describe(parabola(0.30), labelled=FramesData(parabola(0.35)), failures=orm.Dict({}))
    diffusivity = {
        'arrhenius': {'D0': 1e-7, 'Ea': 0.42, 'Ea_interval': [0.36, 0.49], 'n_points': 3},
        'points': [
            {'temperature': T, 'used_in_fit': T < 1000, 'share_above_threshold': 0.0} for T in (600.0, 800.0, 1200.0)
        ],
    }  # fmt: skip
    node = compare_barriers(orm.Dict(found.model_dump(mode='json')), orm.Dict(diffusivity))
    table = BarrierTable.model_validate(node.get_dict())
    assert [row.source for row in table.rows] == [
        'path, forward', 'path, backward', 'reference on the path, forward', 'reference on the path, backward',
        'diffusion, Arrhenius',
    ]  # fmt: skip
    assert table.rows[-1].temperature == '600 to 800'
    assert table.rows[-1].interval == (0.36, 0.49)
    assert table.difference == pytest.approx(0.12)
    assert table.difference_interval == (pytest.approx(0.06), pytest.approx(0.19))
    assert table.notes == []


def test_no_activation_energy():
    found, _ = describe(parabola(0.30))
    table = compare_barriers(orm.Dict(found.model_dump(mode='json')), orm.Dict({'arrhenius': None, 'points': []}))
    assert table['difference'] is None
    assert 'no fit of Arrhenius' in table['notes'][0]
    assert 'not checked with the reference' in table['notes'][1]

"""Tests for `science.mtp.training`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.frames import Frames, FramesError
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.kernel import compile_kernels
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import (
    Loss,
    TrainingOptions,
    grow,
    initial_guess,
    train,
    with_min_dist,
)
from aiida_seimlip.science.mtp.training import loss as loss_module

SHARED = Path(__file__).parents[2] / 'fixtures' / 'mlip3' / 'shared'
SPECIES = ('Li', 'C', 'O')


@pytest.fixture(scope='module')
def frames() -> Frames:
    """Return 30 labelled frames of Li2CO3."""
    return read_cfg(SHARED / 'train30.cfg', SPECIES).frames


@pytest.fixture(scope='module')
def recorded():
    """Return the potential that `mlp train` made from these frames."""
    return read_almtp(SHARED / 'l08_nbh_30.almtp', SPECIES)


@pytest.fixture(scope='module')
def short(frames):
    """Return the result of a short training at level 6."""
    return train(untrained(6, SPECIES), frames[:10], TrainingOptions(iteration_limit=5))


def slow_loss(potential, frames, options) -> float:
    """Evaluate the formula in the module's docstring, frame by frame."""
    total = 0.0
    for frame, result in zip(frames, evaluate(potential, frames), strict=True):
        n = frame.numbers.size
        weights = options.force_weight / n**options.weight_scaling_forces * np.ones(n)
        if options.scale_by_force:
            weights *= options.scale_by_force / ((frame.forces**2).sum(axis=1) + options.scale_by_force)
        total += options.energy_weight / n**options.weight_scaling * (result.energies[0] - frame.energies[0]) ** 2
        total += (weights * ((result.forces - frame.forces) ** 2).sum(axis=1)).sum()
        if frame.stresses is not None and np.isfinite(frame.stresses).all():
            virial = (result.stresses - frame.stresses)[0] * frame.volumes[0]
            tensor = virial[[[0, 5, 4], [5, 1, 3], [4, 3, 2]]]
            total += options.stress_weight / n**options.weight_scaling * (tensor**2).sum()
    return total / len(frames)


def loss_of(potential, frames, options) -> float:
    return train(potential, frames, options).history[0]


class TestLoss:
    @pytest.mark.parametrize(
        'weights',
        [
            {},
            {'energy_weight': 3.0, 'force_weight': 0.0, 'stress_weight': 0.0},
            {'weight_scaling': 2.0, 'weight_scaling_forces': 1.0},
            {'scale_by_force': 0.5, 'stress_weight': 0.0},
        ],
    )
    def test_formula(self, recorded, frames, weights):
        supercell = Frames.from_atoms([frames[0].without_labels().to_atoms()[0] * (1, 2, 1)])
        labelled = evaluate(recorded, supercell)
        different = Frames.concatenate([frames, labelled.replace(energies=labelled.energies + 1.0)])
        options = TrainingOptions(iteration_limit=0, update_min_dist=False, **weights)
        loss = loss_of(recorded, different, options)
        assert loss == pytest.approx(slow_loss(recorded, different, options), rel=1e-9)

    def test_recorded(self, recorded, frames):
        """From the errors that `mlp train` printed: all frames have 24 atoms, so that the loss follows from them."""
        expected = 0.0470514**2 / 24 + 0.01 * 24 * 0.19988**2 + 0.001 / 24 * 3.84927**2
        options = TrainingOptions(iteration_limit=0, update_min_dist=False)
        assert loss_of(recorded, frames, options) == pytest.approx(expected, rel=1e-5)

    def test_missing_stresses(self, recorded, frames):
        stresses = frames.stresses.copy()
        stresses[::3] = np.nan
        stresses[1, 2] = np.nan
        partial = frames.replace(stresses=stresses)
        options = TrainingOptions(iteration_limit=0, update_min_dist=False)
        assert loss_of(recorded, partial, options) == pytest.approx(slow_loss(recorded, partial, options), rel=1e-9)
        none = frames.replace(stresses=None)
        assert loss_of(recorded, none, options) == pytest.approx(slow_loss(recorded, none, options), rel=1e-9)

    def test_curvature(self, recorded, frames):
        """The second derivatives of the residuals along a direction equal central differences."""
        loss = Loss(recorded, frames[:6], TrainingOptions())
        parameters = recorded.parameters
        direction = 1e-3 * np.random.default_rng(0).normal(size=parameters.size)
        with ThreadPoolExecutor(1) as pool:
            loss.normal_equations(parameters, pool)
            curvature = loss.curvature(parameters, direction, pool)
            expected = np.zeros(parameters.size)
            for chunk in loss._shares[0]:
                residuals, jacobian = chunk.linearise(loss._basis, loss._parameters(parameters))
                plus, minus = (
                    chunk.residuals(loss._basis, loss._parameters(parameters + sign * direction)) for sign in (1, -1)
                )
                expected += jacobian.T @ (plus + minus - 2 * residuals) / 6
        np.testing.assert_allclose(curvature, expected, atol=1e-2 * np.abs(expected).max())

    def test_derivatives(self, recorded, frames):
        """The gradient equals central differences, and the matrix those of the residuals where they are linear."""
        options = TrainingOptions(threads=2)
        loss = Loss(recorded, frames[:6], options)
        parameters = recorded.parameters
        with ThreadPoolExecutor(2) as pool:
            equations = loss.normal_equations(parameters, pool)
            assert equations.loss == pytest.approx(loss.value(parameters, pool), rel=1e-12)
            for p in (0, 50, 100, 143, 147, 150, 155):
                h = 1e-6 * max(1.0, abs(parameters[p]))
                shift = h * (np.arange(parameters.size) == p)
                plus, minus = loss.value(parameters + shift, pool), loss.value(parameters - shift, pool)
                assert (plus - minus) / (4 * h) == pytest.approx(equations.gradient[p], rel=1e-4, abs=1e-6)
                if p >= 144:
                    far = 1e4 * shift
                    bent = loss.value(parameters + far, pool) + loss.value(parameters - far, pool) - 2 * equations.loss
                    assert bent / (2 * far[p] ** 2) == pytest.approx(equations.matrix[p, p], rel=1e-6)


class TestTrain:
    def test_from_scratch(self, frames):
        """Level 8 on 30 frames passes what `mlp train` reached at its convergence within a third of the CPU time.

        mlp: 1.64 meV/atom and 0.182 eV/Å (norm of the vectors) in 61 CPU-seconds.
        """
        compile_kernels()
        result = train(untrained(8, SPECIES), frames, TrainingOptions(iteration_limit=40, tolerance=0.0))
        per_atom = TrainingOptions(weight_scaling=2.0, weight_scaling_forces=1.0)
        assert slow_loss(result.potential, frames, per_atom) <= 3.3e-4
        assert result.errors.force.rms <= 0.182
        assert result.errors.energy_per_atom.rms <= 0.003
        assert result.cpu_seconds < 20.0
        assert result.potential.is_trained
        assert result.potential.active_set is None

    def test_synthetic(self, random_potential, frames):
        """Labels of a known potential are learned from a disturbed one until hardly any loss is left."""
        truth = random_potential(6)
        labelled = evaluate(truth, frames)
        rng = np.random.default_rng(0)
        start = truth.with_parameters(truth.parameters * (1 + 0.05 * rng.normal(size=truth.n_parameters)))
        options = TrainingOptions(iteration_limit=60, tolerance=0.0, update_min_dist=False, regularisation=0.0)
        result = train(start, labelled, options)
        assert result.loss < 1e-7 * result.history[0]
        assert result.errors.force.rms < 1e-4

    def test_large_set(self, frames, monkeypatch):
        """A Jacobian too large to keep costs the second-order term, and the right minimum is found all the same."""
        monkeypatch.setattr(loss_module, '_JACOBIAN_BYTES', 1)
        monkeypatch.setattr(loss_module, '_ATOMS_KEEPING_NEIGHBOURS', 1)
        result = train(untrained(6, SPECIES), frames[:10], TrainingOptions(iteration_limit=30))
        assert np.all(np.diff(result.history) < 0)
        assert result.loss < 0.05

    def test_monotonic(self, short):
        assert np.all(np.diff(short.history) < 0)
        assert short.loss == short.history[-1]

    def test_loss_is_of_potential(self, short, frames):
        assert short.loss == pytest.approx(slow_loss(short.potential, frames[:10], TrainingOptions()), rel=1e-9)

    def test_seed(self, short, frames):
        """The same seed gives the same potential, another seed another one."""
        again, other = (
            train(untrained(6, SPECIES), frames[:10], TrainingOptions(iteration_limit=5, seed=seed)) for seed in (0, 1)
        )
        np.testing.assert_array_equal(again.potential.parameters, short.potential.parameters)
        assert not np.allclose(other.potential.radial_coeffs, short.potential.radial_coeffs)

    def test_threads(self, short, frames):
        options = TrainingOptions(iteration_limit=5, threads=3)
        result = train(untrained(6, SPECIES), frames[:10], options)
        np.testing.assert_allclose(result.history, short.history, rtol=1e-4)

    def test_warm_start(self, short, frames):
        """Training goes on from where it ended."""
        longer = train(short.potential, frames[:10], TrainingOptions(iteration_limit=3))
        assert longer.history[0] <= short.loss * (1 + 1e-9)
        assert longer.loss < short.loss

    def test_no_iterations(self, short, frames):
        """A limit of zero keeps the coefficients and tells the errors."""
        result = train(short.potential, frames[:10], TrainingOptions(iteration_limit=0))
        np.testing.assert_array_equal(result.potential.parameters, short.potential.parameters)
        assert len(result.history) == 1

    def test_linear_coefficients_solved(self, short, frames):
        """Before the first step the linear coefficients are the best there are: no others make the loss smaller."""
        spoilt = short.potential.replace(moment_coeffs=0.5 * short.potential.moment_coeffs)
        result = train(spoilt, frames[:10], TrainingOptions(iteration_limit=1))
        assert result.history[0] <= short.loss * (1 + 1e-6)

    def test_regularisation(self, frames):
        """A strong ridge draws moment coefficients to zero, in units of what their terms contribute."""
        sizes = []
        for regularisation in (0.0, 1e-3, 1.0):
            options = TrainingOptions(iteration_limit=0, seed=0)
            start = train(untrained(6, SPECIES), frames[:10], options).potential
            result = train(start, frames[:10], TrainingOptions(iteration_limit=1, regularisation=regularisation))
            sizes.append(np.linalg.norm(result.potential.moment_coeffs))
        assert sizes[0] > sizes[1] > sizes[2]

    def test_held_out(self, frames):
        options = TrainingOptions(iteration_limit=15, held_out_fraction=0.2, seed=3)
        result = train(untrained(8, SPECIES), frames, options)
        assert result.held_out.size == 6
        assert len(result.held_out_history) == len(result.history)
        kept = np.setdiff1d(np.arange(30), result.held_out)
        best = int(np.argmin(result.held_out_history))
        assert result.loss == result.history[best]
        assert result.loss == pytest.approx(slow_loss(result.potential, frames[kept], options), rel=1e-8)
        held_out_loss = slow_loss(result.potential, frames[result.held_out], options)
        assert held_out_loss == pytest.approx(result.held_out_history[best], rel=1e-8)
        assert result.held_out_errors.energy.count == 6
        assert result.errors.energy.count == 24

    def test_early_stop(self, frames):
        """On two frames, a potential of 215 parameters overfits at once."""
        options = TrainingOptions(iteration_limit=200, tolerance=0.0, held_out_fraction=0.9, patience=5)
        result = train(untrained(10, SPECIES), frames[:20], options)
        assert 'held-out' in result.stop_reason
        assert len(result.history) - 1 - int(np.argmin(result.held_out_history)) == 5

    def test_tolerance(self, frames):
        options = TrainingOptions(iteration_limit=500, tolerance=0.3, window=5)
        result = train(untrained(6, SPECIES), frames[:10], options)
        assert 'fell by less than 0.3' in result.stop_reason
        assert result.history[-1] > 0.7 * result.history[-6]

    def test_iteration_limit(self, short):
        assert short.stop_reason == 'The limit of 5 iterations is reached.'
        assert len(short.history) == 6

    def test_callback(self, frames):
        calls = []
        options = TrainingOptions(iteration_limit=3)
        result = train(untrained(6, SPECIES), frames[:10], options, callback=lambda *args: calls.append(args))
        assert [number for number, _, _ in calls] == [0, 1, 2, 3]
        assert [loss for _, loss, _ in calls] == result.history.tolist()
        np.testing.assert_array_equal(calls[-1][2].parameters, result.potential.parameters)

    def test_different_sizes_and_boundaries(self, random_potential, mixed_frames):
        """Molecules and slabs have no stress, isolated atoms no neighbours: they count as far as they can."""
        truth = random_potential(6)
        labelled = evaluate(truth, mixed_frames)
        start = truth.replace(moment_coeffs=np.zeros(truth.n_moments))
        result = train(start, labelled, TrainingOptions(iteration_limit=1, update_min_dist=False, regularisation=0.0))
        assert result.loss < 1e-6 * slow_loss(start, labelled, TrainingOptions())

    def test_absent_species(self, frames):
        """Coefficients of a species that the training set lacks stay as they are."""
        start = initial_guess(untrained(6, ('Li', 'C', 'O', 'F'), min_dist=1.0), 0)
        result = train(start, frames[:10], TrainingOptions(iteration_limit=3, update_min_dist=False))
        np.testing.assert_array_equal(result.potential.radial_coeffs[3], start.radial_coeffs[3])
        np.testing.assert_array_equal(result.potential.radial_coeffs[:, 3], start.radial_coeffs[:, 3])
        assert result.loss < result.history[0]


class TestMinDist:
    def test_updated(self, short, frames):
        assert short.potential.min_dist == pytest.approx(0.99 * frames[:10].shortest_distances().min())

    def test_kept(self, frames):
        options = TrainingOptions(iteration_limit=1, update_min_dist=False)
        assert train(untrained(6, SPECIES, min_dist=1.2), frames[:10], options).potential.min_dist == 1.2

    def test_same_potential(self, recorded, frames):
        """Polynomials are rewritten in the new argument: nothing changes, to rounding."""
        converted = with_min_dist(recorded, 0.5)
        assert converted.min_dist == 0.5
        one, other = evaluate(recorded, frames), evaluate(converted, frames)
        np.testing.assert_allclose(other.energies, one.energies, rtol=1e-12)
        np.testing.assert_allclose(other.forces, one.forces, atol=1e-9)

    def test_warm_start(self, recorded, frames):
        """A shorter distance in the training set does not disturb a trained potential."""
        squeezed = frames[0].replace(positions=0.7 * frames[0].positions, cells=0.7 * frames[0].cells)
        result = train(recorded, evaluate(recorded, squeezed), TrainingOptions(iteration_limit=0))
        assert result.potential.min_dist < 0.9 * recorded.min_dist
        assert result.errors.force.rms < 1e-9 * result.errors.force.reference_rms


class TestGrow:
    def test_level(self, short, frames):
        """The next level begins with a loss no larger than the level below ended with."""
        larger = grow(short.potential, untrained(8, SPECIES))
        result = train(larger, frames[:10], TrainingOptions(iteration_limit=1, regularisation=0.0))
        assert larger.level == 8
        assert result.history[0] <= short.loss * (1 + 1e-6)

    def test_radial_functions(self, short):
        larger = grow(short.potential, untrained(10, SPECIES))
        taken = larger.scaling * larger.radial_coeffs[:, :, :2]
        np.testing.assert_allclose(taken, short.potential.scaling * short.potential.radial_coeffs, rtol=1e-12)

    def test_species(self, frames):
        """Li and O first, then carbon comes in between; forces among Li and O stay what they were."""
        atoms = [image[image.numbers != 6] for image in frames[:4].without_labels().to_atoms()]
        start = initial_guess(untrained(6, ('Li', 'O'), min_dist=1.0), 0)
        trained = start.replace(species_coeffs=np.array([1.0, 2.0]), moment_coeffs=np.ones(start.n_moments))
        larger = grow(trained, untrained(6, SPECIES)).replace(moment_coeffs=np.ones(start.n_moments))
        assert larger.species == SPECIES
        assert larger.species_coeffs.tolist() == [1.0, 0.0, 2.0]
        one, other = (evaluate(potential, Frames.from_atoms(atoms)) for potential in (trained, larger))
        np.testing.assert_allclose(other.energies, one.energies, rtol=1e-12)
        np.testing.assert_allclose(other.forces, one.forces, atol=1e-10 * np.abs(one.forces).max())

    @pytest.mark.parametrize(
        ('larger', 'message'),
        [
            (untrained(8, ('Li', 'O')), 'lacks the species C'),
            (untrained(8, SPECIES, max_dist=6.0), 'cut-offs differ: 5.0 Å and 6.0 Å'),
            (untrained(8, SPECIES, radial_basis_size=6), 'smaller `radial_basis_size`'),
        ],
    )
    def test_refused(self, short, larger, message):
        with pytest.raises(ValueError, match=message):
            grow(short.potential, larger)

    def test_untrained(self):
        with pytest.raises(ValueError, match='not trained'):
            grow(untrained(6, SPECIES), untrained(8, SPECIES))


class TestRefused:
    def test_unlabelled(self, frames):
        energies = frames.energies.copy()
        energies[[3, 5]] = np.nan
        with pytest.raises(ValueError, match=r'2 of 30 training configurations .* configuration 3'):
            train(untrained(6, SPECIES), frames.replace(energies=energies))

    def test_empty(self):
        with pytest.raises(ValueError, match='empty'):
            train(untrained(6, SPECIES), Frames.empty())

    def test_unknown_species(self, frames):
        with pytest.raises(FramesError, match='C not in the species list'):
            train(untrained(6, ('Li', 'O')), frames)

    @pytest.mark.parametrize(
        ('option', 'value'),
        [
            ('energy_weight', -1.0), ('force_weight', float('nan')), ('iteration_limit', -1), ('threads', 0),
            ('held_out_fraction', 1.0), ('window', 0), ('regularisation', -1e-8),
        ],
    )  # fmt: skip
    def test_option(self, option, value):
        with pytest.raises(ValueError, match=option):
            TrainingOptions(**{option: value})

    def test_no_weights(self):
        with pytest.raises(ValueError, match='nothing to train on'):
            TrainingOptions(energy_weight=0.0, force_weight=0.0, stress_weight=0.0)

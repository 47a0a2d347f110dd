"""What an engine that runs production dynamics has to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.track import load_track
from aiida_seimlip.science.analysis.track import Track
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import Evaluator
from aiida_seimlip.testing import world
from aiida_seimlip.testing.engine import EngineContract, PotentialFixtures, Settings

PARAMETERS = {
    'ensemble': 'nvt', 'temperature': 20.0, 'timestep': 4.0, 'n_steps': 60, 'seed': 5, 'thermostat_damping': 200.0,
    'mobile': ['Ne'], 'track_every': 10, 'dump_every': 10,
}  # fmt: skip


def start(shift: float = 0.0, velocity: Any = None) -> FramesData:
    """Return a monoclinic cell of eight atoms in a general orientation.

    :param shift: of all atoms, in Å.
    :param velocity: of all atoms, in Å/ps, beside a thermal motion; without velocities if None.
    """
    frames = Frames.from_atoms([world.image(1, scale=0.02, strain=0.02)])
    frames = frames.replace(positions=frames.positions + shift)
    if velocity is not None:
        thermal = np.random.default_rng(3).normal(scale=1.0, size=(8, 3))
        frames = frames.replace(velocities=thermal + velocity)
    return FramesData(frames)


class DynamicsContract(PotentialFixtures, EngineContract):
    """Energies and forces are those of the potential, and tracks are what follows from the whole frames."""

    socket = 'dynamics'
    given_later = ('parameters',)

    def follow(self, settings: Settings, potential: PotentialData, **changes: Any) -> dict[str, Any]:
        """Run the engine and return its outputs.

        :param settings: of the engine.
        :param potential: a potential of neon and argon.
        :param changes: of `PARAMETERS`; `structure` is the start.
        """
        structure = changes.pop('structure', None) or start()
        return self.run(settings, structure=structure, potential=potential, parameters={**PARAMETERS, **changes})

    def test_start_alone_is_evaluated(self, settings: Settings, potential: PotentialData) -> None:
        """No step is done; energy and forces are those of the potential."""
        outputs = self.follow(settings, potential, n_steps=0)
        results, frames = outputs['results'].get_dict(), outputs['trajectory'].get_frames()
        evaluation = Evaluator(potential.get_mtp()).compute_frames(start().get_frames())
        assert (results['outcome'], results['n_steps'], results['n_jobs']) == ('completed', 0, 1)
        assert frames.origin_steps.tolist() == [0]
        assert frames.energies[0] == pytest.approx(evaluation.site_energies.sum(), abs=1e-9)
        np.testing.assert_allclose(frames.forces, evaluation.forces, atol=1e-8)
        assert 'track' not in outputs

    def test_track_at_constant_volume(self, settings: Settings, potential: PotentialData) -> None:
        """It equals what follows from the whole frames, of ions that leave the cell many times, through all faces."""
        moving = start(velocity=[150.0, -60.0, 90.0])
        changes = {'ensemble': 'nve', 'velocities': 'keep', 'n_steps': 120, 'timestep': 2.0}
        outputs = self.follow(settings, potential, structure=moving, **changes)
        track = load_track(outputs['track'])
        expected = Track.from_frames(outputs['trajectory'].get_frames(), ['Ne'], 2.0)
        assert track.symbols == ('Ne', 'Ne')
        np.testing.assert_array_equal(track.steps, np.arange(0, 121, 10))
        np.testing.assert_allclose(track.positions, expected.positions, atol=6e-5)
        np.testing.assert_allclose(track.framework, expected.framework, atol=1e-6)
        np.testing.assert_allclose(track.cells, expected.cells, atol=1e-6)
        travelled = track.positions[-1] - track.positions[0]
        np.testing.assert_allclose(travelled, [36.0, -14.4, 21.6] * np.ones((2, 3)), atol=1)
        still = track.drift_free().positions
        assert np.abs(still - still[0]).max() < 1.5

    def test_track_in_a_cell_that_changes(self, settings: Settings, potential: PotentialData) -> None:
        """The same under pressure, with all components of the cell free."""
        changes = {'ensemble': 'npt_tri', 'barostat_damping': 4000.0}
        outputs = self.follow(settings, potential, structure=start(shift=1.0), **changes)
        track = load_track(outputs['track'])
        expected = Track.from_frames(outputs['trajectory'].get_frames(), ['Ne'], 4.0)
        assert np.ptp(track.volumes) > 1.0
        np.testing.assert_allclose(track.positions, expected.positions, atol=6e-5)
        np.testing.assert_allclose(track.framework, expected.framework, atol=1e-6)
        np.testing.assert_allclose(track.cells, expected.cells, atol=1e-6)

    def test_results(self, settings: Settings, potential: PotentialData) -> None:
        """All numbers are there, whole frames have labels, and the last one can be gone on from."""
        outputs = self.follow(settings, potential, n_steps=200, mobile=[], dump_every=20, thermo_every=20)
        results = outputs['results'].get_dict()
        assert results['outcome'] == 'completed'
        assert results['message'] is None
        assert (results['n_steps'], results['n_steps_asked'], results['n_jobs']) == (200, 200, 1)
        assert 5.0 < results['mean_temperature'] < 40.0
        assert results['mean_volume'] == pytest.approx(start().get_frames().volumes[0], rel=1e-9)
        assert np.isfinite(results['mean_pressure'])
        assert 0.0 <= results['loop_seconds'] <= results['seconds'] + 1.0
        assert outputs['trajectory'].n_frames == 11
        frames = outputs['trajectory'].get_frames()
        assert np.isfinite(frames.energies).all()
        assert np.isfinite(frames.forces).all()
        assert outputs['final'].get_frames().origin_steps.tolist() == [200]
        assert 'track' not in outputs

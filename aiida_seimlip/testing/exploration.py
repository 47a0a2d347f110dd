"""What an engine that explores with a potential has to do."""

from __future__ import annotations

from typing import Any

import numpy as np

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.testing import world
from aiida_seimlip.testing.engine import EngineContract, PotentialFixtures, Settings

CONDITIONS = {
    'ensemble': 'nvt', 'temperature': 20.0, 'timestep': 4.0, 'n_steps': 60, 'thermostat_damping': 200.0,
    'dump_every': 20, 'seed': 5, 'threshold_save': 2.0, 'threshold_break': 1e6,
}  # fmt: skip


class ExplorationContract(PotentialFixtures, EngineContract):
    """Runs come to their end or stop themselves where the potential extrapolates; the same seed gives the same run."""

    socket = 'exploration'
    given_later = ('parameters',)

    def explore(self, settings: Settings, potential: PotentialData, **changes: Any) -> dict[str, Any]:
        """Run the engine from a perfect cell and return its outputs.

        :param settings: of the engine.
        :param potential: a potential of neon and argon.
        :param changes: of `CONDITIONS`.
        """
        start = FramesData(Frames.from_atoms([world.image(1, scale=0.0, strain=0.0)]))
        return self.run(settings, structure=start, potential=potential, parameters={**CONDITIONS, **changes})

    def test_run_comes_to_its_end(self, settings: Settings, potential: PotentialData) -> None:
        """A cold run is within what the potential knows."""
        outputs = self.explore(settings, potential)
        results = outputs['results'].get_dict()
        assert (results['outcome'], results['n_steps'], results['message']) == ('completed', 60, None)
        trajectory = outputs['trajectory'].get_frames()
        assert trajectory.origin_steps[-1] == 60
        assert np.diff(trajectory.origin_steps).max() <= 20
        final = outputs['final'].get_frames()
        assert np.isfinite(final.velocities).all()
        cell = world.image(1, scale=0.0, strain=0.0).cell.array
        np.testing.assert_allclose(final.cells[0], cell, atol=1e-6)

    def test_run_is_reproducible(self, settings: Settings, potential: PotentialData) -> None:
        """The seed decides."""
        first, second = (self.explore(settings, potential)['trajectory'].get_frames() for _ in range(2))
        np.testing.assert_allclose(first.positions, second.positions, atol=1e-9)
        other = self.explore(settings, potential, seed=6)['trajectory'].get_frames()
        assert np.abs(first.positions - other.positions).max() > 0.01

    def test_run_stops_itself(self, settings: Settings, potential: PotentialData) -> None:
        """A hot run leaves what the potential knows: that is no failure."""
        outputs = self.explore(settings, potential, temperature=2000.0, threshold_break=4.0, n_steps=2000)
        results = outputs['results'].get_dict()
        assert results['outcome'] == 'broke'
        assert results['n_steps'] < 2000
        assert results['highest_grade'] > 4.0
        candidates = outputs['candidates'].get_frames()
        assert results['n_candidates'] == len(candidates)
        assert (candidates.grades > 2.0).all()
        assert sorted(set(outputs['candidates'].elements)) == sorted(world.SPECIES)

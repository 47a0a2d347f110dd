"""What an engine that selects configurations has to do."""

from __future__ import annotations

import numpy as np

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.testing import world
from aiida_seimlip.testing.engine import EngineContract, PotentialFixtures, Settings


class SelectionContract(PotentialFixtures, EngineContract):
    """What is new is chosen, with the grades and origins that it had; what is known is not."""

    socket = 'selection'

    def test_what_is_new_is_chosen(
        self, settings: Settings, potential: PotentialData, training: dict[str, FramesData]
    ) -> None:
        """Two strongly distorted cells stand among two of the training set."""
        known = training['one'].get_frames().without_labels()
        new = Frames.from_atoms([world.image(100, scale=0.6), world.image(101, scale=0.6)])
        candidates = Frames.concatenate([known[:2], new]).replace(grades=np.array([1.0, 1.0, 7.0, 8.0]))
        node = FramesData(candidates)
        outputs = self.run(settings, potential=potential, training=training, candidates=node)
        selected = outputs['selected'].get_frames()
        assert set(new.hashes()) & set(selected.hashes())
        chosen = [node.hashes.index(value) for value in selected.hashes()]
        np.testing.assert_array_equal(selected.grades, candidates.grades[chosen])
        np.testing.assert_array_equal(selected.origin_indices, chosen)

    def test_nothing_may_be_chosen(
        self, settings: Settings, potential: PotentialData, training: dict[str, FramesData]
    ) -> None:
        """A candidate of the training set has nothing new."""
        candidates = FramesData(training['one'].get_frames()[[0]].without_labels())
        outputs = self.run(settings, potential=potential, training=training, candidates=candidates)
        assert outputs['selected'].n_frames == 0

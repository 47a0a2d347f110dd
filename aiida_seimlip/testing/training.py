"""What an engine that trains potentials has to do."""

from __future__ import annotations

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.evaluation import read_errors
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.testing import world
from aiida_seimlip.testing.engine import EngineContract, PotentialFixtures, Settings


class TrainingContract(PotentialFixtures, EngineContract):
    """The potential is trained, of the right species, ready to explore with, and its errors are small and told."""

    socket = 'training'
    energy_error, force_error, stress_error = 5.0, 0.05, 0.5
    """Largest root mean square errors on the training set, in meV/atom, eV/Å and GPa."""

    n_frames = 12
    """Frames that are learned from; fewer than the twelve where some are held out."""

    def start(self) -> PotentialData | None:
        """Return where training starts: an untrained potential of level 6 unless a subclass has another, or None."""
        return PotentialData.from_mtp(untrained(6, world.SPECIES, min_dist=2.0, max_dist=5.2))

    def test_training_gives_a_potential(self, settings: Settings, training: dict[str, FramesData]) -> None:
        """It learns from all nodes of the training set."""
        start = self.start()
        outputs = self.run(settings, training=training, **({} if start is None else {'start': start}))
        potential = outputs['potential']
        assert potential.is_trained
        assert potential.species == world.SPECIES
        assert start is None or potential.family == start.family
        if potential.family == 'mtp':
            assert potential.selection_mode is not None
        errors = read_errors(outputs['errors'])
        assert errors.n_frames == self.n_frames
        assert 0.0 < errors.energy_mev_per_atom < self.energy_error
        assert 0.0 < errors.force_ev_per_angstrom < self.force_error
        assert 0.0 < errors.stress_gpa < self.stress_error

"""What an engine that labels configurations has to do."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from aiida import orm
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.testing import world
from aiida_seimlip.testing.engine import EngineContract, Settings


class ReferenceContract(EngineContract):
    """Labels are complete, in order, in eV and Å; forces and stresses are derivatives of the energies."""

    socket = 'reference'
    precision: ClassVar[float] = 1e-9
    """To how many eV and Å the files of the program are exact."""

    def image(self, seed: int) -> Atoms:
        """Return a configuration without symmetry; eight atoms of neon and argon unless a subclass has others.

        :param seed: other configurations have others.
        """
        return world.image(seed)

    def labelled(self, atoms: Atoms) -> Atoms | None:
        """Return the atoms with the labels that the program has to give, calculated in this process.

        :param atoms: one of `image`.
        :return: None if there is nothing to compare with.
        """
        return world.labelled(atoms)

    def test_labels_come_in_order(self, settings: Settings) -> None:
        """Frames keep their content and origin, and get the labels of the same method in this process."""
        images = [self.image(seed) for seed in (3, 1, 2)]
        frames = FramesData(Frames.from_atoms(images))
        outputs = self.run(settings, frames=frames)
        found = outputs['frames'].get_frames()
        assert found.hashes() == frames.hashes
        assert outputs['frames'].is_labelled
        assert outputs['failures'].get_dict() == {}
        assert found.origin_uuids.tolist() == [frames.uuid] * 3
        assert found.origin_indices.tolist() == [0, 1, 2]
        promised = self.load().describe_labels(settings)  # type: ignore[attr-defined]
        for said, name in zip((outputs['frames'].methods, outputs['frames'].energy_kinds), promised, strict=True):
            assert not name or set(said) == {name}, 'the labels do not say what the engine says that it makes'
        known = [self.labelled(atoms) for atoms in images]
        if all(atoms is not None for atoms in known):
            expected = Frames.from_atoms(known)
            np.testing.assert_allclose(found.energies, expected.energies, atol=self.precision)
            np.testing.assert_allclose(found.forces, expected.forces, atol=self.precision)
            np.testing.assert_allclose(found.stresses, expected.stresses, atol=0.1 * self.precision)

    def test_forces_and_stresses_are_derivatives_of_the_energy(self, settings: Settings) -> None:
        """Central differences along one displacement of all atoms, and along one strain; signs and units included."""
        atoms = self.image(1)
        outputs = self.run(settings, frames=FramesData.from_atoms(world.derivative_images(atoms)))
        found = outputs['frames'].get_frames()
        _, ahead, back, wider, narrower = found.energies
        shift, strain = world.directions(atoms)
        work = -(found[0].forces * shift).sum()
        noise = self.precision / world.STEP
        assert (ahead - back) / (2 * world.STEP) == pytest.approx(work, rel=2e-3, abs=1e-4 + noise)
        voigt = strain[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] * [1, 1, 1, 2, 2, 2]
        assert found.stresses is not None
        work = atoms.get_volume() * (found.stresses[0] @ voigt)
        assert (wider - narrower) / (2 * world.STEP) == pytest.approx(work, rel=2e-3, abs=2e-3 + noise)

    def test_dynamics_are_sampled(self, settings: Settings) -> None:
        """Labelled samples of short molecular dynamics come in order of start and step, and are new."""
        if not getattr(self.load(), 'supports_dynamics', False):
            pytest.skip(f'the engine {self.engine} runs no dynamics')
        frames = FramesData(Frames.from_atoms([self.image(1), self.image(2)]))
        outputs = self.run(settings, frames=frames, dynamics=orm.Dict(world.DYNAMICS))
        assert outputs['frames'].n_frames == 4
        assert outputs['frames'].is_labelled
        assert outputs['frames'].get_frames().origin_steps.tolist() == [10, 20, 10, 20]
        assert not set(outputs['frames'].hashes) & set(frames.hashes)

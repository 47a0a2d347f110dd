"""What an engine that finds paths has to do."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.testing import world
from aiida_seimlip.testing.engine import EngineContract, Settings


class PathContract(EngineContract):
    """A band ends in a saddle point between minima that stay where they were; images are relaxed where that is known.

    The settings choose the forces of `world.LENNARD_JONES`, a climbing image, and `fmax`.
    """

    socket = 'path'
    fmax: ClassVar[float] = 0.01
    """Largest force across the path in eV/Å at which the settings of the subclass end a band."""

    precision: ClassVar[float] = 1e-6
    """To how many eV and Å the files of the program are exact."""

    def test_band_goes_over_a_saddle_point(self, settings: Settings) -> None:
        """Labels are right, the ends are kept; the highest image has no force, and falls off to both sides."""
        images = world.band()
        outputs = self.run(settings, images=FramesData.from_atoms(images))
        found = outputs['path'].get_frames()
        results = outputs['results'].get_dict()
        assert results['is_converged'] and results['is_climbing'] and results['message'] is None
        assert results['fmax'] <= 1.1 * self.fmax  # a program may look before its last step
        given = Frames.from_atoms(images)
        np.testing.assert_array_equal(found.numbers, given.numbers)
        for end in (0, -1):
            np.testing.assert_allclose(found[end].positions, given[end].positions, atol=self.precision)
        expected = Frames.from_atoms([world.labelled(atoms) for atoms in found.without_labels().to_atoms()])
        np.testing.assert_allclose(found.energies, expected.energies, atol=self.precision)
        np.testing.assert_allclose(found.forces, expected.forces, atol=10 * self.precision)
        top = int(np.argmax(found.energies))
        assert found.energies[top] - max(found.energies[0], found.energies[-1]) > 0.01
        assert np.linalg.norm(found[top].forces, axis=1).max() <= 2 * self.fmax
        along = found[top + 1].positions - found[top - 1].positions
        saddle = found[top].without_labels().to_atoms()[0]
        for side in (1, -1):
            beside = saddle.copy()
            beside.positions += side * 0.2 * along / np.linalg.norm(along)
            assert world.labelled(beside).get_potential_energy() < found.energies[top]

    def test_images_are_relaxed(self, settings: Settings) -> None:
        """Each by itself, in order, to the nearest minimum."""
        if not getattr(self.load(), 'supports_relaxation', False):
            pytest.skip(f'the engine {self.engine} relaxes no images')
        images = [world.band(1)[index] for index in (0, 2)]
        for seed, atoms in enumerate(images):
            atoms.rattle(0.05, seed=seed)
        outputs = self.run(settings, images=FramesData.from_atoms(images), relax=orm.Dict({'fmax': self.fmax}))
        found = outputs['path'].get_frames()
        for atoms, start in zip(found.without_labels().to_atoms(), images, strict=True):
            assert str(atoms.symbols) == str(start.symbols)
            forces = world.labelled(atoms).get_forces()
            assert np.linalg.norm(forces, axis=1).max() <= self.fmax + 10 * self.precision
            assert np.linalg.norm(atoms.positions - start.positions, axis=1).max() < 0.5

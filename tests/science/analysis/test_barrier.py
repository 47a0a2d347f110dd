"""Barriers along a path: against an analytic potential, and against ASE's tools."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.mep import NEBTools

from aiida_seimlip.science.analysis.barrier import (
    compare_profiles,
    describe_path,
    find_collapsed,
    spacings,
)
from aiida_seimlip.science.frames import Frames


def well(x, y, tilt=0.1):
    """Return energy and forces of a tilted double well along x, with its bottom on a bent line."""
    bend = 0.3 * (1.0 - x**2)
    energy = (x**2 - 1.0) ** 2 + tilt * x + 5.0 * (y - bend) ** 2
    slope = 4.0 * x * (x**2 - 1.0) + tilt + 10.0 * (y - bend) * 0.6 * x
    return energy, np.array([-slope, -10.0 * (y - bend), 0.0])


def path_of(points, cell=None, **changes):
    images = []
    for x, y in points:
        image = Atoms('H', [[x, y, 0.0]], cell=cell, pbc=cell is not None)
        energy, force = well(x, y, **changes)
        image.calc = SinglePointCalculator(image, energy=energy, forces=force[None])
        images.append(image)
    return images


def exact_path(n_images=9, **changes):
    xs = np.linspace(-1.0, 1.0, n_images)
    return path_of([(x, 0.3 * (1.0 - x**2)) for x in xs], **changes)


def test_spline_is_that_of_ase():
    images = exact_path(7)
    profile = describe_path(Frames.from_atoms(images))
    tools = NEBTools(images)
    fit = tools.get_fit()
    np.testing.assert_allclose(profile.coordinate, fit.path, rtol=1e-12)
    np.testing.assert_allclose(profile.spline_coordinate, fit.fit_path, rtol=1e-12)
    np.testing.assert_allclose(profile.spline_energy, fit.fit_energies, atol=1e-10)
    forward, reaction = tools.get_barrier(fit=True)
    assert profile.forward == pytest.approx(forward, abs=2e-4)  # ASE takes the highest of the points
    assert profile.forward >= forward
    assert profile.reaction_energy == pytest.approx(reaction, abs=1e-12)


def test_barrier_between_images():
    """With an even number of images none is at the top: the spline finds it from energies and slopes."""
    coarse = describe_path(Frames.from_atoms(exact_path(10, tilt=0.0)))
    assert coarse.energies.max() < 0.98
    assert coarse.forward == pytest.approx(1.0, abs=5e-3)
    assert coarse.resolution == pytest.approx(coarse.forward - coarse.energies.max())
    assert coarse.highest_coordinate == pytest.approx(0.5 * coarse.coordinate[-1], abs=1e-6)
    errors = [
        abs(describe_path(Frames.from_atoms(exact_path(n, tilt=0.0))).forward - 1.0) for n in (6, 10, 20)
    ]  # fmt: skip
    assert errors[0] > errors[1] > errors[2]


def test_ends_swapped():
    """Forward and back change places, the spline is the mirror image."""
    images = exact_path(8)
    one, other = (describe_path(Frames.from_atoms(band)) for band in (images, images[::-1]))
    assert one.forward == pytest.approx(other.backward, abs=1e-12)
    assert one.backward == pytest.approx(other.forward, abs=1e-12)
    assert one.reaction_energy == pytest.approx(0.2, abs=1e-12) == pytest.approx(-other.reaction_energy)
    np.testing.assert_allclose(one.tangential_forces, -other.tangential_forces[::-1], atol=1e-12)
    np.testing.assert_allclose(one.perpendicular_forces, other.perpendicular_forces[::-1], atol=1e-12)


def test_force_across_the_path():
    """On a straight path above the bottom of the well, the force across it is that of the well alone."""
    straight = Frames.from_atoms(path_of([(x, 0.4) for x in np.linspace(-0.5, 0.5, 7)], tilt=0.0))
    profile = describe_path(straight)
    expected = [abs(well(x, 0.4)[1][1]) for x in np.linspace(-0.5, 0.5, 7)[1:-1]]
    np.testing.assert_allclose(profile.perpendicular_forces[1:-1], expected, atol=1e-12)
    assert np.isnan(profile.perpendicular_forces[[0, -1]]).all()
    assert profile.fmax == pytest.approx(max(expected))


def test_path_across_the_cell():
    cell = [4.0, 4.0, 4.0]
    images = exact_path(9)
    wrapped = [image.copy() for image in images]
    for image, original in zip(wrapped, images, strict=True):
        image.set_cell(cell)
        image.pbc = True
        image.calc = SinglePointCalculator(image, **original.calc.results)
        image.wrap()
        image.calc.atoms = image.copy()
    frames = Frames.from_atoms(wrapped)
    assert np.ptp(frames.positions[:, 0]) > 3.0
    one, other = describe_path(frames), describe_path(Frames.from_atoms(images))
    np.testing.assert_allclose(one.coordinate, other.coordinate, atol=1e-12)
    np.testing.assert_allclose(one.spline_energy, other.spline_energy, atol=1e-12)


def test_collapsed_images():
    points = [(-1.0, 0.0), (-0.5, 0.2), (-0.499, 0.2), (0.4, 0.2), (1.0, 0.0)]
    frames = Frames.from_atoms(path_of(points))
    assert find_collapsed(frames, 0.1) == [2]
    assert find_collapsed(frames, 1e-4) == []
    assert spacings(frames)[1] == pytest.approx(1e-3)
    points[2] = points[1]
    with pytest.raises(ValueError, match='lies on the one before'):
        describe_path(Frames.from_atoms(path_of(points)))


def test_intermediate_minimum():
    def energies(values):
        images = [Atoms('H', [[float(i), 0, 0]]) for i in range(len(values))]
        for image, value in zip(images, values, strict=True):
            image.calc = SinglePointCalculator(image, energy=value, forces=np.zeros((1, 3)))
        return describe_path(Frames.from_atoms(images)).intermediate_minima

    assert energies([0.0, 0.5, 0.1, 0.6, 0.0]) == [2]
    assert energies([0.0, 0.5, 0.499, 0.6, 0.0]) == []  # too shallow
    assert energies([0.0, 0.2, 0.6, 0.2, 0.0]) == []


def test_errors_by_a_reference():
    """A potential whose wells are tilted otherwise: the errors are those of the tilt."""
    reference, other = (Frames.from_atoms(exact_path(9, tilt=tilt)) for tilt in (0.0, 0.1))
    errors = compare_profiles(other, reference)
    assert errors.reaction_energy == pytest.approx(0.2)
    assert errors.forward == pytest.approx(0.1, abs=5e-3)
    assert errors.backward == pytest.approx(-0.1, abs=5e-3)
    steps = np.linspace(-1.0, 1.0, 9)[1:] + 1.0
    assert errors.energy_rms == pytest.approx(0.1 * np.sqrt(np.mean(steps**2)))
    assert errors.force_rms == pytest.approx(0.1 / np.sqrt(3.0))
    with pytest.raises(ValueError, match='not consist of the same images'):
        compare_profiles(other, Frames.from_atoms(exact_path(9)[::-1]))

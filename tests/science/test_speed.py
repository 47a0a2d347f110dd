"""Speeds of molecular dynamics in the units that people compare."""

import pytest

from aiida_seimlip.science.speed import atom_steps_per_second, ns_per_day


def test_lammps_says_the_same():
    """A line of a log of LAMMPS: `Loop time of 0.996472 on 1 procs for 20 steps with 48 atoms`, steps of 1 fs."""
    assert ns_per_day(20, 0.996472, timestep_fs=1.0) == pytest.approx(1.734, abs=5e-4)
    assert atom_steps_per_second(48, 20, 0.996472) == pytest.approx(963.399, abs=1e-2)


@pytest.mark.parametrize(('n_steps', 'seconds'), [(0, 1.0), (10, None), (10, 0.0)])
def test_nothing_to_reckon_with(n_steps, seconds):
    assert ns_per_day(n_steps, seconds, timestep_fs=1.0) is None
    assert atom_steps_per_second(5, n_steps, seconds) is None

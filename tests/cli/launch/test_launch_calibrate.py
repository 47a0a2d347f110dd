"""Calibrations from the command line, and what is shown of calibrated potentials."""

from __future__ import annotations

import pytest

from aiida_seimlip.science.analysis.calibration import Calibration
from aiida_seimlip.science.analysis.coverage import Coverage
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from tests.cli.launch.test_launch import submitted
from tests.conftest import FIXTURES, SPECIES
from tests.workflows.models.calibrated import displaced, with_errors

__all__ = ('submitted',)

SHARED = FIXTURES / 'mlip3' / 'shared'


@pytest.fixture
def potential(potential_trained):
    return potential_trained.store()


@pytest.fixture
def frames(potential):
    return with_errors(potential, displaced(read_cfg(SHARED / 'train40.cfg', SPECIES).frames, 50)).store()


def test_nodes_and_files_are_taken(run_command, submitted, potential, frames):
    other = str(SHARED / 'l08_nbh_30.almtp')
    arguments = ('--potential', potential.pk, '--frames', frames.pk, '--other', other)
    run_command('launch', 'calibrate', *arguments, '--training', SHARED / 'train40.cfg', '--protocol', 'demo')
    (builder,) = submitted
    assert builder.potential.uuid == potential.uuid
    assert builder.frames.uuid == frames.uuid
    assert [node.n_frames for node in builder.training.values()] == [40]
    assert builder.other.species == SPECIES
    assert builder.options['max_bins'] == 6


def test_dry_run_counts_frames(run_command, submitted, potential, frames):
    arguments = ('--potential', potential.pk, '--frames', frames.pk, '--dry-run')
    output = run_command('launch', 'calibrate', *arguments).output
    assert 'No jobs: 50 of 50 frames with 1200 atoms are evaluated once' in output
    assert 'Nothing was run.' in output
    assert not submitted


def test_what_is_wrong_is_said(run_command, submitted, potential, frames_labelled):
    arguments = ('--potential', potential.pk, '--frames', frames_labelled.store().pk)
    output = ' '.join(run_command('launch', 'calibrate', *arguments, fails=True).output.split())
    assert 'holds 16 frames to learn from, but the quantile of 95 % takes 38 at least' in output
    assert not submitted


def test_show_prints_the_calibration(run_command, potential):
    assert 'It is not calibrated' in run_command('potential', 'show', potential.pk).output
    coverage = (Coverage(0.5, 0.51, 0.48, 0.54, 80, 1920), Coverage(0.95))
    found = Calibration('atom_grade', (0.5, 0.95), (1.25, 4.0), ((0.1, 0.2), (0.3, 0.5)), 80, 1920, 'PBE', coverage)
    output = run_command('potential', 'show', potential.with_calibration(found).store().pk).output
    lines = [line.split() for line in output.splitlines()]
    assert ['1.25', '0.1', '0.3'] in lines
    assert ['4', '0.2', '0.5'] in lines
    assert ['>', '4', '-', '-'] in lines
    assert '51.0 % of the errors on held-out frames (48.0 to 54.0 with chance)' in output
    assert 'not tested' in output

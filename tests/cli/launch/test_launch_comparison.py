"""Comparisons of models from the command line: submitted, or described by a dry run."""

from __future__ import annotations

import pytest
from ase.build import bulk

from tests.cli.launch.test_launch import submitted

__all__ = ('submitted',)


@pytest.fixture
def copper(tmp_path):
    path = tmp_path / 'copper.cif'
    bulk('Cu', cubic=True).write(path)
    return path


@pytest.fixture
def python(code):
    return code('seimlip.ase').full_label


ENGINE = '{"engines": {"dynamics": "ase"}, "dynamics": {"parameters": {"calculator": {"name": "emt"}}}}'


def test_evaluate_with_dynamics(run_command, submitted, python, copper):
    run_command(
        'launch', 'evaluate', '--structure', f'cu={copper}', '--model', 'emt', '--model', 'pair=lj', '--reference',
        'emt',
        '--code', f'dynamics={python}', '--code', f'calculators={python}', '--protocol', 'demo', '--seed', 7,
        '--overrides', ENGINE,
    )  # fmt: skip
    (builder,) = submitted
    assert set(builder.structures) == {'cu'}
    assert set(builder.models) == {'emt', 'pair'}
    assert (builder.options['reference'], builder.options['seed']) == ('emt', 7)
    assert builder.options['sampling']['temperatures'] == [300.0]
    assert builder.dynamics['parameters']['calculator']['name'] == 'emt'


def test_the_only_potential_runs_the_dynamics(run_command, submitted, code, potential_trained, structure_li2co3):
    structure_li2co3.store()
    potential_trained.store()
    run_command(
        'launch', 'evaluate', '--structure', structure_li2co3.pk, '--model', f'grown={potential_trained.pk}', '--model',
        'teacher=sevennet', '--reference', 'teacher', '--code', f'dynamics={code("seimlip.lammps").full_label}',
        '--code', f'potentials={code("seimlip.ase").full_label}', '--protocol', 'demo',
    )  # fmt: skip
    (builder,) = submitted
    assert builder.potential.uuid == potential_trained.uuid
    assert builder.engines['dynamics'] == 'lammps'


def test_evaluate_labelled_frames(run_command, submitted, python, frames_labelled, potential_trained):
    potential_trained.store()
    frames_labelled.store()
    run_command(
        'launch', 'evaluate', '--frames', f'held_out={frames_labelled.pk}', '--model', f'grown={potential_trained.pk}',
        '--reference', 'labels', '--code', f'potentials={python}',
    )  # fmt: skip
    (builder,) = submitted
    assert builder.frames['held_out'].uuid == frames_labelled.uuid
    assert builder.options['sampling'] is None
    assert 'potential' not in builder


def test_dry_runs_count_runs_and_frames(run_command, submitted, python, copper):
    arguments = (
        '--structure', copper, '--model', 'emt', '--model', 'lj', '--reference', 'emt', '--code', f'dynamics={python}',
        '--code', f'calculators={python}', '--protocol', 'demo', '--overrides', ENGINE, '--dry-run',
    )  # fmt: skip
    output = run_command('launch', 'evaluate', *arguments).output
    assert 'dynamics 300 K' in output
    assert '6 frames' in output
    output = run_command('launch', 'size-transfer', *arguments).output
    # cells of 5 and 10 Å of a crystal of 3.61 Å: 2 and 3 repeats, four frames of each, and both without displacements
    assert '10 frames' in output
    assert not submitted


def test_repeats_replace_the_lengths_of_the_protocol(run_command, submitted, python, copper):
    overrides = ENGINE[:-1] + ', "options": {"repeats": [[1, 1, 1], [2, 1, 1]]}}'
    run_command(
        'launch', 'size-transfer', '--structure', copper, '--model', 'emt', '--model', 'lj', '--reference', 'emt',
        '--code', f'dynamics={python}', '--code', f'calculators={python}', '--overrides', overrides,
    )  # fmt: skip
    (builder,) = submitted
    assert builder.options['repeats'] == [[1, 1, 1], [2, 1, 1]]
    assert builder.options['lengths'] == []


def test_what_is_wrong_is_said(run_command, submitted, code, python, copper):
    def refuse(*arguments):
        result = run_command('launch', 'evaluate', *arguments, fails=True)
        assert result.exit_code == 2
        assert not submitted
        return ' '.join(result.output.split())

    shared = ('--code', f'calculators={python}', '--model', 'emt', '--model', 'lj')
    lmp = ('--code', f'dynamics={code("seimlip.lammps").full_label}')
    assert 'LAMMPS needs one' in refuse(*shared, *lmp, '--structure', copper, '--reference', 'emt')
    words = refuse(
        *shared, '--structure', copper, '--reference', 'dft', '--code', f'dynamics={python}', '--overrides', ENGINE
    )
    assert 'names the reference `dft`' in words
    assert 'is neither a file nor a set of frames' in refuse(*shared, '--frames', 'a=999999', '--reference', 'emt')

"""Models side by side and cross-examinations from the command line: submitted, or described by a dry run."""

from __future__ import annotations

import pytest
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
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


@pytest.fixture
def frames():
    """Return the PK of three frames of copper without labels."""
    images = [bulk('Cu', cubic=True) for _ in range(3)]
    for seed, atoms in enumerate(images):
        atoms.rattle(0.05, seed=seed)
    return FramesData.from_atoms(images).store().pk


def test_compare_everything(run_command, submitted, python, copper, frames):
    run_command(
        'launch', 'compare', '--model', 'emt', '--model', 'pair=lj', '--reference', 'emt', '--frames', f'some={frames}',
        '--structure', f'cu={copper}', '--path', f'hop={frames}', '--start', copper, '--code', f'calculators={python}',
        '--protocol', 'demo', '--seed', 7, '--overrides', '{"options": {"dynamics": {"n_steps": 40}}}',
    )  # fmt: skip
    (builder,) = submitted
    assert set(builder.models) == {'emt', 'pair'}
    assert (builder.options['reference'], builder.options['seed']) == ('emt', 7)
    assert builder.options['dynamics']['n_steps'] == 40
    assert (builder.errors['options']['reference'], builder.errors['options']['seed']) == ('emt', 7)
    assert builder.crystals['relax']['reference'] == 'emt'
    assert 'elastic' not in builder.crystals
    assert set(builder.crystals['structures']) == {'cu'}
    assert set(builder.paths) == {'hop'}
    assert builder.dynamics['pair']['engine'].value == 'ase'
    assert builder.dynamics['pair']['parameters']['calculator']['name'] == 'lj'


def test_models_with_codes_of_their_own(run_command, submitted, code, potential_trained, frames_labelled):
    """Potentials of several families seldom run in one Python environment; errors alone, against labels."""
    potential_trained.store()
    frames_labelled.store()
    codes = [code('seimlip.ase', executable) for executable in ('/bin/true', '/bin/false')]
    run_command(
        'launch', 'compare', '--model', f'grown={potential_trained.pk}', '--model', 'teacher=sevennet', '--reference',
        'labels', '--frames', frames_labelled.pk, '--code', f'grown={codes[0].full_label}', '--code',
        f'teacher={codes[1].full_label}',
    )  # fmt: skip
    (builder,) = submitted
    assert builder.models['grown']['code'].uuid == codes[0].uuid
    assert builder.models['teacher']['code'].uuid == codes[1].uuid
    assert builder.options['dynamics'] is None
    assert builder.options['reference'] is None, 'there is no path'
    assert 'relax' not in builder.crystals
    assert 'start' not in builder


def test_programs(run_command, submitted, code, potential_trained, structure_li2co3):
    python = code('seimlip.ase').full_label
    potential_trained.store()
    structure_li2co3.store()
    lmp = code('seimlip.lammps')
    run_command(
        'launch', 'compare', '--model', f'grown={potential_trained.pk}', '--model', 'teacher=sevennet', '--start',
        structure_li2co3.pk, '--program', 'grown=lammps', '--code', f'potentials={python}', '--code',
        f'dynamics={lmp.full_label}', '--protocol', 'demo',
    )  # fmt: skip
    (builder,) = submitted
    assert builder.dynamics['grown']['engine'].value == 'lammps'
    assert builder.dynamics['grown']['code'].uuid == lmp.uuid
    assert 'calculator' not in builder.dynamics['grown'].get('parameters', {})
    assert builder.dynamics['teacher']['engine'].value == 'ase'


def test_cross_examine(run_command, submitted, python, frames):
    run_command(
        'launch', 'cross-examine', '--model', 'emt', '--model', 'lj', '--frames', frames, '--code',
        f'calculators={python}', '--overrides', '{"options": {"threshold": 0.7}}',
    )  # fmt: skip
    (builder,) = submitted
    assert set(builder.models) == {'emt', 'lj'}
    assert builder.options['threshold'] == 0.7
    assert builder.frames.pk == frames


def test_dry_runs_count_all_parts(run_command, submitted, python, copper, frames):
    output = run_command(
        'launch', 'compare', '--model', 'emt', '--model', 'lj', '--reference', 'emt', '--frames', frames,
        '--structure', copper, '--path', frames, '--start', copper, '--code', f'calculators={python}', '--protocol',
        'demo', '--dry-run',
    ).output  # fmt: skip
    for work in ('errors: evaluate with emt', 'relax: relax with lj', 'paths: evaluate with lj', 'dynamics with emt'):
        assert work in output
    output = run_command(
        'launch', 'cross-examine', '--model', 'emt', '--model', 'lj', '--frames', frames, '--code',
        f'calculators={python}', '--dry-run',
    ).output  # fmt: skip
    assert output.count('3 frames') == 2
    assert not submitted


def test_what_is_wrong_is_said(run_command, submitted, python, copper, frames):
    def refuse(command, *arguments):
        result = run_command('launch', command, '--code', f'calculators={python}', *arguments, fails=True)
        assert result.exit_code == 2
        assert not submitted
        return ' '.join(result.output.split())

    models = ('--model', 'emt', '--model', 'lj')
    assert 'Nothing is compared' in refuse('compare', *models)
    assert 'take a `reference`' in refuse('compare', *models, '--frames', frames)
    assert 'not of the form MODEL=ENGINE' in refuse('compare', *models, '--start', copper, '--program', 'lammps')
    assert 'for `other`, which is no model' in refuse(
        'compare', *models, '--start', copper, '--program', 'other=lammps'
    )
    assert 'two are compared' in refuse('cross-examine', '--model', 'emt', '--frames', frames)

"""Properties of crystals from the command line: submitted, or described by a dry run."""

from __future__ import annotations

import pytest
from ase.build import bulk

from tests.cli.launch.test_launch import submitted

__all__ = ('submitted',)


@pytest.fixture
def potential(potential_trained):
    return potential_trained.store()


@pytest.fixture
def copper(tmp_path):
    path = tmp_path / 'copper.cif'
    bulk('Cu', cubic=True).write(path)
    return path


@pytest.mark.parametrize('name', ['elastic', 'eos'])
def test_models_of_both_kinds(run_command, submitted, code, potential, name):
    python = code('seimlip.ase').full_label
    arguments = [
        'launch', name, '--crystal', 'Li2CO3-monoclinic', '--model', f'grown={potential.pk}',
        '--model', 'teacher=sevennet', '--reference', 'teacher', '--code', f'potentials={python}', '--protocol', 'demo',
    ]  # fmt: skip
    run_command(*arguments)
    (builder,) = submitted
    assert set(builder.models) == {'grown', 'teacher'}
    assert builder.models['grown']['potential'].uuid == potential.uuid
    assert builder.models['grown']['parameters']['calculator']['name'] == 'mtp'
    assert builder.models['teacher']['parameters']['calculator']['name'] == 'sevennet'
    assert builder.options['reference'] == 'teacher'
    assert builder.options['crystals'] == ['Li2CO3-monoclinic']


def test_dry_run_counts_jobs_and_frames(run_command, submitted, code, copper):
    arguments = ('--structure', copper, '--model', 'emt', '--code', f'calculators={code("seimlip.ase").full_label}')
    output = run_command('launch', 'elastic', *arguments, '--dry-run').output
    assert 'relax with emt' in output
    assert '24 frames, ions clamped and relaxed, with emt' in output
    assert '7 frames, ions relaxed, with emt' in run_command('launch', 'eos', *arguments, '--dry-run').output
    assert not submitted


def test_what_is_wrong_is_said(run_command, submitted, code, copper):
    def refuse(*arguments):
        result = run_command('launch', 'elastic', *arguments, fails=True)
        assert result.exit_code == 2
        assert not submitted
        return ' '.join(result.output.split())

    python = code('seimlip.ase').full_label
    words = refuse('--structure', copper, '--model', 'no-such-model')
    assert 'is neither a file nor a potential' in words
    assert 'Nor is it a calculator or an engine: abinit, chgnet' in words
    twice = refuse('--structure', copper, '--model', 'one=emt', '--model', 'one=lj', '--code', f'calculators={python}')
    assert 'Two models are called `one`' in twice
    given = ('--model', 'emt', '--code', f'calculators={python}')
    assert 'there is no crystal `LiX`; there are Li2CO3-monoclinic' in refuse('--crystal', 'LiX', *given)
    assert '`structures` is empty, and `options` names no crystals' in refuse(*given)
    assert 'names the reference `dft`' in refuse('--structure', copper, '--reference', 'dft', *given)


def test_atlas_of_the_files_of_a_folder(run_command, submitted, code, copper):
    bulk('Al').write(copper.parent / 'aluminium (fcc).cif')
    arguments = ('launch', 'atlas', '--model', 'emt', '--code', f'calculators={code("seimlip.ase").full_label}')
    run_command(*arguments, '--structures', copper.parent, '--protocol', 'demo')
    assert set(submitted[0].structures) == {'copper', 'aluminium_fcc'}
    assert submitted[0].relax['crystals'] == []
    output = run_command(*arguments, '--crystal', 'LiF', '--protocol', 'demo', '--dry-run').output
    assert 'elastic: 12 frames, ions clamped, with emt' in output
    assert 'phonon: ' in output

"""``aiida-seimlip potential``."""

from aiida_seimlip.science.formats.mlip3_potential import read_almtp


def test_list(run_command, story):
    lines = run_command('potential', 'list').output.splitlines()
    line = next(line for line in lines if line.startswith(str(story.potential.pk)))
    assert line.split()[4:6] == ['mtp', '6']
    assert line.split()[-3:] == ['2', '2', '0.1732']


def test_show(run_command, story):
    output = run_command('potential', 'show', story.potential.pk).output
    assert 'Mlip3TrainCalculation' in output
    assert 'Li C O' in output
    assert str(story.labelled.pk) in output
    assert 'stress (GPa)       0.5' in output


def test_show_refuses_frames(run_command, story):
    assert 'no PotentialData found' in run_command('potential', 'show', story.start.pk, fails=True).output


def test_export(run_command, story, tmp_path):
    path = tmp_path / 'a.almtp'
    output = run_command('potential', 'export', story.other_potential.uuid, '-o', path).output
    assert 'in the order C Li O' in output
    assert read_almtp(path).n_parameters == story.other_potential.n_parameters
    assert 'is there already' in run_command('potential', 'export', story.potential.pk, '-o', path, fails=True).output

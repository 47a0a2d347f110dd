"""``aiida-seimlip frames``."""

import numpy as np
import pytest
from aiida.cmdline.commands.cmd_verdi import verdi
from ase.io import read
from click.testing import CliRunner

from aiida_seimlip.science.formats.mlip3_cfg import read_cfg


def test_list_of_nothing(run_command):
    assert 'There are no frames' in run_command('frames', 'list', '--past-days', 0).output


def test_list(run_command, story):
    lines = run_command('frames', 'list').output.splitlines()
    assert 'Created by' in lines[0]
    assert any(str(story.candidates.pk) in line and 'LammpsCalculation' in line for line in lines)
    lines = run_command('frames', 'list', '--labelled').output.splitlines()
    assert str(story.candidates.pk) not in {line.split()[0] for line in lines if line.strip()}


def test_show(run_command, story):
    output = run_command('frames', 'show', story.labelled.pk).output
    assert 'AseCalculation' in output
    assert '-10.0000 to -10.0000' in output
    assert '345' in output
    assert f'{story.start.uuid[:8]}:0' in output


def test_show_some_of_many(run_command, li2co3):
    from aiida_seimlip.data.frames import FramesData

    node = FramesData.from_atoms([li2co3] * 25).store()
    assert '5 more' in run_command('frames', 'show', node.pk).output
    assert 'more' not in run_command('frames', 'show', '--all', node.pk).output


def test_export_extxyz(run_command, story, tmp_path):
    path = tmp_path / 'frames.xyz'
    assert 'Wrote 2 frames' in run_command('frames', 'export', story.labelled.pk, '-o', path).output
    images = read(path, ':')
    frames = story.labelled.get_frames()
    for index, image in enumerate(images):
        np.testing.assert_allclose(image.positions, frames[index].positions, atol=1e-7)
        np.testing.assert_allclose(image.get_forces(), frames[index].forces, atol=1e-7)
        assert image.get_potential_energy() == pytest.approx(-240.0)
        assert image.info['md_step'] == [220, 345][index]
        assert image.info['origin'] == f'{story.start.uuid}:0'


def test_export_cfg(run_command, story, tmp_path):
    path = tmp_path / 'frames.cfg'
    output = run_command('frames', 'export', story.labelled.pk, '-o', path, '-s', 'Li, C,O').output
    assert '0 = Li, 1 = C, 2 = O' in output
    frames = read_cfg(path, ['Li', 'C', 'O']).frames
    np.testing.assert_array_equal(frames.numbers, story.labelled.get_frames().numbers)
    np.testing.assert_allclose(frames.stresses, 0.01, atol=1e-9)


def test_export_npz(run_command, story, tmp_path):
    path = tmp_path / 'frames.npz'
    run_command('frames', 'export', story.labelled.pk, '-o', path)
    with np.load(path, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays['positions'], story.labelled.get_frames().positions)
        assert set(arrays['origin_uuids']) == {story.start.uuid}


@pytest.mark.parametrize('command', ['frames export', 'potential export', 'report', 'cite'])
def test_no_folder_to_write_to(run_command, story, tmp_path, command):
    (tmp_path / 'file').touch()
    node = {'frames export': story.labelled, 'potential export': story.potential}.get(command, story.potential.creator)
    for folder in ('nowhere', 'file'):
        result = run_command(*command.split(), node.pk, '-o', tmp_path / folder / 'a.xyz', fails=True)
        assert result.exit_code == 2
        assert f'There is no folder {tmp_path / folder} to write a.xyz to' in ' '.join(result.output.split())


def test_export_refuses_to_overwrite(run_command, story, tmp_path):
    path = tmp_path / 'frames.npz'
    path.write_text('precious')
    assert 'is there already' in run_command('frames', 'export', story.labelled.pk, '-o', path, fails=True).output
    assert path.read_text() == 'precious'
    run_command('frames', 'export', story.labelled.pk, '-o', path, '--force')


def test_export_with_missing_species(run_command, story, tmp_path):
    command = ('frames', 'export', story.labelled.pk, '-o', tmp_path / 'a.cfg', '-s', 'Li,C')
    assert 'not in the species list' in run_command(*command, fails=True).output


def test_export_of_unknown_format(run_command, story, tmp_path):
    command = ('frames', 'export', story.labelled.pk, '-o', tmp_path / 'a.foo')
    assert 'give --format' in run_command(*command, fails=True).output


def test_plugin_of_verdi(story):
    result = CliRunner().invoke(verdi, ['data', 'seimlip-frames', 'show', str(story.start.pk)])
    assert result.exit_code == 0, result.output
    assert story.start.uuid in result.output

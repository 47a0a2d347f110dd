"""``aiida-seimlip frames import``."""

import numpy as np
import pytest
from aiida import orm
from aiida.cmdline.commands.cmd_verdi import verdi
from click.testing import CliRunner

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.exchange.imports import EXTRA


@pytest.fixture
def import_frames(run_command):
    """Return a function that imports files, and the node that came of it."""

    def run(*arguments, fails=False):
        before = orm.QueryBuilder().append(FramesData).count()
        result = run_command('frames', 'import', *arguments, fails=fails)
        is_new = orm.QueryBuilder().append(FramesData).count() > before
        query = orm.QueryBuilder().append(FramesData, tag='node').order_by({'node': {'id': 'desc'}})
        return ' '.join(result.output.split()), query.first(flat=True) if is_new else None

    return run


@pytest.fixture
def plain(fixtures, tmp_path):
    """Return a copy of a labelled file that no other test has imported."""
    path = tmp_path / 'plain.xyz'
    energy = -np.random.default_rng().uniform(9, 10)
    path.write_text((fixtures / 'cases' / 'plain.xyz').read_text().replace('-9.5', f'{energy}'))
    return path


def test_import(import_frames, plain):
    output, node = import_frames(plain, '--method', 'PBE', '--yes', '--label', 'mine', '--group', 'imported')
    assert node.is_labelled
    assert node.label == 'mine'
    assert node.methods == {'PBE': 1}
    assert node.base.extras.get(EXTRA)['files'][0]['name'] == 'plain.xyz'
    assert node.base.attributes.get('feature_values')['config_type'] == {'bulk': 1}
    assert node.pk in [member.pk for member in orm.load_group('imported').nodes]
    for text in ('plain.xyz extended XYZ 1', '1 × FLi', 'from forces', 'not known (say it with --energy-kind)',
                 'config_type: 1 × bulk', 'missing nothing', f'Stored 1 frames as node {node.pk}'):  # fmt: skip
        assert text in output


def test_dry_run(import_frames, plain):
    output, node = import_frames(plain, '--method', 'PBE', '--dry-run')
    assert node is None
    assert 'Nothing was stored.' in output


def test_is_asked(plain):
    command = ['data', 'seimlip-frames', 'import', str(plain), '--method', 'PBE']
    refused = CliRunner().invoke(verdi, command, input='n\n')
    assert refused.exit_code != 0
    assert 'Nothing was stored' in refused.output
    accepted = CliRunner().invoke(verdi, command, input='y\n')
    assert accepted.exit_code == 0
    assert 'Stored 1 frames' in accepted.output


def test_the_same_file_again(import_frames, plain, tmp_path):
    _, node = import_frames(plain, '--method', 'PBE', '--yes')
    copy = tmp_path / 'copy.xyz'
    copy.write_text(plain.read_text())
    output, again = import_frames(copy, '--method', 'PBE', '--yes', '--group', 'second')
    assert again is None
    assert f'are there already: node {node.pk}' in output
    assert [member.pk for member in orm.load_group('second').nodes] == [node.pk]


def test_other_labels_are_another_set(import_frames, plain):
    _, node = import_frames(plain, '--method', 'PBE', '--yes')
    plain.write_text(plain.read_text().replace('0.2 0.3', '0.2 0.31'))
    _, other = import_frames(plain, '--method', 'PBE', '--yes')
    assert other.pk != node.pk


def test_other_methods_are_another_set(import_frames, plain):
    _, unknown = import_frames(plain, '--method', 'unknown', '--yes')
    _, known = import_frames(plain, '--method', 'PBE', '--yes')
    assert (unknown.methods, known.methods) == ({'': 1}, {'PBE': 1})


def test_method_has_to_be_said(import_frames, plain):
    output, _ = import_frames(plain, '--yes', fails=True)
    assert '--method PBE, or say --method unknown' in output
    _, node = import_frames(plain, '--yes', '--method', 'unknown')
    assert node.methods == {'': 1}


def test_frames_without_labels_need_no_method(import_frames, tmp_path):
    path = tmp_path / 'a.xyz'
    path.write_text(f'1\nLattice="{np.random.default_rng().uniform(3, 4)} 0 0 0 4 0 0 0 4"\nLi 0 0 0\n')
    output, node = import_frames(path, '--yes')
    assert not node.is_labelled
    assert 'nobody: there are no labels' in output
    assert 'energy in all frames, forces in all frames, stress in all frames' in output


def test_given_names(import_frames, plain):
    plain.write_text(plain.read_text().replace('energy=', 'E_tot=').replace('stress=', 'my_virial='))
    output, _ = import_frames(plain, '--method', 'PBE', '--yes', fails=True)
    assert '--virial-key my_virial' in output
    arguments = ('--method', 'PBE', '--yes', '--energy-key', 'E_tot', '--virial-key', 'my_virial')
    _, node = import_frames(plain, *arguments, '--energy-kind', 'free')
    frames = node.get_frames()
    np.testing.assert_allclose(frames.stresses[0], [-0.01 / 64, -0.02 / 64, -0.03 / 64, 0, 0, 0])
    assert node.energy_kinds == {'free': 1}


def test_cfg(import_frames, fixtures):
    path = fixtures / 'mlip3' / 'shared' / 'train30.cfg'
    output, _ = import_frames(path, '--yes', fails=True)
    assert '--species' in output
    output, _ = import_frames(path, '--yes', '--species', 'Li,Xx', fails=True)
    assert '`Li,Xx` must name chemical elements' in output
    output, _ = import_frames(path, '--dry-run', '--species', 'Li,C,O')
    assert '30 × GFN1-xTB' in output
    assert '30 × C4Li8O12' in output


def test_what_looks_odd(import_frames, plain):
    frame = plain.read_text()
    other = frame.replace('energy=-9', 'energy=-8').replace('stress="0.01', 'stress="100')
    plain.write_text(frame + other + frame)
    output, _ = import_frames(plain, '--method', 'PBE', '--dry-run')
    assert '2 frame(s) repeat an earlier one.' in output
    assert '1 of them have another energy than the earlier one, by up to 500 meV/atom' in output
    assert 'The largest stress is 1.602e+04 GPa' in output


def test_forces_of_zero_and_close_atoms(import_frames, tmp_path):
    path = tmp_path / 'a.xyz'
    path.write_text('2\nProperties=species:S:1:pos:R:3:forces:R:3 energy=-1\nLi 0 0 0 0 0 0\nF 0 0 0.2 0 0 0\n')
    output, _ = import_frames(path, '--method', 'PBE', '--dry-run')
    assert 'All forces are 0' in output
    assert 'closer than 0.5 Å in 1 frame' in output

"""``aiida-seimlip potential import``."""

import zipfile

import numpy as np
import pytest
from aiida import orm
from aiida.cmdline.commands.cmd_verdi import verdi
from click.testing import CliRunner

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg, write_cfg
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from tests.mace_models.fixtures import needs_mace

TRAINED = 'mlip3/shared/l08_nbh_30.almtp'


@pytest.fixture
def newest():
    def find():
        query = orm.QueryBuilder().append(PotentialData, tag='node').order_by({'node': {'id': 'desc'}})
        return query.first(flat=True)

    return find


@pytest.fixture
def copied(fixtures, tmp_path):
    """Return a function that copies a file, changed so that it is not yet in the profile."""

    def copy(name, **changes):
        path = tmp_path / changes.get('name', 'pot.almtp')
        content = (fixtures / name).read_bytes()
        path.write_bytes(content.replace(b'potential_tag =', f'potential_tag = {tmp_path.name}'.encode()))
        return path

    return copy


def test_import(run_command, newest, copied):
    path = copied(TRAINED)
    output = run_command('potential', 'import', path, '--species', 'Li,C,O', '--yes', '--group', 'pots').output
    node = newest()
    assert node.get_content(mode='rb') == path.read_bytes()
    assert (node.species, node.label, node.selection_mode) == (('Li', 'C', 'O'), 'pot.almtp', 'nbh')
    assert node.pk in [member.pk for member in orm.load_group('pots').nodes]
    assert 'of neighbourhoods' in output
    assert f'Stored the potential as node {node.pk}' in output
    again = run_command('potential', 'import', path, '--species', 'Li,C,O', '--yes').output
    assert f'is there already: node {node.pk}' in again
    other = run_command('potential', 'import', path, '--species', 'C,Li,O', '--yes').output
    assert 'Stored the potential' in other


def test_is_asked(copied):
    command = ['data', 'seimlip-potential', 'import', str(copied(TRAINED)), '--species', 'Li,C,O']
    assert 'Nothing was stored' in CliRunner().invoke(verdi, command, input='n\n').output
    assert 'Nothing was stored' in CliRunner().invoke(verdi, [*command, '--dry-run']).output


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        ((), 'numbers its 3 species from 0 and does not name them'),
        (('--species', 'Li,O'), 'has 3 species, but the species list has 2'),
        (('--species', 'Li,O,O'), 'each once'),
    ],
)
def test_species(run_command, fixtures, arguments, reason):
    output = run_command('potential', 'import', fixtures / TRAINED, *arguments, '--yes', fails=True).output
    assert reason in ' '.join(output.split())


def test_without_active_set(run_command, newest, copied):
    path = copied(TRAINED)
    path.write_bytes(path.read_bytes().partition(b'\n#MVS')[0])
    output = run_command('potential', 'import', path, '--species', 'Li,C,O', '--yes').output
    assert 'It has no active set' in output
    node = newest()
    assert node.is_trained
    assert node.selection_mode is None


def test_template(run_command, fixtures):
    path = fixtures / 'mlip3/shared/l08_template_3_species.almtp'
    output = run_command('potential', 'import', path, '--species', 'Li,C,O', '--dry-run').output
    assert 'It has no coefficients' in output


def test_potential_of_mlip2(run_command, fixtures):
    path = fixtures / 'mlip3/61_mlp_reads_motep_legacy/legacy.mtp'
    output = run_command('potential', 'import', path, '--species', 'Li,C,O', '--dry-run').output
    assert 'It has no active set' in output


def test_names_of_mlip2(run_command, newest, fixtures, tmp_path):
    """MLIP-3 knows no `min_val`: what it is to read is written anew."""
    content = (fixtures / 'mlip3/61_mlp_reads_motep_legacy/legacy.mtp').read_bytes()
    path = tmp_path / 'old.mtp'
    path.write_bytes(content.replace(b'min_dist', b'min_val').replace(b'max_dist', b'max_val'))
    run_command('potential', 'import', path, '--species', 'Li,C,O', '--yes')
    node = newest()
    assert b'min_dist' in node.get_content(mode='rb')
    expected = read_almtp(content, ('Li', 'C', 'O'))
    np.testing.assert_allclose(node.get_mtp().parameters, expected.parameters, rtol=1e-15)
    assert node.cutoff == expected.max_dist


def test_models_are_not_loaded(run_command, newest, tmp_path):
    path = tmp_path / 'mace.model'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('mace/data.pkl', b"cos\nsystem\n(S'exit 3'\ntR.")  # would end the interpreter
    command = ('potential', 'import', path, '--yes')
    refused = ' '.join(run_command(*command, fails=True).output.split())
    assert 'Loading a model runs any code' in refused
    assert '--species' in run_command(*command, '--trust', fails=True).output
    assert '--cutoff' in run_command(*command, '--trust', '--species', 'Li,F', fails=True).output
    run_command(*command, '--trust', '--species', 'Li,F', '--cutoff', 5.5)
    node = newest()
    assert (node.family, node.cutoff, node.species) == ('mace', 5.5, ('Li', 'F'))
    assert node.get_content(mode='rb') == path.read_bytes()


@needs_mace
def test_torchscript_needs_no_trust_and_comes_out_again(run_command, newest, mace_files, tmp_path):
    path = mace_files().with_suffix('.pt')
    run_command('potential', 'import', path, '--species', 'O,Li,C', '--cutoff', 4, '--yes')
    node = newest()
    assert (node.species, node.is_torchscript, node.pickled_files) == (('Li', 'C', 'O'), True, [])
    output = run_command('potential', 'export', node.pk, '-o', tmp_path / 'copy.pt').output
    assert (tmp_path / 'copy.pt').read_bytes() == path.read_bytes()
    assert 'any code' not in output


@needs_mace
def test_committee_is_exported_member_by_member(run_command, mace_potential, tmp_path):
    node = mace_potential(seeds=(1, 2)).store()
    run_command('potential', 'export', node.pk, '-o', tmp_path / 'copy.pt')
    assert [(tmp_path / f'copy_{i:02d}.pt').read_bytes() for i in range(2)] == node.get_members()
    output = run_command('potential', 'export', node.pk, '--pickled', '-o', tmp_path / 'copy.model').output
    assert [(tmp_path / f'copy_{i:02d}.model').read_bytes() for i in range(2)] == node.get_pickles()
    assert 'runs any code' in output


@pytest.mark.parametrize('name', ['cases/plain.xyz', 'cases/lif.cfg', 'nothing', 'cases'])
def test_what_is_no_potential(run_command, fixtures, name):
    output = run_command('potential', 'import', fixtures / name, '--species', 'Li,F', fails=True).output
    assert str(name).rpartition('/')[2] in output


def test_truncated(run_command, fixtures, tmp_path):
    path = tmp_path / 'a.almtp'
    path.write_bytes((fixtures / TRAINED).read_bytes()[:3000])
    output = run_command('potential', 'import', path, '--species', 'Li,C,O', fails=True).output
    assert 'cannot be taken in' in output


def test_errors_on_the_training_set(run_command, fixtures):
    node = FramesData(read_cfg(fixtures / 'mlip3/shared/train30.cfg', ['Li', 'C', 'O']).frames).store()
    command = ('potential', 'import', fixtures / TRAINED, '--training', node.pk, '--dry-run')
    assert 'in the order Li, C, O' in ' '.join(run_command(*command).output.split())
    output = ' '.join(run_command(*command, '--species', 'Li,C,O').output.split())
    assert 'Errors on 30 of 30 frames:' in output
    output = ' '.join(run_command(*command, '--species', 'Li,O,C', fails=True).output.split())
    assert 'they were declared in the wrong one' in output
    assert 'in the order Li, C, O' in output


def test_potential_of_other_frames(run_command, fixtures, tmp_path):
    """The forces are turned round, which no potential that learned of the others gives."""
    path = tmp_path / 'train.cfg'
    frames = read_cfg(fixtures / 'mlip3/shared/train30.cfg', ['Li', 'C', 'O']).frames
    write_cfg(path, frames.replace(forces=-frames.forces), ['Li', 'C', 'O'])
    command = ('potential', 'import', fixtures / TRAINED, '--species', 'Li,C,O', '--training', path, '--dry-run')
    output = ' '.join(run_command(*command, '--method', 'GFN1-xTB', fails=True).output.split())
    assert 'the potential is worse than none' in output

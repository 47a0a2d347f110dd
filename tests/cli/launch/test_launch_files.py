"""``aiida-seimlip launch`` with files for training sets and potentials."""

import shutil

import pytest
from aiida import orm
from click.testing import CliRunner

from aiida_seimlip.cli import cmd_root
from aiida_seimlip.cli.launch.codes import add_only_codes
from aiida_seimlip.cli.launch.starts import choose_starts
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.exchange.readers.found import ReadOptions
from aiida_seimlip.exchange.readers.registry import read_frames

from .test_launch import codes, submitted  # noqa: F401

STEP = 40
TRAIN, POTENTIAL = 'mlip3/shared/train30.cfg', 'mlip3/shared/l08_nbh_30.almtp'


@pytest.fixture
def launch(run_command, codes, submitted):  # noqa: F811
    """Return a function that runs ``launch al`` with codes for all jobs, and what it printed and submitted."""

    def run(*arguments, fails=False):
        output = run_command('launch', 'al', *codes, *arguments, fails=fails).output
        return ' '.join(output.split()), submitted[-1] if submitted else None

    return run


@pytest.fixture
def train_xyz(run_command, fixtures, tmp_path):
    """Return a labelled file that names its elements."""
    node = FramesData(read_frames([fixtures / TRAIN], ReadOptions(species=('Li', 'C', 'O'))).frames).store()
    run_command('frames', 'export', node.pk, '-o', tmp_path / 'train.xyz')
    return tmp_path / 'train.xyz'


def test_two_files(launch, fixtures):
    arguments = ('--training', fixtures / TRAIN, '--potential', fixtures / POTENTIAL, '--species', 'Li,C,O')
    output, builder = launch(*arguments)
    assert builder.species.get_list() == ['Li', 'C', 'O']
    assert builder.initial_potential.selection_mode == 'nbh'
    assert builder.initial_training['set_000'].n_labelled == 30
    assert builder.initial_training['set_000'].methods == {'GFN1-xTB': 30}
    starts = builder.structures['training']
    assert starts.n_frames == 3
    assert starts.n_labelled == 0
    for text in ('30 × C4Li8O12', 'No --structure is given: explorations start from frame(s)', 'of neighbourhoods'):
        assert text in output


def test_nothing_but_two_files(launch, train_xyz, fixtures):
    """The elements and their order follow from the errors of the potential on its training set."""
    output, builder = launch('--training', train_xyz, '--potential', fixtures / POTENTIAL)
    assert builder.species.get_list() == ['Li', 'C', 'O']
    assert builder.initial_potential.species == ('Li', 'C', 'O')
    assert 'in the order Li, C, O, of' in output


def test_what_joins_the_bootstrap(launch, train_xyz, li2co3, tmp_path):
    li2co3.write(tmp_path / 'small.cif')
    joining = ('--bootstrap-structure', f'small={tmp_path / "small.cif"}', '--bootstrap-candidates', train_xyz)
    _, builder = launch('--structure', tmp_path / 'small.cif', *joining)
    assert set(builder.bootstrap_structures) == {'small'}
    assert builder.bootstrap_candidates['set_000'].n_labelled == 30
    assert not builder.initial_training


def test_training_alone(launch, train_xyz):
    _, builder = launch('--training', train_xyz)
    assert builder.species.get_list() == ['Li', 'C', 'O']
    assert builder.initial_potential is None or not builder.initial_potential


def test_files_that_are_there_already(launch, fixtures):
    arguments = ('--training', fixtures / TRAIN, '--potential', fixtures / POTENTIAL, '--species', 'Li,C,O')
    _, builder = launch(*arguments)
    training = builder.initial_training['set_000']
    potential = builder.initial_potential
    for node in (training, potential):
        if not node.is_stored:
            node.store()
    output, builder = launch(*arguments)
    assert builder.initial_training['set_000'].pk == training.pk
    assert builder.initial_potential.pk == potential.pk
    assert f'node {training.pk} is taken' in output


def test_structure_is_taken_where_given(launch, fixtures, tmp_path, li2co3):
    li2co3.write(tmp_path / 'a.cif')
    _, builder = launch('--training', fixtures / TRAIN, '--species', 'Li,C,O', '--structure', tmp_path / 'a.cif')
    assert set(builder.structures) == {'start'}


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        ((), 'by --structure, or labelled frames by --training'),
        (('--training', '{train}'), '--species'),
        (('--training', '{train}', '--species', 'Li,C,O', '--potential', '{train}'), 'is no potential that is known'),
        (('--training', '{potential}', '--species', 'Li,C,O'), 'potential import'),
        (('--training', 'nothing.xyz'), 'neither a file nor a set of frames'),
        (('--training', '{train}', '--potential', '{potential}', '--species', 'Li,O,C,F'), '3 species'),
        (('--training', '{plain}'), '--method unknown'),
        (('--training', '{virials}', '--method', 'PBE'), 'options of `aiida-seimlip frames import`'),
        (
            ('--training', '{train}', '--species', 'Li,C,O', '--potential', '{model}'),
            'of `aiida-seimlip potential import`',
        ),
        (('--training', '{plain}', '--method', 'PBE', '--species', 'Li,O'), 'hold F, but the species are Li, O'),
        (('--training', '{unlabelled}'), 'No frame of the training set can be a start'),
    ],
)
def test_refusals(launch, fixtures, tmp_path, arguments, reason):
    unlabelled = tmp_path / 'a.xyz'
    unlabelled.write_text('1\nLattice="4 0 0 0 4 0 0 0 4"\nLi 0 0 0\n')
    virials, model = tmp_path / 'b.xyz', tmp_path / 'a.model'
    virials.write_text((fixtures / 'cases/plain.xyz').read_text().replace('stress=', 'my_virial='))
    model.write_bytes(b'\x80\x04K\x01.')
    names = {
        'train': fixtures / TRAIN, 'potential': fixtures / POTENTIAL, 'plain': fixtures / 'cases/plain.xyz',
        'unlabelled': unlabelled, 'virials': virials, 'model': model,
    }  # fmt: skip
    before = orm.QueryBuilder().append(orm.Data).count()
    output, _ = launch(*(argument.format(**names) for argument in arguments), fails=True)
    assert reason in output
    assert orm.QueryBuilder().append(orm.Data).count() == before


@pytest.mark.parametrize('kind', ['file', 'file, dry', 'node', 'node, dry'])
def test_species_in_the_wrong_order(launch, run_command, train_xyz, fixtures, kind):
    """A dry run says it, too, whether the potential is a file or was imported in the wrong order before."""
    potential = ('--potential', fixtures / POTENTIAL, '--species', 'C,Li,O')
    if 'node' in kind:
        run_command('potential', 'import', fixtures / POTENTIAL, '--species', 'C,Li,O', '--yes')
        node = orm.QueryBuilder().append(PotentialData).order_by({PotentialData: {'id': 'desc'}}).first(flat=True)
        potential = ('--potential', node.pk)
    dry = ['--dry-run'] if 'dry' in kind else []
    output, builder = launch('--training', train_xyz, *potential, *dry, fails=True)
    assert 'in the order C, Li, O, but 1.96 meV/atom and 0.115 eV/Å in the order Li, C, O' in output
    assert builder is None


def test_potential_of_a_property(run_command, code, submitted, fixtures, structure_li2co3):  # noqa: F811
    command = (
        'launch', 'diffusivity', '--structure', structure_li2co3.store().pk, '--potential', fixtures / POTENTIAL,
        '--code', f'dynamics={code("seimlip.lammps").full_label}',
    )  # fmt: skip
    assert '--species' in run_command(*command, fails=True).output
    run_command(*command, '--species', 'Li,C,O')
    assert submitted[-1].potential.species == ('Li', 'C', 'O')


# -- parts ------------------------------------------------------------------------------------------------------------


def test_starts(fixtures):
    frames = read_frames([fixtures / TRAIN], ReadOptions(species=('Li', 'C', 'O'))).frames
    node = choose_starts([FramesData(frames[:10]), FramesData(frames[10:])])
    lowest = frames[int(frames.energies.argmin())]
    assert lowest.hashes()[0] in node.hashes
    assert node.n_frames == 3


def test_only_codes(code, monkeypatch, capsys):
    one = code('seimlip.mlip3.train')
    engines = {'training': 'mlip3', 'selection': 'mlip3', 'exploration': 'lammps', 'reference': 'replay'}
    found = {'seimlip.mlip3.': [one], 'seimlip.lammps': [one, one]}
    monkeypatch.setattr('aiida_seimlip.cli.launch.codes.find_codes', lambda prefix: found[prefix])
    assert add_only_codes({}, engines, tuple(engines)) == {'training': one}
    assert 'Several codes can do `exploration`' in capsys.readouterr().out
    assert add_only_codes({'training': 'other'}, engines, ('training', 'selection')) == {'training': 'other'}


def test_shared_copy_is_not_changed(fixtures, tmp_path, launch):
    """A potential in a folder with another name is the same potential."""
    shutil.copy(fixtures / POTENTIAL, tmp_path / 'other.almtp')
    arguments = ('--training', fixtures / TRAIN, '--potential', tmp_path / 'other.almtp', '--species', 'Li,C,O')
    _, builder = launch(*arguments)
    assert isinstance(builder.initial_potential, PotentialData)
    assert builder.initial_potential.get_content(mode='rb') == (fixtures / POTENTIAL).read_bytes()


@pytest.mark.parametrize('option', ['--training', '--potential'])
def test_any_file(codes, submitted, fixtures, option):  # noqa: F811
    """Files of all kinds are taken or refused in a sentence, whatever they are."""
    others = {'--training': ('--potential', fixtures / POTENTIAL), '--potential': ('--training', fixtures / TRAIN)}
    files = sorted(path for path in fixtures.rglob('*') if path.is_file())[::STEP]
    for path in files:
        arguments = ['launch', 'al', *codes, option, path, *others[option], '--species', 'Li,C,O', '--method', 'PBE']
        result = CliRunner().invoke(cmd_root, list(map(str, arguments)))
        assert isinstance(result.exception, SystemExit | None), (path, result.exception)
        assert result.exit_code in (0, 2), result.output

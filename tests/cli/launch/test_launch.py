"""``aiida-seimlip launch``: what is submitted, what is refused before anything is stored, and what a dry run says."""

from __future__ import annotations

import pytest
import yaml
from aiida import orm
from aiida.plugins import WorkflowFactory
from ase.build import fcc111

from aiida_seimlip.cli.launch import request as launching
from aiida_seimlip.data.frames import FramesData
from tests.cli.check.test_check import store_check
from tests.data.test_structure import VACANCY, WHOLE, structure_of

SPEED = {'level': 10, 'n_species': 3, 'n_atoms': 108, 'n_ranks': 1, 'with_grade': True, 'atom_steps_per_second': 2e4}


@pytest.fixture
def codes(code):
    """Return the options that name the codes of a campaign."""
    plugins = {'reference': 'seimlip.ase', 'training': 'seimlip.mlip3.train', 'exploration': 'seimlip.lammps'}
    return [part for socket, name in plugins.items() for part in ('--code', f'{socket}={code(name).full_label}')]


@pytest.fixture
def submitted(monkeypatch):
    """Return the builders that were submitted; nothing is run, and there is a broker."""
    builders = []

    def submit(builder):
        builders.append(builder)
        return type('Stand-in', (), {'process_label': builder.process_class.__name__, 'pk': 4321})

    monkeypatch.setattr(launching, 'submit', submit)
    monkeypatch.setattr(launching, 'has_broker', lambda: True)
    client = type('Client', (), {'is_daemon_running': False})
    monkeypatch.setattr(launching.get_manager(), 'get_daemon_client', lambda: client)
    return builders


@pytest.fixture
def cif(tmp_path, li2co3):
    path = tmp_path / 'li2co3.cif'
    li2co3.write(path)
    return path


@pytest.fixture
def words(cif, code):
    """Return what stands for the names in braces in wrong arguments."""
    broken = cif.with_name('broken.cif')
    broken.write_text('loop_\n_nothing\n')
    return {'cif': cif, 'broken': broken, 'code': code('seimlip.mlip3.train').full_label}


@pytest.fixture
def launch_al(run_command, codes, submitted):
    """Return a function that runs ``launch al`` with codes for all jobs; submissions end in `submitted`."""
    return lambda *arguments, **kwargs: run_command('launch', 'al', *codes, *arguments, **kwargs)


def count_nodes():
    return orm.QueryBuilder().append(orm.Node).count()


# -- what is submitted ------------------------------------------------------------------------------------------------


def test_campaign_from_file(run_command, codes, submitted, cif, tmp_path):
    overrides = tmp_path / 'overrides.yaml'
    overrides.write_text(yaml.safe_dump({'options': {'max_iterations': 4}}))
    output = run_command(
        'launch', 'al', '--structure', cif, '--species', 'O, C, Li', *codes, '--protocol', 'demo', '--overrides',
        overrides, '--seed', 11, '--options', '{"queue_name": "short"}', '--label', 'mine',
    ).output  # fmt: skip
    assert 'Submitted ActiveLearningWorkChain 4321' in output
    assert 'daemon is not running' in output
    builder = submitted[0]
    assert builder.process_class is WorkflowFactory('seimlip.active_learning')
    assert (builder.options['seed'], builder.options['max_iterations']) == (11, 4)
    assert builder.options['untrained']['level'] == 10, 'that of the protocol'
    assert builder.species.get_list() == ['O', 'C', 'Li']
    assert builder.structures['start'].n_atoms == 24
    assert builder.structures['start'].label == 'li2co3.cif'
    assert builder.training['options'].get_dict() == {'queue_name': 'short'}
    assert builder.metadata.label == 'mine'


def test_campaign_from_nodes(launch_al, submitted, structure_li2co3, frames_li2co3, cif):
    structure_li2co3.store()
    frames_li2co3.store()
    arguments = [f'first={structure_li2co3.pk}', f'second={frames_li2co3.uuid}', f'third={cif}']
    launch_al(*(part for name in arguments for part in ('--structure', name)))
    found = submitted[0].structures
    assert [found[name].pk for name in ('first', 'second', 'third')] == [structure_li2co3.pk, frames_li2co3.pk, None]


def test_campaign_from_labels(launch_al, submitted, cif, frames_training, potential_trained):
    frames_training.store()
    potential_trained.label = 'grown'
    potential_trained.store()
    launch_al('--structure', cif, '--training', frames_training.pk, '--potential', 'grown')
    assert submitted[0].initial_training['set_000'].pk == frames_training.pk
    assert submitted[0].initial_potential.uuid == potential_trained.uuid


def test_campaign_is_run_here_without_broker(run_command, codes, monkeypatch, cif):
    seen = []

    def run(builder, progress, *, poll_seconds):
        seen.append((builder.process_class.__name__, progress._label))
        node = orm.WorkChainNode()
        node.set_process_label('ActiveLearningWorkChain')
        node.set_process_state('finished')
        node.set_exit_status(400)
        node.set_exit_message('It did not converge.')
        return node.store()

    monkeypatch.setattr(launching, 'run_process', run)
    monkeypatch.setattr(launching.Progress, 'take_over_logging', lambda self: None)
    output = run_command('launch', 'al', '--structure', cif, *codes, '--protocol', 'demo', fails=True).output
    assert seen == [('ActiveLearningWorkChain', 'ActiveLearningWorkChain')]
    assert 'ended with status 400. It did not converge.' in output
    assert 'report' in output


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--structure', 'nowhere.cif'], '`nowhere.cif` is neither a file nor a structure or a set of frames'),
        (['--structure', '{broken}'], r'cannot be read as a structure'),
        (['--structure', '{cif}', '--structure', '{cif}'], 'Several structures need a name each'),
        (['--structure', 'a={cif}', '--structure', 'a={cif}'], 'Two structures are called `a`'),
        (['--structure', '{cif}', '--protocol', 'fast'], 'There is no protocol `fast`'),
        (['--structure', '{cif}', '--overrides', '{{"seed": 1}}'], 'The overrides have the section(s) `seed`'),
        (
            ['--structure', '{cif}', '--overrides', '{{"reference": 3}}'],
            'The section `reference` of the overrides is 3, but it must hold names and values.',
        ),
        (['--structure', '{cif}', '--overrides', 'none.yaml'], 'The file none.yaml cannot be read'),
        (
            ['--structure', '{cif}', '--overrides', '{{"options": {{"max_iterations": 0}}}}'],
            'Error: Input `options` is wrong: `max_iterations` is 0, but input should be greater than or equal to 1.',
        ),
        (['--structure', '{cif}', '--species', 'Li,C'], 'holds O, which the input `species`'),
        (['--structure', '{cif}', '--code', 'training'], 'is not of the form SOCKET=CODE'),
        (['--structure', '{cif}', '--code', 'cooking={code}'], 'There is no socket `cooking`'),
        (['--structure', '{cif}', '--code', 'training={code}'], 'Two codes are given for `training`'),
        (['--structure', '{cif}', '--code', 'training=none@nowhere'], 'none@nowhere'),
        (['--structure', '{cif}', '--potential', '99999999'], '99999999'),
    ],
)
def test_wrong_inputs(launch_al, submitted, words, arguments, message):
    """One sentence, exit code 2, and nothing is stored."""
    before = count_nodes()
    result = launch_al(*(text.format(**words) for text in arguments), fails=True)
    assert result.exit_code == 2
    assert message in ' '.join(result.output.split())
    assert 'Traceback' not in result.output
    assert count_nodes() == before
    assert not submitted


@pytest.mark.parametrize('dry', [True, False])
def test_predictions_in_the_training_set(launch_al, submitted, cif, frames_training, dry):
    """The images of a band, or frames of dynamics, by a potential: refused by name, in a dry run, too."""
    predicted = FramesData(
        frames_training.get_frames().computed_by('potential:01234567-89ab-4def-8123-456789abcdef')
    ).store()
    result = launch_al(
        '--structure', cif, '--training', predicted.pk, *(['--dry-run'] if dry else []), fails=True
    )  # fmt: skip
    assert result.exit_code == 2
    words = ' '.join(result.output.split())
    assert f'{predicted.n_frames} of {predicted.n_frames} frames are predictions of the potential 01234567' in words
    assert not submitted


@pytest.mark.parametrize('meant', [True, False])
def test_methods_that_do_not_go_together(launch_al, submitted, cif, frames_training, meant):
    """The protocol labels by GFN1-xTB."""
    other = FramesData(frames_training.get_frames().computed_by('PBE', 'free')).store()
    overrides = ['--overrides', '{"options": {"allow_mixed_methods": true}}'] if meant else []
    result = launch_al('--structure', cif, '--training', other.pk, *overrides, fails=not meant)
    words = ' '.join(result.output.split())
    assert 'labels by `PBE` (in set_000), but the reference labels by `GFN1-xTB`' in words
    if meant:
        assert 'Warning: Input `initial_training` holds labels' in words
        assert submitted[0].initial_training['set_000'].pk == other.pk
        return
    assert result.exit_code == 2
    assert '`allow_mixed_methods`' in words
    assert not submitted


def test_missing_code(run_command, submitted, cif, monkeypatch):
    monkeypatch.setattr('aiida_seimlip.cli.launch.codes.find_codes', lambda prefix: [])
    output = run_command('launch', 'al', '--structure', cif, fails=True).output
    assert 'The code for `reference`, `training`, `exploration`, `selection` is missing' in ' '.join(output.split())


def test_no_broker_to_submit_to(run_command, codes, cif):
    result = run_command('launch', 'al', '--structure', cif, *codes, '--submit', fails=True)
    assert result.exit_code == 2
    assert 'has no broker' in result.output


def test_several_configurations_where_one_is_needed(run_command, submitted, tmp_path, li2co3):
    from ase.io import write

    path = tmp_path / 'two.xyz'
    write(path, [li2co3, li2co3])
    result = run_command('launch', 'diffusivity', '--structure', path, fails=True)
    assert result.exit_code == 2
    assert 'holds 2 configurations, but exactly one is needed' in ' '.join(result.output.split())


# -- dry runs ---------------------------------------------------------------------------------------------------------


def test_dry_run_without_speeds(run_command, codes, submitted, cif, monkeypatch):
    monkeypatch.setattr('aiida_seimlip.cli.launch.speeds.all_checks', list)  # other tests may have left some
    before = count_nodes()
    output = run_command('launch', 'al', '--structure', cif, *codes, '--protocol', 'demo', '--dry-run').output
    assert 'ActiveLearningWorkChain, at most' in output
    assert 'was never measured' in output
    assert """--options '{"level": 10}'""" in output
    assert 'Nothing was run.' in output
    assert (count_nodes(), submitted) == (before, [])


def test_dry_run_with_measured_speed(run_command, code, codes, submitted, cif):
    """The three explorations of the protocol are 12 iterations of 6,000 steps of 24 atoms."""
    from aiida_seimlip.options.check.report import CheckReport

    lammps = code('seimlip.lammps')
    found = CheckReport(kind='lammps', code=lammps.full_label, code_uuid=lammps.uuid, speeds=[SPEED])
    check = store_check(found)
    output = run_command('launch', 'al', '--structure', cif, *codes, '--protocol', 'demo', '--dry-run').output
    row = next(line.split() for line in output.splitlines() if line.startswith('explore nvt-600K'))
    hours = 12 * 6000 * 24 / 2e4 / 3600
    assert row[2:6] == ['12', '6,000', '1.73e+06', f'{hours:.3g}']
    assert f'as check {check.pk} measured' in output
    assert '20,000 atom-steps per core and second with grades' in output


def test_species_for_types_in_files(launch_al, submitted, fixtures):
    """The order of the types of a file is that of the campaign."""
    launch_al('--structure', fixtures / 'cases' / 'lif.lammpstrj', '--species', 'Li,F')
    assert submitted[0].species.get_list() == ['Li', 'F']
    assert submitted[0].structures['start'].formulas == {'F4Li4': 1}


def test_constraints_of_a_start(launch_al, submitted, fixtures):
    path = fixtures / 'crystals' / 'fixed.POSCAR'
    result = launch_al('--structure', path, fails=True)
    assert result.exit_code == 2
    assert '4 of 8 atoms stay where they are' in ' '.join(result.output.split())
    launch_al('--structure', path, '--ignore-constraints')
    assert len(submitted) == 1


def test_starts_that_no_campaign_can_use(launch_al, submitted):
    """The dry run says the same as the run."""
    node = structure_of(VACANCY, WHOLE).store()
    slab = orm.StructureData(ase=fcc111('Cu', (2, 2, 3), vacuum=6)).store()
    for start, words in ((node, 'stated is FLi0.5, whole atoms would be FLi'), (slab, 'periodic along a and b only')):
        for dry in ((), ('--dry-run',)):
            result = launch_al('--structure', start.pk, *dry, fails=True)
            assert result.exit_code == 2
            assert words in ' '.join(result.output.split())
    assert not submitted

"""Model files can run code when they are loaded; nothing here loads one unless somebody says yes."""

import io
import pickle
from pathlib import Path

import pytest
from aiida import orm

from aiida_seimlip.data.frames import FILENAME, FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.exchange.archive.contents import survey
from aiida_seimlip.exchange.archive.writer import write_archive
from aiida_seimlip.options.ase import CALCULATORS, AseOptions
from tests.exchange.archive.conftest import work
from tests.mace_models.fixtures import needs_mace


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


@pytest.fixture
def trap(tmp_path):
    """Return a pickle, and the path of the file that it makes when it is loaded."""
    sprung = tmp_path / 'sprung'
    content = pickle.dumps(Trap(sprung))
    pickle.loads(content).close()
    assert sprung.exists(), 'the trap works'
    sprung.unlink()
    return content, sprung


@pytest.fixture
def model(trap):
    """Return a potential whose file is the trap."""
    return PotentialData(io.BytesIO(trap[0]), 'a.model', family='mace', species=['Li', 'C', 'O'], cutoff=5.0).store()


def test_model_is_stored_shown_and_archived_without_being_loaded(model, trap, run_command, tmp_path):
    with pytest.raises(ValueError, match='cannot be read as a moment tensor potential'):
        model.get_mtp()
    assert 'mace' in run_command('potential', 'show', model.pk).output
    exported = run_command('potential', 'export', model.pk, '-o', tmp_path / 'copy.model').output
    assert 'Loading this model runs any code that it holds' in exported
    campaign = work('ActiveLearningWorkChain', {'initial_potential': model})
    contents = survey(campaign)
    assert contents.models == {model.pk: 'a.model'}
    write_archive(contents, tmp_path / 'x.aiida')
    run_command('report', campaign.pk, '-o', tmp_path / 'report.html')
    assert not trap[1].exists()


@needs_mace
def test_archive_does_not_ask_about_torchscript(mace_files):
    content = mace_files().with_suffix('.pt').read_bytes()
    model = PotentialData.from_mace([content], species=['Li', 'C', 'O'], cutoff=4.0).store()
    assert survey(work('ActiveLearningWorkChain', {'initial_potential': model})).models == {}


def test_archive_asks_before_a_model_goes_in(model, run_command, tmp_path):
    campaign = work('ActiveLearningWorkChain', {'initial_potential': model})
    output = run_command('archive', campaign.pk, tmp_path / 'x.aiida', fails=True).output
    assert f'PotentialData {model.pk} holds `a.model`, a model that can run any code' in output
    assert not (tmp_path / 'x.aiida').exists()
    run_command('archive', campaign.pk, tmp_path / 'x.aiida', '--yes')
    assert (tmp_path / 'x.aiida').exists()


def test_calculator_that_loads_a_model_needs_a_yes(trap, tmp_path, code, frames_li2co3, generate_calc_job):
    path = tmp_path / 'a.model'
    path.write_bytes(trap[0])
    calculator = {'name': 'mace', 'kwargs': {'model_paths': [str(path)]}}
    inputs = {'code': code('seimlip.ase'), 'frames': frames_li2co3}
    with pytest.raises(ValueError, match='add `trust_model: true` if you know who made it'):
        generate_calc_job('seimlip.ase', {**inputs, 'parameters': {'calculator': calculator}})
    generate_calc_job('seimlip.ase', {**inputs, 'parameters': {'calculator': {**calculator, 'trust_model': True}}})
    assert not trap[1].exists()


@pytest.mark.parametrize('name', sorted(CALCULATORS))
def test_yes_is_needed_by_calculators_with_models_only(name):
    port = CALCULATORS[name].potential
    kwargs = {} if port is None else {port.argument: 'best'}
    message = AseOptions.explain({'calculator': {'name': name, 'kwargs': kwargs}}, 'parameters')
    assert (message is not None) == CALCULATORS[name].runs_model


def test_pickled_array_in_a_set_of_frames_is_not_loaded(trap, tmp_path):
    """An archive may hold a file of arrays that no honest node would: objects in it are refused, not unpickled."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, ptr=np.array([Trap(trap[1])], dtype=object))
    node = FramesData()
    node.base.repository.put_object_from_bytes(buffer.getvalue(), FILENAME)
    with pytest.raises(ValueError, match='allow_pickle=False'):
        node.get_frames()
    assert not trap[1].exists()


def test_checkpoints_do_not_go_into_an_archive(tmp_path):
    """AiiDA's checkpoints are YAML that makes objects when it is loaded."""
    from aiida.tools.archive.implementations.sqlite_zip.main import ArchiveFormatSqlZip

    node = work('ActiveLearningWorkChain', {'start': orm.Int(1).store()}, sealed=False)
    node.set_checkpoint('!!python/object/apply:os.system ["true"]')
    node.set_process_state('finished')
    node.seal()
    path = write_archive(survey(node), tmp_path / 'x.aiida')
    with ArchiveFormatSqlZip().open(path, 'r') as reader:
        found = reader.querybuilder().append(orm.ProcessNode, project='attributes').first(flat=True)
    assert orm.ProcessNode.CHECKPOINT_KEY not in found

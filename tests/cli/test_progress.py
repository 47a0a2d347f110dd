"""What is printed while a campaign runs."""

import io
import logging

import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.orm.utils.log import DBLogHandler

from aiida_seimlip.cli.progress import Progress, news
from aiida_seimlip.options.campaign.history import (
    CampaignHistory,
    DropRecord,
    ExplorationRecord,
    HeldOutRecord,
    IterationRecord,
)
from aiida_seimlip.options.records import DetailedErrorsRecord

ERRORS = DetailedErrorsRecord(n_frames=30, energy_mev_per_atom=2.345, force_ev_per_angstrom=0.1234)


def make_exploration(outcome='broke', grade=14.9, n_steps=143):
    return ExplorationRecord(
        start='crystal', condition='nvt-300K', temperature=300, ensemble='nvt', seed=1, outcome=outcome,
        n_steps=n_steps, n_steps_asked=6000, highest_grade=grade,
    )  # fmt: skip


def make_history(**changes):
    bootstrap = IterationRecord(iteration=0, n_training=30, n_labelled=30, train_errors=ERRORS)
    return CampaignHistory(iterations=[bootstrap, IterationRecord(iteration=1, **changes)])


def test_no_news():
    history = make_history(explorations=[make_exploration()])
    assert list(news(history, history)) == []


def test_news_of_bootstrap():
    assert list(news(CampaignHistory(), make_history())) == [
        'bootstrap     labelled 30', 'bootstrap     learned from 30 labels: 2.35 meV/atom, 0.123 eV/Å',
    ]  # fmt: skip


def test_news_of_explorations():
    old = make_history(explorations=[make_exploration()])
    new = make_history(explorations=[make_exploration(), make_exploration('completed', None, 6000)])
    assert list(news(old, new)) == ['iteration 1   crystal, nvt-300K: survived (all of 6000 steps)']
    assert 'broke off (143 of 6000 steps, highest grade 14.9)' in next(news(make_history(), old))


def test_news_of_selection_and_labels():
    drops = [DropRecord(stage='select', reason='a grade above 100', count=count) for count in (3, 4)]
    selected = {'n_candidates': 50, 'n_selected': 12, 'dropped': drops}
    (line,) = news(make_history(), make_history(**selected))
    assert line.endswith('selected 12 of 50 candidates (7 left out: a grade above 100)')
    labelled = make_history(**selected, n_labelled=11, n_failed=1, validation_errors=ERRORS)
    (line,) = news(make_history(**selected), labelled)
    assert line.endswith('labelled 11, 1 failed; before learning: 2.35 meV/atom, 0.123 eV/Å')


def test_news_of_held_out():
    new = make_history()
    new.held_out = HeldOutRecord(n_frames=30, errors=ERRORS, explorations=[make_exploration('completed')])
    lines = list(news(make_history(), new))
    assert lines[0].startswith('held-out      crystal')
    assert lines[1] == 'held-out      30 fresh frames: 2.35 meV/atom, 0.123 eV/Å'


@pytest.fixture
def progress():
    return Progress(io.StringIO())


def log(progress, message, level=23):
    progress.take(logging.LogRecord('aiida', level, __file__, 1, message, None, None))
    return progress._stream.getvalue()


def test_reports_of_the_campaign_are_printed(progress):
    assert log(progress, '[12|ActiveLearningWorkChain|setup]: all is well') == '  0:00  all is well\n'


def test_reports_of_other_processes_are_not(progress):
    assert log(progress, '[13|AseReferenceWorkChain|results]: all is well') == ''


def test_errors_are_printed(progress):
    assert log(progress, 'the sky fell\nTraceback ...', logging.ERROR) == '  0:00  error: the sky fell\n'


def test_interrupt_is_said_once(progress):
    log(progress, 'runner received interrupt, killing process 1', logging.CRITICAL)
    assert log(progress, 'runner received interrupt, process 1 already being killed') == '  0:00  Stopping ...\n'


@pytest.mark.parametrize('there', [True, False], ids=['handler is there', 'an option has taken it away'])
def test_logging_is_taken_over_but_for_the_database(progress, there):
    logger = logging.getLogger('aiida')
    before, root_before = logger.handlers, logging.getLogger().handlers
    logger.handlers = [logging.StreamHandler(), *([DBLogHandler()] if there else [])]
    logging.getLogger().handlers = []
    try:
        progress.take_over_logging()
        assert [type(handler).__name__ for handler in logger.handlers] == ['DBLogHandler', '_Handler']
        node = orm.CalcFunctionNode().store()
        node.logger.log(logging.getLevelName('REPORT'), 'It has begun.')
        assert [log.message for log in orm.Log.collection.get_logs_for(node)] == ['It has begun.']
    finally:
        logger.handlers, logging.getLogger().handlers = before, root_before


def test_processes_that_have_ended_are_printed_once():
    """Of a workflow without a history; also what a workflow inside it has called."""
    outer, inner, run = (orm.WorkChainNode() for _ in range(3))
    for node, label in ((outer, 'ConductivityWorkChain'), (inner, 'DiffusivityWorkChain'), (run, 'DynamicsWorkChain')):
        node.set_process_label(label)
    outer.store()
    inner.base.links.add_incoming(outer, link_type=LinkType.CALL_WORK, link_label='diffusivity')
    inner.store()
    run.base.links.add_incoming(inner, link_type=LinkType.CALL_WORK, link_label='T0600_r0_production')
    run.store()
    progress = Progress(io.StringIO(), label='ConductivityWorkChain')
    progress.update(outer)
    assert progress._stream.getvalue() == ''
    run.set_process_state('finished')
    run.set_exit_status(0)
    progress.update(outer)
    progress.update(outer)
    (line,) = progress._stream.getvalue().splitlines()
    assert line.endswith('  T0600_r0_production: done')  # behind the time, which a busy machine may take
    inner.set_process_state('finished')
    inner.set_exit_status(420)
    inner.set_exit_message('Nothing diffuses.')
    progress.update(outer)
    assert '  diffusivity: ended with status 420. Nothing diffuses.\n' in progress._stream.getvalue()

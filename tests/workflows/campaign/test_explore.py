"""Explorations: their order, their seeds, and what is made of how they end."""

from aiida import orm

from tests.workflows.campaign.conftest import results, running


def test_all_starts_under_all_conditions(generate_campaign, explore):
    process = generate_campaign()
    waves, launched, _ = explore(process)
    assert [len(wave) for wave in waves] == [2, 2]
    runs = [(data['parameters']['temperature'], data['structure'].uuid) for _, _, data in launched]
    assert len(set(runs)) == 4
    assert process.ctx.converged
    record = process.node.base.extras.get('seimlip_history')['iterations'][0]
    assert (record['iteration'], record['n_explorations'], record['n_survivors']) == (1, 4, 4)


def test_seeds_are_derived_and_differ(generate_campaign, explore):
    process = generate_campaign()
    _, first, _ = explore(process)
    _, second, _ = explore(process)
    seeds = [data['parameters']['seed'] for _, _, data in first + second]
    assert len(set(seeds)) == 8
    again = generate_campaign()
    assert [data['parameters']['seed'] for _, _, data in explore(again)[1]] == seeds[:4]
    other = generate_campaign({'seed': 8})
    assert not set(seeds) & {data['parameters']['seed'] for _, _, data in explore(other)[1]}


def test_parameters_have_a_creator(generate_campaign, explore):
    _, launched, _ = explore(generate_campaign())
    assert all(data['parameters'].creator.process_label == 'plan_explorations' for _, _, data in launched)


def test_thresholds_and_settings_of_the_engine_reach_it(generate_campaign, explore, code):
    engine = {'code': code('seimlip.lammps'), 'parameters': orm.Dict({'dialect': 'mtp'})}
    _, launched, _ = explore(generate_campaign(exploration=engine))
    parameters = launched[0][2]['parameters']
    assert (parameters['threshold_save'], parameters['threshold_break']) == (2.0, 10.0)
    assert parameters['dialect'] == 'mtp'
    assert parameters['temperature'] == 20.0


def test_break_postpones_higher_temperatures(generate_campaign, explore, finished, make_frames):
    process = generate_campaign()
    candidates = make_frames(3, grades=[2.5, 5.0, 11.0])
    broke = finished(results=results('broke', 11.0, 40, n_candidates=3), candidates=candidates)
    waves, _, exit_code = explore(process, {'run_001': broke})
    assert exit_code is None
    assert waves == [['run_000', 'run_001']]
    assert not process.ctx.converged
    record = process.node.base.extras.get('seimlip_history')['iterations'][0]
    assert (record['n_survivors'], record['n_postponed'], record['highest_grade']) == (1, 2, 11.0)
    assert [run['outcome'] for run in record['explorations']] == ['completed', 'broke']
    assert record['explorations'][1]['n_candidates'] == 3
    assert process.ctx.candidates.keys() == {'run_001'}


def test_new_potential_is_tried_first_where_the_last_one_broke(generate_campaign, explore, finished):
    process = generate_campaign()
    broke = finished(results=results('broke', 11.0))
    waves, _, _ = explore(process, {'run_002': broke})
    assert waves == [['run_000', 'run_001'], ['run_002', 'run_003']]
    waves, _, _ = explore(process)
    assert waves == [['run_002', 'run_003'], ['run_000', 'run_001']]
    assert process.ctx.converged


def test_without_rising_order_all_run_at_once(generate_campaign, explore, finished, campaign_options):
    exploration = {**campaign_options['exploration'], 'rising': False}
    process = generate_campaign({'exploration': exploration})
    waves, _, _ = explore(process, {'run_000': finished(results=results('broke', 11.0))})
    assert [len(wave) for wave in waves] == [4]
    assert not process.ctx.converged


def test_concurrency_is_limited(generate_campaign, explore, campaign_options):
    exploration = {**campaign_options['exploration'], 'rising': False, 'max_concurrent': 3}
    waves, _, _ = explore(generate_campaign({'exploration': exploration}))
    assert [len(wave) for wave in waves] == [3, 1]


def test_concurrency_does_not_cut_a_level_short(generate_campaign, explore, finished, campaign_options):
    process = generate_campaign({'exploration': {**campaign_options['exploration'], 'max_concurrent': 1}})
    waves, _, _ = explore(process, {'run_000': finished(results=results('broke', 11.0))})
    assert waves == [['run_000'], ['run_001']]


def test_crash_is_no_survival_but_data(generate_campaign, explore, finished, make_frames):
    process = generate_campaign()
    crashed = finished(results=results('crashed', None, message='Lost atoms'), candidates=make_frames(2))
    _, _, exit_code = explore(process, {'run_000': crashed})
    assert exit_code is None
    assert not process.ctx.converged
    assert process.should_learn()


def test_technical_failure_beside_a_break_is_no_end(generate_campaign, explore, finished):
    ends = {'run_000': finished(310, 'no executable'), 'run_001': finished(results=results('broke', 12.0))}
    process = generate_campaign()
    _, _, exit_code = explore(process, ends)
    assert exit_code is None
    record = process.node.base.extras.get('seimlip_history')['iterations'][0]
    assert [run['outcome'] for run in record['explorations']] == ['failed', 'broke']


def test_exploration_failed(generate_campaign, explore, finished):
    process = generate_campaign()
    _, _, exit_code = explore(process, {'run_001': finished(310, 'no executable')})
    assert exit_code.status == process.exit_codes.ERROR_EXPLORATION_FAILED.status
    assert 'iteration 1' in exit_code.message
    assert 'no executable' in exit_code.message
    assert 'potential' in process.outputs
    assert process.outputs['history']['iterations'][0]['n_survivors'] == 1


def test_out_of_walltime_teaches_nothing(generate_campaign, explore, finished):
    process = generate_campaign()
    _, _, exit_code = explore(process, {'run_001': finished(results=results('out_of_walltime', None))})
    assert exit_code.status == process.exit_codes.ERROR_EXPLORATION_FAILED.status
    assert 'out_of_walltime' in exit_code.message


def test_label_budget_stops_the_loop(generate_campaign, explore, finished, make_frames):
    process = generate_campaign({'max_labels': 6})
    process.ctx.training = {'iteration_000': make_frames(6, labelled=True).store()}
    explore(process, {'run_001': finished(results=results('broke', 12.0))})
    assert process.ctx.stop == 'ERROR_LABEL_BUDGET_EXHAUSTED'
    assert not process.should_iterate()
    assert not process.should_learn()
    assert process.results().status == process.exit_codes.ERROR_LABEL_BUDGET_EXHAUSTED.status


def test_label_budget_does_not_matter_once_converged(generate_campaign, explore, make_frames):
    process = generate_campaign({'max_labels': 6})
    process.ctx.training = {'iteration_000': make_frames(6, labelled=True).store()}
    explore(process)
    assert process.ctx.converged
    assert process.results() is None


def test_small_cell_is_warned_of(generate_campaign, explore, monkeypatch):
    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    messages: list[str] = []
    monkeypatch.setattr(ActiveLearningWorkChain, 'report', lambda _, message: messages.append(message))
    process = generate_campaign({'untrained': {'level': 6, 'max_dist': 6.0}})
    process.review()
    (thin,) = [message for message in messages if 'thin' in message]
    assert '`crystal` is 5.30 Å' in thin
    assert 'less than twice the cut-off of 6 Å' in thin
    explore(process)
    assert any('`crystal`' in text for text in process.node.base.extras.get('seimlip_history')['warnings'])


def test_held_out_explorations_have_seeds_of_their_own(generate_campaign, explore, potential):
    conditions = [{'temperature': 20.0, 'n_steps': 100}]
    process = generate_campaign({'held_out': {'conditions': conditions, 'n_frames': 4}})
    _, launched, _ = explore(process)
    process.plan_held_out()
    seeds = {node['seed'] for node in process.ctx.parameters.values()}
    assert len(seeds) == 2
    assert not seeds & {data['parameters']['seed'] for _, _, data in launched}
    assert process.ctx.queue == ['held_out_run_000', 'held_out_run_001']


# -- each start by itself, and starts that stay broken ----------------------------------------------------------------


def test_each_start_rises_by_itself(generate_campaign, explore, finished, campaign_options):
    process = generate_campaign({'exploration': {**campaign_options['exploration'], 'rising': 'each'}})
    waves, _, _ = explore(process, {'run_000': finished(results=results('broke', 11.0, 5))})
    assert waves == [['run_000', 'run_001'], ['run_003']]
    record = process.node.base.extras.get('seimlip_history')['iterations'][0]
    assert (record['n_survivors'], record['n_postponed']) == (2, 1)
    waves, _, _ = explore(process, {'run_002': finished(results=results('broke', 11.0, 5))})
    assert waves == [['run_000', 'run_001'], ['run_002', 'run_003']]
    waves, _, _ = explore(process)
    assert waves == [['run_002', 'run_001'], ['run_000', 'run_003']]
    assert process.ctx.converged


def test_start_that_survived_waits_for_the_others(generate_campaign, explore, finished, campaign_options):
    exploration = {**campaign_options['exploration'], 'rising': 'each', 'recheck': 'last'}
    process = generate_campaign({'exploration': exploration})
    broke = finished(results=results('broke', 11.0, 5))
    waves, _, _ = explore(process, {'run_000': broke})
    assert waves == [['run_000', 'run_001'], ['run_003']]
    waves, _, _ = explore(process, {'run_002': broke})
    assert waves == [['run_000'], ['run_002']]
    assert not process.ctx.converged
    waves, _, _ = explore(process, {'run_003': broke})  # what survived once may break with a later potential
    assert waves == [['run_002'], ['run_000'], ['run_001'], ['run_003']]
    assert not process.ctx.converged
    waves, _, _ = explore(process)
    assert waves == [['run_003'], ['run_001'], ['run_002'], ['run_000']]
    assert process.ctx.converged


def test_slow_exploration_holds_up_no_other(generate_campaign, finished, under_way, potential, campaign_options):
    exploration = {**campaign_options['exploration'], 'rising': False, 'max_concurrent': 2}
    process = generate_campaign({'exploration': exploration})
    under_way(process)
    process.ctx.potential = potential
    process.plan_explorations()
    process.run_explorations()
    for ended in ('run_000', 'run_002'):  # run_001 is slow
        process.ctx.jobs[running(process)[ended]] = finished(results=results())
        process.inspect_explorations()
        process.run_explorations()
        assert len(running(process)) == 2
    assert list(running(process)) == ['run_001', 'run_003']


def test_technical_failures_alone_hold_back_the_others(
    generate_campaign, finished, under_way, potential, campaign_options
):
    exploration = {**campaign_options['exploration'], 'rising': False, 'max_concurrent': 2}
    process = generate_campaign({'exploration': exploration})
    under_way(process)
    process.ctx.potential = potential
    process.plan_explorations()
    process.run_explorations()
    process.ctx.jobs[running(process)['run_000']] = finished(310, 'no executable')
    assert process.inspect_explorations() is None
    assert process.ctx.queue == []
    process.run_explorations()
    process.ctx.jobs[running(process)['run_001']] = finished(results=results('broke', 12.0))
    assert process.inspect_explorations() is None
    assert len(process.ctx.queue) == 2


def test_technical_failure_beside_survivals_holds_back_nothing(generate_campaign, explore, finished, campaign_options):
    """The machine works: what the other explorations tell is worth having."""
    exploration = {**campaign_options['exploration'], 'rising': 'each'}
    process = generate_campaign({'exploration': exploration})
    ends = {'run_000': finished(310, 'no executable'), 'run_003': finished(results=results('broke', 12.0))}
    waves, _, exit_code = explore(process, ends)
    assert waves == [['run_000', 'run_001'], ['run_003']]
    assert exit_code is None
    assert process.should_learn()


def quarantining(generate_campaign, campaign_options, after=2, **options):
    exploration = {**campaign_options['exploration'], 'rising': 'each', 'quarantine_after': after}
    return generate_campaign({'exploration': exploration, **options})


def test_start_that_stays_broken_is_set_aside(generate_campaign, explore, finished, campaign_options):
    process = quarantining(generate_campaign, campaign_options)
    broke = {'run_000': finished(results=results('broke', 11.0, 5))}
    explore(process, broke)
    assert process.ctx.quarantined == []
    explore(process, {**broke, 'run_003': finished(results=results('broke', 11.0, 5))})
    assert process.ctx.quarantined == ['crystal']
    assert process.should_learn()
    waves, launched, _ = explore(process)
    assert waves == [['run_003'], ['run_001']]
    assert {data['structure'].uuid for _, _, data in launched} == {process.ctx.starts['other'].uuid}
    assert not process.should_iterate()
    exit_code = process.results()
    assert exit_code.status == 403
    assert '1 of 2 starts stay broken, and are explored no more: crystal' in exit_code.message
    history = process.outputs['history'].get_dict()
    assert not history['converged']
    assert history['starts'] == process.node.base.extras.get('seimlip_history')['starts']
    assert history['starts']['crystal']['quarantined'].startswith('it broke in 2 iterations in a row')
    assert any('`crystal` is explored no more' in words for words in history['warnings'])
    assert 'potential' in process.outputs


def test_iteration_that_a_worker_judges_twice_counts_once(generate_campaign, explore, finished, campaign_options):
    """A worker was killed after it had published the standings, and before it had written down its step."""
    process = quarantining(generate_campaign, campaign_options)
    explore(process, {'run_000': finished(results=results('broke', 11.0, 5))})
    process.judge_explorations()
    assert process.ctx.quarantined == []
    assert process.node.base.extras.get('seimlip_history')['starts']['crystal']['n_broken'] == 1


def test_quarantine_ends_the_loop_if_the_others_have_passed(generate_campaign, explore, finished, campaign_options):
    process = quarantining(generate_campaign, campaign_options, after=1)
    explore(process, {'run_000': finished(results=results('crashed', 11.0, 5))})
    assert process.ctx.stop == 'ERROR_STARTS_QUARANTINED'
    assert not process.should_learn()


def test_seeds_of_the_others_do_not_change(generate_campaign, explore, finished, campaign_options):
    ends = {
        'run_000': finished(results=results('broke', 11.0, 5)),
        'run_001': finished(results=results('broke', 11.0, 50)),
    }
    seeds = []
    for after in (1, 2):
        process = quarantining(generate_campaign, campaign_options, after=2)
        process.ctx.quarantined = ['crystal'] if after == 1 else []
        _, launched, _ = explore(process, ends)
        seeds.append({data['structure'].uuid: data['parameters']['seed'] for _, _, data in launched})
    other = process.ctx.starts['other'].uuid
    assert seeds[0] == {other: seeds[1][other]}


def test_barren_start_does_not_end_the_campaign(generate_campaign, explore, finished, campaign_options, make_frames):
    process = quarantining(generate_campaign, campaign_options, after=5)
    process.ctx.training = {'iteration_000': make_frames(3, labelled=True).store()}
    explore(process, {'run_000': finished(results=results('crashed', None, 5))})
    assert process.should_learn()
    assert process.run_selection() is None
    assert process.inspect_selection() is None
    assert not process.should_label()
    assert process.ctx.quarantined == ['crystal']
    assert process.results().status == 403
    assert 'none of the candidates was worth a label' in process.outputs['history']['starts']['crystal']['quarantined']

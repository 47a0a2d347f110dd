"""How starts stand from iteration to iteration."""

import pytest

from aiida_seimlip.functions.campaign.survival import describe_starts, first_standings, follow_starts
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.campaign.history import ExplorationRecord, IterationRecord

FORMULAS = {'melt': 'Li2O', 'glass': 'CLi2O3'}


def settings(quarantine_after=None, **more):
    exploration = {'conditions': [{'temperature': 300.0, 'n_steps': 100}], 'quarantine_after': quarantine_after}
    return ActiveLearningOptions(seed=1, exploration=exploration, **more)


def run(start, n_steps, outcome='broke', temperature=300.0):
    return ExplorationRecord(
        start=start, condition=f'nvt-{temperature:g}K', temperature=temperature, ensemble='nvt', seed=1,
        outcome=outcome, n_steps=n_steps, n_steps_asked=100, highest_grade=None if outcome == 'completed' else 12.0,
    )  # fmt: skip


def iterations(*rows, **more):
    return [IterationRecord(iteration=number, explorations=runs, **more) for number, runs in enumerate(rows, start=1)]


def stand(option, *rows, **more):
    return follow_starts(option, FORMULAS, iterations(*rows, **more))


def test_before_the_first_iteration():
    starts = stand(settings(3))
    assert list(starts) == ['glass', 'melt']
    assert (starts['melt'].formula, starts['melt'].n_broken, starts['melt'].furthest) == ('Li2O', 0, {})


def test_breaks_in_a_row_are_counted_and_end_with_a_survival():
    rows = [[run('melt', 5)], [run('melt', 6)], [run('melt', 100, 'completed')], [run('melt', 5)]]
    assert [stand(settings(), *rows[:n])['melt'].n_broken for n in range(5)] == [0, 1, 2, 0, 1]


def test_coming_further_begins_the_count_anew_and_a_little_further_does_not():
    rows = [[run('melt', 5)], [run('melt', 14)], [run('melt', 25)], [run('melt', 30)]]
    assert [stand(settings(), *rows[:n])['melt'].n_broken for n in range(1, 5)] == [1, 2, 1, 2]


def test_surviving_a_lower_temperature_for_the_first_time_is_progress():
    rows = [[run('melt', 5)], [run('melt', 100, 'completed'), run('melt', 2, temperature=600.0)]]
    assert stand(settings(), *rows)['melt'].n_broken == 1


def test_quarantine_has_a_reason_and_concerns_one_start():
    rows = [[run('melt', 5), run('glass', 100, 'completed')]] * 3
    starts = stand(settings(3), *rows)
    assert starts['melt'].quarantined.startswith('it broke in 3 iterations in a row and came no further')
    assert 'nvt-300K broke after 5 of 100 steps, highest grade 12' in starts['melt'].quarantined
    assert starts['glass'].quarantined is None
    assert stand(settings(4), *rows)['melt'].quarantined is None
    assert stand(settings(None), *rows)['melt'].quarantined is None


def test_start_that_is_not_explored_stands_as_before():
    rows = [[run('melt', 5)], [run('glass', 5)], [run('melt', 5)]]
    assert stand(settings(), *rows)['melt'].n_broken == 2


def test_last_outcomes_and_furthest_by_condition():
    start = stand(settings(), [run('melt', 100, 'completed'), run('melt', 40, 'crashed', 600.0)], [run('melt', 7)])
    assert start['melt'].last == {'nvt-300K': 'broke', 'nvt-600K': 'crashed'}
    assert start['melt'].furthest == {'nvt-300K': 1.0, 'nvt-600K': 0.4}


def test_continued_campaign_counts_on():
    past = {'melt': {'n_broken': 2, 'furthest': {'nvt-300K': 0.4}}}
    assert stand(settings(3, standings=past), [run('melt', 42)])['melt'].quarantined is not None
    assert stand(settings(3, standings=past), [run('melt', 52)])['melt'].n_broken == 1
    assert first_standings(settings(2, standings=past), FORMULAS)['melt'].quarantined is not None
    assert first_standings(settings(None, standings=past), FORMULAS)['melt'].quarantined is None


@pytest.mark.parametrize(('limit', 'is_set_aside'), [(5, True), (None, False)])
def test_barren_iteration_sets_aside_what_broke(limit, is_set_aside):
    starts = stand(settings(limit), [run('melt', 5), run('glass', 100, 'completed')], is_barren=True)
    assert (starts['melt'].quarantined is not None) == is_set_aside
    assert starts['glass'].quarantined is None


def test_technical_failure_in_a_barren_iteration_sets_nothing_aside():
    rows = [run('melt', 5), run('glass', 0, 'failed')]
    starts = stand(settings(5), rows, is_barren=True)
    assert starts['melt'].quarantined is not None
    assert starts['glass'].quarantined is None


def test_start_that_comes_further_is_not_set_aside():
    assert stand(settings(1), [run('melt', 40)])['melt'].quarantined is None
    assert stand(settings(1), [run('melt', 40)], [run('melt', 42)])['melt'].quarantined is not None


def test_line_names_the_worst():
    records = iterations([run('melt', 5), run('glass', 100, 'completed')], [run('melt', 6), run('glass', 1)])
    starts = follow_starts(settings(), FORMULAS, records)
    line = describe_starts(starts, records[-1])
    assert line.startswith('starts: 0 of 2 survived')
    assert 'worst melt (nvt-300K broke after 6 of 100 steps, highest grade 12; 2 iterations in a row)' in line

"""The order of explorations: what may be run once others have survived."""

from aiida_seimlip.workflows.campaign.ladders import (
    broken_levels,
    build_ladders,
    climbed_ladders,
    hold_back,
    open_runs,
)

STARTS = ('a', 'b')
PLANNED = {f'{start}{index}': (start, index) for index in range(3) for start in STARTS}
LEVELS = [[0], [1], [2]]


def test_together_all_wait_for_all():
    ladders = build_ladders(PLANNED, LEVELS, {}, each=False)
    assert list(open_runs(ladders, set())) == ['a0', 'b0']
    assert list(open_runs(ladders, {'a0'})) == ['a0', 'b0']
    assert list(open_runs(ladders, {'a0', 'b0'})) == ['a0', 'b0', 'a1', 'b1']


def test_each_waits_for_itself():
    ladders = build_ladders(PLANNED, LEVELS, {}, each=True)
    assert list(open_runs(ladders, set())) == ['a0', 'b0']
    assert list(open_runs(ladders, {'a0'})) == ['a0', 'b0', 'a1']
    assert list(open_runs(ladders, {'a0', 'a1', 'b0'})) == ['a0', 'b0', 'a1', 'b1', 'a2']


def test_conditions_of_one_temperature_are_one_rung():
    ladders = build_ladders(PLANNED, [[0, 1], [2]], {}, each=True)
    assert list(open_runs(ladders, {'a0'})) == ['a0', 'a1', 'b0', 'b1']
    assert list(open_runs(ladders, {'a0', 'a1'})) == ['a0', 'a1', 'b0', 'b1', 'a2']


def test_each_begins_where_it_broke_and_returns_below():
    ladders = build_ladders(PLANNED, LEVELS, {'b': 1}, each=True)
    assert list(open_runs(ladders, set())) == ['a0', 'b1']
    assert list(open_runs(ladders, {'b1', 'b2'})) == ['a0', 'b1', 'b2', 'b0']


def test_start_that_is_called_as_the_common_ladder():
    planned = {'x': ('all', 0), 'y': ('b', 0)}
    assert build_ladders(planned, [[0]], {}, each=True) == {'all': [['x']], 'b': [['y']]}


def test_lowest_level_that_broke():
    assert broken_levels(PLANNED, LEVELS, ['a2', 'b1', 'b2'], each=True) == {'a': 2, 'b': 1}
    assert broken_levels(PLANNED, LEVELS, ['a2', 'b1', 'b2'], each=False) == {'all': 1}
    assert broken_levels(PLANNED, LEVELS, [], each=False) == {}


def test_what_was_climbed_waits_until_all_else_is():
    ladders = build_ladders(PLANNED, LEVELS, {}, each=True)
    assert list(hold_back(ladders, ['a'], {'b0', 'b1'})) == ['b']
    assert hold_back(ladders, ['a'], {'b0', 'b1', 'b2'}) == ladders
    assert hold_back(ladders, [], set()) == ladders
    assert hold_back(ladders, ['a', 'b'], set()) == ladders


def test_climbed_is_what_was_so_when_last_tried():
    ladders = build_ladders(PLANNED, LEVELS, {}, each=True)
    whole = {'a0', 'a1', 'a2'}
    assert climbed_ladders(ladders, [], {*whole, 'b0'}, whole) == ['a']
    assert climbed_ladders(ladders, ['a'], {'b0', 'b1'}, {'b0'}) == ['a']
    assert climbed_ladders(ladders, ['a'], {'a0'}, {'a0'}) == []

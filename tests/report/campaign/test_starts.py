"""Sections on the starts of a campaign."""

import re

import numpy as np
import pytest

from aiida_seimlip.options.campaign.history import CampaignHistory
from aiida_seimlip.report.campaign import start_plots
from aiida_seimlip.report.campaign.facts import Errors, ErrorsByPart, Exploration, Run, Start
from aiida_seimlip.report.campaign.page import render
from aiida_seimlip.report.campaign.records import parts_of, starts_of
from aiida_seimlip.report.campaign.starts import MOST_ROWS, order_of_trouble, sections_of_starts
from tests.report.synthetic import make_campaign

CONDITIONS = [
    (f'{ensemble}-{temperature}K{pressure}', float(temperature)) for temperature in (300, 600, 1000)
    for ensemble, pressure in (('nvt', ''), ('npt_tri', '-1bar'), ('npt_tri', '-100000bar'))
]  # fmt: skip


def make_start(name, hardness, n_iterations=6, seed=0):
    """Return a start that survives more from iteration to iteration, unless it is too hard."""
    rng, runs = np.random.default_rng(seed), []
    for iteration in range(1, n_iterations + 1):
        for condition, temperature in CONDITIONS:
            share = iteration / (hardness * temperature / 300)
            if share < 0.25:
                continue
            outcome = 'completed' if share >= 1 else 'broke' if rng.uniform() < 0.8 else 'crashed'
            run = Exploration(condition, iteration, outcome, int(1000 * min(1.0, share)), 1000, 2 + 9 * rng.uniform())
            runs.append(Run(condition, temperature, run))
    reason = 'it broke in 3 iterations in a row and came no further' if hardness > 3 else ''
    return Start(name, f'C{2 * seed + 2}Li{seed + 5}O{seed + 9}', tuple(runs), 3 if hardness > 3 else 0, reason)


def make_starts(n):
    return tuple(make_start(f'mix_{seed:03d}', 0.6 + 3.0 * (seed % 7) / 6, seed=seed) for seed in range(n))


def make_parts(n):
    rng = np.random.default_rng(2)
    formulas = [f'C{2 * index + 2}Li{index + 5}O{index + 9}' for index in range(n)]
    return tuple(
        ErrorsByPart(
            name,
            {formula: Errors(5, *(factor * rng.uniform(0.5, 1.5, 3) * [4, 0.2, 0.3])) for formula in formulas},
            {symbol: factor * value for symbol, value in {'Li': 0.1, 'C': 0.3, 'O': 0.25, 'P': 0.4}.items()},
        )
        for name, factor in (('training', 0.8), ('held-out', 1.1))
    )  # fmt: skip


@pytest.fixture
def report(campaign):
    from dataclasses import replace

    return replace(campaign, starts=make_starts(8), parts=make_parts(8))


def test_worst_starts_come_first():
    starts = order_of_trouble(make_starts(14))
    quarantined = [bool(start.quarantined) for start in starts]
    assert quarantined == sorted(quarantined, reverse=True)
    rest = [start.n_survived for start in starts if not start.quarantined]
    assert rest == sorted(rest)


def test_last_run_under_each_condition():
    start = make_start('x', 1.0)
    assert list(start.last) == [condition for condition, _ in sorted(CONDITIONS, key=lambda item: (item[1], item[0]))]
    assert {run.exploration.iteration for run in start.last.values()} == {6}
    assert start.n_survived == 9


def test_matrix_has_a_row_for_each_start_and_a_column_for_each_condition(report):
    svg = start_plots.survival_matrix(report.starts)
    for text in (*(start.name for start in report.starts), *(condition for condition, _ in CONDITIONS)):
        assert f'>{text}<' in svg
    n_runs = sum(len({run.condition for run in start.runs}) for start in report.starts)
    assert len(re.findall('<text', svg)) >= n_runs


def test_figure_of_many_starts_shows_the_worst_and_the_table_all(campaign):
    from dataclasses import replace

    section = next(sections_of_starts(replace(campaign, starts=make_starts(120))))
    assert f'The {MOST_ROWS} starts that fared worst' in section.lead
    assert len(section.tables[0].rows) == 120
    assert 'came to their end from' in section.figures[0].description


def test_page_tells_of_starts_and_parts(report):
    page = render(report)
    assert 'id="starts"' in page
    assert 'id="parts"' in page
    assert 'it broke in 3 iterations in a row' in page


def test_one_start_needs_no_section(campaign):
    assert list(sections_of_starts(campaign)) == []


def test_many_explorations_have_no_tiles():
    from dataclasses import replace

    campaign = make_campaign()
    runs = tuple(replace(campaign.explorations[0], name=f'run {number}') for number in range(41))
    page = render(replace(campaign, explorations=runs))
    assert '41 explorations are too many for this figure' in page


def test_from_the_history():
    run = {
        'condition': 'nvt-300K', 'temperature': 300.0, 'ensemble': 'nvt', 'seed': 1, 'n_steps_asked': 100,
        'highest_grade': None,
    }  # fmt: skip
    errors = {'n_frames': 2, 'energy_mev_per_atom': 3.0, 'force_ev_per_angstrom': 0.1}
    history = CampaignHistory.model_validate({
        'iterations': [
            {'iteration': 1, 'explorations': [{**run, 'start': 'a', 'outcome': 'broke', 'n_steps': 25}]},
            {'iteration': 2, 'explorations': [
                {**run, 'start': 'a', 'outcome': 'completed', 'n_steps': 100},
                {**run, 'start': 'b', 'outcome': 'broke', 'n_steps': 50, 'highest_grade': 11.0},
            ]},
        ],
        'starts': {'b': {'formula': 'LiF', 'n_broken': 1, 'quarantined': 'it broke'}},
        'training_errors': {**errors, 'by_formula': {'LiF': errors}, 'force_by_element': {'Li': 0.2}},
    })  # fmt: skip
    first, second = starts_of(history)
    assert [run.exploration.survival for run in first.runs] == [0.25, 1.0]
    assert (first.n_survived, second.n_survived) == (1, 0)
    assert (second.formula, second.quarantined, second.highest_grade) == ('LiF', 'it broke', 11.0)
    assert np.isnan(first.highest_grade)
    (part,) = parts_of(history)
    assert (part.name, part.by_formula['LiF'].force, part.force_by_element) == ('training', 0.1, {'Li': 0.2})


@pytest.mark.parametrize(('potential', 'names'), [(None, ['spot-check']), ('later', [])])
def test_spot_checks_are_shown_where_no_other_potential_followed(potential, names):
    errors = {'n_frames': 2, 'energy_mev_per_atom': 3.0, 'force_ev_per_angstrom': 0.1}
    record = {'iteration': 1, 'check_errors': {**errors, 'by_formula': {'LiF': errors}}, 'potential_uuid': potential}
    assert [part.name for part in parts_of(CampaignHistory.model_validate({'iterations': [record]}))] == names

"""Report on a `DiffusivityWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from aiida import orm

from aiida_seimlip.options.transport.results import DiffusionPoint, DiffusivityResults
from aiida_seimlip.report import style, words
from aiida_seimlip.report.expected import describe_largest
from aiida_seimlip.report.property import bullet, known
from aiida_seimlip.report.sections import Figure, NumberTile, Section
from aiida_seimlip.report.transport import plots, structure_plots
from aiida_seimlip.report.transport.doubts import doubts_of_transport
from aiida_seimlip.report.transport.tables import (
    DiffusivityFacts,
    basis_table,
    diffusion_table,
    fit_tables,
    grades_table,
    pair_name,
    pairs_of,
    runs_table,
    shell_tables,
    unit_tables,
)

BOLTZMANN_EV = 8.617333262e-5
FEWEST_POINTS = 2
TEMPERATURE_OFF = 0.02
"""Share of the temperature asked for by which the mean may be off."""
HIGH_PRESSURE = 10_000.0
"""In bar; beyond, a cell of constant volume is called out."""
BAR_PER_GPA = 1e4
FAR = 1.5
"""An inverse temperature so many times that of the coldest point is far from the data."""


def diffusivity_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on a diffusivity as sections; the first one opens a chapter.

    :param node: a `DiffusivityWorkChain`, in any state.
    """
    facts = DiffusivityFacts(node)
    sections = [_chapter(facts), _displacements(facts), _arrhenius(facts), _structure(facts), _units(facts)]
    return [*sections, _domain(facts), _doubts(facts), *facts.runs(runs_table(facts))]


# -- sections ---------------------------------------------------------------------------------------------------------


def _chapter(facts: DiffusivityFacts) -> Section:
    results = facts.results
    lead = ' '.join([*(bullet(text) for text in facts.doubts()), _in_words(facts)]).strip()
    tiles: list[NumberTile] = []
    if results is not None and results.arrhenius is not None:
        fit = results.arrhenius
        interval = words.typeset_interval(*fit.Ea_interval, digits=3)
        tiles.append(NumberTile(_show(fit.Ea, fit.Ea_std), 'eV', 'activation energy', f'95 %: {interval}'))
    if results is not None and results.extrapolation is not None:
        aim = results.extrapolation
        kind = 'extrapolated' if aim.is_extrapolated else 'within the data'
        tiles.append(NumberTile(
            words.typeset(words.with_uncertainty(aim.D, digits=2)), 'm²/s', f'D at {aim.temperature:g} K, {kind}',
            f'95 %: {words.typeset_interval(*aim.interval)}',
        ))  # fmt: skip
    if facts.points:
        used = sum(point.used_in_fit for point in facts.points)
        tiles.append(NumberTile(f'{used} of {len(facts.points)}', '', 'temperatures in the fit'))
        tiles.append(grade_tile(facts.points))
    tiles.append(facts.time_tile())
    return Section(facts.anchor('diffusion'), facts.title, lead, is_chapter=True, tiles=tuple(tiles))


def _in_words(facts: DiffusivityFacts) -> str:
    """Say in one sentence what was found."""
    results = facts.results
    if results is None or results.arrhenius is None:
        return ''
    used = [point.temperature for point in results.points if point.used_in_fit]
    return (
        f'From {len(used)} temperatures between {min(used):g} and {max(used):g} K ({results.ensemble.upper()}): an '
        f'activation energy of {_show(results.arrhenius.Ea, results.arrhenius.Ea_std)} eV.'
    )


def _displacements(facts: DiffusivityFacts) -> Section:
    anchor, title = facts.anchor('msd'), 'How far the ions went'
    if not facts.points:
        return Section(anchor, title, reason='There are no diffusion coefficients.')
    section = Section(anchor, title, tables=(diffusion_table(facts), basis_table(facts)))
    curves = list(_msd_curves(facts))
    if not curves:
        return section
    lead = (
        'Mean square displacement against the lag time, the drift of the framework taken off, with 95 % bands. Left: '
        'ions diffuse where the curve runs beside the line of slope 1. Right: the same on linear axes; a thin dashed '
        'line has the slope 6 D. A coloured dashed curve is left out of the fit.'
    )
    text = '; '.join(f'{curve.name}: D = {words.with_uncertainty(curve.D, curve.D_std)} m²/s' for curve in curves)
    figure = Figure(plots.displacements(curves, anchor), f'Mean square displacements. {text}.', facts.legend)
    return replace(section, lead=lead, figures=(figure,))


def _msd_curves(facts: DiffusivityFacts) -> Iterator[plots.MsdCurve]:
    arrays = facts.arrays('msd')
    for point in facts.points:
        lag, msd = arrays.get(f'{point.key}_lag_ps'), arrays.get(f'{point.key}_msd')
        if lag is None or msd is None or not len(lag):
            continue
        std = arrays.get(f'{point.key}_msd_std', np.full(len(lag), np.nan))
        yield plots.MsdCurve(
            f'{point.temperature:g} K', facts.colours[point.key], lag, msd, std, known(point.D), known(point.D_std),
            point.used_in_fit,
        )  # fmt: skip


def _arrhenius(facts: DiffusivityFacts) -> Section:
    anchor, title = facts.anchor('arrhenius'), 'Arrhenius: how it depends on the temperature'
    points = [_as_point(facts, point) for point in facts.points if point.D is not None]
    if not points:
        return Section(anchor, title, reason='There is no diffusion coefficient to draw.')
    assert facts.results is not None
    aim = facts.results.extrapolation
    drawn = None
    if aim is not None:
        drawn = plots.Point(aim.temperature, aim.D, *aim.interval, not aim.is_extrapolated, style.INK)
    samples = facts.arrays('posterior').get('arrhenius')
    temperatures = [point.temperature for point in points] + ([aim.temperature] if aim else [])
    band = band_of(samples, temperatures) if samples is not None and facts.results.arrhenius else None
    svg = plots.arrhenius(points, band, drawn, label='D (m²/s)', salt=anchor)
    lead = (
        'Diffusion coefficients with their 95 % intervals. Filled: in the fit; hollow: left out. Line and band: median '
        'and 95 % of the joint posterior of D₀ and Eₐ, dashed outside of the data.'
    )
    if aim is not None and aim.is_extrapolated:
        lead += f' The diamond at {aim.temperature:g} K is an extrapolation, no simulation.'
    left_out = [
        bullet(f'{point.temperature:g} K is left out of the fit: {"; ".join(point.flags) or "no reason is given"}')
        for point in facts.points if not point.used_in_fit
    ]  # fmt: skip
    figure = Figure(svg, f'Arrhenius plot. {_in_words(facts)}', facts.legend)
    return Section(anchor, title, lead, (figure,), tuple(fit_tables(facts)), tuple(left_out))


def _as_point(facts: DiffusivityFacts, point: DiffusionPoint) -> plots.Point:
    low, high = point.D_interval or (float('nan'), float('nan'))
    return plots.Point(point.temperature, known(point.D), low, high, point.used_in_fit, facts.colours[point.key])


def band_of(samples: np.ndarray, temperatures: Sequence[float]) -> plots.Band:
    """Return median and 95 % interval of D(T) = D0 exp(-Ea / kT).

    :param samples: of the posterior; columns are ln D0 and Ea in eV; shape (n_samples, 2).
    :param temperatures: in K; the band spans them.
    """
    grid = 1.0 / np.linspace(1.0 / max(temperatures), 1.0 / min(temperatures), 80)
    logs = samples[:, :1] - samples[:, 1:] / (BOLTZMANN_EV * grid)
    low, median, high = np.exp(np.percentile(logs, (2.5, 50.0, 97.5), axis=0))
    return plots.Band(grid, median, low, high)


def _structure(facts: DiffusivityFacts) -> Section:
    anchor, title = facts.anchor('rdf'), 'What surrounds the ions'
    pairs = list(_pair_curves(facts))
    if not pairs:
        return Section(anchor, title, reason='There are no radial distribution functions.')
    lead = (
        'Radial distribution functions, drawn with a smoothing of 0.05 Å, and below them the mean number of neighbours '
        'within a distance. Where oxygen has several roles, it is told apart by its bonding.'
    )
    figures = []
    for first in range(0, len(pairs), structure_plots.COLUMNS):
        part = pairs[first : first + structure_plots.COLUMNS]
        is_last = first + structure_plots.COLUMNS >= len(pairs)
        text = f'Radial distribution functions of {", ".join(pair.name for pair in part)}.'
        svg = structure_plots.pair_distributions(part, f'{anchor}-{first}')
        figures.append(Figure(svg, text, facts.legend if is_last else ()))
    return Section(anchor, title, lead, tuple(figures), tuple(shell_tables(facts)))


def _pair_curves(facts: DiffusivityFacts) -> Iterator[structure_plots.PairCurves]:
    arrays = facts.arrays('rdf')
    for pair in pairs_of(facts):
        curves = []
        for point in facts.points:
            name = f'{point.key}_{"_".join(pair)}'
            if f'{name}_r' in arrays:
                r, g, n = (arrays[f'{name}_{part}'] for part in ('r', 'g', 'coordination'))
                curves.append((facts.colours[point.key], r, g, n))
        if curves:
            yield structure_plots.PairCurves(pair_name(pair), curves)


def _units(facts: DiffusivityFacts) -> Section:
    section = facts.anchor('units'), 'Whether the material stayed whole'
    tables = tuple(unit_tables(facts))
    if not tables:
        return Section(*section, reason='No bonded units were counted.')
    lead = 'Bonded units that are intact, counted in whole frames of the productions. A bond that is stretched in one '
    return Section(*section, f'{lead}frame counts as broken in that frame.', tables=tables)


def _domain(facts: DiffusivityFacts) -> Section:
    section = facts.anchor('grades'), 'Whether the potential knew what it met'
    if not any(point.n_graded for point in facts.points):
        return Section(*section, reason='No extrapolation grade was evaluated: the potential does not know it, or no '
                       'run has left frames.')  # fmt: skip
    assert facts.results is not None
    lead = f'Grades of whole frames of the productions. Above {known(facts.results.threshold):g} a frame is out of '
    lead += 'domain'
    if facts.results.max_share_above is not None:
        lead += f'; a run may have {words.share(facts.results.max_share_above)} of such frames'
    expected = describe_largest((point.highest_grade, point.expected_force_error) for point in facts.points)
    return Section(*section, f'{lead}. At the highest grade: {expected}.', tables=(grades_table(facts),))


def _doubts(facts: DiffusivityFacts) -> Section:
    points = tuple(dict.fromkeys(bullet(text) for text in _all_doubts(facts)))
    return Section(
        facts.anchor('doubts'), 'What to distrust', points=points,
        reason='Nothing stands out. The error bars hold what the runs themselves can tell: not the error of the '
        'potential against its reference, nor that of the reference.',
    )  # fmt: skip


def _all_doubts(facts: DiffusivityFacts) -> Iterator[str]:
    """Say what a reader must know before using the numbers."""
    results = facts.results
    yield from doubts_of_transport(facts, results)
    if results is None:
        return
    yield from _about_conditions(results)
    if results.arrhenius is not None:
        yield from results.arrhenius.flags
        if results.arrhenius.n_points == FEWEST_POINTS:
            yield 'The Arrhenius line goes through two temperatures only, so nothing tells whether it is a line'
        if results.arrhenius.Ea_interval[0] <= 0:
            yield 'The activation energy cannot be told from zero: take temperatures further apart, and longer runs'
    yield from _about_the_aim(results)


def _about_conditions(results: DiffusivityResults) -> Iterator[str]:
    """Say where the runs were not at the temperature asked for, or under a pressure that nobody asked for."""
    for point in results.points:
        off = known(point.mean_temperature) - point.temperature
        if results.ensemble != 'nve' and abs(off) > TEMPERATURE_OFF * point.temperature:
            yield f'{point.temperature:g} K: the runs were at {known(point.mean_temperature):.0f} K in the mean'
    pressures = [
        run.mean_pressure for point in results.points for run in point.replicas if run.mean_pressure is not None
    ]
    if not results.ensemble.startswith('npt') and pressures and max(map(abs, pressures)) > HIGH_PRESSURE:
        low, high = min(pressures) / BAR_PER_GPA, max(pressures) / BAR_PER_GPA
        yield (
            f'The volume was kept, and the mean pressure was {low:.1f} to {high:.1f} GPa: ions diffuse otherwise than '
            'at ambient pressure'
        )


def _about_the_aim(results: DiffusivityResults) -> Iterator[str]:
    aim = results.extrapolation
    used = [point.temperature for point in results.points if point.used_in_fit]
    if aim is None or not aim.is_extrapolated or not used:
        return
    yield (
        f'D at {aim.temperature:g} K is extrapolated from {min(used):g} to {max(used):g} K: its interval holds only if '
        'one activation energy holds all the way, without a phase transition or another mechanism'
    )
    if min(used) / aim.temperature > FAR:
        yield f'That is far: 1/T at {aim.temperature:g} K is {min(used) / aim.temperature:.1f} times that of the data'


# -- parts ------------------------------------------------------------------------------------------------------------


def grade_tile(points: Sequence[DiffusionPoint]) -> NumberTile:
    """Return the tile that tells how many frames were out of the potential's domain.

    :param points: all temperatures.
    """
    graded = [point for point in points if point.n_graded]
    if not graded:
        return NumberTile(words.UNKNOWN, '', 'frames out of domain', 'no grade was evaluated')
    count = sum(point.n_graded or 0 for point in graded)
    share = sum(known(point.share_above_threshold) * (point.n_graded or 0) for point in graded) / count
    highest = max(known(point.highest_grade) for point in graded)
    expected = describe_largest((point.highest_grade, point.expected_force_error) for point in graded)
    note = f'of {count}; highest grade {words.grade(highest)}; {expected}'
    value, unit = words.share(share).rsplit(' ', 1)
    return NumberTile(value, unit, 'frames out of domain', note, 'bad' if share else '')


def _show(value: float, uncertainty: float | None) -> str:
    return words.typeset(words.with_uncertainty(value, uncertainty))

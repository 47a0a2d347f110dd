"""Tables on a `DiffusivityWorkChain`, and what is read from its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from aiida import orm

from aiida_seimlip.options.transport.results import DiffusionPoint, DiffusivityResults
from aiida_seimlip.report.expected import EXPECTED, expected_cells
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.tables import Cell, Column, Table
from aiida_seimlip.report.transport import plots

TEMPERATURE = Column('temperature_K', 'T', 'K', is_exact=True)


class DiffusivityFacts(PropertyFacts):
    """A diffusivity and what was found in its nodes."""

    @cached_property
    def results(self) -> DiffusivityResults | None:
        """The output `diffusivity`."""
        return self.model('diffusivity', DiffusivityResults)

    @property
    def points(self) -> list[DiffusionPoint]:
        """The temperatures, rising."""
        return self.results.points if self.results else []

    @cached_property
    def colours(self) -> dict[str, str]:
        """The colour of each temperature, by its key."""
        return {point.key: plots.COLOURS[n % len(plots.COLOURS)] for n, point in enumerate(self.points)}

    @property
    def legend(self) -> tuple[tuple[str, str], ...]:
        """Colours and temperatures."""
        return tuple((self.colours[point.key], f'{point.temperature:g} K') for point in self.points)

    @cached_property
    def title(self) -> str:
        """What was computed of what."""
        ions = ', '.join(self.results.mobile) if self.results else 'ions'
        return f'Diffusion of {ions} in {self.subject}' if self.subject else f'Diffusion of {ions}'


def diffusivity_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of a diffusivity that belong into a paper or a notebook.

    :param node: a `DiffusivityWorkChain`, in any state.
    """
    facts = DiffusivityFacts(node)
    if not facts.points:
        return []
    tables = [diffusion_table(facts), basis_table(facts), runs_table(facts), *fit_tables(facts), *shell_tables(facts)]
    return [*tables, *unit_tables(facts), grades_table(facts)]


def pairs_of(facts: DiffusivityFacts) -> list[tuple[str, str]]:
    """Return the pairs of kinds of atoms whose distribution was found."""
    node = facts.outputs.get('rdf')
    found = [] if node is None else [node.base.attributes.get(point.key, {}) for point in facts.points]
    return list(dict.fromkeys((pair['centre'], pair['neighbour']) for one in found for pair in one.get('pairs', [])))


def pair_name(pair: tuple[str, str]) -> str:
    """Write a pair of kinds of atoms, such as ``Li–O (carbonate)``."""
    first, second = (kind.replace('_', ' (', 1) + ')' if '_' in kind else kind for kind in pair)
    return f'{first}–{second}'


def diffusion_table(facts: DiffusivityFacts) -> Table:
    """Return the diffusion coefficients."""
    columns = (
        TEMPERATURE, Column('D_m2_per_s', 'D', 'm²/s'), Column('D_95_m2_per_s', '95 % interval', 'm²/s'),
        Column('D_x_m2_per_s', 'along x', 'm²/s'), Column('D_y_m2_per_s', 'along y', 'm²/s'),
        Column('D_z_m2_per_s', 'along z', 'm²/s'), Column('in_fit', 'in the fit', is_number=False),
    )  # fmt: skip
    rows = []
    for point in facts.points:
        axes = point.D_per_axis or (None, None, None)
        errors = point.D_per_axis_std or (None, None, None)
        rows.append((
            Cell(point.temperature), Cell(point.D, point.D_std), Cell(point.D_interval),
            *(Cell(value, error) for value, error in zip(axes, errors, strict=True)), Cell(point.used_in_fit),
        ))  # fmt: skip
    return Table('diffusion', f'{facts.title}: diffusion coefficients', columns, rows)


def basis_table(facts: DiffusivityFacts) -> Table:
    """Return what the diffusion coefficients rest on."""
    columns = (
        TEMPERATURE, Column('mean_temperature_K', 'mean T', 'K', digits=4), Column('replicas', 'replicas'),
        Column('duration_ps', 'total time', 'ps'), Column('ions', 'ions'), Column('atoms', 'atoms'),
        Column('volume_A3', 'volume', 'Å³', digits=5), Column('hops', 'hops'),
        Column('moving', 'ions that hopped'), Column('log_slope', 'slope of log MSD'),
        Column('replica_scatter_m2_per_s', 'scatter of replicas', 'm²/s'),
        Column('diffusive', 'diffusive', is_number=False),
        Column('flags', 'what is doubtful', is_number=False, in_paper=False),
    )  # fmt: skip
    rows = [
        (Cell(p.temperature), Cell(p.mean_temperature), Cell(len(p.replicas)), Cell(p.duration_ps), Cell(p.n_ions),
         Cell(p.n_atoms), Cell(p.volume), Cell(p.n_hops), Cell(p.n_moving), Cell(p.log_slope, p.log_slope_std),
         Cell(p.replica_scatter), Cell(p.is_diffusive), Cell('; '.join(p.flags)))
        for p in facts.points
    ]  # fmt: skip
    return Table('diffusion_basis', 'What the diffusion coefficients rest on', columns, rows)


def runs_table(facts: DiffusivityFacts) -> Table:
    """Return the runs, one in a row."""
    columns = (
        Column('run', 'run', is_number=False), TEMPERATURE, Column('seed', 'seed'), Column('D_m2_per_s', 'D', 'm²/s'),
        Column('outcome', 'outcome', is_number=False), Column('steps', 'steps'), Column('steps_asked', 'asked for'),
        Column('mean_temperature_K', 'mean T', 'K', digits=4),
        Column('mean_pressure_bar', 'mean p', 'bar'), Column('hops', 'hops'),
        Column('above_threshold', 'frames out of domain', is_share=True),
        Column('highest_grade', 'highest grade'), *EXPECTED,
        Column('ns_per_day', 'speed', 'ns/day', digits=3),
        Column('atom_steps_per_s', 'speed', 'atom-steps/s', digits=3, in_paper=False),
        Column('message', 'what it said', is_number=False, in_paper=False),
    )  # fmt: skip
    rows = [
        (Cell(run.key), Cell(point.temperature), Cell(run.seed), Cell(run.D, run.D_std), Cell(run.outcome),
         Cell(run.n_steps), Cell(run.n_steps_asked), Cell(run.mean_temperature), Cell(run.mean_pressure),
         Cell(run.n_hops), Cell(run.share_above_threshold), Cell(run.highest_grade),
         *expected_cells(run.expected_force_error), Cell(run.ns_per_day), Cell(run.atom_steps_per_second),
         Cell(run.message))
        for point in facts.points for run in point.replicas
    ]  # fmt: skip
    return Table('diffusion_runs', 'The runs', columns, rows)


def fit_tables(facts: DiffusivityFacts) -> Iterator[Table]:
    """Yield the Arrhenius fit, if there is one."""
    results = facts.results
    if results is None or results.arrhenius is None:
        return
    fit, aim = results.arrhenius, results.extrapolation
    columns = [
        Column('Ea_eV', 'Eₐ', 'eV'), Column('Ea_95_eV', '95 % interval', 'eV', digits=4),
        Column('D0_m2_per_s', 'D₀', 'm²/s'), Column('D0_95_m2_per_s', '95 % interval', 'm²/s'),
        Column('temperatures', 'temperatures'), Column('p_value', 'p', digits=2),
    ]  # fmt: skip
    row = [Cell(fit.Ea, fit.Ea_std), Cell(fit.Ea_interval), Cell(fit.D0), Cell(fit.D0_interval), Cell(fit.n_points),
           Cell(fit.p_value)]  # fmt: skip
    if aim is not None:
        name = f'D at {aim.temperature:g} K' + (', extrapolated' if aim.is_extrapolated else '')
        columns += [Column('D_aim_m2_per_s', name, 'm²/s'), Column('D_aim_95_m2_per_s', '95 % interval', 'm²/s')]
        row += [Cell(aim.D), Cell(aim.interval)]
    yield Table('arrhenius', f'{facts.title}: Arrhenius fit', columns, [row])


def shell_tables(facts: DiffusivityFacts) -> Iterator[Table]:
    """Yield the first coordination shells."""
    from aiida_seimlip.science.analysis.rdf import PairDistribution

    arrays, rows = facts.arrays('rdf'), []
    for pair in pairs_of(facts):
        for point in facts.points:
            name = f'{point.key}_{"_".join(pair)}'
            if f'{name}_r' not in arrays:
                continue
            parts = ('r', 'g', 'g_error', 'coordination', 'coordination_error')
            shell = PairDistribution(pair, *(arrays[f'{name}_{part}'] for part in parts)).first_shell()
            if shell is not None:
                rows.append((
                    Cell(pair_name(pair)), Cell(point.temperature), Cell(shell.peak), Cell(shell.minimum),
                    Cell(shell.coordination, shell.coordination_error),
                ))  # fmt: skip
    columns = (
        Column('pair', 'pair', is_number=False), TEMPERATURE, Column('first_peak_A', 'first peak', 'Å'),
        Column('first_minimum_A', 'minimum behind it', 'Å'), Column('coordination', 'neighbours within it'),
    )  # fmt: skip
    if rows:
        yield Table('shells', f'{facts.title}: first coordination shells', columns, rows)


def unit_tables(facts: DiffusivityFacts) -> Iterator[Table]:
    """Yield the intact units, if any were counted."""
    rows = [
        (Cell(point.temperature), Cell(unit), Cell(record.n_start), Cell(record.n_lowest), Cell(record.mean),
         Cell(record.n_frames), Cell(record.share_complete))
        for point in facts.points
        for unit, record in (facts.results.decomposition if facts.results else {}).get(point.key, {}).items()
    ]  # fmt: skip
    columns = (
        TEMPERATURE, Column('unit', 'unit', is_number=False), Column('at_start', 'at the start'),
        Column('fewest', 'fewest'), Column('mean', 'mean', digits=4), Column('frames', 'frames'),
        Column('complete', 'frames with all of them', is_share=True),
    )  # fmt: skip
    if rows:
        yield Table('units', f'{facts.title}: intact bonded units', columns, rows)


def grades_table(facts: DiffusivityFacts) -> Table:
    """Return the grade audit."""
    columns = (
        TEMPERATURE, Column('frames', 'frames looked at'),
        Column('above_threshold', 'frames above the threshold', is_share=True),
        Column('highest_grade', 'highest grade'), *EXPECTED,
    )  # fmt: skip
    rows = [
        (Cell(p.temperature), Cell(p.n_graded), Cell(p.share_above_threshold), Cell(p.highest_grade),
         *expected_cells(p.expected_force_error))
        for p in facts.points
    ]  # fmt: skip
    return Table('grades', f'{facts.title}: extrapolation grades during production', columns, rows)

"""What a workflow would do: its jobs, their cost in core-hours and the room that their results take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ProcessBuilder
from tabulate import tabulate

from aiida_seimlip.cli.launch.speeds import Measured, calculator_of, find_measured
from aiida_seimlip.science.cost import CostError, Rate, find_rate
from aiida_seimlip.workflows.estimate import PLANNERS, Plan, Work

HEADERS = ('work', 'jobs', 'steps each', 'atom-steps', 'core-hours', 'stored')
UNKNOWN = '?'


def describe(builder: ProcessBuilder) -> Iterator[str]:
    """Yield what a workflow would do, line by line.

    :param builder: its inputs.
    """
    inputs: Any = builder._inputs(prune=True)
    name = builder.process_class.__name__
    plan = PLANNERS[name](inputs)
    costs = Costs(inputs)
    yield f'{name}, at most' if plan.is_limit else name
    yield ''
    if plan.works:
        yield table(plan, costs)
        yield ''
    yield from costs.explain()
    yield from plan.notes
    yield 'Nothing was run.'


class Costs:
    """The time that works take, from the speeds of the programs that do them.

    :param inputs: of the workflow, whose namespaces of sockets hold the codes.
    """

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self._sockets = dict(find_sockets(inputs))
        self._measured: dict[str, Measured | None] = {}
        self._rates: dict[tuple[str, int | None, bool | None], Rate | None] = {}

    def core_hours(self, work: Work) -> float | None:
        """Return the time that a work takes in core-hours, None if it cannot be known.

        :param work: what is to be done.
        """
        if work.atom_steps is None:
            return None
        rate = self._rate(work)
        return None if rate is None else rate.core_hours(work.atom_steps)

    def _rate(self, work: Work) -> Rate | None:
        key = (work.socket, work.level, work.with_grades)
        if key not in self._rates:
            measured = self._find(work.socket)
            try:
                self._rates[key] = find_rate(measured.speeds if measured else (), work.level, work.with_grades)
            except CostError:
                self._rates[key] = None
        return self._rates[key]

    def _find(self, socket: str) -> Measured | None:
        if socket not in self._measured:
            settings = self._sockets.get(socket, {})
            code = settings.get('code')
            self._measured[socket] = None if code is None else find_measured(code, calculator_of(settings))
        return self._measured[socket]

    def explain(self) -> Iterator[str]:
        """Yield where the speeds come from, or how to measure them."""
        for (socket, level, with_grades), rate in self._rates.items():
            code = self._sockets.get(socket, {}).get('code')
            if code is None:
                yield f'There is no code for `{socket}`: its time is left out.'
            elif rate is None:
                yield self._how_to_measure(socket, code, level)
            else:
                yield self._where_from(socket, code, level, with_grades, rate)

    @staticmethod
    def _how_to_measure(socket: str, code: orm.AbstractCode, level: int | None) -> str:
        label = code.full_label
        if level is None:
            settings = '--parameters FILE, with the parameters that it gets here'
        else:
            settings = f'--options \'{{"level": {level}}}\''
        return (
            f'The speed of `{label}` for `{socket}` was never measured, so that its time is left out; measure it: '
            f'aiida-seimlip check {label} {settings}.'
        )

    def _where_from(
        self, socket: str, code: orm.AbstractCode, level: int | None, with_grades: bool | None, rate: Rate
    ) -> str:  # fmt: skip
        measured = self._find(socket)
        assert measured is not None
        speed = f'{rate.atom_steps_per_core_second:,.0f} atom-steps per core and second'
        place = code.full_label if measured.is_same_code else f'a code like {code.full_label} on the same computer'
        how = f'as check {measured.pk} measured on {measured.when:%Y-%m-%d} with {place}'
        if level is None:
            return f'`{socket}`: {speed}, {how}; the time of an atom is taken to be that in the cell of the check.'
        graded = 'with grades' if with_grades else 'without grades'
        levels = ' and '.join(map(str, rate.levels))
        basis = f'measured at level {levels}'
        if rate.is_extrapolated:
            basis = f'extrapolated to level {level} from level {levels}: measure there to be sure'
        elif level not in rate.levels:
            basis = f'interpolated to level {level} between {levels}'
        return f'`{socket}`: {speed} {graded}, {how} ({basis}).'


def find_sockets(inputs: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the namespaces that hold the settings of programs, those of workflows inside included.

    :param inputs: of a workflow.
    """
    for name, value in inputs.items():
        if isinstance(value, Mapping):
            if isinstance(value.get('code'), orm.AbstractCode):
                yield name, value
            else:
                yield from find_sockets(value)


def table(plan: Plan, costs: Costs) -> str:
    """Return the works and what they cost as a table.

    :param plan: of the workflow.
    :param costs: of its works.
    """
    hours = [costs.core_hours(work) for work in plan.works]
    rows = [_row(work, time) for work, time in zip(plan.works, hours, strict=True)]
    known = [time for time in hours if time is not None]
    total = f'{"" if len(known) == len(hours) else "≥ "}{sum(known):.3g}' if known else UNKNOWN
    rows.append(('total', '', '', '', total, size(plan.n_bytes)))
    return tabulate(rows, headers=HEADERS, tablefmt='simple', disable_numparse=True)


def _row(work: Work, hours: float | None) -> tuple[str, ...]:
    steps = UNKNOWN if work.steps is None else f'{work.steps:,}{" frames" if work.unit == "frames" else ""}'
    return (
        work.name, '' if work.n_jobs is None else str(work.n_jobs), steps,
        UNKNOWN if work.atom_steps is None else f'{work.atom_steps:.3g}',
        UNKNOWN if hours is None else f'{hours:.3g}', size(work.n_bytes) if work.n_bytes else '',
    )  # fmt: skip


def size(n_bytes: float) -> str:
    """Write a number of bytes for a reader."""
    for unit in ('B', 'kB', 'MB', 'GB'):
        if n_bytes < 1000:
            return f'{n_bytes:.3g} {unit}'
        n_bytes /= 1000
    return f'{n_bytes:.3g} TB'

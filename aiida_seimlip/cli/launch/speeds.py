"""Speeds of programs, as `seimlip.check` has measured them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiida import orm

from aiida_seimlip.options.check.report import CheckReport, SpeedRecord
from aiida_seimlip.science.cost import Speed

CHECK = 'aiida.workflows:seimlip.check'


class Check(NamedTuple):
    """A check that left a report.

    :param node: the check.
    :param report: what it found.
    :param calculator: name of the ASE calculator that was checked, None if it was none.
    """

    node: orm.WorkChainNode
    report: CheckReport
    calculator: str | None


@dataclass(frozen=True)
class Measured:
    """What checks have measured.

    :param speeds: in order of time.
    :param pk: of the newest check.
    :param when: it was made.
    :param is_same_code: whether it was the very code; otherwise one of the same kind on the same computer.
    """

    speeds: tuple[Speed, ...]
    pk: int
    when: dt.datetime
    is_same_code: bool = True


def find_measured(code: orm.AbstractCode, calculator: str | None = None) -> Measured | None:
    """Return the speeds of a program, None if none was measured.

    They are those of the code itself; failing that, of codes with the same default plugin on the same computer.

    :param code: the program, and where it runs.
    :param calculator: name of the ASE calculator, for a program that is an interpreter: each has a speed of its own.
    """
    checks = [check for check in all_checks() if calculator in (None, check.calculator)]
    own = [check for check in checks if check.report.code_uuid == code.uuid]
    return _gather(own, is_same_code=True) or _gather(_alike(checks, code), is_same_code=False)


def all_checks() -> list[Check]:
    """Return all checks that left a report, in order of time."""
    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={'process_type': CHECK}, tag='check', project='*')
    query.append(orm.Dict, with_incoming='check', edge_filters={'label': 'report'}, project='attributes')
    query.order_by({'check': 'ctime'})
    return [Check(node, CheckReport.model_validate(report), _calculator_checked(node)) for node, report in query.all()]


def calculator_of(settings: Mapping[str, Any]) -> str | None:
    """Return the name of the ASE calculator that a program is asked for, None if it is asked for none.

    :param settings: of a socket, with the node `parameters`.
    """
    parameters = settings.get('parameters')
    content: Any = parameters.get_dict() if isinstance(parameters, orm.Dict) else (parameters or {})
    calculator = content.get('calculator')
    return calculator.get('name') if isinstance(calculator, Mapping) else None


def _calculator_checked(node: orm.WorkChainNode) -> str | None:
    inputs = node.base.links.get_incoming(link_label_filter='reference__parameters').all_nodes()
    return calculator_of({'parameters': inputs[0]}) if inputs else None


def _alike(checks: list[Check], code: orm.AbstractCode) -> list[Check]:
    """Return the checks of codes that hold the same kind of program on the same computer."""
    if code.computer is None or not code.default_calc_job_plugin:
        return []
    query = orm.QueryBuilder().append(orm.Computer, filters={'uuid': code.computer.uuid}, tag='computer')
    query.append(
        orm.AbstractCode, with_computer='computer', project='uuid',
        filters={'attributes.input_plugin': code.default_calc_job_plugin},
    )  # fmt: skip
    uuids = set(query.all(flat=True))
    return [check for check in checks if check.report.code_uuid in uuids]


def _gather(checks: list[Check], *, is_same_code: bool) -> Measured | None:
    speeds = [(check.node, _speed(record)) for check in checks for record in check.report.speeds]
    known = [(node, speed) for node, speed in speeds if speed is not None]
    if not known:
        return None
    newest = known[-1][0]
    return Measured(tuple(speed for _, speed in known), newest.pk or 0, newest.ctime, is_same_code)


def _speed(record: SpeedRecord) -> Speed | None:
    """Return a speed in atom-steps per second, a single point counting as a step; None if there is none."""
    if record.atom_steps_per_second is not None:
        rate = record.atom_steps_per_second
    elif record.seconds_per_frame:
        rate = record.n_atoms / record.seconds_per_frame
    else:
        return None
    return Speed(rate, record.n_ranks, record.level, record.with_grade)

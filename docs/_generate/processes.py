"""Ports, outlines, handlers and exit codes of all processes, from their specifications."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from aiida import orm
from aiida.engine import BaseRestartWorkChain, CalcJob, Process, WorkChain
from aiida.plugins import CalculationFactory, WorkflowFactory
from aiida.plugins.entry_point import get_entry_point_names

from _generate.markdown import code, first_sentence, join, prose, table
from aiida_seimlip.calculations.mlip3_base import Mlip3Calculation
from aiida_seimlip.engines.contract import PROPERTY_SOCKETS, SOCKETS, SocketWorkChain, engine_names, load_engine
from aiida_seimlip.options.base import Options

CAMPAIGN = 'seimlip.active_learning'
CHECK = 'seimlip.check'
PROPERTIES = (
    'seimlip.diffusivity', 'seimlip.conductivity', 'seimlip.neb', 'seimlip.neb.compare', 'seimlip.atlas',
    'seimlip.relax', 'seimlip.eos', 'seimlip.elastic', 'seimlip.phonon', 'seimlip.defect', 'seimlip.surface',
    'seimlip.interface', 'seimlip.evaluate', 'seimlip.size_transfer', 'seimlip.compare', 'seimlip.cross_examine',
    'seimlip.calibrate', 'seimlip.train', 'seimlip.starts', 'seimlip.field', 'seimlip.sei', 'seimlip.distil',
)  # fmt: skip
MODELS = {
    'CampaignHistory': 'history.md', 'CheckReport': 'check_report.md', 'ExplorationConditions': 'options.md',
    'BarrierRecord': 'barriers.md', 'StartsTable': 'starts.md', 'SeiResults': 'sei.md',
    'DistillationResults': 'distillation.md',
    'LatticeComparison': 'crystals.md', 'EquationOfStateComparison': 'crystals.md',
    'ElasticComparison': 'crystals.md', 'PhononComparison': 'crystals.md',
    'DefectComparison': 'crystals.md', 'SurfaceComparison': 'interfaces.md', 'CalibrationResults': 'calibration.md',
    'DetailedErrorsRecord': 'history.md', 'EvaluationComparison': 'comparisons.md',
    'CompareResults': 'side_by_side.md', 'CrossExaminationResults': 'side_by_side.md',
    'SizeTransferComparison': 'comparisons.md', 'SamplePlan': 'comparisons.md',
    'InterfaceComparison': 'interfaces.md', 'InterfacePlan': 'interfaces.md',
    'InterfaceDynamicsComparison': 'interfaces.md', 'FieldResults': 'field.md', 'LammpsOptions': 'options.md',
}  # fmt: skip
OTHER_TRAININGS = ('also_train', 'tuning')
"""Inputs with the settings of engines of the socket `training` that are not called by its name."""
LINKED = {'FramesData': 'data.md#framesdata', 'PotentialData': 'data.md#potentialdata'}


def describe_calculations() -> str:
    """Return a section for every CalcJob; what those that run `mlp` share comes first."""
    jobs = [process for process in calculations().values() if issubclass(process, Mlip3Calculation)]
    shared = set.intersection(*(set(job.spec().exit_codes) for job in jobs))
    parts = [
        '## What the jobs of `mlp` share', prose(Mlip3Calculation),
        _exit_codes(jobs[0], shared - set(CalcJob.spec().exit_codes)),
    ]  # fmt: skip
    for name, process in calculations().items():
        parts += _describe(name, process, CalcJob, known_codes=shared if process in jobs else ())
    return join(parts)


def describe_campaign() -> str:
    """Return the section on the WorkChain that grows a potential."""
    process = WorkflowFactory(CAMPAIGN)
    return join([*_describe(CAMPAIGN, process, WorkChain), 'Outline:', _outline(process)])


def describe_check() -> str:
    """Return the section on the WorkChain that checks programs."""
    process = WorkflowFactory(CHECK)
    return join([*_describe(CHECK, process, WorkChain), 'Outline:', _outline(process)])


def describe_properties() -> str:
    """Return the sections on the WorkChains that use a potential."""
    parts = []
    for name in PROPERTIES:
        process = WorkflowFactory(name)
        parts += [*_describe(name, process, WorkChain), 'Outline:', _outline(process)]
    return join(parts)


def describe_engines() -> str:
    """Return a section for every socket: its contract, and what each engine adds to it."""
    parts = []
    for socket in (*SOCKETS, *PROPERTY_SOCKETS):
        engines = {name: load_engine(socket, name) for name in engine_names(socket)}
        if not engines:
            continue
        contract = next(iter(engines.values())).contract()
        parts += [f'## The socket `{socket}`', link_models(prose(contract)), *_tables(contract, base=SocketWorkChain)]
        for name, engine in engines.items():
            parts += [
                f'### `seimlip.{socket}.{name}`',
                f'`{engine.__name__}`: {prose(engine)}',
                *_tables(engine, base=contract, other=BaseRestartWorkChain),
                _handlers(engine),
            ]
    for name, process in all_processes().items():
        if issubclass(process, BaseRestartWorkChain) and not issubclass(process, SocketWorkChain):
            parts += [*_describe(name, process, process.__bases__[-1]), _handlers(process)]
    return join([*_describe_shared(), *parts])


# -- finding ----------------------------------------------------------------------------------------------------------


@cache
def calculations() -> dict[str, type[CalcJob]]:
    """Return the CalcJobs of this package by entry point."""
    names = [name for name in get_entry_point_names('aiida.calculations') if name.startswith('seimlip.')]
    return {name: CalculationFactory(name) for name in names}


@cache
def all_processes() -> dict[str, type[Process]]:
    """Return all processes of this package by entry point."""
    names = [name for name in get_entry_point_names('aiida.workflows') if name.startswith('seimlip.')]
    return {**{name: WorkflowFactory(name) for name in names}, **calculations()}


def ports(namespace: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Yield all ports in a namespace; a dynamic namespace counts as a port, too."""
    for name, port in namespace.items():
        if isinstance(port, Mapping):
            if port.dynamic:
                yield f'{prefix}{name}', port
            yield from ports(port, f'{prefix}{name}.')
        else:
            yield f'{prefix}{name}', port


def options_model(port: Any) -> type[Options] | None:
    """Return the model that the content of a `Dict` port is checked against, if there is anything to be said in it."""
    owner = getattr(getattr(port, 'serializer', None), '__self__', None)
    return owner if isinstance(owner, type) and issubclass(owner, Options) and owner.model_fields else None


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r'[^\w\- ]', '', heading).strip().lower().replace(' ', '-')


# -- writing ----------------------------------------------------------------------------------------------------------


def _describe(name: str, process: type[Process], base: type[Process], known_codes: Collection[str] = ()) -> list[str]:
    tables = _tables(process, base=base, known_codes=known_codes)
    return [f'## `{name}`', f'`{process.__name__}`: {prose(process)}', *tables]


def _describe_shared() -> list[str]:
    return [
        '## What all sockets share', prose(SocketWorkChain), *_tables(SocketWorkChain, base=WorkChain),
        'Engines that run one job at a time also take:', *_tables(BaseRestartWorkChain, base=WorkChain),
    ]  # fmt: skip


def _tables(
    process: type[Process], *, base: type[Process], other: type[Process] | None = None,
    known_codes: Collection[str] = (),
) -> list[str]:  # fmt: skip
    """Return tables of inputs, outputs and exit codes, without those that a base class has in the same form."""
    specs = [one.spec() for one in (base, other) if one is not None]
    known_inputs = {name: port for spec in specs for name, port in ports(spec.inputs)}
    known_outputs = {name for spec in specs for name, _ in ports(spec.outputs)}
    hidden = {*known_codes, *(label for spec in specs for label in spec.exit_codes)}
    inputs = [
        (name, port) for name, port in ports(process.spec().inputs)
        if not name.startswith('metadata.') and not _is_same(port, known_inputs.get(name)) and not _is_setting(name)
    ]  # fmt: skip
    outputs = [(name, port) for name, port in ports(process.spec().outputs) if name not in known_outputs]
    return [
        table(('input', 'type', 'default', 'meaning'), [_input(*entry) for entry in inputs]),
        table(('output', 'type', 'meaning'), [_output(*entry) for entry in outputs]),
        _exit_codes(process, set(process.spec().exit_codes) - hidden),
    ]


def _exit_codes(process: type[Process], labels: Collection[str]) -> str:
    found = sorted((process.spec().exit_codes[label].status, label) for label in labels)
    rows = [(str(status), code(label), process.spec().exit_codes[label].message) for status, label in found]
    return table(('status', 'label', 'message'), rows)


def _is_same(port: Any, other: Any) -> bool:
    return other is not None and port.help == other.help and options_model(port) is options_model(other)


def _is_setting(name: str) -> bool:
    """Tell whether a port of a campaign is one that all sockets share."""
    socket, _, port = name.partition('.')
    return socket in SOCKETS and port in SocketWorkChain.settings


def _input(name: str, port: Any) -> tuple[str, ...]:
    last = name.rpartition('.')[2]
    socket = 'training' if last in OTHER_TRAININGS else last
    see = f' See [there](#the-socket-{socket}).' if isinstance(port, Mapping) and 'code' in port else ''
    return _port_name(name, port), _type(port), _default(port), _help(port) + see


def _output(name: str, port: Any) -> tuple[str, ...]:
    return _port_name(name, port), _type(port), _help(port) + ('' if port.required else ' *Not always there.*')


def _port_name(name: str, port: Any) -> str:
    return code(f'{name}.*' if isinstance(port, Mapping) else name)


def _help(port: Any) -> str:
    return link_models(re.sub(r'``([^`]+)``', r'`\1`', port.help or ''))


def link_models(text: str) -> str:
    """Turn names of models into links to the pages that describe them."""
    for name, page in MODELS.items():
        text = text.replace(code(name), f'[`{name}`]({page}#{slug(name)})')
    return text


def _type(port: Any) -> str:
    kinds = port.valid_type if isinstance(port.valid_type, tuple) else (port.valid_type,)
    names = [_class(kind) for kind in kinds if kind not in (None, type(None))]
    model = options_model(port)
    of = f' of [`{model.__name__}`](options.md#{slug(model.__name__)})' if model else ''
    return ' or '.join(names) + of


def _class(kind: type) -> str:
    name = code(kind.__name__)
    return f'[{name}]({LINKED[kind.__name__]})' if kind.__name__ in LINKED else name


def _default(port: Any) -> str:
    if isinstance(port, Mapping):
        return '**required**' if port.required and not port.has_default() else ''
    if options_model(port) and port.has_default():
        return 'all defaults'
    if port.has_default():
        value = port.default() if callable(port.default) else port.default
        return code(repr(value.value if isinstance(value, orm.BaseType) else value))
    return '**required**' if port.required else ''


def _handlers(process: type[Process]) -> str:
    """Return a table of what a restarting WorkChain does about which end of a job."""
    if not issubclass(process, BaseRestartWorkChain):
        return ''
    handlers = sorted(process.get_process_handlers(), key=lambda handler: -handler.priority)
    rows = [(code(handler.__name__), first_sentence(handler)) for handler in handlers]
    return table(('handler', 'what it does'), rows)


def _outline(process: type[Process]) -> str:
    """Return the outline of a WorkChain as a nested list."""
    return '\n'.join(_steps(process.spec().get_description()['outline'], 0))


def _steps(steps: Any, depth: int) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Mapping):
            for condition, inner in step.items():
                keyword, _, predicate = condition.partition('(')
                yield f'{"  " * depth}- {keyword} `{predicate.removesuffix(")")}`:'
                yield from _steps(inner, depth + 1)
        else:
            name, _, meaning = step.partition('(')
            yield f'{"  " * depth}- `{name}`: {meaning.removesuffix(")")}'

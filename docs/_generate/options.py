"""Tables of all options models, of the protocols and of the known calculators."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import pydantic
from pydantic.fields import FieldInfo

from _generate import processes
from _generate.markdown import code, first_sentence, join, prose, table
from aiida_seimlip.options import (
    ase,
    ase_exploration,
    condense,
    dynamics,
    expected,
    lammps,
    mace,
    mlip3,
    quantumespresso,
    records,
    selection,
    vasp,
    vasp_band,
)
from aiida_seimlip.options.barrier import neb
from aiida_seimlip.options.barrier import results as neb_results
from aiida_seimlip.options.campaign import active_learning, distillation, distillation_results, history
from aiida_seimlip.options.check import check
from aiida_seimlip.options.check import report as check_report
from aiida_seimlip.options.comparison import compare
from aiida_seimlip.options.comparison import results as compare_results
from aiida_seimlip.options.crystal import defect, elastic, equation_of_state, phonon, relaxation
from aiida_seimlip.options.crystal import results as crystal_results
from aiida_seimlip.options.exploration import ExplorationConditions
from aiida_seimlip.options.interface import (
    field,
    field_results,
    interface,
    interface_dynamics,
    interface_results,
    surface,
)
from aiida_seimlip.options.interface import results as surface_results
from aiida_seimlip.options.models import (
    calibration,
    calibration_results,
    comparison_results,
    cross_examination,
    cross_examination_results,
    evaluate,
    sampling,
    size_transfer,
    train,
)
from aiida_seimlip.options.sei import results as sei_results
from aiida_seimlip.options.sei import sei
from aiida_seimlip.options.starts import recipe, starts
from aiida_seimlip.options.starts import table as starts_table
from aiida_seimlip.options.structure import defects, ordering, slab
from aiida_seimlip.options.transport import conductivity, diffusivity
from aiida_seimlip.options.transport import results as transport_results
from aiida_seimlip.workflows.protocols import ProtocolMixin

Model = type[pydantic.BaseModel]

SECTIONS = {
    'A campaign': active_learning, 'Distillation of a teacher': distillation, 'LAMMPS': lammps, 'MLIP-3': mlip3,
    'MACE': mace, 'Exploration with a committee': ase_exploration, 'Selection for a committee': selection,
    'VASP': vasp,
    'Quantum ESPRESSO': quantumespresso,
    'Diffusion': diffusivity, 'Conductivity': conductivity, 'Ions in a field': field,
    'Migration barriers': neb, 'Bands with VASP': vasp_band,
    'Production dynamics': dynamics, 'Condensation': condense, 'ASE calculators': ase, 'Defects and hops': defects,
    'Recipes of starts': recipe, 'Starts': starts, 'One potential for the interphase': sei,
    'Lattices of crystals': relaxation, 'Equations of state': equation_of_state, 'Elasticity': elastic,
    'Phonons': phonon, 'Formation energies of defects': defect, 'Surface energies': surface,
    'Interfaces': interface, 'Dynamics of interfaces': interface_dynamics, 'Calibration of potentials': calibration,
    'Training of a potential': train,
    'Dynamics of test sets': sampling, 'Errors on a test set': evaluate,
    'Errors by the size of the cell': size_transfer, 'Models side by side': compare,
    'Two models examined by each other': cross_examination,
    'Ordering of crystals': ordering, 'Slabs': slab, 'Checks of programs': check,
}  # fmt: skip
"""Where the models are defined that ports take, in the order of the page; nested models follow the one that they
belong to."""

PAGES = {
    history.__name__: 'history.md', records.__name__: 'history.md',
    check_report.__name__: 'check_report.md', neb_results.__name__: 'barriers.md',
    transport_results.__name__: 'transport.md', starts_table.__name__: 'starts.md', sei_results.__name__: 'sei.md',
    crystal_results.__name__: 'crystals.md', surface_results.__name__: 'interfaces.md',
    interface_results.__name__: 'interfaces.md', calibration_results.__name__: 'calibration.md',
    distillation_results.__name__: 'distillation.md', compare_results.__name__: 'side_by_side.md',
    comparison_results.__name__: 'comparisons.md', cross_examination_results.__name__: 'side_by_side.md',
    expected.__name__: 'calibration.md',
    field_results.__name__: 'field.md',
}  # fmt: skip
"""Pages of the models that ports do not take."""

WORDS = {bool: 'boolean', int: 'integer', float: 'number', str: 'string', type(None): '`None`', dict: 'mapping'}
SYMBOLS = {'ge': '≥', 'gt': '>', 'le': '≤', 'lt': '<', 'multiple_of': 'multiple of'}


OF_FUNCTIONS: set[Model] = {
    defects.SupercellOptions, defects.VacancyOptions, defects.InterstitialOptions, defects.FrenkelPairOptions,
    defects.HopOptions, ordering.OrderingOptions, slab.SlabOptions, dynamics.DynamicsOptions, condense.CondenseOptions,
}  # fmt: skip
"""Models of `Dict` nodes that calcfunctions take, or that others build on: they have no ports to find them by."""


def describe_options() -> str:
    """Return the tables of all models that ports take."""
    roots = {
        model for process in processes.all_processes().values()
        for _, port in processes.ports(process.spec().inputs) if (model := processes.options_model(port))
    } | OF_FUNCTIONS  # fmt: skip
    shown: set[Model] = set()
    parts = []
    for title, module in SECTIONS.items():
        parts.append(f'## {title}')
        found = [value for value in vars(module).values() if isinstance(value, type) and value in roots]
        for root in sorted(found, key=lambda model: -len(list(_with_nested(model)))):
            for model in _with_nested(root):
                if model not in shown:
                    shown.add(model)
                    parts += _describe_model(model, '###')
    missing = roots - shown
    if missing:
        raise RuntimeError(f'Name the modules of {missing} in `SECTIONS`.')
    return join(parts)


def describe_history() -> str:
    """Return the tables of the models that the output `history` of a campaign is made of."""
    return join(part for model in _with_nested(history.CampaignHistory) for part in _describe_model(model, '##'))


def describe_check_report() -> str:
    """Return the tables of the models that the output `report` of a check is made of."""
    return join(part for model in _with_nested(check_report.CheckReport) for part in _describe_model(model, '##'))


def describe_transport() -> str:
    """Return the tables of the models of diffusivities and conductivities, and of the check before them."""
    roots = (
        transport_results.DiffusivityResults, transport_results.ConductivityResults, transport_results.ParityRecord,
    )  # fmt: skip
    models = dict.fromkeys(model for root in roots for model in _with_nested(root))
    return join(part for model in models for part in _describe_model(model, '##'))


def describe_barriers() -> str:
    """Return the tables of the models of barriers, and of what they are compared with."""
    roots = (neb_results.BarrierRecord, neb_results.ComparisonRecord, neb_results.BarrierTable)
    models = dict.fromkeys(model for root in roots for model in _with_nested(root))
    return join(part for model in models for part in _describe_model(model, '##'))


def describe_sei() -> str:
    """Return the tables of the models that the output `results` of `SeiWorkChain` is made of."""
    return join(part for model in _with_nested(sei_results.SeiResults) for part in _describe_model(model, '##'))


def describe_crystals() -> str:
    """Return the tables of the models that the outputs `properties` of crystals are made of."""
    roots = (
        crystal_results.LatticeComparison, crystal_results.EquationOfStateComparison,
        crystal_results.ElasticComparison, crystal_results.PhononComparison, crystal_results.DefectComparison,
    )  # fmt: skip
    models = dict.fromkeys(model for root in roots for model in _with_nested(root))
    return join(part for model in models for part in _describe_model(model, '##'))


def describe_distillation() -> str:
    """Return the tables of the models that the output `results` of a distillation is made of."""
    models = _with_nested(distillation_results.DistillationResults)
    return join(part for model in models for part in _describe_model(model, '##'))


def describe_calibration() -> str:
    """Return the tables of the models that the output `properties` of a calibration is made of."""
    models = [*_with_nested(calibration_results.CalibrationResults), expected.ExpectedForceError]
    return join(part for model in models for part in _describe_model(model, '##'))


def describe_interfaces() -> str:
    """Return the tables of the models that the outputs `properties` of surfaces and interfaces are made of."""
    roots = (
        surface_results.SurfaceComparison, interface_results.InterfaceComparison, interface_results.InterfacePlan,
        interface_results.InterfaceDynamicsComparison,
    )  # fmt: skip
    models = dict.fromkeys(model for root in roots for model in _with_nested(root))
    return join(part for model in models for part in _describe_model(model, '##'))


def describe_comparisons() -> str:
    """Return the tables of the models that the outputs of comparisons of models are made of."""
    roots = (
        comparison_results.EvaluationComparison, comparison_results.SizeTransferComparison,
        comparison_results.SamplePlan,
    )  # fmt: skip
    models = dict.fromkeys(model for root in roots for model in _with_nested(root))
    return join(part for model in models for part in _describe_model(model, '##'))


def describe_side_by_side() -> str:
    """Return the tables of the models that models side by side, and two examined by each other, give."""
    pages = {compare_results.__name__, cross_examination_results.__name__}
    roots = (compare_results.CompareResults, cross_examination_results.CrossExaminationResults)
    models = dict.fromkeys(model for root in roots for model in _with_nested(root) if model.__module__ in pages)
    return join(part for model in models for part in _describe_model(model, '##'))


def describe_field() -> str:
    """Return the tables of the models that the output `field` of `FieldWorkChain` is made of."""
    return join(part for model in _with_nested(field_results.FieldResults) for part in _describe_model(model, '##'))


def describe_starts() -> str:
    """Return the tables of the models that the output `table` of starts is made of."""
    return join(part for model in _with_nested(starts_table.StartsTable) for part in _describe_model(model, '##'))


def describe_calculators() -> str:
    """Return the table of the calculators that can be named."""
    rows = [
        (code(name), code(known.target), known.package, _keywords(known.defaults), _axes(known.periodic_axes))
        for name, known in sorted(ase.CALCULATORS.items())
    ]
    return table(
        ('name', 'imported as', 'package', 'keyword arguments unless given', 'periodic directions'), rows
    ) + '\n'  # fmt: skip


def describe_calculator_runs() -> str:
    """Return the table of what the known calculators need, and what was run with them."""
    rows = [
        (
            code(name), known.install or 'part of ASE', known.licence, known.was_run or 'nothing', known.caveat,
        )
        for name, known in sorted(ase.CALCULATORS.items())
    ]  # fmt: skip
    return table(('name', 'install', 'licence', 'run, with deviations', 'know'), rows) + '\n'


def _axes(numbers: Sequence[int]) -> str:
    return 'any' if len(numbers) == 4 else ' or '.join(map(str, numbers))


def describe_protocols() -> str:
    """Return for each workflow what its protocols are for, and all values side by side."""
    parts = []
    for name, process in processes.all_processes().items():
        if issubclass(process, ProtocolMixin):
            parts += [f'### For `{name}`', *_describe_protocols_of(process)]
    return join(parts)


def _describe_protocols_of(process: type[ProtocolMixin]) -> Iterator[str]:
    available = process.get_available_protocols()
    default = process.get_default_protocol()
    what_for = [(f'{code(name)}{" (default)" if name == default else ""}', text) for name, text in available.items()]
    yield table(('protocol', 'what for'), what_for)
    values = {name: dict(_flatten(process.get_protocol_inputs(name))) for name in available}
    rows = [(code(key), *(values[name].get(key, '') for name in available)) for key in _in_order(values.values())]
    yield table(('input', *map(code, available)), rows)


# -- models -----------------------------------------------------------------------------------------------------------


def _with_nested(model: Model) -> Iterator[Model]:
    """Yield a model and those that its fields are made of."""
    seen: list[Model] = []

    def visit(one: Model) -> None:
        if one not in seen:
            seen.append(one)
            for field in one.model_fields.values():
                for other in _models_in(field.annotation):
                    visit(other)

    visit(model)
    yield from seen


def _models_in(annotation: Any) -> Iterator[Model]:
    if inspect.isclass(annotation) and issubclass(annotation, pydantic.BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _describe_model(model: Model, heading: str) -> list[str]:
    ports = [f'port `{port}` of [`{name}`](processes.md#{processes.slug(name)})' for name, port in _users(model)]
    rows = [(code(name), _type(field), _default(field), _meaning(field)) for name, field in model.model_fields.items()]
    return [
        f'{heading} `{model.__name__}`',
        prose(model),
        f'Taken by: {"; ".join(ports)}.' if ports else '',
        table(('key', 'type', 'default', 'meaning'), rows),
    ]


def _users(model: Model) -> Iterator[tuple[str, str]]:
    """Yield the processes, and the ports of them, that take a model."""
    for name, process in processes.all_processes().items():
        for path, port in processes.ports(process.spec().inputs):
            if processes.options_model(port) is model:
                yield name, path


def _meaning(field: FieldInfo) -> str:
    if field.description:
        return ' '.join(field.description.split())
    return ' '.join(first_sentence(model) for model in _models_in(field.annotation))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return '**required**'
    if field.default_factory is not None and list(_models_in(field.annotation)):
        return 'its defaults'
    return code(repr(field.get_default(call_default_factory=True)))


def _type(field: FieldInfo) -> str:
    limits = ', '.join(
        f'{symbol} {getattr(constraint, name):.10g}'
        for constraint in field.metadata
        for name, symbol in SYMBOLS.items()
        if getattr(constraint, name, None) is not None
    )
    name = _name(field.annotation)
    if not limits:
        return name
    kind, *none = name.split(' or `None`')
    return f'{kind}, {limits}{", or `None`" if none else ""}'


def _name(annotation: Any) -> str:
    """Return a type in words."""
    if annotation is pydantic.JsonValue:
        return 'any plain value'
    if get_args(annotation):
        return _generic_name(get_origin(annotation), get_args(annotation))
    if inspect.isclass(annotation) and issubclass(annotation, pydantic.BaseModel):
        page = PAGES.get(annotation.__module__, 'options.md')
        return f'[`{annotation.__name__}`]({page}#{processes.slug(annotation.__name__)})'
    return WORDS.get(annotation, code(getattr(annotation, '__name__', annotation)))


def _generic_name(origin: Any, arguments: tuple[Any, ...]) -> str:
    if origin is Literal:
        return ', '.join(code(repr(argument)) for argument in arguments)
    names = [_name(argument) for argument in arguments]
    if origin in (Union, types.UnionType):
        return ' or '.join(names)
    if origin is list:
        return f'list of {names[0]}s' if names[0] in WORDS.values() else f'list of {names[0]}'
    return f'mapping of {names[0]} to {names[1]}' if origin is dict else names[0]


# -- protocols --------------------------------------------------------------------------------------------------------


def _flatten(content: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        path = f'{prefix}{key}'
        if isinstance(value, Mapping):
            yield from _flatten(value, f'{path}.')
        elif key == 'conditions':
            yield path, _describe_conditions(value)
        else:
            yield path, code(repr(value))


def _describe_conditions(conditions: Sequence[Mapping[str, Any]]) -> str:
    models = [ExplorationConditions.model_validate(condition) for condition in conditions]
    lengths = {f'{model.n_steps * model.timestep / 1000.0:g} ps in steps of {model.timestep:g} fs' for model in models}
    return f'{", ".join(code(model.label) for model in models)}; {" or ".join(sorted(lengths))}'


def _in_order(lists: Iterable[Iterable[str]]) -> list[str]:
    """Merge lists of keys: each key that is new comes behind its neighbour."""
    merged: list[str] = []
    for keys in lists:
        place = 0
        for key in keys:
            if key not in merged:
                merged.insert(place, key)
            place = merged.index(key) + 1
    return merged


def _keywords(keywords: Mapping[str, Any]) -> str:
    return ', '.join(code(f'{key}={value!r}') for key, value in keywords.items())

"""What can be told of any process: its state, its settings, the versions of its programs, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData

SUBSCRIPTS = str.maketrans('0123456789', '₀₁₂₃₄₅₆₇₈₉')


def describe_paused(processes: Iterable[orm.ProcessNode]) -> Iterator[str]:
    """Say which processes wait for a user, and how to let them go on.

    A job is paused where the computer could not be reached for as long as AiiDA tries; nothing of it is lost.

    :param processes: of a campaign.
    """
    for process in processes:
        if process.paused and not process.is_terminated:
            status = (process.process_status or 'no reason is given').rstrip('. ')
            yield (
                f'{process.process_label} {process.pk} is paused: {status}. '
                f'It goes on with `verdi process play {process.pk}`.'
            )


@dataclass
class ProcessFacts:
    """One process and what was found in its nodes.

    :param node: in any state.
    :param notes: sentences on what could not be told, and why.
    """

    node: orm.WorkChainNode
    notes: list[str] = field(default_factory=list)

    noun = 'inputs'
    """Headline of the settings that are single values."""

    @cached_property
    def called(self) -> list[orm.ProcessNode]:
        """All processes below the process, in order of creation."""
        return sorted(self.node.called_descendants, key=lambda process: (process.ctime, process.pk))

    @cached_property
    def jobs(self) -> list[orm.CalcJobNode]:
        """All jobs of the process, in order of creation."""
        return [process for process in self.called if isinstance(process, orm.CalcJobNode)]

    @cached_property
    def outputs(self) -> dict[str, orm.Node]:
        """The outputs of the process by link label, in which a double underscore separates namespaces."""
        links = self.node.base.links.get_outgoing(link_type=LinkType.RETURN).all()
        return {link.link_label: link.node for link in links}

    @cached_property
    def ended(self) -> dt.datetime:
        """The last sign of life: of the processes called, of their outputs, and of the log."""
        times = [self.node.ctime, *(process.ctime for process in self.called)]
        times += [node.ctime for node in self.outputs.values()]
        times += [entry.time for entry in orm.Log.collection.get_logs_for(self.node)]
        for job in self.jobs:
            times += [link.node.ctime for link in job.base.links.get_outgoing(link_type=LinkType.CREATE).all()]
        return max(times)

    @cached_property
    def potential(self) -> PotentialData | None:
        """The potential that the process was given, None if it was given none or several."""
        nodes = {node.uuid: node for node in self.inputs_of(self.node).values() if isinstance(node, PotentialData)}
        return next(iter(nodes.values())) if len(nodes) == 1 else None

    @property
    def wall_seconds(self) -> float:
        """From its creation to its last sign of life, in seconds."""
        return float((self.ended - self.node.ctime).total_seconds())

    def settings(self) -> dict[str, dict[str, str]]:
        """Return the inputs, by port."""
        sections: dict[str, dict[str, str]] = {}
        loose: dict[str, str] = {}
        for label, node in self.inputs_of(self.node).items():
            name = label.replace('__', ' ')
            if isinstance(node, orm.Dict):
                sections[name.replace(' parameters', '')] = {
                    key.replace('_', ' '): show(value) for key, value in flatten(node.get_dict()).items()
                }
            elif isinstance(node, orm.AbstractCode):
                loose[name] = node.full_label
            elif isinstance(node, PotentialData):
                loose[name] = f'{node.family}, level {node.level}, cut-off {node.cutoff:g} Å'
            elif isinstance(node, FramesData):
                loose[name] = f'{node.n_frames} × {", ".join(reduced_formula(formula) for formula in node.formulas)}'
            elif isinstance(node, orm.List):
                loose[name] = show(node.get_list())
            elif hasattr(node, 'value'):
                loose[name] = show(node.value)
        result = {self.noun: loose} if loose else {}
        if self.potential is not None:
            result['potential'] = describe_potential(self.potential)
        return {**result, **{name: values for name, values in sections.items() if values}}

    def inputs_of(self, process: orm.ProcessNode) -> dict[str, orm.Node]:
        """Return the inputs of a process by link label, in which a double underscore separates namespaces."""
        links = process.base.links.get_incoming(link_type=(LinkType.INPUT_WORK, LinkType.INPUT_CALC)).all()
        return {link.link_label: link.node for link in sorted(links, key=lambda link: link.link_label)}

    def versions(self) -> dict[str, str]:
        """Return the versions that the processes recorded."""
        versions: dict[str, str] = {}
        recorded = self.node.base.attributes.get('version', {})
        for key, name in (('plugin', 'aiida-seimlip'), ('core', 'aiida-core')):
            if recorded.get(key):
                versions[name] = str(recorded[key])
        for job in self.jobs:
            results = job.outputs.results.get_dict() if 'results' in job.outputs else {}
            found = results.get('versions')
            for name, version in found.items() if isinstance(found, Mapping) else ():
                if version:
                    versions.setdefault(str(name), str(version))
            if (job.process_type or '').endswith(':seimlip.lammps') and results.get('version'):
                versions.setdefault('LAMMPS', str(results['version']))
        return versions


def describe_potential(potential: PotentialData) -> dict[str, str]:
    """Return what identifies a potential, by name.

    :param potential: of any family.
    """
    values = {
        'family': potential.family, 'level': potential.level, 'parameters': potential.n_parameters,
        'cut-off': f'{potential.cutoff:g} Å', 'species': ' '.join(potential.species),
        'selection': potential.selection_mode,
    }  # fmt: skip
    return {key: str(value) for key, value in values.items() if value is not None}


def flatten(values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Return nested dictionaries as one, with keys joined by dots; empty and unset values are left out."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f'{prefix}{key}.')
        elif value is not None and value != []:
            flat[f'{prefix}{key}'] = value
    return flat


def show(value: Any) -> str:
    """Write a value of an input in words."""
    if isinstance(value, list | tuple):
        return ('; ' if any(isinstance(item, Mapping) for item in value) else ', ').join(show(item) for item in value)
    if isinstance(value, Mapping):
        return ' '.join(f'{key}={show(item)}' for key, item in value.items() if item is not None)
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return f'{value:g}' if isinstance(value, float) else str(value)


def reduced_formula(formula: str) -> str:
    """Write a formula in its smallest units, with the most electropositive element first and indices as subscripts.

    :param formula: such as ``C8Li16O24``.
    """
    from ase.formula import Formula

    counts = Formula(formula).reduce()[0].count()
    order = sorted(counts, key=lambda symbol: (_electronegativity(symbol), symbol))
    indices = {symbol: str(count).translate(SUBSCRIPTS) if count > 1 else '' for symbol, count in counts.items()}
    return ''.join(symbol + indices[symbol] for symbol in order)


def _electronegativity(symbol: str) -> float:
    """Return Pauling's electronegativity of the elements of batteries, 2 for others."""
    known = {
        'Li': 0.98, 'Na': 0.93, 'K': 0.82, 'Mg': 1.31, 'Ca': 1.0, 'Al': 1.61, 'Si': 1.90, 'B': 2.04, 'P': 2.19,
        'H': 2.20, 'C': 2.55, 'S': 2.58, 'N': 3.04, 'Cl': 3.16, 'O': 3.44, 'F': 3.98,
    }  # fmt: skip
    return known.get(symbol, 2.0)


def profile_name() -> str:
    """Return the name of the loaded profile, empty if there is none."""
    from aiida.manage import get_manager

    profile = get_manager().get_profile()
    return profile.name if profile else ''

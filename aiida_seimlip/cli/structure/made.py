"""Running the calcfunctions behind ``aiida-seimlip structure``, and printing what they made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.utils import echo

from aiida_seimlip.cli.structure.options import check_options

if TYPE_CHECKING:
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData

    Structure = FramesData | orm.StructureData


@contextmanager
def refusals() -> Iterator[None]:
    """End a command with the sentence that says why a structure cannot be made.

    :raises click.UsageError: with this sentence.
    """
    try:
        yield
    except ValueError as exception:
        raise click.UsageError(' '.join(str(exception).split())) from exception


def refuse_unusable(structure: Structure) -> None:
    """Refuse a crystal whose sites are no atoms, before anything is stored.

    :raises click.UsageError: with the sentence that says so.
    """
    from aiida_seimlip.data.structure import faults_of_structure

    fault = next(faults_of_structure('structure', structure), None)
    if fault is not None:
        raise click.UsageError(fault)


def make(
    function: Callable[..., Any], model: Any, structure: Structure, parameters: Mapping[str, Any],
    describe: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
) -> None:  # fmt: skip
    """Run a calcfunction and print what it made.

    :param function: which returns a ``record`` besides structures.
    :param model: of its parameters.
    :param structure: the crystal.
    :param parameters: as given.
    :param describe: returns what is printed of the record; by default the supercell and what was changed in it.
    """
    from aiida import orm

    from aiida_seimlip.cli.tables import print_facts

    complete = check_options(model, parameters).to_dict()
    refuse_unusable(structure)
    with refusals():  # before the process, which would store what it refuses
        function.__wrapped__(structure, orm.Dict(complete))  # type: ignore[attr-defined]
    made = function(structure, orm.Dict(complete))
    record = made.pop('record')
    sizes = sorted({int(node.get_frames().sizes[0]) for node in made.values()})
    facts = {
        'atoms': ' or '.join(map(str, sizes)),
        **(describe or _facts)(record.get_dict()),
        'record': f'Dict {record.pk}',
    }
    print_facts(_title(record.get_dict()), facts)
    for name, node in made.items():
        echo.echo_success(f'{name}: FramesData {node.pk} ({", ".join(node.formulas)})')


def _title(record: Mapping[str, Any]) -> str:
    kind = record.get('kind') or f'{record["mechanism"]}, hop {record["number"]}'
    return str(kind).replace('_', ' ').capitalize()


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a record that a user wants to see at once."""
    cell = record['supercell']
    facts: dict[str, Any] = {'cells': cell['n_cells'], 'edges (Å)': numbers(cell['edges'])}
    for change in record.get('changes', ()):
        origin = '' if change['origin'] is None else f' from {numbers(change["origin"])}'
        sites = '' if change['multiplicity'] is None else f', one of {change["multiplicity"]} equivalent in the cell'
        facts[change['action']] = (
            f'{change["symbol"]} (index {change["index"]}){origin} at {numbers(change["position"])} Å{sites}'
        )
    for number, atom in enumerate(record.get('moved', ())):
        facts[f'moves ({number + 1})'] = (
            f'{atom["symbol"]} (index {atom["index"]}, {atom["role"]}) by {atom["length"]:.3f} Å'
        )
    if record.get('removed'):
        facts['missing'] = ', '.join(f'{atom["symbol"]} at {numbers(atom["position"])} Å' for atom in record['removed'])
    return facts


def numbers(values: Iterable[float]) -> str:
    """Write numbers with three decimals."""
    return ' '.join(f'{value:.3f}' for value in values)

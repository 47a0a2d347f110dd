"""``aiida-seimlip launch field``: ions in an electric field."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_seimlip.cli.file_params import POTENTIAL_OR_FILE
from aiida_seimlip.cli.launch.common import SEED, begin, common_options
from aiida_seimlip.cli.structure_param import IGNORE_CONSTRAINTS, SPECIES, StructureParam

if TYPE_CHECKING:
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.data.potential import PotentialData


class ChargeParam(click.ParamType):
    """The charge of the atoms with a label, or of an element: ``Li=1``."""

    name = 'label=charge'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Split label and charge."""
        if isinstance(value, tuple):
            return value
        label, _, number = str(value).rpartition('=')
        try:
            charge = float(number)
        except ValueError:
            charge = math.nan
        if not label or not math.isfinite(charge):
            self.fail(f'`{value}` is not a label or an element and its charge, such as `Li=1`.', param, ctx)
        return label, charge


@click.command('field')
@click.option('--structure', required=True, type=StructureParam(), help='The start of all runs.')
@SPECIES
@IGNORE_CONSTRAINTS
@click.option('--potential', required=True, type=POTENTIAL_OR_FILE, help='Potential, or its file.')
@click.option(
    '--charge', 'charges', multiple=True, type=ChargeParam(),
    help='Fixed charge in e of the atoms with a label, or of an element; once for each.',
)  # fmt: skip
@click.option('--qeq', is_flag=True, help='Find the charges by charge equilibration before the dynamics instead.')
@click.option(
    '--parameters-of-qeq', 'qeq_file', type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='File of its parameters (YAML or JSON), where those of the package (Li, C, O) do not do.',
)  # fmt: skip
@click.option(
    '--field', 'fields', multiple=True, nargs=3, type=float, metavar='EX EY EZ',
    help='Field at the ions in V/Å; may be repeated. By default those of the protocol.',
)  # fmt: skip
@SEED
@common_options
def launch_field(
    structure: FramesData | orm.StructureData, potential: PotentialData | Path, charges: tuple[tuple[str, float], ...],
    *, qeq: bool, qeq_file: Path | None, fields: tuple[tuple[float, float, float], ...], **request: Any,
) -> None:  # fmt: skip
    """Run dynamics in an electric field that acts on fixed charges, and find how ions drift.

    The field is that at the ions: nothing is screened. What tells lithium of a metal from that of a salt is in the
    overrides (`options.labels`), or in the kinds of the structure. The job is `dynamics`.
    """
    from aiida_seimlip.science.charges.parameters import QeqError, read_parameters
    from aiida_seimlip.workflows.protocols import merge

    if charges and (qeq or qeq_file):
        raise click.UsageError('Give either --charge, or --qeq, which finds the charges.')
    options: dict[str, Any] = {}
    if charges:
        options['charges'] = dict(charges)
    if fields:
        options['fields'] = [list(vector) for vector in fields]
    if qeq or qeq_file:
        options['qeq'] = {}
    if qeq_file:
        try:
            options['qeq'] = {'parameters': read_parameters(qeq_file).to_dict()}
        except QeqError as exception:
            raise click.UsageError(str(exception)) from exception
    if options:
        request['overrides'] = merge(request['overrides'] or {}, {'options': options})
    request['sockets'] = ('dynamics',)
    begin('seimlip.field', {'structure': structure, 'potential': potential}, request)

"""``aiida-seimlip check``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.params import types
from aiida.cmdline.utils import decorators, echo

from aiida_seimlip.cli.structure_param import IGNORE_CONSTRAINTS, SPECIES, StructureParam

if TYPE_CHECKING:
    from aiida import orm

CHECK = 'seimlip.check'


class MappingParam(click.ParamType):
    """A mapping, as JSON or YAML on the command line, or as the name of a file that holds it."""

    name = 'file|json'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Read the mapping."""
        import yaml

        if isinstance(value, dict):
            return value
        is_file = not value.lstrip().startswith('{')
        try:
            content = yaml.safe_load(Path(value).read_text(encoding='utf-8') if is_file else value)
        except OSError as exception:
            self.fail(f'The file {value} cannot be read: {exception.strerror}.', param, ctx)
        except UnicodeDecodeError:
            self.fail(f'The file {value} is no text.', param, ctx)
        except yaml.YAMLError as exception:
            self.fail(f'{value} is neither JSON nor YAML: {exception}', param, ctx)
        if not isinstance(content, dict):
            self.fail(f'{value} holds no mapping of names to values.', param, ctx)
        return content


@click.command('check')
@click.argument('codes', nargs=-1, metavar='CODE...', type=types.CodeParamType())
@click.option(
    '--engine', metavar='NAME',
    help='What drives the program: `lammps`, `mlip3`, or a reference engine such as `ase` or `vasp`; by default what '
    'the default plugin of the code tells.',
)  # fmt: skip
@click.option(
    '--options', 'check_options', type=MappingParam(), help='What is checked, and how closely: `CheckOptions`.'
)
@click.option(
    '--parameters',
    type=MappingParam(),
    help='Parameters of a reference engine, as in a campaign: of `ase` the calculator.',
)
@click.option(
    '--potential', type=types.DataParamType(sub_classes=('aiida.data:seimlip.potential',)),
    help='A MACE potential: its evaluation and speed by Python with MACE or by a LAMMPS are what is checked.',
)  # fmt: skip
@click.option(
    '--reference-code',
    type=types.CodeParamType(),
    help='Python with MACE, which a LAMMPS with `--potential` is compared with.',
)
@click.option('--structure', type=StructureParam(), help='Small cell for a reference program: a node or a file.')
@SPECIES
@IGNORE_CONSTRAINTS
@click.option('--num-machines', type=click.IntRange(1), default=1, show_default=True, help='Machines for each job.')
@click.option(
    '--num-mpiprocs-per-machine', type=click.IntRange(1), default=1, show_default=True, help='MPI ranks on each.'
)
@click.option('--with-mpi/--without-mpi', help='Whether the program is started by `mpirun`; by default it is not.')
@click.option('--max-wallclock-seconds', type=click.IntRange(1), default=1800, show_default=True, help='Of each job.')
@click.option('--queue-name', help='Queue or partition of the scheduler.')
@click.option('--account', help='Account of the scheduler.')
@click.option('--submit', is_flag=True, help='Leave the work to the daemon, and return at once.')
@click.option('--show', type=types.WorkflowParamType(), help='Print what an earlier check has found, and run nothing.')
@decorators.with_dbenv()
def cmd_check(
    *,
    codes: tuple[orm.AbstractCode, ...],
    engine: str | None,
    check_options: dict[str, Any] | None,
    parameters: dict[str, Any] | None,
    potential: orm.Data | None,
    reference_code: orm.AbstractCode | None,
    structure: orm.Data | None,
    submit: bool,
    show: orm.WorkChainNode | None,
    **job: Any,
) -> None:
    """Check whether programs do, where they run, what the workflows expect of them.

    CODE is a LAMMPS with a moment tensor potential, an `mlp`, a reference program, or a Python or LAMMPS with the MACE
    potential of `--potential`. The check runs small jobs,
    compares what comes out with our own evaluation of the same potential, or with differences of energies, and prints a
    page: what is green, what is red, and what to do about the red. The exit status is 1 if something is red.
    """
    from aiida_seimlip.cli.check.page import show_check

    if show is not None:
        if (show.process_type or '').split(':')[-1] != CHECK:
            echo.echo_critical(f'{show.process_label} {show.pk} is no CheckWorkChain.')
        sys.exit(0 if show_check(show) else 1)
    if not codes:
        raise click.UsageError(
            'Name a code to check, or an earlier check by `--show`; `verdi code list` lists the codes.'
        )
    given = {'engine': engine, 'parameters': check_options, 'structure': structure, 'potential': potential}
    inputs: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    inputs['options'] = scheduler_options(job)
    if parameters is not None:
        inputs['reference'] = {'parameters': parameters}
    if reference_code is not None:
        inputs['reference'] = {**inputs.get('reference', {}), 'code': reference_code}
    results = [_check(code, inputs, submit=submit) for code in codes]
    sys.exit(0 if all(results) else 1)


def scheduler_options(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the scheduler for each job.

    :param job: the options of the command line by name.
    """
    options = {
        'resources': {name: job[name] for name in ('num_machines', 'num_mpiprocs_per_machine')},
        'max_wallclock_seconds': job['max_wallclock_seconds'], 'withmpi': job['with_mpi'],
    }  # fmt: skip
    return {**options, **{name: job[name] for name in ('queue_name', 'account') if job[name] is not None}}


def _check(code: orm.AbstractCode, inputs: Mapping[str, Any], *, submit: bool) -> bool:
    """Check one program, and return whether all is green, or left to the daemon."""
    from aiida import orm

    from aiida_seimlip.cli.check.page import show_check
    from aiida_seimlip.cli.check.run import run_check, submit_check

    given = {**inputs, 'code': code, 'options': orm.Dict(inputs['options'])}
    if 'reference' in inputs:
        given['reference'] = {
            name: orm.Dict(content) if isinstance(content, dict) else content
            for name, content in inputs['reference'].items()
        }
    try:
        node = submit_check(given) if submit else run_check(given)
    except ValueError as exception:
        reason = ' '.join(str(exception).split()).removeprefix("Error occurred validating port 'inputs': ")
        raise click.UsageError(f'{code.full_label} cannot be checked: {reason}') from exception
    if submit:
        echo.echo_success(
            f'The daemon checks {code.full_label}; see `aiida-seimlip check --show {node.pk}` when it is done.'
        )
        return True
    return show_check(node)

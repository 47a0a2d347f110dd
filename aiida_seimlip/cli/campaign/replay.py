"""``aiida-seimlip replay``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.params import arguments, types
from aiida.cmdline.utils import decorators, echo

if TYPE_CHECKING:
    from aiida import orm

PROGRAMS = {'training': 'seimlip-mlp', 'exploration': 'seimlip-lmp'}
"""Embedded program of each socket that is run."""
DIFFERENT = 1


@click.command('replay')
@arguments.WORKFLOW('campaign', metavar='CAMPAIGN', type=types.WorkflowParamType())
@click.option(
    '--code', 'codes', multiple=True, metavar='SOCKET=CODE',
    help='Code for training, exploration or selection; by default the embedded programs.',
)  # fmt: skip
@decorators.with_dbenv()
def cmd_replay(campaign: orm.WorkChainNode, codes: tuple[str, ...]) -> None:
    """Run a campaign again, with its own labels in the place of the reference program.

    CAMPAIGN is an ActiveLearningWorkChain, such as one from an imported archive. Its inputs stay the same, all but the
    codes: what it names as programs of other people's computers is not run. In the end the replay is compared with the
    original; the exit status is 0 if they are the same to the last bit.
    """
    from aiida_seimlip.cli.progress import Progress
    from aiida_seimlip.cli.report import refuse_other_processes
    from aiida_seimlip.cli.run_process import run_process
    from aiida_seimlip.report.campaign.comparison import compare, describe
    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    refuse_other_processes(campaign)
    _refuse_read_only()
    progress = Progress()
    try:
        builder = ActiveLearningWorkChain.get_builder_to_replay(campaign, _load_codes(codes, progress.say_unless_known))
    except (ValueError, FileNotFoundError) as exception:
        echo.echo_critical(str(exception))
    progress.take_over_logging()
    node = run_process(builder, progress)
    differences = compare(campaign, node)
    echo.echo(f'\nThe replay is {node.process_label} {node.pk} ({node.uuid}). Compared with the original:')
    echo.echo(describe(differences))
    if not all(item.is_equal for item in differences):
        sys.exit(DIFFERENT)


def _refuse_read_only() -> None:
    """End the command in a profile that is an archive."""
    from aiida.manage import get_manager

    if get_manager().get_profile_storage().read_only:
        echo.echo_critical(
            'This profile is an archive, which cannot take in a replay: import the archive into another.'
        )


def _load_codes(given: tuple[str, ...], say: Any) -> Mapping[str, Any]:
    """Return the code of each socket that is run: those that were named, else the embedded programs.

    :param given: as ``socket=label``.
    :param say: is told what was set up.
    :raises ValueError: if a code is not named as it should be, or does not exist.
    """
    from aiida import orm
    from aiida.common.exceptions import MultipleObjectsError, NotExistent

    from aiida_seimlip.cli.profile.codes import setup_codes

    named: dict[str, Any] = {}
    for text in given:
        socket, separator, label = text.partition('=')
        if not separator:
            raise ValueError(f'`{text}` names no socket: write `--code training=LABEL`.')
        try:
            named[socket] = orm.load_code(label)
        except (NotExistent, MultipleObjectsError, ValueError) as exception:
            raise ValueError(f'The code `{label}` cannot be loaded: {exception}') from exception
    missing = [socket for socket in PROGRAMS if socket not in named]
    embedded = setup_codes(say) if missing else {}
    return {**{socket: embedded[PROGRAMS[socket]] for socket in missing}, **named}

"""``aiida-seimlip frame``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from aiida.cmdline.utils import decorators, echo

from aiida_seimlip.cli.data.frames import FRAMES

if TYPE_CHECKING:
    from aiida_seimlip.data.frames import FramesData


@click.command('frame', context_settings={'ignore_unknown_options': True})
@FRAMES
@click.argument('index', type=int)
@decorators.with_dbenv()
def cmd_frame(frames: FramesData, index: int) -> None:
    """Print the provenance card of one frame.

    FRAMES is a node with frames, INDEX the number of the frame in it, from 0. The card tells where the frame came from,
    at which MD step and extrapolation grade, which job labelled it, and every potential that learned from it.
    """
    from aiida_seimlip.cli.data.card import describe_card, find_card

    try:
        card = find_card(frames, index)
    except IndexError as exception:
        echo.echo_critical(str(exception))
    echo.echo(describe_card(card))

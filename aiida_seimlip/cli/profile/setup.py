"""``aiida-seimlip setup``."""

from __future__ import annotations

import click
from aiida.cmdline.utils import decorators, echo


@click.command('setup')
@decorators.with_dbenv()
def cmd_setup() -> None:
    """Register the embedded programs in the present profile.

    Makes the computer `localhost` if it is missing, and the codes `seimlip-mlp`, `seimlip-lmp` and `python`, which are
    the programs in the environment that this command runs in. What is there already stays as it is.
    """
    from aiida_seimlip.cli.profile.codes import setup_codes

    try:
        codes = setup_codes(echo.echo_report)
    except FileNotFoundError as exception:
        echo.echo_critical(str(exception))
    echo.echo_success(f'Ready: {", ".join(f"`{code.full_label}`" for code in codes.values())}.')

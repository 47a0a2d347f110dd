"""The command line ``aiida-seimlip``.

Importing this module must not import AiiDA: that makes AiiDA's folder in the user's home at once, and the command
``demo`` has to name a folder of its own first. So each command is imported when it is called.
"""

from __future__ import annotations

import difflib
from importlib import import_module

import click

from aiida_seimlip import __version__

COMMANDS = {
    'demo': (
        'demo.command:cmd_demo',
        'Grow a potential for Li2CO3 by active learning, from nothing.',
    ),
    'sei': (
        'sei.command:cmd_sei',
        'Grow one potential for the whole interphase, and judge it by crystals.',
    ),
    'setup': ('profile.setup:cmd_setup', 'Register the embedded programs as codes in a profile.'),
    'check': (
        'check.command:cmd_check',
        'Check programs where they run: what is green, and what to do.',
    ),
    'launch': ('launch.command:cmd_launch', 'Begin a campaign, or find a property with a potential.'),
    'continue': ('campaign.continuation:cmd_continue', 'Go on where a campaign has ended.'),
    'report': ('report:cmd_report', 'Write a campaign or a property as an HTML page, with tables.'),
    'cite': ('cite:cmd_cite', 'Name the programs and papers that processes really used.'),
    'structure': (
        'structure.command:cmd_structure',
        'Make supercells, slabs, defects, and the end points of hops.',
    ),
    'frame': ('data.frame:cmd_frame', 'Print where one frame came from and what learned from it.'),
    'frames': ('data.frames:cmd_frames', 'Import, list, show and export sets of frames.'),
    'archive': (
        'data.archive:cmd_archive',
        'Write workflows to a file that others can import or open.',
    ),
    'replay': (
        'campaign.replay:cmd_replay',
        'Run a campaign again with its own labels, and compare the two.',
    ),
    'potential': ('data.potential:cmd_potential', 'Import, list, show and export potentials.'),
}
"""Where each command is defined below this package, and what it does in a line."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; a name that does not exist is answered by the ones that are like it."""
        if cmd_name not in COMMANDS:
            similar = difflib.get_close_matches(cmd_name, COMMANDS, n=2, cutoff=0.5)
            hint = f'Did you mean {" or ".join(f"`{name}`" for name in similar)}?' if similar else ''
            ctx.fail(f'There is no command `{cmd_name}`. {hint or "Try `aiida-seimlip --help`."}')
        module, attribute = COMMANDS[cmd_name][0].split(':')
        command: click.Command = getattr(import_module(f'{__name__}.{module}'), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section('Commands'):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command('aiida-seimlip', cls=LazyGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.option('-p', '--profile', help='AiiDA profile to use instead of the default one.')
@click.version_option(__version__, prog_name='aiida-seimlip')
@click.pass_context
def cmd_root(ctx: click.Context, profile: str | None) -> None:
    """Grow machine-learning interatomic potentials by active learning, and look at what came of it."""
    if profile is None:
        return
    if ctx.invoked_subcommand in ('demo', 'sei'):
        raise click.UsageError(f'`{ctx.invoked_subcommand}` keeps to a profile of its own: leave out --profile.')
    from aiida import load_profile
    from aiida.common.exceptions import ConfigurationError

    try:
        load_profile(profile, allow_switch=True)
    except ConfigurationError as exception:
        raise click.UsageError(f'The profile `{profile}` cannot be loaded: {exception}') from exception

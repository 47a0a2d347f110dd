"""What ``aiida-seimlip sei`` does, once AiiDA uses its home."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.cli.clock import Clock
from aiida_seimlip.cli.profile.codes import Program, setup_code
from aiida_seimlip.cli.profile.home import Home
from aiida_seimlip.cli.progress import Progress
from aiida_seimlip.cli.run_process import last_process, run_process
from aiida_seimlip.cli.sei.results import write_results

LOOK_SECONDS = 5.0
"""How often what is new is looked for: a campaign of many iterations is not read in a moment."""
LABEL = 'SeiWorkChain'
RECIPE = 'sei'
INTERRUPTED = 'The run was interrupted: nothing drives this process any more.'
MODULE = 'sevenn'

SHORT_STARTS = ('lc', 'edclc')
SHORT: dict[str, Any] = {
    'options': {
        'levels': [], 'left_out': [], 'small_crystals': [],
        'lattices': {'crystals': ['Li2CO3-monoclinic', 'Li-bcc']},
    },
    'starts': {'condensation': {'parameters': {'condense': {'stages': [
        {'kind': 'relax', 'optimizer': 'FIRE', 'fmax': 1.0, 'max_steps': 20},
        {'kind': 'relax_cell', 'pressure': 5.0, 'fmax': 0.1, 'max_steps': 20},
    ]}}}},
    'campaign': {'options': {
        'max_iterations': 3, 'max_labels': 60, 'untrained': {'level': 8},
        'bootstrap': {'n_perturbed': 6, 'max_labels': 30},
        'exploration': {'conditions': [{'ensemble': 'nvt', 'temperature': 300.0, 'n_steps': 500, 'timestep': 1.0}]},
        'held_out': {'n_frames': 6, 'conditions': [
            {'ensemble': 'nvt', 'temperature': 300.0, 'n_steps': 500, 'timestep': 1.0, 'dump_every': 50},
        ]},
    }},
}  # fmt: skip
"""What replaces values of the protocol to try the command out, and the starts that are left of the recipe."""


def run_sei(
    home: Home, directory: Path, *, python: Path | None = None, fresh: bool = False, short: bool = False
) -> bool:
    """Run the workflow, or go on with it, and write what came of it.

    The inputs follow from the arguments alone, so that all jobs of an earlier call with the same ones are taken over.

    :param home: whose lock is held, and which AiiDA uses.
    :param directory: where the results go.
    :param python: interpreter that has the teacher.
    :param fresh: take over nothing.
    :param short: whether it is only tried out.
    :return: whether all ended well.
    :raises KeyboardInterrupt: if it was interrupted; all programs have been ended then.
    """
    clock, progress = Clock(), Progress(label=LABEL, look_seconds=LOOK_SECONDS)
    directory.mkdir(parents=True, exist_ok=True)
    with clock.measure('setup'):
        home.load_profile(progress.say)
        progress.take_over_logging()
        ended = home.end_unfinished(INTERRUPTED)
        if ended:
            progress.say(f'An earlier run was interrupted: ended what it had left ({len(ended)} unfinished processes).')
        reuse = not fresh and last_process(LABEL) is not None
        if reuse:
            progress.say('All jobs that earlier runs have finished are taken over.')
        codes = setup_codes(home, find_teacher(python), progress.say_unless_known)
    try:
        with clock.measure('workflow'):
            node = run_process(build_sei(codes, short=short), progress, reuse=reuse, poll_seconds=home.poll_seconds)
    finally:
        home.end_unfinished(INTERRUPTED)
    if node.is_killed:
        raise KeyboardInterrupt
    return write_results(node, home=home, directory=directory, clock=clock, progress=progress)


def find_teacher(python: Path | None) -> Path:
    """Return the interpreter that has the teacher.

    :param python: that was named; None: that of `make calculators`, or else the present one.
    :raises click.ClickException: if it is not there, or lacks the package.
    """
    made = Path(sys.prefix) / 'var' / 'calculators' / 'bin' / 'python'
    found = python or (made if made.is_file() else Path(sys.executable))
    code = f'import importlib.util as u; print(u.find_spec("{MODULE}") is not None)'
    try:
        said = subprocess.run([found, '-c', code], check=False, capture_output=True, text=True).stdout
    except OSError:  # it is not there, or no program
        said = ''
    if said.strip() != 'True':
        raise click.ClickException(
            f'The interpreter {found} is not there or lacks `{MODULE}`, the teacher: `make calculators` makes one that '
            'has it, or name one by --python.'
        )
    return found.absolute()


def setup_codes(home: Home, teacher: Path, say: Callable[[str], None]) -> dict[str, orm.AbstractCode]:
    """Register the embedded programs and the interpreter of the teacher.

    :param home: of the profile.
    :param teacher: path of the interpreter.
    :param say: is told what was done.
    :return: codes by label.
    """
    codes: dict[str, Any] = dict(home.setup_codes(say))
    program = Program('teacher', str(teacher), 'seimlip.ase', 'Python interpreter with the teacher.')
    codes['teacher'] = setup_code(program, codes['python'].computer, say)
    return codes


def build_sei(codes: Mapping[str, orm.AbstractCode], *, short: bool = False) -> ProcessBuilder:
    """Return the inputs of the workflow: protocol `laptop` for the recipe `sei`.

    Labels are not looked for one by one: they would come in other nodes, for which no later job is known.

    :param codes: by label.
    :param short: whether it is only tried out.
    """
    from aiida_seimlip.options.starts.recipes import get_recipe
    from aiida_seimlip.workflows.protocols import merge
    from aiida_seimlip.workflows.sei.sei import SeiWorkChain

    recipe, overrides = get_recipe(RECIPE), dict(SHORT) if short else {}
    if short:
        recipe['compositions'] = {name: recipe['compositions'][name] for name in SHORT_STARTS}
    overrides = merge(overrides, {'campaign': {'reference': {'reuse_labels': False}}})
    sockets = {
        'condensation': 'teacher', 'reference': 'teacher', 'teacher': 'teacher', 'training': 'seimlip-mlp',
        'exploration': 'seimlip-lmp', 'relaxation': 'python',
    }  # fmt: skip
    return SeiWorkChain.get_builder_from_protocol(
        {socket: codes[label] for socket, label in sockets.items()}, recipe, protocol='laptop', overrides=overrides
    )

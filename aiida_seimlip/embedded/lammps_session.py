"""Running an input script: what LAMMPS knows goes to LAMMPS, what concerns our pair styles is taken over."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from aiida_seimlip.embedded.external_pair import FIX_ID, ExternalPair
from aiida_seimlip.embedded.lammps_interpreter import Handler, Interpreter
from aiida_seimlip.embedded.lammps_library import OWN_STYLES, is_lammps_error, leave, load_lammps, say
from aiida_seimlip.embedded.lammps_script import Statement
from aiida_seimlip.embedded.mace_styles import MACE_STYLES, MaceStyle
from aiida_seimlip.embedded.pair_styles import PairStyleError, make_mlip, make_mtp

_Made = TypeVar('_Made')

_MAKE_BOX = ('read_data', 'create_box', 'read_restart')
_REFUSED_COMPUTES = ('stress/atom', 'centroid/stress/atom', 'group/group', 'heat/flux', 'stress/mop')
_GRADE_COMPUTES = {'mtp/extrapolation': 'mtp', 'mace/committee': 'mace'}
"""Pair styles that a compute asks for the highest grade, and the dialect of each."""

_PAIR_TITLES = {'epair': 'E_pair', 'evdwl': 'E_vdwl'}
_PAIR_ENERGY = re.compile(r'\b(epair|evdwl)\b')
_DEFAULT_THERMO = ('step', 'temp', 'epair', 'emol', 'etotal', 'press')
_SHOW_THERMO = ('run', 'minimize', 'rerun')


def run(script: str, arguments: list[str]) -> None:
    """Start LAMMPS, run a script and close LAMMPS; a break or a fault ends the process.

    :param script: input script.
    :param arguments: LAMMPS' own command line options.
    """
    lmp = load_lammps(arguments)
    session = Session(lmp)
    try:
        session.interpreter.run(script)
    except Exception as error:
        if is_lammps_error(error):  # LAMMPS has printed it
            leave(1)
        raise
    lmp.close()
    if session.pair is not None and session.pair.dialect == 'mlip':
        say('Wrapper object has been destroyed')


class Session:
    """One LAMMPS, and the potential it runs with.

    :param lmp: object of LAMMPS' Python module.
    """

    def __init__(self, lmp: Any):
        self.lmp = lmp
        self.interpreter = Interpreter(lmp, self._take_over)
        self.pair: ExternalPair | None = None
        self._attached: ExternalPair | None = None
        self._pending: MaceStyle | None = None
        self._thermo: list[str] | None = list(_DEFAULT_THERMO)
        self._thermo_changes: list[Statement] = []
        self._unmet: list[tuple[str, str]] = []

    @property
    def dialect(self) -> str | None:
        """Of the potential that the session runs with."""
        return None if self.pair is None else self.pair.dialect

    def _take_over(self, statement: Statement) -> Handler | None:
        """Return the method that runs a statement in LAMMPS' place, or has something to do besides; None for most."""
        command = statement.command
        if command in _MAKE_BOX:
            return self._make_box
        if command == 'compute':
            kind = (statement.words[3:] or [''])[0]
            concerns = (
                '$' in statement.plain
                or kind in _REFUSED_COMPUTES
                or not _GRADE_COMPUTES.keys().isdisjoint(statement.words)
            )
            return self._compute if concerns else None
        if command in _SHOW_THERMO:
            return self._show if self.pair is not None and self._shows_pair_energy() else None
        if command in ('variable', 'fix'):
            return self._use_pair_energy if _PAIR_ENERGY.search(statement.plain) else None
        if command == 'pair_coeff':
            return self._pair_coeff if self._pending is not None else None
        return {
            'pair_style': self._pair_style, 'clear': self._clear,
            'thermo_style': self._thermo_style, 'thermo_modify': self._thermo_modify,
        }.get(command)  # fmt: skip

    # -- thermodynamic output: LAMMPS would show the energy of its pair style, which is none --------------------------

    def _thermo_style(self, statement: Statement) -> None:
        """Remember what is to be shown; with our potential, show the potential energy as that of the pair style."""
        words = self.interpreter.expand(statement)
        known = {'one': list(_DEFAULT_THERMO), 'custom': words[2:]}
        self._thermo = known.get(words[1]) if len(words) > 1 else None
        self._thermo_changes = []
        if self.pair is None or not self._shows_pair_energy():
            self.interpreter.pass_on(statement)
        else:
            self._translate_thermo()

    def _thermo_modify(self, statement: Statement) -> None:
        if self.pair is not None and self._shows_pair_energy():
            self._translate_thermo()
        self._thermo_changes.append(statement)
        self.interpreter.pass_on(statement)

    def _show(self, statement: Statement) -> None:
        self._translate_thermo()
        self.interpreter.pass_on(statement)

    def _shows_pair_energy(self) -> bool:
        """Tell whether the present output has to be translated, or cannot be."""
        return self._thermo is None or any(keyword in _PAIR_TITLES for keyword in self._thermo)

    def _translate_thermo(self) -> None:
        """Show the potential energy under the title of the energy of the pair style."""
        if self._thermo is None:
            self.interpreter.error('seimlip-lmp has no pair energy to show in this thermo_style, use one or custom')
        keywords, self._thermo = self._thermo, ['pe' if word in _PAIR_TITLES else word for word in self._thermo]
        self.lmp.command(f'thermo_style custom {" ".join(self._thermo)}')
        for index, keyword in enumerate(keywords, start=1):
            if keyword in _PAIR_TITLES:
                self.lmp.command(f'thermo_modify colname {index} {_PAIR_TITLES[keyword]}')
        self.interpreter.pass_on(*self._thermo_changes)  # thermo_style forgets them

    # -- what LAMMPS would ask its pair style for ---------------------------------------------------------------------

    def _use_pair_energy(self, statement: Statement) -> None:
        self._refuse(statement, 'seimlip-lmp has no pair energy of its own, use pe instead of epair')

    def _refuse(self, statement: Statement, reason: str) -> None:
        """Refuse a statement that our potential cannot serve, or the potential when it comes later."""
        message = f'line {statement.line}: {reason}'
        if self.pair is not None:
            self.interpreter.error(message)
        self._unmet.append((statement.command, message))
        self.interpreter.pass_on(statement)

    # -- the potential ------------------------------------------------------------------------------------------------

    def _pair_style(self, statement: Statement) -> None:
        words = self.interpreter.expand(statement)
        if len(words) < 2 or words[1] not in OWN_STYLES:
            if any(word in OWN_STYLES for word in words):
                self.interpreter.error(f'seimlip-lmp knows no hybrid pair styles with its own, {", ".join(OWN_STYLES)}')
            self._detach()
            self.interpreter.pass_on(statement)
            return
        if self._unmet:
            self.interpreter.error(self._unmet[0][1])
        self.interpreter.note(statement)
        self._pending = None
        if words[1] in MACE_STYLES:
            self._pending = self._make_or_refuse(lambda: MaceStyle.parse(words[1], words[2:]))
        else:
            self._use(self._make_pair(words[1], words[2:]))

    def _pair_coeff(self, statement: Statement) -> None:
        """Load the models that the pair style was waiting for."""
        words, pending = self.interpreter.expand(statement), self._pending
        if words[1:3] != ['*', '*']:
            self.interpreter.error('pair_coeff of pair_style mace must begin with * *')
        if not self.lmp.extract_setting('box_exist'):
            self.interpreter.error('pair_coeff command before simulation box is defined')
        self.interpreter.note(statement)
        n_types = self.lmp.extract_setting('ntypes')
        assert pending is not None
        self._use(self._make_or_refuse(lambda: pending.make_pair(words[3:], n_types)))

    def _use(self, pair: ExternalPair) -> None:
        self.pair = pair
        self.lmp.command(f'pair_style zero {pair.cutoff:.17g} nocoeff')
        self._attach()

    def _make_or_refuse(self, make: Callable[[], _Made]) -> _Made:
        """Return what a function makes; what is wrong with the arguments is an error of LAMMPS."""
        try:
            return make()
        except PairStyleError as error:
            self.interpreter.error(str(error))

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
            self.interpreter.error(str(error))

    def _compute(self, statement: Statement) -> None:
        words = self.interpreter.expand(statement)
        if len(words) > 3 and words[3] in _REFUSED_COMPUTES:
            reason = f'compute {words[3]} needs what seimlip-lmp does not have: the virial of each atom or pair'
            self._refuse(statement, reason)
        elif len(words) != 5 or words[3] != 'pair' or words[4] not in _GRADE_COMPUTES:
            self.interpreter.pass_on(statement)
        elif self._attached is None or self._attached.control is None or _GRADE_COMPUTES[words[4]] != self.dialect:
            self.interpreter.error(
                f'compute pair {words[4]} needs pair_style {words[4]} with thresholds and a simulation box'
            )
        else:
            self.interpreter.note(statement)
            self.lmp.command(f'compute {words[1]} {words[2]} slice 1 2 1 f_{FIX_ID}')

    def _make_box(self, statement: Statement) -> None:
        self.interpreter.pass_on(statement)
        self._attach()

    def _clear(self, statement: Statement) -> None:
        self.interpreter.pass_on(statement)
        self.pair = self._attached = self._pending = None
        self._thermo, self._thermo_changes = list(_DEFAULT_THERMO), []
        self._unmet = [(command, message) for command, message in self._unmet if command == 'variable']

    def _attach(self) -> None:
        """Bring the potential into LAMMPS as soon as there is a box.

        A second potential takes the place of the first, so that its forces are added before other fixes work on them.
        """
        if self.pair is None or self._attached is self.pair or not self.lmp.extract_setting('box_exist'):
            return
        if self._attached is None and self.lmp.available_ids('fix'):
            self.interpreter.error(
                'pair_style must stand before the first fix: seimlip-lmp adds its forces by a fix of its own'
            )
        self.pair.attach(self.lmp, anew=self._attached is not None)
        self._attached = self.pair
        if self.pair.dialect != 'mlip':
            self.lmp.command('pair_coeff * *')

    def _detach(self) -> None:
        """Take the potential away, because LAMMPS' own pair style follows."""
        if self._attached is not None:
            self.lmp.command(f'unfix {FIX_ID}')
        self.pair = self._attached = self._pending = None

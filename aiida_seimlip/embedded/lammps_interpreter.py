"""Running input scripts statement by statement, so that some of them can be taken over wherever they stand.

LAMMPS offers no way to add a pair style from Python, and reads a script to its end on its own: what stands in a branch
of ``if``, in an included file or behind a ``jump`` would never be seen. Therefore the commands that decide what is run
next (``if``, ``include``, ``jump``, ``label``, ``next``) are followed here, after the source of LAMMPS (``input.cpp``).
LAMMPS replaces the variables and says which branch is taken; everything else goes to it as it stands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from aiida_seimlip.embedded.lammps_script import Statement, divide_branches, quote, split_words, statements

Handler = Callable[[Statement], None]
"""Runs a statement in LAMMPS' place."""

_ERROR_ALL = 2  # LAMMPS' own number for an error that all ranks report
_BRANCH = 'seimlip_branch'


class _Source:
    """A script while it is read.

    :param script: the statements.
    """

    def __init__(self, script: Iterable[Statement]):
        self.script = list(script)
        self.position = 0
        self.label: str | None = None  # everything up to this label is skipped

    def take(self) -> Statement | None:
        """Return the next statement to run; None at the end."""
        while self.position < len(self.script):
            statement = self.script[self.position]
            self.position += 1
            if not self.skips(statement):
                return statement
        return None

    def skips(self, statement: Statement) -> bool:
        """Tell whether a label is searched and this is not it."""
        if self.label is None:
            return False
        if statement.words != ['label', self.label]:
            return True
        self.label = None
        return False

    def jump(self, label: str | None, script: Iterable[Statement] | None = None) -> None:
        """Go to the begin, or to a label, of this script or of another one, which takes its place."""
        self.script = self.script if script is None else list(script)
        self.position = 0
        self.label = label


class Interpreter:
    """Follows a script and gives LAMMPS what nobody takes over.

    :param lmp: object of LAMMPS' Python module.
    :param take_over: tells who runs a statement in LAMMPS' place; None for most statements.
    """

    def __init__(self, lmp: Any, take_over: Callable[[Statement], Handler | None]):
        self.lmp = lmp
        self._take_over = take_over
        self._sources: list[_Source] = []
        self._skips_jump = False
        self._flow = {'if': self._if, 'include': self._include, 'jump': self._jump, 'next': self._next}

    def run(self, text: str) -> None:
        """Run a script; what lies between statements that are taken over goes to LAMMPS in one piece.

        :param text: the script.
        """
        source = _Source(statements(text))
        self._sources.append(source)
        piece: list[Statement] = []
        while (statement := source.take()) is not None:
            handler = self._handler(statement)
            if handler is None:
                piece.append(statement)
                continue
            self.pass_on(*piece)
            piece = []
            handler(statement)
        self.pass_on(*piece)
        if source.label is not None:
            self.error(f"Label wasn't found in input script: {source.label}")
        self._sources.pop()

    def pass_on(self, *piece: Statement) -> None:
        """Let LAMMPS read statements, from a file that exists in memory only."""
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

    def expand(self, statement: Statement) -> list[str]:
        """Return the words of a statement, variables replaced but in quoted words."""
        return split_words(str(self.lmp.expand(statement.plain) or ''))

    def note(self, statement: Statement) -> None:
        """Show a statement, its variables replaced, in the log as a comment: LAMMPS does not run it."""
        self.lmp.command(f'# {self.lmp.expand(statement.plain)}')

    def error(self, message: str) -> NoReturn:
        """Report an error as LAMMPS does, on the screen and in the log; raises."""
        self.lmp.error(_ERROR_ALL, message)
        raise AssertionError('LAMMPS did not raise its error')

    def _handler(self, statement: Statement) -> Handler | None:
        if '$' in statement.command:
            return self._named_by_variable
        if statement.command == 'run' and 'every' in statement.words:
            self._check_repeated(statement)
        if statement.command == 'if' and not self._concerns_us(statement):
            return None
        return self._flow.get(statement.command) or self._take_over(statement)

    def _concerns_us(self, statement: Statement) -> bool:
        """Tell whether a command of any branch has to be run here."""
        branches = divide_branches(statement.words)
        commands = [command for _, commands in branches for command in commands]
        return any(self._handler(Statement(command, statement.line)) is not None for command in commands)

    def _check_repeated(self, statement: Statement) -> None:
        """Refuse what LAMMPS would run on its own, between the parts of a run, though only we can."""
        words = statement.words
        for command in words[words.index('every') + 2 :]:
            name = Statement(command, statement.line).command
            if name in ('jump', 'pair_style'):
                self.error(f'line {statement.line}: seimlip-lmp knows no {name} in the commands of `run ... every`')

    def _execute(self, commands: Sequence[str], line: int) -> None:
        """Run the commands of a branch; as in LAMMPS, those behind a jump to a label are skipped."""
        for command in commands:
            statement = Statement(command.replace('\n', ' '), line)
            if not self._sources[-1].skips(statement):
                (self._handler(statement) or self.pass_on)(statement)

    # -- statements that decide what is run next ----------------------------------------------------------------------

    def _named_by_variable(self, statement: Statement) -> None:
        """Run a statement whose command is only known when its variables are replaced."""
        expanded = Statement(str(self.lmp.expand(statement.plain) or ''), statement.line)
        handler = None if '$' in expanded.command else self._handler(expanded)
        (handler or self.pass_on)(expanded)

    def _if(self, statement: Statement) -> None:
        """Let LAMMPS say which branch is taken, by the same conditions with other commands, and run it."""
        branches = divide_branches(self.expand(statement))
        if not all(commands for _, commands in branches):
            self.pass_on(statement)  # LAMMPS says what is wrong
            return
        self.lmp.command(f'variable {_BRANCH} string none')
        words = [
            word
            for number, (condition, _) in enumerate(branches)
            for word in (*condition, f'variable {_BRANCH} string {number}')
        ]
        self.lmp.command(' '.join(map(quote, words)))
        taken = self.lmp.extract_variable(_BRANCH)
        if taken != 'none':
            self._execute(branches[int(taken)][1], statement.line)

    def _include(self, statement: Statement) -> None:
        words = self.expand(statement)
        if len(words) != 2 or not Path(words[1]).is_file():
            self.pass_on(statement)
        else:
            self.run(self._read(words[1]))

    def _jump(self, statement: Statement) -> None:
        words = self.expand(statement)
        if len(words) not in (2, 3):
            self.pass_on(statement)
            return
        self.note(statement)
        if self._skips_jump:
            self._skips_jump = False
            return
        script = None if words[1] == 'SELF' else statements(self._read(words[1]))
        self._sources[-1].jump(words[2] if len(words) == 3 else None, script)

    def _next(self, statement: Statement) -> None:
        """Advance a variable; LAMMPS deletes one that has no more values, and the next jump does not take place."""
        names = self.expand(statement)[1:]
        self.pass_on(statement)
        self._skips_jump |= not self.lmp.has_id('variable', names[0])

    def _read(self, name: str) -> str:
        try:
            return Path(name).read_bytes().decode(errors='surrogateescape')
        except OSError as error:
            self.error(f'Cannot open input script {name}: {error.strerror}')

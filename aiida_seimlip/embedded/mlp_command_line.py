"""The command line of ``seimlip-mlp``: its commands with their arguments and options, and what is wrong with a line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

NO_LIMITS = (float('-inf'), float('inf'))


class MlpError(Exception):
    """A command cannot do what it is asked for.

    :param message: in the words of ``mlp``, where it has words for it.
    :param detail: what there is to add: file and line, or the reason.
    :param is_plain: whether ``mlp`` prints the message without ``ERROR:``.
    """

    def __init__(self, message: str, detail: str = '', *, is_plain: bool = False):
        self.message = message
        self.detail = detail
        self.is_plain = is_plain
        super().__init__(message)

    def __str__(self) -> str:
        text = f'{self.message} ({self.detail})' if self.detail else self.message
        return text if self.is_plain else f'ERROR: {text}'


class UsageError(Exception):
    """The command line is not one of this program; the message goes to the standard output, as with ``mlp``."""


@dataclass(frozen=True)
class Option:
    """An option of a command.

    :param kind: type of the value.
    :param default: value if it is not given.
    :param help: what it does.
    :param limits: smallest and largest value of a number.
    :param choices: the values allowed for a text, if limited.
    """

    kind: type
    default: object
    help: str
    limits: tuple[float, float] = NO_LIMITS
    choices: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The default, as it would be written."""
        return '' if self.default is None else str(self.default).lower()

    def parse(self, name: str, text: str) -> object:
        """Convert the text behind ``--name=``.

        :raises MlpError: if it is not a value of this option.
        """
        value = _CONVERTERS[self.kind](text)
        if value is None:
            raise MlpError(f'while parsing option {name}: {text} is not a valid {_TYPE_NAMES[self.kind]}.')
        if isinstance(value, int | float) and not self.limits[0] <= value <= self.limits[1]:
            raise MlpError(f'while parsing option {name}: {text} is not between {self.limits[0]} and {self.limits[1]}.')
        if self.choices and value not in self.choices:
            raise MlpError(f'while parsing option {name}: {text} is not one of {", ".join(self.choices)}.')
        return value


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r'[-+]?\d{1,18}', text) else None


def _float(text: str) -> float | None:
    number = r'[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?'
    return float(text) if re.fullmatch(number, text) else None


_CONVERTERS: dict[type, Callable[[str], object]] = {
    bool: lambda text: {'true': True, 'false': False}.get(text.lower()),
    int: _integer,
    float: _float,
    str: lambda text: text or None,
}
_TYPE_NAMES = {bool: 'bool', int: 'int', float: 'double', str: 'name'}
_NOT_NEGATIVE = (0.0, float('inf'))
_LOG = Option(str, 'stdout', 'where details go: stdout, stderr or a file')


def _default_threads() -> int:
    value = os.environ.get('OMP_NUM_THREADS', '')
    return int(value) if value.isdigit() and int(value) > 0 else 1


_THREADS = Option(int, _default_threads(), 'number of threads; by default OMP_NUM_THREADS, or 1', (1, 1024))


@dataclass(frozen=True)
class Command:
    """A command of the program.

    :param arguments: names of the arguments.
    :param help: what it does.
    :param usage: what ``mlp`` prints for a wrong number of arguments.
    :param options: by name.
    """

    arguments: tuple[str, ...]
    help: str
    usage: str
    options: Mapping[str, Option] = field(default_factory=dict)


COMMANDS: dict[str, Command] = {
    'train': Command(
        ('START.almtp', 'TRAIN.cfg'),
        'fit a potential to a training set and make its active set',
        'mlp train: 2 arguments are required',
        {
            'save_to': Option(str, None, 'file for the potential; by default START.almtp is replaced'),
            'iteration_limit': Option(int, 1000, 'iterations at most; 0 only makes the active set', (0, 10**9)),
            'tolerance': Option(float, 1e-3, 'stop when the loss falls by less in ten iterations', _NOT_NEGATIVE),
            'energy_weight': Option(float, 1.0, 'weight of energies', _NOT_NEGATIVE),
            'force_weight': Option(float, 0.01, 'weight of forces', _NOT_NEGATIVE),
            'stress_weight': Option(float, 0.001, 'weight of stresses times volume', _NOT_NEGATIVE),
            'weight_scaling': Option(int, 1, 'power of the number of atoms that divides the energy weight', (0, 2)),
            'weight_scaling_forces': Option(int, 0, 'power of it that divides the force weight', (0, 2)),
            'scale_by_force': Option(float, 0.0, 'weigh down forces above the root of this', _NOT_NEGATIVE),
            'init_random': Option(bool, False, 'accepted; the start of an untrained potential depends on the seed'),
            'skip_preinit': Option(bool, False, 'accepted; there is no pre-training'),
            'no_mindist_update': Option(bool, False, 'keep the shortest distance of the potential'),
            'al_mode': Option(
                str, 'cfg', 'mode of a new active set; nbh suits small training sets', choices=('nbh', 'cfg')
            ),
            'log': _LOG,
            'threads': _THREADS,
            'regularization': Option(float, 1e-7, 'ridge on moment coefficients, relative', _NOT_NEGATIVE),
            'held_out_fraction': Option(float, 0.0, 'fraction held out to stop early', (0.0, 0.9)),
            'seed': Option(int, 0, 'of the start of an untrained potential and of what is held out', (0, 2**63)),
        },
    ),
    'select_add': Command(
        ('POT.almtp', 'TRAIN.cfg', 'CANDIDATES.cfg', 'OUT.cfg'),
        'select candidates that extend the active set',
        'mlp select_add: 4 arguments are required',
        {
            'swap_limit': Option(int, 0, 'exchanges in the active set at most; 0 for any number', (0, 10**9)),
            'batch_size': Option(int, 9999, 'candidates considered at once', (1, 10**9)),
        },
    ),
    'calculate_grade': Command(
        ('POT.almtp', 'IN.cfg', 'OUT.cfg'),
        'add extrapolation grades to configurations',
        '\tError: 3 arguments required',
        {'log': _LOG},
    ),
    'calculate_efs': Command(
        ('POT.almtp', 'IN.cfg'),
        'label configurations with energies, forces and stresses',
        'mlp calculate_efs: 2 arguments are required',
        {'output_filename': Option(str, None, 'file to write; by default IN.cfg is replaced'), 'threads': _THREADS},
    ),
    'check_errors': Command(
        ('POT.almtp', 'DB.cfg'),
        'compare the labels of configurations to the potential',
        'mlp check_errors: 2 arguments are required',
        {
            'log': Option(str, None, 'where a line for each configuration goes: stdout, stderr or a file'),
            'report_to': Option(str, 'stdout', 'where the report goes: stdout, stderr or a file'),
            'threads': _THREADS,
        },
    ),
    'mindist': Command(
        ('DB.cfg',),
        'print shortest distances and add them to the file',
        'mlp mindist: 1 argument is required',
        {'no_overwrite': Option(bool, False, 'leave the file as it is')},
    ),
}


def parse_command_line(argv: Sequence[str]) -> tuple[str, list[str], dict[str, object]]:
    """Return the command, its arguments and the values of all its options.

    :raises UsageError: for an unknown command or a wrong number of arguments.
    :raises MlpError: for an unknown option or a wrong value.
    """
    name = argv[0]
    if name not in COMMANDS:
        raise UsageError(f'Error: command {name} does not exist.\nThe commands are: {", ".join(COMMANDS)}, help.')
    command = COMMANDS[name]
    arguments = [word for word in argv[1:] if not word.startswith('--')]
    given = [word[2:] for word in argv[1:] if word.startswith('--')]
    values = {key: option.default for key, option in command.options.items()}
    for word in given:
        key, equals, text = word.partition('=')
        if key not in command.options:
            known = ', '.join(command.options)
            raise MlpError(f'{name} has no option {key}.', f'its options are: {known}')
        if not equals:
            raise MlpError(f'The option {key} lacks a value.', f'write --{key}=VALUE')
        values[key] = command.options[key].parse(key, text)
    if len(arguments) != len(command.arguments):
        words = ' '.join((name, *command.arguments))
        raise UsageError(f'{command.usage}\nUsage: seimlip-mlp {words} [--option=value ...]')
    return name, arguments, values


def help_text(name: str | None = None) -> str:
    """Return the list of commands, or the options of one.

    :raises UsageError: if there is no such command.
    """
    if name is None:
        rows = [f'  {key:<16} {command.help}' for key, command in COMMANDS.items()]
        return '\n'.join((
            'Usage: seimlip-mlp COMMAND ARGUMENTS [--option=value ...]', '',
            'The commands of MLIP-3 that active learning needs:', *rows, '', 'More: seimlip-mlp help COMMAND',
        ))  # fmt: skip
    if name not in COMMANDS:
        raise UsageError(f'Error: command {name} does not exist.\nThe commands are: {", ".join(COMMANDS)}, help.')
    command = COMMANDS[name]
    rows = [f'  --{f"{key}={option.shown}":<26} {option.help}' for key, option in command.options.items()]
    arguments = ' '.join(command.arguments)
    return '\n'.join((f'Usage: seimlip-mlp {name} {arguments} [--option=value ...]', '', command.help, '', *rows))

"""What decides which command is run next is followed as LAMMPS follows it: both run the same scripts."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

OTHER = """\
print "other" append trace screen no
label there
print "there" append trace screen no
"""

LOOP = """\
variable j loop 2
label again
print "include $j" append trace screen no
next j
jump SELF again
"""


def trace(*words: str) -> str:
    return '\n'.join(f'print "{word}" append trace screen no' for word in words) + '\n'


SCRIPTS: dict[str, tuple[str, list[str]]] = {
    'if': (
        'variable a string "x"\n'
        'if "$a == x" then "print yes append trace screen no" else "print no append trace screen no"',
        ['yes'],
    ),
    'no branch': ('if "1 > 2" then "print yes append trace screen no"\n' + trace('end'), ['end']),
    'elif': (
        'variable n equal 2\n'
        'if "$n == 1" then "print one append trace screen no" elif "$n == 2" "print two append trace screen no" &\n'
        '  "print also append trace screen no" else "print three append trace screen no"',
        ['two', 'also'],
    ),
    'strings with quotes': (
        'variable s string ab\nif "$s == ab" then \'print "hash # in it" append trace screen no\' # comment',
        ['hash # in it'],
    ),
    'nested': (
        'variable n equal 3\nif "$n > 1" then """if "$n > 2" then \'print "deep $n" append trace screen no\' '
        'else "print flat append trace screen no" """',
        ['deep 3'],
    ),
    'triple quotes over lines': (
        'if "1" then """print "one # line"\n  append trace screen no"""\n' + trace('end'), ['one # line', 'end'],
    ),
    'continued inside a word': ('pri&\nnt "wo&\nrd" append trace screen no', ['word']),
    'named by a variable': (
        'variable c string "print"\nvariable whole string "print whole append trace screen no"\n'
        '${c} "by name" append trace screen no\nif 1 then "${whole}"',
        ['by name', 'whole'],
    ),
    'immediate variables': ('if "$(1+1) == 2" then "print $(2*3) append trace screen no"', ['6']),
    'loop': (
        'variable i loop 3\nlabel again\n' + trace('pass $i') + 'next i\njump SELF again\n' + trace('end'),
        ['pass 1', 'pass 2', 'pass 3', 'end'],
    ),
    'two loops': (
        'label outer\nvariable i loop 2\nlabel inner_a\nvariable j loop 2\nlabel inner\n' + trace('$i $j')
        + 'next j\njump SELF inner\nnext i\njump SELF inner_a\n' + trace('end'),
        ['1 1', '1 2', '2 1', '2 2', 'end'],
    ),
    'two variables at once': (
        'variable i index a b c\nvariable j index 1 2 3 4\nlabel again\n' + trace('$i$j') + 'next i j\njump SELF again',
        ['a1', 'b2', 'c3'],
    ),
    'leave a loop': (
        'variable i loop 9\nlabel again\n' + trace('$i')
        + 'if "$i >= 2" then "jump SELF break" "print never append trace screen no"\nnext i\njump SELF again\n'
        'label break\nvariable i delete\n' + trace('end'),
        ['1', '2', 'end'],
    ),
    'next in a branch': (
        'variable i index a b\nlabel again\n' + trace('$i') + 'if "1" then "next i" "jump SELF again"\n' + trace('end'),
        ['a', 'b', 'end'],
    ),
    'forwards over what is wrong': ('jump SELF on\nfoo ${nothing}\nlabel on\n' + trace('on'), ['on']),
    'another file': (trace('here') + 'jump other\n' + trace('never'), ['here', 'other', 'there']),
    'a label in another file': (trace('here') + 'jump other there\n' + trace('never'), ['here', 'there']),
    'a file by a variable': ('variable f string other\njump $f there', ['there']),
    'include': ('include loop\n' + trace('back'), ['include 1', 'include 2', 'back']),
    'include in a branch': (
        'variable f string loop\nif "1" then "include $f" "print after append trace screen no"',
        ['include 1', 'include 2', 'after'],
    ),
    'jump out of an included file': ('include jumping\n' + trace('back'), ['there', 'back']),
    'clear keeps variables': (
        'variable i loop 2\nlabel again\nclear\nunits metal\n' + trace('$i') + 'next i\njump SELF again', ['1', '2'],
    ),
    'no such label': (trace('here') + 'jump SELF nowhere', ['here', "ERROR: Label wasn't found"]),
    'no such file': (trace('here') + 'jump nothing', ['here', 'ERROR: Cannot open input script nothing']),
    'no such include': ('include nothing', ['ERROR: Cannot open input script nothing']),
    'if without a command': ('if "1 == 1" then', ['ERROR: Illegal']),
    'if without then': ('if "1 == 1" "print x append trace screen no"', ['ERROR: Illegal']),
    'wrong condition': ('if "1 ==" then "print x append trace screen no"', ['ERROR: Invalid']),
    'unknown command in a branch': ('if "1" then "foo bar"', ['ERROR: Unknown command: foo bar']),
    'next of nothing': ('next i', ['ERROR: Invalid variable']),
}  # fmt: skip

CONDITIONS = ('1', '0', '$a==x', '${n}>2', '$(v_n)<3', '$n!=2&&$a==x', '($n==1)||($a!=x)')
QUOTES = ('"""', '"', "'")
"""Around commands in branches, from the outermost to the innermost."""


class Author:
    """Writes scripts of prints in nested branches, loops, jumps and included files.

    :param seed: other scripts have others.
    """

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.n_prints = 0

    def script(self) -> str:
        lines = ['variable a string x', 'variable n equal 1', 'variable f string other', 'variable c string print']
        for number in range(self.random.randint(3, 7)):
            lines += self.random.choice([self.loop, self.jump, self.statement, self.statement])(number)
        return '\n'.join([*lines, 'print end append trace screen no'])

    def loop(self, number: int) -> list[str]:
        leave = [f'if "${{i{number}}} >= 2" then "jump SELF out{number}"'] * self.random.randint(0, 1)
        return [
            f'variable i{number} loop {self.random.randint(1, 3)}', f'label in{number}', *self.statement(number),
            *leave, f'next i{number}', f'jump SELF in{number}', f'label out{number}', f'variable i{number} delete',
        ]  # fmt: skip

    def jump(self, number: int) -> list[str]:
        return [f'jump SELF over{number}', self.command(), f'label over{number}']

    def statement(self, number: int) -> list[str]:
        return [self.command()]

    def command(self, depth: int = 0) -> str:
        self.n_prints += 1
        prints = [f'print {self.n_prints}_$a_$n append trace screen no'] * 3
        changes = [f'variable a string {self.random.choice("xyz")}', f'variable n equal {self.random.randint(1, 3)}']
        files = ['include loop', 'include $f', '${c} named append trace screen no']
        if depth < len(QUOTES) and self.random.random() < 0.4:
            return self.branches(depth)
        return self.random.choice([*prints, *changes, *files])

    def branches(self, depth: int) -> str:
        def commands() -> str:
            found = [self.command(depth + 1) for _ in range(self.random.randint(1, 2))]
            return ' '.join(f'{QUOTES[depth]}{command} {QUOTES[depth]}' for command in found)

        first, second = self.random.sample(CONDITIONS, 2)
        parts = [f'if {first} then {commands()}']
        parts += [f'elif {second} {commands()}'] * self.random.randint(0, 1)
        parts += [f'else {commands()}'] * self.random.randint(0, 1)
        return ' '.join(parts)


RANDOM_SCRIPTS = {f'random {seed}': Author(seed).script() for seed in range(12)}

DRIVER = """
import json, os, sys
from pathlib import Path
from aiida_seimlip.embedded.lammps_interpreter import Interpreter
from aiida_seimlip.embedded.lammps_library import load_lammps

def run(how):
    lmp = load_lammps(['-screen', 'screen', '-log', 'none'])
    interpreter = Interpreter(lmp, lambda statement: interpreter.pass_on if statement.command == 'print' else None)
    lmp.file('script') if how == 'lammps' else interpreter.run(Path('script').read_text())

def trace(how):
    # in a process of its own, as some errors end it
    for name in ('trace', 'screen'):
        Path(name).write_text('')
    if not os.fork():
        try:
            run(how)
        finally:
            os._exit(0)
    os.wait()
    errors = [line for line in Path('screen').read_text().splitlines() if line.startswith('ERROR')]
    return Path('trace').read_text().splitlines() + [line.replace(' on proc 0', '').split(' (')[0] for line in errors]

traces = {}
for name, text in json.load(sys.stdin).items():
    Path('script').write_text(text)
    traces[name] = [trace(how) for how in ('lammps', 'here')]
print(json.dumps(traces))
"""


@pytest.fixture(scope='module')
def traces(tmp_path_factory) -> dict[str, list[list[str]]]:
    """Return for each script what LAMMPS printed, and what it printed when each print was taken over."""
    folder = tmp_path_factory.mktemp('flow')
    (folder / 'other').write_text(OTHER)
    (folder / 'loop').write_text(LOOP)
    (folder / 'jumping').write_text('jump other there\n')
    scripts = json.dumps({name: text for name, (text, _) in SCRIPTS.items()} | RANDOM_SCRIPTS)
    process = subprocess.run(
        [sys.executable, '-c', DRIVER], cwd=folder, input=scripts, text=True, capture_output=True, timeout=120,
        check=True,
    )  # fmt: skip
    return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.parametrize('name', SCRIPTS)
def test_scripts_run_as_in_lammps(traces, name):
    lammps, here = traces[name]
    expected = SCRIPTS[name][1]
    assert [line[: len(known)] for line, known in zip(lammps, expected, strict=True)] == expected
    assert len(here) == len(lammps)
    assert all(ours.startswith(theirs) for ours, theirs in zip(here, lammps, strict=True))


@pytest.mark.parametrize('name', RANDOM_SCRIPTS)
def test_random_scripts_run_as_in_lammps(traces, name):
    lammps, here = traces[name]
    assert len(lammps) > 0
    assert not [line for line in lammps if line.startswith('ERROR')]
    assert here == lammps

"""Every command and link in the documentation and in README.md: programs know them, files are there.

Commands that run here, in a profile of their own, are run in `test_readme`.
"""

from __future__ import annotations

import re
import subprocess
import tomllib

import click
import pytest
from aiida.cmdline.commands.cmd_verdi import verdi

from aiida_seimlip.cli import cmd_root

from .blocks import ROOT, check_command, commands_in, links_in, words_of

PAGES = [
    ROOT / 'README.md',
    ROOT / 'findings' / 'README.md',
    *sorted(path for path in (ROOT / 'docs').rglob('*.md') if not {'_build', '_generated'} & set(path.parts)),
]
PROGRAMS = {'aiida-seimlip': cmd_root, 'verdi': verdi}
UNCHECKED = ('ssh', 'export', 'cd', 'source', 'cat')
"""Commands of the shell."""
EXTRAS = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['optional-dependencies']


def name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize('page', [page for page in PAGES if commands_in(page.read_text())], ids=name)
def test_commands_exist(page):
    for command in commands_in(page.read_text()):
        words = words_of(command)
        while words and re.fullmatch(r'[A-Z_]+=\S*', words[0]):  # variables of the environment
            words.pop(0)
        for sign in ('>', '|', '&&', ';'):
            words = words[: words.index(sign)] if sign in words else words
        if not words or words[0] in UNCHECKED:
            continue
        if words[0] in PROGRAMS:
            check_program(words)
        elif words[0] == 'make':
            targets = [word for word in words[1:] if '=' not in word]
            subprocess.run(['make', '--dry-run', *targets], cwd=ROOT, check=True, capture_output=True)
        elif 'pip' in words and 'install' in words:
            check_install(words[words.index('install') + 1 :])


def check_program(words):
    """Check a command of ours or of AiiDA; scripts of `verdi run` must be there."""
    check_command(PROGRAMS[words[0]], words[1:], words[0])
    if words[:2] == ['verdi', 'run'] and '/' in words[2]:  # else the user's own
        assert (ROOT / words[2]).is_file(), f'There is no {words[2]}.'


def check_install(packages):
    """Check that extras which a page names are there."""
    for extras in re.findall(r'(?:aiida[-_]seimlip|\.)\[([^]]+)\]', ' '.join(packages)):
        assert set(extras.split(',')) <= set(EXTRAS), f'{extras}: there are {sorted(EXTRAS)}'


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_links_lead_to_files(page):
    for target in links_in(page.read_text()):
        assert (page.parent / target).exists(), f'{name(page)} leads to {target}, which is not there.'


def test_wrong_commands_are_found():
    """The check itself can fail."""
    wrong = {
        'lunch al': 'There is no command `lunch`', 'report': "lacks \\['processes'\\]",
        'setup all': 'takes no more arguments',
        'report 1 --no-such-option': 'No such option', 'frames': 'lacks a command',
    }  # fmt: skip
    for command, words in wrong.items():
        with pytest.raises((AssertionError, click.UsageError), match=words):
            check_command(cmd_root, words_of(command), 'aiida-seimlip')


def test_findings_are_listed():
    """Each script is in the table of its folder, and the table names no other."""
    text = (ROOT / 'findings' / 'README.md').read_text()
    assert set(re.findall(r'^\| `(\S+\.sh)`', text, re.MULTILINE)) == {
        path.name for path in (ROOT / 'findings').glob('*.sh')
    }

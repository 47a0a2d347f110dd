"""Computer and codes of the embedded programs."""

import subprocess
import uuid
from pathlib import Path

import pytest
from aiida import orm

from aiida_seimlip.cli.profile import codes
from aiida_seimlip.report.campaign.collect import STAMP_PATTERN

LABELS = ('seimlip-mlp', 'seimlip-lmp', 'python')


@pytest.fixture
def computer_label(monkeypatch):
    """Let the command make a computer of its own for each test."""
    label = f'localhost-{uuid.uuid4().hex[:8]}'
    monkeypatch.setattr(codes, 'COMPUTER', label)
    return label


def test_setup_makes_computer_and_codes(run_command, computer_label):
    output = run_command('setup').output
    computer = orm.load_computer(computer_label)
    assert computer.is_configured
    for label in LABELS:
        code = orm.load_code(f'{label}@{computer_label}')
        assert Path(code.filepath_executable).is_file()
        assert f'`{label}@{computer_label}`' in output


def test_setup_twice_changes_nothing(run_command, computer_label):
    run_command('setup')
    before = [orm.load_code(f'{label}@{computer_label}').uuid for label in LABELS]
    output = run_command('setup').output
    assert [orm.load_code(f'{label}@{computer_label}').uuid for label in LABELS] == before
    assert output.count('is there already') == 4


def test_setup_keeps_code_of_another_environment_under_another_label(run_command, computer_label):
    run_command('setup')
    computer = orm.load_computer(computer_label)
    ours = orm.load_code(f'seimlip-mlp@{computer_label}')
    ours.label = 'ours'
    old = orm.InstalledCode(label='seimlip-mlp', computer=computer, filepath_executable='/opt/old/seimlip-mlp').store()
    output = run_command('setup').output
    assert orm.load_code(f'seimlip-mlp@{computer_label}').uuid not in (old.uuid, ours.uuid)
    assert old.label == f'seimlip-mlp-{old.uuid[:8]}'
    assert old.full_label in output


def test_computer_from_an_archive_is_not_used(run_command, computer_label):
    """Its text would go into the script of every job."""
    foreign = orm.Computer(
        label=computer_label, hostname='localhost', transport_type='core.local', scheduler_type='core.direct',
        workdir='/opt/theirs',
    )  # fmt: skip
    foreign.set_prepend_text('touch sprung')
    foreign.store()
    output = run_command('setup').output
    assert f'was never configured here; it is now called `{foreign.label}`' in output
    ours = orm.load_computer(computer_label)
    assert ours.uuid != foreign.uuid
    assert ours.get_prepend_text() == ''
    assert ours.get_workdir() != '/opt/theirs'
    assert not foreign.is_configured
    assert {orm.load_code(f'{label}@{computer_label}').computer.uuid for label in LABELS} == {ours.uuid}


@pytest.mark.usefixtures('computer_label')
def test_missing_program(run_command, monkeypatch, tmp_path):
    monkeypatch.setattr(codes.sysconfig, 'get_path', lambda _: str(tmp_path))
    monkeypatch.setenv('PATH', str(tmp_path))
    output = run_command('setup', fails=True).output
    assert 'The program `seimlip-mlp` is neither in' in output


def test_time_stamps_are_read_back():
    script = '\n'.join(codes.TIME_STAMP.format(kind) for kind in ('start', 'stop'))
    done = subprocess.run(['bash', '-c', script], capture_output=True, text=True, check=True)
    stamps = STAMP_PATTERN.findall(done.stdout)
    assert [kind for kind, _ in stamps] == ['start', 'stop']
    assert float(stamps[0][1].replace(',', '.')) <= float(stamps[1][1].replace(',', '.'))


def test_page_on_own_programs_names_the_same_lines():
    """Codes of one's own leave the same time stamps as those that the command makes."""
    page = (Path(__file__).parents[3] / 'docs' / 'howto' / 'own_program.md').read_text(encoding='utf-8')
    for option, kind in (('prepend', 'start'), ('append', 'stop')):
        assert f"--{option}-text '{codes.TIME_STAMP.format(kind)}'" in page

"""``aiida-seimlip check``: the command and its page."""

from __future__ import annotations

import json
import sys

import click
import pytest
from aiida import orm
from aiida.common.links import LinkType
from plumpy import ProcessState

from aiida_seimlip.cli.check import run as run_check
from aiida_seimlip.cli.check.page import describe
from aiida_seimlip.options.check.report import CheckReport

LENNARD_JONES = {'calculator': {'name': 'lj', 'kwargs': {'sigma': 1.8, 'epsilon': 0.05, 'rc': 6.0, 'smooth': True}}}

GREEN = {
    'name': 'energy',
    'status': 'passed',
    'message': 'Equal to our own.',
    'value': 2e-12,
    'limit': 1e-6,
    'unit': 'eV',
}
RED = {
    'name': 'stress', 'status': 'failed', 'message': 'The numbers have the wrong sign.', 'value': 24.13, 'limit': 1e-3,
    'unit': 'GPa', 'remedy': 'Rebuild LAMMPS.', 'process_uuid': 'abc',
}  # fmt: skip
SKIPPED = {'name': 'break', 'status': 'skipped', 'message': 'The job `breaking` failed.'}
SPEED = {'name': 'speed', 'status': 'passed', 'message': '108 atoms.', 'value': 40373.2, 'unit': 'atom-steps/s'}


def report(*lines, **facts):
    return CheckReport(kind='lammps', code='lmp@cluster', code_uuid='u', checks=list(lines), facts=facts)


def page(found, jobs=None):
    return '\n'.join(describe(found, 12, jobs or {}))


def store_check(found=None, process_type='aiida.workflows:seimlip.check'):
    node = orm.WorkChainNode(process_type=process_type)
    node.set_process_label('CheckWorkChain')
    node.set_process_state(ProcessState.FINISHED)
    node.set_exit_status(0 if found and not found.failed else 400)
    node.store()
    if found is not None:
        output = orm.Dict(found.model_dump(mode='json')).store()
        output.base.links.add_incoming(node, link_type=LinkType.RETURN, link_label='report')
    return node


# -- the page ---------------------------------------------------------------------------------------------------------


def test_green_page():
    text = page(report(GREEN, SPEED, version='22 Jul 2025', dialects=['mlip', 'mtp']))
    assert 'Check 12: lmp@cluster (lammps)' in text
    assert 'version   22 Jul 2025' in text
    assert 'dialects  mlip, mtp' in text
    assert '2e-12 ≤ 1e-06 eV' in text
    assert '40,373 atom-steps/s' in text
    assert 'All 2 checks passed.' in text
    assert 'What to do' not in text


def test_red_page():
    text = page(report(GREEN, RED, SKIPPED, {**RED, 'name': 'forces'}), {'abc': 45})
    assert '\x1b[31m' in text
    assert '24 > 0.001 GPa' in text
    assert 'The numbers have the wrong sign.' in text
    assert 'stress, forces\x1b[0m (see process 45)\n    Rebuild LAMMPS.' in text, 'one remedy for both'
    assert '2 failed, 1 passed, 1 skipped.' in text
    assert '`verdi process status 12`' in text


def test_page_with_a_warning():
    text = page(report(GREEN, {**RED, 'status': 'warning'}), {'abc': 45})
    assert 'warning' in text
    assert '\x1b[31m' not in text, 'nothing is red'
    assert '(see process 45)\n    Rebuild LAMMPS.' in text
    assert '1 checks passed, 1 warning.' in text


def test_lines_skipped_for_one_reason_share_a_line():
    text = click.unstyle(page(report(RED, SKIPPED, {**SKIPPED, 'name': 'grade'})))
    assert '  skipped  break, grade: The job `breaking` failed.' in text


def test_page_is_not_wider_than_the_terminal(monkeypatch):
    monkeypatch.setenv('COLUMNS', '80')
    long = {**RED, 'message': 'word ' * 40, 'remedy': 'word ' * 60}
    assert max(len(click.unstyle(line)) for line in page(report(long), {'abc': 1}).splitlines()) <= 80


# -- the command ------------------------------------------------------------------------------------------------------


def test_sound_calculator(run_command, code):
    python = code('seimlip.ase', sys.executable)
    result = run_command('check', python.full_label, '--parameters', json.dumps(LENNARD_JONES))
    assert 'All 6 checks passed.' in result.output
    assert f'{python.full_label}: running label' in result.output


def test_two_codes_of_which_one_is_no_lammps(run_command, code, tmp_path):
    options = tmp_path / 'options.yaml'
    options.write_text('level: 6\nn_steps: 20\n')
    true = code('seimlip.lammps', '/bin/true')
    result = run_command('check', true.pk, true.pk, '--options', options, '--max-wallclock-seconds', 60, fails=True)
    assert result.exit_code == 1
    assert result.output.count('FAILED') == 2
    assert 'It ended with status 310' in result.output.replace('\n', ' ')
    check = (
        orm.QueryBuilder()
        .append(orm.WorkChainNode, filters={'attributes.process_label': 'CheckWorkChain'})
        .all(flat=True)[-1]
    )
    assert check.inputs.parameters['level'] == 6
    assert check.inputs.options.get_dict() == {
        'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}, 'max_wallclock_seconds': 60, 'withmpi': False,
    }  # fmt: skip


def test_submit_leaves_it_to_the_daemon(run_command, code, monkeypatch):
    given = {}

    def submit(inputs):
        given.update(inputs)
        return store_check()

    monkeypatch.setattr(run_check, 'submit_check', submit)
    lammps = code('seimlip.lammps', '/bin/true')
    arguments = (
        '--submit',
        '--with-mpi',
        '--queue-name',
        'debug',
        '--num-mpiprocs-per-machine',
        4,
        '--engine',
        'lammps',
    )
    result = run_command('check', lammps.pk, *arguments)
    assert '`aiida-seimlip check --show' in result.output
    assert given['code'].pk == lammps.pk
    assert given['engine'] == 'lammps'
    assert given['options'].get_dict() == {
        'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 4}, 'max_wallclock_seconds': 1800, 'withmpi': True,
        'queue_name': 'debug',
    }  # fmt: skip


def test_show(run_command):
    assert 'All 1 checks passed.' in run_command('check', '--show', store_check(report(GREEN)).pk).output
    assert '1 failed' in run_command('check', '--show', store_check(report(RED)).pk, fails=True).output


def test_show_of_a_check_without_report(run_command):
    node = store_check()
    assert 'gave no report' in run_command('check', '--show', node.pk, fails=True).output


def test_show_of_another_process(run_command):
    node = store_check(process_type='aiida.workflows:seimlip.active_learning')
    assert 'is no CheckWorkChain' in run_command('check', '--show', node.pk, fails=True).output


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((), 'Name a code to check'),
        (('{code}', '--options', '{"level": 7}'), '`level`'),
        (('{code}', '--options', 'none.yaml'), 'The file none.yaml cannot be read: No such file or directory'),
        (('{code}', '--options', '{"level": '), 'neither JSON nor YAML'),
        (('{code}', '--engine', 'siesta'), 'there are checks for lammps, mlip3'),
        (('{code}', '--parameters', '{"a": 1}'), 'Input `reference` is for reference programs'),
    ],
)
def test_wrong_arguments(run_command, code, arguments, message):
    lammps = code('seimlip.lammps', '/bin/true')
    output = run_command('check', *(part.replace('{code}', str(lammps.pk)) for part in arguments), fails=True).output
    assert message in ' '.join(output.split())

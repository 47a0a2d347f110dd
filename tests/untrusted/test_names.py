"""Names that hold what shells, LAMMPS, terminals and browsers take for something else."""

import io
import re
import shlex
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from aiida import orm
from aiida.common.escaping import escape_for_bash

from aiida_seimlip.cli.tables import plain
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.vasp import VaspLabelOptions
from aiida_seimlip.report.campaign.page import render
from aiida_seimlip.science.formats.lammps_input import LammpsFiles, LammpsMdSettings, write_input
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from tests.exchange.archive.conftest import work
from tests.report.synthetic import make_campaign

NAMES = ('two words', "o'clock", 'a "quote"', 'x; touch sprung', 'x\ntouch sprung', '$(touch sprung)', '`touch sprung`')
MARKUP = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"&$\\frac{x$'


class Tags(HTMLParser):
    """Gather tags and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def tags_of(page):
    parser = Tags()
    parser.feed(page)
    return parser


def test_report_shows_markup_as_text():
    """Titles, messages, names of starts, reasons, settings: whatever an archive of somebody else holds."""
    campaign = make_campaign(converged=False)
    hostile = replace(
        campaign, title=MARKUP, message=MARKUP, profile=MARKUP,
        explorations=tuple(replace(run, name=f'{MARKUP} {run.name}') for run in campaign.explorations),
        drops=tuple(replace(drop, reason=MARKUP, stage=MARKUP) for drop in campaign.drops),
        settings={MARKUP: {MARKUP: MARKUP}}, versions={MARKUP: MARKUP}, pointers={MARKUP: MARKUP}, notes=(MARKUP,),
    )  # fmt: skip
    found, usual = tags_of(render(hostile)), tags_of(render(campaign))
    assert found.tags <= usual.tags | {'details', 'summary', 'ul', 'li', 'h3', 'dl', 'dt', 'dd', 'div'}
    assert not {name for name in found.attributes if name.startswith('on')}
    assert 'alert(1)' in render(hostile)


@pytest.mark.parametrize('name', NAMES)
def test_start_with_a_strange_name_is_refused_at_submission(name, campaign_inputs, frames_li2co3):
    from aiida.engine.utils import instantiate_process
    from aiida.manage import get_manager

    inputs = {**campaign_inputs, 'structures': {name: frames_li2co3}, 'species': orm.List(['Li', 'C', 'O'])}
    with pytest.raises(ValueError, match=re.escape(f'Input `structures` holds the name {name!r}')):
        instantiate_process(get_manager().get_runner(), ActiveLearningWorkChain, **inputs)


@pytest.mark.parametrize('name', NAMES)
def test_names_in_lammps_input_are_refused(name):
    with pytest.raises(ValueError, match='is empty or has special characters'):
        LammpsFiles(potential=name)
    with pytest.raises(ValueError, match='which are not in the species list'):
        write_input(LammpsMdSettings(seed=1), ['Li'], masses={name: 1.0})


@pytest.mark.parametrize('value', ['Fast\nIBRION = 0', 'Fast; IBRION = 0', 'Fast # no', ['A', 'B\rNSW = 9'], 'a = b'])
def test_value_of_a_tag_cannot_set_another_one(value):
    """VASP reads a semicolon as the end of a line."""
    given = {'potential_family': 'x', 'incar': {'algo': value}}
    assert '`incar.algo` is ' in VaspLabelOptions.explain(given, 'parameters')
    given = {'potential_family': 'x', 'unlisted_tags': ['A; NSW'], 'incar': {'A; NSW': 9}}
    assert '`a; nsw` is no name of a tag' in VaspLabelOptions.explain(given, 'parameters')


def test_value_of_a_tag_may_hold_spaces():
    given = {'potential_family': 'x', 'incar': {'magmom': '4*1.0 2*-1.0', 'algo': 'Very Fast', 'rwigs': [1.0, 2.0]}}
    assert VaspLabelOptions.explain(given, 'parameters') is None


@pytest.mark.parametrize('name', NAMES)
def test_potential_file_of_any_name_has_a_fixed_name_in_the_job(
    name, code, load_potential, load_frames, generate_calc_job
):
    """What the node calls its file does not reach the command line."""
    given = load_potential('shared/l08_nbh_40.almtp')
    renamed = PotentialData(io.BytesIO(given.get_content(mode='rb')), name, species=given.species).store()
    frames = load_frames('shared/valid16.cfg').store()
    job = generate_calc_job(
        'seimlip.mlip3.evaluate', {'code': code('seimlip.mlip3.evaluate'), 'potential': renamed, 'frames': frames}
    )
    assert name not in job.command_line
    assert 'sprung' not in job.command_line


@pytest.mark.parametrize('name', NAMES)
def test_archive_prints_a_command_that_can_be_copied(name, run_command, tmp_path):
    campaign = work('ActiveLearningWorkChain', {'start': orm.Int(1).store()})
    path = tmp_path / f'{name}.aiida'
    output = run_command('archive', campaign.pk, path).output
    assert path.exists()
    command = output[output.index('  verdi archive import ') :].strip()
    assert shlex.split(command) == ['verdi', 'archive', 'import', str(path)]
    done = subprocess.run(
        ['bash', '-c', command.replace('verdi archive import', 'printf %s', 1)], capture_output=True, text=True,
        check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout == str(path)
    assert not (tmp_path / 'sprung').exists()


def test_labels_cannot_write_on_the_terminal(run_command, tmp_path):
    """A code of somebody else has a label that would print lines of its own."""
    label = 'code\n  people     nobody\x1b[2J'
    assert plain(label) == 'code\\n  people     nobody\\x1b[2J'
    note = orm.Dict({})
    note.source = {'license': label}
    campaign = work('ActiveLearningWorkChain', {'note': note.store()})
    output = run_command('archive', campaign.pk, tmp_path / 'x.aiida', '--dry-run').output
    assert '\x1b' not in output
    assert '1 code\\n  people     nobody\\x1b[2J' in output


@pytest.mark.parametrize('name', NAMES)
def test_arguments_of_jobs_are_quoted(name, tmp_path):
    """AiiDA quotes what we pass as arguments of a program: this is what the commands of `mlp` rely on."""
    done = subprocess.run(
        ['bash', '-c', f'printf %s {escape_for_bash(name)}'], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == name
    assert not (tmp_path / 'sprung').exists()

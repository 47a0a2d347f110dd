"""The page and the tables on starts."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from aiida.engine import run_get_node

from aiida_seimlip.report.pages import page_of, tables_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.science.structures.molecules import MOLECULES
from aiida_seimlip.workflows.starts.starts import StartsWorkChain


@pytest.fixture
def node(starts_inputs):
    """Return a WorkChain of three starts, of which one lost a fluorine and one did not come through."""
    fluorine = MOLECULES['LiPF6'].atoms.numbers.tolist().index(9)
    told = {'moves': {'1': {str(fluorine): [2.6, 2.6, 2.6]}}, 'failures': {'2': 'it flew apart'}}
    options = {'min_distance': 0.3, 'new_bonds': 'report', 'max_dropped': 0.5}
    return run_get_node(StartsWorkChain, **starts_inputs(options=options, **told))[1]


def test_page(node, tmp_path):
    """All starts are in the view that turns; what is doubtful is said; no script but that of the view may run."""
    assert node.is_finished_ok, node.exit_message
    text = render_page(page_of([node]))
    if os.environ.get('SEIMLIP_LOOK'):
        Path(os.environ['SEIMLIP_LOOK']).write_text(text, encoding='utf-8')
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)[1])
    assert [start['name'] for start in data['starts']] == ['alpha', 'beta', 'gamma']
    assert [[state['label'] for state in start['states']] for start in data['starts']] == [
        ['at the end', 'packed'], ['at the end', 'packed'], ['packed']
    ]  # fmt: skip
    state = data['starts'][0]['states'][0]
    assert len(state['atoms']) == len(state['positions']) == 14
    assert len(state['bonds']) == 6  # two carbonates
    assert set(data['elements']) == {'C', 'F', 'Li', 'O', 'P'}
    assert text.count('<script>') == 1
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", text)
    assert 'gamma is left out: It was not condensed: it flew apart.' in text
    assert '1 of 2 PF6 broke into 1 F, 1 F5P' in text
    assert 'Li–O: first peak at' in text


def test_tables(node):
    tables = {table.name: table for table in tables_of(node)}
    assert set(tables) == {'starts', 'broken_units'}
    lines = tables['starts'].to_csv().splitlines()
    assert lines[0].startswith('name,composition,n_atoms,packing,packed_density_g_per_cm3,density_g_per_cm3')
    assert [line.split(',')[-1] for line in lines[1:]] == ['passed', 'passed', 'failed']
    assert tables['broken_units'].to_csv().splitlines()[1:] == ['beta,PF6,2,1,"1 F, 1 F5P"']

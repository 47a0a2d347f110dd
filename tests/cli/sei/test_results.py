"""What ``aiida-seimlip sei`` leaves beside its tables."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.cli.clock import Clock
from aiida_seimlip.cli.sei.results import describe_next_steps, summarise, write_potentials

HOME = SimpleNamespace(path='home')


@pytest.fixture
def ended(potential_trained):
    """Return a function that makes a workflow that has returned a potential under the given names."""

    def factory(*names):
        node = orm.WorkChainNode().store()
        if not potential_trained.is_stored:
            potential_trained.store()
        for name in names:
            potential_trained.base.links.add_incoming(node, link_type=LinkType.RETURN, link_label=name)
        return node

    return factory


def test_each_potential_is_a_file(ended, potential_trained, tmp_path):
    write_potentials(ended('campaign__potential', 'potentials__level_8'), tmp_path)
    files = sorted((tmp_path / 'potentials').iterdir())
    assert [path.stem for path in files] == ['campaign', 'level_8']
    assert all(path.read_bytes() == potential_trained.get_content(mode='rb') for path in files)


def test_order_of_the_elements_is_told(ended, potential_trained):
    """A file of MLIP-3 numbers them, and does not name them."""
    node = ended('campaign__potential')
    assert f'--species {",".join(potential_trained.species)}' in describe_next_steps(node, HOME)
    assert summarise(node, None, Clock())['species'] == list(potential_trained.species)


def test_workflow_without_potentials(ended, tmp_path):
    node = ended()
    write_potentials(node, tmp_path)
    assert '--species' not in describe_next_steps(node, HOME)
    assert summarise(node, None, Clock())['species'] is None

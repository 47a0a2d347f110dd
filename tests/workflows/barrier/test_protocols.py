"""Protocols of migration barriers: every builder passes all checks."""

import sys

import numpy as np
import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.workflows.barrier.neb import NEBWorkChain


@pytest.fixture
def ends(li2co3):
    """Return both ends of the hop of a lithium ion into the vacancy next to it."""
    initial = li2co3.copy()
    hole = initial.positions[0].copy()
    del initial[0]
    lithium = [atom.index for atom in initial if atom.symbol == 'Li']
    final = initial.copy()
    distances = np.linalg.norm(initial.positions[lithium] - hole, axis=1)
    final.positions[lithium[int(np.argmin(distances))]] = hole
    return orm.StructureData(ase=initial), orm.StructureData(ase=final)


@pytest.fixture
def python(code):
    return code('seimlip.ase', sys.executable)


def test_there_are_three_protocols():
    protocols = NEBWorkChain.get_available_protocols()
    assert tuple(sorted(protocols)) == ('balanced', 'demo', 'paper')
    assert all(protocols.values())


@pytest.mark.parametrize('protocol', ['balanced', 'demo'])
def test_builder_is_valid(protocol, python, ends, potential_trained):
    builder = NEBWorkChain.get_builder_from_protocol(
        {'path': python, 'reference': python}, *ends, potential_trained, protocol=protocol,
        overrides={'options': {'n_images': 3}, 'path': {'parameters': {'processes': 2}}},
        scheduler_options={'max_wallclock_seconds': 60},
    )  # fmt: skip
    assert builder.options['n_images'] == 3
    assert builder.path['parameters']['processes'] == 2
    assert builder.path['options'].get_dict() == {'max_wallclock_seconds': 60}
    instantiate_process(get_manager().get_runner(), builder)


def test_paper_checks_with_vasp(python, vasp_code, ends, potential_trained):
    builder = NEBWorkChain.get_builder_from_protocol(
        {'path': python, 'reference': vasp_code}, *ends, potential_trained, protocol='paper'
    )
    assert builder.engines['reference'] == 'vasp'
    assert builder.reference['parameters']['functional'] == 'PBE'


def test_reference_may_be_left_out(python, ends, potential_trained):
    builder = NEBWorkChain.get_builder_from_protocol({'path': python}, *ends, potential_trained, protocol='demo')
    assert not builder.reference
    instantiate_process(get_manager().get_runner(), builder)


def test_missing_code_is_named(ends):
    with pytest.raises(ValueError, match='The code for `path` is missing'):
        NEBWorkChain.get_builder_from_protocol({}, *ends)


def test_calculator_needs_its_potential(python, ends):
    """The protocols name the calculator of moment tensor potentials: without a potential this is said at once."""
    builder = NEBWorkChain.get_builder_from_protocol({'path': python}, *ends, protocol='demo')
    with pytest.raises(ValueError, match='Input `potential` is missing: the calculator `mtp` needs one'):
        instantiate_process(get_manager().get_runner(), builder)

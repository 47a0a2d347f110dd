"""Interfaces of two crystals by several models."""

import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.interface.interface_results import InterfaceComparison
from aiida_seimlip.workflows.interface.interface import InterfaceWorkChain

TIGHT = {'fmax': 1e-4, 'max_steps': 500}
OPTIONS = {
    'film_thickness': 7.0, 'substrate_thickness': 7.0, 'vacuum': 12.0, 'minimum': TIGHT, 'relaxation_of_ions': TIGHT,
    'gaps': [1.4, 1.7, 2.0, 2.3], 'shift_spacing': 1.3, 'max_area': 8.0,
}  # fmt: skip


@pytest.fixture
def itself(emt, lennard_jones):
    """Run copper on copper with EMT and Lennard-Jones, and return the process with what it found."""
    structures = {'copper': FramesData.from_atoms([bulk('Cu', cubic=True)])}
    options = {**OPTIONS, 'film': 'copper', 'substrate': 'copper', 'reference': 'emt'}
    models = {'emt': emt, 'lj': lennard_jones(0.85)}
    outputs, node = run_get_node(InterfaceWorkChain, structures=structures, models=models, options=options)
    assert node.is_finished_ok, node.exit_message
    return node, outputs, InterfaceComparison.model_validate(outputs['properties'].get_dict())


def test_a_crystal_on_itself_costs_nothing(itself):
    node, outputs, found = itself
    (entry,) = found.interfaces
    print(entry.model_dump_json(indent=1))
    assert 0

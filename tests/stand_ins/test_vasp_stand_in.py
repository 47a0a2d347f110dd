"""The stand-in for VASP answers as ASE does in the files of VASP, stops where VASP stops, and fails as it is told."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from ase import Atoms, units
from ase.build import bulk

LENNARD_JONES = {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}


@pytest.fixture
def atoms() -> Atoms:
    """Return a displaced monoclinic cell of neon and argon, sorted by element."""
    atoms = bulk('Ar', a=5.3, cubic=True) * (2, 1, 1)
    atoms.symbols[:2] = 'Ne'
    cell = atoms.cell.array
    cell[2, 0] = 1.0
    atoms.set_cell(cell, scale_atoms=True)
    atoms.positions += np.random.default_rng(3).normal(scale=0.15, size=(8, 3))
    return atoms


INCAR = {'encut': 520, 'ismear': 0, 'sigma': 0.05, 'ediff': 1e-6, 'nelm': 60, 'lwave': False, 'lcharg': False}


def run_aiida(code, family, atoms, **incar):
    """Run the WorkChain of aiida-vasp."""
    from aiida.engine import run_get_node
    from aiida.plugins import WorkflowFactory

    builder = WorkflowFactory('vasp.vasp').get_builder()
    builder.code = code
    builder.structure = orm.StructureData(ase=atoms)
    builder.parameters = orm.Dict({'incar': {**INCAR, **incar}})
    builder.potential_family = family
    builder.potential_mapping = {symbol: symbol for symbol in set(atoms.symbols)}
    builder.kpoints_spacing = 0.35 / (2 * np.pi)
    builder.settings = orm.Dict(
        {'parser_settings': {'energy_type': ['energy_free', 'energy_extrapolated'], 'include_node': ['trajectory']}}
    )
    builder.calc.metadata.options = {
        'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}, 'max_wallclock_seconds': 600, 'withmpi': False,
    }  # fmt: skip
    builder.max_iterations = 1
    builder.clean_workdir = False
    return run_get_node(builder)


def test_single_point_aiida(vasp_code, potcar_family, atoms):
    """aiida-vasp gives back what ASE's calculator gives."""
    from ase.calculators.lj import LennardJones

    outputs, node = run_aiida(vasp_code, potcar_family, atoms)
    assert node.is_finished_ok, node.exit_message
    misc = outputs['misc'].get_dict()
    atoms.calc = LennardJones(**LENNARD_JONES)
    assert misc['total_energies']['energy_free'] == pytest.approx(atoms.get_potential_energy(), abs=1e-7)
    assert misc['total_energies']['energy_extrapolated'] == pytest.approx(
        atoms.get_potential_energy() + 0.004, abs=1e-7
    )
    np.testing.assert_allclose(misc['forces'], atoms.get_forces(), atol=1e-7)
    np.testing.assert_allclose(-0.1 * units.GPa * np.array(misc['stress']), atoms.get_stress(voigt=False), atol=1e-9)
    assert misc['run_status']['finished'] and misc['run_status']['electronic_converged']
    assert misc['notifications'] == []

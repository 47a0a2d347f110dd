"""aiida-vasp takes the stand-in for VASP for VASP."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from ase import units
from ase.calculators.lj import LennardJones

LENNARD_JONES = {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}

INCAR = {'encut': 520, 'ismear': 0, 'sigma': 0.05, 'ediff': 1e-6, 'nelm': 60, 'lwave': False, 'lcharg': False}


@pytest.fixture
def run_aiida(vasp_code, potcar_family, atoms):
    """Return a function that runs the WorkChain of aiida-vasp: ``run_aiida(**incar)``."""
    from aiida.engine import run_get_node
    from aiida.plugins import WorkflowFactory

    def factory(**incar):
        builder = WorkflowFactory('vasp.vasp').get_builder()
        builder.code = vasp_code
        builder.structure = orm.StructureData(ase=atoms)
        builder.parameters = orm.Dict({'incar': {**INCAR, **incar}})
        builder.potential_family = potcar_family
        builder.potential_mapping = {symbol: symbol for symbol in set(atoms.symbols)}
        builder.kpoints_spacing = 0.35 / (2 * np.pi)
        energies = ['energy_free', 'energy_extrapolated']
        builder.settings = orm.Dict({'parser_settings': {'energy_type': energies, 'include_node': ['trajectory']}})
        builder.calc.metadata.options = {
            'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}, 'max_wallclock_seconds': 600,
            'withmpi': False,
        }  # fmt: skip
        builder.max_iterations = 1
        return run_get_node(builder)

    return factory


def test_single_point(run_aiida, vasp_faults, atoms):
    """aiida-vasp gives back what ASE's calculator gives."""
    outputs, node = run_aiida()
    assert node.is_finished_ok, node.exit_message
    misc = outputs['misc'].get_dict()
    atoms.calc = LennardJones(**LENNARD_JONES)
    energy = atoms.get_potential_energy()
    assert misc['total_energies']['energy_free'] == pytest.approx(energy, abs=1e-7)
    assert misc['total_energies']['energy_extrapolated'] == pytest.approx(energy + 0.004, abs=1e-7)
    np.testing.assert_allclose(misc['forces'], atoms.get_forces(), atol=1e-7)
    np.testing.assert_allclose(-0.1 * units.GPa * np.array(misc['stress']), atoms.get_stress(voigt=False), atol=1e-9)
    assert misc['run_status']['finished'] and misc['run_status']['electronic_converged']
    assert misc['notifications'] == []
    assert [run['fault'] for run in vasp_faults.runs] == [None]


def test_dynamics(run_aiida, atoms):
    """The positions of aiida-vasp's trajectory are fractional, and wrapped, whatever `TrajectoryData` promises."""
    outputs, node = run_aiida(ibrion=0, nsw=6, potim=4.0, tebeg=80, smass=-3, isym=0)
    assert node.is_finished_ok, node.exit_message
    trajectory = outputs['trajectory']
    scaled = trajectory.get_array('positions')
    assert scaled.shape == (6, 8, 3)
    assert scaled.min() >= 0.0 and scaled.max() < 1.0
    assert (atoms.get_scaled_positions(wrap=False) < 0).any()
    np.testing.assert_allclose(scaled[0], atoms.get_scaled_positions(), atol=1e-7)
    energies = trajectory.get_array('energy_free')
    for step in range(6):
        frame = atoms.copy()
        frame.set_cell(trajectory.get_array('cells')[step])
        frame.set_scaled_positions(scaled[step])
        frame.calc = LennardJones(**LENNARD_JONES)
        assert energies[step] == pytest.approx(frame.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(trajectory.get_array('forces')[step], frame.get_forces(), atol=1e-6)
        stress = -0.1 * units.GPa * trajectory.get_array('stress')[step]
        np.testing.assert_allclose(stress, frame.get_stress(voigt=False), atol=1e-8)

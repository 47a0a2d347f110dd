"""The equations of state of crystals by several models."""

import pytest
from aiida.engine import run_get_node
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.units import GPa

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.crystal.results import EquationOfStateComparison
from aiida_seimlip.workflows.crystal.equation_of_state import EquationOfStateWorkChain
from tests.espresso.fixtures import FAMILY, SCHEDULER


def pressure(a):
    """Return the pressure of copper with a lattice parameter in GPa."""
    atoms = bulk('Cu', a=a)
    atoms.calc = EMT()
    return -atoms.get_stress()[:3].mean() / GPa


@pytest.mark.slow
def test_copper_against_its_pressure(emt):
    structures = {'copper': FramesData.from_atoms([bulk('Cu')])}
    options = {'extent': 0.02, 'ions': 'clamped', 'minimum': {'fmax': 1e-4}}
    outputs, node = run_get_node(EquationOfStateWorkChain, structures=structures, models={'emt': emt}, options=options)
    assert node.is_finished_ok, node.exit_message
    (crystal,) = EquationOfStateComparison.model_validate(outputs['properties'].get_dict()).crystals
    record = crystal.models['emt']
    a = (4.0 * record.volume_per_atom_angstrom3) ** (1 / 3)
    bulk_modulus = -a / 3.0 * (pressure(a + 1e-4) - pressure(a - 1e-4)) / 2e-4
    for fit in record.fits.values():
        assert fit.volume_per_atom_angstrom3 == pytest.approx(record.volume_per_atom_angstrom3, rel=1e-4)
        assert fit.bulk_modulus_gpa == pytest.approx(bulk_modulus, rel=5e-3)
    assert set(record.fits) == {'birch_murnaghan', 'vinet'}
    assert record.energies_per_atom_ev[3] == min(record.energies_per_atom_ev)
    assert not record.doubts


def test_models_of_other_lengths_and_depths(lennard_jones):
    """What is longer by 2 % has 6.1 % more volume, and what is twice as deep is twice as stiff."""
    structures = {'xenon': FramesData.from_atoms([bulk('Xe', a=4.4)])}
    models = {'lj': lennard_jones(), 'long': lennard_jones(1.02), 'deep': lennard_jones(epsilon=0.2)}
    options = {'reference': 'lj', 'ions': 'clamped', 'forms': ['vinet'], 'minimum': {'fmax': 1e-4}}
    outputs, node = run_get_node(EquationOfStateWorkChain, structures=structures, models=models, options=options)
    assert node.is_finished_ok, node.exit_message
    (crystal,) = EquationOfStateComparison.model_validate(outputs['properties'].get_dict()).crystals
    assert crystal.deviations['long']['vinet'].volume_percent == pytest.approx(100 * (1.02**3 - 1), abs=0.02)
    assert crystal.deviations['long']['vinet'].bulk_modulus_percent == pytest.approx(100 * (1.02**-3 - 1), abs=0.1)
    assert crystal.deviations['deep']['vinet'].bulk_modulus_percent == pytest.approx(100.0, abs=0.1)


def test_a_range_without_the_minimum_is_said(emt):
    structures = {'copper': FramesData.from_atoms([bulk('Cu', a=3.7)])}
    options = {'extent': 0.03, 'ions': 'clamped', 'minimum': None}
    outputs, node = run_get_node(EquationOfStateWorkChain, structures=structures, models={'emt': emt}, options=options)
    assert node.is_finished_ok, node.exit_message
    (crystal,) = EquationOfStateComparison.model_validate(outputs['properties'].get_dict()).crystals
    assert any('outside of the range of' in doubt for doubt in crystal.models['emt'].doubts)


@pytest.mark.slow
def test_lithium_fluoride_by_dft(pw_code, pseudo_family):
    """PBE gives 4.07 Å and 67 GPa: P. Haas, F. Tran and P. Blaha, Phys. Rev. B 79, 085104 (2009)."""
    structures = {'lif': FramesData.from_atoms([bulk('LiF', 'rocksalt', a=4.1)])}
    builder = EquationOfStateWorkChain.get_builder_from_protocol(
        {'reference': pw_code}, structures, engines={'dft': 'quantumespresso'},
        overrides={
            'options': {'extent': 0.03, 'n_points': 5, 'ions': 'clamped', 'minimum': None},
            'reference': {
                'options': SCHEDULER, 'max_concurrent': 2,
                'parameters': {'potential_family': FAMILY, 'ecutwfc': 90.0, 'kspacing': 0.35},
            },
        },
    )  # fmt: skip
    outputs, node = run_get_node(builder)
    assert node.is_finished_ok, node.exit_message
    found = EquationOfStateComparison.model_validate(outputs['properties'].get_dict())
    assert found.methods == {'dft': f'PBE/{FAMILY}'}
    fit = found.crystals[0].models['dft'].fits['birch_murnaghan']
    assert (8.0 * fit.volume_per_atom_angstrom3) ** (1 / 3) == pytest.approx(4.07, abs=0.01)
    assert fit.bulk_modulus_gpa == pytest.approx(67.0, abs=3.0)

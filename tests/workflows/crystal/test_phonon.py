"""The phonons of crystals by several models."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.crystal.results import PhononComparison
from aiida_seimlip.workflows.crystal.phonon import PhononWorkChain

OPTIONS = {
    'min_lengths': [7.0],
    'mesh': 20.0,
    'path_points': 5,
    'temperatures': [0.0, 2000.0],
    'minimum': {'fmax': 1e-4},
}


def highest_frequency(a, n=4, step=1e-3):
    """Return the highest frequency at X of aluminium in THz: planes that move against each other, frozen in."""
    atoms = bulk('Al', cubic=True, a=a).repeat((1, 1, n))
    pattern = np.zeros((len(atoms), 3))
    pattern[:, 2] = np.cos(2 * np.pi * atoms.positions[:, 2] / a)  # q = (0, 0, 2π/a)
    forces = []
    for sign in (1.0, -1.0):
        copy = atoms.copy()
        copy.positions += sign * step * pattern
        copy.calc = EMT()
        forces.append(copy.get_forces())
    stiffness = -np.sum((forces[0] - forces[1]) * pattern) / (2 * step) / np.sum(pattern**2)
    mass = atoms.get_masses()[0] * 1.66053907e-27
    return np.sqrt(stiffness * 1.602176634e-19 / 1e-20 / mass) / (2 * np.pi) * 1e-12


@pytest.mark.slow
def test_aluminium_against_frozen_phonons(emt):
    structures = {'aluminium': FramesData.from_atoms([bulk('Al')])}
    options = {**OPTIONS, 'min_lengths': [9.0, 12.0]}
    outputs, node = run_get_node(PhononWorkChain, structures=structures, models={'emt': emt}, options=options)
    assert node.is_finished_ok, node.exit_message
    (crystal,) = PhononComparison.model_validate(outputs['properties'].get_dict()).crystals
    record = crystal.models['emt']
    a = (4.0 * record.volume_per_atom_angstrom3) ** (1 / 3)
    ticks = {label: distance for distance, label in crystal.ticks}
    distances = outputs['curves'].get_array('crystal_0_emt_distances')
    frequencies = outputs['curves'].get_array('crystal_0_emt_frequencies')
    at_x = frequencies[np.argmin(abs(distances - ticks['X']))]
    assert at_x.max() == pytest.approx(highest_frequency(a), rel=2e-3)
    assert record.thermal.heat_capacities_ev_per_k_per_atom[1] == pytest.approx(3 * 8.617333e-5, rel=1e-2)
    assert record.thermal.imaginary_share == 0.0
    assert not record.doubts
    assert [one.n_atoms for one in record.convergence] == [64]
    assert record.convergence[0].rms_thz < 0.1
    calls = orm.QueryBuilder().append(orm.WorkChainNode, filters={'id': node.pk}).append(orm.CalcJobNode)
    assert calls.count() == 2


def test_models_against_a_reference(lennard_jones):
    """Of what is four times as deep, the frequencies are twice as high."""
    structures = {'xenon': FramesData.from_atoms([bulk('Xe', a=4.4)])}
    models = {'lj': lennard_jones(), 'deep': lennard_jones(epsilon=0.4)}
    outputs, node = run_get_node(
        PhononWorkChain, structures=structures, models=models, options={**OPTIONS, 'reference': 'lj'}
    )
    assert node.is_finished_ok, node.exit_message
    (crystal,) = PhononComparison.model_validate(outputs['properties'].get_dict()).crystals
    deviation = crystal.deviations['deep']
    assert deviation.highest_frequency_percent == pytest.approx(100.0, abs=0.5)
    assert deviation.zero_point_energy_percent == pytest.approx(100.0, abs=0.5)
    frequencies = outputs['curves'].get_array('crystal_0_lj_frequencies')
    assert 0.3 * frequencies.max() < deviation.rms_thz < frequencies.max()


def test_an_unstable_crystal_is_said(lennard_jones):
    structures = {'cubic': FramesData.from_atoms([bulk('Xe', 'sc', a=2.9)])}
    options = {**OPTIONS, 'minimum': None}
    outputs, node = run_get_node(
        PhononWorkChain, structures=structures, models={'lj': lennard_jones()}, options=options
    )
    assert node.is_finished_ok, node.exit_message
    (crystal,) = PhononComparison.model_validate(outputs['properties'].get_dict()).crystals
    record = crystal.models['lj']
    assert record.imaginary[0].lowest_frequency_thz < -0.1
    assert record.n_imaginary_points >= len(record.imaginary) > 1
    assert record.thermal.imaginary_share > 0.1
    assert any('imaginary modes at' in doubt for doubt in record.doubts)
    assert any('Thermal properties leave out' in doubt for doubt in record.doubts)


def test_a_crystal_without_phonons_costs_nothing_of_the_others(emt):
    """A mesh of Γ alone has no modes for one atom, and some for four."""
    structures = {
        'primitive': FramesData.from_atoms([bulk('Cu')]),
        'whole': FramesData.from_atoms([bulk('CuAu', 'rocksalt', a=5.0)]),
    }  # fmt: skip
    options = {**OPTIONS, 'mesh': 1.0, 'minimum': None, 'min_lengths': [4.0]}
    outputs, node = run_get_node(PhononWorkChain, structures=structures, models={'emt': emt}, options=options)
    assert node.is_finished_ok, node.exit_message
    one, other = PhononComparison.model_validate(outputs['properties'].get_dict()).crystals
    assert 'no modes but the acoustic ones' in one.models['emt'].failure
    assert other.models['emt'].failure is None


def test_too_large_a_supercell_is_refused(emt):
    structures = {'copper': FramesData.from_atoms([bulk('Cu')])}
    with pytest.raises(ValueError, match='for the crystal `copper`: A supercell of 80 Å holds 59319 atoms'):
        run_get_node(PhononWorkChain, structures=structures, models={'emt': emt}, options={'min_lengths': [80.0]})

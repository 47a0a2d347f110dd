"""What is computed with a MACE potential, for real: random weights, with which a crystal holds together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.track import load_track
from aiida_seimlip.functions.audit import compare_start
from aiida_seimlip.options.barrier.results import BarrierRecord
from aiida_seimlip.options.crystal.results import (
    ElasticComparison,
    EquationOfStateComparison,
    LatticeComparison,
    PhononComparison,
)
from aiida_seimlip.options.models.comparison_results import EvaluationComparison
from aiida_seimlip.options.transport.results import DiffusivityResults, ParityRecord
from tests.mace_models.fixtures import PYTHON, needs_mace

pytestmark = [needs_mace, pytest.mark.slow]

SEED = 21
"""Of the weights with which rock salt has a minimum near 4.4 Å, and all atoms are held in their places."""

SPECIES = ('Li', 'F')
CALCULATOR = {'calculator': {'name': 'mace'}}


@pytest.fixture
def potential(mace_potential):
    return mace_potential(SPECIES, (SEED,))


@pytest.fixture
def model(mace_code, potential):
    """Return a model as workflows that compare several take it."""
    return {'code': mace_code, 'parameters': orm.Dict(CALCULATOR), 'potential': potential}


@pytest.fixture
def mace_lammps(code):
    """Return ``seimlip-lmp`` beside the interpreter that has mace-torch."""
    return code('seimlip.lammps', str(Path(PYTHON).with_name('seimlip-lmp')))


def crystals():
    return {'salt': FramesData.from_atoms([bulk('LiF', 'rocksalt', 4.4)])}


def run(name, **inputs):
    outputs, node = run_get_node(WorkflowFactory(f'seimlip.{name}'), **inputs)
    assert node.is_finished_ok, node.exit_message
    return outputs


def test_crystal_properties_agree_with_each_other(model):
    """The volume by relaxation and by the equation of state, and the bulk modulus by it and by the stiffness."""
    models, minimum = {'mace': model}, {'fmax': 1e-4}
    given = {'structures': crystals(), 'models': models}
    relaxed = run('relax', **given, options={'minimum': minimum})
    (lattice,) = LatticeComparison.model_validate(relaxed['properties'].get_dict()).crystals
    assert lattice.models['mace'].is_converged
    volume = lattice.models['mace'].volume_per_atom_angstrom3

    curve = run('eos', **given, options={'extent': 0.03, 'ions': 'clamped', 'minimum': minimum})
    (found,) = EquationOfStateComparison.model_validate(curve['properties'].get_dict()).crystals
    fit = found.models['mace'].fits['vinet']
    assert fit.volume_per_atom_angstrom3 == pytest.approx(volume, rel=1e-3)

    stiff = run('elastic', **given, options={'ions': ['clamped'], 'minimum': minimum})
    (elastic,) = ElasticComparison.model_validate(stiff['properties'].get_dict()).crystals
    matrix = np.array(elastic.models['mace'].stiffness['clamped'].matrix_gpa)
    bulk_modulus = matrix[:3, :3].mean()  # of Voigt
    assert fit.bulk_modulus_gpa == pytest.approx(bulk_modulus, rel=0.03)

    phonons = run('phonon', **given, options={'min_lengths': [7.0], 'mesh': 20.0, 'path_points': 5, 'minimum': minimum})
    (dispersion,) = PhononComparison.model_validate(phonons['properties'].get_dict()).crystals
    assert dispersion.models['mace'].failure is None
    assert dispersion.models['mace'].volume_per_atom_angstrom3 == pytest.approx(volume, rel=1e-3)


def test_evaluation_of_the_same_and_of_other_weights(model, mace_potential):
    """The same weights agree with themselves, others do not."""
    atoms = bulk('LiF', 'rocksalt', 4.4, cubic=True)
    atoms.rattle(0.05, seed=1)
    other = {**model, 'potential': mace_potential(SPECIES, (3,))}
    outputs = run(
        'evaluate', frames={'set': FramesData.from_atoms([atoms, atoms])},
        models={'first': model, 'again': model, 'other': other},
        options={'reference': 'first', 'n_resamples': 100, 'seed': 5},
    )  # fmt: skip
    found = EvaluationComparison.model_validate(outputs['properties'].get_dict()).models
    assert found['again'].total.force_ev_per_angstrom.rmse.value < 1e-9
    assert found['other'].total.force_ev_per_angstrom.rmse.value > 1e-3


def test_band_between_sites_that_are_alike(model, potential):
    """A vacancy of lithium hops to a neighbour's place: both ways are of one height."""
    crystal = bulk('LiF', 'rocksalt', 4.4, cubic=True)
    lithium = np.flatnonzero(crystal.symbols == 'Li')
    first = crystal.copy()
    del first[lithium[0]]  # the atom that moves is now at the place of `lithium[1] - 1`
    second = first.copy()
    second.positions[lithium[1] - 1] = crystal.positions[lithium[0]]
    outputs = run(
        'neb', initial=FramesData.from_atoms([first]), final=FramesData.from_atoms([second]), potential=potential,
        options={'n_images': 3, 'relax': {'fmax': 0.01}},
        path={'code': model['code'], 'parameters': orm.Dict({**CALCULATOR, 'fmax': 0.3})},  # of forces of many eV/Å
    )  # fmt: skip
    found = BarrierRecord.model_validate(outputs['barrier'].get_dict())
    assert found.is_converged
    assert found.forward == pytest.approx(found.backward, abs=2e-3)
    assert found.forward > 0.0


DYNAMICS = {
    'timestep': 1.0, 'equilibration_steps': 10, 'production_steps': 100, 'track_every': 2, 'dump_every': 50,
    'thermo_every': 5,
}  # fmt: skip
OPTIONS = {
    'seed': 3, 'mobile': ['Li'], 'temperatures': [300.0], 'dynamics': DYNAMICS,
    'rdf': {'kinds': 'element', 'cutoff': 4.0},
}  # fmt: skip


def salt():
    atoms = bulk('LiF', 'rocksalt', 4.4, cubic=True)
    atoms.rattle(0.03, seed=1)
    return FramesData.from_atoms([atoms])


def test_diffusivity_by_lammps_that_mace_confirms(model, mace_lammps, potential):
    outputs, node = run_get_node(
        WorkflowFactory('seimlip.diffusivity'), structure=salt(), potential=potential,
        options={**OPTIONS, 'dynamics': {**DYNAMICS, 'ensemble': 'npt_iso'}}, engines={'dynamics': 'lammps'},
        dynamics={'code': mace_lammps, 'parameters': orm.Dict({'dialect': 'auto'})},
        evaluation={'mace': {'code': model['code'], 'parameters': orm.Dict(CALCULATOR)}},
    )  # fmt: skip
    assert 'diffusivity' in outputs, node.exit_message
    parity = ParityRecord.model_validate(outputs['parity'].get_dict())
    assert parity.is_equal
    assert "MACE's own" in parity.message
    assert parity.energy_difference < 1e-10
    assert parity.forces_difference < 1e-9
    found = DiffusivityResults.model_validate(outputs['diffusivity'].get_dict())
    assert [run.outcome for point in found.points for run in point.replicas] == ['completed']
    jobs = [job for job in node.called_descendants if job.process_label == 'LammpsCalculation']
    assert {job.inputs.parameters['dialect'] for job in jobs} == {'mace'}
    (track,) = outputs['tracks'].values()
    assert len(load_track(track).positions) == 51


def test_diffusivity_by_ase(model, potential):
    outputs, node = run_get_node(
        WorkflowFactory('seimlip.diffusivity'), structure=salt(), potential=potential, options=OPTIONS,
        engines={'dynamics': 'ase'}, dynamics={'code': model['code'], 'parameters': orm.Dict(CALCULATOR)},
    )  # fmt: skip
    assert 'diffusivity' in outputs, node.exit_message
    found = DiffusivityResults.model_validate(outputs['diffusivity'].get_dict())
    assert [run.outcome for point in found.points for run in point.replicas] == ['completed']
    assert 'parity' not in outputs


def test_committee_explores_in_lammps(mace_lammps, mace_potential):
    """The spread of three sets of random weights ends the run, and what it met is a candidate."""
    outputs, node = run_get_node(
        WorkflowFactory('seimlip.exploration.lammps'), structure=salt(), code=mace_lammps,
        potential=mace_potential(SPECIES, (1, 2, SEED), deviation_scale=2.0),
        parameters={
            'temperature': 600.0, 'n_steps': 20, 'seed': 4, 'dialect': 'auto', 'threshold_save': 1e-4,
            'threshold_break': 2e-4, 'dump_every': 5, 'thermo_every': 1,
        },
    )  # fmt: skip
    assert node.is_finished_ok, node.exit_message
    assert outputs['results']['outcome'] == 'broke'
    grades = outputs['candidates'].get_frames().grades
    assert grades[-1] == pytest.approx(outputs['results']['highest_grade'], rel=1e-4)
    assert grades[-1] > 2e-4


def test_what_is_not_the_same_is_told(mace_potential, make_frames):
    """A program that is off by 2 meV/Å is refused; in single precision the energy alone has more room."""
    frames = make_frames(1, labelled=True).get_frames()
    results = orm.Dict({'mean_pressure': None})

    def compare(potential, *, forces=0.0, energies=0.0):
        shifted = frames.replace(forces=frames.forces + forces, energies=frames.energies + energies * frames.sizes)
        nodes = (FramesData(shifted), results, FramesData(frames))
        return ParityRecord.model_validate(compare_start(orm.Dict({}), potential, *nodes).get_dict())

    double = mace_potential(SPECIES, (SEED,))
    single = mace_potential(SPECIES, (SEED,))
    single.base.attributes.set('dtype', 'float32')
    assert not compare(double, forces=2e-3).is_equal
    assert not compare(single, forces=2e-3).is_equal
    assert not compare(double, energies=5e-5).is_equal
    assert compare(single, energies=5e-5).is_equal

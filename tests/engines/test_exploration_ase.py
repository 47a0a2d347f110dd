"""Exploration with a committee of MACE models: parity, breaks, and what is refused."""

import sys

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.calculations.md_explore import MdExploreCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.engines.exploration import repeats
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.testing import world
from tests.mace_models.fixtures import needs_mace

from .test_handlers import PARAMETERS, frames, make, results, run_next

CONDITIONS = {
    'temperature': 300.0, 'timestep': 2.0, 'n_steps': 20, 'seed': 5, 'dump_every': 5, 'thermo_every': 5,
    'grade_every': 2, 'threshold_save': 0.0, 'threshold_break': 1e6,
}  # fmt: skip


@pytest.fixture
def committee(mace_potential):
    return mace_potential(('Ne', 'Ar'), (1, 2, 3), deviation_scale=2.0).store()


def explore(code, potential, **changes):
    start = FramesData(Frames.from_atoms([world.image(1)]))
    parameters = orm.Dict({**CONDITIONS, **changes})
    inputs = {'code': code, 'structure': start, 'potential': potential, 'parameters': parameters}
    return run_get_node(load_engine('exploration', 'ase'), **inputs)


@needs_mace
@pytest.mark.slow
class TestWithMace:
    def test_first_frame_is_what_mace_itself_says(self, mace_code, committee):
        """Energy and forces of a job of single points, and the grade from their members, by another script."""
        outputs, node = explore(mace_code, committee, n_steps=0)
        assert node.is_finished_ok, node.exit_message
        job = node.called[0]
        start = FramesData(Frames.from_atoms([world.image(1)]))
        reference = load_engine('reference', 'ase')
        parameters = orm.Dict({'calculator': {'name': 'mace', 'method_label': 'test'}})
        members = []
        for potential in (committee, *(_single(committee, i) for i in range(3))):
            found, _ = run_get_node(reference, code=mace_code, frames=start, parameters=parameters, potential=potential)
            members.append(found['frames'].get_frames())
        mean, singles = members[0], members[1:]
        np.testing.assert_allclose(outputs['trajectory'].get_frames().forces, mean.forces, atol=1e-12)
        energy = job.outputs.thermo.get_array('potential_energy')[0]
        assert energy == pytest.approx(float(mean.energies[0]), abs=1e-9)
        assert energy == pytest.approx(np.mean([float(one.energies[0]) for one in singles]), abs=1e-9)
        spread = np.sqrt(np.var([one.forces for one in singles], axis=0, ddof=1).sum(axis=1)).max()
        assert outputs['results']['highest_grade'] == pytest.approx(2.0 * spread, rel=1e-9)

    def test_a_run_breaks_and_keeps_candidates(self, mace_code, committee):
        outputs, _ = explore(mace_code, committee)
        highest = outputs['results']['highest_grade']
        grades = outputs['candidates'].get_frames().grades
        assert outputs['candidates'].get_frames().origin_steps.tolist() == list(range(0, 21, 2))
        assert outputs['results']['outcome'] == 'completed'
        for name in ('trajectory', 'candidates'):
            assert {'energies', 'forces'} <= set(outputs[name].get_arraynames())
            assert outputs[name].n_predicted == outputs[name].n_frames
        assert highest == pytest.approx(grades.max())
        threshold = 0.5 * (grades[0] + highest)
        assert grades[0] < threshold
        outputs, node = explore(mace_code, committee, threshold_break=threshold)
        found = outputs['results'].get_dict()
        assert node.is_finished_ok
        assert found['outcome'] == 'broke'
        assert found['n_steps'] == outputs['candidates'].get_frames().origin_steps[-1] < 20
        assert outputs['candidates'].get_frames().grades[-1] > threshold
        assert 'final' not in outputs


def _single(committee, index):
    return PotentialData.from_mace([committee.get_members()[index]], species=committee.species, cutoff=committee.cutoff)


@pytest.fixture
def inputs(code):
    return {
        'code': code('seimlip.ase', sys.executable), 'structure': FramesData(Frames.from_atoms([world.image(1)])),
        'parameters': orm.Dict(CONDITIONS),
    }  # fmt: skip


def test_no_committee_is_refused(inputs, potential):
    engine = load_engine('exploration', 'ase')
    fault = next(engine.faults_of_call({**inputs, 'potential': potential}))
    assert 'only a committee of two members at least can be graded' in fault
    fault = next(engine.faults_of_call({**inputs, 'selection_mode': 'nbh'}))
    assert 'will be no committee' in fault
    assert next(engine.faults_of_call({**inputs, 'selection_mode': 'committee'}), None) is None
    with pytest.raises(ValueError, match='only a committee'):
        run_get_node(MdExploreCalculation, **inputs, potential=potential)


def test_endings_have_the_same_status_for_all_programs():
    names = {
        'BREAKING_THRESHOLD_EXCEEDED': repeats.BROKE, 'ERROR_CRASHED': repeats.CRASHED,
        'ERROR_OUT_OF_WALLTIME': repeats.OUT_OF_WALLTIME, 'ERROR_INTERRUPTED': repeats.INTERRUPTED,
        'ERROR_OUTPUT_MISSING': repeats.OUTPUT_MISSING,
    }  # fmt: skip
    for job in (LammpsCalculation, MdExploreCalculation):
        assert {name: job.spec().exit_codes[name].status for name in names} == {
            name: code.status for name, code in names.items()
        }
    assert LammpsCalculation.spec().exit_codes.ERROR_CANDIDATES_MISSING.status == repeats.CANDIDATES_MISSING.status


@needs_mace
def test_handlers_are_those_of_lammps(mace_code, mace_potential):
    """A crash is answered by smaller steps, a break ends the run well."""
    potential = mace_potential(('Ne', 'Ar'), (1, 2)).store()
    parameters = orm.Dict({**PARAMETERS, 'grade_every': 3})
    process = make(
        'exploration', 'ase', code=mace_code, structure=frames(1), potential=potential, parameters=parameters
    )
    outputs = {'results': results('crashed', 40, None, 2), 'candidates': frames(2, seed=1)}
    run_next(process, MdExploreCalculation, 'ERROR_CRASHED', **outputs)
    changed = process.ctx.inputs.parameters
    assert (changed['timestep'], changed['n_steps'], changed['grade_every']) == (1.0, 200, 3)
    outputs = {'results': results('broke', 40, 9.0, 1), 'candidates': frames(1, seed=2, grades=np.array([9.0]))}
    run_next(process, MdExploreCalculation, 'BREAKING_THRESHOLD_EXCEEDED', **outputs)
    assert not process.should_run_process()
    process.results()
    assert process.outputs['results']['outcome'] == 'broke'
    assert process.outputs['candidates'].n_frames == 3

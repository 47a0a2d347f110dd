"""The errors of models on a test set: sums that are done by hand, origins, and what fails."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.models.evaluate import measure_errors
from aiida_seimlip.functions.models.sampling import gather_frames
from aiida_seimlip.options.models.comparison_results import EvaluationComparison, SamplePlan
from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.analysis.parity import find_parity
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade
from aiida_seimlip.workflows.models.evaluate import EvaluateWorkChain

SAMPLING = {
    'temperatures': [20.0, 40.0], 'frames_per_run': 3, 'equilibration_steps': 10, 'steps_between_frames': 8,
    'timestep': 5.0, 'max_concurrent': 3,
}  # fmt: skip
OPTIONS = {'reference': 'shallow', 'sampling': SAMPLING, 'n_resamples': 200, 'seed': 5, 'n_worst': 4}
RUNS = {}


@pytest.fixture
def sampled(lennard_jones, dynamics, argon, neon):
    """Return outputs and node of a run of two starts at two temperatures, which is done once."""
    if 'sampled' not in RUNS:
        models = {'shallow': lennard_jones(), 'deep': lennard_jones(1.1), 'same': lennard_jones()}
        RUNS['sampled'] = run_get_node(
            EvaluateWorkChain, structures={'argon': argon, 'neon': neon}, models=models, options=OPTIONS, **dynamics
        )
    return RUNS['sampled']


@pytest.fixture
def comparison(sampled):
    return EvaluationComparison.model_validate(sampled[0]['properties'].get_dict())


def test_one_job_a_model(sampled):
    _, node = sampled
    assert node.is_finished_ok, node.exit_message
    labels = [child.base.links.get_incoming().all() for child in node.called]
    names = [link.link_label for links in labels for link in links if link.link_type.value.startswith('call')]
    assert sum(name.startswith('evaluation_') for name in names) == 3
    assert sum(name.startswith('T00') for name in names) == 4


def test_errors_are_a_tenth_of_the_reference(sampled, comparison):
    """Energies and forces of the deeper model are 1.1 times those of the reference."""
    reference = sampled[0]['frames']['shallow'].get_frames()
    energies, forces = reference.energies / reference.sizes, reference.forces
    deep = comparison.models['deep']
    total = deep.total
    assert (total.n_frames, deep.n_frames, comparison.n_frames) == (12, 12, 12)
    assert total.energy_mev_per_atom.rmse.value == pytest.approx(100.0 * np.sqrt(np.mean(energies**2)), rel=1e-6)
    assert total.energy_mev_per_atom.mae.value == pytest.approx(100.0 * np.mean(np.abs(energies)), rel=1e-6)
    assert deep.energy_bias_mev_per_atom == pytest.approx(100.0 * np.mean(energies), rel=1e-6)
    assert deep.energy_scatter_mev_per_atom == pytest.approx(100.0 * np.std(energies), rel=1e-6)
    explained = 1.0 - 0.01 * np.sum(energies**2) / np.sum((energies - energies.mean()) ** 2)
    assert total.energy_mev_per_atom.r_squared.value == pytest.approx(explained, rel=1e-6)
    assert total.force_ev_per_angstrom.rmse.value == pytest.approx(0.1 * np.sqrt(np.mean(forces**2)), rel=1e-6)
    explained = 1.0 - 0.01 * np.sum(forces**2) / np.sum((forces - forces.mean()) ** 2)
    assert total.force_ev_per_angstrom.r_squared.value == pytest.approx(explained, rel=1e-6)
    assert total.force_ev_per_angstrom.largest == pytest.approx(0.1 * np.abs(forces).max(), rel=1e-6)
    neon = forces[reference.numbers == 10]
    of_neon = deep.force_by_element_ev_per_angstrom['Ne']
    assert of_neon.rmse.value == pytest.approx(0.1 * np.sqrt(np.mean(neon**2)), rel=1e-6)


def test_errors_of_parts(sampled, comparison):
    reference = sampled[0]['frames']['shallow'].get_frames()
    plan = SamplePlan.model_validate(sampled[0]['plan'].get_dict())
    deep = comparison.models['deep']
    parts = {
        'temperature': (deep.by_temperature_k, [f'{frame.temperature_k:g}' for frame in plan.frames], {'20', '40'}),
        'source': (deep.by_source, [frame.source for frame in plan.frames], {'argon', 'neon'}),
        'formula': (deep.by_formula, reference.formulas, {'Ar4', 'Ne8'}),
    }
    for found, labels, names in parts.values():
        assert set(found) == names
        for name, part in found.items():
            frames = reference[[index for index, label in enumerate(labels) if label == name]]
            assert part.n_frames == len(frames) == 6
            assert part.force_ev_per_angstrom.rmse.value == pytest.approx(
                0.1 * np.sqrt(np.mean(frames.forces**2)), rel=1e-6
            )


def test_interval_is_that_of_the_bootstrap(sampled, comparison):
    frames = {name: node.get_frames() for name, node in sampled[0]['frames'].items()}
    parity = find_parity(frames['shallow'], frames['deep'], seed=5, n_resamples=200)
    found = comparison.models['deep'].total.force_ev_per_angstrom.rmse
    assert (found.low, found.high) == pytest.approx(parity.total.force_component.rmse[1:], rel=1e-9)
    assert found.low < found.value < found.high


def test_the_same_model_has_no_errors(comparison):
    same = comparison.models['same']
    assert same.total.energy_mev_per_atom.rmse.value == 0.0
    assert same.total.force_ev_per_angstrom.largest == 0.0
    assert same.total.force_ev_per_angstrom.r_squared.value == 1.0


def test_frames_know_their_run(sampled):
    """Every frame is that frame of the trajectory that the plan names, after the equilibration, in equal steps."""
    outputs, _ = sampled
    plan = SamplePlan.model_validate(outputs['plan'].get_dict())
    trajectories = {node.uuid: (key, node.get_frames()) for key, node in outputs['trajectories'].items()}
    evaluated = outputs['frames']['shallow'].get_frames()
    for frame in plan.frames:
        uuid, _, index = frame.origin.partition(':')
        key, frames = trajectories[uuid]
        assert frame.run == key
        assert key.endswith(frame.source)
        assert np.allclose(frames[int(index)].positions, evaluated[frame.index].positions, atol=1e-9)
        assert int(frames.origin_steps[int(index)]) == frame.step > 10
        assert str(evaluated.origin_uuids[frame.index]) == uuid
    steps = [frame.step for frame in plan.frames if frame.run == plan.runs[0].key]
    assert steps == [16, 24, 32]
    assert len({run.seed for run in plan.runs}) == 4


def test_worst_frames_come_first_with_their_origin(sampled, comparison):
    reference = sampled[0]['frames']['shallow'].get_frames()
    sizes = [np.sqrt(np.mean(frame.forces**2)) for frame in reference]
    worst = comparison.models['deep'].worst
    assert [frame.index for frame in worst] == list(np.argsort(sizes)[::-1][:4])
    for frame in worst:
        assert frame.force_rms_ev_per_angstrom == pytest.approx(0.1 * sizes[frame.index], rel=1e-6)
        energy = reference.energies[frame.index] / reference.sizes[frame.index]
        assert frame.energy_error_mev_per_atom == pytest.approx(100.0 * energy, rel=1e-6)
        assert frame.origin.partition(':')[0] in {node.uuid for node in sampled[0]['trajectories'].values()}


def test_doubts_of_the_sampled(comparison):
    assert any('fewer than 20 frames' in doubt for doubt in comparison.doubts)
    assert any('shift' in doubt for doubt in comparison.models['deep'].doubts)
    assert not any('shift' in doubt for doubt in comparison.models['same'].doubts)


def test_labels_as_the_reference(lennard_jones, sampled):
    """Nothing is computed twice: the labels of the run before serve, and one frame without is named."""
    labelled = sampled[0]['frames']['shallow'].get_frames()
    bare = labelled[3].without_labels()
    given = FramesData(Frames.concatenate([labelled[:3], bare]))
    options = {'reference': 'labels', 'seed': 1, 'n_resamples': 100}
    outputs, node = run_get_node(
        EvaluateWorkChain, frames={'before': given}, models={'deep': lennard_jones(1.1)}, options=options
    )
    assert node.is_finished_ok, node.exit_message
    found = EvaluationComparison.model_validate(outputs['properties'].get_dict())
    forces = labelled[:3].forces
    total = found.models['deep'].total
    assert found.models['deep'].n_frames == 3
    assert total.force_ev_per_angstrom.rmse.value == pytest.approx(0.1 * np.sqrt(np.mean(forces**2)), rel=1e-6)
    assert found.models['deep'].by_temperature_k == {}
    assert any('1 of 4 frames' in doubt for doubt in found.doubts)
    assert found.sampled_by is None
    assert sum(isinstance(child, orm.CalcJobNode) for child in node.called) == 1


def test_a_frame_that_fails_is_named_and_costs_only_itself(python, argon):
    """EMT knows copper, not xenon: the frame of xenon is lost; so is a model that does not run."""
    from ase.build import bulk

    images = [bulk('Cu', cubic=True) for _ in range(3)] + [bulk('Xe', cubic=True)]
    for index, atoms in enumerate(images):
        atoms.rattle(0.05, seed=index)
    given = FramesData.from_atoms(images)
    emt = {'code': python, 'parameters': orm.Dict({'calculator': {'name': 'emt'}})}
    engine = {
        'engine': orm.Str('ase'), 'code': python, 'parameters': orm.Dict({'calculator': {'name': 'lj'}}),
    }  # fmt: skip
    missing = {'code': python, 'parameters': orm.Dict({'calculator': {'name': 'nowhere:Calculator'}})}
    models = {'emt': emt, 'lj': engine, 'missing': missing}
    options = {'reference': 'lj', 'seed': 1, 'n_resamples': 100}
    outputs, node = run_get_node(EvaluateWorkChain, frames={'mixed': given}, models=models, options=options)
    assert node.exit_status == EvaluateWorkChain.exit_codes.ERROR_MODEL_FAILED.status
    assert '`missing`' in node.exit_message
    found = EvaluationComparison.model_validate(outputs['properties'].get_dict())
    assert found.models['missing'].failure
    assert set(found.problems) == {'missing'}
    record = found.models['emt']
    (failed,) = record.failed_frames
    assert (failed.index, failed.formula, failed.source, failed.origin) == (3, 'Xe4', 'mixed', f'{given.uuid}:3')
    assert 'Xe' in failed.reason
    assert (record.n_frames, set(record.by_formula)) == (3, {'Cu4'})
    reference, predicted = (outputs['frames'][name].get_frames()[:3] for name in ('lj', 'emt'))
    rmse = np.sqrt(np.mean((predicted.forces - reference.forces) ** 2))
    assert record.total.force_ev_per_angstrom.rmse.value == pytest.approx(rmse, rel=1e-9)


def test_a_potential_on_labelled_frames(python, frames_labelled, potential_trained):
    """The errors are those that the package finds by itself, and the grades those of the potential."""
    potential_trained.store()
    models = {'grown': {
        'code': python, 'potential': potential_trained, 'parameters': orm.Dict({'calculator': {'name': 'mtp'}}),
    }}  # fmt: skip
    outputs, node = run_get_node(
        EvaluateWorkChain, frames={'held_out': frames_labelled}, models=models,
        options={'reference': 'labels', 'seed': 1, 'n_resamples': 100},
    )  # fmt: skip
    assert node.is_finished_ok, node.exit_message
    record = EvaluationComparison.model_validate(outputs['properties'].get_dict()).models['grown']
    frames, mtp = frames_labelled.get_frames(), potential_trained.get_mtp()
    errors = compute_errors(frames, evaluate(mtp, frames))
    assert record.total.energy_mev_per_atom.rmse.value == pytest.approx(1000 * errors.energy_per_atom.rms, rel=1e-5)
    assert record.total.force_ev_per_angstrom.rmse.value == pytest.approx(errors.force_component.rms, rel=1e-5)
    assert record.highest_grade == pytest.approx(grade(mtp, frames).frame.max(), rel=1e-6)
    assert record.n_learned is None
    assert outputs['frames']['grown'].n_predicted == 16


def jobs_of(frames, indices):
    """Return what a job has left that has finished some of labelled frames."""
    left = {str(index): 'lost' for index in range(len(frames)) if index not in indices}
    return {'evaluation': {
        'labelled': FramesData(frames[list(indices)]), 'results': orm.Dict({'indices': list(indices)}),
        'failures': orm.Dict(left),
    }}  # fmt: skip


@pytest.mark.parametrize(('is_common', 'counts'), [(True, (14, 14, 0)), (False, (15, 15, 0))])
def test_frames_in_common(frames_labelled, is_common, counts):
    """A model that has evaluated nothing takes no frames from the others."""
    frames = frames_labelled.get_frames()
    options = {**OPTIONS, 'common_frames': is_common}
    plan = gather_frames(orm.Dict(options), orm.Dict({}), orm.Dict({}), given={'all': frames_labelled})
    models = {
        'shallow': jobs_of(frames, range(16)), 'first': jobs_of(frames, range(15)),
        'last': jobs_of(frames, range(1, 16)), 'none': {'problem': orm.Str('it did not run')},
    }  # fmt: skip
    measured = measure_errors(orm.Dict(options), plan['plan'], plan['frames'], models=models)
    found = EvaluationComparison.model_validate(measured['properties'].get_dict())
    assert tuple(found.models[name].n_frames for name in ('first', 'last', 'none')) == counts
    assert [frame.index for frame in found.models['last'].failed_frames] == [0]
    assert found.models['none'].failure == 'it did not run'
    assert any('2 frames that a model has not evaluated' in doubt for doubt in found.doubts) == is_common


def test_frames_that_were_learned_from_are_counted(frames_labelled):
    frames = frames_labelled.get_frames()
    plan = gather_frames(orm.Dict(OPTIONS), orm.Dict({}), orm.Dict({}), given={'all': frames_labelled})
    jobs = {'evaluation': {'labelled': frames_labelled, 'results': orm.Dict({'indices': list(range(len(frames)))})}}
    groups = {
        'models': {'shallow': jobs, 'deep': jobs, 'same': jobs},
        'training': {'deep': {'first': FramesData(frames[:3]), 'second': FramesData(frames[2:5])}},
    }
    measured = measure_errors(orm.Dict(OPTIONS), plan['plan'], plan['frames'], **groups)
    models = EvaluationComparison.model_validate(measured['properties'].get_dict()).models
    assert (models['deep'].n_learned, models['same'].n_learned) == (5, None)
    assert 'learned from 5 of the 16 frames' in models['deep'].doubts[-1]


def test_a_run_that_fails_is_named(lennard_jones, dynamics, argon):
    """A start whose atoms lie on each other crashes; the other run is compared."""
    from ase.build import bulk

    broken = bulk('Ar', a=5.3, cubic=True)
    broken.positions[1] = broken.positions[0] + [0.05, 0.0, 0.0]
    structures = {'argon': argon, 'broken': FramesData.from_atoms([broken])}
    options = {**OPTIONS, 'sampling': {**SAMPLING, 'temperatures': [20.0], 'frames_per_run': 2}}
    outputs, node = run_get_node(
        EvaluateWorkChain, structures=structures, models={'shallow': lennard_jones(), 'deep': lennard_jones(1.1)},
        options=options, **dynamics,
    )  # fmt: skip
    assert node.exit_status == 401, node.exit_message
    found = EvaluationComparison.model_validate(outputs['properties'].get_dict())
    (lost,) = found.lost_runs
    assert lost.run == 'T0020_r0_broken'
    assert lost.reason in node.exit_message
    assert found.models['deep'].n_frames == 2


def test_without_the_reference_there_is_nothing(lennard_jones, python, argon):
    missing = {'code': python, 'parameters': orm.Dict({'calculator': {'name': 'nowhere:Calculator'}})}
    outputs, node = run_get_node(
        EvaluateWorkChain, frames={'one': argon}, models={'lj': lennard_jones(), 'missing': missing},
        options={'reference': 'missing', 'seed': 1},
    )  # fmt: skip
    assert node.exit_status == EvaluateWorkChain.exit_codes.ERROR_REFERENCE_FAILED.status
    assert '`missing`' in node.exit_message
    assert set(outputs['frames']) == {'lj'}


def explain(**inputs):
    inputs['options'] = orm.Dict(inputs.get('options', OPTIONS))
    return EvaluateWorkChain.spec().inputs.validator(inputs, None)


def test_what_is_wrong_is_said(lennard_jones, dynamics, argon):
    models = {'shallow': lennard_jones(), 'deep': lennard_jones(1.1)}
    dynamics['engines'] = orm.Dict(dynamics['engines'])
    structures = {'argon': argon}
    assert explain(models=models, structures=structures, **dynamics) is None
    cases = [
        ({'models': {'shallow': lennard_jones()}}, 'no model to be compared'),
        ({'models': {'deep': lennard_jones()}}, 'the reference `shallow`'),
        ({'structures': {}}, 'Input `structures` is empty'),
        ({'structures': {'a__b': argon}}, 'holds the name `a__b`'),
        ({'frames': {'given': argon}}, 'Give either the input `frames`, or `sampling`'),
        ({'engines': orm.Dict({'dynamics': 'gromacs'})}, 'Input `engines` is wrong'),
        ({'dynamics': {}}, 'dynamics.code'),
        ({'options': {'reference': 'labels', 'seed': 1, 'sampling': SAMPLING}}, 'carry none'),
        ({'options': {'reference': 'shallow', 'seed': 1}}, 'is given, but no `sampling`'),
        ({'structures': {'two': FramesData(Frames.concatenate([argon.get_frames()] * 2))}}, 'holds 2 frames'),
    ]
    for changes, message in cases:
        assert message in (explain(**{'models': models, 'structures': structures, **dynamics, **changes}) or '')
    options = {'reference': 'labels', 'seed': 1}
    unlabelled = explain(models={'deep': lennard_jones()}, frames={'bare': argon}, options=options)
    assert 'frames.bare` carries' in unlabelled

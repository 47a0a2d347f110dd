"""Two models that disagree where it is known, by what their calibrations and committees allow."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.models.cross_examination import disagreements
from aiida_seimlip.options.models.cross_examination_results import CrossExaminationResults
from aiida_seimlip.science.analysis.calibration import Calibration
from aiida_seimlip.science.frames import Frames, predicted_by
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.workflows.models.cross_examine import CrossExaminationWorkChain
from tests.mace_models.fixtures import needs_mace
from tests.workflows.models.calibrated import displaced

RUNS = {}


def read(node):
    return CrossExaminationResults.model_validate(node.get_dict())


def argon_run(n_frames=12):
    """Return frames of argon as those of a run: the last ones, and the first but one, are squeezed more and more."""
    from ase.build import bulk

    images = []
    for step in range(n_frames):
        atoms = bulk('Ar', a=5.6 - (0.05 * step if step > 5 or step == 1 else 0.0), cubic=True)
        atoms.rattle(0.03, seed=step)
        atoms.info['md_step'] = 100 * step
        images.append(atoms)
    images.append(images[-1].copy())  # a copy of the worst
    return FramesData.from_atoms(images)


@pytest.fixture
def examined(lennard_jones):
    """Return outputs and node of an examination of two models, the second of which has forces twice as large."""
    if 'examined' not in RUNS:
        options = {'threshold': 0.02, 'min_ratio': 1.0, 'max_frames': 3, 'n_windows': 3}
        RUNS['examined'] = run_get_node(
            CrossExaminationWorkChain, frames=argon_run(), options=options,
            models={'shallow': lennard_jones(), 'deep': lennard_jones(2.0)},
        )  # fmt: skip
    return RUNS['examined']


def test_what_disagrees_is_what_the_models_say(examined, lennard_jones):
    """The forces of the second model are twice those of the first: they disagree by the forces of the first."""
    from ase.calculators.lj import LennardJones

    outputs, node = examined
    assert node.is_finished_ok, node.exit_message
    frames = node.inputs.frames.get_frames()
    calculator = LennardJones(sigma=3.4, epsilon=0.0104, rc=8.0)
    norms = np.concatenate([np.linalg.norm(calculator.get_forces(atoms), axis=1) for atoms in frames.to_atoms()])
    audit, points = read(outputs['audit']), outputs['points']
    assert points.get_array('atom_norms') == pytest.approx(norms, abs=1e-8)
    largest = norms.reshape(-1, 4).max(axis=1)
    assert points.get_array('ratios') == pytest.approx(largest / 0.02, rel=1e-6)
    assert (audit.n_frames, audit.n_atoms) == (13, 52)
    assert audit.share_atoms == pytest.approx(np.mean(norms > 0.02))
    assert audit.share_frames == pytest.approx(np.mean(largest > 0.02))
    assert 0.0 < audit.share_frames < 1.0
    assert audit.largest.ratio == pytest.approx(norms.max() / 0.02, rel=1e-6)
    assert audit.by_element['Ar'].largest_ev_per_angstrom == pytest.approx(norms.max(), rel=1e-6)
    first = int(np.flatnonzero(largest > 0.02)[0])
    assert (audit.first.frame, audit.first.step) == (first, 100 * first)
    assert sum(window.n_frames for window in audit.over_time) == 13
    assert audit.over_time[-1].last_step == 1100
    assert audit.share_expected is None
    assert any('Neither model tells its errors' in doubt for doubt in audit.doubts)
    assert {record.source for record in audit.models.values()} == {'threshold'}


def test_frames_for_the_next_labels(examined):
    """The worst come first, their copies are left out, and they carry no labels but their origin and their ratio."""
    outputs, node = examined
    audit, kept = read(outputs['audit']), outputs['disagreements']
    frames = kept.get_frames()
    ratios = outputs['points'].get_array('ratios')
    assert len(frames) == 3
    assert list(frames.grades) == sorted(frames.grades, reverse=True)
    assert frames.grades[0] == pytest.approx(ratios.max())
    assert len(set(kept.hashes)) == 3
    assert audit.n_alike >= 1
    assert (kept.n_labelled, kept.n_predicted) == (0, 0)
    assert [int(index) for index in frames.origin_indices] == audit.kept
    assert set(frames.origin_uuids) == {node.inputs.frames.uuid}


def labelled(frames, forces, uuid='x'):
    """Return frames with predicted forces and energies."""
    found = frames.without_labels().replace(forces=forces, energies=np.zeros(len(frames)))
    return FramesData(found.computed_by(predicted_by(uuid), 'free'))


def flat_calibration(quantile, **changes):
    """Return a calibration that says the same of each grade."""
    content = {'abscissa': 'atom_grade', 'levels': (0.5, 0.95), 'edges': (1e6,), 'n_frames': 9, 'n_atoms': 9}
    return Calibration(**{**content, 'quantiles': ((0.1,), (quantile,)), **changes})


def test_two_calibrated_potentials(potential_trained, frames_labelled):
    """What is allowed is the root of the sum of the squares; of models that err as told 5 % of the atoms are beyond."""
    from scipy.stats import chi

    frames = displaced(frames_labelled.get_frames(), 60)
    quantiles = [scale * chi.ppf(0.95, 3) for scale in (0.1, 0.2)]
    potentials = [potential_trained.with_calibration(flat_calibration(one)).store() for one in quantiles]
    rng = np.random.default_rng(1)
    sets = [labelled(frames, scale * rng.normal(size=frames.positions.shape)) for scale in (0.1, 0.2)]
    found = disagreements(
        orm.Dict({'min_ratio': 1.6}), *sets, potentials=dict(zip(('one', 'other'), potentials, strict=True))
    )
    audit = read(found['audit'])
    assert found['points'].get_array('atom_allowed') == pytest.approx(np.hypot(*quantiles))
    assert audit.share_expected == pytest.approx(0.05)
    n_atoms = frames.numbers.size
    assert audit.share_atoms == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / n_atoms))
    assert {record.source for record in audit.models.values()} == {'calibration'}
    assert audit.models['other'].error_ev_per_angstrom == pytest.approx(quantiles[1])
    assert audit.doubts == []
    far = labelled(frames, sets[1].get_frames().forces * 3.0)
    audit = read(disagreements(
        orm.Dict({}), sets[0], far, potentials=dict(zip(('one', 'other'), potentials, strict=True))
    )['audit'])  # fmt: skip
    assert 'these frames are unlike' in audit.doubts[-1]
    assert audit.largest.ratio > 1.5


def test_one_calibrated_potential_speaks_for_both(potential_trained, frames_labelled):
    """The other is taken to be as wrong; beyond the largest calibrated grade the last quantile counts, as is said."""
    frames = displaced(frames_labelled.get_frames(), 10)
    known = potential_trained.with_calibration(flat_calibration(0.4, edges=(1e-9,))).store()
    sets = [labelled(frames, size * np.ones_like(frames.positions)) for size in (0.0, 0.1)]
    found = disagreements(orm.Dict({}), *sets, potentials={'one': known})
    audit = read(found['audit'])
    assert found['points'].get_array('atom_allowed') == pytest.approx(np.sqrt(2.0) * 0.4)
    assert audit.models['one'].n_beyond == frames.numbers.size
    assert audit.models['other'].source == 'other'
    assert any('beyond what one is calibrated for' in doubt for doubt in audit.doubts)
    assert any('other tells no errors' in doubt for doubt in audit.doubts)
    assert any('share a part of their errors' in doubt for doubt in audit.doubts)
    assert 'disagreements' not in found


def test_a_committee_allows_its_deviation(frames_labelled):
    """What a committee allows is the quantile of a normal vector whose root mean square is its deviation."""
    frames = displaced(frames_labelled.get_frames(), 40)
    rng = np.random.default_rng(2)
    members = {
        f'm{number}': labelled(frames, 0.1 * rng.normal(size=frames.positions.shape)) for number in range(4)
    }  # fmt: skip
    mean = np.mean([node.get_frames().forces for node in members.values()], axis=0)
    one, other = labelled(frames, mean), labelled(frames, 0.1 * rng.normal(size=frames.positions.shape))
    found = disagreements(orm.Dict({}), one, other, members={'one': members})
    deviation = np.sqrt(
        sum(np.var([node.get_frames().forces[5, axis] for node in members.values()], ddof=1) for axis in range(3))
    )
    # 1.6140 is the root of 7.8147 / 3, the quantile of 95 % of chi square with three degrees of freedom
    assert found['points'].get_array('atom_allowed')[5] == pytest.approx(np.sqrt(2.0) * 1.6140 * deviation, rel=1e-4)
    audit = read(found['audit'])
    assert audit.models['one'].source == 'committee'
    assert not any('by chance on many atoms' in doubt for doubt in audit.doubts)
    close = {name: members['m0'] for name in ('m0', 'm1')}
    found = disagreements(orm.Dict({'min_allowed': 0.07}), one, other, members={'one': close})
    assert set(found['points'].get_array('atom_allowed')) == {0.07}, 'members that agree are not right for that'
    assert any('by chance on many atoms' in doubt for doubt in read(found['audit']).doubts)
    assert any('Nobody has measured' in doubt for doubt in audit.doubts)


def test_a_potential_against_itself_as_recorded(python, frames_labelled, potential_trained):
    """A job of the moment tensor potential against a model that does not run: nothing to compare, and the reason."""
    potential_trained.store()
    mtp = {'code': python, 'potential': potential_trained, 'parameters': orm.Dict({'calculator': {'name': 'mtp'}})}
    missing = {'code': python, 'parameters': orm.Dict({'calculator': {'name': 'nowhere:Calculator'}})}
    outputs, node = run_get_node(
        CrossExaminationWorkChain, frames=frames_labelled, models={'grown': mtp, 'missing': missing},
        options={'max_examined': 2},
    )  # fmt: skip
    assert node.exit_status == CrossExaminationWorkChain.exit_codes.ERROR_NO_PROPERTY.status
    assert 'seimlip' in node.exit_message or 'nowhere' in node.exit_message
    audit = read(outputs['audit'])
    assert audit.n_frames == 0
    assert set(audit.failed) == {'0', '15'}, 'two of sixteen, drawn evenly'
    assert set(outputs) == {'audit'}


@needs_mace
def test_mace_against_an_mtp(python, mace_code, mace_potential, frames_labelled, potential_trained):
    """Each member of the committee evaluates the frames; what is compared is their mean."""
    calibrated = potential_trained.with_calibration(flat_calibration(0.3)).store()
    committee = mace_potential(seeds=(1, 2), deviation_scale=2.0)
    committee.store()
    models = {
        'grown': {'code': python, 'potential': calibrated, 'parameters': orm.Dict({'calculator': {'name': 'mtp'}})},
        'mace': {'code': mace_code, 'potential': committee, 'parameters': orm.Dict({'calculator': {'name': 'mace'}})},
    }
    outputs, node = run_get_node(
        CrossExaminationWorkChain,
        frames=frames_labelled,
        models=models,
        options={'max_examined': 2, 'min_allowed': 0.0},
    )
    assert node.is_finished_ok, node.exit_message
    audit = read(outputs['audit'])
    assert {name: record.source for name, record in audit.models.items()} == {
        'grown': 'calibration', 'mace': 'committee',
    }  # fmt: skip
    frames = frames_labelled.get_frames()[[0, 15]]
    expected = evaluate(potential_trained.get_mtp(), frames).forces
    members = [
        job.outputs.labelled.get_frames().forces
        for job in node.called if isinstance(job, orm.CalcJobNode) and 'mace' in str(job.inputs.potential.family)
    ]  # fmt: skip
    assert len(members) == 2
    norms = np.linalg.norm(np.mean(members, axis=0) - expected, axis=1)
    assert outputs['points'].get_array('atom_norms') == pytest.approx(norms, abs=1e-6)
    deviation = np.sqrt(np.var(members, axis=0, ddof=1).sum(axis=1))
    allowed = np.sqrt(0.3**2 + (1.6140 * 2.0 * deviation) ** 2)
    assert outputs['points'].get_array('atom_allowed') == pytest.approx(allowed, rel=1e-4)


def explain(**inputs):
    inputs['options'] = orm.Dict(inputs.get('options', {}))
    return CrossExaminationWorkChain.spec().inputs.validator(inputs, None)


def test_what_is_wrong_is_said(lennard_jones, python, potential_trained, frames_labelled):
    frames = argon_run(3)
    models = {'one': lennard_jones(), 'other': lennard_jones(1.1)}
    assert explain(models=models, frames=frames) is None
    assert 'holds 1 models' in explain(models={'one': models['one']}, frames=frames)
    assert 'holds no frame' in explain(models=models, frames=FramesData(Frames.empty()))
    assert 'holds the name `a__b`' in explain(models={'one': models['one'], 'a__b': models['other']}, frames=frames)
    mtp = {'code': python, 'potential': potential_trained, 'parameters': orm.Dict({'calculator': {'name': 'mtp'}})}
    assert 'same potential twice' in explain(models={'one': mtp, 'other': mtp}, frames=frames_labelled)
    calibrated = PotentialData.from_mtp(potential_trained.get_mtp()).with_calibration(flat_calibration(0.4))
    other = {**mtp, 'potential': calibrated}
    message = explain(models={'one': models['one'], 'other': other}, frames=frames_labelled, options={'level': 0.9})
    assert 'calibrated for 0.5, 0.95' in message

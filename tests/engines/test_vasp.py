"""The engine ``vasp`` with a stand-in for VASP: what becomes of frames, whatever happens to their jobs."""

from __future__ import annotations

import re

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.cli.data.card import describe_card, find_card
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames

from .conftest import VASP_SCHEDULER, image, labelled

pytest.importorskip('aiida_vasp')


from aiida_seimlip.engines.reference import vasp_known
from aiida_seimlip.engines.reference.job_known import JobKind
from aiida_seimlip.engines.reference.vasp import VaspReferenceWorkChain
from aiida_seimlip.engines.reference.vasp_job import VaspLabelWorkChain

slow = pytest.mark.slow


def test_labels_are_described_beforehand():
    parameters = orm.Dict({'potential_family': 'PBE.54', 'functional': 'PBEsol', 'dispersion': 'd3bj'})
    assert VaspReferenceWorkChain.describe_labels({'parameters': parameters}) == ('PBEsol+D3(BJ)', 'free')


def make_frames(*seeds):
    """Return monoclinic cells of neon and argon, whose elements alternate; each has a volume of its own."""
    return FramesData(Frames.from_atoms([image(seed) for seed in seeds]))


def strike(frames, index, fault, **rule):
    """Return the rule by which the job for one frame fails."""
    return {'fault': fault, 'match': {'volume': float(frames.get_frames().volumes[index])}, **rule}


@pytest.fixture
def label(vasp_code, potcar_family):
    """Return a function that labels frames and returns the process, its labels and its failures."""

    def run(frames, *, options=None, dynamics=None, code=vasp_code, **parameters):
        inputs = {
            'code': code, 'options': {**VASP_SCHEDULER, **(options or {})},
            'parameters': {'potential_family': potcar_family, **parameters},
        }  # fmt: skip
        if dynamics is not None:
            inputs['dynamics'] = dynamics
        outputs, node = run_get_node(VaspReferenceWorkChain, frames=frames, **inputs)
        return node, outputs.get('frames'), outputs['failures'].get_dict() if 'failures' in outputs else None

    return run


def jobs_of(node, index):
    """Return the jobs for a frame, in order."""
    process = node.base.links.get_outgoing(link_label_filter=f'frame_{index:05d}').one().node
    return sorted((job for job in process.called if isinstance(job, orm.CalcJobNode)), key=lambda job: job.pk)


def reports_of(node, index):
    process = node.base.links.get_outgoing(link_label_filter=f'frame_{index:05d}').one().node
    return ' '.join(log.message for log in orm.Log.collection.get_logs_for(process))


def assert_labels(found, frames, indices):
    """The labels are those of the program, in the order of the frames and of their atoms."""
    kept = frames.get_frames()[indices]
    expected = Frames.from_atoms([labelled(atoms) for atoms in kept.to_atoms()])
    assert found.hashes == kept.hashes()
    labels = found.get_frames()
    np.testing.assert_allclose(labels.energies, expected.energies, atol=2e-8)
    np.testing.assert_allclose(labels.forces, expected.forces, atol=2e-8)
    np.testing.assert_allclose(labels.stresses, expected.stresses, atol=2e-9)
    assert set(labels.origin_uuids) == {frames.uuid}
    assert labels.origin_indices.tolist() == indices


# -- labels -----------------------------------------------------------------------------------------------------------


@slow
def test_labels_and_their_reuse(label, vasp_faults, potcar_family, monkeypatch):
    """Atoms come back in their order; a label that exists, harvested or not, is not computed again."""
    frames = make_frames(3, 1)
    node, found, failures = label(frames, dispersion='d3', incar={'NCORE': 2})
    assert node.is_finished_ok, node.exit_message
    assert failures == {}
    assert_labels(found, frames, [0, 1])
    assert (found.methods, found.energy_kinds) == ({'PBE+D3': 2}, {'free': 2})
    (job,) = jobs_of(node, 0)
    names = {entry.name for entry in job.base.repository.list_objects()} - {'.aiida'}
    assert names == {'INCAR', 'KPOINTS', 'POSCAR', '_aiidasubmit.sh'}
    written = {name: job.base.repository.get_object_content(name) for name in names}
    tags = dict(re.findall(r'^\s*(\w+)\s*=\s*(.*?)\s*$', written['INCAR'], re.MULTILINE))
    assert (tags['IVDW'], tags['NCORE'], tags['GGA'].upper(), float(tags['ENCUT'])) == ('11', '2', 'PE', 520.0)
    assert written['POSCAR'].split('\n')[5].split() == ['Ne', 'Ar']
    assert written['KPOINTS'].split('\n')[2].lower().startswith('g')
    assert count_new_nodes(node, 'frame_00000') <= 8
    assert vasp_faults.runs[0]['formula'] == 'Ar6Ne2'
    remote = job.outputs.remote_folder
    assert remote.base.extras.get('cleaned', False) or remote.is_empty

    card = describe_card(find_card(found, 1))
    assert f'VaspCalculation {jobs_of(node, 1)[0].pk} ' in card
    assert 'with VASP 6.4.2' in card
    assert 'PBE + D3, 520 eV, k-points every 0.35 1/Å, potentials Ne, Ar of ' in card

    again = FramesData(Frames.concatenate([frames.get_frames()[[1]], frames.get_frames()[[0]]]))
    for _ in ('harvested', 'not harvested'):
        node, found, failures = label(again, dispersion='d3', incar={'NCORE': 4})
        assert failures == {}
        assert_labels(found, again, [0, 1])
        assert len(vasp_faults.runs) == 2
        monkeypatch.setattr(JobKind, 'find_labelled', lambda *_: {})
    parameters = orm.Dict({'potential_family': potcar_family, 'dispersion': 'd3bj'})
    assert vasp_known.KIND.find_jobs(parameters, ['Ne', 'Ar'], frames.hashes) == {}
    assert not any(isinstance(child, orm.CalcJobNode) for child in node.called_descendants)


def count_new_nodes(node, name):
    """Return how many nodes there are for one label that serve no other one."""
    process = node.base.links.get_outgoing(link_label_filter=name).one().node
    processes = [process, *process.called_descendants]
    links = [
        link
        for one in processes
        for link in (one.base.links.get_incoming().all() + one.base.links.get_outgoing().all())
    ]
    data = {link.node.pk: link.node for link in links if isinstance(link.node, orm.Data)}
    return len(processes) + sum(n_users(one) == 1 for one in data.values())


def n_users(data):
    """Return how many frames some data serve: all have been labelled together."""
    users = [link.node for link in data.base.links.get_outgoing().all() + data.base.links.get_incoming().all()]
    frames = {one.caller.pk if isinstance(one, orm.CalcJobNode) else one.pk for one in users if one.process_type and (
        isinstance(one, orm.CalcJobNode) or one.process_label == 'VaspLabelWorkChain'
    )}  # fmt: skip
    return len(frames)


# -- failures that are not recovered from -----------------------------------------------------------------------------


@slow
def test_quarantine(label, vasp_faults):
    """Each frame is labelled or has a reason, whatever happens to its job."""
    atoms = [image(seed) for seed in range(10, 18)]
    atoms[7].pbc = [True, True, False]
    frames = FramesData(Frames.from_atoms(atoms))
    vasp_faults(
        strike(frames, 1, 'nelm'), strike(frames, 2, 'killed'), strike(frames, 3, 'elements_out_of_order'),
        strike(frames, 4, 'truncated_vasprun'), strike(frames, 5, 'no_output'), strike(frames, 6, 'out_of_memory'),
    )  # fmt: skip
    node, found, failures = label(frames, nelm=20, recovery={'scf': [], 'resubmissions': 0})
    assert node.is_finished_ok, node.exit_message
    assert_labels(found, frames, [0])
    for index, words in {
        '1': 'ScfNotConverged: The self-consistency cycle did not converge in 1 job.*not converged',
        '2': 'OutputTruncated: The files of VASP are cut off in 1 job.*did not reach the end',
        '3': 'SpeciesOutOfOrder: OUTCAR names the elements Ar2 Ne6, but the POSCAR Ne2 Ar6',
        '4': 'OutputTruncated: The files of VASP are cut off',
        '5': 'NoOutput: VASP left no results',
        '6': 'OutOfMemory: The memory was used up.*insufficient virtual memory',
        '7': 'NotPeriodic: ',
    }.items():
        assert re.match(words, failures.pop(index)), index
    assert failures == {}
    assert len(vasp_faults.runs) == 7


@slow
def test_program_that_does_not_work(label, vasp_faults):
    """Where VASP accepts no frame at all, the process fails with what VASP says."""
    node = label(make_frames(1), incar={'images': 2})[0]
    assert node.exit_status == VaspReferenceWorkChain.exit_codes.ERROR_PROGRAM_FAILED.status
    assert re.search('VaspRefused: .*cannot do IMAGES = ', node.exit_message)
    assert len(vasp_faults.runs) <= 1


def test_potentials_are_looked_for_before_the_first_job(vasp_code, potcar_family):
    frames = FramesData.from_atoms([image(1)])
    for parameters, message in (
        ({'potential_family': 'none'}, f'potential family `none`, but this profile has .*`{potcar_family}`'),
        ({'potential_family': potcar_family, 'potential_mapping': {'Ar': 'Ar_x'}}, 'lacks `Ar_x` for Ar; it has `Ar`'),
    ):
        with pytest.raises(ValueError, match=message):
            run_get_node(VaspReferenceWorkChain, code=vasp_code, frames=frames, parameters=parameters)


def test_without_aiida_vasp(monkeypatch):
    """The message says what to install."""
    import sys

    from aiida_seimlip.engines.contract import load_engine

    for name in [name for name in sys.modules if 'engines.reference.vasp' in name]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split('.')[0] == 'aiida_vasp']:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        ValueError, match=r'cannot be loaded: The engine `vasp` needs aiida-vasp: `pip install .*\[vasp\]'
    ):
        load_engine('reference', 'vasp')


# -- failures that are recovered from ---------------------------------------------------------------------------------


@slow
def test_recovery(label, vasp_faults):
    """What a handler changes, and that the label is calculated as it was asked for in the end."""
    frames = make_frames(*range(20, 26))
    vasp_faults(
        strike(frames, 0, 'nelm', times=3), strike(frames, 1, 'edddav', unless={'ALGO': 'All'}),
        strike(frames, 2, 'brmix', unless={'AMIX': 0.1}), strike(frames, 3, 'killed', times=1),
        strike(frames, 4, 'no_output', times=1), strike(frames, 5, 'disk_full', times=1),
    )  # fmt: skip
    node, found, failures = label(frames, nelm=20)
    assert node.is_finished_ok, node.exit_message
    assert failures == {}
    assert_labels(found, frames, list(range(6)))
    tags = [job.inputs.parameters.get_dict() for job in jobs_of(node, 0)]
    assert [one['nelm'] for one in tags] == [20, 40, 40, 40, 40]
    assert [one.get('algo') for one in tags] == [None, 'All', 'Normal', 'Normal', 'Normal']
    assert [one.get('amix') for one in tags] == [None, None, 0.1, 0.1, 0.1]
    assert [(one['sigma'], one['lwave']) for one in tags] == [(0.05, False)] * 3 + [(0.2, True), (0.05, False)]
    assert jobs_of(node, 0)[-1].inputs.restart_folder.pk == jobs_of(node, 0)[-2].outputs.remote_folder.pk
    assert [len(jobs_of(node, index)) for index in range(1, 6)] == [2] * 5
    assert 'disk' in reports_of(node, 5)
    assert len(vasp_faults.runs) == 15


@slow
def test_recovery_from_the_wall_time(label, vasp_faults, aiida_localhost, make_vasp_code):
    """A job that the scheduler ended is run with more wall time, up to the limit."""
    message = 'slurmstepd: error: *** JOB 7 ON node CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***'
    code = make_vasp_code(aiida_localhost, label='vasp-out-of-time', append_text=f'echo "{message}" >&2')
    frames = make_frames(30, 31)
    vasp_faults(strike(frames, 0, 'killed', times=1), strike(frames, 1, 'killed'))
    options = {'max_wallclock_seconds': 600}
    node, found, failures = label(frames, options=options, code=code, recovery={'max_wallclock_seconds': 1000})
    assert_labels(found, frames, [0])
    for index in range(2):
        assert [job.get_option('max_wallclock_seconds') for job in jobs_of(node, index)] == [600, 1000]
    assert re.match('OutOfWalltime: The wall time was used up in 2 job.*DUE TO TIME LIMIT', failures['1'])


# -- dynamics ---------------------------------------------------------------------------------------------------------


@slow
def test_dynamics(label, vasp_faults):
    """Samples whose step did not converge are refused; those of a run that was cut off are kept, and it is listed."""
    frames = make_frames(1, 2)
    vasp_faults(strike(frames, 0, 'nelm', step=11), strike(frames, 1, 'killed', step=13))
    dynamics = {
        'temperature': [30.0, 60.0],
        'n_steps': 20,
        'sample_every': 5,
        'seed': 4,
        'timestep': 4.0,
        'friction': 5.0,
    }
    node, found, failures = label(frames, dynamics=dynamics, nelm=20, recovery={'resubmissions': 0})
    assert node.is_finished_ok, node.exit_message
    samples = found.get_frames()
    assert samples.origin_indices.tolist() == [0, 0, 0, 1, 1]
    assert samples.origin_steps.tolist() == [5, 15, 20, 5, 10]
    assert list(failures) == ['1']
    assert failures['1'].startswith('OutputTruncated: ')
    reports = ' '.join(log.message for log in orm.Log.collection.get_logs_for(node))
    assert 'MD step 10 reached NELM' in reports
    expected = Frames.from_atoms([labelled(atoms) for atoms in samples.without_labels().to_atoms()])
    np.testing.assert_allclose(samples.energies, expected.energies, atol=1e-6)
    np.testing.assert_allclose(samples.forces, expected.forces, atol=1e-6)
    np.testing.assert_allclose(samples.stresses, expected.stresses, atol=1e-7)
    starts = frames.get_frames()
    np.testing.assert_allclose(samples.cells[[0, 3]], starts.cells, atol=1e-6)
    tags = [jobs_of(node, index)[0].inputs.parameters.get_dict() for index in range(2)]
    assert [one['tebeg'] for one in tags] == [30.0, 60.0]
    assert tags[0]['random_seed'] != tags[1]['random_seed']
    assert tags[0]['langevin_gamma'] == [5.0, 5.0]
    assert len(vasp_faults.runs) == 2


# -- handlers ---------------------------------------------------------------------------------------------------------


def test_only_our_handlers_act():
    """The handlers of aiida-vasp would act beside ours."""
    handlers = {handler.__name__ for handler in VaspLabelWorkChain.get_process_handlers()}
    assert all(name.startswith('handle_') for name in handlers)
    assert {'handle_scf_not_converged', 'handle_out_of_walltime', 'handle_out_of_memory', 'handle_io_error'} <= handlers

"""The examples run to their end, in small."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.tools.archive import import_archive

from aiida_seimlip.calculations.mlip3_train import Mlip3TrainCalculation
from aiida_seimlip.cli.profile.codes import setup_codes
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.learned import training_sets
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.workflows.estimate import PLANNERS
from tests.mace_models.fixtures import PYTHON, needs_mace

EXAMPLES = Path(__file__).parents[2] / 'examples'


@pytest.fixture
def run_example(aiida_localhost, monkeypatch, capsys):
    """Return a function that runs an example in small, and gives what it printed and its last process."""
    aiida_localhost.set_minimum_job_poll_interval(0)
    setup_codes(lambda _: None)

    def run(name, *arguments):
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments), '--small'])
        content = runpy.run_path(str(EXAMPLES / name), run_name='__main__')
        return capsys.readouterr().out, content['node']

    return run


def test_active_learning(run_example):
    output, node = run_example('01_active_learning.py')
    assert node.exit_status in (0, 400), output
    assert f'aiida-seimlip report {node.pk}' in output
    assert node.outputs.potential.is_trained
    assert node.outputs.history['iterations'][0]['n_labelled'] == 6


@pytest.mark.parametrize('steps', [None, [-1, 40]])
def test_queries(aiida_localhost, capsys, li2co3, steps):
    """Frames that were learned from need not come from molecular dynamics: images of a band have no MD step."""
    frames = Frames.from_atoms([li2co3, li2co3]).replace(
        energies=[-240.0, -240.0], forces=np.zeros((48, 3)), grades=[7.5, 11.0], origin_steps=steps
    )
    labelled = FramesData(frames.computed_by('GFN1-xTB')).store()
    job = orm.CalcJobNode(computer=aiida_localhost, process_type=Mlip3TrainCalculation.build_process_type())
    job.set_option('resources', {'num_machines': 1})
    job.base.links.add_incoming(labelled, link_type=LinkType.INPUT_CALC, link_label='training__iteration_001')
    job.store()
    runpy.run_path(str(EXAMPLES / '01b_queries.py'))
    output = capsys.readouterr().out
    assert f'frame 0 of {labelled.pk}: grade 7.5, not from molecular dynamics' in output
    last = 'not from molecular dynamics' if steps is None else 'MD step 40'
    assert f'frame 1 of {labelled.pk}: grade 11.0, {last}' in output
    assert f'node {labelled.pk}: 2 by GFN1-xTB' in output


@pytest.fixture
def campaign():
    """Return the campaign of the archive that comes with the package, whose potential is small, yet sane."""
    import_archive(EXAMPLES / 'li2co3.aiida')
    filters = {'attributes.process_label': 'ActiveLearningWorkChain', 'label': 'li2co3-example'}
    return orm.QueryBuilder().append(orm.WorkChainNode, filters=filters).first(flat=True)


def compare_with_plan(node):
    """Check that what a dry run says of a diffusivity is what comes."""
    plan = PLANNERS['DiffusivityWorkChain'](node.get_builder_restart())
    jobs = [job for job in node.called_descendants if job.process_label == 'LammpsCalculation']
    assert len(jobs) == sum(work.n_jobs for work in plan.works)
    n_atoms = node.inputs.structure.n_atoms
    assert sum(job.outputs.results['n_steps'] * n_atoms for job in jobs) == sum(work.atom_steps for work in plan.works)
    outputs = [link.node for job in jobs for link in job.base.links.get_outgoing(link_type=LinkType.CREATE).all()]
    repositories = [output.base.repository for output in outputs]
    stored = sum(
        len(repository.get_object_content(name, mode='rb')) for repository in repositories
        for name in repository.list_object_names()
    )  # fmt: skip
    assert stored == pytest.approx(plan.n_bytes, rel=0.03)


def test_diffusivity_and_conductivity(run_example, campaign):
    output, diffusivity = run_example('02_diffusivity.py', campaign.outputs.potential.uuid)
    assert diffusivity.inputs.structure.n_atoms == 47
    assert set(diffusivity.outputs.tracks) == {'T0200_r0', 'T0300_r0'}, output
    assert '   300 K: D = ' in output
    compare_with_plan(diffusivity)
    output, conductivity = run_example('03_conductivity.py')
    assert conductivity.inputs.finished.diffusivity.uuid == diffusivity.outputs.diffusivity.uuid
    assert '   300 K: σ = ' in output


def test_neb(run_example, campaign):
    output, node = run_example('04_neb.py', campaign.outputs.potential.uuid)
    assert node.exit_status in (0, 400), output
    assert 'Barrier: ' in output
    if node.exit_status == 0:
        assert 'GFN1-xTB on the same images: ' in output
        assert node.outputs.labelled.is_labelled


def test_crystals(run_example, campaign):
    output, node = run_example('08_crystals.py', campaign.outputs.potential.uuid)
    assert node.is_finished_ok, output
    assert 'ions clamped: the crystal ' in output
    (crystal,) = node.outputs.properties['crystals']
    assert crystal['models']['grown']['highest_grade'] is not None
    assert len(node.called_descendants) < 30


def test_interfaces(run_example):
    output, node = run_example('09_interfaces.py')
    assert node.is_finished_ok, output
    assert 'Li-bcc(1 1 1) on Li2CO3-monoclinic(0 0 1), 1:1: 21 Å²' in output
    assert 'Li was bcc(111) along the normal' in output
    assert node.outputs.dynamics['runs'][0]['metal'] == 'Li-bcc'


def test_trust(run_example, campaign):
    output, node = run_example('10_trust.py', campaign.uuid)
    assert node.is_finished_ok, output
    assert 'too few to calibrate' in output
    (errors,) = re.findall(r'errors on (\d+) frames: [0-9.]+ meV/atom, ([0-9.]+) eV/Å', output)
    held_out = campaign.outputs.held_out
    recorded = campaign.outputs.history['held_out']['errors']['force_ev_per_angstrom']
    assert int(errors[0]) == held_out.n_frames
    assert float(errors[1]) == pytest.approx(recorded, abs=6e-4)


@needs_mace
def test_mace(run_example, campaign, aiida_localhost, aiida_code_installed):
    """The errors that it prints are those of the potentials on the held-out frames."""
    aiida_code_installed(
        label='python-mace', computer=aiida_localhost, filepath_executable=PYTHON,
        default_calc_job_plugin='seimlip.ase',
    )  # fmt: skip
    output, node = run_example('11_mace.py', campaign.uuid)
    assert node.is_finished_ok, output
    assert '2 members; the expected error of a force is ' in output
    (row,) = re.findall(r'^force RMSE +eV/Å +([0-9.]+) +([0-9.]+)$', output, re.MULTILINE)
    recorded = campaign.outputs.history['held_out']['errors']['force_ev_per_angstrom']
    assert float(row[0]) == pytest.approx(recorded, rel=1e-3)
    committee = node.inputs.models['mace']['potential']
    training = training_sets(committee)
    assert {frames.uuid for frames in training} == {frames.uuid for frames in campaign.outputs.training.values()}
    labelled = np.concatenate([frames.get_frames().forces for frames in training])
    assert float(row[1]) < np.sqrt(np.mean(labelled**2)), 'it has learned more than that forces are zero'


def test_starts(run_example):
    output, node = run_example('07_starts.py')
    assert node.is_finished_ok, output
    assert 'Starts for a campaign: fluoride, metal' in output
    table = node.outputs.table.get_dict()['starts']
    assert [start['verdict'] for start in table] == ['passed', 'passed']
    assert all(start['density'] > start['packed_density'] for start in table)


@pytest.mark.slow
def test_workgraph(run_example):
    """A campaign and a diffusivity as tasks of one graph: the potential goes from one to the other."""
    pytest.importorskip(
        'aiida_workgraph', reason="aiida-workgraph is not installed: pip install 'aiida-seimlip[workgraph]'"
    )
    output, graph = run_example('05_workgraph.py')
    called = {link.link_label: link.node for link in graph.base.links.get_outgoing().all()}
    campaign, diffusivity = called['campaign'], called['diffusivity']
    assert campaign.is_finished_ok, output
    assert diffusivity.exit_status in (0, 400, 410, 420), (
        output
    )  # so small a potential is not to be trusted, and it says so
    assert diffusivity.inputs.potential.uuid == campaign.outputs.potential.uuid
    assert diffusivity.inputs.structure.uuid == called['vacancy'].outputs.structure.uuid
    assert set(diffusivity.outputs.tracks) == {'T0020_r0', 'T0040_r0'}
    assert f'campaign: finished <{campaign.pk}>' in output

"""The engine ``quantumespresso`` with pw.x itself: what becomes of frames, and of jobs that do not end well."""

from __future__ import annotations

import re

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames
from tests.espresso.fixtures import SCHEDULER, lif

pytest.importorskip('aiida_quantumespresso')

from aiida_seimlip.engines.reference.job_known import JobKind
from aiida_seimlip.engines.reference.quantumespresso import QuantumEspressoReferenceWorkChain

slow = pytest.mark.slow

COARSE = {'kspacing': 2.0, 'ecutwfc': 40.0, 'trust_cutoff': True}
"""Two k-points a side of the primitive cell of LiF, and a cut-off at which nothing has converged but the cycle."""


def test_labels_are_described_beforehand():
    parameters = orm.Dict({'potential_family': 'mine', 'functional': 'PBEsol', 'dispersion': 'd3bj'})
    described = QuantumEspressoReferenceWorkChain.describe_labels({'parameters': parameters})
    assert described == ('PBEsol+D3(BJ)/mine', 'free')


@pytest.fixture
def label(pw_code, pseudo_family):
    """Return a function that labels frames and returns the process, its labels and its failures."""

    def run(frames, *, options=None, **parameters):
        inputs = {
            'code': pw_code, 'options': {**SCHEDULER, **(options or {})},
            'parameters': {'potential_family': pseudo_family, **parameters},
        }  # fmt: skip
        outputs, node = run_get_node(QuantumEspressoReferenceWorkChain, frames=frames, **inputs)
        return node, outputs.get('frames'), outputs['failures'].get_dict() if 'failures' in outputs else None

    return run


def jobs_of(node, index):
    """Return the jobs for a frame, in order."""
    process = node.base.links.get_outgoing(link_label_filter=f'frame_{index:05d}').one().node
    return sorted((job for job in process.called if isinstance(job, orm.CalcJobNode)), key=lambda job: job.pk)


@slow
def test_labels_and_their_reuse(label, monkeypatch):
    """Numbers are those that the plugin reads; a label that exists, harvested or not, is not computed again.

    The plugin has Rydberg's constant of 2006, pw.x that of 2018: they differ by 1e-7.
    """
    frames = FramesData.from_atoms([lif(1), lif(2)])
    node, found, failures = label(frames, **COARSE)
    assert node.is_finished_ok, node.exit_message
    assert failures == {}
    assert found.hashes == frames.hashes
    assert (found.methods, found.energy_kinds) == ({'PBE/PseudoDojo-0.4-PBE-SR-standard': 2}, {'free': 2})
    labels = found.get_frames()
    for index in range(2):
        (job,) = jobs_of(node, index)
        trajectory = job.outputs.output_trajectory
        assert labels.energies[index] == pytest.approx(job.outputs.output_parameters['energy'], rel=2e-7)
        np.testing.assert_allclose(labels[index].forces, trajectory.get_array('forces')[0], atol=1e-6)
        pressure = np.trace(trajectory.get_array('stress')[0]) / 3
        assert -labels.stresses[index][:3].mean() * 160.21766 == pytest.approx(pressure, abs=1e-3)
    remote = job.outputs.remote_folder
    assert remote.base.extras.get('cleaned', False) or remote.is_empty

    again = FramesData(Frames.concatenate([frames.get_frames()[[1]], frames.get_frames()[[0]]]))
    for _ in ('harvested', 'not harvested'):
        node, found, failures = label(again, **COARSE, mixing_beta=0.5)
        assert failures == {}
        np.testing.assert_array_equal(found.get_frames().energies, labels.energies[::-1])
        assert not any(isinstance(child, orm.CalcJobNode) for child in node.called_descendants)
        monkeypatch.setattr(JobKind, 'find_labelled', lambda *_: {})


@slow
def test_cycle_that_does_not_converge(label):
    """An energy without convergence is there, and is no label."""
    frames = FramesData.from_atoms([lif(3)])
    node, found, failures = label(
        frames, **COARSE, electron_maxstep=2, recovery={'scf': ['mixing'], 'maxstep_factor': 1}
    )
    assert node.is_finished_ok, node.exit_message
    assert found is None
    assert re.match('ScfNotConverged: The self-consistency cycle did not converge in 2 job', failures['0'])
    first, second = jobs_of(node, 0)
    assert (first.exit_status, second.exit_status) == (410, 410)
    assert 'output_trajectory' in first.outputs
    betas = [job.inputs.parameters['ELECTRONS']['mixing_beta'] for job in (first, second)]
    assert betas == pytest.approx([0.7, 0.28])


@slow
def test_detour_over_a_wider_smearing(label):
    """The label is calculated with the smearing asked for, from the density of the wider one."""
    frames = FramesData.from_atoms([lif(3)])
    recovery = {'scf': ['smearing'], 'maxstep_factor': 20}
    node, found, failures = label(frames, **COARSE, electron_maxstep=4, recovery=recovery)
    assert failures == {}
    asked = [job.inputs.parameters for job in jobs_of(node, 0)]
    widths = [one['SYSTEM']['degauss'] for one in asked]
    assert [width / widths[0] for width in widths] == pytest.approx([1, 4, 1])
    assert asked[-1]['ELECTRONS']['startingpot'] == 'file'
    plain = label(frames, **COARSE, conv_thr=2e-9)[1]
    assert found.get_frames().energies == pytest.approx(plain.get_frames().energies, abs=1e-6)


@slow
def test_program_that_refuses_its_input(label):
    """Where pw.x accepts no frame at all, the process fails with what pw.x says."""
    node = label(FramesData.from_atoms([lif(1)]), **COARSE, namelists={'SYSTEM': {'nbnd': 2}})[0]
    assert node.exit_status == QuantumEspressoReferenceWorkChain.exit_codes.ERROR_PROGRAM_FAILED.status
    assert re.search('PwRefused: .*too few bands', node.exit_message)


@slow
def test_labels_of_lithium_carbonate(label, li2co3):
    """The primitive cell of 12 atoms near the experimental one is close to rest: at 80 Ry and 2×2×2 k-points."""
    cell = li2co3.cell.array
    half = [0.5 * (cell[0] + cell[1]), 0.5 * (cell[1] - cell[0]), cell[2]]
    atoms = li2co3.copy()
    atoms.set_cell(half)
    fractional = np.round(atoms.get_scaled_positions(wrap=True), 6) % 1
    _, kept = np.unique(np.column_stack([atoms.numbers, fractional]), axis=0, return_index=True)
    primitive = atoms[np.sort(kept)]
    assert primitive.get_chemical_formula() == 'C2Li4O6'
    frames = FramesData.from_atoms([primitive])
    _, found, failures = label(frames, ecutwfc=80.0, kspacing=0.8)
    assert failures == {}
    labels = found.get_frames()
    pressure = -labels.stresses[0][:3].mean() * 160.21766
    assert pressure == pytest.approx(3.0, abs=1.0)
    assert np.abs(labels.forces.sum(axis=0)).max() < 1e-3
    assert np.linalg.norm(labels.forces, axis=1).max() < 1.0


def test_frames_that_are_not_periodic(label):
    atoms = lif(1)
    atoms.pbc = [True, True, False]
    node, _, failures = label(FramesData.from_atoms([atoms]), **COARSE)
    assert node.is_finished_ok, node.exit_message
    assert failures['0'].startswith('NotPeriodic: Quantum ESPRESSO ')


def test_potentials_are_looked_for_before_the_first_job(pw_code, pseudo_family):
    frames = FramesData.from_atoms([lif(1)])
    for parameters, message in (
        ({'potential_family': 'none'}, f'pseudopotentials `none`, but this profile has .*`{pseudo_family}`'),
        ({'potential_family': pseudo_family, 'functional': 'PBEsol'}, 'made for PBE, but `functional` is PBEsol'),
    ):
        with pytest.raises(ValueError, match=message):
            run_get_node(QuantumEspressoReferenceWorkChain, code=pw_code, frames=frames, parameters=parameters)
    argon = lif(1)
    argon.symbols[0] = 'Ar'
    with pytest.raises(ValueError, match='holds no pseudopotential in UPF for Ar'):
        run_get_node(
            QuantumEspressoReferenceWorkChain, code=pw_code, frames=FramesData.from_atoms([argon]),
            parameters={'potential_family': pseudo_family},
        )  # fmt: skip


def test_dynamics_are_refused(pw_code, pseudo_family):
    dynamics = {'temperature': 300.0, 'n_steps': 10, 'sample_every': 5, 'seed': 1}
    with pytest.raises(ValueError, match='the engine `quantumespresso` runs none'):
        run_get_node(
            QuantumEspressoReferenceWorkChain, code=pw_code, frames=FramesData.from_atoms([lif(1)]), dynamics=dynamics,
            parameters={'potential_family': pseudo_family},
        )  # fmt: skip

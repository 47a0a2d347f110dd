"""Whole diffusivities with the programs that come with the package: tiny, but nothing in them is pretended."""

import sys

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import run_get_node
from ase.calculators.lj import LennardJones

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.track import load_track
from aiida_seimlip.options.transport.results import ConductivityResults, DiffusivityResults, ParityRecord
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.grade import build_active_set
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import train
from aiida_seimlip.workflows.transport.conductivity import ConductivityWorkChain
from aiida_seimlip.workflows.transport.diffusivity import DiffusivityWorkChain
from tests.workflows.conftest import crystal

OPTIONS = {
    'seed': 3, 'mobile': ['Ne'], 'temperatures': [200.0, 400.0], 'extrapolate_to': 100.0, 'max_concurrent': 2,
    'rdf': {'kinds': 'element', 'cutoff': 6.0},
    'dynamics': {
        'timestep': 5.0, 'equilibration_steps': 100, 'production_steps': 1000, 'track_every': 5, 'dump_every': 100,
        'thermo_every': 20, 'thermostat_damping': 500.0,
    },
}  # fmt: skip
LENNARD_JONES = {'name': 'lj', 'kwargs': {'sigma': 2.8, 'epsilon': 0.005, 'rc': 5.0, 'smooth': True}}


def fluid(seed=0, scale=0.1):
    """Return neon and argon in a dilute cell, where they pass one another."""
    atoms = crystal()
    atoms.set_cell(1.25 * atoms.cell[:], scale_atoms=True)
    atoms.positions += np.random.default_rng(seed).normal(scale=scale, size=atoms.positions.shape)
    return atoms


@pytest.fixture
def graded_potential():
    """Return a potential that has learned the Lennard-Jones fluid, with its active set."""
    images = [fluid(seed, 0.1 + 0.02 * seed) for seed in range(40)]
    for image in images:
        image.calc = LennardJones(**LENNARD_JONES['kwargs'])
        image.get_stress()
    frames = Frames.from_atoms([image for image in images if np.abs(image.get_forces()).max() < 2.0])
    trained = train(untrained(6, ['Ne', 'Ar'], min_dist=2.0, max_dist=5.0), frames).potential
    return PotentialData.from_mtp(build_active_set(trained, frames))


def orphans(node):
    """Return the data that no calculation made and no user gave; how runs ended is told by the WorkChain itself."""
    given = {entry.node.uuid for entry in node.base.links.get_incoming(link_type=LinkType.INPUT_WORK).all()}
    data = {
        entry.node.uuid: entry.node for process in [node, *node.called_descendants]
        for entry in process.base.links.get_incoming().all()
        if isinstance(entry.node, FramesData | PotentialData | orm.ArrayData | orm.Dict) and entry.link_label != 'ends'
    }  # fmt: skip
    return [found for uuid, found in data.items() if found.creator is None and uuid not in given]


def test_ase_and_conductivity_upon_it(code):
    """Dynamics of a Lennard-Jones fluid, and the conductivity of it as if its neon were charged."""
    outputs, node = run_get_node(
        DiffusivityWorkChain, structure=orm.StructureData(ase=fluid()), engines={'dynamics': 'ase'},
        options={**OPTIONS, 'temperatures': [400.0]},
        dynamics={'code': code('seimlip.ase', sys.executable), 'parameters': {'calculator': LENNARD_JONES}},
    )  # fmt: skip
    assert 'diffusivity' in outputs, node.exit_message
    found = DiffusivityResults.model_validate(outputs['diffusivity'].get_dict())
    assert [run.outcome for point in found.points for run in point.replicas] == ['completed']
    assert 'parity' not in outputs
    assert any('no extrapolation grades' in text for text in found.warnings)
    hot = found.points[0]
    track = load_track(outputs['tracks']['T0400_r0'])
    assert (len(track), track.n_ions, track.duration) == (201, 2, 5.0)
    assert hot.volume == pytest.approx(fluid().get_volume())
    assert hot.mean_temperature == pytest.approx(400.0, rel=0.5)
    assert all(point.D > 0.0 and point.D_interval[0] < point.D < point.D_interval[1] for point in found.points)
    assert not orphans(node)
    _check_conductivity(node, found)


def _check_conductivity(node, found):
    from aiida_seimlip.science.analysis.conductivity import nernst_einstein

    builder = ConductivityWorkChain.get_builder_from_protocol(diffusivity=node, protocol='demo')
    outputs, process = run_get_node(builder)
    results = ConductivityResults.model_validate(outputs['conductivity'].get_dict())
    assert results.diffusivity_uuid == node.outputs.diffusivity.uuid
    for point, diffusion in zip(results.points, found.points, strict=True):
        density = 2 / (diffusion.volume * 1e-30)
        assert point.carrier_density == pytest.approx(density)
        expected = nernst_einstein(diffusion.D, density, 1.0, diffusion.temperature)
        assert point.sigma == pytest.approx(float(np.asarray(expected)), rel=1e-6)
        assert point.sigma_s_per_cm == pytest.approx(0.01 * point.sigma)
        low, high = point.haven_ratio_interval
        assert 0.0 < low < point.haven_ratio < high
    ancestors = process.base.links.get_incoming(link_type=LinkType.INPUT_WORK).all_nodes()
    assert node.outputs.tracks.T0400_r0.uuid in {ancestor.uuid for ancestor in ancestors}
    assert not orphans(process)


def test_lammps(code, graded_potential):
    """The embedded LAMMPS agrees with our evaluation, runs, and its frames are graded; nothing rests on its folders."""
    outputs, node = run_get_node(
        DiffusivityWorkChain, structure=FramesData.from_atoms([fluid()]), potential=graded_potential,
        options={**OPTIONS, 'domain': {'max_share': 1.0}}, dynamics={'code': code('seimlip.lammps', 'seimlip-lmp')},
    )  # fmt: skip
    assert 'diffusivity' in outputs, node.exit_message
    assert ParityRecord.model_validate(outputs['parity'].get_dict()).is_equal
    found = DiffusivityResults.model_validate(outputs['diffusivity'].get_dict())
    assert [run.n_graded for point in found.points for run in point.replicas] == [11, 11]
    assert all(point.highest_grade > 0.0 for point in found.points)
    assert outputs['trajectories']['T0200_r0'].n_frames == 11
    jobs = [child for child in node.called if child.process_label == 'LammpsDynamicsWorkChain']
    assert len(jobs) == 5
    seeds = {run.seed for point in found.points for run in point.replicas}
    assert len(seeds) == 2
    assert seeds == {job.inputs.parameters['seed'] for job in jobs if job.inputs.parameters['n_steps']}
    assert not orphans(node)
    remote = [
        entry.node for process in node.called_descendants
        for entry in process.base.links.get_incoming(node_class=orm.RemoteData).all()
    ]  # fmt: skip
    assert not remote

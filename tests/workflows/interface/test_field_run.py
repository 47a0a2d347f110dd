"""Whole runs in fields with the embedded LAMMPS: tiny, but nothing in them is pretended."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import run_get_node
from ase.calculators.lj import LennardJones

from aiida_seimlip.data.charges import load_charges
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.track import load_track
from aiida_seimlip.options.interface.field_results import FieldResults
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.grade import build_active_set
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import train
from aiida_seimlip.workflows.interface.field import FieldWorkChain
from tests.workflows.conftest import crystal

FIELD = (0.0, 0.02, 0.0)
OPTIONS = {
    'seed': 5, 'mobile': ['Ne'], 'temperature': 400.0, 'fields': [FIELD], 'replicas': 2,
    'charges': {'Ne': 0.6, 'Ar': -0.2}, 'max_concurrent': 2, 'domain': {'max_share': 1.0},
    'dynamics': {
        'timestep': 5.0, 'equilibration_steps': 100, 'production_steps': 1000, 'track_every': 5, 'dump_every': 100,
        'thermo_every': 20, 'thermostat_damping': 500.0,
    },
}  # fmt: skip
LENNARD_JONES = {'sigma': 2.8, 'epsilon': 0.005, 'rc': 5.0, 'smooth': True}


def fluid(seed=0, scale=0.1):
    """Return neon and argon in a dilute cell, where they pass one another."""
    atoms = crystal()
    atoms.set_cell(1.25 * atoms.cell[:], scale_atoms=True)
    atoms.positions += np.random.default_rng(seed).normal(scale=scale, size=atoms.positions.shape)
    return atoms


@pytest.fixture(scope='module')
def potential(aiida_profile):
    """Return a potential that has learned the Lennard-Jones fluid, with its active set."""
    images = [fluid(seed, 0.1 + 0.02 * seed) for seed in range(40)]
    for image in images:
        image.calc = LennardJones(**LENNARD_JONES)
        image.get_stress()
    frames = Frames.from_atoms([image for image in images if np.abs(image.get_forces()).max() < 2.0])
    trained = train(untrained(6, ['Ne', 'Ar'], min_dist=2.0, max_dist=5.0), frames).potential
    return PotentialData.from_mtp(build_active_set(trained, frames)).store()


@pytest.fixture(scope='module')
def finished(potential):
    """Return the outputs and the node of a whole work."""
    return {}


@pytest.fixture
def run(finished, potential, code):
    """Return outputs and node of the work, which is done once."""
    if not finished:
        outputs, node = run_get_node(
            FieldWorkChain, structure=FramesData.from_atoms([fluid()]), potential=potential, options=OPTIONS,
            dynamics={'code': code('seimlip.lammps', 'seimlip-lmp')},
        )  # fmt: skip
        finished.update(outputs=outputs, node=node)
    assert 'field' in finished['outputs'], finished['node'].exit_message
    return finished['outputs'], finished['node']


@pytest.fixture
def found(run):
    return FieldResults.model_validate(run[0]['field'].get_dict())


def test_all_runs(run, found):
    outputs, node = run
    assert node.is_finished_ok, node.exit_message
    assert [point.field for point in found.points] == [(0.0, 0.0, 0.0), FIELD]
    runs = [record for point in found.points for record in point.runs]
    assert [record.key for record in runs] == ['E0_r0', 'E0_r1', 'E1_r0', 'E1_r1']
    assert {record.outcome for record in runs} == {'completed'}
    assert sorted(outputs['tracks']) == ['E0_r0', 'E0_r1', 'E1_r0', 'E1_r1']
    labels = [
        entry.link_label for entry in node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
        if entry.node.process_label == 'LammpsDynamicsWorkChain'
    ]  # fmt: skip
    assert sorted(labels) == [
        'E0_r0_production', 'E0_r1_production', 'E1_r0_production', 'E1_r1_production', 'parity', 'r0_equilibration',
        'r1_equilibration',
    ]  # fmt: skip
    assert runs[0].seed == runs[2].seed != runs[1].seed
    assert all(record.n_graded == 11 for record in runs)


def test_runs_of_a_replica_differ_by_the_field_alone(run):
    """They begin alike; at first they part by ½ q E t² / m."""
    outputs, _ = run
    without, within = (load_track(outputs['tracks'][key]) for key in ('E0_r0', 'E1_r0'))
    np.testing.assert_array_equal(without.positions[0], within.positions[0])
    frames = [outputs['trajectories'][key].get_frames() for key in ('E0_r0', 'E1_r0')]
    np.testing.assert_allclose(frames[0][0].velocities, frames[1][0].velocities, atol=1e-12)
    time = within.steps[4] * 5e-3
    masses = fluid().get_masses()
    charges = load_charges(outputs['charges'])
    expected = 0.5 * time**2 * np.outer(charges / masses, FIELD) * 9648.533
    parted = (within.positions[4] - without.positions[4]).astype(float)
    np.testing.assert_allclose(parted, expected, atol=0.15 * np.abs(expected).max() + 2e-4)
    assert np.abs(expected).max() > 0.02


def test_charges(run, found):
    outputs, _ = run
    charges = load_charges(outputs['charges'])
    assert abs(charges.sum()) < 1e-12
    assert outputs['charges'].base.attributes.get('labels') == fluid().get_chemical_symbols()
    assert {record.label: (record.n_atoms, record.charge) for record in found.charges} == {
        'Ne': (2, pytest.approx(0.6)), 'Ar': (6, pytest.approx(-0.2)),
    }  # fmt: skip
    assert 'do not respond to the field' in found.charges_statement
    assert found.statement.startswith('The field is that at the ions')
    assert found.net_charge == pytest.approx(0.0)


def test_drift_and_current(run, found):
    """Both are those of the ends of the tracks: whoever looks at them alone finds the same."""
    outputs, _ = run
    tracks = [load_track(outputs['tracks'][key]) for key in ('E1_r0', 'E1_r1')]
    neon, argon = (np.array(fluid().symbols) == symbol for symbol in ('Ne', 'Ar'))
    begin = 20  # a tenth of 200 intervals, and 180 is a multiple of the number of blocks
    speeds, currents = [], []
    for track in tracks:
        moved = (track.positions[-1] - track.positions[begin]).astype(float)[:, 1]
        time = track.times[-1] - track.times[begin]
        speeds.append((moved[neon].mean() - moved[argon].mean()) / time)
        currents.append((0.6 * moved[neon].sum() - 0.2 * moved[argon].sum()) / time)
    point = found.points[1]
    drift = next(record for record in point.drifts if record.label == 'Ne')
    assert drift.velocity == pytest.approx(np.mean(speeds), rel=1e-4)
    assert drift.velocity_error > 0.0
    assert drift.mobility == pytest.approx(drift.velocity / 0.02 * 1e-4)
    volume = fluid().get_volume()
    assert point.current_density == pytest.approx(np.mean(currents) / volume * 1.602176634e13, rel=1e-4)
    assert point.conductivity == pytest.approx(point.current_density / 2e8, rel=1e-6)
    assert drift.velocity > 2.0 * drift.velocity_error
    assert drift.expected_mobility > 0.0
    assert drift.einstein_ratio == pytest.approx(drift.mobility / drift.expected_mobility)
    assert drift.D > drift.D_std > 0.0
    assert abs(drift.control) < 5.0 * drift.control_error


def test_parts(found):
    point = found.points[1]
    (part,) = point.parts
    assert (part.name, part.n_atoms) == ('all', 8)
    assert part.charge == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(part.force, 0.0, atol=1e-12)
    np.testing.assert_allclose(part.drift, 0.0, atol=1e-4)
    assert 200.0 < part.temperature_still < 700.0


def test_nothing_comes_from_nowhere(run):
    _, node = run
    given = {entry.node.uuid for entry in node.base.links.get_incoming(link_type=LinkType.INPUT_WORK).all()}
    orphans = [
        entry.link_label for process in [node, *node.called_descendants]
        for entry in process.base.links.get_incoming().all()
        if isinstance(entry.node, FramesData | PotentialData | orm.ArrayData | orm.Dict)
        and entry.node.creator is None and entry.node.uuid not in given and entry.link_label != 'ends'
    ]  # fmt: skip
    assert not orphans


def test_hops(run, found):
    """Neon leaves the places that it had: hops are counted, or the doubt says why not."""
    outputs, _ = run
    for point in found.points:
        assert point.hops is not None
        if point.hops.n_hops is None:
            assert point.hops.doubts
            continue
        rows = [outputs['hops'].get_array(record.key) for record in point.runs]
        assert sum(map(len, rows)) == point.hops.n_hops
        assert sum(int(length) * n for length, n in point.hops.chains_by_length.items()) <= point.hops.n_hops


def test_report(run):
    from aiida_seimlip.report.pages import page_of, tables_of

    outputs, node = run
    tables = {table.name: table for table in tables_of(node)}
    assert {'field_drift', 'field_current', 'field_parts', 'field_charges'} <= set(tables)
    drift = FieldResults.model_validate(outputs['field'].get_dict()).points[1].drifts[0]
    header, first = (line.split(',') for line in tables['field_drift'].to_csv().splitlines()[:2])
    row = dict(zip(header, first, strict=True))
    assert (row['label'], float(row['field_V_per_A'])) == (drift.label, 0.02)
    assert float(row['mobility_cm2_per_V_s']) == pytest.approx(drift.mobility)
    assert all(r'\begin{tabular}' in table.to_latex() for table in tables.values())
    page = page_of([node])
    cited = ' '.join(page.sections[-1].points)
    assert '10.1063/1.457480' in cited
    assert '10.1021/j100161a070' not in cited, 'the charges were given'
    assert 'The field is that at the ions' in page.summary
    assert 'screened by nothing' in page.summary
    titles = [section.title for section in page.sections]
    assert titles[:4] == ['How ions drift', 'Who replaces whom', 'What the field acts on', 'What to distrust']
    assert '<svg' in page.sections[0].figures[0].svg

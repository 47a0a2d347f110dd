"""What is made of tracks in a field: walkers whose drift and diffusion obey Einstein's relation, and knock-off."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from ase import Atoms, units

from aiida_seimlip.data.charges import store_charges
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.track import store_track
from aiida_seimlip.functions.interface.analysis import analyse_field, part_names
from aiida_seimlip.functions.interface.motion import Atoms as Cell
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.options.interface.field_results import FieldResults
from aiida_seimlip.science.analysis.track import Track
from aiida_seimlip.science.frames import Frames

FIELD = (0.0, 0.006, 0.008)
STRENGTH, TEMPERATURE, D = 0.01, 600.0, 2e-9
N_IONS, N_FRAMES, EDGE = 32, 801, 20.0
OPTIONS = {
    'seed': 1, 'temperature': TEMPERATURE, 'fields': [FIELD], 'replicas': 2, 'charges': {'Li': 1.0, 'F': -1.0},
    'hop_length': 3.0, 'dynamics': {'production_steps': 80_000, 'track_every': 100, 'dump_every': 80_000},
    'labels': {'Li_metal': {'element': 'Li', 'indices': [0, 1]}}, 'analysis': {'min_hops': 0},
}  # fmt: skip
LABELS = ['Li_metal'] * 2 + ['Li'] * (N_IONS - 2) + ['F'] * (N_IONS - 2) + ['O'] * 4
CHARGES = np.array([0.0] * 2 + [1.0] * (N_IONS - 2) + [-1.0] * (N_IONS - 2) + [0.0] * 4)
SYMBOLS = ['Li'] * N_IONS + ['F'] * (N_IONS - 2) + ['O'] * 4
SHAKE = 0.3
"""All atoms together move by that much in Å/ps: whoever does not look from the framework sees it."""


def walk(seed, field):
    """Return the track of atoms of which Li, and nothing else, diffuses and drifts as Einstein's relation says."""
    rng = np.random.default_rng(seed)
    interval, n_atoms = 0.1, len(SYMBOLS)
    steps = np.zeros((N_FRAMES, n_atoms, 3))
    width = np.sqrt(2.0 * D * 1e8 * interval)
    steps[1:, 2:N_IONS] = rng.normal(scale=width, size=(N_FRAMES - 1, N_IONS - 2, 3))
    steps[1:, 2:N_IONS] += np.array(field) * D * 1e8 / (units.kB * TEMPERATURE) * interval
    steps[1:] += SHAKE * interval
    positions = steps.cumsum(axis=0) + rng.uniform(0.0, EDGE, size=(n_atoms, 3))
    return Track(
        positions=positions, symbols=tuple(SYMBOLS), framework=np.zeros((N_FRAMES, 3)),
        cells=np.tile(EDGE * np.eye(3), (N_FRAMES, 1, 1)), steps=100 * np.arange(N_FRAMES), timestep=1.0,
    )  # fmt: skip


def results(**changes):
    content = {
        'outcome': 'completed', 'n_steps': 80_000, 'n_steps_asked': 80_000, 'n_jobs': 1, 'mean_temperature': 605.0,
        'mean_temperature_still': TEMPERATURE, **changes,
    }  # fmt: skip
    return orm.Dict(content)


def frame(seed):
    """Return one frame in which everything moves by one velocity, and lithium of the metal by another."""
    velocities = np.tile([1.0, 0.0, 0.0], (len(SYMBOLS), 1))
    velocities[:2] = [0.0, 2.0, 0.0]
    atoms = Atoms(SYMBOLS, positions=np.random.default_rng(seed).uniform(0, EDGE, (len(SYMBOLS), 3)), cell=[EDGE] * 3)
    atoms.pbc = True
    return FramesData(Frames.from_atoms([atoms]).replace(velocities=velocities))


@pytest.fixture(scope='module')
def found(aiida_profile):
    """Return what was made of two runs without and two in the field, of which one did not come to its end."""
    keys = {'E0_r0': 11, 'E0_r1': 12, 'E1_r0': 13, 'E1_r1': 14}
    runs = [
        {'key': key, 'field': list(FIELD) if key[1] == '1' else [0.0] * 3, 'replica': int(key[-1]), 'seed': seed}
        for key, seed in keys.items()
    ]
    tracks = {run['key']: store_track(walk(run['seed'], run['field'])).store() for run in runs}
    ends = {key: {'outcome': 'completed', 'phase': 'production', 'message': None, 'uuid': 'u'} for key in keys}
    ends['E1_r1'] |= {'outcome': 'out_of_walltime', 'message': 'The wall time ended.'}
    outputs = analyse_field(
        orm.Dict(FieldOptions(**OPTIONS).to_dict()), frame(0), store_charges(CHARGES, labels=LABELS, source='a test'),
        orm.Dict({'runs': runs}), orm.Dict(ends), tracks=tracks, results={key: results().store() for key in keys},
        trajectories={key: frame(1).store() for key in keys},
        program={'engines': orm.Dict({'dynamics': 'lammps'}).store()},
    )  # fmt: skip
    return outputs, FieldResults.model_validate(outputs['field'].get_dict())


def test_mobility_is_that_of_einstein(found):
    _, field = found
    drifts = {drift.label: drift for drift in field.points[1].drifts}
    ions = drifts['Li']
    expected = D * 1e8 / (units.kB * TEMPERATURE) * STRENGTH
    assert abs(ions.velocity - expected) < 3.0 * ions.velocity_error
    in_theory = np.sqrt(2.0 * D * 1e8 / ((N_IONS - 2) * 0.9 * 160.0))
    assert ions.velocity_error == pytest.approx(in_theory, rel=0.5)
    assert ions.velocity > 3.0 * ions.velocity_error
    assert abs(ions.D - D) < 3.5 * ions.D_std
    assert abs(ions.einstein_ratio - 1.0) < 3.0 * ions.einstein_ratio_error
    assert ions.mobility == pytest.approx(ions.velocity / STRENGTH * 1e-4)
    assert abs(ions.control) < 3.0 * ions.control_error
    bias = STRENGTH * 3.0 / (2.0 * units.kB * TEMPERATURE)
    assert ions.nonlinearity == pytest.approx(np.sinh(bias) / bias)
    assert np.dot(ions.velocity_axes, FIELD) / STRENGTH == pytest.approx(ions.velocity)
    assert ions.is_mobile
    assert not drifts['F'].is_mobile
    assert drifts['Li_metal'].charge == 0.0
    assert not drifts['Li_metal'].is_mobile
    assert drifts['F'].velocity == pytest.approx(0.0, abs=1e-5)


def test_current_is_that_of_the_charges(found):
    _, field = found
    point = field.points[1]
    drift = next(drift for drift in point.drifts if drift.label == 'Li')
    expected = (N_IONS - 2) * drift.velocity / EDGE**3 * 1.602176634e13
    assert point.current_density == pytest.approx(expected, rel=1e-3)
    assert field.points[0].current_density is None


def test_parts_and_their_temperatures(found):
    _, field = found
    parts = {part.name: part for part in field.points[1].parts}
    assert set(parts) == {'Li_metal', 'rest'}
    metal, rest = parts['Li_metal'], parts['rest']
    assert (metal.n_atoms, metal.charge) == (2, 0.0)
    assert metal.drift == pytest.approx((0.0, 2.0, 0.0))
    assert rest.drift == pytest.approx((1.0, 0.0, 0.0))
    assert rest.temperature > 100.0 * rest.temperature_still
    np.testing.assert_allclose(rest.force, rest.charge * np.array(FIELD), atol=1e-15)


def test_ends_are_told(found):
    _, field = found
    assert field.message.startswith('1 of 4 runs did not come to their end: E1_r1 (out_of_walltime in its production')
    assert field.potential_uuid is None
    assert field.charges_source == 'a test'
    assert [(record.label, record.n_atoms) for record in field.charges] == [
        ('Li_metal', 2), ('Li', N_IONS - 2), ('F', N_IONS - 2), ('O', 4),
    ]  # fmt: skip


def test_displacements_are_those_from_the_framework(found):
    outputs, _ = found
    drift = outputs['drift']
    moved = drift.get_array('E1_r0_Li_metal')
    np.testing.assert_allclose(moved, 0.0, atol=1e-3)
    assert np.abs(drift.get_array('E1_r0_Li')[-1]).max() > 0.5
    assert drift.get_array('E1_r0_time_ps')[-1] == pytest.approx(80.0)


def test_parts_by_name():
    labels = np.array(['A', 'B', 'C'])
    cell = Cell(labels, np.array(['Li'] * 3), np.zeros(3), np.ones(3, dtype=bool))
    options = FieldOptions(**{**OPTIONS, 'parts': {'one': ['A', 'C']}})
    assert part_names(cell, options).tolist() == ['one', 'rest', 'one']
    assert part_names(cell, FieldOptions(**{**OPTIONS, 'labels': {}})).tolist() == ['all'] * 3


def test_knock_off_is_seen():
    """An ion of the metal takes the place of one of the salt, which takes the next place: a chain of two."""
    from aiida_seimlip.functions.interface.hops import COLUMNS, find_hops

    places = np.array([[2.0, 2.0, 2.0], [5.0, 2.0, 2.0], [8.0, 2.0, 2.0], [2.0, 8.0, 8.0]])
    positions = np.tile(places, (100, 1, 1))
    positions[50:, 2] += [0.0, 3.0, 0.0]  # it makes room, where no mobile ion was
    positions[52:, 1] = places[2]
    positions[53:, 0] = places[1]
    symbols = ('Li', 'Li', 'Li', 'O')
    track = Track(
        positions, symbols, np.zeros((100, 3)), np.tile(12.0 * np.eye(3), (100, 1, 1)), 100 * np.arange(100), 1.0
    )
    labels = np.array(['Li_metal', 'Li', 'Li', 'O'])
    cell = Cell(labels, np.array(symbols), np.zeros(4), labels != 'O')
    record, rows = find_hops({'E1_r0': track}, cell, FieldOptions(**OPTIONS).hops, (1.0, 0.0, 0.0))
    assert (record.n_hops, record.n_along, record.n_against) == (2, 2, 0)
    assert record.chains_by_length == {'2': 1}
    assert record.replacements == {'Li_metal → Li': 1}
    assert record.net_displacement_in_chains == pytest.approx(6.0)
    table = [dict(zip(COLUMNS, row, strict=True)) for row in rows['E1_r0']]
    assert [(row['atom'], row['from_site'], row['to_site']) for row in table] == [(0, 0, 1), (1, 1, 2)]

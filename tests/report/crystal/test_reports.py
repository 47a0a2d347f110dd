"""Reports on properties of crystals: what is in the nodes is on the page and in the tables."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from aiida import orm
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal import elastic, equation_of_state
from aiida_seimlip.functions.crystal.models import CrystalFrames
from aiida_seimlip.functions.crystal.phonon import displace_crystals, measure_phonons
from aiida_seimlip.options.crystal.elastic import ElasticOptions
from aiida_seimlip.options.crystal.equation_of_state import EquationOfStateOptions
from aiida_seimlip.options.crystal.results import (
    ElasticComparison,
    ElasticCrystal,
    ElasticRecord,
    EquationOfStateComparison,
    EquationOfStateCrystal,
)
from aiida_seimlip.report.pages import page_of, tables_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.science.analysis.elasticity import strain_states
from aiida_seimlip.science.analysis.equation_of_state import Parameters, energy, scaled_volumes
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA
from tests.report.nodes import store_workchain

CUBIC = np.diag([100.0, 100.0, 100.0, 60.0, 60.0, 60.0])
CUBIC[:3, :3] += 40.0


def frames_of(n_frames, **arrays):
    """Return so many cells of one atom with what was evaluated."""
    cells = arrays.pop('cells', np.repeat(np.eye(3)[None] * 3.0, n_frames, axis=0))
    return Frames(
        numbers=np.full(n_frames, 29), positions=np.zeros((n_frames, 3)), ptr=np.arange(n_frames + 1), cells=cells,
        pbc=np.ones((n_frames, 3), bool), forces=np.zeros((n_frames, 3)), methods=np.full(n_frames, 'model'),
        energies=arrays.pop('energies', np.zeros(n_frames)), **arrays,
    )  # fmt: skip


@pytest.fixture
def stiff():
    """Return an `ElasticWorkChain` of a cubic crystal, of one that is 10 % softer, and of one that failed."""
    settings = ElasticOptions(magnitudes=[0.001, 0.002], ions=['clamped'], reference='hard', symmetrise=False)
    states = strain_states(settings.magnitudes)
    crystal = ElasticCrystal(name='copper', formula='Cu')
    for name, factor in (('hard', 1.0), ('soft', 0.9)):
        stresses = states @ CUBIC * factor / EV_PER_A3_TO_GPA
        found = CrystalFrames(frames_of(1), {'clamped': frames_of(len(states), stresses=stresses)}, {}, 1.5)
        crystal.models[name] = elastic.elasticity_of(settings, found, states)
    crystal.models['lost'] = ElasticRecord(failure='minimum: FrameError: it flew apart')
    crystal.deviations = elastic.find_deviations(crystal, 'hard')
    content = ElasticComparison(reference='hard', methods={'hard': 'DFT'}, crystals=[crystal]).model_dump(mode='json')
    return store_workchain('ElasticWorkChain', 'seimlip.elastic', {}, {'properties': orm.Dict(content)})


@pytest.fixture
def scaled():
    """Return an `EquationOfStateWorkChain` of a known equation of state."""
    settings = EquationOfStateOptions(ions='clamped')
    volumes = scaled_volumes(11.0, 0.06, 7)
    energies = energy('vinet', volumes, Parameters(11.0, -3.5, 140.0, 5.0))
    cells = np.eye(3)[None] * np.cbrt(volumes)[:, None, None]
    found = CrystalFrames(frames_of(1), {'clamped': frames_of(7, energies=energies, cells=cells)}, {}, None)
    crystal = EquationOfStateCrystal(name='copper', formula='Cu')
    crystal.models['vinet'] = equation_of_state.equation_of_state_of(settings, found)
    content = EquationOfStateComparison(methods={'vinet': 'a formula'}, crystals=[crystal]).model_dump(mode='json')
    return store_workchain('EquationOfStateWorkChain', 'seimlip.eos', {}, {'properties': orm.Dict(content)})


@pytest.fixture
def vibrating():
    """Return a `PhononWorkChain` of aluminium by EMT, and by a model whose forces are twice as large."""
    aluminium = FramesData.from_atoms([bulk('Al', a=3.995)])
    options = {
        'min_lengths': [6.0], 'minimum': None, 'mesh': 20.0, 'path_points': 5, 'temperatures': [300.0],
        'reference': 'emt',
    }  # fmt: skip
    cells = displace_crystals(orm.Dict(options), aluminium).get_frames()
    forces = []
    for atoms in cells.to_atoms():
        atoms.calc = EMT()
        forces.append(atoms.get_forces())
    models = {}
    for name, factor in (('emt', 1.0), ('hard', 2.0)):
        labels = {'forces': factor * np.concatenate(forces), 'energies': np.zeros(len(cells))}
        node = FramesData(cells.replace(**labels, methods=np.full(len(cells), name)))
        models[name] = {'minima': {'labelled': aluminium}, 'clamped': {'labelled': node}}
    outputs = measure_phonons(orm.Dict(options), orm.List(['aluminium']), aluminium, models=models)
    return store_workchain('PhononWorkChain', 'seimlip.phonon', {}, outputs)


def rows_of(table):
    return list(csv.DictReader(io.StringIO(table.to_csv())))


def test_moduli_and_constants(stiff):
    moduli, constants = tables_of(stiff)
    hard, soft = rows_of(moduli)
    assert (hard['crystal'], hard['model'], hard['ions'], hard['bulk_percent']) == ('copper', 'hard', 'clamped', '')
    assert float(hard['bulk_gpa']) == pytest.approx((140 + 2 * 40) / 3, rel=1e-4)
    assert float(soft['bulk_percent']) == pytest.approx(-10.0, abs=1e-2)
    assert float(hard['highest_grade']) == 1.5
    first = rows_of(constants)[0]
    assert (float(first['c_i1_gpa']), float(first['c_i2_gpa'])) == pytest.approx((140.0, 40.0), rel=1e-2)
    text = render_page(page_of([stiff]))
    for part in ('Elasticity', 'copper, lost: minimum: FrameError: it flew apart', 'Deviations are from hard.'):
        assert part in text


def test_equations_of_state(scaled):
    (table,) = tables_of(scaled)
    fits = {row['form']: row for row in rows_of(table)}
    assert float(fits['vinet']['bulk_modulus_gpa']) == pytest.approx(140.0, rel=1e-4)
    assert float(fits['birch–murnaghan']['volume_angstrom3_per_atom']) == pytest.approx(11.0, rel=1e-3)
    text = render_page(page_of([scaled]))
    assert 'Points are evaluated, lines are fits (birch–murnaghan)' in text
    assert '<svg' in text


def test_phonons(vibrating):
    tables = {table.name: rows_of(table) for table in tables_of(vibrating)}
    assert set(tables) == {'phonons', 'thermal'}, 'there are no imaginary modes'
    emt, hard = tables['phonons']
    assert float(hard['highest_percent']) == pytest.approx(100.0 * (np.sqrt(2.0) - 1.0), abs=1e-3)
    assert float(hard['zero_point_percent']) == pytest.approx(100.0 * (np.sqrt(2.0) - 1.0), abs=1e-3)
    assert (emt['n_atoms'], emt['rms_thz']) == ('27', '')
    assert float(tables['thermal'][0]['heat_capacity_kb_per_atom']) == pytest.approx(2.75, abs=0.15)
    text = render_page(page_of([vibrating]))
    assert 'frequency (THz)' in text
    assert text.count('<svg') == 1


def test_nothing_was_found():
    node = store_workchain('ElasticWorkChain', 'seimlip.elastic', {}, {}, status=310, message='None of the models ran.')
    assert tables_of(node) == []
    assert 'None of the models ran.' in render_page(page_of([node]))

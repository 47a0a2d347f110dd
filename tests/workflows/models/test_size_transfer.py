"""The errors of models by the size of the cell, and references that do not serve."""

import importlib.util

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.models.size_transfer import refuse
from aiida_seimlip.options.models.comparison_results import CellRecord, SamplePlan, SizeTransferComparison
from aiida_seimlip.options.models.size_transfer import SizeTransferOptions
from aiida_seimlip.workflows.models.size_transfer import SizeTransferWorkChain

SAMPLING = {
    'temperatures': [30.0], 'frames_per_run': 3, 'equilibration_steps': 10, 'steps_between_frames': 10,
    'timestep': 5.0,
}  # fmt: skip
OPTIONS = {
    'reference': 'shallow', 'seed': 1, 'sampling': SAMPLING, 'repeats': [[2, 1, 1], [1, 1, 1]], 'n_resamples': 100,
    'n_worst': 2,
}  # fmt: skip
RUNS = {}


@pytest.fixture
def sampled(lennard_jones, dynamics, argon):
    """Return outputs and node of a run with two sizes, which is done once."""
    if 'sampled' not in RUNS:
        models = {'shallow': lennard_jones(), 'deep': lennard_jones(1.1)}
        RUNS['sampled'] = run_get_node(
            SizeTransferWorkChain, structure=argon, models=models, options=OPTIONS, **dynamics
        )
    return RUNS['sampled']


def test_errors_by_size(sampled):
    """Energies and forces of the deeper model are 1.1 times those of the reference, in both sizes."""
    outputs, node = sampled
    assert node.is_finished_ok, node.exit_message
    found = SizeTransferComparison.model_validate(outputs['properties'].get_dict())
    plan = SamplePlan.model_validate(outputs['plan'].get_dict())
    reference = outputs['frames']['shallow'].get_frames()
    record = found.models['deep']
    assert [size.n_atoms for size in record.sizes] == [4, 8]
    biases, errors = [], []
    for size in record.sizes:
        indices = [frame.index for frame in plan.frames if frame.n_atoms == size.n_atoms and not frame.is_perfect]
        frames = reference[indices]
        energies = 100.0 * frames.energies / frames.sizes
        assert size.n_frames == 3
        assert size.energy_bias_mev_per_atom == pytest.approx(energies.mean(), rel=1e-6)
        assert size.energy_scatter_mev_per_atom == pytest.approx(energies.std(ddof=1), rel=1e-4)
        assert size.energy_bias_error_mev_per_atom == pytest.approx(energies.std(ddof=1) / np.sqrt(3), rel=1e-4)
        root = np.sqrt(size.n_atoms)
        assert size.energy_scatter_mev_per_root_atom == pytest.approx(root * energies.std(ddof=1), rel=1e-4)
        rmse = [0.1 * np.sqrt(np.mean(frame.forces**2)) for frame in frames]
        assert size.force_scatter_ev_per_angstrom == pytest.approx(np.std(rmse, ddof=1), rel=1e-4)
        of_forces = size.errors.force_ev_per_angstrom
        assert of_forces.rmse.value == pytest.approx(0.1 * np.sqrt(np.mean(frames.forces**2)), rel=1e-6)
        biases.append(size.energy_bias_mev_per_atom)
        errors.append(size.energy_bias_error_mev_per_atom)
    assert record.drift_mev_per_atom == pytest.approx(biases[1] - biases[0], rel=1e-6)
    assert record.drift_error_mev_per_atom == pytest.approx(np.hypot(*errors), rel=1e-6)
    assert found.n_frames == record.n_frames == 6


def test_all_models_see_the_crystal_in_all_cells(sampled):
    outputs, _ = sampled
    found = SizeTransferComparison.model_validate(outputs['properties'].get_dict())
    assert found.refusal is None
    assert found.reference_spread_mev_per_atom == pytest.approx(0.0, abs=1e-6)
    assert found.models['deep'].cell_spread_mev_per_atom == pytest.approx(0.0, abs=1e-6)
    assert [(cell.name, cell.n_atoms) for cell in found.cells] == [('s1x1x1', 4), ('s2x1x1', 8)]
    small, large = (cell.energies_ev_per_atom for cell in found.cells)
    assert small['deep'] == pytest.approx(1.1 * small['shallow'], rel=1e-9)
    assert large['shallow'] == pytest.approx(small['shallow'], rel=1e-9)
    worst = found.models['deep'].worst
    assert len(worst) == 2
    assert all(frame.run == f'T0030_r0_{frame.source}' for frame in worst)


@pytest.mark.skipif(importlib.util.find_spec('tblite') is None, reason='needs tblite')
def test_a_reference_at_gamma_is_refused(python, lennard_jones):
    """GFN1-xTB has no k-points, so that small cells of one crystal are different materials to it."""
    crystal = bulk('LiF', 'rocksalt', a=4.03, cubic=True)
    images = []
    for repeats in ((1, 1, 1), (2, 1, 1)):
        images.append(crystal * repeats)
        images[-1].rattle(0.02, seed=1)
    tblite = {'code': python, 'parameters': orm.Dict({'calculator': {'name': 'tblite'}})}
    options = {'reference': 'tblite', 'seed': 1, 'repeats': [[1, 1, 1], [2, 1, 1]], 'n_resamples': 100}
    outputs, node = run_get_node(
        SizeTransferWorkChain, structure=FramesData.from_atoms([crystal]),
        frames={'rattled': FramesData.from_atoms(images)}, models={'tblite': tblite, 'lj': lennard_jones()},
        options=options,
    )  # fmt: skip
    assert node.exit_status == SizeTransferWorkChain.exit_codes.ERROR_REFERENCE_NOT_SIZE_CONSISTENT.status
    found = SizeTransferComparison.model_validate(outputs['properties'].get_dict())
    energies = [cell.energies_ev_per_atom['tblite'] for cell in found.cells]
    assert found.reference_spread_mev_per_atom == pytest.approx(1000.0 * (max(energies) - min(energies)), rel=1e-9)
    assert found.reference_spread_mev_per_atom > 10.0
    assert found.models['lj'].cell_spread_mev_per_atom == pytest.approx(0.0, abs=1e-6)
    assert not found.models['lj'].sizes
    assert found.refusal in node.exit_message
    assert f'{found.reference_spread_mev_per_atom:.3g} meV' in found.refusal
    assert set(outputs['frames']) == {'tblite', 'lj'}


def test_a_reference_that_fails_in_a_cell_is_refused():
    options = SizeTransferOptions.from_node(OPTIONS)
    cells = [CellRecord(name='s1x1x1', n_atoms=2), CellRecord(name='s2x1x1', n_atoms=4)]
    for cell in cells:
        cell.energies_ev_per_atom['shallow'] = -1.0
    assert refuse(options, cells) is None
    cells[1].energies_ev_per_atom['shallow'] = -1.00101
    assert '1.01 meV' in refuse(options, cells)
    del cells[0].energies_ev_per_atom['shallow']
    assert 's1x1x1: SCF not converged' in refuse(options, cells, ['s1x1x1: SCF not converged'])


def test_supercells_of_lengths():
    """The smallest first, and two lengths that make one cell make it once."""
    crystal = bulk('Ar', a=5.0, cubic=True)
    options = SizeTransferOptions(reference='lj', seed=1, lengths=[11.0, 5.0, 4.0])
    assert {name: np.diag(matrix).tolist() for name, matrix in options.supercells_of(crystal).items()} == {
        's1x1x1': [1, 1, 1],
        's3x3x3': [3, 3, 3],
    }


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'repeats': [[1, 1, 1]]}, 'two sizes at least'),
        ({'repeats': [[1, 1, 1], [9, 9, 9]]}, '2916 atoms'),
        ({'lengths': [3.0]}, 'either `repeats` or `lengths`'),
        ({'reference': 'labels'}, 'labels cannot tell'),
        ({'sampling': None}, 'Give either the input `frames`'),
    ],
)
def test_what_is_wrong_is_said(lennard_jones, dynamics, argon, changes, message):
    options = {**OPTIONS, **changes}
    if SizeTransferOptions.explain(options, 'options') is None:
        inputs = {
            'structure': argon, 'models': {'shallow': lennard_jones(), 'deep': lennard_jones()},
            'options': orm.Dict(options), **dynamics, 'engines': orm.Dict(dynamics['engines']),
        }  # fmt: skip
        assert message in SizeTransferWorkChain.spec().inputs.validator(inputs, None)
    else:
        assert message in SizeTransferOptions.explain(options, 'options')

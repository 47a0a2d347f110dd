"""Reports on comparisons of models: what is in the nodes is on the page and in the tables."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from aiida import orm
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.models.evaluate import measure_errors
from aiida_seimlip.functions.models.sampling import gather_frames
from aiida_seimlip.functions.models.size_transfer import measure_size_transfer
from aiida_seimlip.options.models.evaluate import EvaluateOptions
from aiida_seimlip.options.models.size_transfer import SizeTransferOptions
from aiida_seimlip.report.models.comparison import paired, plan_of
from aiida_seimlip.report.pages import page_of, tables_of
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.science.frames import Frames
from tests.report.nodes import store_workchain

SIZES = [(1, 1, 1), (2, 1, 1)]


def rattled(n_frames, repeats):
    """Return cells of LiF."""
    images = [bulk('LiF', 'rocksalt', a=4.0) * repeats for _ in range(n_frames)]
    for index, atoms in enumerate(images):
        atoms.rattle(0.05, seed=index)
    return images


def labelled(frames, rng, energy_error, force_error):
    """Return what a model makes of frames: made-up values of the reference, and errors of given sizes."""
    values = np.random.default_rng(0)
    energies = frames.sizes * (values.normal(size=len(frames)) + energy_error * rng.normal(size=len(frames)))
    forces = values.normal(size=frames.positions.shape) + force_error * rng.normal(size=frames.positions.shape)
    return frames.replace(energies=energies, forces=forces).computed_by('made up')


def found_of(sample, failed=()):
    """Return what jobs of a reference and of a model have left of frames."""
    rng = np.random.default_rng(1)
    frames = sample.get_frames(trace=True)
    kept = [index for index in range(len(frames)) if index not in failed]
    model = {
        'labelled': FramesData(labelled(frames, rng, 0.02, 0.1)[kept]), 'results': orm.Dict({'indices': kept}),
        'failures': orm.Dict({str(index): 'it flew apart' for index in failed}),
    }  # fmt: skip
    return {
        'truth': {'evaluation': {'labelled': FramesData(labelled(frames, rng, 0.0, 0.0))}},
        'grown': {'evaluation': model},
    }


@pytest.fixture
def evaluation():
    """Return an `EvaluateWorkChain` of 31 frames, one of which failed."""
    options = EvaluateOptions(reference='truth', seed=1, n_resamples=100, n_worst=3).to_dict()
    given = {
        f'set{len(size)}_{size[0]}': FramesData.from_atoms(rattled(n, size))
        for n, size in zip((15, 16), SIZES, strict=True)
    }
    gathered = gather_frames(orm.Dict(options), orm.Dict({}), orm.Dict({}), given=given)
    found = found_of(gathered['frames'], failed=(4,))
    measured = measure_errors(orm.Dict(options), gathered['plan'], gathered['frames'], models=found)
    frames = {f'frames__{name}': nodes['evaluation']['labelled'] for name, nodes in found.items()}
    outputs = {**measured, 'plan': gathered['plan'], **frames}
    return store_workchain('EvaluateWorkChain', 'seimlip.evaluate', {}, outputs)


@pytest.fixture
def transfer():
    """Return a `SizeTransferWorkChain` of two sizes, whose perfect cells are all alike to the models."""
    options = SizeTransferOptions(reference='truth', seed=1, n_resamples=100, repeats=[(1, 1, 1), (2, 1, 1)]).to_dict()
    given = {'moved': FramesData(Frames.concatenate(Frames.from_atoms(rattled(12, size)) for size in SIZES))}
    perfect = {f's{size[0]}x1x1': FramesData.from_atoms([bulk('LiF', 'rocksalt', a=4.0) * size]) for size in SIZES}
    gathered = gather_frames(orm.Dict(options), orm.Dict({}), orm.Dict({}), given=given, perfect=perfect)
    found = found_of(gathered['frames'])
    for nodes in found.values():
        frames = nodes['evaluation']['labelled'].get_frames()
        energies = frames.energies.copy()
        energies[-2:] = -3.0 * frames.sizes[-2:]
        nodes['evaluation']['labelled'] = FramesData(frames.replace(energies=energies))
    measured = measure_size_transfer(orm.Dict(options), gathered['plan'], gathered['frames'], models=found)
    frames = {f'frames__{name}': nodes['evaluation']['labelled'] for name, nodes in found.items()}
    outputs = {**measured, 'plan': gathered['plan'], **frames}
    return store_workchain('SizeTransferWorkChain', 'seimlip.size_transfer', {}, outputs)


def rows_of(node, name):
    (table,) = [table for table in tables_of(node) if table.name == name]
    return list(csv.DictReader(io.StringIO(table.to_csv())))


def test_errors_are_in_the_tables(evaluation):
    rows = rows_of(evaluation, 'errors')
    whole = rows[0]
    assert (whole['model'], whole['of'], whole['n_frames']) == ('grown', 'all frames', '30')
    assert float(whole['energy_rmse_mev_per_atom']) == pytest.approx(20.0, rel=0.4)
    assert float(whole['force_rmse_ev_per_angstrom']) == pytest.approx(0.1, rel=0.15)
    low, high = (float(whole[f'force_rmse_interval_ev_per_angstrom_{end}']) for end in ('low', 'high'))
    assert low < float(whole['force_rmse_ev_per_angstrom']) < high
    assert {(row['of'], row['which'], row['n_frames']) for row in rows[1:]} == {
        ('composition', 'FLi', '14'), ('composition', 'F2Li2', '16'), ('source', 'set3_1', '14'),
        ('source', 'set3_2', '16'),
    }  # fmt: skip
    assert {row['element'] for row in rows_of(evaluation, 'errors_by_element')} == {'Li', 'F'}
    worst = rows_of(evaluation, 'worst_frames')
    errors = [float(row['force_rms_ev_per_angstrom']) for row in worst]
    assert errors == sorted(errors, reverse=True)
    assert len(errors) == 3


def test_page_on_errors(evaluation):
    page = render_page(page_of([evaluation]))
    assert 'Errors on a test set' in page
    assert 'grown against truth' in page
    assert '1 frames failed; the first: it flew apart' in page
    assert 'eV/atom' in page


def test_pairs_of_the_figure_are_of_the_same_frames(evaluation):
    from aiida_seimlip.options.models.comparison_results import EvaluationComparison

    facts = PropertyFacts(evaluation)
    found = facts.model('properties', EvaluationComparison)
    reference, predicted = paired(facts, found, plan_of(facts), 'grown')
    assert len(reference) == 30
    assert reference.hashes() == predicted.hashes()
    rmse = np.sqrt(np.mean((reference.forces - predicted.forces) ** 2))
    assert rmse == pytest.approx(found.models['grown'].total.force_ev_per_angstrom.rmse.value, rel=1e-9)


def test_errors_by_size_are_in_the_tables_and_on_the_page(transfer):
    rows = rows_of(transfer, 'errors_by_size')
    assert [(row['n_atoms'], row['n_frames']) for row in rows] == [('2', '12'), ('4', '12')]
    for row in rows:
        assert float(row['energy_rmse_mev_per_atom']) == pytest.approx(20.0, rel=0.6)
    cells = rows_of(transfer, 'size_consistency')
    assert [row['energy_truth_ev_per_atom'] for row in cells] == ['-3.0', '-3.0']
    page = render_page(page_of([transfer]))
    assert 'Errors by the size of the cell' in page
    assert 'atoms in the cell' in page

"""Reports on cross-examinations: what is in the nodes is on the page and in the tables."""

import csv
import io

import numpy as np
import pytest
from aiida import orm
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.models.cross_examination import disagreements
from aiida_seimlip.report.pages import page_of, tables_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.science.frames import Frames, predicted_by
from tests.report.nodes import store_workchain


@pytest.fixture
def examined():
    """Return a `CrossExaminationWorkChain` on 30 frames, in the last ten of which the models disagree."""
    rng = np.random.default_rng(1)
    images = [bulk('LiF', 'rocksalt', a=4.0, cubic=True) for _ in range(30)]
    for step, atoms in enumerate(images):
        atoms.rattle(0.05, seed=step)
        atoms.info['md_step'] = 10 * step
    frames = Frames.from_atoms(images)
    forces = rng.normal(size=frames.positions.shape)
    apart = np.where(frames.frame_of_atom[:, None] < 20, 0.05, 0.5) * rng.normal(size=forces.shape)
    sets = [
        FramesData(frames.replace(forces=values, energies=np.zeros(30)).computed_by(predicted_by('x'), 'free'))
        for values in (forces, forces + apart)
    ]
    found = disagreements(orm.Dict({'threshold': 0.3, 'max_frames': 4, 'n_windows': 3}), *sets)
    return store_workchain('CrossExaminationWorkChain', 'seimlip.cross_examine', {'frames': sets[0]}, found)


def rows_of(node, name):
    (table,) = [table for table in tables_of(node) if table.name == name]
    return list(csv.DictReader(io.StringIO(table.to_csv())))


def test_tables(examined):
    kept = rows_of(examined, 'kept_frames')
    ratios = [float(row['ratio']) for row in kept]
    assert len(kept) == 4
    assert ratios == sorted(ratios, reverse=True)
    for row in kept:
        assert int(row['step']) == 10 * int(row['frame']) >= 200
        assert float(row['disagreement_ev_per_angstrom']) == pytest.approx(0.3 * float(row['ratio']))
    times = rows_of(examined, 'over_time')
    assert [int(row['n_frames']) for row in times] == [10, 10, 10]
    assert float(times[0]['share']) == 0.0 < float(times[-1]['share'])
    assert {row['element'] for row in rows_of(examined, 'by_element')} == {'Li', 'F'}
    assert {row['source'] for row in rows_of(examined, 'models')} == {'none: a threshold'}


def test_page(examined):
    page = render_page(page_of([examined]))
    assert page.count('<svg') == 1, 'what is allowed is the same everywhere'
    for text in (
        'Two models examined by each other',
        'Neither model tells its errors',
        'MD step',
        'the first at step 2',
    ):
        assert text in page, text

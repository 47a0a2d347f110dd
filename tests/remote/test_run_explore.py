"""The script of ``seimlip.md.explore``, in this process, with committees of which everything is known."""

import json

import numpy as np
import pytest
from ase.calculators.emt import EMT

from aiida_seimlip.calculations.script import pack
from aiida_seimlip.options.ase_exploration import AseExplorationOptions
from aiida_seimlip.parsers.md import read_records
from aiida_seimlip.remote import run_explore, run_md
from aiida_seimlip.science.frames import Frames
from tests.remote.test_run_md import calculator, copper

FACTORS = (0.9, 1.0, 1.1)
SPREAD = 0.1
"""Standard deviation of the factors, as of a sample."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs the script and gives exit code, how it ended, thermo, and candidates."""
    monkeypatch.setattr(run_md.signal, 'signal', lambda *_: None)
    monkeypatch.setattr(run_md.os, 'environ', {})

    def factory(atoms, *, scale=1.0, factors=FACTORS, calls=None, member='Committee', **options):
        defaults = {
            'temperature': 300.0,
            'seed': 3,
            'timestep': 5.0,
            'n_steps': 12,
            'thermo_every': 1,
            'grade_every': 1,
        }
        chosen = AseExplorationOptions(**{**defaults, 'threshold_save': 0.0, 'threshold_break': 1e6, **options})
        kwargs = {'factors': list(factors), 'calls': calls} if member == 'Committee' else {}
        remote = chosen.to_remote(calculator(member, **kwargs), None, scale)
        (tmp_path / 'options.json').write_text(json.dumps(remote))
        (tmp_path / 'frames.npz').write_bytes(pack(Frames.from_atoms([atoms])))
        code = run_md.main(tmp_path, run_explore.ExploreRun)
        end = json.loads((tmp_path / 'results.json').read_text())
        return code, end, read_records(tmp_path / 'thermo.npy'), read_records(tmp_path / 'candidates.npy')

    return factory


def largest_force(atoms):
    atoms.calc = EMT()
    return np.linalg.norm(atoms.get_forces(), axis=1).max()


def test_grade_is_the_scaled_deviation_of_a_force(run):
    """Where members differ by factors, it is the largest force times the spread of the factors and the scale."""
    code, end, thermo, candidates = run(copper(), scale=2.5, n_steps=10)
    assert code == 0
    assert candidates['step'].tolist() == list(range(11))
    for record in candidates[::5]:
        atoms = copper()
        atoms.set_cell(record['cell'])
        atoms.positions = record['positions']
        assert record['grade'] == pytest.approx(2.5 * SPREAD * largest_force(atoms), rel=1e-9)
    assert end['highest_grade'] == candidates['grade'].max() == thermo['grade'].max()


def test_only_every_nth_frame_is_graded(run):
    _, _, _, candidates = run(copper(), grade_every=5)
    assert candidates['step'].tolist() == [0, 5, 10]


def test_frames_above_the_threshold_are_candidates(run):
    _, _, _, everything = run(copper())
    threshold = float(np.median(everything['grade']))
    _, _, _, candidates = run(copper(), threshold_save=threshold)
    assert candidates['step'].tolist() == everything['step'][everything['grade'] > threshold].tolist()


def test_run_stops_itself(run):
    """The frame that breaks the run is its last candidate; its step is done."""
    _, _, _, everything = run(copper())
    above = np.maximum.accumulate(everything['grade'])
    threshold = float(above[6]) * (1 - 1e-9)
    first = int(np.argmax(everything['grade'] > threshold))
    code, end, _, candidates = run(copper(), threshold_break=threshold)
    assert (code, end['status'], end['n_steps']) == (run_md.EXIT_CODES['broke'], 'broke', first)
    assert candidates['step'][-1] == first
    assert candidates['grade'][-1] > threshold
    assert f'{threshold:g}' in end['message']


def test_a_start_may_break(run):
    code, end, _, candidates = run(copper(), threshold_break=1e-6)
    assert (end['status'], end['n_steps'], len(candidates)) == ('broke', 0, 1)
    assert code == run_md.EXIT_CODES['broke']


def test_forces_that_are_no_numbers_are_a_crash(run):
    code, end, _, candidates = run(copper(), calls=5)
    assert (code, end['status']) == (run_md.EXIT_CODES['crashed'], 'crashed')
    assert 'nan' in end['message'] or 'not finite' in end['message']
    assert 0 < len(candidates) <= 6


def test_atoms_that_meet_are_a_crash(run):
    atoms = copper()
    atoms.positions[1] = atoms.positions[0] + [0.3, 0.0, 0.0]
    code, end, _, _ = run(atoms, salvage_distance=0.6, temperature=1.0)
    assert code != 0
    assert end['status'] == 'start_failed'
    assert 'ShortDistance' in end['message'] or 'Exploded' in end['message']


def test_a_calculator_without_members_is_refused(run):
    code, end, _, _ = run(copper(), member='Ring')
    assert (code, end['status']) == (run_md.EXIT_CODES['setup_failed'], 'setup_failed')
    assert 'members of a committee' in end['message']


def test_ramps_are_refused():
    with pytest.raises(ValueError, match='the engine `lammps` knows it'):
        AseExplorationOptions(temperature=300.0, temperature_end=600.0, n_steps=10, seed=1)

"""The parser of ``seimlip.md``, on files as the script leaves them; each exit code."""

import io
import json

import numpy as np
import pytest
from aiida import orm
from ase.build import bulk

from aiida_seimlip.calculations.md import MdCalculation
from aiida_seimlip.calculations.script import pack
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.track import load_track
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.dynamics import AseDynamicsOptions
from aiida_seimlip.remote import run_md
from aiida_seimlip.science.frames import Frames

PARAMETERS = {
    'calculator': {'name': 'emt'}, 'temperature': 300.0, 'seed': 3, 'timestep': 5.0, 'n_steps': 20, 'mobile': ['Au'],
    'track_every': 5, 'dump_every': 10, 'thermo_every': 5,
}  # fmt: skip
CODES = {label: code.status for label, code in MdCalculation.spec().exit_codes.items()}


def start():
    atoms = bulk('Cu', cubic=True)
    atoms.symbols[0] = 'Au'
    atoms.rattle(0.05, seed=1)
    return Frames.from_atoms([atoms])


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Return what a run of 20 steps has left, by name."""
    folder = tmp_path_factory.mktemp('md')
    options = AseDynamicsOptions(**PARAMETERS).to_remote(CalculatorOptions(name='emt').to_remote(), None)
    (folder / 'options.json').write_text(json.dumps(options))
    (folder / 'frames.npz').write_bytes(pack(start()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_md.signal, 'signal', lambda *_: None)
        patch.setattr(run_md.os, 'environ', {})
        assert run_md.main(folder) == 0
    names = ('track.npy', 'trajectory.npy', 'thermo.npy', 'checkpoint.npz', 'results.json')
    return {name: (folder / name).read_bytes() for name in names}


@pytest.fixture
def parse(parse_recording, files):
    """Return a function that parses the run, with files replaced, or left out where they are None."""

    def factory(parameters=None, **changes):
        temporary = {name: content for name, content in files.items() if name not in changes}
        temporary |= {name: content for name, content in changes.items() if content is not None}
        inputs = {'structure': FramesData(start()), 'parameters': orm.Dict({**PARAMETERS, **(parameters or {})})}
        return parse_recording('seimlip.md', {'md.out': '', 'md.err': ''}, inputs, temporary=temporary)

    return factory


def ended(files, status, message='It ended.', **changes):
    """Return the record of a run that ended in another way."""
    record = {**json.loads(files['results.json']), 'status': status, 'message': message, **changes}
    return json.dumps(record).encode()


def test_completed(parse):
    job = parse()
    assert job.exit_status == 0
    results, track = job.outputs['results'].get_dict(), load_track(job.outputs['track'])
    assert (results['outcome'], results['n_steps'], results['n_track_frames']) == ('completed', 20, 5)
    assert track.steps.tolist() == [0, 5, 10, 15, 20]
    assert track.symbols == ('Au',)
    trajectory = job.outputs['trajectory'].get_frames()
    assert trajectory.origin_steps.tolist() == [0, 10, 20]
    assert trajectory.is_labelled
    assert trajectory.methods.tolist() == ['EMT'] * 3
    assert trajectory.energy_kinds.tolist() == ['free'] * 3
    np.testing.assert_allclose(track.positions[::2, 0], trajectory.positions[::4], atol=2e-6)
    final = job.outputs['final'].get_frames()
    np.testing.assert_allclose(final.positions, trajectory.positions[-4:])
    assert np.isfinite(final.velocities).all()
    thermo = job.outputs['thermo']
    assert results['mean_temperature'] == pytest.approx(thermo.get_array('temperature').mean())
    assert thermo.base.attributes.get('units')['pressure'] == 'bar'
    assert results['versions']['ase']


def test_nothing_there(parse):
    job = parse(**dict.fromkeys(('track.npy', 'trajectory.npy', 'thermo.npy', 'checkpoint.npz', 'results.json')))
    assert job.exit_status == CODES['ERROR_OUTPUT_MISSING']


@pytest.mark.parametrize(
    'change',
    [
        {'thermo.npy': b'not numpy'}, {'results.json': b'{"status": '}, {'checkpoint.npz': b'PK\x03\x04 cut off'},
        {'trajectory.npy': b'\x93NUMPY\x01\x00'},
    ],
)  # fmt: skip
def test_damaged_file(parse, change):
    assert parse(**change).exit_status == CODES['ERROR_OUTPUT_INVALID']


@pytest.mark.parametrize(
    ('status', 'label'),
    [
        ('setup_failed', 'ERROR_CALCULATOR_SETUP'), ('start_failed', 'ERROR_START_FAILED'),
        ('crashed', 'ERROR_CRASHED'), ('out_of_disk', 'ERROR_OUT_OF_DISK'), ('terminated', 'ERROR_INTERRUPTED'),
        ('out_of_walltime', 'ERROR_OUT_OF_WALLTIME'),
    ],
)  # fmt: skip
def test_early_ends(parse, files, status, label):
    job = parse(**{'results.json': ended(files, status)})
    assert job.exit_status == CODES[label]
    assert ('It ended.' in job.exit_message) == (status not in ('terminated', 'out_of_walltime'))
    assert ('final' in job.outputs) == (status in ('out_of_disk', 'terminated', 'out_of_walltime'))


def test_killed_outright(parse, files):
    """What came after the last checkpoint is done again; the track ends with the frame to go on from."""
    job = parse(**{'results.json': None, 'checkpoint.npz': _checkpoint_at(12), 'track.npy': files['track.npy'][:-10]})
    assert job.exit_status == CODES['ERROR_INTERRUPTED']
    results = job.outputs['results'].get_dict()
    assert (results['n_steps'], results['outcome']) == (12, 'interrupted')
    assert load_track(job.outputs['track']).steps.tolist() == [0, 5, 10]
    assert job.outputs['track'].get_array('steps').tolist() == [0, 5, 10, 12]
    assert job.outputs['final'].get_frames().origin_steps.tolist() == [12]


def _checkpoint_at(step):
    frame, buffer = start(), io.BytesIO()
    np.savez(buffer, step=step, positions=frame.positions, velocities=0.0 * frame.positions, cell=frame.cells[0])
    return buffer.getvalue()


def test_crash_keeps_what_there_is(parse, files):
    records = bytearray(files['thermo.npy'])
    records[-40:-32] = np.array([np.nan]).tobytes()
    job = parse(**{'results.json': ended(files, 'crashed', n_steps=17), 'thermo.npy': bytes(records)})
    results = job.outputs['results'].get_dict()
    assert (results['outcome'], results['n_steps']) == ('crashed', 17)
    assert np.isfinite(results['mean_temperature'])
    assert load_track(job.outputs['track']).steps.tolist() == [0, 5, 10, 15, 20]


def test_track_that_jumps(parse, files):
    """In a cell that changes, ions may not go further between two frames than half the cell."""
    head, size = len(files['track.npy']) - 5 * 8 * 13 - 5 * 12, 8 * 13 + 12
    records = bytearray(files['track.npy'])
    where = head + 2 * size + 8 * 10
    records[where : where + 4] = np.array([1.8], dtype='<f4').tobytes()
    job = parse({'ensemble': 'npt_iso'}, **{'track.npy': bytes(records)})
    assert job.exit_status == CODES['ERROR_TRACK_UNUSABLE']
    assert 'too far apart' in job.exit_message
    assert job.outputs['results']['track_problem'] in job.exit_message

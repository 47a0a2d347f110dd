"""The parser of ``seimlip.ase``."""

import json

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.parsers.ase import read_records
from aiida_seimlip.science.frames import Frames

VERSIONS = {'python': '3.12.1', 'numpy': '2.0.0', 'ase': '3.26.0'}
PARAMETERS = {'calculator': {'name': 'emt'}}


@pytest.fixture
def images():
    images = []
    for seed, symbol in enumerate(['Cu', 'Ag', 'Au']):
        image = bulk(symbol, cubic=True)
        image.rattle(0.1, seed=seed)
        image.set_cell(image.cell.array @ (np.eye(3) + 0.03 * np.tri(3)), scale_atoms=True)
        image.calc = EMT()
        images.append(image)
    return images


@pytest.fixture
def records(images):
    """Return what the script writes when all goes well, in an order of two workers."""
    lines = [{'kind': 'header', 'versions': VERSIONS}]
    for index in (1, 0, 2):
        lines += [sample(images[index], index), end(index)]
    return [*lines, {'kind': 'end', 'status': 'finished', 'message': None, 'seconds': 3.0}]


def sample(image, index, **more):
    labels = {'forces': image.get_forces().tolist(), 'stress': image.get_stress().tolist()}
    energy = {'energy': float(image.get_potential_energy()), 'energy_property': 'free_energy'}
    return {'kind': 'sample', 'index': index, 'step': None, **energy, **labels, **more}


def end(index, error=None, note=None):
    return {'kind': 'frame', 'index': index, 'error': error, 'note': note, 'seconds': 2.0, 'cpu_seconds': 1.5}


def written(records):
    return ''.join(json.dumps(record) + '\n' for record in records)


@pytest.fixture
def parse(parse_recording, images):
    """Return a function that parses results given as text or records."""
    from aiida import orm

    frames = Frames.from_atoms([image.copy() for image in images])
    node = FramesData(frames.replace(grades=np.array([3.0, 4.0, 5.0])))

    def factory(results, **parameters):
        temporary = (
            {} if results is None else {'results.jsonl': results if isinstance(results, str) else written(results)}
        )
        inputs = {'frames': node, 'parameters': orm.Dict({**PARAMETERS, **parameters})}
        return parse_recording('seimlip.ase', {'ase.out': '', 'ase.err': ''}, inputs, temporary=temporary)

    return factory


# -- how a job can end ----------------------------------------------------------------------------------------------


def test_finished(parse, records, images):
    parsed = parse(records)
    assert parsed.exit_status == 0
    labelled = parsed.outputs['labelled'].get_frames()
    node = parsed.node.inputs.frames
    for frame, image in zip(labelled.to_atoms(), images, strict=True):
        np.testing.assert_array_equal(frame.positions, image.positions)
        np.testing.assert_array_equal(frame.get_forces(), image.get_forces())
        np.testing.assert_array_equal(frame.get_stress(), image.get_stress())
        assert frame.get_potential_energy() == image.get_potential_energy()
    assert labelled.grades.tolist() == [3.0, 4.0, 5.0]
    assert labelled.methods.tolist() == ['EMT'] * 3
    assert labelled.energy_kinds.tolist() == ['free'] * 3
    assert labelled.origin_uuids.tolist() == [node.uuid] * 3
    assert labelled.origin_indices.tolist() == [0, 1, 2]
    assert parsed.outputs['failures'].get_dict() == {}
    assert parsed.outputs['results'].get_dict() == {
        'n_frames': 3, 'n_finished': 3, 'n_failed': 0, 'n_labelled': 3, 'indices': [0, 1, 2], 'notes': {},
        'energy_property': 'free_energy', 'seconds': 3.0, 'seconds_per_frame': 2.0, 'cpu_seconds': 4.5,
        'status': 'finished', 'message': None, 'n_unreadable_lines': 0, 'versions': VERSIONS,
    }  # fmt: skip


def test_some_frames_failed(parse, records):
    del records[1:3]
    records.insert(1, end(1, error='CalculationFailed: SCF not converged in 250 cycles'))
    parsed = parse(records)
    assert parsed.exit_status == 0
    assert parsed.outputs['failures'].get_dict() == {'1': 'CalculationFailed: SCF not converged in 250 cycles'}
    assert parsed.outputs['labelled'].get_frames().origin_indices.tolist() == [0, 2]
    assert parsed.outputs['results']['indices'] == [0, 2]


def test_out_of_disk(parse, records):
    last = {'kind': 'end', 'status': 'out_of_disk', 'message': 'No space left on device', 'seconds': 60}
    parsed = parse([*records[:3], last])
    assert parsed.exit_status == 402
    assert parsed.exit_message.startswith('The disk was full after 1 of 3 frames')
    assert parsed.outputs['labelled'].get_frames().origin_indices.tolist() == [1]


def test_frame_that_was_begun_is_told_from_those_that_were_not(parse, records):
    parsed = parse([*records[:3], {'kind': 'begin', 'index': 2}])
    assert parsed.outputs['failures'].get_dict() == {
        '0': 'NotFinished: the job ended before this frame was begun.',
        '2': 'NotFinished, begun: the job ended while it worked on this frame.',
    }


def test_output_missing(parse):
    parsed = parse(None)
    assert parsed.exit_status == 300
    assert '`results.jsonl`' in parsed.exit_message
    assert parsed.outputs == {}


@pytest.mark.parametrize(
    'change',
    [{'forces': [[0.0, 0.0, 0.0]]}, {'energy': 'low'}, {'index': 17}, {'positions': [[0.0, 0.0, 0.0]], 'cell': None}],
    ids=['atoms', 'number', 'index', 'positions'],
)
def test_output_invalid(parse, records, change):
    for record in records:
        if record['kind'] == 'sample':
            record.update(change)
    parsed = parse(records)
    assert parsed.exit_status == 301
    assert 'labelled' not in parsed.outputs


def test_calculator_setup(parse):
    message = "ModuleNotFoundError: No module named 'tblite'"
    parsed = parse([{'kind': 'end', 'status': 'setup_failed', 'message': message, 'seconds': 1.0}])
    assert parsed.exit_status == 310
    assert '`emt`' in parsed.exit_message
    assert message in parsed.exit_message


def test_all_frames_failed(parse, records):
    lines = [end(index, error=f'RuntimeError: {index}') for index in range(3)]
    parsed = parse([records[0], *lines, records[-1]])
    assert parsed.exit_status == 320
    assert parsed.exit_message.endswith('the first failed with: RuntimeError: 0')
    assert parsed.outputs['failures'].get_dict() == {str(index): f'RuntimeError: {index}' for index in range(3)}


def test_out_of_walltime(parse, records):
    last = {'kind': 'end', 'status': 'out_of_walltime', 'message': 'The time limit of 60 s has passed.', 'seconds': 60}
    parsed = parse([*records[:3], last])
    assert parsed.exit_status == 400
    assert '1 of 3 frames' in parsed.exit_message
    assert parsed.outputs['labelled'].get_frames().origin_indices.tolist() == [1]
    assert list(parsed.outputs['failures'].get_dict()) == ['0', '2']


def test_terminated(parse, records):
    last = {'kind': 'end', 'status': 'terminated', 'message': 'The script received the signal SIGTERM.', 'seconds': 9}
    parsed = parse([*records[:3], last])
    assert parsed.exit_status == 401
    assert parsed.outputs['labelled'].n_frames == 1


@pytest.mark.parametrize('n_lost', [2, 20, 400])
def test_killed_in_the_middle_of_a_line(parse, records, n_lost):
    parsed = parse(written(records[:-2])[:-n_lost])
    assert parsed.exit_status == 401
    assert parsed.outputs['labelled'].get_frames().origin_indices.tolist() == [0, 1]
    assert list(parsed.outputs['failures'].get_dict()) == ['2']
    assert parsed.outputs['results']['status'] is None


def test_killed_after_the_result(parse, records):
    """A label is a label, even if the script had no time to say that it is done."""
    parsed = parse(records[:-2])
    assert parsed.exit_status == 401
    assert '3 of 3 frames' in parsed.exit_message
    assert parsed.outputs['failures'].get_dict() == {}


def test_killed_before_the_first_frame(parse):
    parsed = parse('')
    assert parsed.exit_status == 401
    assert '0 of 3 frames' in parsed.exit_message


# -- what is in the outputs -----------------------------------------------------------------------------------------


def test_moved_frames(parse, records, images):
    """Samples of dynamics come in order of frame and step, with the start of their trajectory as origin."""
    samples = []
    for index, step in [(2, 10), (0, 10), (2, 20), (0, 20)]:
        image = images[index].copy()
        image.rattle(0.05, seed=step)
        image.set_cell(image.cell.array * 1.01)
        image.calc = EMT()
        moved = {'positions': image.positions.tolist(), 'cell': image.cell.array.tolist(), 'step': step}
        if step == 20:
            moved['velocities'] = np.full((4, 3), float(index)).tolist()
        samples.append((image, sample(image, index, **moved)))
    lines = [records[0], *(line for _, line in samples), end(0), end(2), end(1, error='RuntimeError: x'), records[-1]]
    parsed = parse(lines, task='md')
    assert parsed.exit_status == 0
    labelled = parsed.outputs['labelled'].get_frames()
    assert labelled.origin_indices.tolist() == [0, 0, 2, 2]
    assert labelled.origin_steps.tolist() == [10, 20, 10, 20]
    assert labelled.grades is None
    assert labelled.methods.tolist() == ['EMT'] * 4
    velocities = [frame.velocities[0, 0] for frame in labelled]
    np.testing.assert_array_equal(velocities, [np.nan, 0.0, np.nan, 2.0])
    for frame, (image, _) in zip(labelled.to_atoms(), [samples[i] for i in (1, 3, 0, 2)], strict=True):
        np.testing.assert_array_equal(frame.positions, image.positions)
        np.testing.assert_array_equal(frame.cell.array, image.cell.array)


def test_energies_of_unknown_kind(parse, records):
    """A calculator that offers no ``free_energy`` does not say which energy it returns."""
    for record in records:
        if record['kind'] == 'sample':
            record['energy_property'] = 'energy'
    assert parse(records).outputs['labelled'].energy_kinds == {'': 3}


@pytest.mark.parametrize('method', ['', 'MTP of others'])
def test_a_potential_predicts(parse_recording, potential_trained, images, records, method):
    """What a potential says is a prediction, unless it is named as the method to learn from."""
    from aiida import orm

    features = [{'EFS_by': 'VASP', 'config_type': 'bulk'}] * 3
    frames = Frames.from_atoms(images).computed_by('PBE', 'sigma0').with_features(features)
    calculator = {'name': 'mtp', 'method_label': method}
    inputs = {
        'frames': FramesData(frames), 'parameters': orm.Dict({'calculator': calculator}),
        'potential': potential_trained,
    }  # fmt: skip
    labelled = parse_recording('seimlip.ase', {}, inputs, temporary={'results.jsonl': written(records)}).outputs[
        'labelled'
    ]
    assert labelled.methods == {method or f'potential:{potential_trained.uuid}': 3}
    assert labelled.n_predicted == (0 if method else 3)
    assert labelled.is_labelled == bool(method)
    assert labelled.get_frames().features_of(0) == {'config_type': 'bulk'}, 'VASP has not labelled it'


def test_unfinished_trajectory_keeps_its_samples(parse, records, images):
    moved = {'positions': images[0].positions.tolist(), 'cell': images[0].cell.array.tolist(), 'step': 10}
    parsed = parse([records[0], sample(images[0], 0, **moved)], task='md')
    assert parsed.exit_status == 401
    assert parsed.outputs['labelled'].n_frames == 1
    assert parsed.outputs['failures']['0'] == 'NotFinished, begun: the job ended before this trajectory was complete.'


def test_origin_of_a_frame_that_has_one_is_kept(parse_recording, records, images):
    from aiida import orm

    frames = Frames.from_atoms([image.copy() for image in images])
    uuids = np.array(['d0c1f0d5-5f2e-4b0e-8f0c-1b8d2b6f0a11', '', ''])
    node = FramesData(frames.replace(origin_uuids=uuids, origin_indices=[7, -1, -1], origin_steps=[1200, -1, -1]))
    inputs = {'frames': node, 'parameters': orm.Dict(PARAMETERS)}
    parsed = parse_recording('seimlip.ase', {}, inputs, temporary={'results.jsonl': written(records)})
    labelled = parsed.outputs['labelled'].get_frames()
    assert labelled.origin_uuids.tolist() == [uuids[0], node.uuid, node.uuid]
    assert labelled.origin_indices.tolist() == [7, 1, 2]
    assert labelled.origin_steps.tolist() == [1200, -1, -1]


def test_notes(parse, records):
    records[2]['note'] = 'NotConverged: the forces did not fall below 0.05 eV/Å in 200 steps.'
    assert parse(records).outputs['results']['notes'] == {'1': records[2]['note']}


@pytest.mark.parametrize(
    'text', ['nonsense\n', '[]\n', '{"kind": "sample"}\n', '{"kind": "joke"}\n', '3\n', '{"kind": "frame", "index": 1']
)
def test_unreadable_lines_are_counted(text):
    records = read_records('{"kind": "header", "versions": {}}\n' + text)
    assert records.n_unreadable == 1
    assert not records.samples

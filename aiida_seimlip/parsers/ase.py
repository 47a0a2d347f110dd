"""The parser of ``seimlip.ase``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import ExitCode
from aiida.parsers import Parser

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.parsers.condense import Way
from aiida_seimlip.parsers.method import energy_kind_of, method_of
from aiida_seimlip.science.frames import Frames

RESULTS_FILENAME = 'results.jsonl'
OUT_OF_WALLTIME_BY_SCHEDULER = 120


@dataclass
class BatchRecords:
    """What the remote script wrote, by kind of record.

    :param versions: of Python, ASE and the calculator.
    :param samples: labelled configurations, in order of frame and step.
    :param begun: index of each frame that was begun.
    :param ends: the record of each frame that was finished or failed, by index.
    :param status: how the script ended, None if it was killed outright.
    :param message: why it ended early, None if it did not.
    :param seconds: wall time of the script in s, None if it was killed outright.
    :param n_unreadable: number of lines that are no complete record.
    :param way: what the task `condense` wrote on the way.
    """

    versions: dict[str, str | None] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    ends: dict[int, dict[str, Any]] = field(default_factory=dict)
    status: str | None = None
    message: str | None = None
    seconds: float | None = None
    n_unreadable: int = 0
    way: Way = field(default_factory=Way)

    def failures(self, indices: Sequence[int], *, of_trajectories: bool = False) -> dict[int, str]:
        """Return the reason for each frame that was not finished.

        :param indices: of the frames of the batch.
        :param of_trajectories: a frame has many samples, so that having one does not yet mean that it is finished.
        """
        sampled = {sample['index'] for sample in self.samples}
        finished = {index for index, end in self.ends.items() if end['error'] is None}
        finished = finished & sampled if of_trajectories else sampled
        return {index: self._reason(index, index in sampled) for index in indices if index not in finished}

    def _reason(self, index: int, is_sampled: bool) -> str:
        end = self.ends.get(index)
        if end is None:
            if is_sampled:
                return 'NotFinished, begun: the job ended before this trajectory was complete.'
            if index in self.begun:
                return 'NotFinished, begun: the job ended while it worked on this frame.'
            return 'NotFinished: the job ended before this frame was begun.'
        return end['error'] or 'ResultLost: the result of this frame is not readable.'

    def notes(self) -> dict[int, str]:
        """Return what is to be said about frames that were finished."""
        return {index: end['note'] for index, end in sorted(self.ends.items()) if end['note'] is not None}


def read_records(text: str) -> BatchRecords:
    """Read the lines of the remote script; a line that is cut or damaged is counted, not fatal.

    :param text: the content of the file, as far as it was written.
    """
    records = BatchRecords()
    for line in text.splitlines():
        try:
            record = json.loads(line)
            _add(records, record)
        except (ValueError, KeyError, TypeError):
            records.n_unreadable += 1
    records.way.trace.sort(key=lambda sample: (sample['index'], sample['step']))
    records.samples.sort(key=lambda sample: (sample['index'], sample['step'] or 0))
    return records


def _add(records: BatchRecords, record: dict[str, Any]) -> None:
    kind = record['kind']
    if records.way.add(record):
        return
    if kind == 'header':
        records.versions = record['versions']
    elif kind == 'sample':
        records.samples.append({**record, 'index': int(record['index'])})
    elif kind == 'begin':
        records.begun.add(int(record['index']))
        records.way.began.setdefault(int(record['index']), 0)
    elif kind == 'frame':
        records.ends[int(record['index'])] = record
    elif kind == 'end':
        records.status, records.message, records.seconds = record['status'], record['message'], record['seconds']
    else:
        raise ValueError(f'There is no record of kind `{kind}`.')


def label_frames(frames: Frames, samples: list[dict[str, Any]], uuid: str, method: str = '') -> Frames:
    """Return the configurations of the samples with their labels.

    A frame that was labelled as it is keeps its grade and origin; one that was moved has the frame that it started from
    as its origin.

    :param frames: the input frames, with their origins.
    :param samples: labelled configurations.
    :param uuid: of the node of the input frames.
    :param method: by which they were labelled.
    :raises ValueError: if a sample does not have as many atoms as its frame.
    """
    indices = np.array([sample['index'] for sample in samples], dtype=int)
    labelled = frames[indices].without_labels()
    shape = (int(labelled.ptr[-1]), 3)
    labels: dict[str, Any] = {
        'energies': np.array([sample['energy'] for sample in samples], dtype=float),
        'forces': np.concatenate([np.array(sample['forces'], dtype=float) for sample in samples]).reshape(shape),
        'stresses': _stresses(samples),
        'methods': np.full(len(samples), method),
        'energy_kinds': np.array([energy_kind_of(sample.get('energy_property')) for sample in samples]),
        'velocities': None,
    }
    if 'positions' in samples[0]:
        labels |= {
            'positions': np.concatenate([np.array(sample['positions']) for sample in samples]).reshape(shape),
            'cells': np.array([sample['cell'] for sample in samples]),
            'velocities': _velocities(samples, labelled.sizes),
            'grades': None,
            'features': None,
            'origin_uuids': np.full(len(samples), uuid),
            'origin_indices': indices,
            'origin_steps': np.array([sample['step'] for sample in samples]),
        }
    return labelled.replace(**labels)


def _stresses(samples: list[dict[str, Any]]) -> np.ndarray | None:
    stresses = [sample.get('stress') for sample in samples]
    if all(stress is None for stress in stresses):
        return None
    return np.array([np.full(6, np.nan) if stress is None else stress for stress in stresses], dtype=float)


def _velocities(samples: list[dict[str, Any]], sizes: np.ndarray) -> np.ndarray | None:
    velocities = [sample.get('velocities') for sample in samples]
    if all(value is None for value in velocities):
        return None
    return np.concatenate([
        np.full((size, 3), np.nan) if value is None else np.array(value)
        for value, size in zip(velocities, sizes, strict=True)
    ])  # fmt: skip


def summarise(records: BatchRecords, n_frames: int, failures: dict[int, str]) -> dict[str, Any]:
    """Return the content of the output `results`."""
    ends = records.ends.values()
    cpu_seconds = [end['cpu_seconds'] for end in ends if end['cpu_seconds'] is not None]
    seconds = [end['seconds'] for end in ends]
    return {
        'n_frames': n_frames,
        'n_finished': n_frames - len(failures),
        'n_failed': len(failures),
        'n_labelled': len(records.samples),
        'indices': [sample['index'] for sample in records.samples],
        'notes': {str(index): note for index, note in records.notes().items()},
        'energy_property': records.samples[0]['energy_property'] if records.samples else None,
        'seconds': records.seconds,
        'seconds_per_frame': float(np.mean(seconds)) if seconds else None,
        'cpu_seconds': float(np.sum(cpu_seconds)) if cpu_seconds else None,
        'status': records.status,
        'message': records.message,
        'n_unreadable_lines': records.n_unreadable,
        'versions': records.versions,
    }


class AseParser(Parser):
    """Attach all frames that were finished, and the reasons of those that were not."""

    def parse(self, *, retrieved_temporary_folder: str, **kwargs: Any) -> ExitCode | None:  # type: ignore[override]
        """Parse the results.

        :param retrieved_temporary_folder: where the results are for the time of parsing.
        """
        path = Path(retrieved_temporary_folder, RESULTS_FILENAME)
        if not path.is_file():
            return self.exit_codes.ERROR_OUTPUT_MISSING.format(filename=RESULTS_FILENAME)
        records = read_records(path.read_text(encoding='utf-8', errors='replace'))
        if records.n_unreadable:
            self.logger.warning(f'{records.n_unreadable} line(s) of `{RESULTS_FILENAME}` are cut or damaged.')
        records.way.read_checkpoints(Path(retrieved_temporary_folder))
        return self._attach(records) or self._judge(records)

    def _attach(self, records: BatchRecords) -> ExitCode | None:
        """Make the output nodes."""
        node = self.node.inputs.frames
        try:
            for name, samples in (('labelled', records.samples), ('trace', records.way.trace)):
                if samples:
                    frames = node.get_frames(trace=True)
                    self.out(name, FramesData(label_frames(frames, samples, node.uuid, method_of(self.node))))
        except (ValueError, KeyError, IndexError) as exception:
            return self.exit_codes.ERROR_OUTPUT_INVALID.format(filename=RESULTS_FILENAME, reason=str(exception))
        failures = self._failures(records)
        self.out('failures', orm.Dict({str(index): reason for index, reason in failures.items()}))
        results = summarise(records, len(self._indices), failures)
        if self.node.inputs.parameters.get('condense') is not None:
            results |= records.way.summarise(failures)
            for name, output in records.way.nodes(failures).items():
                self.out(name, output)
        self.out('results', orm.Dict(results))
        return None

    @property
    def _indices(self) -> list[int]:
        """Indices of the frames that the job had to work on."""
        inputs = self.node.inputs
        return inputs.indices.get_list() if 'indices' in inputs else list(range(inputs.frames.n_frames))

    def _failures(self, records: BatchRecords) -> dict[int, str]:
        inputs = self.node.inputs
        return records.failures(self._indices, of_trajectories=inputs.parameters.get('task') == 'md')

    def _judge(self, records: BatchRecords) -> ExitCode | None:
        """Return the exit code that says how the job ended."""
        n_frames = len(self._indices)
        failures = self._failures(records)
        counts = {'n_frames': n_frames, 'n_finished': n_frames - len(failures)}
        if records.status == 'setup_failed':
            name = self.node.inputs.parameters['calculator']['name']
            return self.exit_codes.ERROR_CALCULATOR_SETUP.format(name=name, reason=records.message)
        if records.status == 'out_of_walltime' or self.node.exit_status == OUT_OF_WALLTIME_BY_SCHEDULER:
            return self.exit_codes.ERROR_OUT_OF_WALLTIME.format(**counts)
        if records.status == 'out_of_disk':
            return self.exit_codes.ERROR_OUT_OF_DISK.format(**counts, reason=records.message)
        if records.status != 'finished':
            return self.exit_codes.ERROR_INTERRUPTED.format(**counts)
        if len(failures) == n_frames:
            return self.exit_codes.ERROR_ALL_FRAMES_FAILED.format(
                n_frames=n_frames, reason=next(iter(failures.values()))
            )
        return None

"""What the task `condense` of ``seimlip.ase`` leaves beside the last states."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from aiida import orm

from aiida_seimlip.data.record import UNITS, pack_record
from aiida_seimlip.functions.frames import NOT_FINISHED

CHECKPOINT_PREFIX = 'checkpoint-'


@dataclass
class Way:
    """What was written on the way, by kind of record.

    :param rows: of the record.
    :param trace: labelled configurations.
    :param ends: how the stages of each frame ended that it has come through, by index.
    :param left_out: after how many steps a sample was left out, as its forces are too large, by index.
    :param began: after how many steps the job took a frame up, by index.
    :param saved: after how many steps the last checkpoint of a frame was made, by index.
    :param files: these checkpoints, by index.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    trace: list[dict[str, Any]] = field(default_factory=list)
    ends: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    left_out: dict[int, list[int]] = field(default_factory=dict)
    began: dict[int, int] = field(default_factory=dict)
    saved: dict[int, int] = field(default_factory=dict)
    files: dict[int, Path] = field(default_factory=dict)

    def add(self, record: dict[str, Any]) -> bool:
        """Take a record and return True, if it is one of these."""
        kind = record['kind']
        if kind == 'row':
            self.rows.append(
                {'frame': int(record['index']), **{name: record[name] for name in UNITS if name != 'frame'}}
            )
        elif kind == 'trace':
            self.trace.append({**record, 'index': int(record['index']), 'step': int(record['step'])})
        elif kind == 'stage':
            self.ends.setdefault(int(record['index']), []).append({'stage': record['stage'], **record['end']})
        elif kind == 'left_out':
            self.left_out.setdefault(int(record['index']), []).append(record['total'])
        elif kind == 'resumed':
            self.began[int(record['index'])] = record['total']
            self.ends[int(record['index'])] = [{'stage': number, **end} for number, end in enumerate(record['ends'])]
        else:
            return False
        return True

    def read_checkpoints(self, folder: Path) -> None:
        """Find the checkpoints; one that is damaged is left out.

        :param folder: where they are.
        """
        for path in sorted(folder.glob(f'{CHECKPOINT_PREFIX}*.npz')):
            try:
                with np.load(path, allow_pickle=False) as archive:
                    total = json.loads(str(archive['state']))['total']
            except (BadZipFile, KeyError, ValueError, EOFError):
                continue
            index = int(path.stem.removeprefix(CHECKPOINT_PREFIX))
            self.saved[index], self.files[index] = int(total), path

    def summarise(self, failures: Mapping[int, str]) -> dict[str, Any]:
        """Return what the output `results` says of the way.

        :param failures: the reason for each frame that was not finished.
        """
        last = dict(self.began)
        for row in self.rows:
            last[row['frame']] = max(last.get(row['frame'], 0), row['total'])
        last |= {index: max(last.get(index, 0), self.saved[index]) for index in self._unfinished(failures)}
        return {
            'stages': _by_text(self.ends),
            'n_steps': sum(max(last[index] - total, 0) for index, total in self.began.items()),
            'left_out': _by_text(self.left_out),
            'n_left_out': sum(len(totals) for totals in self.left_out.values()),
            'began': _by_text(self.began),
            'checkpoints': {str(index): self.saved[index] for index in self._unfinished(failures)},
            'n_jobs': 1,
        }

    def nodes(self, failures: Mapping[int, str]) -> dict[str, orm.Data]:
        """Return the outputs `record` and `checkpoints`, as far as there is anything.

        :param failures: the reason for each frame that was not finished.
        """
        found: dict[str, orm.Data] = {}
        if self.rows:
            found['record'] = pack_record({name: np.array([row[name] for row in self.rows]) for name in UNITS})
        unfinished = self._unfinished(failures)
        if unfinished:
            found['checkpoints'] = node = orm.FolderData()
            for index in unfinished:
                node.base.repository.put_object_from_file(str(self.files[index]), self.files[index].name)
        return found

    def _unfinished(self, failures: Mapping[int, str]) -> list[int]:
        """Return the frames that another job can go on with."""
        return [index for index in sorted(self.files) if failures.get(index, '').startswith(NOT_FINISHED)]


def _by_text(values: Mapping[int, Any]) -> dict[str, Any]:
    return {str(index): value for index, value in sorted(values.items())}

"""Condense a frame in stages; the next job goes on in the middle of what one leaves; uploaded beside ``run_ase.py``.

Beside the records of other tasks it sends, with the ``index`` of the frame,

- ``{"kind": "row", ...}``: stage, step, temperature (K), density (g/cm³), pressure (GPa), energy (eV), largest force;
- ``{"kind": "trace", ...}``: a labelled configuration on the way, as a ``sample``;
- ``{"kind": "stage", ...}``: how a stage ended;
- ``{"kind": "left_out", "total": n}``: a sample with too large forces;
- ``{"kind": "resumed", "total": n}``: it goes on after ``n`` steps: what came later is calculated again.

A checkpoint, ``checkpoint-<index>.npz``, is written every minute and when the job is to stop, and removed when the
frame has come through. It holds positions, momenta and cell to the last bit, and as JSON the place in the stages, the
state of the random numbers and that of the optimiser or of the piston.

It needs ``stages.py`` and ``shared.py`` beside it, numpy, scipy, ase and the calculator, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .shared import FrameError, Line, Record, StopError, cell_of, label, save_arrays, temperature
    from .stages import make_stage
else:  # on the remote computer the modules lie beside this one
    from shared import FrameError, Line, Record, StopError, cell_of, label, save_arrays, temperature
    from stages import make_stage

if TYPE_CHECKING:
    from ase import Atoms

CHECKPOINT_SECONDS = 60.0
ROW = ('temperature', 'density', 'pressure', 'energy', 'max_force')


def run_condense(atoms: Atoms, index: int, task: Record, stress: bool, line: Line) -> str | None:
    """Run all stages, or those that are left of them, and send the last state.

    :return: a note if stages have not converged.
    :raises FrameError: if the frame has gone astray.
    :raises StopError: if the job is to stop; there is a checkpoint then.
    """
    return Condensation(atoms, index, task, stress, line).run()


class Condensation:
    """One frame on its way.

    :param stage: number of the present stage, from 0.
    :param step: number of steps done in it.
    :param total: number of steps done in all stages.
    """

    def __init__(self, atoms: Atoms, index: int, task: Record, stress: bool, line: Line) -> None:
        import numpy as np

        self.atoms, self.index, self.task, self.stress, self.line = atoms, index, task, stress, line
        self.rng = None if task['seed'] is None else np.random.default_rng([task['seed'], index])
        self.work = _hash_of_work(atoms, task)
        self.stage = self.step = self.total = 0
        self.driver: Any = None
        self.start: Record = {}
        self.ends: list[Record] = []
        self.path = Path(line.folder, f'checkpoint-{index:05d}.npz')
        self.saved_at = time.monotonic()

    def run(self) -> str | None:
        """Do what is left."""
        saved = self._load() if self.path.is_file() else None
        if saved is None:
            self.start = {'energy': label(self.atoms, stress=False)['energy'], 'volume': self._volume()}
            self._check_distances()
            self._send_row(self._row(label(self.atoms, self.stress)))
        for number in range(self.stage, len(self.task['stages'])):
            self.stage = number
            self._run_stage(self.task['stages'][number], saved)
            saved = None
        labels = label(self.atoms, self.stress)
        self.line.send({'kind': 'sample', 'index': self.index, 'step': self.total, **labels, **self._geometry()})
        self.path.unlink(missing_ok=True)
        open_ends = [str(number) for number, end in enumerate(self.ends) if end['converged'] is False]
        return f'NotConverged: stage {", ".join(open_ends)} ended before it had converged.' if open_ends else None

    def _run_stage(self, stage: Record, saved: Record | None) -> None:
        self.driver = make_stage(self.atoms, stage, self.rng, saved)
        while self.step < stage['n_steps'] and not self.driver.is_converged():
            if self.line.is_to_stop():
                self._save()
                raise StopError('paused', f'after {self.total} steps')
            self.driver.step(self.step + 1)
            self.step, self.total = self.step + 1, self.total + 1
            self._look()
            if time.monotonic() - self.saved_at > CHECKPOINT_SECONDS:
                self._save()
        self._check_distances()
        row = self._row(label(self.atoms, self.stress))
        self._send_row(row)
        end = {'kind': stage['kind'], 'n_steps': self.step, 'converged': self.driver.is_converged()}
        self.ends.append({**end, **{name: None if math.isnan(row[name]) else row[name] for name in ROW}})
        self.line.send({'kind': 'stage', 'index': self.index, 'stage': self.stage, 'end': self.ends[-1]})
        self.stage, self.step, self.driver = self.stage + 1, 0, None

    # -- what is looked at on the way ---------------------------------------------------------------------------------

    def _look(self) -> None:
        """Check, record and sample what falls due at a step."""
        self._check()
        every, last = self.task['sample_every'], self.step == self.task['stages'][self.stage]['n_steps']
        if self.total % self.task['record_every'] == 0 and not last:
            self._check_distances()
            self._send_row(self._row(label(self.atoms, self.stress)))
        if every is not None and self.total % every == 0 and not (last and self._is_last_stage()):
            self._sample()

    def _sample(self) -> None:
        """Send a labelled configuration, unless its forces are too large to learn from."""
        import numpy as np

        labels = label(self.atoms, self.stress)
        limit = self.task['sample_max_force']
        if limit is not None and np.linalg.norm(labels['forces'], axis=1).max() > limit:
            self.line.send({'kind': 'left_out', 'index': self.index, 'total': self.total})
            return
        self.line.send({'kind': 'trace', 'index': self.index, 'step': self.total, **labels, **self._geometry()})

    def _row(self, labels: Record) -> Record:
        """Return a row of the record; what is not known is NaN."""
        import numpy as np
        from ase import units

        atoms, volume = self.atoms, self._volume()
        grams = atoms.get_masses().sum() / units.kg * 1e3
        row = {
            'temperature': temperature(atoms), 'energy': labels['energy'],
            'density': grams / (volume * 1e-24),
            'max_force': float(np.linalg.norm(labels['forces'], axis=1).max()), 'pressure': math.nan,
        }  # fmt: skip
        if labels.get('stress') is not None:
            virial = -np.asarray(labels['stress'])[:3].mean()
            row['pressure'] = float(virial + 2.0 * atoms.get_kinetic_energy() / (3.0 * volume)) / units.GPa
        return row

    def _send_row(self, row: Record) -> None:
        place = {'stage': self.stage, 'step': self.step, 'total': self.total}
        self.line.send({'kind': 'row', 'index': self.index, **place, **row})

    def _geometry(self) -> Record:
        return {'positions': self.atoms.positions, 'cell': cell_of(self.atoms)}

    def _volume(self) -> float:
        """Return the volume in Å³, NaN unless the frame is periodic in all three directions."""
        return float(abs(self.atoms.cell.volume)) if self.atoms.pbc.all() else math.nan

    def _is_last_stage(self) -> bool:
        return self.stage == len(self.task['stages']) - 1

    # -- what must not happen -----------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Look for a frame that has gone astray.

        :raises FrameError: if it has.
        """
        import numpy as np

        limits, atoms = self.task['limits'], self.atoms
        if not (np.all(np.isfinite(atoms.positions)) and np.all(np.isfinite(atoms.cell.array))):
            raise FrameError(f'NonFiniteNumber: positions or cell are no longer finite {self._where()}.')
        ratio = self._volume() / self.start['volume']
        if ratio < limits['min_volume_ratio'] or ratio > limits['max_volume_ratio']:
            what = 'Collapsed' if ratio < 1 else 'Swollen'
            raise FrameError(f'{what}: the volume is {ratio:.3g} times that of the start {self._where()}.')
        change = (label(atoms, stress=False)['energy'] - self.start['energy']) / len(atoms)
        if abs(change) > limits['max_energy_change']:
            raise FrameError(
                f'RunAway: the energy has changed by {change:.3g} eV/atom since the start {self._where()}.'
            )
        now = temperature(atoms)
        if not now <= limits['max_temperature']:
            raise FrameError(f'Exploded: the temperature is {now:.3g} K {self._where()}.')

    def _check_distances(self) -> None:
        """Look for atoms that are too close.

        :raises FrameError: if there are any.
        """
        from ase.neighborlist import neighbor_list

        limit = self.task['limits']['min_distance']
        found = neighbor_list('d', self.atoms, limit) if limit else []
        if len(found):
            raise FrameError(f'TooClose: two atoms are {min(found):.2f} Å apart {self._where()}.')

    def _where(self) -> str:
        return f'at step {self.step} of stage {self.stage} ({self.task["stages"][self.stage]["kind"]})'

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        """Write a checkpoint; the one before it is kept until that is done."""
        state = {
            'work': self.work, 'stage': self.stage, 'step': self.step, 'total': self.total, 'start': self.start,
            'ends': self.ends, 'driver': self.driver.state(),
            'rng': None if self.rng is None else self.rng.bit_generator.state,
        }  # fmt: skip
        atoms = self.atoms
        save_arrays(
            self.path, positions=atoms.positions, momenta=atoms.get_momenta(), cell=atoms.cell.array,
            state=json.dumps(state),
        )  # fmt: skip
        self.saved_at = time.monotonic()

    def _load(self) -> Record:
        """Go back to a checkpoint and return the state of its stage.

        :raises FrameError: if it was made in other stages, or of another frame.
        """
        import numpy as np

        with np.load(self.path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        state: Record = json.loads(str(arrays['state']))
        if state['work'] != self.work:
            raise FrameError('Checkpoint: it belongs to another frame, or to other stages.')
        self.atoms.set_cell(arrays['cell'])
        self.atoms.positions = arrays['positions']
        self.atoms.set_momenta(arrays['momenta'])
        self.stage, self.step, self.total = state['stage'], state['step'], state['total']
        self.start, self.ends = state['start'], state['ends']
        if self.rng is not None:
            self.rng.bit_generator.state = state['rng']
        self.line.send({'kind': 'resumed', 'index': self.index, 'total': self.total, 'ends': self.ends})
        driver: Record = state['driver']
        return driver


def _hash_of_work(atoms: Atoms, task: Record) -> str:
    """Return what has to be the same for a checkpoint to be gone on with: the frame as it was given, and the stages."""
    what = {'stages': task['stages'], 'seed': task['seed'], 'numbers': atoms.numbers.tolist()}
    work = hashlib.sha256(json.dumps(what, sort_keys=True).encode())
    work.update(atoms.positions.tobytes())
    work.update(atoms.cell.array.tobytes())
    return work.hexdigest()

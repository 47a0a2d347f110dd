"""Run molecular dynamics that stops itself where a committee disagrees; for the CalcJob ``seimlip.md.explore``.

Usage: ``python3 run_explore.py`` in a folder that holds what ``run_md.py`` reads, which lies beside this script.
``options.json`` holds besides: ``grade_every``, ``threshold_save``, ``threshold_break`` (eV/Å), ``deviation_scale``
and ``shortest_distance`` (Å).

The grade of an atom is the standard deviation of its force over the members of the committee, that is, the root of the
sum over x, y and z of the unbiased variances, times ``deviation_scale``; that of a frame is the largest one. The
members have to be evaluated for the mean force in any case, so a grade costs nothing besides.

Beside the files of ``run_md.py`` there is ``candidates.npy``: ``step``, ``cell``, ``positions`` of all atoms (Å),
``energy`` (eV) and ``forces`` (eV/Å) of the committee, and ``grade`` (eV/Å), of each graded frame above
``threshold_save``. The file ``thermo.npy`` has the column ``grade``, that of the last frame graded, and
``results.json`` the ``highest_grade`` of all.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .run_md import Recorder, RecordFile, Run, main
    from .shared import FrameError, Record, StopError, cell_of, label, parts_of
else:  # on the remote computer the modules lie beside this script
    from run_md import Recorder, RecordFile, Run, main
    from shared import FrameError, Record, StopError, cell_of, label, parts_of

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms

HIGHEST_FORCE = 1000.0
"""In eV/Å; above, the run has exploded."""


class GradingRecorder(Recorder):
    """Grades frames, keeps those above a threshold, and stops the run above another.

    :param folder: where the files go.
    :param atoms: that move.
    :param options: what is wanted.
    """

    thermo_names = (*Recorder.thermo_names, 'grade')

    def __init__(self, folder: Path, atoms: Atoms, options: Record) -> None:
        super().__init__(folder, atoms, options)
        self.candidates = RecordFile(
            folder / 'candidates.npy',
            {'cell': (3, 3), 'positions': (len(atoms), 3), 'energy': (), 'forces': (len(atoms), 3), 'grade': ()},
        )
        self.grade, self.highest, self.step = math.nan, -math.inf, 0

    def record(self, step: int) -> None:
        """Grade the frame if that falls due, then write what falls due.

        :raises StopError: if the grade is above the threshold to break.
        :raises FrameError: if the run has exploded.
        """
        self.step = step
        is_due = step % self.options['grade_every'] == 0 or step == self.options['first_step']
        if is_due:
            labels = label(self.atoms, stress=False)
            self.grade = self.options['deviation_scale'] * float(deviations(self.atoms).max())
            self.highest = max(self.highest, self.grade)
        super().record(step)
        if is_due:
            self._act(step, labels['energy'], labels['forces'])

    def _act(self, step: int, energy: float, forces: np.ndarray) -> None:
        """Do what the grade of the present frame asks for."""
        grade, limit = self.grade, self.options['threshold_break']
        if grade > self.options['threshold_save']:
            frame = {'cell': cell_of(self.atoms), 'positions': self.atoms.positions}
            self.candidates.append(step, **frame, energy=energy, forces=forces, grade=grade)
        if grade > limit:
            raise StopError('broke', f'The grade {grade:.4g} eV/Å exceeds the threshold {limit:g} eV/Å.')
        largest = float(abs(forces).max())
        if largest > HIGHEST_FORCE:
            raise FrameError(f'Exploded: a force has risen to {largest:.3g} eV/Å.')
        check_distances(self.atoms, self.options['shortest_distance'])

    def thermo_values(self) -> dict[str, float]:
        """Return the thermodynamic quantities and the last grade."""
        return {**super().thermo_values(), 'grade': self.grade}


class ExploreRun(Run):
    """A run that is graded."""

    def make_recorder(self, atoms: Atoms) -> Recorder:
        """Return what grades and writes."""
        self.recorder = GradingRecorder(self.folder, atoms, self.options)
        return self.recorder

    def run(self) -> None:
        """Do all steps.

        :raises StopError: with what keeps it from them.
        """
        try:
            super().run()
        except StopError as exception:
            if exception.status == 'broke':
                self.n_steps = self.recorder.step - self.options['first_step']
            raise
        finally:
            recorder: Any = getattr(self, 'recorder', None)
            highest = -math.inf if recorder is None else recorder.highest
            self.found = {'highest_grade': highest if math.isfinite(highest) else None}


def deviations(atoms: Atoms) -> np.ndarray:
    """Return the standard deviation of the force on each atom over the members of a committee in eV/Å.

    :param atoms: whose forces have just been calculated.
    :return: shape (n_atoms,).
    :raises StopError: if the calculator is no committee.
    """
    import numpy as np

    for part in parts_of(atoms.calc):
        members = getattr(part, 'results', {}).get('forces_comm')
        if members is not None and len(members) > 1:
            found: np.ndarray = np.sqrt(np.var(np.asarray(members, dtype=float), axis=0, ddof=1).sum(axis=1))
            return found
    raise StopError('setup_failed', 'It gives no forces of the members of a committee, of two at least.')


def check_distances(atoms: Atoms, shortest: float) -> None:
    """Look for atoms that have run into each other.

    :param shortest: distance in Å that is no longer sane.
    :raises FrameError: if there are some.
    """
    from ase.neighborlist import neighbor_list

    distances = neighbor_list('d', atoms, shortest) if shortest > 0 else []
    if len(distances):
        raise FrameError(f'ShortDistance: two atoms are {min(distances):.3g} Å apart, less than {shortest:g} Å.')


if __name__ == '__main__':
    sys.exit(main(run_class=ExploreRun))

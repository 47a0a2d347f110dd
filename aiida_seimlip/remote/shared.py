"""What the scripts share that run on the remote computer: frames and their labels, processes.

Uploaded beside each of them. It needs numpy, ase and the calculator, and nothing else. Units are ASE's (eV, Å, eV/Å³,
Voigt order), except velocities, which are in Å/ps.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase import Atoms

THREAD_VARIABLES = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMBA_NUM_THREADS')
FRAMES_FILENAME = 'frames.npz'
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TURNED = 'turned_to_the_right'
"""Entry of `Atoms.info` of a frame whose cell vectors were all turned round."""

Record = dict[str, Any]


class FrameError(Exception):
    """A frame has no usable result; the message says why and is reported as it stands."""


class StopError(Exception):
    """The script cannot go on; `status` says how it ends, the message why."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class Line:
    """From a task to the script that has given it a frame.

    :param connection: to the script.
    :param folder: of the job.
    """

    def __init__(self, connection: Connection, folder: str | Path) -> None:
        self.connection, self.folder = connection, Path(folder)
        self.was_told = False

    def send(self, record: Record) -> None:
        """Send a record, which the script writes."""
        self.connection.send(to_plain(record))

    def tell(self, signum: int, frame: Any) -> None:
        """Remember a signal that asks to stop."""
        self.was_told = True

    def is_to_stop(self) -> bool:
        """Return whether a signal or the script, which sends nothing else meanwhile, asks to stop."""
        return self.was_told or self.connection.poll()


def is_full(exception: Exception) -> bool:
    """Return whether an exception says that the disk is full, or that a quota is used up."""
    return isinstance(exception, OSError) and exception.errno in DISK_ERRORS


def keep_memory() -> None:
    """Let glibc keep what this process frees, rather than hand it back and be given it anew, page by page.

    Models in torch allocate and free arrays of many megabytes at each call, and a fifth of their time went into that
    (7net-0, 70 atoms: 0.4 of 2.1 CPU-s a call). Elsewhere than with glibc nothing changes.
    """
    trim_threshold, mmap_threshold = -1, -3  # as malloc.h numbers what mallopt sets
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


def refuse_periodicity(atoms: Atoms, periodic_axes: list[int] | None) -> None:
    """Refuse a frame that is periodic in a number of directions that the calculator cannot take.

    :param periodic_axes: the numbers of periodic directions that it can take; None: all.
    :raises FrameError: if it is another one.
    """
    n_axes = int(sum(atoms.pbc))
    if periodic_axes is not None and n_axes not in periodic_axes:
        known = ', '.join(str(number) for number in periodic_axes)
        raise FrameError(
            f'Periodicity: the frame is periodic in {n_axes} directions, the calculator takes {known}; it would '
            'calculate another system.'
        )


def parts_of(calculator: Any) -> list[Any]:
    """Return the calculators whose sum a calculator is, or itself."""
    parts: list[Any] = calculator.mixer.calcs if hasattr(calculator, 'mixer') else [calculator]
    return parts


def label(atoms: Atoms, stress: bool) -> Record:
    """Calculate energy, forces and stress, without what constraints would add to them.

    The energy is the one whose derivative the forces are (ASE's ``free_energy``) where the calculator offers it:
    ``energy_property`` says which one it is.

    :param stress: whether to ask for the stress, which is done for fully periodic frames only.
    :raises FrameError: if a position or a result is not finite or has another shape than it should have, or the
        calculator says that it has not converged.
    """
    import numpy as np
    from ase.calculators.calculator import PropertyNotImplementedError

    if not np.all(np.isfinite(atoms.positions)):
        raise FrameError('NonFiniteNumber: the positions of the atoms are no longer finite.')
    results: Record = {'forces': _shaped('forces', atoms.get_forces(apply_constraint=False), (len(atoms), 3))}
    results.update(_energy(atoms))
    if stress and atoms.pbc.all():
        try:
            results['stress'] = _voigt(atoms.calc.get_stress(atoms))
        except PropertyNotImplementedError:
            results['stress'] = None
    for part in parts_of(atoms.calc):
        if getattr(part, 'converged', None) is False:
            raise FrameError('NotConverged: the calculator reports that its self-consistency cycle has not converged.')
    for name in ('energy', 'forces', 'stress'):
        value = results.get(name)
        if value is not None and not np.all(np.isfinite(value)):
            raise FrameError(f'NonFiniteNumber: the {name} of the calculator holds values that are not finite.')
    return results


def _energy(atoms: Atoms) -> Record:
    """Return the energy in eV of atoms whose forces have just been calculated, and the name of the property."""
    from ase.calculators.calculator import PropertyNotImplementedError

    try:
        free = atoms.get_potential_energy(force_consistent=True, apply_constraint=False)
    except PropertyNotImplementedError:  # some have it without naming it among their properties
        found = [getattr(part, 'results', {}).get('free_energy') for part in parts_of(atoms.calc)]
        free = None if any(energy is None for energy in found) else sum(map(_number, found))
    if free is not None:
        return {'energy': _number(free), 'energy_property': 'free_energy'}
    energy = _number(atoms.get_potential_energy(apply_constraint=False))
    return {'energy': energy, 'energy_property': 'energy'}


def _number(energy: Any) -> float:
    return float(_shaped('energy', energy, ()))


def _shaped(name: str, value: Any, shape: tuple[int, ...]) -> Any:
    """Return a result in double precision and of the shape that it should have, which an array of as many numbers is.

    :raises FrameError: if it holds more or fewer numbers.
    """
    import numpy as np

    array = np.asarray(value, dtype=float)
    if array.size != np.prod(shape, dtype=int):
        raise FrameError(f'WrongShape: the {name} of the calculator has the shape {array.shape}, not {shape}.')
    return array.reshape(shape)


def _voigt(stress: Any) -> Any:
    """Return six numbers in the order xx, yy, zz, yz, xz, xy, of a stress that may come as nine."""
    import numpy as np
    from ase.stress import full_3x3_to_voigt_6_stress

    array = np.asarray(stress, dtype=float)
    if array.size == 9:
        return full_3x3_to_voigt_6_stress(array.reshape(3, 3))
    return _shaped('stress', array, (6,))


def read_frame(arrays: Any, index: int) -> Atoms:
    """Return frame `index` of the packed arrays as ASE atoms, with velocities where they are known.

    The vectors of a left-handed cell are all turned round, which makes a right-handed one of the same crystal: some
    programs refuse left-handed cells, and CHGNet gives them stresses of the wrong sign. `cell_of` undoes it.
    """
    import numpy as np
    from ase import Atoms, units

    part = slice(arrays['ptr'][index], arrays['ptr'][index + 1])
    atoms = Atoms(
        arrays['numbers'][part], arrays['positions'][part], cell=arrays['cells'][index], pbc=arrays['pbc'][index]
    )
    if 'velocities' in arrays and np.all(np.isfinite(arrays['velocities'][part])):
        atoms.set_velocities(arrays['velocities'][part] / (1000.0 * units.fs))
    if np.linalg.det(atoms.cell.array) < 0:
        atoms.set_cell(-atoms.cell.array)
        atoms.info[TURNED] = True
    return atoms


def cell_of(atoms: Atoms) -> Any:
    """Return the cell vectors in Å, in the directions that they had in the frame that the atoms come from."""
    return -atoms.cell.array if atoms.info.get(TURNED) else atoms.cell.array


def temperature(atoms: Atoms) -> float:
    """Return the temperature in K; the motion of the centre of mass takes no part."""
    from ase import units

    energy, degrees = atoms.get_kinetic_energy(), 3 * len(atoms)
    if len(atoms) > 1:
        energy -= 0.5 * (atoms.get_momenta().sum(axis=0) ** 2).sum() / atoms.get_masses().sum()
        degrees -= 3
    return float(2.0 * energy / (degrees * units.kB))


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays into an npz file; the file that was there before is kept until that is done."""
    import numpy as np

    part = path.with_name(f'part-{path.name}')
    np.savez(part, **arrays)
    os.replace(part, path)


def to_plain(record: Record) -> Record:
    """Return the record with arrays as nested lists, for JSON."""
    return {key: value.tolist() if hasattr(value, 'tolist') else value for key, value in record.items()}


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that these started; none where there is no ``/proc``."""
    children: dict[int, list[int]] = {}
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            parent = int(path.read_text().rpartition(')')[2].split()[1])
        except (OSError, ValueError, IndexError):  # it has ended in the meantime
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found: list[int] = []
    pending = [pid]
    while pending:
        pending += children.get(pending[0], [])
        found += children.get(pending.pop(0), [])
    return found


def kill(pid: int) -> None:
    """Kill a process, unless it has ended already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass

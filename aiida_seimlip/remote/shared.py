"""What the scripts share that run on the remote computer: calculators, frames and their labels.

Uploaded beside each of them. It needs numpy, ase and the calculator, and nothing else. Units are ASE's (eV, Å, eV/Å³,
Voigt order), except velocities, which are in Å/ps.
"""

from __future__ import annotations

import importlib
import os
import platform
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

THREAD_VARIABLES = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMBA_NUM_THREADS')
ACTIVE_SET_MARK = b'#MVS'

Record = dict[str, Any]


class FrameError(Exception):
    """A frame has no usable result; the message says why and is reported as it stands."""


def make_calculator(options: Record) -> Calculator:
    """Import the calculator class and create an instance of it.

    :param options: ``target`` is ``module:attribute``; ``kwargs`` go to the constructor.
    """
    module, _, attribute = options['target'].partition(':')
    return getattr(importlib.import_module(module), attribute)(**options['kwargs'])


def make_motep(potential: str, species: list[str], **kwargs: Any) -> Calculator:
    """Return the calculator of motep for a moment tensor potential.

    :param potential: name of a file in MLIP-3's format; an active set in it is left out, as motep does not read it.
    :param species: chemical symbols in type order.
    :param kwargs: of `motep.calculator.MTP`, such as ``engine``.
    """
    import tempfile

    from ase.data import atomic_numbers
    from motep.calculator import MTP
    from motep.io.mlip.mtp import read_mtp

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'potential.mtp')
        path.write_bytes(Path(potential).read_bytes().partition(ACTIVE_SET_MARK)[0])
        data = read_mtp(path)
    data.species = [atomic_numbers[symbol] for symbol in species]
    return MTP(data, **kwargs)


def label(atoms: Atoms, stress: bool) -> Record:
    """Calculate energy, forces and stress.

    The energy is the one whose derivative the forces are (ASE's ``free_energy``) where the calculator offers it.

    :param stress: whether to ask for the stress, which is done for fully periodic frames only.
    :raises FrameError: if a position or a result is not finite, or the calculator says that it has not converged.
    """
    import numpy as np
    from ase.calculators.calculator import PropertyNotImplementedError

    if not np.all(np.isfinite(atoms.positions)):
        raise FrameError('NonFiniteNumber: the positions of the atoms are no longer finite.')
    calculator = atoms.calc
    results: Record = {'forces': atoms.get_forces(apply_constraint=False), 'energy': atoms.get_potential_energy()}
    try:
        results['energy'] = atoms.get_potential_energy(force_consistent=True)
        results['energy_property'] = 'free_energy'
    except PropertyNotImplementedError:
        results['energy_property'] = 'energy'
    if stress and atoms.pbc.all():
        try:
            results['stress'] = atoms.get_stress(voigt=True, apply_constraint=False)
        except PropertyNotImplementedError:
            results['stress'] = None
    if getattr(calculator, 'converged', None) is False:
        raise FrameError('NotConverged: the calculator reports that its self-consistency cycle has not converged.')
    for name in ('energy', 'forces', 'stress'):
        value = results.get(name)
        if value is not None and not np.all(np.isfinite(value)):
            raise FrameError(f'NonFiniteNumber: the {name} of the calculator holds values that are not finite.')
    return results


def read_frame(arrays: Any, index: int) -> Atoms:
    """Return frame `index` of the packed arrays as ASE atoms, with velocities where they are known."""
    import numpy as np
    from ase import Atoms, units

    part = slice(arrays['ptr'][index], arrays['ptr'][index + 1])
    atoms = Atoms(
        arrays['numbers'][part], arrays['positions'][part], cell=arrays['cells'][index], pbc=arrays['pbc'][index]
    )
    if 'velocities' in arrays and np.all(np.isfinite(arrays['velocities'][part])):
        atoms.set_velocities(arrays['velocities'][part] / (1000.0 * units.fs))
    return atoms


def package_versions(package: str) -> dict[str, str | None]:
    """Return the versions of Python, numpy, ASE and the package of the calculator (None if it has no metadata)."""
    import ase
    import numpy as np

    versions: dict[str, str | None] = {
        'python': platform.python_version(), 'numpy': np.__version__, 'ase': ase.__version__
    }  # fmt: skip
    if package not in versions:
        from importlib import metadata

        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions


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

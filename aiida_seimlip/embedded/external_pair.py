"""A moment tensor potential as a force of LAMMPS, through ``pair_style zero`` and ``fix external``."""

from __future__ import annotations

import ctypes
import sys
import traceback
from typing import Any, NoReturn

import numpy as np
from ase.data import atomic_numbers

from aiida_seimlip.embedded.extrapolation import BreakError, ExtrapolationControl, Thresholds
from aiida_seimlip.embedded.lammps_library import Simulation, flush_all, leave, thread_count
from aiida_seimlip.embedded.verlet import VerletList
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import Evaluator
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

FIX_ID = 'seimlip'
_ERROR_ONE = 1  # LAMMPS' own number for an error that one rank reports
_SMALLEST_VOLUME_PER_ATOM = 0.5  # Å³; below, the cell has collapsed and lists of neighbours would fill the memory
_LARGEST_COORDINATE = 1e6  # in cells; above, atoms have been shot away


class ExternalPair:
    """Gives LAMMPS energy, forces and virial at every step, and ends the run where extrapolation control says so.

    :param potential: trained.
    :param thresholds: of extrapolation control, or None to run without.
    :param dialect: whose message and exit code a break has: ``mlip`` or ``mtp``.
    :raises ValueError: if the potential is not trained, or lacks what extrapolation control needs.
    """

    def __init__(self, potential: MomentTensorPotential, thresholds: Thresholds | None, *, dialect: str):
        self.dialect = dialect
        self.potential = potential
        self.evaluator = Evaluator(potential, threads=thread_count())
        self.control = ExtrapolationControl(potential, self.evaluator, thresholds) if thresholds else None
        self._verlet = VerletList(potential.max_dist)
        self._tags = np.empty(0, dtype=np.int64)
        self._numbers = np.array([atomic_numbers[symbol] for symbol in potential.species])

    @property
    def cutoff(self) -> float:
        """Cut-off in Å."""
        return self.evaluator.cutoff

    def attach(self, lmp: Any, *, anew: bool = False) -> None:
        """Make LAMMPS call this potential at every step; its simulation box must be defined.

        :param lmp: object of LAMMPS' Python module.
        :param anew: whether there is a fix of the name `FIX_ID` already, which calls another potential.
        """
        self._lmp = lmp
        self._simulation = Simulation(lmp)
        if not anew:
            lmp.command(f'fix {FIX_ID} all external pf/callback 1 1')
            lmp.command(f'fix_modify {FIX_ID} energy yes virial yes')
        lmp.set_fix_external_callback(FIX_ID, self._callback, None)
        if self.control is not None:
            lmp.fix_external_set_vector_length(FIX_ID, 2)  # compute slice never takes the last entry

    def _callback(
        self, _caller: object, step: int, n_atoms: int, tags: np.ndarray, positions: np.ndarray, forces: np.ndarray
    ) -> None:
        """Answer LAMMPS; an exception cannot pass through it, so every end of the process is here."""
        try:
            self._compute(step, n_atoms, tags, positions, forces)
        except BreakError as error:
            self._break(error)
        except _UnstableError as error:
            self._lammps_error(str(error))
        except KeyboardInterrupt:
            leave(130)
        except BaseException as error:
            traceback.print_exc()
            self._mlip_error(str(error))

    def _compute(self, step: int, n_atoms: int, tags: np.ndarray, positions: np.ndarray, forces: np.ndarray) -> None:
        if n_atoms == 0:  # all are lost, which LAMMPS says at its next thermodynamic output
            self._hand_over(np.zeros(1), np.zeros(6))
            return
        if not np.array_equal(tags, self._tags):
            self._tags = np.array(tags, dtype=np.int64)
            self._verlet.forget()
        types = self._simulation.types(n_atoms)
        if types.max() >= self.potential.n_species:
            self._refuse_type(int(types.max()))
        cell = self._simulation.cell
        relative = positions - self._simulation.origin
        _check_stability(relative, cell)
        pairs = self._verlet.images(relative, cell, self._simulation.pbc)
        result = self.evaluator.compute(types, pairs, positions=relative, with_local=self.control is not None)
        if self.control is not None and result.local is not None:
            self.control.inspect(step, types, result.local, lambda: self._frame(types, positions, cell))
            self._lmp.fix_external_set_vector(FIX_ID, 1, self.control.grade)
        forces[:] = result.forces
        self._hand_over(result.site_energies, result.virials[0])

    def _hand_over(self, site_energies: np.ndarray, virial: np.ndarray) -> None:
        """Give energies and virial to LAMMPS: its virial has the other sign, and the order xx, yy, zz, xy, xz, yz."""
        lmp = self._lmp
        lmp.fix_external_set_energy_global(FIX_ID, float(site_energies.sum()))
        lmp.fix_external_set_virial_global(FIX_ID, (-virial[[0, 1, 2, 5, 4, 3]]).tolist())
        address = site_energies.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        lmp.lib.lammps_fix_external_set_energy_peratom(lmp.lmp, FIX_ID.encode(), address)

    def _frame(self, types: np.ndarray, positions: np.ndarray, cell: np.ndarray) -> tuple[Frames, np.ndarray]:
        """Return the present frame, and its order: that of the atoms' ids."""
        order = np.argsort(self._tags)
        frame = Frames(
            numbers=self._numbers[types[order]], positions=positions[order], ptr=np.array([0, order.size]),
            cells=cell[None], pbc=self._simulation.pbc[None],
        )  # fmt: skip
        return frame, order

    # -- ends of the process ------------------------------------------------------------------------------------------

    def _break(self, error: BreakError) -> NoReturn:
        if self.dialect == 'mlip':
            self._mlip_error(str(error))
        self._lammps_error(f'Exceeded Break Threshold: {error.grade:.5f}. Terminating simulation.')

    def _refuse_type(self, index: int) -> NoReturn:
        if self.dialect == 'mlip':
            self._mlip_error(f'Atomic number {index} is not present in the MTP potential!')
        self._lammps_error(f'Atom type {index + 1}, but the MTP potential has {self.potential.n_species} species.')

    @staticmethod
    def _mlip_error(message: str) -> NoReturn:
        """End as MLIP-3 does at run time: the message on stderr, the log in mid-air, exit code 9."""
        flush_all()
        print(message, file=sys.stderr)
        leave(9)

    def _lammps_error(self, message: str) -> NoReturn:
        """End as LAMMPS does: the message on the screen and in the log, exit code 1."""
        flush_all()
        try:
            self._lmp.error(_ERROR_ONE, message)
        finally:  # the exception must not pass through LAMMPS
            leave(1)


class _UnstableError(Exception):
    """Positions or cell are such that nothing sensible can be calculated."""


def _check_stability(positions: np.ndarray, cell: np.ndarray) -> None:
    """Refuse positions or cells that are not finite or absurd, with LAMMPS' own words where it has some."""
    lengths = np.diagonal(cell)
    farthest = np.abs(positions).max()
    dense = np.prod(lengths) < _SMALLEST_VOLUME_PER_ATOM * len(positions)
    if farthest <= _LARGEST_COORDINATE * lengths.min() and not dense and np.isfinite(cell.sum()):
        return
    if not np.all(np.isfinite(cell)):
        raise _UnstableError('Non-numeric box dimensions - simulation unstable')
    if not np.isfinite(farthest):
        raise _UnstableError('Non-numeric atom coords - simulation unstable')
    what = 'The cell collapsed' if dense else 'Atoms were shot out of the cell'
    raise _UnstableError(f'{what} - simulation unstable')

"""Relax a band of images to a minimum energy path; uploaded and run by the CalcJob ``seimlip.ase.neb``.

Usage: ``python3 run_neb.py`` in a folder that holds

- ``options.json``: calculator, band and limits, as `to_remote` of `options.barrier.neb.BandOptions` writes them;
- ``frames.npz``: the images, as the packed arrays of `aiida_seimlip.science.frames.Frames`.

It writes, again and again and at the end, so that a kill costs little:

- ``band.npz``: ``positions`` (Å), ``forces`` (eV/Å; both of shape (n_images, n_atoms, 3)) and ``energies`` (eV) of the
  last band that was calculated as a whole;
- ``results.json``: ``status``, ``message``, steps, the largest force across the path (eV/Å) after each, versions.

The band is that of ASE with improved tangents (G. Henkelman and H. Jónsson, J. Chem. Phys. 113, 9978 (2000)) and a
climbing image (G. Henkelman, B. P. Uberuaga and H. Jónsson, J. Chem. Phys. 113, 9901 (2000)). It is converged where the
largest force across the path on any atom is small: on each image the force without its component along the tangent and
without that of the springs, on the climbing image the whole force.

Images are calculated in worker processes: a calculator that crashes does not take the band with it. The script needs
``pool.py`` and what that imports beside it, numpy, ase and the calculator, and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.constraints import FixAtoms
from ase.mep.neb import DyNEB, NEBState

if TYPE_CHECKING or __package__:
    from .pool import Pool
    from .shared import FRAMES_FILENAME, THREAD_VARIABLES, Record, StopError, read_frame
else:  # on the remote computer the modules lie beside this script
    from pool import Pool
    from shared import FRAMES_FILENAME, THREAD_VARIABLES, Record, StopError, read_frame

if TYPE_CHECKING:
    from ase import Atoms

OPTIONS_FILENAME = 'options.json'
BAND_FILENAME = 'band.npz'
RESULTS_FILENAME = 'results.json'
SAVE_SECONDS = 10.0
PATIENCE_SECONDS = 5.0
EXIT_CODES = {
    'converged': 0, 'setup_failed': 2, 'out_of_walltime': 3, 'terminated': 4, 'out_of_disk': 5, 'image_failed': 6,
    'not_converged': 7,
}  # fmt: skip


# -- the band ---------------------------------------------------------------------------------------------------------


class PooledCalculator(Calculator):
    """What the workers have found for one image."""

    implemented_properties = ['energy', 'free_energy', 'forces']

    def __init__(self, pool: Pool, index: int) -> None:
        super().__init__()
        self.pool, self.index = pool, index
        self.energy_property: str | None = None

    def calculate(self, atoms: Atoms | None = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        """Have this one image calculated, as the band has not asked for it together with the others."""
        assert atoms is not None
        self.take(atoms, self.pool.label({self.index: atoms})[self.index])

    def take(self, atoms: Atoms, record: Record) -> None:
        """Take over energy and forces of an image."""
        self.atoms = atoms.copy()
        self.results = {'energy': record['energy'], 'free_energy': record['energy'], 'forces': record['forces']}
        self.energy_property = record['energy_property']


class Band(DyNEB):
    """A band whose images are calculated side by side, and that knows the force across it."""

    def __init__(self, images: list[Atoms], pool: Pool, options: Record) -> None:
        for index, image in enumerate(images):
            image.calc = PooledCalculator(pool, index)
        super().__init__(
            images, k=options['spring_constant'], climb=False, method='improvedtangent', fmax=options['fmax'],
            dynamic_relaxation=options['dynamic'], remove_rotation_and_translation=False,
        )  # fmt: skip
        self.pool = pool
        self.residual = np.inf

    def get_forces(self) -> np.ndarray:
        """Return the forces of the band on the images between its ends; shape (n_inner·n_atoms, 3)."""
        moved = {i: image for i, image in enumerate(self.images) if image.calc.check_state(image)}
        for index, record in self.pool.label(moved).items():
            self.images[index].calc.take(self.images[index], record)
        forces = super().get_forces()
        self.residual = max(self._force_across(index) for index in range(1, self.nimages - 1))
        return forces

    def _force_across(self, index: int) -> float:
        """Return the largest force across the path on an atom of an image in eV/Å; on the climbing one, the whole."""
        force = self.images[index].get_forces()
        if not (self.climb and index == self.imax):
            state = NEBState(self, self.images, self.energies)
            tangent = self.neb_method.get_tangent(state, state.spring(index - 1), state.spring(index), index)
            force = force - np.vdot(force, tangent) * tangent
        return float(np.linalg.norm(force, axis=1).max())

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the band as it was last calculated as a whole."""
        return {
            'positions': np.array([image.calc.atoms.positions for image in self.images]),
            'energies': np.array([image.calc.results['energy'] for image in self.images]),
            'forces': np.array([image.calc.results['forces'] for image in self.images]),
        }


class Search:
    """The way of a band to the minimum energy path, with a record of each step."""

    def __init__(self, folder: Path, options: Record, pool: Pool) -> None:
        self.folder, self.options, self.pool = folder, options, pool
        self.residuals: list[float] = []
        self.highest: list[float] = []
        self.arrays: dict[str, np.ndarray] | None = None
        self.is_climbing = False
        self.saved = time.monotonic()
        with np.load(folder / FRAMES_FILENAME, allow_pickle=False) as archive:
            frames = {name: archive[name] for name in archive.files}
        images = [read_frame(frames, index) for index in range(len(frames['ptr']) - 1)]
        for image in images:
            image.set_constraint(FixAtoms(options['fixed']) if options.get('fixed') else None)
        self.band = Band(images, pool, options)

    def run(self) -> None:
        """Relax the band, at first without and then with the climbing image.

        :raises StopError: if it does not converge in the given number of steps, or cannot go on.
        """
        self.pool.set_up()
        if not self.options['climb']:
            self._relax(self.options['fmax'])
        else:
            self._relax(max(self.options['climb_below'], self.options['fmax']))
            self.band.climb = self.is_climbing = True
            self._relax(self.options['fmax'])

    @property
    def n_steps(self) -> int:
        """Number of steps so far, the calculation of the first band not counted."""
        return max(len(self.residuals) - 1, 0)

    def _relax(self, fmax: float) -> None:
        import ase.optimize

        self.band.fmax = fmax
        optimizer = getattr(ase.optimize, self.options['optimizer'])(self.band, logfile=None)
        is_known = bool(self.residuals)  # the first band of the second stage is the last one of the first
        for _ in optimizer.irun(fmax=0.0, steps=self.options['max_steps']):
            if is_known:
                self.residuals[-1], is_known = self.band.residual, False
            else:
                self._note()
            if self.band.residual < fmax:
                return
            if self.n_steps >= self.options['max_steps']:
                break
        raise StopError(
            'not_converged',
            f'The force across the path is {self.band.residual:.3g} eV/Å after {self.n_steps} steps, not below {fmax}.',
        )

    def _note(self) -> None:
        """Remember the band that was just calculated."""
        self.residuals.append(self.band.residual)
        self.arrays = self.band.to_arrays()
        energies = self.arrays['energies']
        self.highest.append(float(energies.max() - energies[0]))
        if time.monotonic() - self.saved > SAVE_SECONDS:
            self.save('running', None)
        self.pool.check_limits()

    def save(self, status: str, message: str | None, seconds: float | None = None) -> None:
        """Write what is known; a file is replaced only when the new one is complete.

        :raises StopError: if the disk is full.
        """
        results = {
            'status': status, 'message': message, 'seconds': seconds, 'n_steps': self.n_steps,
            'is_climbing': self.is_climbing, 'fmax': self.residuals[-1] if self.residuals else None,
            'residuals': self.residuals, 'highest': self.highest, 'versions': self.pool.versions,
            'energy_property': self.band.images[0].calc.energy_property,
        }  # fmt: skip
        try:
            if self.arrays is not None:
                with (self.folder / f'{BAND_FILENAME}.new').open('wb') as handle:
                    np.savez(handle, **self.arrays)  # type: ignore[arg-type]
                os.replace(self.folder / f'{BAND_FILENAME}.new', self.folder / BAND_FILENAME)
            (self.folder / f'{RESULTS_FILENAME}.new').write_text(json.dumps(results), encoding='utf-8')
            os.replace(self.folder / f'{RESULTS_FILENAME}.new', self.folder / RESULTS_FILENAME)
        except OSError as exception:
            raise StopError('out_of_disk', str(exception)) from exception
        self.saved = time.monotonic()


def main(folder: Path | None = None) -> int:
    """Relax the band of the folder and return the exit code of the script."""
    folder = Path.cwd() if folder is None else folder
    started = time.monotonic()
    options = json.loads((folder / OPTIONS_FILENAME).read_text(encoding='utf-8'))
    for name in THREAD_VARIABLES:
        os.environ[name] = str(options['threads'])
    pool = Pool(options, n_images=options['processes'], started=started)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, pool.interrupt)
    status, message = 'converged', None
    try:
        search = Search(folder, options, pool)
        try:
            search.run()
        except StopError as exception:
            status, message = exception.status, str(exception)
        search.save(status, message, time.monotonic() - started)
    except StopError as exception:  # the disk is full: the last files that were complete are there still
        status, message = exception.status, str(exception)
    finally:
        pool.close(PATIENCE_SECONDS if message is None else 0.0)
    if message is not None:
        print(message, file=sys.stderr)
    return EXIT_CODES[status]


if __name__ == '__main__':
    sys.exit(main())

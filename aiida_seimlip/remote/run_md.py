"""Run molecular dynamics with an ASE calculator; uploaded and run by the CalcJob ``seimlip.md``.

Usage: ``python3 run_md.py`` in a folder that holds

- ``options.json``: calculator, conditions and limits, as `aiida_seimlip.options.dynamics.AseDynamicsOptions.to_remote`
  writes them;
- ``frames.npz``: the start, as the packed arrays of `aiida_seimlip.science.frames.Frames`.

Everything is appended as it comes, so that a kill costs little. These files begin with a header that tells the layout
of the records (NumPy's format, version 1.0) and hold as many records as there was time for:

- ``track.npy``: ``step``, ``cell``, ``positions`` of the mobile ions (Å, unwrapped), ``framework``: the mass-weighted
  centre of all other atoms (Å);
- ``trajectory.npy``: ``step``, ``cell``, ``positions`` of all atoms (Å), ``energy`` (eV), ``forces`` (eV/Å);
- ``thermo.npy``: ``step``, ``temperature`` (K, of 3N - 3 degrees of freedom), ``potential_energy`` and
  ``kinetic_energy`` (eV), ``volume`` (Å³), ``pressure`` (bar).

``checkpoint.npz`` holds the last frame with velocities (Å/ps); ``results.json``, written at the end, how it ended. The
script needs ``shared.py`` and ``make_calculator.py`` beside it, numpy, ase and the calculator, and nothing else.

Nosé–Hoover chains and the barostat of Martyna, Tobias and Klein are those of ASE. These count 3N degrees of freedom, of
which the centre of mass takes no part: the temperature that they are given is lower by (N - 1) / N, so that it is the
temperature asked for that the atoms have.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .make_calculator import explain_setup, make_calculator, package_versions
    from .shared import (
        FRAMES_FILENAME,
        THREAD_VARIABLES,
        FrameError,
        Record,
        StopError,
        cell_of,
        is_full,
        label,
        read_frame,
        save_arrays,
        temperature,
    )
else:  # on the remote computer the modules lie beside this script
    from make_calculator import explain_setup, make_calculator, package_versions
    from shared import (
        FRAMES_FILENAME,
        THREAD_VARIABLES,
        FrameError,
        Record,
        StopError,
        cell_of,
        is_full,
        label,
        read_frame,
        save_arrays,
        temperature,
    )

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms

OPTIONS_FILENAME = 'options.json'
RESULTS_FILENAME = 'results.json'
CHECKPOINT_FILENAME = 'checkpoint.npz'
RESERVE_FILENAME = 'reserve'
RESERVE_BYTES = 65536
CHECKPOINT_SECONDS = 60.0
HIGHEST_TEMPERATURE = 1e5
"""In K; above, the run has exploded."""

EXIT_CODES = {
    'finished': 0, 'setup_failed': 2, 'out_of_walltime': 3, 'terminated': 4, 'out_of_disk': 5, 'start_failed': 6,
    'crashed': 7, 'broke': 9,
}  # fmt: skip


# -- files ------------------------------------------------------------------------------------------------------------


class RecordFile:
    """A file to which records of fixed layout are appended.

    :param path: of the file, which is begun anew.
    :param fields: name and shape of each field, besides ``step``.
    :param kinds: types of the fields that are not in double precision.
    """

    def __init__(self, path: Path, fields: dict[str, tuple[int, ...]], kinds: dict[str, str] | None = None) -> None:
        import numpy as np

        layout = [('step', '<i8'), *((name, (kinds or {}).get(name, '<f8'), shape) for name, shape in fields.items())]
        self.dtype = np.dtype(layout)
        self.handle = path.open('wb', buffering=0)
        header = {'descr': np.lib.format.dtype_to_descr(self.dtype), 'fortran_order': False, 'shape': (0,)}
        np.lib.format.write_array_header_1_0(self.handle, header)

    def append(self, step: int, **values: Any) -> None:
        """Append a record and hand it to the operating system."""
        import numpy as np

        record = np.zeros(1, dtype=self.dtype)
        record['step'] = step
        for name, value in values.items():
            record[name] = value
        self.handle.write(record.tobytes())


class Recorder:
    """Writes what is wanted at each step.

    :param folder: where the files go.
    :param atoms: that move.
    :param options: what is wanted.
    """

    thermo_names: tuple[str, ...] = ('temperature', 'potential_energy', 'kinetic_energy', 'volume', 'pressure')

    def __init__(self, folder: Path, atoms: Atoms, options: Record) -> None:
        import numpy as np

        self.folder, self.atoms, self.options = folder, atoms, options
        self.is_mobile = np.isin(atoms.numbers, options['mobile'])
        self.masses = atoms.get_masses()
        n_ions, n_atoms = int(self.is_mobile.sum()), len(atoms)
        track = {'cell': (3, 3), 'positions': (n_ions, 3), 'framework': (3,)}
        self.track = RecordFile(folder / 'track.npy', track, {'positions': '<f4'}) if n_ions else None
        whole = {'cell': (3, 3), 'positions': (n_atoms, 3), 'energy': (), 'forces': (n_atoms, 3)}
        self.trajectory = RecordFile(folder / 'trajectory.npy', whole)
        self.thermo = RecordFile(folder / 'thermo.npy', dict.fromkeys(self.thermo_names, ()))
        self.saved = time.monotonic()

    def record(self, step: int) -> None:
        """Write what falls due at a step.

        :raises FrameError: if energy or forces are not finite.
        """
        atoms, cell = self.atoms, cell_of(self.atoms)
        if self.track is not None and step % self.options['track_every'] == 0:
            ions = atoms.positions[self.is_mobile]
            self.track.append(step, cell=cell, positions=ions, framework=self.framework())
        if step % self.options['dump_every'] == 0:
            labels = label(atoms, stress=False)
            values = {'energy': labels['energy'], 'forces': labels['forces']}
            self.trajectory.append(step, cell=cell, positions=atoms.positions, **values)
        if step % self.options['thermo_every'] == 0:
            self.thermo.append(step, **self.thermo_values())
        if time.monotonic() - self.saved > CHECKPOINT_SECONDS:
            self.save(step)

    def thermo_values(self) -> dict[str, float]:
        """Return the thermodynamic quantities of the present frame, by `thermo_names`."""
        atoms = self.atoms
        return {
            'temperature': temperature(atoms), 'potential_energy': label(atoms, stress=False)['energy'],
            'kinetic_energy': atoms.get_kinetic_energy(), 'volume': atoms.get_volume(), 'pressure': pressure(atoms),
        }  # fmt: skip

    def framework(self) -> np.ndarray:
        """Return the mass-weighted centre of the atoms that are not mobile, zeros if there are none."""
        import numpy as np

        weights = self.masses[~self.is_mobile]
        return (
            np.average(self.atoms.positions[~self.is_mobile], axis=0, weights=weights) if weights.size else np.zeros(3)
        )

    def save(self, step: int) -> None:
        """Write the frame to go on from; the one before it is kept until that is done."""
        from ase import units

        velocities = self.atoms.get_velocities() * (1000.0 * units.fs)
        save_arrays(
            self.folder / CHECKPOINT_FILENAME, step=step, positions=self.atoms.positions, velocities=velocities,
            cell=cell_of(self.atoms),
        )  # fmt: skip
        self.saved = time.monotonic()


# -- physics ----------------------------------------------------------------------------------------------------------


def pressure(atoms: Atoms) -> float:
    """Return the pressure in bar, NaN if the calculator has no stress."""
    from ase import units
    from ase.calculators.calculator import PropertyNotImplementedError

    try:
        stress = atoms.get_stress(voigt=True, include_ideal_gas=True)
    except PropertyNotImplementedError:
        return float('nan')
    return float(-stress[:3].mean() / units.bar)


def set_velocities(atoms: Atoms, options: Record) -> None:
    """Draw velocities at exactly the temperature asked for, the centre of mass at rest, or keep those of the start."""
    import numpy as np
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary

    if options['velocities'] == 'keep':
        return
    rng = np.random.default_rng(options['seed'])
    MaxwellBoltzmannDistribution(atoms, temperature_K=options['temperature'], rng=rng)
    if len(atoms) > 1:
        Stationary(atoms)
    atoms.set_momenta(atoms.get_momenta() * np.sqrt(options['temperature'] / temperature(atoms)))


def make_dynamics(atoms: Atoms, options: Record) -> Any:
    """Return the integrator of ASE for an ensemble."""
    from ase import units
    from ase.md.verlet import VelocityVerlet

    timestep = options['timestep'] * units.fs
    if options['ensemble'] == 'nve':
        return VelocityVerlet(atoms, timestep)
    from ase.md.nose_hoover_chain import MTKNPT, IsotropicMTKNPT, NoseHooverChainNVT

    n_atoms = len(atoms)
    bath = {
        'temperature_K': options['temperature'] * (n_atoms - 1 if n_atoms > 1 else 1) / n_atoms,
        'tdamp': options['thermostat_damping'] * units.fs,
    }
    if options['ensemble'] == 'nvt':
        return NoseHooverChainNVT(atoms, timestep, **bath)
    kind = IsotropicMTKNPT if options['ensemble'] == 'npt_iso' else MTKNPT
    load = {'pressure_au': options['pressure'] * units.bar, 'pdamp': options['barostat_damping'] * units.fs}
    return kind(atoms, timestep, **bath, **load)


def check_stability(atoms: Atoms) -> None:
    """Look for a run that has exploded.

    :raises FrameError: if it has.
    """
    import numpy as np

    if not (np.all(np.isfinite(atoms.positions)) and np.all(np.isfinite(atoms.cell.array))):
        raise FrameError('NonFiniteNumber: positions or cell are no longer finite.')
    now = temperature(atoms)
    if not now < HIGHEST_TEMPERATURE:
        raise FrameError(f'Exploded: the temperature has risen to {now:.3g} K.')


# -- the run ----------------------------------------------------------------------------------------------------------


class Run:
    """One run, from its start to its end or to what keeps it from there."""

    def __init__(self, folder: Path, options: Record, started: float) -> None:
        self.folder, self.options = folder, options
        limit = options['time_limit_seconds']
        self.deadline = None if limit is None else started + limit
        self.signal: int | None = None
        self.versions: Record = {}
        self.energy_property: str | None = None
        self.n_steps = 0
        self.loop_seconds = 0.0
        self.found: Record = {}

    def make_recorder(self, atoms: Atoms) -> Recorder:
        """Return what writes."""
        return Recorder(self.folder, atoms, self.options)

    def interrupt(self, signum: int, frame: Any) -> None:
        """Remember a signal; the loop ends behind the present step."""
        self.signal = signum

    def run(self) -> None:
        """Do all steps.

        :raises StopError: with what keeps it from them.
        """
        (self.folder / RESERVE_FILENAME).write_bytes(bytes(RESERVE_BYTES))
        atoms = self._set_up()
        first = self.options['first_step']
        begun = time.monotonic()
        try:
            set_velocities(atoms, self.options)
            recorder = self.make_recorder(atoms)
            dynamics = make_dynamics(atoms, self.options)
            self.energy_property = label(atoms, stress=False)['energy_property']
            recorder.record(first)
        except Exception as exception:
            raise _explain(exception, 'start_failed') from exception
        try:
            for step in range(first + 1, first + self.options['n_steps'] + 1):
                dynamics.step()
                check_stability(atoms)
                recorder.record(step)
                self.n_steps = step - first
                if self._is_to_stop():
                    break
        except Exception as exception:  # any calculator may raise anything; the reason is kept
            raise _explain(exception, 'crashed') from exception
        finally:
            self.loop_seconds = time.monotonic() - begun
        recorder.save(first + self.n_steps)
        if self.n_steps < self.options['n_steps']:
            self._say_why()

    def _set_up(self) -> Atoms:
        try:
            import numpy as np

            with np.load(self.folder / FRAMES_FILENAME, allow_pickle=False) as archive:
                atoms = read_frame({name: archive[name] for name in archive.files}, 0)
            atoms.calc = make_calculator(self.options['calculator'])
            self.versions = package_versions(self.options['calculator'])
        except Exception as exception:
            raise StopError('setup_failed', explain_setup(exception, self.options['calculator'])) from exception
        return atoms

    def _is_to_stop(self) -> bool:
        return self.signal is not None or (self.deadline is not None and time.monotonic() > self.deadline)

    def _say_why(self) -> None:
        if self.signal is not None:
            raise StopError('terminated', f'The script received the signal {signal.Signals(self.signal).name}.')
        limit = self.options['time_limit_seconds']
        raise StopError('out_of_walltime', f'The time limit of {limit:g} s has passed.')


def _explain(exception: Exception, status: str) -> StopError:
    """Return what an exception means for the run."""
    if isinstance(exception, StopError):
        return exception
    if is_full(exception):
        return StopError('out_of_disk', str(exception))
    if isinstance(exception, FrameError):
        return StopError(status, str(exception))
    return StopError(status, f'{type(exception).__name__}: {exception}')


def main(folder: Path | None = None, run_class: type[Run] = Run) -> int:
    """Run what the folder asks for and return the exit code of the script.

    :param folder: of the job; None: the present one.
    :param run_class: what kind of run.
    """
    folder = Path.cwd() if folder is None else folder
    started = time.monotonic()
    options = json.loads((folder / OPTIONS_FILENAME).read_text(encoding='utf-8'))
    for name in THREAD_VARIABLES:
        os.environ[name] = str(options['threads'])
    status, message = 'finished', None
    run = run_class(folder, options, started)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, run.interrupt)
    try:
        run.run()
    except StopError as exception:
        status, message = exception.status, str(exception)
    (folder / RESERVE_FILENAME).unlink(missing_ok=True)
    record = {
        'status': status, 'message': message, 'n_steps': run.n_steps, 'seconds': time.monotonic() - started,
        'loop_seconds': run.loop_seconds, 'versions': run.versions, 'energy_property': run.energy_property,
        **run.found,
    }  # fmt: skip
    (folder / RESULTS_FILENAME).write_text(json.dumps(record), encoding='utf-8')
    if message is not None:
        print(message, file=sys.stderr)
    return EXIT_CODES[status]


if __name__ == '__main__':
    sys.exit(main())

"""Stages of a condensation, done one step at a time, whose state can be saved; uploaded beside ``run_ase.py``.

Relaxations are ASE's optimisers, whose history is saved with what ASE itself puts into its restart files. Dynamics are
Langevin's, after Leimkuhler and Matthews (https://doi.org/10.1063/1.4802990), with the cell as a Langevin piston after
Quigley and Probert (https://doi.org/10.1063/1.1755657): a bath that takes up at once the heat that packed molecules
release, where a Nosé–Hoover chain at 10 K would ring and Berendsen's bath lags behind.

It needs ``shared.py`` beside it, numpy, scipy and ase, and nothing else.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .shared import FrameError, Record
else:  # on the remote computer the modules lie beside this one
    from shared import FrameError, Record

if TYPE_CHECKING:
    from ase import Atoms

ALSO_SAVED = ('a', 'Nsteps')
"""What FIRE goes on with beside the content of its restart file."""


def make_stage(atoms: Atoms, stage: Record, rng: Any, saved: Record | None = None) -> Relaxation | Dynamics:
    """Return what does the steps of a stage.

    :param atoms: which it moves.
    :param stage: one of the stages of `aiida_seimlip.options.condense.CondenseOptions.to_remote`.
    :param rng: for dynamics.
    :param saved: its state, if it was begun before.
    :raises FrameError: if the cell is to change, but is not periodic in all three directions.
    """
    changes_cell = stage['kind'] == 'relax_cell' or stage.get('ensemble', 'nvt') != 'nvt'
    if changes_cell and not atoms.pbc.all():
        raise FrameError('Periodicity: a cell that is not periodic in all three directions cannot change.')
    kind = Relaxation if stage['kind'].startswith('relax') else Dynamics
    return kind(atoms, stage, rng, saved)


class Relaxation:
    """A relaxation of positions, or of positions and cell.

    Where the energy does not curve upwards along a step, as where a cell flows under its pressure, quasi-Newton methods
    begin anew: those of ASE take what they have learnt there for true, and may go back and forth for ever.
    """

    def __init__(self, atoms: Atoms, stage: Record, rng: Any, saved: Record | None) -> None:
        import numpy as np
        from ase import units
        from ase.filters import FrechetCellFilter
        from ase.io.jsonio import decode

        self.atoms, self.stage = atoms, stage
        atoms.set_momenta(np.zeros((len(atoms), 3)))
        self.target: Any = atoms
        if stage['kind'] == 'relax_cell':
            self.target = FrechetCellFilter(
                atoms, hydrostatic_strain=stage['cell'] == 'isotropic', scalar_pressure=stage['pressure'] * units.GPa
            )
            if saved is not None:
                self.target.orig_cell = np.array(saved['orig_cell'])
        self.history: Any = None
        self.optimizer = self._begin()
        if saved is not None and saved['history'] is not None:
            self.history = decode(saved['history'], always_array=False)
            self.optimizer.load = lambda: self.history
            self.optimizer.read()
            for name, value in saved['also'].items():
                setattr(self.optimizer, name, value)

    def _begin(self) -> Any:
        """Return an optimiser without a history."""
        import ase.optimize

        self.history = None
        kind = getattr(ase.optimize, self.stage['optimizer'])
        optimizer = kind(self.target, logfile=None, maxstep=self.stage['maxstep'])
        optimizer.dump = self._keep
        return optimizer

    def _keep(self, history: Any) -> None:
        """Take what ASE would write into a restart file after each step."""
        self.history = history

    def step(self, number: int) -> None:
        """Do a step.

        :param number: from 1.
        """
        import numpy as np

        positions, forces = self.target.get_positions(), self.target.get_forces()
        self.optimizer.step()
        if 'BFGS' not in self.stage['optimizer'] or not np.all(np.isfinite(self.atoms.positions)):
            return
        step, change = self.target.get_positions() - positions, forces - self.target.get_forces()
        if np.vdot(step, change) <= 0.0:
            self.optimizer = self._begin()

    def is_converged(self) -> bool:
        """Return whether forces and, where the cell relaxes, stresses are as small as wanted."""
        import numpy as np
        from ase import units

        if np.linalg.norm(self.target.get_forces(), axis=1).max() >= self.stage['fmax']:
            return False
        if self.target is self.atoms:
            return True
        stress = self.atoms.get_stress(voigt=False) / units.GPa + self.stage['pressure'] * np.eye(3)
        if self.stage['cell'] == 'isotropic':
            stress = np.trace(stress) / 3.0
        return bool(np.abs(stress).max() < self.stage['pressure_tolerance'])

    def state(self) -> Record:
        """Return what there is to go on from beside positions and cell."""
        from ase.io.jsonio import encode

        also = {name: getattr(self.optimizer, name) for name in ALSO_SAVED if hasattr(self.optimizer, name)}
        saved: Record = {'history': None if self.history is None else encode(self.history), 'also': also}
        if self.target is not self.atoms:
            saved['orig_cell'] = self.target.orig_cell.tolist()
        return saved


class Dynamics:
    """Dynamics at one temperature, or at one that rises or falls evenly."""

    def __init__(self, atoms: Atoms, stage: Record, rng: Any, saved: Record | None) -> None:
        import numpy as np
        from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary

        self.stage = stage
        if stage['kind'] == 'ramp':
            self.temperatures = (stage['start_temperature'], stage['end_temperature'])
        else:
            self.temperatures = (stage['temperature'], stage['temperature'])
        if saved is None and (stage['velocities'] == 'create' or not np.any(atoms.get_momenta())):
            MaxwellBoltzmannDistribution(atoms, temperature_K=self.temperatures[0], rng=rng)
            if len(atoms) > 1:
                Stationary(atoms)
        self.integrator = _make_integrator(atoms, stage, self.temperatures[0], rng)
        for name, value in (saved or {}).items():
            setattr(self.integrator, name, np.array(value) if isinstance(value, list) else value)

    def step(self, number: int) -> None:
        """Do a step.

        :param number: from 1.
        """
        first, last = self.temperatures
        if first != last:
            self.integrator.set_temperature(first + (last - first) * number / self.stage['n_steps'])
        self.integrator.step()

    def is_converged(self) -> None:
        """Return nothing: dynamics do not converge."""
        return

    def state(self) -> Record:
        """Return what there is to go on from beside positions, momenta, cell and the random numbers."""
        import numpy as np

        names = ('p_eps', 'force_eps')  # the force is that of the momenta in the middle of the step
        return {
            name: np.asarray(getattr(self.integrator, name)).tolist()
            for name in names
            if hasattr(self.integrator, name)
        }


def _make_integrator(atoms: Atoms, stage: Record, temperature: float, rng: Any) -> Any:
    """Return ASE's integrator.

    :raises FrameError: if the version of ASE has none.
    """
    import numpy as np
    from ase import units

    try:
        from ase.md.langevinbaoab import LangevinBAOAB
    except ImportError as exception:
        raise FrameError('Dynamics: this version of ASE is too old, it has no `ase.md.langevinbaoab`.') from exception

    class Langevin(LangevinBAOAB):
        """ASE's, with the drag of a free cell as it should be, and one call of the calculator a step."""

        def _barostat_BAOAB_OU_gamma_mod(self) -> Any:  # noqa: N802 (the name is ASE's)
            """Return the drag on velocities; ASE 3.29 adds the trace to all nine elements instead of three."""
            trace = (1.0 / self.Ndof) * (3.0 * self.p_eps if self.hydrostatic else np.trace(self.p_eps) * np.eye(3))
            return (self.p_eps + trace) / self.barostat_mass

        def _update_accel(self) -> None:
            """Ask for the stress first: calculators that calculate what is asked for have the forces then, too."""
            if self.externalstress is not None:
                self.atoms.get_stress()
            super()._update_accel()

    load = {}
    if stage['ensemble'] != 'nvt':
        load = {
            'externalstress': -stage['pressure'] * units.GPa, 'hydrostatic': stage['ensemble'] == 'npt_iso',
            'P_tau': stage['barostat_damping'] * units.fs,
        }  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='Using heuristic P_mass')
        return Langevin(
            atoms, stage['timestep'] * units.fs, temperature_K=temperature,
            T_tau=stage['thermostat_damping'] * units.fs, rng=rng, **load,
        )  # fmt: skip

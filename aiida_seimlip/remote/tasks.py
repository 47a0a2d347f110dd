"""What is done with one frame: label it, relax it, run molecular dynamics, condense it; uploaded beside ``run_ase.py``.

It needs ``condense.py`` and what that imports beside it, numpy, ase and the calculator, and nothing else.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .condense import run_condense
    from .shared import FrameError, Line, Record, StopError, cell_of, is_full, label, refuse_periodicity
else:  # on the remote computer the modules lie beside this one
    from condense import run_condense
    from shared import FrameError, Line, Record, StopError, cell_of, is_full, label, refuse_periodicity

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

SYMPREC = 0.01
"""Atoms as near in Å to where symmetry demands them count as being there."""


def geometry(atoms: Atoms, velocities: bool) -> Record:
    """Return positions (Å) and cell (Å) and, if wanted, velocities (Å/ps)."""
    from ase import units

    record = {'positions': atoms.positions, 'cell': cell_of(atoms)}
    if velocities:
        record['velocities'] = atoms.get_velocities() * (1000.0 * units.fs)
    return record


def run_single_point(atoms: Atoms, index: int, task: Record, stress: bool, line: Line) -> str | None:
    """Label a frame as it is."""
    line.send({'kind': 'sample', 'index': index, 'step': None, **label(atoms, stress)})
    return None


def run_relax(atoms: Atoms, index: int, task: Record, stress: bool, line: Line) -> str | None:
    """Relax the positions and, if wanted, the cell; send the last geometry.

    :return: a note if the relaxation has not converged but is accepted.
    :raises FrameError: if it has not converged in the given number of steps and that is not accepted, or if the cell is
        to relax, but ends somewhere.
    """
    import ase.optimize
    from ase import units
    from ase.constraints import FixAtoms
    from ase.filters import FrechetCellFilter

    if task.get('keep_start'):
        start = {**label(atoms, stress), **geometry(atoms, velocities=False)}
        line.send({'kind': 'trace', 'index': index, 'step': 0, **start})
    if task.get('fixed'):
        atoms.set_constraint(FixAtoms(task['fixed']))
    elif task.get('keep_symmetry'):
        from ase.constraints import FixSymmetry

        atoms.set_constraint(FixSymmetry(atoms, symprec=SYMPREC))
    target: Any = atoms
    if task['cell'] != 'fixed':
        if not atoms.pbc.all():
            raise FrameError('Periodicity: a cell that is not periodic in all three directions cannot relax.')
        if task['cell'] == 'normal' and abs(atoms.cell.array[:2, 2]).max() > 1e-8:
            raise FrameError('Cell: a cell relaxes along z only if its first two vectors lie in the plane of x and y.')
        target = FrechetCellFilter(
            atoms, mask=[0, 0, 1, 0, 0, 0] if task['cell'] == 'normal' else None,
            hydrostatic_strain=task['cell'] == 'isotropic', scalar_pressure=task['pressure'] * units.GPa,
        )  # fmt: skip
    optimizer = getattr(ase.optimize, task['optimizer'])(target, logfile=None)
    converged = bool(optimizer.run(fmax=task['fmax'], steps=task['max_steps']))
    note = None
    if not converged:
        note = f'NotConverged: the forces did not fall below {task["fmax"]} eV/Å in {task["max_steps"]} steps.'
        if not task['accept_unconverged']:
            raise FrameError(note)
    line.send({
        'kind': 'sample', 'index': index, 'step': int(optimizer.nsteps), **label(atoms, stress),
        **geometry(atoms, velocities=False),
    })  # fmt: skip
    return note


def run_md(atoms: Atoms, index: int, task: Record, stress: bool, line: Line) -> str | None:
    """Run molecular dynamics and send a sample every so many steps.

    The random numbers of a frame depend on the seed and on the frame's index only, not on the worker that runs it.
    """
    import numpy as np
    from ase import units
    from ase.md.langevin import Langevin
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
    from ase.md.verlet import VelocityVerlet

    rng = np.random.default_rng([task['seed'], index])
    temperature = task['temperature'][index]
    if task['velocities'] == 'create' or not atoms.has('momenta'):
        MaxwellBoltzmannDistribution(atoms, temperature_K=temperature, rng=rng)
        if len(atoms) > 1:  # a lone atom at rest cannot be scaled back to its temperature
            Stationary(atoms)
    timestep = task['timestep'] * units.fs
    dynamics: Any
    if task['ensemble'] == 'nvt':
        friction = task['friction'] / (1000.0 * units.fs)
        dynamics = Langevin(atoms, timestep, temperature_K=temperature, friction=friction, fixcm=False, rng=rng)
    else:
        dynamics = VelocityVerlet(atoms, timestep)
    for step in range(task['sample_every'], task['n_steps'] + 1, task['sample_every']):
        dynamics.run(task['sample_every'])
        last = step == task['n_steps']
        line.send({'kind': 'sample', 'index': index, 'step': step, **label(atoms, stress), **geometry(atoms, last)})
    return None


TASKS = {'single_point': run_single_point, 'relax': run_relax, 'md': run_md, 'condense': run_condense}


def run_frame(atoms: Atoms, index: int, options: Record, calculator: BaseCalculator, line: Line) -> Record:
    """Run the task on one frame; whatever goes wrong becomes the frame's ``error``, unless it is the disk.

    :return: the ``frame`` record, with the wall and CPU seconds spent.
    :raises StopError: if the disk is full, or the job is to stop, which is not the fault of the frame.
    """
    started, cpu_started = time.monotonic(), time.process_time()
    record: Record = {'kind': 'frame', 'index': index, 'error': None, 'note': None}
    try:
        refuse_periodicity(atoms, options['calculator'].get('periodic_axes'))
        atoms.calc = calculator
        run = TASKS[options['task']['kind']]
        record['note'] = run(atoms, index, options['task'], options['stress'], line)
    except StopError:
        raise
    except FrameError as exception:
        record['error'] = str(exception)
    except Exception as exception:  # any calculator may raise anything; the reason is kept with the frame
        if is_full(exception):
            raise StopError('out_of_disk', str(exception)) from exception
        record['error'] = f'{type(exception).__name__}: {exception}'
    record['seconds'] = time.monotonic() - started
    record['cpu_seconds'] = time.process_time() - cpu_started
    return record

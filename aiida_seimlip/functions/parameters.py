"""Calcfunctions that derive the parameters of one job from those of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.calculations.lammps import n_ranks
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.exploration import ExplorationRunOptions
from aiida_seimlip.science.formats.lammps_dialects import DIALECTS, KINDS, fits
from aiida_seimlip.science.seeds import derive_seed


@calcfunction
def with_dynamics(parameters: orm.Dict, dynamics: orm.Dict) -> orm.Dict:
    """Return parameters of ``seimlip.ase`` for molecular dynamics with the same calculator.

    :param parameters: as `AseOptions`, for single points.
    :param dynamics: as `MdOptions`.
    """
    return orm.Dict({**parameters.get_dict(), 'task': 'md', 'md': dynamics.get_dict()})


@calcfunction
def with_back_off(parameters: orm.Dict, n_crashes: orm.Int) -> orm.Dict:
    """Return parameters for a more cautious try of a run that has crashed.

    Each try takes smaller steps, and more of them; the first crash is put down to the step alone, and only later tries
    are cooler.

    :param parameters: of the run as it was wanted, as `ExplorationRunOptions`.
    :param n_crashes: how often it has crashed by now.
    """
    options = ExplorationRunOptions.shared_by(parameters)
    shrink = options.crash_timestep_factor**n_crashes.value
    cool = options.crash_temperature_factor ** (n_crashes.value - 1)
    counts = {
        name: max(1, round(getattr(options, name) / shrink)) for name in ('n_steps', 'dump_every', 'thermo_every')
    }
    end = options.temperature_end
    return orm.Dict({
        **parameters.get_dict(), **counts, 'timestep': options.timestep * shrink,
        'temperature': options.temperature * cool, 'temperature_end': None if end is None else end * cool,
    })  # fmt: skip


@calcfunction
def with_other_velocities(parameters: orm.Dict, number: orm.Int) -> orm.Dict:
    """Return parameters for a repeat of a run with other velocities.

    :param parameters: of the run, as `ExplorationRunOptions`.
    :param number: of the repeat, from 1.
    """
    content = parameters.get_dict()
    return orm.Dict({**content, 'seed': derive_seed(content['seed'], number.value), 'velocities': 'create'})


@calcfunction
def with_remaining_steps(parameters: orm.Dict, results: orm.Dict) -> orm.Dict:
    """Return parameters for the rest of a run that ended at its wall-time limit.

    :param parameters: as `LammpsOptions`.
    :param results: of the run: how many steps it did.
    """
    content, done = parameters.get_dict(), results['n_steps']
    rest = {'n_steps': content['n_steps'] - done, 'first_step': content.get('first_step', 0) + done}
    return orm.Dict({**content, **rest, 'velocities': 'keep'})


@calcfunction
def with_dialect(parameters: orm.Dict, probe: orm.Dict, **settings: Any) -> orm.Dict:
    """Return parameters of a LAMMPS job with the dialect that the code speaks and the potential fits.

    Of several the first in `DIALECTS` is taken, on several MPI ranks the first that saves whole frames there.

    :param parameters: as `LammpsOptions`.
    :param probe: `results` of ``seimlip.lammps.probe``.
    :param settings: ``options`` of the scheduler, if there are any, and ``potential``; by default it is a moment tensor
        potential.
    :raises ValueError: if the code speaks no dialect that the potential fits.
    """
    potential, job = settings.get('potential'), settings.get('options')
    known = fitting_dialects(probe['dialects'], potential)
    chosen = choose_dialect(known, {} if job is None else job.get_dict())
    if chosen is None:
        raise ValueError(f'The code has none of the pair styles for {kind_of(potential)}.')
    return orm.Dict({**parameters.get_dict(), 'dialect': chosen})


def choose_dialect(dialects: Sequence[str], options: Mapping[str, Any]) -> str | None:
    """Return the dialect to use among those that do, None if there is none.

    :param dialects: names of dialects that the code speaks and the potential fits.
    :param options: of the scheduler: how many ranks there are.
    """
    known = [name for name in DIALECTS if name in dialects]
    if options.get('withmpi') and n_ranks(options.get('resources', {})) > 1:
        known.sort(key=lambda name: DIALECTS[name].saves_fragments)
    return known[0] if known else None


def fitting_dialects(dialects: Sequence[str], potential: PotentialData | None) -> list[str]:
    """Return those of some dialects that read a potential.

    :param dialects: names of dialects.
    :param potential: None for a moment tensor potential that is not there yet.
    """
    family, n_members = ('mtp', 1) if potential is None else (potential.family, len(potential.members))
    return [name for name in dialects if name in DIALECTS and fits(DIALECTS[name], family, n_members)]


def kind_of(potential: PotentialData | None) -> str:
    """Return what potentials of this family are called."""
    return KINDS['mtp' if potential is None else potential.family]


@calcfunction
def with_relaxation(parameters: orm.Dict, relax: orm.Dict, fixed: orm.List | None = None) -> orm.Dict:
    """Return parameters of ``seimlip.ase`` for relaxations with the calculator of a band.

    :param parameters: of the band, as `BandOptions`.
    :param relax: as `RelaxOptions`.
    :param fixed: indices of atoms that stay where they are.
    """
    content = parameters.get_dict()
    shared = {name: content[name] for name in ('calculator', 'processes', 'threads') if name in content}
    kept = {} if fixed is None else {'fixed': fixed.get_list()}
    return orm.Dict({**shared, 'task': 'relax', 'relax': {**relax.get_dict(), **kept}})


@calcfunction
def with_fixed_atoms(parameters: orm.Dict, fixed: orm.List) -> orm.Dict:
    """Return parameters of a band some of whose atoms stay where they are.

    :param parameters: as `BandOptions`.
    :param fixed: indices of these atoms.
    """
    return orm.Dict({**parameters.get_dict(), 'fixed': fixed.get_list()})

"""``train``: fit a potential to a training set and make its active set."""

from __future__ import annotations

import dataclasses
from typing import Any, TextIO

import numpy as np

from aiida_seimlip.embedded.mlp_command_line import MlpError
from aiida_seimlip.embedded.mlp_commands.active_set import SELECTION_SETTINGS
from aiida_seimlip.embedded.mlp_commands.files import (
    SPECIES,
    Options,
    load_configurations,
    load_potential,
    log_to,
    refused,
    save_potential,
    say,
)
from aiida_seimlip.embedded.mlp_commands.report import errors_report
from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.formats.mlip3_cfg import CfgFile
from aiida_seimlip.science.formats.mlip3_output import TRAINING_COMPLETE
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import build_active_set
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training import (
    MIN_DIST_FACTOR,
    TrainingOptions,
    TrainingResult,
    grow,
    with_min_dist,
)
from aiida_seimlip.science.mtp.training import train as fit


def train(arguments: list[str], options: Options) -> None:
    """Fit a potential to a training set and make its active set."""
    start_name, training_name = arguments
    target = options['save_to'] or start_name
    potential = load_potential(start_name)
    mode = _say_mode(potential, options['al_mode'])
    cfg = load_configurations(training_name)
    if options['save_to'] is None:
        say(f'WARNING: File {start_name} already exists and will be overwritten during the training procedure!')
    say('Basic trainer initialization complete', *_settings(options, target))
    say(f'{len(cfg.frames)} configurations found in the training set')
    weights = potential.active_set.weights if potential.active_set is not None else None
    potential = _with_species(potential, cfg.frames, options)
    potential = _with_shortest_distance(potential, cfg.frames, options)
    labelled = _labelled(cfg.frames, training_name)
    if not options['iteration_limit'] and not potential.is_trained:
        raise MlpError(f'The potential {start_name} is not trained, but iteration_limit is 0.')
    with log_to(options['log']) as log:
        if options['iteration_limit']:
            potential = _fit(potential, labelled, options, log)
        errors = compute_errors(labelled, evaluate(potential, labelled, threads=options['threads']))
        print(errors_report(errors), file=log, flush=True)
    potential = _with_active_set(potential, cfg, mode, weights)
    say(SELECTION_SETTINGS.format(batch_size=9999, swap_limit=0))
    save_potential(target, potential)
    say(f'Selection: state saved to "{target}"', TRAINING_COMPLETE)


def _say_mode(potential: MomentTensorPotential, mode: str) -> Any:
    if potential.active_set is not None:
        say('Selection data found')
        return potential.active_set.mode
    say('Selection data was not found in MTP and will be set')
    say(f'Selection by {"neighborhoods" if mode == "nbh" else "configurations"} is set')
    return mode


def _settings(options: Options, target: str) -> list[str]:
    floats = ('energy_weight', 'force_weight', 'scale_by_force', 'stress_weight', 'tolerance')
    ours = ('threads', 'regularization', 'held_out_fraction', 'seed')
    settings = {key: options[key] for key in ('init_random', 'no_mindist_update', 'skip_preinit', 'iteration_limit')}
    settings |= {key: options[key] for key in ('weight_scaling', 'weight_scaling_forces', *floats, 'log')}
    settings |= {'save_to': target} | {key: options[key] for key in ours}
    return [
        f'\t{key} = {f"{value:f}" if key in floats else str(value).lower() if isinstance(value, bool) else value}'
        for key, value in settings.items()
    ]


def _with_species(potential: MomentTensorPotential, frames: Frames, options: Options) -> MomentTensorPotential:
    """Return the potential for all types of the training set, the new ones made up from the seed."""
    present = set((np.unique(frames.numbers) - 1).tolist())
    known = set(range(potential.n_species)) if potential.is_trained else set()
    missing = sorted(known - present)
    if missing:
        text = 'from the MTP is not present in the training set. You are doing something wrong!'
        raise MlpError(f'Atomic number {missing[0]} {text}')
    if not present:
        raise MlpError('There are no configurations in the training set.')
    new = sorted(present - known)
    if sorted(present) != list(range(len(present))):
        types = ', '.join(map(str, sorted(present)))
        raise MlpError(f'The types in the training set are {types}, but they must be 0, 1, 2, ... without gaps.')
    if not new:
        return potential
    say(f'Following atomic numbers will be added to the MTP potential: {", ".join(map(str, new))}')
    larger = potential.replace(species=tuple(SPECIES[: len(present)]), active_set=None)
    if not potential.is_trained:
        return larger.replace(radial_coeffs=None, species_coeffs=None, moment_coeffs=None)
    grown = grow(potential, larger, options['seed'])
    assert potential.moment_coeffs is not None
    return grown.replace(moment_coeffs=potential.moment_coeffs)


def _with_shortest_distance(
    potential: MomentTensorPotential, frames: Frames, options: Options
) -> MomentTensorPotential:
    shortest = float(frames.shortest_distances(potential.max_dist).min())
    text = f'Minimal interatomic distance in the training set is {shortest:g}'
    if options['no_mindist_update'] or not np.isfinite(shortest):
        say(text)
        return potential
    say(f"{text}. MTP's mindist will be updated")
    return with_min_dist(potential, MIN_DIST_FACTOR * shortest)


def _labelled(frames: Frames, name: str) -> Frames:
    labelled = frames.labelled
    if not labelled.any():
        raise MlpError(f'None of the {len(frames)} configurations in {name} has an energy and forces.')
    if not labelled.all():
        n_bare = int((~labelled).sum())
        say(
            f'WARNING: {n_bare} of {len(frames)} configurations lack energy or forces; '
            'they take part in the active set only.'
        )
    return frames[labelled]


def _fit(
    potential: MomentTensorPotential, training: Frames, options: Options, log: TextIO | None
) -> MomentTensorPotential:
    training_options = _training_options(options)
    say(f'Iteration limit is {options["iteration_limit"]}', f'Convergence tolerance is {options["tolerance"]:g}')
    say(f'Energy weight: {options["energy_weight"]:g}', f'Force weight: {options["force_weight"]:g}')
    say(f'Stress weight: {options["stress_weight"]:g}', 'MTPR training started')

    def report(step: int, loss: float, present: MomentTensorPotential) -> None:
        print(f'LM iter {step}: f={loss:.8g}', file=log, flush=True)
        if options['save_to'] is not None and step:
            save_potential(options['save_to'], present)

    with refused():
        result = fit(potential, training, training_options, callback=report)
    say(_stop_line(result, training_options), 'MTPR training ended')
    if result.held_out_errors is not None:
        errors = result.held_out_errors
        say(
            f'Held out: {len(result.held_out)} configurations, RMS difference of the energy per atom = '
            f'{errors.energy_per_atom.rms:g}, of the forces = {errors.force.rms:g}'
        )
    return result.potential


def _training_options(options: Options) -> TrainingOptions:
    names = (
        'iteration_limit', 'tolerance', 'energy_weight', 'force_weight', 'stress_weight', 'weight_scaling',
        'weight_scaling_forces', 'scale_by_force', 'threads', 'held_out_fraction', 'seed',
    )  # fmt: skip
    with refused():
        return TrainingOptions(
            **{name: options[name] for name in names}, regularisation=options['regularization'], update_min_dist=False
        )


def _stop_line(result: TrainingResult, options: TrainingOptions) -> str:
    """Return the line that tells why training stopped, as ``parse_train`` knows it."""
    lines = {
        'The limit': 'step limit reached',
        'The loss fell': f'LM ended due to small decr. in {options.window} iterations',
        'The loss of the held-out': f'LM ended as the held-out loss did not fall in {options.patience} iterations',
    }
    return next(
        (line for begin, line in lines.items() if result.stop_reason.startswith(begin)), 'LM cannot improve further'
    )


def _with_active_set(
    potential: MomentTensorPotential, cfg: CfgFile, mode: Any, weights: dict[str, float] | None
) -> MomentTensorPotential:
    n_configurations, n_parameters = len(cfg.frames), potential.n_parameters
    if mode == 'cfg' and n_configurations < n_parameters:
        say(
            f'WARNING: {n_configurations} configurations do not fill an active set of {n_parameters} rows, so that '
            'grades will be far too high; train with --al_mode=nbh.'
        )
    numbered = cfg.frames.replace(origin_indices=np.arange(len(cfg.frames)))
    with refused():
        potential = build_active_set(potential, numbered, mode, weights=weights)
    active_set = potential.active_set
    assert active_set is not None and active_set.frames.origin_indices is not None
    features = tuple(cfg.features[index] for index in active_set.frames.origin_indices)
    return potential.replace(active_set=dataclasses.replace(active_set, features=features))

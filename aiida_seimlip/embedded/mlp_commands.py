"""The commands of ``seimlip-mlp``."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from ase.data import chemical_symbols

from aiida_seimlip.embedded.mlp import MlpError
from aiida_seimlip.embedded.mlp_report import errors_report, per_configuration
from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg import MLIP3_DECIMALS, CfgFile, read_cfg, write_cfg
from aiida_seimlip.science.formats.mlip3_output import (
    EVALUATION_COMPLETE,
    GRADES_COMPLETE,
    NO_SELECTION_DATA,
    TRAINING_COMPLETE,
)
from aiida_seimlip.science.formats.mlip3_potential import SELECTED_EQUATIONS, read_almtp, write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import build_active_set, grade, select
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training import (
    MIN_DIST_FACTOR,
    TrainingOptions,
    TrainingResult,
    grow,
    with_min_dist,
)
from aiida_seimlip.science.mtp.training import train as fit

Options = dict[str, Any]

SPECIES = chemical_symbols[1:]
"""The program knows types only: type k stands for the element number k + 1 inside of it."""

_SELECTION_SETTINGS = """\
\tbatch_size = {batch_size}
\tswap_limit = {swap_limit}
\tweight_scaling = 2
\tenergy_weight = 1.000000
\tforce_weight = 0.000000
\tinit_value = 0.000001
\tsite_en_weight = 0.000000
\tstress_weight = 0.000000
\tthreshold = 1.001000"""

# what mlp says of a fault in a cfg file, by the begin of the reason
_CFG_FAULTS = (
    (r'AtomData (?:holds|ends|goes)', 'Unable to read AtomData. Wrong Size specified?'),
    (r'The ids are not', "Invalid file format: wrong order of id's"),
    (r'END_CFG is missing', 'Unable to read field name'),
)


def say(*lines: str) -> None:
    """Print lines at once."""
    print('\n'.join(lines), flush=True)


# -- files ------------------------------------------------------------------------------------------------------------


def load_potential(name: str) -> MomentTensorPotential:
    """Read a potential.

    :raises MlpError: if the file is not there or not sound.
    """
    try:
        return read_almtp(name)
    except FormatError as error:
        in_matrices = error.byte is not None and 'active set' in error.reason
        message = 'MaxVol::ReadData(): Error loading matrices' if in_matrices else f'Error reading .mtp file "{name}"'
        raise MlpError(message, str(error)) from error
    except OSError as error:
        raise MlpError(f'Cannot open {name}', error.strerror or '') from error


def load_configurations(name: str) -> CfgFile:
    """Read configurations.

    :raises MlpError: if the file is not there or not sound, or holds fragments.
    """
    try:
        cfg = read_cfg(name, SPECIES)
    except FormatError as error:
        reason = re.sub(r'^The file ends inside the configuration that begins in line \d+: ', '', error.reason)
        message = next((text for pattern, text in _CFG_FAULTS if re.match(pattern, reason)), None)
        raise MlpError(message, str(error)) if message else MlpError(str(error)) from error
    except OSError as error:
        raise MlpError("Can't open input configurations file", f'{name}: {error.strerror}') from error
    if cfg.fragments.any():
        first = int(np.argmax(cfg.fragments)) + 1
        raise MlpError(
            f'Configuration {first} of {name} is a fragment with ghost atoms, not a periodic configuration.',
            'MLIP-3 saves fragments from LAMMPS runs on several MPI ranks; explore on one',
        )
    return cfg


def check_species(potential: MomentTensorPotential, frames: Frames) -> None:
    """Check that the potential knows all types.

    :raises MlpError: if it does not.
    """
    missing = frames.numbers[frames.numbers > potential.n_species]
    if missing.size:
        raise MlpError(f'Atomic number {missing.min() - 1} is not present in the MTP potential!', is_plain=True)


def check_trained(potential: MomentTensorPotential, name: str) -> None:
    """Check that the potential has coefficients.

    :raises MlpError: if it has not.
    """
    if not potential.is_trained:
        raise MlpError(f'The potential {name} is not trained: it has no coefficients.')


def check_active_set(potential: MomentTensorPotential) -> None:
    """Check that the potential has an active set.

    :raises MlpError: if it has not.
    """
    if potential.active_set is None:
        raise MlpError(NO_SELECTION_DATA, is_plain=True)


@contextlib.contextmanager
def refused() -> Iterator[None]:
    """Turn what the science refuses into an error of the program."""
    try:
        yield
    except ValueError as error:
        raise MlpError(str(error)) from error


@contextlib.contextmanager
def replaced(name: str) -> Iterator[Path]:
    """Yield a path to write to, and move it to `name` when the block is done; nothing is left of it otherwise.

    What is no regular file, as ``/dev/stdout``, is written to directly.
    """
    path = Path(name)
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve()
    part = target.with_name(f'.{target.name}.{os.getpid()}.part')
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def save_potential(name: str, potential: MomentTensorPotential) -> None:
    """Write a potential; at no time is there half a file."""
    with replaced(name) as path:
        path.write_bytes(write_almtp(potential))


def save_configurations(name: str, cfg: CfgFile, **changes: Any) -> None:
    """Write configurations with all that was read of them, but for some changes; at no time is there half a file."""
    columns = {
        'frames': cfg.frames, 'features': cfg.features, 'nbh_grades': cfg.nbh_grades,
        'site_energies': cfg.site_energies, 'charges': cfg.charges,
    }  # fmt: skip
    with replaced(name) as path:
        write_cfg(path, species=SPECIES, decimals=MLIP3_DECIMALS, **{**columns, **changes})


@contextlib.contextmanager
def log_to(name: str | None) -> Iterator[TextIO | None]:
    """Yield a stream for ``stdout``, ``stderr`` or a file; None for None."""
    streams = {None: None, 'stdout': sys.stdout, 'stderr': sys.stderr}
    if name in streams:
        yield streams[name]
    else:
        with Path(str(name)).open('w', encoding='utf-8') as handle:
            yield handle


def say_selection_state(name: str, potential: MomentTensorPotential) -> None:
    """Print what ``mlp`` prints when it loads an active set."""
    say(f'Selection: loading state from "{name}"')
    check_active_set(potential)
    assert potential.active_set is not None
    weights = potential.active_set.weights
    say('Selection: loaded the following weights:')
    for key in ('energy_weight', 'force_weight', 'stress_weight', 'site_en_weight'):
        say(f'\t{key} = {weights.get(key, 0.0):f}')
    say('', 'Selection: loading state complete.')


# -- train ------------------------------------------------------------------------------------------------------------


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
    say(_SELECTION_SETTINGS.format(batch_size=9999, swap_limit=0))
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


# -- select_add -------------------------------------------------------------------------------------------------------


def select_add(arguments: list[str], options: Options) -> None:
    """Write the candidates that extend the active set."""
    potential_name, training_name, candidates_name, target = arguments
    potential = load_potential(potential_name)
    say(f'MTP loaded from {potential_name}', _SELECTION_SETTINGS.format(**options))
    say_selection_state(potential_name, potential)
    training, candidates = load_configurations(training_name), load_configurations(candidates_name)
    for cfg in (training, candidates):
        check_species(potential, cfg.frames)
    say(f'Training set loaded from {training_name}')
    with refused():
        selection = select(potential, training.frames, candidates.frames, **options)
    say(f'{selection.n_from_training} configurations selected from training set')
    say('Loading and selection of candidates completed')
    selected = candidates.take(selection.indices)
    equations = [','.join(map(str, numbers)) for numbers in selection.equations]
    pairs = zip(selected.features, equations, strict=True)
    features = [{**known, SELECTED_EQUATIONS: numbers} for known, numbers in pairs]
    save_configurations(target, selected, features=features)
    say(f'Training set was increased by {len(selection.indices)} configurations')


# -- calculate_grade --------------------------------------------------------------------------------------------------


def calculate_grade(arguments: list[str], options: Options) -> None:
    """Write configurations with their grades."""
    potential_name, name, target = arguments
    potential = load_potential(potential_name)
    say(f'MTPR from {potential_name}, input: {name}')
    say_selection_state(potential_name, potential)
    say('\tadd_grade_feature = true', '\tthreshold_break = 0.000000', '\tthreshold_save = 0.000000')
    say(f'\tlog = {options["log"]}', f'\tsave_extrapolative_to = {target}')
    cfg = load_configurations(name)
    check_species(potential, cfg.frames)
    say('Starting grades evaluation')
    with refused():
        grades = grade(potential, cfg.frames)
    with log_to(options['log']) as log:
        for number, value in enumerate(grades.frame, start=1):
            print(f'Sampling: cfg# {number}\tgrade: {value:g}', file=log)
    features = [{**known, 'ID': str(index)} for index, known in enumerate(cfg.features)]
    save_configurations(
        target, cfg, frames=cfg.frames.replace(grades=grades.frame), features=features, nbh_grades=grades.atom
    )
    say(GRADES_COMPLETE)


# -- calculate_efs, check_errors --------------------------------------------------------------------------------------


def calculate_efs(arguments: list[str], options: Options) -> None:
    """Write configurations with the energies, forces and stresses of the potential."""
    potential_name, name = arguments
    potential = load_potential(potential_name)
    say(f'MTP loaded from {potential_name}')
    cfg = load_configurations(name)
    say(f'Configurations are read from "{name}"')
    check_species(potential, cfg.frames)
    check_trained(potential, potential_name)
    frames = evaluate(potential, cfg.frames, threads=options['threads'])
    features = [{**known, 'EFS_by': f'MultiMTP{potential.n_moments + 1}'} for known in cfg.features]
    save_configurations(options['output_filename'] or name, cfg, frames=frames, features=features)
    say(EVALUATION_COMPLETE)


def check_errors(arguments: list[str], options: Options) -> None:
    """Compare the labels of configurations to the potential."""
    potential_name, name = arguments
    potential = load_potential(potential_name)
    if not Path(name).exists():
        say(f'Can not open a file with configurations "{name}" for reading')
        raise MlpError('Input stream is not open', f'{name} does not exist')
    frames = load_configurations(name).frames
    check_species(potential, frames)
    check_trained(potential, potential_name)
    predicted = evaluate(potential, frames, threads=options['threads'])
    with log_to(options['log']) as log:
        if log is not None:
            log.writelines(f'{line}\n' for line in per_configuration(frames, predicted))
    with log_to(options['report_to']) as report:
        print(errors_report(compute_errors(frames, predicted)), file=report, flush=True)


# -- mindist ----------------------------------------------------------------------------------------------------------

_CUTOFFS = (5.0, 10.0, 20.0, 40.0)


def mindist(arguments: list[str], options: Options) -> None:
    """Print the shortest distances between types, and add those of each configuration to the file."""
    (name,) = arguments
    cfg = load_configurations(name)
    distances = _distances_by_types(cfg.frames)
    shortest = {pair: float(values.min()) for pair, values in distances.items() if np.isfinite(values.min())}
    say(f'Global mindist: {min(shortest.values(), default=np.inf):g}')
    say(*(f'mindist({one}, {two}) = {distance:g}' for (one, two), distance in shortest.items()))
    if options['no_overwrite']:
        return
    features = []
    for index, known in enumerate(cfg.features):
        of_frame = {pair: values[index] for pair, values in distances.items() if np.isfinite(values[index])}
        text = ','.join(f'({one},{two}):{distance:f}' for (one, two), distance in of_frame.items())
        features.append({**known, 'mindists': f'{{{text}}}'})
    save_configurations(name, cfg, features=features)


def _distances_by_types(frames: Frames) -> dict[tuple[int, int], np.ndarray]:
    """Return the shortest distance of each pair of types in each configuration, infinity where there is no such pair.

    The search is widened for configurations in which a pair of types is not found, as types may be far apart.
    """
    numbers = np.unique(frames.numbers)
    distances = {
        (int(one) - 1, int(two) - 1): np.full(len(frames), np.inf)
        for index, one in enumerate(numbers)
        for two in numbers[index:]
    }
    present = np.array([np.isin(numbers, frame.numbers) for frame in frames]).reshape(len(frames), numbers.size)
    for cutoff in _CUTOFFS:
        lacking = np.zeros(len(frames), dtype=bool)
        for (one, two), values in distances.items():
            has_pair = present[:, numbers == one + 1].any(axis=1) & present[:, numbers == two + 1].any(axis=1)
            lacking |= has_pair & np.isinf(values)
        searched = np.flatnonzero(lacking)
        if searched.size:
            for symbols, values in frames[searched].shortest_distances_by_species(cutoff).items():
                pair = SPECIES.index(symbols[0]), SPECIES.index(symbols[1])
                distances[pair][searched] = np.minimum(distances[pair][searched], values)
    return distances


RUN: dict[str, Callable[[list[str], Options], None]] = {
    'train': train,
    'select_add': select_add,
    'calculate_grade': calculate_grade,
    'calculate_efs': calculate_efs,
    'check_errors': check_errors,
    'mindist': mindist,
}

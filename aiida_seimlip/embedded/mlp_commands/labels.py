"""``calculate_efs`` and ``check_errors``: the energies, forces and stresses of a potential."""

from __future__ import annotations

from pathlib import Path

from aiida_seimlip.embedded.mlp_command_line import MlpError
from aiida_seimlip.embedded.mlp_commands.files import (
    Options,
    check_species,
    check_trained,
    load_configurations,
    load_potential,
    log_to,
    save_configurations,
    say,
)
from aiida_seimlip.embedded.mlp_commands.report import errors_report, per_configuration
from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.formats.mlip3_output import EVALUATION_COMPLETE
from aiida_seimlip.science.mtp.evaluate import evaluate


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

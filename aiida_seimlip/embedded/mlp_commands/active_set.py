"""``select_add`` and ``calculate_grade``: what an active set is for."""

from __future__ import annotations

from aiida_seimlip.embedded.mlp_commands.files import (
    Options,
    check_active_set,
    check_species,
    load_configurations,
    load_potential,
    log_to,
    refused,
    save_configurations,
    say,
)
from aiida_seimlip.science.formats.mlip3_output import GRADES_COMPLETE
from aiida_seimlip.science.formats.mlip3_potential import SELECTED_EQUATIONS
from aiida_seimlip.science.mtp.grade import grade, select
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

SELECTION_SETTINGS = """\
\tbatch_size = {batch_size}
\tswap_limit = {swap_limit}
\tweight_scaling = 2
\tenergy_weight = 1.000000
\tforce_weight = 0.000000
\tinit_value = 0.000001
\tsite_en_weight = 0.000000
\tstress_weight = 0.000000
\tthreshold = 1.001000"""


def select_add(arguments: list[str], options: Options) -> None:
    """Write the candidates that extend the active set."""
    potential_name, training_name, candidates_name, target = arguments
    potential = load_potential(potential_name)
    say(f'MTP loaded from {potential_name}', SELECTION_SETTINGS.format(**options))
    _say_selection_state(potential_name, potential)
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


def calculate_grade(arguments: list[str], options: Options) -> None:
    """Write configurations with their grades."""
    potential_name, name, target = arguments
    potential = load_potential(potential_name)
    say(f'MTPR from {potential_name}, input: {name}')
    _say_selection_state(potential_name, potential)
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


def _say_selection_state(name: str, potential: MomentTensorPotential) -> None:
    """Print what ``mlp`` prints when it loads an active set."""
    say(f'Selection: loading state from "{name}"')
    check_active_set(potential)
    assert potential.active_set is not None
    weights = potential.active_set.weights
    say('Selection: loaded the following weights:')
    for key in ('energy_weight', 'force_weight', 'stress_weight', 'site_en_weight'):
        say(f'\t{key} = {weights.get(key, 0.0):f}')
    say('', 'Selection: loading state complete.')

"""Calcfunctions that judge the potentials of `SeiWorkChain` and gather what was found."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.evaluation import predict_errors
from aiida_seimlip.options.campaign.history import CampaignHistory
from aiida_seimlip.options.crystal.results import LatticeComparison
from aiida_seimlip.options.sei.results import (
    CAMPAIGN,
    WITH_CRYSTALS,
    BreakRecord,
    CompositionErrors,
    PotentialRecord,
    SeiResults,
)
from aiida_seimlip.options.sei.sei import LatticeOptions, SeiOptions
from aiida_seimlip.options.starts.table import StartsTable
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import CRYSTALS


@calcfunction
def judge_potential(potential: PotentialData, frames: FramesData) -> orm.Dict:
    """Return the errors of a potential on labelled frames, for each formula as well, as `CompositionErrors`.

    :param potential: trained.
    :param frames: with the labels to compare with.
    """
    return orm.Dict(errors_by_formula(potential, frames.get_frames()).model_dump(mode='json'))


def errors_by_formula(potential: PotentialData, frames: Frames) -> CompositionErrors:
    """Return the errors of a potential on labelled frames, altogether and for each formula.

    :param potential: trained; of another family than `mtp`, no errors are known here.
    :param frames: with the labels to compare with.
    """
    formulas = np.array(frames.formulas)
    found = {
        str(formula): predict_errors(potential, frames[np.flatnonzero(formulas == formula)])
        for formula in dict.fromkeys(formulas.tolist())
    }  # fmt: skip
    return CompositionErrors(
        total=predict_errors(potential, frames),
        formulas={name: errors for name, errors in found.items() if errors is not None},
    )


@calcfunction
def plan_lattices(options: orm.Dict, species: orm.List) -> dict[str, orm.Dict]:
    """Return which crystals are relaxed: those of whose elements the potentials know all.

    :param options: as `SeiOptions`.
    :param species: of the potentials.
    :return: ``options`` as `RelaxationOptions`, absent if no crystal is left, and ``left_out``: names and reasons.
    """
    settings = SeiOptions.from_node(options)
    lattices = settings.lattices or LatticeOptions()
    known, left_out = set(species.get_list()), {}
    for name in lattices.crystals:
        lacking = sorted(set(CRYSTALS[name].conventional().symbols) - known)
        if lacking:
            left_out[name] = f'The potentials do not know {", ".join(lacking)}.'
    kept = [name for name in lattices.crystals if name not in left_out]
    found = {'left_out': orm.Dict(left_out)}
    if kept:
        new = [CAMPAIGN, *(f'level_{level}' for level in settings.levels)]  # to which all crystals are
        learned = {**{name: [] for name in new}, WITH_CRYSTALS: settings.small_crystals, **lattices.learned}
        found['options'] = orm.Dict(lattices.model_copy(update={'crystals': kept, 'learned': learned}).to_dict())
    return found


@calcfunction
def assemble_results(teacher: orm.Str, **found: Any) -> orm.Dict:
    """Gather what was found as `SeiResults`.

    :param teacher: who made the labels.
    :param found: as far as there are: ``starts`` (a frame by name), ``table`` (`StartsTable`), ``history``
        (`CampaignHistory`), ``trace`` (frames of the condensation that were learned from), ``potentials`` (for each
        ``potential``, ``training`` (sets), ``held_out`` and ``unseen`` (`CompositionErrors`), ``left_out`` (frames) and
        ``failure`` (Str)), ``lattices`` (`LatticeComparison`), ``lattices_left_out``, and ``messages`` (List).
    """
    results = SeiResults(
        teacher=teacher.value,
        starts={name: node.get_frames().formulas[0] for name, node in found.get('starts', {}).items()},
        starts_dropped=_dropped(found.get('table')),
        potentials={name: record_potential(nodes) for name, nodes in found.get('potentials', {}).items()},
        messages=found['messages'].get_list() if 'messages' in found else [],
        n_from_condensation=found['trace'].n_frames if 'trace' in found else 0,
    )
    if 'history' in found:
        _add_history(results, CampaignHistory.model_validate(found['history'].get_dict()))
    if 'lattices' in found:
        results.lattices = LatticeComparison.model_validate(found['lattices'].get_dict())
    if 'lattices_left_out' in found:
        results.lattices_left_out = found['lattices_left_out'].get_dict()
    return orm.Dict(results.model_dump(mode='json'))


def record_potential(nodes: Any) -> PotentialRecord:
    """Return the record of a potential.

    :param nodes: as one of the ``potentials`` of `assemble_results`.
    """
    record = PotentialRecord(n_training=sum(node.n_frames for node in nodes.get('training', {}).values()))
    if 'potential' in nodes:
        potential: PotentialData = nodes['potential']
        record.uuid, record.level, record.n_parameters = potential.uuid, potential.level, potential.n_parameters
    if 'left_out' in nodes:
        record.left_out = ', '.join(nodes['left_out'].formulas)
    if 'held_out' in nodes:
        record.held_out = CompositionErrors.model_validate(nodes['held_out'].get_dict())
    if 'unseen' in nodes:
        record.unseen = CompositionErrors.model_validate(nodes['unseen'].get_dict()).total
    if 'failure' in nodes:
        record.failure = nodes['failure'].value
    return record


def _dropped(table: orm.Dict | None) -> dict[str, str]:
    if table is None:
        return {}
    starts = StartsTable.model_validate(table.get_dict()).starts
    return {start.name: start.reason or 'no reason is known' for start in starts if start.verdict != 'passed'}


def _add_history(results: SeiResults, history: CampaignHistory) -> None:
    """Write down how the campaign ended, and what still breaks."""
    results.is_converged, results.n_labels = history.converged, history.n_labels
    results.quarantined = history.quarantined
    explored = [record for record in history.iterations if record.explorations]
    results.n_iterations = history.iterations[-1].iteration if history.iterations else 0
    if not explored:
        return
    last = explored[-1]
    results.n_explorations, results.n_postponed = last.n_explorations, last.n_postponed
    results.breaks = [
        BreakRecord(
            start=run.start, condition=run.condition, outcome=run.outcome, n_steps=run.n_steps,
            n_steps_asked=run.n_steps_asked, highest_grade=run.highest_grade, message=run.message,
        )
        for run in last.explorations if not run.survived
    ]  # fmt: skip

"""Calcfunctions of `CrossExaminationWorkChain`: where two models disagree by more than their errors allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.model_jobs import NOT_REACHED, Finished, describe_model
from aiida_seimlip.functions.models.disagreement_audit import Examined, audit_of
from aiida_seimlip.functions.models.witnesses import Witness, find_allowed
from aiida_seimlip.options.model import ModelOptions
from aiida_seimlip.options.models.cross_examination import CrossExaminationOptions
from aiida_seimlip.options.models.cross_examination_results import CrossExaminationResults
from aiida_seimlip.science.analysis.cross_examination import choose_frames, find_disagreement, mean_forces
from aiida_seimlip.science.frames import Frames

EVALUATION, MEMBER = 'evaluation', 'member'
"""Stages of the work of a model: all of it, or one member of a committee, whose number follows."""


@calcfunction
def examination_parameters(options: orm.Dict, model: orm.Dict) -> orm.Dict:
    """Return the parameters of the job of a model, as `AseOptions`.

    :param options: as `CrossExaminationOptions`.
    :param model: as `ModelOptions`.
    """
    settings = CrossExaminationOptions.from_node(options)
    return orm.Dict(settings.evaluation(ModelOptions.from_node(model).calculator))


@calcfunction
def draw_examined(options: orm.Dict, frames: FramesData) -> FramesData:
    """Return the frames that are evaluated, drawn evenly, without labels.

    :param options: as `CrossExaminationOptions`.
    :param frames: any number.
    """
    chosen = examined_indices(CrossExaminationOptions.from_node(options), frames.n_frames)
    drawn = frames.get_frames(trace=True).without_labels()[chosen]
    return FramesData(drawn.replace(velocities=None, grades=None))


def examined_indices(settings: CrossExaminationOptions, n_frames: int) -> np.ndarray:
    """Return the indices of the frames that are evaluated; shape (n_examined,).

    :param settings: what was asked for.
    :param n_frames: how many there are.
    """
    n_drawn = min(n_frames, settings.max_examined)
    return np.unique(np.linspace(0, n_frames - 1, n_drawn).round().astype(int))


@calcfunction
def split_committee(potential: PotentialData) -> dict[str, PotentialData]:
    """Return the members of a committee as potentials of their own, by number: ``member_0``, ...

    :param potential: a committee of MACE.
    """
    members = potential.get_members()
    return {
        f'{MEMBER}_{number}': PotentialData.from_mace(
            [content], species=potential.species, cutoff=potential.cutoff, n_parameters=potential.n_parameters,
            dtype=potential.dtype, version=potential.version,
        )
        for number, content in enumerate(members)
    }  # fmt: skip


@calcfunction
def cross_examine(options: orm.Dict, sample: FramesData, n_given: orm.Int, **groups: Any) -> dict[str, orm.Data]:
    """Compare what two models have made of frames.

    :param options: as `CrossExaminationOptions`.
    :param sample: of `draw_examined`.
    :param n_given: number of frames that these were drawn from.
    :param groups: ``models``: of each, by its name, as far as there are: `EVALUATION`, or the members of a committee,
        ``potential``, ``problem`` (Str).
    :return: ``audit`` (as `CrossExaminationResults`) and, if both have evaluated a frame, ``points`` (see there) and
        ``disagreements``.
    """
    settings = CrossExaminationOptions.from_node(options)
    numbers = examined_indices(settings, n_given.value)
    found = {name: _finished(node, sample.n_frames) for name, node in groups['models'].items()}
    failures = {
        str(numbers[index]): f'{name}: {reason}' for name, parts in found.items() for part in parts.values()
        for index, reason in part.failures.items()
    }  # fmt: skip
    everyone = [part for parts in found.values() for part in parts.values()]
    common = sorted(set.intersection(*(set(part.indices) for part in everyone)))
    witnesses = []
    for name, node in groups['models'].items():
        members = [part.among(common) for stage, part in sorted(found[name].items()) if stage != EVALUATION]
        frames = found[name][EVALUATION].among(common) if EVALUATION in found[name] else mean_forces(members)
        who = describe_model({**node.get(EVALUATION, {}), **{key: node[key] for key in ('potential',) if key in node}})
        witnesses.append(Witness(name, who, frames, node.get('potential'), members))
    return _examine(settings, witnesses, sample.get_frames(trace=True)[common], numbers[common], failures)


@calcfunction
def disagreements(options: orm.Dict, one: FramesData, other: FramesData, **groups: Any) -> dict[str, orm.Data]:
    """Compare two sets of the same frames that two models have labelled, in one order.

    :param options: as `CrossExaminationOptions`; all frames are examined.
    :param one: with the forces of the first model.
    :param other: with those of the second.
    :param groups: what is known of the models, as far as it is: ``potentials`` with ``one`` and ``other``; ``members``
        with the frames labelled by each member of a committee, by number, for ``one`` and ``other``.
    :return: as `cross_examine`; the names of the models are ``one`` and ``other``.
    :raises ValueError: if they are not the same frames, or a force is missing.
    """
    settings = CrossExaminationOptions.from_node(options)
    witnesses = []
    for name, node in (('one', one), ('other', other)):
        potential = groups.get('potentials', {}).get(name)
        members = [part.get_frames() for _, part in sorted(groups.get('members', {}).get(name, {}).items())]
        facts = {'labelled': node} if potential is None else {'potential': potential}
        witnesses.append(Witness(name, describe_model(facts), node.get_frames(), potential, members))
    return _examine(settings, witnesses, one.get_frames(trace=True), np.arange(one.n_frames), {})


def _finished(node: Mapping[str, Any], n_frames: int) -> dict[str, Finished]:
    """Return what a model has finished, by stage."""
    problem = node['problem'].value if 'problem' in node else NOT_REACHED
    potential = node.get('potential')
    stages = [EVALUATION]
    if potential is not None and len(potential.members) > 1:
        stages = [f'{MEMBER}_{number}' for number in range(len(potential.members))]
    return {stage: Finished.of(node.get(stage, {}), n_frames, problem) for stage in stages}


def _examine(
    settings: CrossExaminationOptions, witnesses: list[Witness], frames: Frames, numbers: np.ndarray,
    failures: Mapping[str, str],
) -> dict[str, orm.Data]:  # fmt: skip
    """Compare two models.

    :param frames: that both have evaluated, with their origins.
    :param numbers: index of each in what was given.
    """
    if not len(frames):
        results = CrossExaminationResults(level=settings.level, min_ratio=settings.min_ratio, failed=dict(failures))
        return {'audit': orm.Dict(results.model_dump(mode='json'))}
    allowed, records, doubts = find_allowed(settings, witnesses)
    one, other = (witness.frames for witness in witnesses)
    found = find_disagreement(one, other, allowed)
    ratios = found.largest_ratios
    steps = np.full(len(frames), -1) if frames.origin_steps is None else frames.origin_steps
    origins = [] if frames.origin_uuids is None else [str(uuid) for uuid in frames.origin_uuids]
    kept, n_alike = choose_frames(
        ratios, settings.min_ratio, hashes=frames.hashes(), max_frames=settings.max_frames, origins=origins,
        steps=steps, min_steps=settings.min_steps,
    )  # fmt: skip
    examined = Examined(settings, frames, found, steps, numbers)
    results = audit_of(examined, records)
    results.kept, results.n_alike = [int(numbers[index]) for index in kept], n_alike
    results.failed, results.doubts = dict(failures), [*doubts, *results.doubts]
    if failures:
        reason = next(iter(failures.values()))
        results.doubts.append(f'{len(failures)} frames were not evaluated by both models; the first: {reason}')
    outputs: dict[str, orm.Data] = {
        'audit': orm.Dict(results.model_dump(mode='json')), 'points': _points(examined),
    }  # fmt: skip
    if kept:
        bare = frames.without_labels()[kept]
        outputs['disagreements'] = FramesData(bare.replace(grades=ratios[kept], velocities=None))
    return outputs


def _points(examined: Examined) -> orm.ArrayData:
    """Return the arrays of the output `points`."""
    found = examined.found
    worst = found.worst_atoms
    arrays = {
        'indices': examined.numbers, 'steps': examined.steps, 'norms': found.norms[worst],
        'allowed': found.allowed[worst], 'ratios': found.largest_ratios, 'shares': examined.shares,
        'atom_norms': found.norms, 'atom_allowed': np.array(found.allowed),
    }  # fmt: skip
    node = orm.ArrayData()
    for name, array in arrays.items():
        node.set_array(name, np.asarray(array))
    return node

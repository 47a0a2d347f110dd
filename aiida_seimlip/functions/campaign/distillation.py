"""Calcfunctions of a distillation: whom to ask for which labels, and how two zeros of the energy become one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import IntEnum
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.labels import describe_methods
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.campaign.distillation import DistillationOptions
from aiida_seimlip.options.campaign.distillation_results import AlignmentRecord
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.science.analysis.energy_shift import EnergyShift, fit_energy_shift
from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.choice import choose
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.seeds import derive_seed

REFERENCE, TEACHER = 'reference', 'teacher'
"""Names of the sets that a campaign begins with."""
INITIAL = f'initial_{REFERENCE}'
"""How the campaign calls the set of the reference when it trains."""
SHIFTED = '{method}, shifted to {zero}'
"""Method of labels whose energies were brought to the zero of another method."""


class Purpose(IntEnum):
    """What a seed is for: the first step on its path."""

    CAMPAIGN = 0
    FRESH = 1
    TUNE = 2


@calcfunction
def plan_campaign(
    options: orm.Dict, campaign: orm.Dict, number: orm.Int, n_known: orm.Int
) -> orm.Dict:  # fmt: skip
    """Return the options of the campaign of a round.

    :param options: `DistillationOptions`.
    :param campaign: `ActiveLearningOptions` as they were given.
    :param number: of the round, from 1.
    :param n_known: labels that the campaign begins with, which its budget does not count.
    """
    content = ActiveLearningOptions.from_node(campaign).to_dict()
    seed = DistillationOptions.from_node(options).seed
    content |= {'seed': derive_seed(seed, Purpose.CAMPAIGN, number.value), 'allow_mixed_methods': True}
    if n_known.value:
        content |= {'train_first': True}
        if content['max_labels'] is not None:
            content['max_labels'] += n_known.value
    return ActiveLearningOptions.serializer(content)


@calcfunction
def weigh_reference(options: orm.Dict, parameters: orm.Dict, **groups: Any) -> orm.Dict:
    """Return parameters of a training in which labels of the reference have their share of the loss.

    :param options: `DistillationOptions`.
    :param parameters: of the training engine.
    :param groups: ``reference`` and ``teacher``: sets of labelled frames by name.
    """
    numbers = {kind: sum(node.n_frames for node in groups[kind].values()) for kind in (REFERENCE, TEACHER)}
    weight = DistillationOptions.from_node(options).weight_for(numbers[REFERENCE], numbers[TEACHER])
    weights = {**parameters.get_dict().get('weights', {}), INITIAL: weight}
    return orm.Dict({**parameters.get_dict(), 'weights': weights})


@calcfunction
def seed_tuning(options: orm.Dict, parameters: orm.Dict, number: orm.Int) -> orm.Dict:
    """Return parameters of the training of a teacher, with a seed of their own for each round.

    :param options: `DistillationOptions`.
    :param parameters: of the engine; a seed in them is replaced.
    :param number: of the round; 0 is the training before the first one.
    """
    seed = derive_seed(DistillationOptions.from_node(options).seed, Purpose.TUNE, number.value)
    return orm.Dict({**parameters.get_dict(), 'seed': seed % 2**31})


@calcfunction
def choose_labels(
    options: orm.Dict, potential: PotentialData, number: orm.Int, **groups: Any
) -> dict[str, orm.Data]:  # fmt: skip
    """Choose the frames of a round that the reference is to label.

    :param options: `DistillationOptions`.
    :param potential: the student, a trained moment tensor potential.
    :param number: of the round, from 1.
    :param groups: sets of frames by name: ``teacher`` (labelled by the teacher), and as far as there are any ``fresh``
        (drawn from explorations) and ``reference`` (labelled by the reference already).
    :return: ``frames`` without labels, fresh ones first, absent if there are none; ``report`` with `n_fresh`,
        `n_chosen` and `n_candidates`.
    """
    settings = DistillationOptions.from_node(options)
    known = _join(groups.get(REFERENCE, {}))
    room = settings.labels_per_round
    if settings.max_labels is not None:
        room = min(room, settings.max_labels - len(known))
    fresh, candidates = _without(_join(groups.get('fresh', {})), known), _without(_join(groups[TEACHER]), known)
    rng = np.random.default_rng(derive_seed(settings.seed, Purpose.FRESH, number.value))
    n_fresh = min(len(fresh), round(settings.fresh_share * room))
    drawn = fresh[np.sort(rng.permutation(len(fresh))[:n_fresh])]
    taken = Frames.concatenate([known, drawn])
    candidates = _without(candidates, drawn)
    chosen = candidates[[]]
    if room > n_fresh and len(candidates):
        missing: dict[Hashable, int] = dict.fromkeys(set(candidates.formulas) - set(taken.formulas), 1)
        choice = choose(
            potential.get_mtp(), candidates.without_labels(), candidates.formulas, room - n_fresh,
            known=taken.without_labels() if len(taken) else None, n_per_group=missing,
        )  # fmt: skip
        chosen = candidates[choice.chosen]
    report = {'n_fresh': n_fresh, 'n_chosen': len(chosen), 'n_candidates': len(candidates) + len(fresh)}
    outputs: dict[str, orm.Data] = {'report': orm.Dict(report)}
    frames = Frames.concatenate([drawn, chosen])
    if len(frames):
        outputs['frames'] = FramesData(frames.without_labels().replace(velocities=None, grades=None))
    return outputs


@calcfunction
def align(**groups: Any) -> orm.Dict:
    """Find the shift of the teacher's energies to the zero of the reference, an `AlignmentRecord`.

    :param groups: sets of frames by name: ``reference`` and ``labelled``, the same frames by both, and ``teacher``: all
        others that the teacher has labelled.
    """
    reference, teacher = _join(groups[REFERENCE]), _match(_join(groups[REFERENCE]), _join(groups['labelled']))
    shift = fit_energy_shift(reference, teacher)
    others = _join(groups.get(TEACHER, {}))
    formulas = {formula: index for index, formula in enumerate(others.formulas)}
    return orm.Dict(
        AlignmentRecord(
            per_element=dict(shift.per_element), is_determined=shift.is_determined,
            compositions=[dict(part) for part in shift.basis], residual_mev_per_atom=1000 * shift.residual,
            n_frames=shift.n_frames, teacher_method=_method_of(teacher), reference_method=_method_of(reference),
            unknown=sorted(name for name, index in formulas.items() if shift.explain_unknown(others[index])),
        ).model_dump(mode='json')
    )  # fmt: skip


@calcfunction
def judge(alignment: orm.Dict, reference: FramesData, teacher: FramesData, student: PotentialData) -> orm.Dict:
    """Return the errors of ``teacher`` and ``student`` on labels of the reference, as an `ErrorsRecord` each.

    :param alignment: `AlignmentRecord`.
    :param reference: labelled frames.
    :param teacher: the same frames, labelled by the teacher.
    :param student: a moment tensor potential with the teacher's zero of the energy.
    """
    shift, frames = shift_of(AlignmentRecord(**alignment.get_dict())), reference.get_frames()
    predicted = {
        TEACHER: _match(frames, teacher.get_frames()),
        'student': evaluate(student.get_mtp(), frames),
    }
    errors = {name: compute_errors(frames, shift.apply(labels)) for name, labels in predicted.items()}
    return orm.Dict({
        name: ErrorsRecord(
            n_frames=len(frames), energy_mev_per_atom=_known(1000 * found.energy_per_atom.rms),
            force_ev_per_angstrom=_known(found.force_component.rms),
            stress_gpa=_known(found.stress_pressure.rms / 3),
        ).model_dump(mode='json')
        for name, found in errors.items()
    })  # fmt: skip


@calcfunction
def align_teacher(alignment: orm.Dict, frames: FramesData) -> FramesData:
    """Bring labels of the teacher to the zero of the reference; their method says so.

    :param alignment: `AlignmentRecord`.
    :param frames: labelled by the teacher.
    :raises FramesError: if the shift of one of their compositions is not known.
    """
    record = AlignmentRecord(**alignment.get_dict())
    method = SHIFTED.format(method=record.teacher_method, zero=record.reference_method)
    return FramesData(_renamed(shift_of(record).apply(frames.get_frames(trace=True)), method))


@calcfunction
def align_reference(alignment: orm.Dict, **sets: FramesData) -> FramesData:
    """Bring labels of the reference to the zero of the teacher, for a training on both; their method says so.

    :param alignment: `AlignmentRecord`.
    :param sets: labelled by the reference.
    """
    record = AlignmentRecord(**alignment.get_dict())
    method = SHIFTED.format(method=record.reference_method, zero=record.teacher_method)
    return FramesData(_renamed(shift_of(record, back=True).apply(_join(sets, trace=True)), method))


@calcfunction
def raise_constants(alignment: orm.Dict, potential: PotentialData, **reference: FramesData) -> PotentialData:
    """Bring a moment tensor potential from the teacher's zero of the energy to that of the reference.

    :param alignment: `AlignmentRecord`.
    :param potential: the student.
    :param reference: labels of the reference, whose compositions are those whose energies it tells.
    """
    record = AlignmentRecord(**alignment.get_dict())
    shifts = {symbol: record.per_element.get(symbol, 0.0) for symbol in potential.species}
    raised = PotentialData.from_mtp(potential.get_mtp().with_constants_raised(shifts), potential.filename)
    raised.set_compositions(node.get_frames() for node in reference.values())
    return raised


def shift_of(record: AlignmentRecord, *, back: bool = False) -> EnergyShift:
    """Return the shift that a record tells.

    :param back: whether the reference is brought to the zero of the teacher.
    """
    sign = -1.0 if back else 1.0
    return EnergyShift(
        {symbol: sign * value for symbol, value in record.per_element.items()}, tuple(record.compositions),
        record.residual_mev_per_atom / 1000, record.n_frames,
    )  # fmt: skip


def _join(sets: Mapping[str, FramesData], *, trace: bool = False) -> Frames:
    return Frames.concatenate(node.get_frames(trace=trace) for _, node in sorted(sets.items()))


def _without(frames: Frames, known: Frames) -> Frames:
    """Return the frames that are not among others, each once."""
    seen = set(known.hashes())
    kept = []
    for index, value in enumerate(frames.hashes()):
        if value not in seen:
            kept.append(index)
            seen.add(value)
    return frames[kept]


def _match(frames: Frames, labelled: Frames) -> Frames:
    """Return the labels of frames from a set that holds them in another order.

    :raises ValueError: if one is missing.
    """
    where = {value: index for index, value in enumerate(labelled.hashes())}
    missing = [index for index, value in enumerate(frames.hashes()) if value not in where]
    if missing:
        raise ValueError(f'{len(missing)} of {len(frames)} frames have no label of the teacher.')
    return labelled[[where[value] for value in frames.hashes()]]


def _method_of(frames: Frames) -> str:
    return describe_methods([] if frames.methods is None else set(frames.methods.tolist()))


def _renamed(frames: Frames, method: str) -> Frames:
    return frames.replace(methods=np.full(len(frames), method))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

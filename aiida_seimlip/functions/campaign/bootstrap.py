"""Calcfunctions of a bootstrap that spends its labels by information: candidates of all kinds, and those that count."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.filters import list_quarantined, record
from aiida_seimlip.functions.campaign.planning import Purpose, name_frames
from aiida_seimlip.functions.campaign.warnings import empty_potential
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.science import filtering
from aiida_seimlip.science.filtering import Drop, Verdict
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.choice import choose, made_up
from aiida_seimlip.science.seeds import derive_seed
from aiida_seimlip.science.structures.thermal import thermal_perturbations

NOTHING_NEW = 'teaches nothing that other frames do not (MaxVol)'
"""Why a candidate is dropped that wins no place in the active set of all."""

PREFIXES = {'starts': '', 'structures': 'bootstrap_structures.'}
"""How the names of sources begin whose copies are candidates."""


@calcfunction
def strain_structures(options: orm.Dict, **structures: Any) -> FramesData:
    """Make strained and displaced copies of structures, those of one after those of the other.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param structures: `StructureData`, or `FramesData` of any number of frames.
    """
    settings = ActiveLearningOptions.from_node(options)
    bootstrap, vary = settings.bootstrap, settings.bootstrap.structures
    temperatures = list(islice(cycle(vary.temperatures), len(vary.strains)))
    images = []
    for position, (_, frame) in enumerate(_named(structures)):
        images += thermal_perturbations(
            frame.to_atoms()[0], temperatures, strain=vary.strain, isotropic=vary.strains,
            seed=derive_seed(settings.seed, Purpose.STRAIN, position), bond_stiffness=bootstrap.bond_stiffness,
            unit_stiffness=bootstrap.unit_stiffness, ion_stiffness=bootstrap.ion_stiffness,
        )  # fmt: skip
    return FramesData(Frames.from_atoms(images))


@calcfunction
def choose_bootstrap(options: orm.Dict, species: orm.List, **groups: Any) -> dict[str, orm.Data]:
    """Choose the frames of the first training set among all candidates, by what they teach together.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param species: chemical symbols in type order.
    :param groups: as far as there are any, ``starts`` and ``structures`` (by name), ``copies`` of them (`starts` and
        `structures`, as `plan_bootstrap` and `strain_structures` make them), ``given`` (further frames by name),
        ``training`` (frames that are labelled already) and ``failed``: sets of `frames` that were sent to be labelled,
        each with the `failures` among them.
    :return: ``frames`` (to be labelled) and ``known`` (labelled ones), each absent if there are none, and ``report``:
        `n_candidates`, `n_kept`, `dropped`, and for each of the `sources` (the name of a start, or that of an input)
        its `n_candidates` and `n_chosen`.
    """
    settings = ActiveLearningOptions.from_node(options)
    names, frames = _gather(settings, groups)
    known = [node.get_frames() for _, node in sorted(groups.get('training', {}).items())]
    verdict = filtering.filter_candidates(
        frames,
        known={value for part in known for value in part.hashes()},
        quarantined=set(list_quarantined(groups.get('failed', {}).values())),
        min_distance=settings.filters.min_distance,
    )
    verdict = _drop_useless_labels(settings, frames, verdict)
    if settings.bootstrap.max_labels is not None and verdict.kept.size:
        least = [f'{prefix}{name}' for key, prefix in PREFIXES.items() for name, _ in _named(groups.get(key, {}))]
        verdict = _choose(settings, species.get_list(), frames, verdict, names=names, least=least, known=known)
    chosen = frames[verdict.kept]
    is_labelled = chosen.labelled
    outputs: dict[str, orm.Data] = {
        'report': orm.Dict({
            'n_candidates': len(frames), 'n_kept': len(chosen), 'dropped': record(verdict, frames, 'select'),
            'sources': _count_sources(names, verdict.kept),
        })
    }  # fmt: skip
    if is_labelled.any():
        outputs['known'] = FramesData(chosen[is_labelled])
    if not is_labelled.all():
        outputs['frames'] = FramesData(chosen[~is_labelled].without_labels())
    return outputs


def _gather(settings: ActiveLearningOptions, groups: Mapping[str, Any]) -> tuple[list[str], Frames]:
    """Return all candidates, and the name of the start, structure or set of frames that each of them belongs to.

    Given frames come first, as the first of two that are the same is the one that is kept, and theirs may be labelled.
    """
    numbers = {'starts': settings.bootstrap.n_perturbed, 'structures': len(settings.bootstrap.structures.strains)}
    names: list[str] = []
    parts: list[Frames] = []
    for name, node in sorted(groups.get('given', {}).items()):
        names += [f'bootstrap_candidates.{name}'] * node.n_frames
        parts.append(node.get_frames(trace=True).replace(velocities=None, grades=None))
    for key, node in sorted(groups.get('copies', {}).items()):
        names += [f'{PREFIXES[key]}{name}' for name, _ in _named(groups[key]) for _ in range(numbers[key])]
        parts.append(node.get_frames(trace=True))
    return names, Frames.concatenate(parts)


def _drop_useless_labels(settings: ActiveLearningOptions, frames: Frames, verdict: Verdict) -> Verdict:
    """Leave out candidates that are not worth learning from, as their labels say: they would take others' places."""
    labelled = verdict.kept[frames.labelled[verdict.kept]]
    found = filtering.filter_labels(frames[labelled], max_force=settings.filters.max_force)
    drops = [Drop(drop.reason, labelled[drop.indices]) for drop in found.drops]
    useless = np.isin(verdict.kept, [index for drop in drops for index in drop.indices])
    return Verdict(verdict.kept[~useless], [*verdict.drops, *drops])


def _choose(
    settings: ActiveLearningOptions, species: Sequence[str], frames: Frames, verdict: Verdict, *,
    names: Sequence[str], least: Iterable[str], known: Sequence[Frames],
) -> Verdict:  # fmt: skip
    """Choose among the candidates that a verdict has left."""
    bootstrap = settings.bootstrap
    assert bootstrap.max_labels is not None
    left = frames[verdict.kept]
    everything = Frames.concatenate([*known, left])
    n_per_group: dict[Hashable, int] = dict.fromkeys(least, bootstrap.min_per_start)
    seed = derive_seed(settings.seed, Purpose.CHOOSE)
    choice = choose(
        made_up(empty_potential(settings, species), everything, seed), left, [names[index] for index in verdict.kept],
        bootstrap.max_labels, known=Frames.concatenate(known), n_per_group=n_per_group, mode=bootstrap.mode,
    )  # fmt: skip
    is_chosen = np.isin(np.arange(len(left)), choice.chosen)
    reasons = {
        NOTHING_NEW: ~is_chosen & (choice.places == 0),
        f'more than {bootstrap.max_labels} of the bootstrap': ~is_chosen & (choice.places > 0),
    }
    drops = [Drop(reason, verdict.kept[mask]) for reason, mask in reasons.items() if mask.any()]
    return Verdict(verdict.kept[choice.chosen], [*verdict.drops, *drops])


def _count_sources(names: Sequence[str], kept: np.ndarray) -> dict[str, dict[str, int]]:
    sources = {name: {'n_candidates': 0, 'n_chosen': 0} for name in names}
    for name in names:
        sources[name]['n_candidates'] += 1
    for index in kept:
        sources[names[index]]['n_chosen'] += 1
    return sources


def _named(nodes: Mapping[str, orm.Data]) -> Iterator[tuple[str, Frames]]:
    for key, node in sorted(nodes.items()):
        yield from name_frames(key, node)

"""What a campaign begins with: nodes and files that were named, and what follows from them where nothing was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from aiida_seimlip.cli.file_params import take_frames, take_potential
from aiida_seimlip.cli.launch.starts import choose_starts
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.frames import Frames


def begin_campaign(
    structures: Mapping[str, Any],
    species: Sequence[str] | None,
    potential: PotentialData | Path | None,
    training: Sequence[FramesData | Path],
    method: str | None,
) -> dict[str, Any]:
    """Return the arguments of a builder that only campaigns have.

    :param structures: starts of the explorations by name; if there are none, frames of the training set are chosen.
    :param species: chemical symbols in type order, None if they follow from the potential or the elements.
    :param potential: to begin with, a node or a file.
    :param training: labelled frames to begin with, nodes or files.
    :param method: what calculated the labels in files that do not say it.
    :raises click.UsageError: if a file cannot be taken in, there is no start, or the species of the potential were
        declared in the wrong order.
    """
    if not structures and not training:
        raise click.UsageError('Give a start of the explorations by --structure, or labelled frames by --training.')
    known = species or (potential.species if isinstance(potential, PotentialData) else ())
    sets = [take_frames(value, known, method) for value in training]
    frames = Frames.concatenate(node.get_frames() for node in sets) if sets and isinstance(potential, Path) else None
    node = take_potential(potential, species or (), frames)
    if node is not None and sets:
        _refuse_wrong_order(node, sets)
    given: dict[str, Any] = {'structures': dict(structures), 'species': species, 'initial_potential': node}
    if sets:
        given['initial_training'] = {f'set_{index:03d}': one for index, one in enumerate(sets)}
    if not structures:
        given['structures'] = {'training': choose_starts(sets)}
    return given


def join_bootstrap(
    structures: Mapping[str, Any], candidates: Sequence[FramesData | Path], species: Sequence[str] | None,
    method: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the arguments of a builder for what joins the bootstrap of a campaign only.

    :param structures: by name, of which strained copies are made.
    :param candidates: frames that are taken as they are, nodes or files.
    :param species: chemical symbols in type order, for files that number types.
    :param method: what calculated the labels in files that do not say it.
    :raises click.UsageError: if a file cannot be taken in.
    """
    sets = {f'set_{index:03d}': take_frames(value, species or (), method) for index, value in enumerate(candidates)}
    given = {'bootstrap_structures': dict(structures), 'bootstrap_candidates': sets}
    return {name: nodes for name, nodes in given.items() if nodes}


def _refuse_wrong_order(potential: PotentialData, sets: Sequence[FramesData]) -> None:
    """Say at once, in a dry run as well, what the campaign would find in its first step.

    :raises click.UsageError: if the errors are far smaller with the species in another order.
    """
    from aiida_seimlip.functions.campaign.review import MAX_ATOMS_ORDERS, explain_order
    from aiida_seimlip.functions.evaluation import sample

    frames = Frames.concatenate(node.get_frames() for node in sets)
    known = frames[frames.labelled]
    if potential.family != 'mtp' or not potential.is_trained or not len(known):
        return
    if not set(known.elements) <= set(potential.species):
        return
    fault = explain_order(potential, sample(known, MAX_ATOMS_ORDERS))
    if fault is not None:
        raise click.UsageError(f'{fault[0].upper()}{fault[1:]}')

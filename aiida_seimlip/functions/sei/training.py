"""Calcfunctions that lay out what the potentials of `SeiWorkChain` learn from."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.campaign.planning import name_frames
from aiida_seimlip.functions.campaign.warnings import empty_potential
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.sei.sei import SeiOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import grow
from aiida_seimlip.science.structures.crystals import CRYSTALS


@calcfunction
def choose_trace(options: orm.Dict, trace: FramesData) -> dict[str, FramesData]:
    """Choose the frames of a condensation that are worth learning from.

    :param options: as `SeiOptions`.
    :param trace: labelled frames on the way, whose origins tell the starts apart.
    :return: ``trace``; nothing if no frame is of use.
    """
    settings = SeiOptions.from_node(options).trace
    frames = trace.get_frames(trace=True)
    if settings is None or not frames.is_labelled or frames.forces is None:
        return {}
    largest = np.maximum.reduceat(np.linalg.norm(frames.forces, axis=1), frames.ptr[:-1])
    usable = frames.labelled & (largest <= settings.max_force)
    origins = np.zeros(len(frames), dtype=int) if frames.origin_indices is None else frames.origin_indices
    kept: list[int] = []
    for origin in np.unique(origins):
        indices = np.flatnonzero(usable & (origins == origin))
        n_kept = min(len(indices), settings.max_frames_per_start)
        kept += [int(indices[i]) for i in np.unique(np.linspace(0, len(indices) - 1, n_kept).round().astype(int))]
    return {'trace': FramesData(frames[sorted(kept)])} if kept else {}


@calcfunction
def make_small_crystals(options: orm.Dict, species: orm.List) -> dict[str, FramesData]:
    """Return a small cell of each crystal that is to join the bootstrap, as the campaign takes them.

    :param options: as `SeiOptions`.
    :param species: those of the campaign; crystals of other elements are left out.
    :return: a frame by the name of each phase, with ``_`` for each hyphen.
    """
    settings = SeiOptions.from_node(options)
    known = set(species.get_list())
    cells = {}
    for name in settings.small_crystals:
        if set(CRYSTALS[name].conventional().symbols) <= known:
            atoms = small_cell(name, settings.small_crystal_atoms)
            cells[name.replace('-', '_')] = FramesData.from_atoms([atoms])
    return cells


def small_cell(name: str, max_atoms: int) -> Atoms:
    """Return a cell of a crystal of so many atoms at most, the conventional one repeated as evenly as possible.

    :param name: of the phase.
    :param max_atoms: a conventional cell that is larger is taken all the same.
    """
    atoms = CRYSTALS[name].conventional()
    repeats = np.ones(3, dtype=int)
    while True:
        longer = repeats.copy()
        longer[int(np.argmin(repeats * atoms.cell.lengths()))] += 1
        if longer.prod() * len(atoms) > max_atoms:
            return atoms.repeat(tuple(int(number) for number in repeats))
        repeats = longer


@calcfunction
def make_untrained(options: orm.Dict, species: orm.List, level: orm.Int) -> PotentialData:
    """Return an untrained potential of another level than that of the campaign.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param species: chemical symbols in type order.
    :param level: of the potential.
    """
    settings = ActiveLearningOptions.from_node(options)
    untrained = settings.untrained.model_copy(update={'level': level.value})
    settings = settings.model_copy(update={'untrained': untrained})
    return PotentialData.from_mtp(empty_potential(settings, species.get_list()))


@calcfunction
def make_larger(potential: PotentialData, level: orm.Int, seed: orm.Int) -> PotentialData:
    """Return where the training of a higher level begins: at the radial functions of a trained potential.

    :param potential: the trained one.
    :param level: of the larger one.
    :param seed: of the radial functions that the trained one lacks.
    """
    trained = potential.get_mtp()
    larger = untrained(
        level.value, list(trained.species), min_dist=trained.min_dist, max_dist=trained.max_dist,
        radial_basis_size=trained.radial_basis_size,
    )  # fmt: skip
    return PotentialData.from_mtp(grow(trained, larger, seed.value))


@calcfunction
def leave_out(start: FramesData | orm.StructureData, **training: FramesData) -> dict[str, Any]:
    """Divide a training set into the frames of the formula of a start and all others.

    :param start: a structure, or frames, of each of which the formula counts.
    :param training: labelled frames by name.
    :return: ``training`` (sets by name, without the formula) and ``left_out`` (all frames of the formula), as far as
        there are frames.
    """
    formulas = [formula for _, frame in name_frames('start', start) for formula in frame.formulas]
    rest: dict[str, FramesData] = {}
    out: list[Frames] = []
    for name, node in sorted(training.items()):
        frames = node.get_frames(trace=True)
        is_out = np.isin(frames.formulas, formulas)
        if is_out.any():
            out.append(frames[np.flatnonzero(is_out)])
        if not is_out.all():
            rest[name] = FramesData(frames[np.flatnonzero(~is_out)])
    found: dict[str, Any] = {'training': rest} if rest else {}
    if out:
        found['left_out'] = FramesData(Frames.concatenate(out))
    return found

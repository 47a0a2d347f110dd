"""Calcfunction that selects candidates for a committee."""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.selection import CommitteeSelectOptions
from aiida_seimlip.science.farthest_points import choose_farthest
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.descriptors import DescriptorSpace
from aiida_seimlip.science.mtp.levels import untrained

MIN_DIST = 0.5
"""In Å; only where no two atoms of all frames are within the cut-off, else the shortest distance counts."""


@calcfunction
def select_by_committee(
    parameters: orm.Dict, potential: PotentialData, candidates: FramesData, **training: FramesData
) -> FramesData:
    """Select the candidates on which a committee disagrees and which are unlike all that is known and each other.

    :param parameters: as `CommitteeSelectOptions`.
    :param potential: whose species and cut-off are used.
    :param candidates: with grades.
    :param training: labelled frames.
    :return: the selected frames in the order of the candidates, with the grades and origins that they had.
    """
    options = CommitteeSelectOptions.from_node(parameters)
    frames = candidates.get_frames(trace=True)
    known = Frames.concatenate(node.get_frames() for _, node in sorted(training.items()))
    cutoff = potential.cutoff if options.cutoff is None else options.cutoff
    basis = untrained(options.level, potential.species, min_dist=min(MIN_DIST, cutoff / 2), max_dist=cutoff)
    space = DescriptorSpace.build(basis, known, frames, options.seed)
    chosen = choose_farthest(
        space.place(frames), space.place(known), options.n_frames, grades=frames.grades,
        grade_weight=options.grade_weight, least=options.min_novelty,
    )  # fmt: skip
    return FramesData(frames[sorted(chosen.indices.tolist())])

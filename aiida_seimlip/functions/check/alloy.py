"""Calcfunction that makes the potential and the frames with which LAMMPS and ``mlp`` are checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.check.check import CheckOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.grade import build_active_set
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import TrainingOptions, train
from aiida_seimlip.science.structures.alloy import ALLOY_SPECIES, alloy, label_alloy

N_TRAINING = 12
N_KNOWN = 4
"""Candidates that the potential has learned from already, so that there is nothing in them to select."""

N_CELLS = 3
"""Size of the frames for LAMMPS, which are wider than twice the cut-off."""

MIN_DISTANCE = 2.0
CUTOFF = 4.8
ITERATIONS = 20
SEED = 5
TEST_SEEDS = (100, 101, 102, 103)
COMPRESSION = 0.9
"""Lengths of the frame that no potential trained at normal density knows."""


@calcfunction
def make_alloy(parameters: orm.Dict) -> dict[str, orm.Data]:
    """Make a potential for a made-up alloy, and frames to try it with; the same options always give the same.

    :param parameters: of the check (`CheckOptions`).
    :return: ``untrained`` and ``potential`` (with active set); ``training`` and ``test`` (labelled frames of 32 atoms);
        ``candidates`` (frames of both); ``resting`` (one frame at rest), ``subset`` (one without the second element),
        ``compressed`` (far from what the potential knows) and ``large`` (for the measurement of speed).
    """
    options = CheckOptions.from_node(parameters)
    empty = untrained(options.level, ALLOY_SPECIES, min_dist=MIN_DISTANCE, max_dist=CUTOFF)
    training, test = (label_alloy([alloy(seed) for seed in seeds]) for seeds in (range(N_TRAINING), TEST_SEEDS))
    fitted = train(empty, training, TrainingOptions(iteration_limit=ITERATIONS, seed=SEED)).potential
    outer = ALLOY_SPECIES[::2]
    compressed = alloy(TEST_SEEDS[0], n_cells=N_CELLS)
    compressed.set_cell(COMPRESSION * compressed.cell.array, scale_atoms=True)
    large = alloy(TEST_SEEDS[0], n_cells=options.n_cells, displacement=0.0, strain=0.0)
    return {
        'untrained': PotentialData.from_mtp(empty),
        'potential': PotentialData.from_mtp(build_active_set(fitted, training)),
        'training': FramesData(training),
        'test': FramesData(test),
        'candidates': FramesData(Frames.concatenate([training[:N_KNOWN], test]).without_labels()),
        'resting': _at_rest([alloy(TEST_SEEDS[0], n_cells=N_CELLS)]),
        'subset': _at_rest([alloy(TEST_SEEDS[1], n_cells=N_CELLS, species=outer)]),
        'compressed': _at_rest([compressed]),
        'large': _at_rest([large]),
    }


def _at_rest(images: Sequence[Atoms]) -> FramesData:
    frames = Frames.from_atoms(images)
    return FramesData(frames.replace(velocities=np.zeros_like(frames.positions)))

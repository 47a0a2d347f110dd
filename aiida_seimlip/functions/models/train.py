"""Calcfunctions around the training of a potential."""

from __future__ import annotations

from collections.abc import Iterable

from aiida import orm
from aiida.engine import calcfunction
from ase.data import atomic_numbers

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.evaluation import detailed_errors
from aiida_seimlip.functions.lone_atoms import atoms_alone
from aiida_seimlip.options.models.train import TrainOptions
from aiida_seimlip.science.mtp.levels import untrained


@calcfunction
def place_atoms_of(options: orm.Dict, **training: FramesData) -> FramesData:
    """Return an atom of each element of a training set, each in a periodic box of its own.

    :param options: of the training (`TrainOptions`).
    :param training: its frames.
    """
    return FramesData.from_atoms(
        atoms_alone(elements_of(training.values()), TrainOptions.from_node(options).lone_atoms)
    )


@calcfunction
def make_untrained(options: orm.Dict, **training: FramesData) -> PotentialData:
    """Return a moment tensor potential without coefficients for the elements of a training set.

    :param options: of the training (`TrainOptions`).
    :param training: its frames.
    """
    settings = TrainOptions.from_node(options).untrained
    return PotentialData.from_mtp(untrained(
        settings.level, elements_of(training.values()), min_dist=settings.min_dist, max_dist=settings.max_dist,
        radial_basis_size=settings.radial_basis_size,
    ))  # fmt: skip


@calcfunction
def judge_predictions(frames: FramesData, predictions: FramesData) -> orm.Dict:
    """Return the root-mean-square errors of predictions, as a `DetailedErrorsRecord`.

    :param frames: with the labels to compare with.
    :param predictions: of the same frames in the same order.
    """
    return orm.Dict(detailed_errors(frames.get_frames(), predictions.get_frames()).model_dump(mode='json'))


def elements_of(sets: Iterable[FramesData]) -> list[str]:
    """Return the chemical symbols that occur in sets of frames, by increasing atomic number."""
    return sorted({symbol for frames in sets for symbol in frames.elements}, key=atomic_numbers.__getitem__)

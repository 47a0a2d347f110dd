"""Whether the errors of a model depend on the size of the cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.analysis.errors import pair_labels, require_same
from aiida_seimlip.science.frames import Frames


@dataclass(frozen=True)
class SizeErrors:
    """Errors on the frames of one size, and their spread among these; nan where nothing is known.

    Standard errors are those of independent frames.

    :param n_atoms: of each frame.
    :param n_frames: how many there are.
    :param bias: mean of the energy error, prediction less reference, in eV per atom.
    :param bias_error: standard error of it in eV per atom; nan of one frame.
    :param scatter: standard deviation of the energy error among the frames in eV per atom; nan of one frame.
    :param force_scatter: standard deviation among the frames of the root mean square error of the force components in
        eV/Å; nan of one frame.
    """

    n_atoms: int
    n_frames: int
    bias: float
    bias_error: float
    scatter: float
    force_scatter: float

    @property
    def scatter_per_root_atom(self) -> float:
        """The scatter times the root of the number of atoms, in eV.

        It is the same for all sizes where the errors of the atoms are independent: then the error of the whole cell is
        a sum of independent numbers, and that of an atom falls with the root of their number.
        """
        return float(self.scatter * np.sqrt(self.n_atoms))


@dataclass(frozen=True)
class Drift:
    """How far the energy bias of the largest size is from that of the smallest.

    :param value: in eV per atom.
    :param error: standard error in eV per atom; nan if a size has one frame.
    """

    value: float
    error: float

    @property
    def is_significant(self) -> bool:
        """Whether it is more than twice its standard error."""
        return bool(np.isfinite(self.error) and abs(self.value) > 2.0 * self.error)


def find_size_errors(reference: Frames, predicted: Frames) -> list[SizeErrors]:
    """Return the errors by the number of atoms, of the smallest first.

    :param reference: configurations with labels; of frames in which one is unknown (NaN), that one is left out.
    :param predicted: the same configurations in the same order with predicted labels.
    :raises ValueError: if the configurations do not correspond, or a known value has no prediction.
    """
    require_same(reference, predicted)
    energies = pair_labels('energies', reference.energies, predicted.energies)
    pair_labels('forces', reference.forces, predicted.forces)
    sizes = reference.sizes
    unknown = np.full(len(reference), np.nan)
    biases = (energies[1] - energies[0]) / sizes if energies[0].size else unknown
    forces = force_errors(reference, predicted)
    found = []
    for n_atoms in np.unique(sizes):
        here = sizes == n_atoms
        known = biases[here & np.isfinite(biases)]
        scatter = _deviation(known)
        found.append(
            SizeErrors(
                n_atoms=int(n_atoms), n_frames=int(here.sum()),
                bias=float(np.mean(known)) if known.size else float('nan'),
                bias_error=scatter / float(np.sqrt(known.size)) if known.size else float('nan'), scatter=scatter,
                force_scatter=_deviation(forces[here & np.isfinite(forces)]),
            )
        )  # fmt: skip
    return found


def force_errors(reference: Frames, predicted: Frames) -> np.ndarray:
    """Return the root mean square error of the force components in each frame in eV/Å; shape (n_frames,).

    :param reference: configurations with labels; atoms whose forces are unknown are left out.
    :param predicted: the same configurations in the same order with predicted labels.
    """
    found = np.full(len(reference), np.nan)
    if reference.forces is None or predicted.forces is None:
        return found
    squares = (predicted.forces - reference.forces) ** 2
    for index, (begin, end) in enumerate(zip(reference.ptr[:-1], reference.ptr[1:], strict=True)):
        known = squares[begin:end][np.isfinite(squares[begin:end])]
        if known.size:
            found[index] = np.sqrt(np.mean(known))
    return found


def find_drift(sizes: list[SizeErrors]) -> Drift:
    """Return how far the bias of the largest size is from that of the smallest.

    :param sizes: the smallest first; two at least.
    :raises ValueError: if there are fewer.
    """
    if len(sizes) < 2:
        raise ValueError('A drift needs two sizes at least.')
    first, last = sizes[0], sizes[-1]
    return Drift(last.bias - first.bias, float(np.hypot(first.bias_error, last.bias_error)))


def _deviation(values: np.ndarray) -> float:
    """Return the standard deviation, nan of fewer than two values."""
    return float(np.std(values, ddof=1)) if values.size > 1 else float('nan')

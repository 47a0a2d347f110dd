"""Differences between the labels of two sets of the same configurations, as MLIP-3 reports them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA, voigt_to_tensor


@dataclass(frozen=True)
class ErrorStatistics:
    """Statistics of the absolute differences of one quantity; all NaN if there was nothing to compare.

    :param count: number of values compared.
    :param max: largest absolute difference.
    :param mean: mean absolute difference.
    :param rms: root of the mean squared difference.
    :param reference_max: largest absolute value of the reference.
    :param reference_rms: root of the mean square of the reference.
    """

    count: int
    max: float
    mean: float
    rms: float
    reference_max: float
    reference_rms: float


@dataclass(frozen=True)
class Errors:
    """Differences between predicted and reference labels.

    :param energy: of the total energies in eV.
    :param energy_per_atom: of the energies per atom in eV.
    :param force: norms of the difference of the force vectors, per atom, in eV/Å.
    :param force_component: of the Cartesian components of the forces in eV/Å.
    :param stress_energy: Frobenius norms of the difference of stress times volume in eV.
    :param stress_pressure: Frobenius norms of the difference of the stresses in GPa.
    :param stress_component: of the six components of the stresses in GPa.
    """

    energy: ErrorStatistics
    energy_per_atom: ErrorStatistics
    force: ErrorStatistics
    force_component: ErrorStatistics
    stress_energy: ErrorStatistics
    stress_pressure: ErrorStatistics
    stress_component: ErrorStatistics


def compute_errors(reference: Frames, predicted: Frames) -> Errors:
    """Compare the labels of two sets of the same configurations.

    Values that are unknown (NaN) in the reference are left out, and the counts tell how many were compared.

    :param reference: configurations with labels.
    :param predicted: the same configurations in the same order with other labels.
    :raises ValueError: if the configurations do not correspond, or a known reference value has no prediction.
    """
    require_same(reference, predicted)
    sizes = reference.sizes.astype(float)
    volumes = reference.volumes[:, None, None]
    energies = pair_labels('energies', reference.energies, predicted.energies)
    forces = pair_labels('forces', reference.forces, predicted.forces)
    stresses = pair_labels('stresses', reference.stresses, predicted.stresses)
    tensors = (voigt_to_tensor(stresses[0]), voigt_to_tensor(stresses[1]))
    return Errors(
        energy=_statistics(energies[0], energies[1]),
        energy_per_atom=_statistics(*(part / sizes[: part.size] for part in energies)),
        force=_norm_statistics(forces[0], forces[1]),
        force_component=_statistics(forces[0].ravel(), forces[1].ravel()),
        stress_energy=_norm_statistics(*((part * volumes[: len(part)]).reshape(-1, 9) for part in tensors)),
        stress_pressure=_norm_statistics(*((part * EV_PER_A3_TO_GPA).reshape(-1, 9) for part in tensors)),
        stress_component=_statistics(*(part.ravel() * EV_PER_A3_TO_GPA for part in stresses)),
    )


@dataclass(frozen=True)
class ErrorsByPart:
    """Where the differences come from.

    :param by_formula: differences on the configurations of each composition, by chemical formula in Hill order.
    :param force_by_element: of the Cartesian components of the forces on the atoms of each element in eV/Å, by symbol.
    """

    by_formula: dict[str, Errors]
    force_by_element: dict[str, ErrorStatistics]


def divide_errors(reference: Frames, predicted: Frames) -> ErrorsByPart:
    """Compare the labels of two sets of the same configurations, composition by composition and element by element.

    :param reference: configurations with labels.
    :param predicted: the same configurations in the same order with other labels.
    :raises ValueError: as `compute_errors`.
    """
    members: dict[str, list[int]] = {}
    for index, formula in enumerate(reference.formulas):
        members.setdefault(formula, []).append(index)
    by_formula = {
        formula: compute_errors(reference[indices], predicted[indices]) for formula, indices in sorted(members.items())
    }
    forces = pair_labels('forces', reference.forces, predicted.forces)
    by_element = {
        chemical_symbols[number]: _statistics(*(part[reference.numbers == number].ravel() for part in forces))
        for number in (np.unique(reference.numbers) if len(forces[0]) else ())
    }
    return ErrorsByPart(by_formula, by_element)


def require_same(reference: Frames, predicted: Frames) -> None:
    """Check that two sets hold atoms of the same elements in the same order.

    :param reference: configurations.
    :param predicted: those to be compared with them.
    :raises ValueError: if they do not correspond.
    """
    if not np.array_equal(reference.ptr, predicted.ptr) or not np.array_equal(reference.numbers, predicted.numbers):
        raise ValueError('The predicted configurations are not those of the reference.')


_EMPTY = {'energies': (0,), 'forces': (0, 3), 'stresses': (0, 6)}


def pair_labels(name: str, reference: np.ndarray | None, predicted: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return reference and prediction of one label, empty if the reference has none.

    :param name: ``energies``, ``forces`` or ``stresses``.
    :param reference: labels, NaN where unknown; None if there are none.
    :param predicted: labels of the same configurations.
    :raises ValueError: if a known reference value has no prediction.
    """
    if reference is None or not np.isfinite(reference).any():
        return np.empty(_EMPTY[name]), np.empty(_EMPTY[name])
    if predicted is None or not np.isfinite(predicted[np.isfinite(reference)]).all():
        raise ValueError(f'The predicted configurations lack {name} that the reference has.')
    return reference, predicted


def _statistics(reference: np.ndarray, predicted: np.ndarray) -> ErrorStatistics:
    """Compare numbers."""
    known = np.isfinite(reference)
    return _summarise(np.abs(reference[known]), np.abs(predicted - reference)[known])


def _norm_statistics(reference: np.ndarray, predicted: np.ndarray) -> ErrorStatistics:
    """Compare vectors by the norm of their difference."""
    known = np.isfinite(reference).all(axis=1)
    return _summarise(
        np.linalg.norm(reference[known], axis=1), np.linalg.norm(predicted[known] - reference[known], axis=1)
    )


def _summarise(values: np.ndarray, differences: np.ndarray) -> ErrorStatistics:
    if not differences.size:
        return ErrorStatistics(0, *(float('nan'),) * 5)
    return ErrorStatistics(
        count=differences.size,
        max=float(differences.max()),
        mean=float(differences.mean()),
        rms=float(np.sqrt(np.mean(differences**2))),
        reference_max=float(values.max()),
        reference_rms=float(np.sqrt(np.mean(values**2))),
    )

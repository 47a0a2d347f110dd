"""Compiling the kernels beforehand."""

from __future__ import annotations

import numpy as np

from aiida_seimlip.science.mtp.kernel.evaluate import System, evaluate_kernel
from aiida_seimlip.science.mtp.kernel.jacobian import jacobian_kernel
from aiida_seimlip.science.mtp.kernel.layout import make_basis, make_parameters
from aiida_seimlip.science.mtp.kernel.panels import make_panels
from aiida_seimlip.science.mtp.kernel.product import largest_kernel
from aiida_seimlip.science.mtp.potential import MomentTensorPotential


def compile_kernels() -> None:
    """Compile all kernels, or load them if that was done before, so that later calls do not have to wait."""
    potential = MomentTensorPotential(
        species=('H',), min_dist=1.0, max_dist=5.0, radial_basis_size=2, radial_funcs_count=1, alpha_moments_count=1,
        alpha_index_basic=np.zeros((1, 4), dtype=np.int64), alpha_index_times=np.zeros((0, 4), dtype=np.int64),
        alpha_moment_mapping=np.zeros(1, dtype=np.int64), radial_coeffs=np.zeros((1, 1, 1, 2)),
        species_coeffs=np.zeros(1), moment_coeffs=np.zeros(1),
    )  # fmt: skip
    basis, parameters = make_basis(potential), make_parameters(potential)
    types, frames = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    first, neighbours, vectors = np.array([0, 1]), np.zeros(1, dtype=np.int64), np.array([[2.0, 0.0, 0.0]])
    n = potential.n_parameters
    evaluate_kernel(
        basis, parameters, System(types, frames, np.zeros((1, 3)), first, neighbours, vectors), np.array([0, 1]),
        np.zeros(1, dtype=np.int64), np.zeros(1), np.zeros((1, 1, 3)), np.zeros((1, 1, 6)), np.zeros((0, 0)),
    )  # fmt: skip
    jacobian_kernel(
        basis, parameters, types, frames, first, neighbours, vectors,
        np.zeros((1, n)), np.zeros((3, n)), np.zeros((6, n)),
    )  # fmt: skip
    matrix = make_panels([np.zeros((1, 1))])
    largest_kernel(matrix, matrix, matrix, types, np.zeros((1, 1)), np.zeros(1, dtype=np.int64), np.zeros(1))

"""Compiled kernels for moment tensor potentials: energies, forces, virials, local basis and training Jacobian.

All configurations of a call are laid one after the other; their neighbours are given in CSR form (`Pairs` of
``science.neighbours``). The neighbours of one atom are sorted by species into a workspace whose last axis runs over
neighbours, eight of which fill a vector register; dummies at the cut-off, which contribute nothing, fill the last one.
The basic moments are M_b = Σ_k f_μ(r_k) A_a(n_k) with a monomial A_a of the unit vector n_k.

The kernels release the GIL: callers use threads over chunks of configurations. Indices are int64 and numbers float64
throughout, so that every kernel is compiled once and loaded from the cache afterwards.
"""

from aiida_seimlip.science.mtp.kernel.cache import forget_stale_kernels
from aiida_seimlip.science.mtp.kernel.evaluate import System, evaluate_kernel
from aiida_seimlip.science.mtp.kernel.jacobian import jacobian_kernel
from aiida_seimlip.science.mtp.kernel.lanes import wait_for
from aiida_seimlip.science.mtp.kernel.layout import Basis, Parameters, make_basis, make_parameters
from aiida_seimlip.science.mtp.kernel.panels import make_panels
from aiida_seimlip.science.mtp.kernel.precompile import compile_kernels
from aiida_seimlip.science.mtp.kernel.product import largest_kernel

__all__ = (
    'Basis', 'Parameters', 'System', 'compile_kernels', 'evaluate_kernel', 'jacobian_kernel', 'largest_kernel',
    'make_basis', 'make_panels', 'make_parameters', 'wait_for',
)  # fmt: skip

forget_stale_kernels()

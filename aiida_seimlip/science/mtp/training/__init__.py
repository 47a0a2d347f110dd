"""Training of moment tensor potentials by the Levenberg–Marquardt method.

The loss is MLIP-3's: with K configurations of N atoms ::

    loss = 1/K Σ_k [ w_e/N^s (E - E_ref)² + w_f/N^t Σ_i |F_i - F_i,ref|² + w_s/N^s |W - W_ref|² ]

where W is the virial (Frobenius norm, eV), s ``weight_scaling`` and t ``weight_scaling_forces``. Being a sum of squares
whose derivatives by all parameters the kernels give, it is minimised by damped Gauss–Newton steps (J. J. Moré, Lecture
Notes in Mathematics 630, 105 (1978)), bent along the curved valleys of the loss by the second derivative in their own
direction (M. K. Transtrum and J. P. Sethna, arXiv:1201.5885). The energy is linear in the species and moment
coefficients: their block of the normal equations is not damped, so that each step solves for them as if the radial
functions were known (variable projection in the approximation of L. Kaufman, BIT 15, 49 (1975)).
"""

from aiida_seimlip.science.mtp.training.fit import train
from aiida_seimlip.science.mtp.training.loss import Loss
from aiida_seimlip.science.mtp.training.options import TrainingOptions, TrainingResult
from aiida_seimlip.science.mtp.training.start import MIN_DIST_FACTOR, grow, initial_guess, prepare, with_min_dist

__all__ = (
    'MIN_DIST_FACTOR', 'Loss', 'TrainingOptions', 'TrainingResult', 'grow', 'initial_guess', 'prepare', 'train',
    'with_min_dist',
)  # fmt: skip

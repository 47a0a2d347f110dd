"""Write a MACE model with random weights, pickled and in TorchScript; runs in the environment that has mace-torch.

python make.py SEED ATOMIC_NUMBERS STEM
"""

import sys

import mace.calculators  # noqa: F401  # before e3nn, whose files torch refuses to load without what this import sets
import numpy as np
import torch
from e3nn import o3
from e3nn.util import jit
from mace.modules import ScaleShiftMACE, interaction_classes

BLOCK = interaction_classes['RealAgnosticResidualInteractionBlock']


def make(seed: int, numbers: list[int]) -> torch.nn.Module:
    """Return a model of two layers and four channels, in double precision; an atom's energy is minus its number."""
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.float64)
    return ScaleShiftMACE(
        r_max=4.0, num_bessel=4, num_polynomial_cutoff=5, max_ell=1, interaction_cls=BLOCK, interaction_cls_first=BLOCK,
        num_interactions=2, num_elements=len(numbers), hidden_irreps=o3.Irreps('4x0e'), MLP_irreps=o3.Irreps('4x0e'),
        gate=torch.nn.functional.silu, atomic_energies=-np.array(numbers, dtype=float), avg_num_neighbors=10.0,
        atomic_numbers=numbers, correlation=2, atomic_inter_scale=20.0, atomic_inter_shift=0.0,
    )  # fmt: skip


if __name__ == '__main__':
    model = make(int(sys.argv[1]), [int(number) for number in sys.argv[2].split(',')])
    torch.save(model, f'{sys.argv[3]}.model')
    jit.compile(model).save(f'{sys.argv[3]}.pt')

"""Make a MACE model of lithium, fluorine and copper with random weights: ``python make_mace.py PATH``."""

import sys

import numpy as np
import torch
from mace import modules  # before e3nn, whose constants torch would refuse to load

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)
blocks, irreps = modules.interaction_classes, modules.blocks.o3.Irreps
model = modules.ScaleShiftMACE(
    r_max=5.0, num_bessel=8, num_polynomial_cutoff=5, max_ell=2, num_interactions=2, num_elements=3, correlation=2,
    interaction_cls_first=blocks['RealAgnosticInteractionBlock'],
    interaction_cls=blocks['RealAgnosticResidualInteractionBlock'],
    hidden_irreps=irreps('8x0e + 8x1o'), MLP_irreps=irreps('8x0e'), gate=torch.nn.functional.silu,
    atomic_numbers=[3, 9, 29], atomic_energies=np.array([-1.0, -2.0, -3.0]), avg_num_neighbors=20.0,
    atomic_inter_scale=1.0, atomic_inter_shift=0.0,
)  # fmt: skip
torch.save(model, sys.argv[1])

"""Contractions of moment tensors, and short recipes for their evaluation.

A moment M(μ,ν) is a symmetric Cartesian tensor of rank ν. A contraction of several moments is a multigraph: its
vertices are the moments, and an edge is an index that two of them share. Indices that are left open ("legs") make the
result a tensor again. To evaluate many scalar contractions at little cost, each is split in two parts which are
tensors themselves, and parts are shared wherever they are equal: `Planner` looks for the set of splits with the fewest
products.
"""

from aiida_seimlip.science.mtp.contractions.planning import Planner, Recipe
from aiida_seimlip.science.mtp.contractions.splitting import Bundle, Split, products, splits
from aiida_seimlip.science.mtp.contractions.tensors import (
    Moment,
    Tensor,
    canonical,
    components,
    multi_indices,
    multinomials,
    single,
)

__all__ = (
    'Bundle', 'Moment', 'Planner', 'Recipe', 'Split', 'Tensor', 'canonical', 'components', 'multi_indices',
    'multinomials', 'products', 'single', 'splits',
)  # fmt: skip

"""Options of `EvaluateWorkChain`."""

from __future__ import annotations

from aiida_seimlip.options.models.comparison import ComparisonOptions


class EvaluateOptions(ComparisonOptions):
    """What the models are compared with, on which frames, and how sure the numbers are."""

"""What a model is that workflows compare with others."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.calculator import CalculatorOptions


class ModelOptions(Options):
    """The parameters of a model that an ASE calculator runs; what it does with frames is said by the property."""

    calculator: CalculatorOptions = Field(description='The calculator.')

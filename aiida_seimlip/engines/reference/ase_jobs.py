"""What is known of jobs of `AseCalculation` that label: by which method, and what others have labelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.ase_jobs import AseJobsMixin
from aiida_seimlip.engines.reference.batches import LabelBatchMixin
from aiida_seimlip.engines.reference.known import find_dynamics, find_labelled
from aiida_seimlip.options.ase import AseLabelOptions


class AseLabelsMixin(AseJobsMixin, LabelBatchMixin):
    """Label frames in batches, each a job of `AseCalculation`, whose parameters name a calculator."""

    @classmethod
    def describe_labels(cls, settings: Mapping[str, Any]) -> tuple[str, str]:
        """Return the method of the calculator; which energy it offers shows when it is run."""
        calculator = AseLabelOptions.from_node(settings['parameters']).calculator
        potential = settings.get('potential')
        return calculator.method_given(None if potential is None else potential.uuid), ''

    def find_known(self) -> dict[str, FramesData]:
        """Return what `AseCalculation` has labelled with the same calculator."""
        return find_labelled(self.inputs.parameters, self.inputs.frames, self.inputs.get('potential'))

    def find_known_dynamics(self) -> dict[str, dict[str, orm.Data]]:
        """Return what this engine has done with the same calculator from the same frames."""
        return find_dynamics(type(self), self.inputs)

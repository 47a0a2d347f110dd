"""What a workflow is going to do: its jobs, how long they are, and the room that their results take.

All of it follows from the inputs. What it costs follows from this and from speeds, see `aiida_seimlip.science.cost`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aiida_seimlip.options.crystal.defect import DefectOptions
from aiida_seimlip.options.crystal.elastic import ElasticOptions
from aiida_seimlip.options.crystal.equation_of_state import EquationOfStateOptions
from aiida_seimlip.options.crystal.phonon import PhononOptions
from aiida_seimlip.options.crystal.relaxation import RelaxationOptions
from aiida_seimlip.options.interface.surface import SurfaceOptions
from aiida_seimlip.workflows.estimate.calibration import plan_calibration
from aiida_seimlip.workflows.estimate.campaign import plan_campaign
from aiida_seimlip.workflows.estimate.compare import plan_comparison, plan_cross_examination
from aiida_seimlip.workflows.estimate.comparison import plan_evaluation, plan_size_transfer
from aiida_seimlip.workflows.estimate.crystal import plan_atlas, plan_property
from aiida_seimlip.workflows.estimate.distillation import plan_distillation
from aiida_seimlip.workflows.estimate.field import plan_field
from aiida_seimlip.workflows.estimate.interface import plan_interface
from aiida_seimlip.workflows.estimate.neb import plan_neb
from aiida_seimlip.workflows.estimate.plan import Plan, Work
from aiida_seimlip.workflows.estimate.sei import plan_sei
from aiida_seimlip.workflows.estimate.starts import plan_starts
from aiida_seimlip.workflows.estimate.train import plan_training
from aiida_seimlip.workflows.estimate.transport import plan_conductivity, plan_diffusivity

__all__ = ('PLANNERS', 'Plan', 'Work')

PLANNERS: dict[str, Callable[[Mapping[str, Any]], Plan]] = {
    'ActiveLearningWorkChain': plan_campaign, 'DiffusivityWorkChain': plan_diffusivity,
    'ConductivityWorkChain': plan_conductivity, 'NEBWorkChain': plan_neb, 'StartsWorkChain': plan_starts,
    'SeiWorkChain': plan_sei, 'ElasticWorkChain': partial(plan_property, ElasticOptions),
    'CalibrationWorkChain': plan_calibration,
    'AtlasWorkChain': plan_atlas, 'DefectWorkChain': partial(plan_property, DefectOptions),
    'RelaxationWorkChain': partial(plan_property, RelaxationOptions),
    'PhononWorkChain': partial(plan_property, PhononOptions),
    'SurfaceWorkChain': partial(plan_property, SurfaceOptions), 'InterfaceWorkChain': plan_interface,
    'EquationOfStateWorkChain': partial(plan_property, EquationOfStateOptions),
    'EvaluateWorkChain': plan_evaluation, 'SizeTransferWorkChain': plan_size_transfer,
    'FieldWorkChain': plan_field, 'TrainWorkChain': plan_training, 'ComparisonWorkChain': plan_comparison,
    'CrossExaminationWorkChain': plan_cross_examination, 'DistillationWorkChain': plan_distillation,
}  # fmt: skip
"""Who knows what a WorkChain is going to do, by the name of its class."""

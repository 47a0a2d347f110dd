"""What the demo computes with the potential that it has grown: migration barriers and a diffusivity."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiida import orm
from aiida.engine import ProcessBuilder
from ase import Atoms

from aiida_seimlip.cli.progress import Progress
from aiida_seimlip.cli.run_process import run_process
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.structure.defects import make_end_points, make_vacancy
from aiida_seimlip.options.barrier.results import BarrierRecord
from aiida_seimlip.options.transport.results import DiffusivityResults
from aiida_seimlip.report.words import typeset, with_uncertainty
from aiida_seimlip.science.structures.crystals import li2co3
from aiida_seimlip.workflows.barrier.neb import NEBWorkChain
from aiida_seimlip.workflows.transport.diffusivity import DiffusivityWorkChain

LABELS = ('NEBWorkChain', 'DiffusivityWorkChain')
"""Classes of what is run here."""
DIFFUSIVITY = 'diffusivity'


class Stopwatch(Protocol):
    """What keeps the time of the parts of the demo."""

    def measure(self, name: str) -> AbstractContextManager[None]:
        """Add the time spent in the block to a part."""


@dataclass(frozen=True)
class Plan:
    """What to compute, and in which cell: that of the campaign, as the potential has learned from no other.

    :param crystal: that the defects are made in.
    :param supercell: of the crystal, as `SupercellOptions`.
    :param hops: whose barriers to find, by name, as `HopOptions` without the supercell.
    :param barrier: replaces settings of the protocol ``demo`` of `NEBWorkChain`.
    :param diffusivity: the same of `DiffusivityWorkChain`, whose cell has a vacancy.
    :param symbol: element that migrates.
    :param expansion: lengths of the cell of the diffusivity by those of the crystal: it is hot.
    """

    crystal: Atoms
    supercell: dict[str, Any]
    hops: dict[str, dict[str, Any]]
    barrier: dict[str, Any] = field(default_factory=dict)
    diffusivity: dict[str, Any] = field(default_factory=dict)
    symbol: str = 'Li'
    expansion: float = 1.0


PLAN = Plan(
    crystal=li2co3(),
    supercell={'matrix': [1, 2, 1]},
    hops={
        'vacancy': {'mechanism': 'vacancy', 'number': 0},
        'interstitial': {'mechanism': 'interstitial_knock_off', 'number': 3},
    },
    expansion=1.02,  # as the second start of the explorations
)


def run_properties(
    codes: Mapping[str, orm.AbstractCode],
    potential: PotentialData,
    progress: Progress,
    clock: Stopwatch,
    *,
    reuse: bool,
    plan: Plan | None = None,
) -> dict[str, orm.WorkChainNode]:
    """Find the barriers, then the diffusivity; what fails does not hold up the rest.

    :param codes: of the embedded programs, by label.
    :param potential: trained, with an active set.
    :param progress: is told what happens.
    :param clock: of the demo.
    :param reuse: take over the results of jobs with the same inputs that ended before.
    :param plan: what to compute, by default `PLAN`.
    :return: the WorkChains by name, which may have failed in any way.
    :raises KeyboardInterrupt: if they were interrupted.
    """
    plan = plan or PLAN
    crystal = FramesData.from_atoms([plan.crystal])
    found: dict[str, orm.WorkChainNode] = {}
    for name, hop in plan.hops.items():
        with clock.measure(f'{name} barrier'):
            found[name] = _run(build_barrier(codes, potential, crystal, hop, plan), progress, name, reuse=reuse)
    with clock.measure(DIFFUSIVITY):
        builder = build_diffusivity(codes, potential, plan)
        found[DIFFUSIVITY] = _run(builder, progress, DIFFUSIVITY, reuse=reuse)
    return found


def build_barrier(
    codes: Mapping[str, orm.AbstractCode], potential: PotentialData, crystal: FramesData, hop: dict[str, Any],
    plan: Plan,
) -> ProcessBuilder:  # fmt: skip
    """Return the inputs of a barrier with the potential, checked with the reference that it has learned from.

    :param codes: of the embedded programs, by label.
    :param potential: of the campaign.
    :param crystal: that the defect is made in.
    :param hop: as `HopOptions` without the supercell.
    :param plan: with what is to be computed.
    """
    parameters = orm.Dict({'symbol': plan.symbol, **hop, 'supercell': plan.supercell})
    ends: dict[str, Any] = make_end_points(crystal, parameters)
    return NEBWorkChain.get_builder_from_protocol(
        {'path': codes['python'], 'reference': codes['python']}, ends['initial'], ends['final'], potential,
        protocol='demo', overrides=plan.barrier,
    )  # fmt: skip


def build_diffusivity(codes: Mapping[str, orm.AbstractCode], potential: PotentialData, plan: Plan) -> ProcessBuilder:
    """Return the inputs of a diffusivity in a cell with a vacancy.

    :param codes: of the embedded programs, by label.
    :param potential: of the campaign.
    :param plan: with what is to be computed.
    """
    expanded = plan.crystal.copy()
    expanded.set_cell(plan.expansion * expanded.cell.array, scale_atoms=True)
    crystal = FramesData.from_atoms([expanded])
    parameters = orm.Dict({'symbol': plan.symbol, 'supercell': plan.supercell})
    vacancy: dict[str, Any] = make_vacancy(crystal, parameters)
    return DiffusivityWorkChain.get_builder_from_protocol(
        {'dynamics': codes['seimlip-lmp']}, vacancy['structure'], potential, protocol='demo',
        overrides=plan.diffusivity,
    )  # fmt: skip


def _run(builder: ProcessBuilder, progress: Progress, name: str, *, reuse: bool) -> orm.WorkChainNode:
    node = run_process(builder, progress, reuse=reuse)
    if node.is_killed:
        raise KeyboardInterrupt
    progress.say(f'{name:<12}  {"; ".join(describe(node))}')
    return node


# -- in words and numbers ---------------------------------------------------------------------------------------------


def describe(node: orm.WorkChainNode) -> list[str]:
    """Say what came of a barrier or a diffusivity, with uncertainties.

    :param node: that has ended.
    """
    lines = []
    if 'barrier' in node.outputs:
        lines += _describe_barrier(BarrierRecord.model_validate(node.outputs.barrier.get_dict()))
    if 'diffusivity' in node.outputs:
        lines += _describe_diffusivity(DiffusivityResults.model_validate(node.outputs.diffusivity.get_dict()))
    if not node.is_finished_ok:
        lines.append(node.exit_message or 'it ended without success')
    return lines


def _describe_barrier(record: BarrierRecord) -> list[str]:
    lines = [f'barrier {record.forward:.3f} eV ({record.backward:.3f} eV back)']
    if record.reference is not None:
        teacher = record.reference.method or 'the reference'
        lines.append(f'{teacher} on the same images: {record.reference.forward:.3f} eV')
    if record.highest_grade is not None:
        expected = '' if record.expected_force_error is None else f'; {record.expected_force_error.describe()}'
        lines.append(f'highest grade {record.highest_grade:.1f}{expected}')
    return lines


def _describe_diffusivity(record: DiffusivityResults) -> list[str]:
    lines = [
        f'{point.temperature:g} K: {typeset(with_uncertainty(point.D, point.D_std))} m²/s'
        for point in record.points
        if point.D is not None
    ]
    if record.arrhenius is not None:
        low, high = record.arrhenius.Ea_interval
        lines.append(f'activation energy {record.arrhenius.Ea:.2f} eV (95 %: {low:.2f} to {high:.2f})')
    return lines


def summarise(nodes: Mapping[str, orm.WorkChainNode]) -> dict[str, Any]:
    """Return the part of ``summary.json`` about properties, by name.

    :param nodes: as `run_properties` returned them.
    """
    return {name: {**_status(node), **_numbers(node)} for name, node in nodes.items()}


def _status(node: orm.WorkChainNode) -> dict[str, Any]:
    return {'uuid': node.uuid, 'exit_status': node.exit_status, 'message': node.exit_message}


def _numbers(node: orm.WorkChainNode) -> dict[str, Any]:
    if 'barrier' in node.outputs:
        barrier = BarrierRecord.model_validate(node.outputs.barrier.get_dict())
        return {
            'forward_ev': barrier.forward,
            'backward_ev': barrier.backward,
            'reference_forward_ev': None if barrier.reference is None else barrier.reference.forward,
            'highest_grade': barrier.highest_grade,
        }
    if 'diffusivity' in node.outputs:
        found = DiffusivityResults.model_validate(node.outputs.diffusivity.get_dict())
        return {
            'points': [
                {
                    'temperature': point.temperature, 'D_m2_per_s': point.D, 'interval': point.D_interval,
                    'used_in_fit': point.used_in_fit, 'share_above_threshold': point.share_above_threshold,
                }
                for point in found.points
            ],
            'activation_energy_ev': None if found.arrhenius is None else found.arrhenius.Ea,
            'activation_energy_interval_ev': None if found.arrhenius is None else found.arrhenius.Ea_interval,
        }  # fmt: skip
    return {}

"""Calcfunctions that lay out dynamics and draw frames from them, for workflows that compare models."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.models.comparison import LABELS
from aiida_seimlip.options.models.comparison_results import FrameRecord, LostRunRecord, RunRecord, SamplePlan
from aiida_seimlip.options.models.sampling import SamplingOptions
from aiida_seimlip.options.models.size_transfer import SizeTransferOptions
from aiida_seimlip.options.transport.results import temperature_key
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.seeds import derive_seed
from aiida_seimlip.science.structures.supercells import supercell


@calcfunction
def plan_sampling(options: orm.Dict, names: orm.List, **groups: Any) -> dict[str, Any]:
    """Lay out the runs: of each start at each temperature as many as there are replicas, each with a seed of its own.

    A seed depends on the seed of the options, the name of the start, the temperature and the number of the replica: who
    adds any of them gets the same runs as before, and new ones.

    :param options: of a comparison (`ComparisonOptions`), with a section ``sampling``.
    :param names: of the starts.
    :param groups: if wanted, ``engine`` with ``parameters`` of the program.
    :return: ``runs`` (a `SamplePlan` without frames), and ``parameters`` of each run by its key.
    """
    settings = SamplingOptions.from_node(options['sampling'])
    engine = groups['engine']['parameters'].get_dict() if 'engine' in groups else {}
    runs, parameters = [], {}
    for name in names.get_list():
        for temperature in settings.temperatures:
            for replica in range(settings.replicas):
                seed = derive_seed(options['seed'], zlib.crc32(name.encode()), round(1000.0 * temperature), replica)
                key = f'{temperature_key(temperature, replica)}_{name}'
                runs.append(RunRecord(key=key, source=name, temperature_k=temperature, replica=replica, seed=seed))
                parameters[key] = orm.Dict({**engine, **settings.run(temperature, seed)})
    return {'runs': orm.Dict(SamplePlan(runs=runs).model_dump(mode='json')), 'parameters': parameters}


@calcfunction
def make_supercells(options: orm.Dict, structure: orm.Data) -> dict[str, FramesData]:
    """Return supercells by their names, one frame each.

    :param options: as `SizeTransferOptions`.
    :param structure: `StructureData`, or `FramesData` of one frame.
    """
    settings = SizeTransferOptions.from_node(options)
    (atoms,) = get_frame(structure).to_atoms()
    return {
        name: FramesData.from_atoms([supercell(atoms, matrix)])
        for name, matrix in settings.supercells_of(atoms).items()
    }  # fmt: skip


@calcfunction
def gather_frames(options: orm.Dict, runs: orm.Dict, lost: orm.Dict, **groups: Any) -> dict[str, orm.Data]:
    """Join all frames that models are compared on, and note where each comes from.

    Of a trajectory the frames after the equilibration are taken. Labels are left out, unless they are the reference.

    :param options: of a comparison (`ComparisonOptions`).
    :param runs: a `SamplePlan` of the runs.
    :param lost: runs without frames, and why.
    :param groups: as far as there are, by name: ``given`` (sets of frames), ``trajectories`` (by run) and ``perfect``
        (supercells without displacements).
    :return: ``plan`` (a `SamplePlan`) and, if there are any, ``frames``.
    """
    planned = SamplePlan.model_validate(runs.get_dict())
    parts: list[Frames] = []
    records: list[FrameRecord] = []
    for frames, description in _sets(options, planned, groups):
        begin = len(records)
        records += [_describe(frames, index, begin + index, description) for index in range(len(frames))]
        parts.append(frames if options['reference'] == LABELS else frames.without_labels())
    told = [LostRunRecord(run=run, reason=reason) for run, reason in lost.get_dict().items()]
    methods = sorted({method for node in groups.get('trajectories', {}).values() for method in node.methods if method})
    plan = planned.model_copy(update={'lost': told, 'frames': records, 'sampled_by': ', '.join(methods) or None})
    outputs: dict[str, orm.Data] = {'plan': orm.Dict(plan.model_dump(mode='json'))}
    if records:
        outputs['frames'] = FramesData(Frames.concatenate(parts).replace(velocities=None, grades=None))
    return outputs


def _sets(options: orm.Dict, plan: SamplePlan, groups: Mapping[str, Any]) -> Iterator[tuple[Frames, dict[str, Any]]]:
    """Yield sets of frames with their origins, and what all frames of a set have in common."""
    for name, node in sorted(groups.get('given', {}).items()):
        yield node.get_frames(trace=True), {'source': name}
    by_key = {run.key: run for run in plan.runs}
    for key, node in sorted(groups.get('trajectories', {}).items()):
        run = by_key[key]
        frames = _late(node, SamplingOptions.from_node(options['sampling']))
        yield frames, {'source': run.source, 'run': key, 'temperature_k': run.temperature_k}
    for name, node in sorted(groups.get('perfect', {}).items()):
        yield node.get_frames(trace=True), {'source': name, 'is_perfect': True}


def _late(trajectory: FramesData, settings: SamplingOptions) -> Frames:
    """Return the frames of a trajectory after the equilibration, which have it as their origin."""
    frames = trajectory.get_frames()
    n_frames = len(frames)
    frames = frames.replace(origin_uuids=np.full(n_frames, trajectory.uuid), origin_indices=np.arange(n_frames))
    steps = frames.origin_steps
    if steps is None:
        raise ValueError(f'The frames of the trajectory {trajectory.uuid} do not tell their MD step.')
    return frames[steps > settings.equilibration_steps]


def _describe(frames: Frames, index: int, number: int, common: Mapping[str, Any]) -> FrameRecord:
    """Return what a frame is.

    :param frames: with their origins.
    :param index: among these.
    :param number: among all frames.
    :param common: what all of these frames have in common.
    """
    assert frames.origin_uuids is not None and frames.origin_indices is not None
    step = -1 if frames.origin_steps is None else int(frames.origin_steps[index])
    return FrameRecord(
        index=number, origin=f'{frames.origin_uuids[index]}:{frames.origin_indices[index]}',
        step=None if step < 0 else step, formula=frames[index].formulas[0], n_atoms=int(frames.sizes[index]), **common,
    )  # fmt: skip

"""A potential that a job of the profile has trained."""

from __future__ import annotations

from collections.abc import Mapping

from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData


def trained_by_job(potential: PotentialData, training: Mapping[str, FramesData]) -> PotentialData:
    """Return a copy of a potential that a job made of a training set."""
    job = orm.CalcJobNode()
    for name, node in training.items():
        job.base.links.add_incoming(node, LinkType.INPUT_CALC, f'training__{name}')
    job.store()
    copy = potential.clone()
    copy.base.links.add_incoming(job, LinkType.CREATE, 'potential')
    return copy.store()

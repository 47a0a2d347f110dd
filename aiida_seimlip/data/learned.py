"""What a potential has learned from, as far as the provenance graph tells."""

from __future__ import annotations

from aiida.common.links import LinkType

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData

CALIBRATED_BY = 'store_calibration'
"""The calcfunction that makes a calibrated copy of a potential."""


def find_original(potential: PotentialData) -> PotentialData:
    """Return the potential that a calibrated one is a copy of, itself if it is none.

    :param potential: stored or not.
    """
    while potential.creator is not None and potential.creator.process_label == CALIBRATED_BY:
        potential = potential.creator.inputs.potential
    return potential


def training_sets(potential: PotentialData) -> list[FramesData]:
    """Return the sets of frames that a potential learned from, empty if nothing in the profile has trained it.

    :param potential: calibrated or not.
    """
    creator = find_original(potential).creator
    if creator is None:
        return []
    links = creator.base.links.get_incoming(link_type=LinkType.INPUT_CALC).all()
    return [link.node for link in sorted(links, key=lambda link: link.link_label) if is_training_link(link.link_label)]


def is_training_link(label: str) -> bool:
    """Tell whether an input of what makes a potential is a part of its training set.

    :param label: of the link: ``training__KEY`` of a job, ``training_KEY`` of what joins the members of a committee.
    """
    return label.startswith('training_')


def is_same(one: PotentialData, other: PotentialData) -> bool:
    """Return whether two nodes hold the same potential: the same file for the same species.

    :param one: a potential.
    :param other: another node.
    """
    same: bool = one.get_content(mode='rb') == other.get_content(mode='rb')
    return one.species == other.species and same

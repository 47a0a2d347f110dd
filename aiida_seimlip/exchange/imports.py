"""Nodes of what was read from files: where they came from, and whether they are there already."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

import numpy as np
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.exchange.readers.found import Found
from aiida_seimlip.science.frames import Frames

EXTRA = 'seimlip_import'
"""Extra of an imported node: its files with their formats and SHA-256, and the fingerprint of what they held."""


def fingerprint(frames: Frames) -> str:
    """Return a hash of configurations, their labels and who calculated them, whatever file they came from.

    :param frames: the configurations.
    """
    digest = hashlib.sha256(''.join(frames.hashes()).encode())
    for name in ('energies', 'forces', 'stresses'):
        values = getattr(frames, name)
        digest.update(name.encode() if values is None else _without_signs_of_nothing(values).tobytes())
    for texts in (frames.methods, frames.energy_kinds):
        digest.update('\0'.join([''] * len(frames) if texts is None else texts.tolist()).encode())
    return digest.hexdigest()


def _without_signs_of_nothing(values: np.ndarray) -> np.ndarray:
    """Return numbers in which all that are unknown have the same bits, and zero has no sign."""
    return np.where(np.isnan(values), np.nan, values + 0.0).astype('<f8')


def make_node(found: Found, label: str = '') -> FramesData:
    """Return a node, not stored yet, that knows the files that its frames came from.

    :param found: what was read.
    :param label: of the node; the names of the files by default.
    """
    node = FramesData(found.frames)
    node.label = (label or ', '.join(source.name for source in found.sources))[:255]
    node.base.extras.set(EXTRA, {
        'files': [asdict(source) for source in found.sources], 'fingerprint': fingerprint(found.frames),
    })  # fmt: skip
    return node


def find_earlier(node: orm.Data) -> orm.Data | None:
    """Return a stored node with the same content, None if there is none.

    :param node: that was just made and is not stored.
    """
    wanted = node.base.extras.get(EXTRA)['fingerprint']
    query = orm.QueryBuilder().append(type(node), filters={f'extras.{EXTRA}.fingerprint': wanted}, tag='node')
    earlier: orm.Data | None = query.order_by({'node': {'id': 'desc'}}).first(flat=True)
    return earlier

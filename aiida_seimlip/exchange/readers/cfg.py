"""MLIP's configurations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from aiida_seimlip.exchange.readers.files import open_binary
from aiida_seimlip.exchange.readers.found import Part, ReadError, ReadOptions, Tally
from aiida_seimlip.science.formats.mlip3_cfg import MV_GRADE, read_cfg
from aiida_seimlip.science.frames import PREDICTION

METHOD, KIND = 'method', 'energy_kind'
"""Features under which this package writes who calculated the labels, and which energy it is."""

CALCULATED_BY = 'EFS_by'
"""Feature under which MLIP keeps who calculated the labels."""

BY_A_POTENTIAL = re.compile(r'(Multi)?MTP\d*')
"""Who that is where MLIP itself did."""

NOT_TOLD = 'VASP'
"""Who that is where the functional is not told: whoever knows better is right."""


def is_cfg(path: Path, head: bytes) -> bool:
    """Tell a file by its first word."""
    return head.lstrip().startswith(b'BEGIN_CFG')


def read_cfg_file(path: Path, options: ReadOptions) -> Part:
    """Read a file.

    :param path: of the file.
    :param options: names the species in type order.
    :raises ReadError: if the species are not named.
    :raises FormatError: if the file is not sound.
    """
    if not options.species:
        raise ReadError(
            'a configuration of MLIP numbers its types from 0: name their elements in this order (--species Li,F).'
        )
    with open_binary(path) as handle:
        cfg = read_cfg(handle.read(), options.species, name=path.name)
    tally = Tally()
    whole = np.flatnonzero(~cfg.fragments)
    if len(whole) < len(cfg.frames):
        tally.notes['A fragment, the part of a configuration that one process saw, is left out.'] += len(
            cfg.frames
        ) - len(whole)
        cfg = cfg.take(whole)
    columns = {'site_en': cfg.site_energies, 'charge': cfg.charges, 'nbh_grades': cfg.nbh_grades}
    tally.left_out.update({name: len(cfg.frames) for name, column in columns.items() if column is not None})
    tally.left_out.update(dict.fromkeys(cfg.left_out_columns, len(cfg.frames)))
    frames = cfg.frames
    for name, role in (('energies', 'energy'), ('forces', 'forces'), ('stresses', 'stress')):
        if getattr(frames, name) is not None:
            key = {'energies': 'Energy', 'forces': 'fx fy fz', 'stresses': 'PlusStress'}[name]
            known = np.isfinite(getattr(frames, name)).reshape(len(getattr(frames, name)), -1).all(axis=1)
            count = known.sum() if name != 'forces' else np.unique(frames.frame_of_atom[known]).size
            tally.used[role] = Counter({key: int(count)})
    features = [{key: text for key, text in item.items() if key != MV_GRADE} for item in cfg.features]
    methods = np.array([item.pop(METHOD, '') or _method(item, options.method) for item in features])
    kinds = np.array([item.pop(KIND, '') for item in features])
    frames = frames.replace(
        methods=methods if np.any(methods != '') else None, energy_kinds=kinds if np.any(kinds != '') else None
    )
    return Part(frames.with_features(features) if any(features) else frames, tally)


def _method(features: Mapping[str, str], given: str) -> str:
    """Return what calculated the labels of a configuration, from what MLIP knows of it."""
    name = features.get(CALCULATED_BY, '')
    if BY_A_POTENTIAL.fullmatch(name):
        return f'{PREDICTION}{name}'
    return given if name == NOT_TOLD and given else name

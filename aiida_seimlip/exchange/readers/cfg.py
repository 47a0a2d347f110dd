"""MLIP's configurations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aiida_seimlip.exchange.readers.files import open_binary
from aiida_seimlip.exchange.readers.found import Part, ReadError, ReadOptions, Record, Tally
from aiida_seimlip.exchange.readers.own import OWN, take_own
from aiida_seimlip.science.formats.mlip3_cfg import MV_GRADE, CfgFile, read_cfg
from aiida_seimlip.science.frames import PREDICTION, Frames

CALCULATED_BY = 'EFS_by'
"""Feature under which MLIP keeps who calculated the labels."""

BY_A_POTENTIAL = re.compile(r'(Multi)?MTP\d*')
"""Who that is where MLIP itself did."""

NOT_TOLD = 'VASP'
"""Who that is where the functional is not told: whoever knows better is right."""

EXACT_STRESS = 'stress_ev_per_a3'
"""Feature under which this package writes a stress: of the virial in ``PlusStress`` not every bit comes back."""

FRAGMENT = 'A fragment, the part of a configuration that one process saw, is left out.'


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
        tally.notes[FRAGMENT] += len(cfg.frames) - len(whole)
        cfg = cfg.take(whole)
    _count(cfg, tally)
    features = [{key: text for key, text in item.items() if key != MV_GRADE} for item in cfg.features]
    return Part(_with_features(cfg.frames, features, options.method), tally)


def _count(cfg: CfgFile, tally: Tally) -> None:
    """Tell which labels there are, and which columns are not taken over."""
    number, frames = len(cfg.frames), cfg.frames
    columns = {'site_en': cfg.site_energies, 'charge': cfg.charges, 'nbh_grades': cfg.nbh_grades}
    tally.left_out.update({name: number for name, column in columns.items() if column is not None})
    tally.left_out.update(dict.fromkeys(cfg.left_out_columns, number))
    if frames.energies is not None:
        tally.used['energy'] = Counter({'Energy': int(np.isfinite(frames.energies).sum())})
    if frames.forces is not None:
        known = frames.frame_of_atom[np.isfinite(frames.forces).all(axis=1)]
        tally.used['forces'] = Counter({'fx fy fz': np.unique(known).size})
    if frames.stresses is not None:
        tally.used['stress'] = Counter({'PlusStress': int(np.isfinite(frames.stresses).all(axis=1).sum())})


def _with_features(frames: Frames, features: Sequence[dict[str, str]], given: str) -> Frames:
    """Return frames with their features, and with what some features say: who calculated them, and where they were."""
    number = len(frames)
    stresses = None if frames.stresses is None else frames.stresses.copy()
    records = []
    for index, item in enumerate(features):
        record = Record(np.empty(0), np.empty((0, 3)), frames.cells[index], frames.pbc[index])
        take_own(record, {key: item.pop(key) for key in OWN if key in item})
        record.method = record.method or _method(' '.join(item.get(CALCULATED_BY, '').split()), given)
        records.append(record)
        exact = np.array(item.pop(EXACT_STRESS, '').split(), dtype=float) if EXACT_STRESS in item else None
        if stresses is not None and exact is not None and np.allclose(exact, stresses[index], rtol=1e-9, atol=1e-12):
            stresses[index] = exact
        item.update(record.features)
    methods, kinds = ([getattr(record, name) for record in records] for name in ('method', 'energy_kind'))
    uuids, indices = [record.origin[0] for record in records], [record.origin[1] for record in records]
    frames = frames.replace(
        stresses=stresses,
        methods=np.array(methods) if any(methods) else None,
        energy_kinds=np.array(kinds) if any(kinds) else None,
        origin_uuids=np.array(uuids) if any(uuids) else None,
        origin_indices=np.array(indices) if any(uuids) else None,
        origin_steps=np.array([r.step for r in records]) if number and max(r.step for r in records) >= 0 else None,
    )
    return frames.with_features(features) if any(features) else frames


def _method(name: str, given: str) -> str:
    """Return what calculated the labels of a configuration, from what MLIP knows of it."""
    if BY_A_POTENTIAL.fullmatch(name):
        return f'{PREDICTION}{name}'
    return given if name == NOT_TOLD and given else name

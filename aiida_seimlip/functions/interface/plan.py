"""Calcfunctions that lay out the runs in fields, and find the charges that the fields act on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.charges import NEUTRAL, load_charges, store_charges
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.seeds import derive_seed
from aiida_seimlip.science.structures.labels import LabelError, explain_shared_charge, label_atoms

NO_FIELD = (0.0, 0.0, 0.0)
GIVEN, PER_ATOM = 'given by label', 'given for each atom'
QEQ = 'qeq'
"""Attribute of charges by charge equilibration: what was found for each label, as `FixedCharges.to_dict` has it."""


class Purpose(IntEnum):
    """What a seed is for: the first step on its path."""

    VELOCITIES = 0
    ANALYSIS = 1


def run_key(field: int, replica: int) -> str:
    """Return the name of a run in all outputs, such as ``E1_r0``.

    :param field: number of the field: 0 for none, then those of the options from 1.
    :param replica: number of the replica from 0.
    """
    return f'E{field}_r{replica}'


@calcfunction
def plan_field(options: orm.Dict, start: FramesData, **groups: Any) -> dict[str, Any]:
    """Lay out the runs: an equilibration for each replica, and from its end one run without and one in each field.

    All runs of a replica begin with the same positions and velocities, so that they differ by the field alone.

    :param options: `FieldOptions`.
    :param start: the frame that all runs begin with.
    :param groups: if wanted, ``engine`` with ``parameters`` of the program.
    :return: ``plan`` (``runs``: ``key``, ``field``, ``replica``, ``seed``), and ``parameters`` of ``parity``, of each
        ``r<replica>_equilibration`` and of each ``<key>_production``.
    """
    settings = FieldOptions.from_node(options)
    engine = groups['engine']['parameters'].get_dict() if 'engine' in groups else {}
    runs: list[dict[str, Any]] = []
    parameters: dict[str, Any] = {}
    for replica in range(settings.replicas):
        seed = derive_seed(settings.seed, Purpose.VELOCITIES, replica)
        equilibration = equilibration_parameters(settings, seed)
        if equilibration is not None:
            parameters[f'r{replica}_equilibration'] = {**engine, **equilibration}
        for number, field in enumerate((NO_FIELD, *settings.fields)):
            key = run_key(number, replica)
            runs.append({'key': key, 'field': list(field), 'replica': replica, 'seed': seed})
            parameters[f'{key}_production'] = {**engine, **production_parameters(settings, field, seed, start.elements)}
    first = {**engine, **common_parameters(settings, 1)}
    parameters['parity'] = {**first, 'ensemble': 'nve', 'n_steps': 0, 'velocities': 'keep', 'mobile': []}
    return {
        'plan': orm.Dict({'runs': runs}),
        'parameters': {name: orm.Dict(content) for name, content in parameters.items()},
    }


def common_parameters(settings: FieldOptions, seed: int) -> dict[str, Any]:
    """Return what all runs have in common, as `DynamicsOptions`.

    :param settings: of the workflow.
    :param seed: of the run.
    """
    names = ('ensemble', 'timestep', 'thermostat_damping', 'thermo_every')
    shared = {name: getattr(settings.dynamics, name) for name in names}
    return {'temperature': settings.temperature, 'seed': seed, 'velocities': 'create', **shared}


def equilibration_parameters(settings: FieldOptions, seed: int) -> dict[str, Any] | None:
    """Return the parameters of an equilibration, as `DynamicsOptions`; None if there is none.

    Its whole frames are as many as charges shall be averaged over.

    :param settings: of the workflow.
    :param seed: of the replica.
    """
    n_steps = settings.dynamics.equilibration_steps
    if not n_steps:
        return None
    n_frames = frames_of_each(settings) or 1
    return {
        **common_parameters(settings, seed), 'ensemble': 'nvt', 'n_steps': n_steps, 'mobile': [],
        'dump_every': max(1, n_steps // n_frames),
    }  # fmt: skip


def frames_of_each(settings: FieldOptions) -> int:
    """Return how many frames of each equilibration the charges are averaged over.

    :param settings: of the workflow.
    """
    return 0 if settings.qeq is None else math.ceil(settings.qeq.n_frames / settings.replicas)


def production_parameters(
    settings: FieldOptions, field: Sequence[float], seed: int, elements: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the parameters of a run in a field, as the engine for LAMMPS takes them.

    :param settings: of the workflow.
    :param field: in V/Å.
    :param seed: of the replica.
    :param elements: of the atoms whose paths are kept.
    """
    dynamics = settings.dynamics
    keeps = {'velocities': 'keep'} if dynamics.equilibration_steps else {}
    return {
        **common_parameters(settings, seed), **keeps, 'n_steps': dynamics.production_steps, 'mobile': list(elements),
        'track_every': dynamics.track_every, 'dump_every': dynamics.dump_every, 'field': list(field),
    }  # fmt: skip


# -- charges ----------------------------------------------------------------------------------------------------------


def labels_of(structure: orm.Data, settings: FieldOptions) -> tuple[str, ...]:
    """Return the label of each atom: by the rules of the options, else its kind in the structure, else its symbol.

    :param structure: one frame, or a structure.
    :param settings: of the workflow.
    :raises LabelError: if a rule holds for no atom, or two for one.
    """
    kinds = [site.kind_name for site in structure.sites] if isinstance(structure, orm.StructureData) else None
    return label_atoms(get_frame(structure), settings.rules(), kinds)


def find_mobile(labels: Sequence[str], symbols: Sequence[str], settings: FieldOptions) -> np.ndarray:
    """Return which atoms are the ions whose motion is asked for; shape (n_atoms,).

    A name is that of a label, else of an element: its atoms are meant but those that a rule has labelled.

    :param labels: of the atoms.
    :param symbols: of the atoms.
    :param settings: of the workflow.
    """
    known, symbol_of = np.asarray(labels), np.asarray(symbols)
    is_ruled = np.isin(known, list(settings.labels))
    found = np.zeros(known.size, dtype=bool)
    for name in settings.mobile:
        found |= known == name if name in labels else (symbol_of == name) & ~is_ruled
    return found


def charges_by_label(labels: Sequence[str], symbols: Sequence[str], given: Mapping[str, float]) -> np.ndarray:
    """Return the charge of each atom in e: that of its label, else that of its element; shape (n_atoms,).

    :param labels: of the atoms.
    :param symbols: of the atoms.
    :param given: charges by label or chemical symbol.
    :raises LabelError: if there is none for an atom, or one for no atom.
    """
    lacking = sorted({
        label for label, symbol in zip(labels, symbols, strict=True) if label not in given and symbol not in given
    })  # fmt: skip
    if lacking:
        raise LabelError(f'There is no charge for {", ".join(lacking)}.')
    strange = sorted(set(given) - set(labels) - set(symbols))
    if strange:
        raise LabelError(f'There is a charge for {", ".join(strange)}, but no such atom.')
    return np.array([given.get(label, given.get(symbol)) for label, symbol in zip(labels, symbols, strict=True)])


def explain_charges(frame: Frames, labels: Sequence[str], charges: np.ndarray) -> str | None:
    """Say why a field must not act on charges, None if nothing is wrong.

    :param frame: the start.
    :param labels: of its atoms.
    :param charges: of its atoms in e; shape (n_atoms,).
    :return: a sentence.
    """
    shared = explain_shared_charge(frame, charges)
    if shared is not None:
        return shared
    if abs(charges.sum()) <= NEUTRAL:
        return None
    counts = Counter(labels)
    means = {label: charges[np.array(labels) == label].mean() for label in counts}
    terms = ', '.join(f'{counts[label]} {label} of {means[label]:+g}' for label in sorted(counts))
    return f'The charges add up to {charges.sum():+.6g} e ({terms}), but the cell must be neutral.'


@calcfunction
def assign_charges(options: orm.Dict, structure: orm.Data, **groups: Any) -> orm.ArrayData:
    """Return the charges that the fields act on, and the labels of the atoms.

    :param options: `FieldOptions`.
    :param structure: the start as it was given, with its kinds.
    :param groups: if there are, ``given`` with ``charges`` of each atom, and ``frames`` of the equilibrations.
    :return: as `store_charges`, with the attributes ``parameters`` and ``n_frames`` where they come from charge
        equilibration.
    :raises ValueError: if they cannot be found.
    """
    settings = FieldOptions.from_node(options)
    labels, frame = labels_of(structure, settings), get_frame(structure)
    symbols = list(frame.to_atoms()[0].symbols)
    if 'given' in groups:
        return store_charges(load_charges(groups['given']['charges']), labels=labels, source=PER_ATOM)
    if settings.qeq is None:
        charges = charges_by_label(labels, symbols, settings.charges or {})
        return store_charges(charges, labels=labels, source=GIVEN)
    return _equilibrate(settings, frame, labels, groups.get('frames', {}))


def _equilibrate(
    settings: FieldOptions, start: Frames, labels: Sequence[str], equilibrations: Mapping[str, FramesData]
) -> orm.ArrayData:
    """Find charges by charge equilibration in the last frames of the equilibrations, else in the start."""
    from aiida_seimlip.science.charges.equilibration import find_qeq_charges
    from aiida_seimlip.science.charges.groups import average_charges
    from aiida_seimlip.science.charges.parameters import QeqParameters

    assert settings.qeq is not None
    n_each = frames_of_each(settings)
    ends = [node.get_frames().without_labels() for _, node in sorted(equilibrations.items())]
    frames = Frames.concatenate([end[np.arange(len(end))[-n_each:]] for end in ends]) if ends else start
    found = find_qeq_charges(frames, QeqParameters.from_dict(settings.qeq.parameters), is_slab=settings.qeq.is_slab)
    means = average_charges(found, labels)
    per_atom = means.per_atom(labels) if settings.qeq.average == 'label' else found.means_e - found.means_e.mean()
    node = store_charges(per_atom, labels=labels, source=means.source)
    node.base.attributes.set_many({
        QEQ: without_nan(means.to_dict()), 'n_frames': len(frames),
        'lowest_eigenvalue_ev': float(found.lowest_eigenvalues_ev.min()),
    })  # fmt: skip
    return node


def without_nan(value: Any) -> Any:
    """Return plain types with None where a number is not known, for the database holds no NaN.

    :param value: a number, a text, or lists and dictionaries of them.
    """
    if isinstance(value, Mapping):
        return {key: without_nan(content) for key, content in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(content) for content in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

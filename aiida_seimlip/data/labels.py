"""Whose labels sets of frames hold: which are predictions and so no labels, and whether they go together.

The rules: what a potential predicted is never a label. The labels of one training set are by one method and of one kind
of energy, unless the user says that a mixture is meant; an unknown method or kind goes with any other, which is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.frames import PREDICTION

PREDICTORS = (
    'seimlip.lammps', 'seimlip.md', 'seimlip.md.explore', 'seimlip.ase.neb', 'seimlip.mlip3.evaluate', 'evaluate_path',
)  # fmt: skip
"""How the types of processes end whose energies and forces are predictions of their input `potential`."""

KIND_NAMES = {'free': 'free energies', 'sigma0': 'energies extrapolated to zero smearing'}


def explain_predictions(name: str, frames: FramesData) -> str | None:
    """Say that frames hold predictions, and of which potentials.

    :param name: of the input that holds them.
    :return: one sentence, None if there are no predictions among them.
    """
    uuids = sorted(method.removeprefix(PREDICTION) for method in frames.methods if method.startswith(PREDICTION))
    number = frames.n_predicted
    if not uuids:
        uuids, number = _potentials_of_creator(frames), frames.n_labelled
    if not uuids:
        return None
    potentials = ' and '.join(describe_potential(uuid) for uuid in uuids)
    return (
        f'Input `{name}`: energies and forces of {number} of {frames.n_frames} frames are predictions of '
        f'{potentials}, and what a potential predicts is no label.'
    )


def _potentials_of_creator(frames: FramesData) -> list[str]:
    """Return the UUID of the potential that a job ran with, if it is one whose frames did not say so once."""
    creator = frames.creator
    if '' not in frames.methods or creator is None or not (creator.process_type or '').endswith(PREDICTORS):
        return []
    links = creator.base.links.get_incoming(node_class=PotentialData, link_label_filter='potential').all_nodes()
    return [node.uuid for node in links]


def describe_potential(uuid: str) -> str:
    """Name a potential by its PK, if it is in the profile, and the beginning of its UUID.

    :param uuid: of the potential; what a file says of a potential that is no node is some other name.
    """
    if not _is_uuid(uuid):
        return f'the potential `{uuid}`'
    found = orm.QueryBuilder().append(PotentialData, filters={'uuid': uuid}, project='id').all(flat=True)
    return (
        f'the potential {found[0]} ({uuid[:8]})' if found else f'the potential {uuid[:8]}, which is not in this profile'
    )


def describe_method(method: str) -> str:
    """Write a method for a reader.

    :param method: as in `FramesData.methods`.
    """
    if not method.startswith(PREDICTION):
        return method or 'unknown'
    name = method.removeprefix(PREDICTION)
    return f'potential {name[:8] if _is_uuid(name) else name}'


def describe_methods(methods: Iterable[str]) -> str:
    """Write what made labels for a sentence such as "errors against 7net-0".

    :param methods: as in `FramesData.methods`.
    :return: ``the reference``, if that is not known.
    """
    known = sorted({describe_method(method) for method in methods if method})
    return ' and '.join(known) or 'the reference'


def methods_of(sets: Mapping[str, FramesData]) -> dict[str, list[str]]:
    """Return the methods by which frames are labelled, each with the names of the sets in which it occurs.

    :param sets: of frames; predictions are left out, unknown methods (``''``) are not.
    """
    return _names_by((name, node.methods) for name, node in sets.items())


def energy_kinds_of(sets: Mapping[str, FramesData]) -> dict[str, list[str]]:
    """Return the kinds of energies, each with the names of the sets in which it occurs."""
    return _names_by((name, node.energy_kinds) for name, node in sets.items())


def faults_of_mixture(name: str, sets: Mapping[str, FramesData], method: str = '', kind: str = '') -> Iterator[str]:
    """Look for labels that do not go together.

    :param name: of the namespace that holds the sets.
    :param method: by which further frames are going to be labelled, empty if unknown.
    :param kind: of the energies of these, empty if unknown.
    """
    methods, kinds = _known(methods_of(sets)), _known(energy_kinds_of(sets))
    if len(methods) > 1:
        yield f'Input `{name}` holds labels by different methods: {_list(methods)}.'
    elif methods and method not in ('', *methods):
        yield f'Input `{name}` holds labels by {_list(methods)}, but the reference labels by `{method}`.'
    if len(kinds) > 1:
        yield f'Input `{name}` holds different kinds of energies: {_list_kinds(kinds)}.'
    elif kinds and kind not in ('', *kinds):
        yield f'Input `{name}` holds {_list_kinds(kinds)}, but the reference gives {KIND_NAMES[kind]}.'


def note_unknown(name: str, sets: Mapping[str, FramesData], method: str = '') -> str | None:
    """Say that the method of some labels is unknown, where that of others is known.

    :param name: of the namespace that holds the sets.
    :param method: by which further frames are going to be labelled, empty if unknown.
    """
    methods = methods_of(sets)
    known = sorted({*_known(methods), method} - {''})
    if '' not in methods or not known:
        return None
    sets_named = ', '.join(f'`{name}.{key}`' for key in methods[''])
    return (
        f'It is unknown by which method the labels of {sets_named} were made, while others are by '
        f'{", ".join(f"`{one}`" for one in known)}: they are taken to go together.'
    )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _names_by(counts: Iterator[tuple[str, Mapping[str, int]]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, by_value in counts:
        for value in by_value:
            if not value.startswith(PREDICTION):
                found.setdefault(value, []).append(name)
    return dict(sorted(found.items()))


def _known(found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {value: names for value, names in found.items() if value}


def _list(methods: Mapping[str, list[str]]) -> str:
    return ', '.join(f'`{method}` (in {", ".join(names)})' for method, names in methods.items())


def _list_kinds(kinds: Mapping[str, list[str]]) -> str:
    return ' and '.join(f'{KIND_NAMES[kind]} (in {", ".join(names)})' for kind, names in kinds.items())

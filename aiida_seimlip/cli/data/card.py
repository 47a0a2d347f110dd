"""The provenance card of one frame: where it came from, who labelled it, what learned from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.cli.data.job_label import describe_job_label
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.graph import find_related
from aiida_seimlip.data.labels import describe_method
from aiida_seimlip.data.learned import is_training_link, training_sets
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.ase import CALCULATORS
from aiida_seimlip.science.frames import Frames

KINDS = {'': 'energy of unknown kind', 'free': 'free energy', 'sigma0': 'energy extrapolated to zero smearing'}
"""What the energies of `Frames.energy_kinds` are."""


@dataclass(frozen=True)
class Sighting:
    """A node in which a frame occurs.

    :param node: the set of frames.
    :param index: of the frame in it.
    :param creator: the process that made the set, None if it was given by the user.
    """

    node: FramesData
    index: int
    creator: orm.ProcessNode | None

    @property
    def frame(self) -> Frames:
        """The frame as this node holds it."""
        return self.node.get_frames()[self.index]


@dataclass(frozen=True)
class FrameCard:
    """What is known about one frame.

    :param asked: the node and index that were asked for.
    :param content_hash: of species, cell and positions.
    :param sightings: all nodes up and down the provenance graph in which this very frame occurs, oldest first.
    :param origin: the node named as the frame's origin, None if unknown or not in the profile.
    :param origin_uuid: its UUID, empty if unknown.
    :param origin_index: index of the frame there, -1 if unknown.
    :param step: MD step at which the frame was taken, -1 if unknown.
    :param grade: extrapolation grade with which it was chosen, NaN if unknown.
    :param labelled_by: the job that calculated its energy and forces, None if it has no labels.
    :param labelled: the frame with its labels, None if it has none.
    :param potentials: all potentials that learned from it, oldest first.
    :param n_left_out: number of nodes up and down the graph that may hold it, too, but whose frames were left out of
        the archive that they came from.
    """

    asked: Sighting
    content_hash: str
    sightings: tuple[Sighting, ...]
    origin: orm.Node | None
    origin_uuid: str
    origin_index: int
    step: int
    grade: float
    labelled_by: orm.ProcessNode | None
    labelled: Frames | None
    potentials: tuple[PotentialData, ...]
    n_left_out: int = 0

    @property
    def sampled_by(self) -> orm.ProcessNode | None:
        """The process in whose output the frame occurs first."""
        return self.sightings[0].creator


def find_card(node: FramesData, index: int) -> FrameCard:
    """Trace a frame through the provenance graph.

    :param node: a set of frames that holds it.
    :param index: from 0; negative values count from the end.
    :raises IndexError: if there is no such frame.
    """
    if not -node.n_frames <= index < node.n_frames:
        raise IndexError(f'Node {node.pk} holds {node.n_frames} frames: there is no frame {index}.')
    index %= node.n_frames
    content_hash = node.hashes[index]
    relatives = _relatives(node)
    sightings = sorted(_sightings(relatives, content_hash), key=lambda item: (item.node.ctime, item.node.pk))
    frames = [sighting.frame for sighting in sightings]
    asked = next(sighting for sighting in sightings if sighting.node.pk == node.pk)
    labelled = [(sighting, frame) for sighting, frame in zip(sightings, frames, strict=True) if frame.is_labelled]
    uuid, origin_index, step = _origin([node.get_frames()[index], *frames])
    grades = [float(frame.grades[0]) for frame in frames if frame.grades is not None and np.isfinite(frame.grades[0])]
    return FrameCard(
        asked=Sighting(node, index, asked.creator), content_hash=content_hash, sightings=tuple(sightings),
        origin=_load(uuid), origin_uuid=uuid, origin_index=origin_index, step=step,
        grade=grades[0] if grades else float('nan'),
        labelled_by=labelled[0][0].creator if labelled else None, labelled=labelled[0][1] if labelled else None,
        potentials=tuple(_learners([sighting.node for sighting in sightings])),
        n_left_out=sum(relative.is_left_out for relative in relatives),
    )  # fmt: skip


def describe_card(card: FrameCard) -> str:
    """Write a card for a reader."""
    frame = card.labelled or card.asked.frame
    lines = [
        f'Frame {card.asked.index} of node {card.asked.node.pk}: {frame.formulas[0]}, '
        f'shortest distance {frame.shortest_distances(5.0)[0]:.3f} Å',
        f'  content hash  {card.content_hash}',
        *(f'  {name:<14}{value}' for name, value in _features(card).items()),
        '',
        'Where it came from',
        *(f'  {line}' for line in _describe_origin(card)),
        '',
        'Who labelled it',
        *(f'  {line}' for line in _describe_labels(card)),
        '',
        'What learned from it',
        *(f'  {_describe_potential(potential)}' for potential in card.potentials),
    ]
    if not card.potentials:
        lines.append('  no potential')
    lines += ['', 'Where it is stored']
    for sighting in card.sightings:
        maker = _name(sighting.creator) if sighting.creator else 'given by the user'
        lines.append(f'  node {sighting.node.pk} ({sighting.node.uuid[:8]}), frame {sighting.index}: {maker}')
    if card.n_left_out:
        lines.append(
            f'  and perhaps in {card.n_left_out} nodes whose frames were left out of the archive they came from'
        )
    return '\n'.join(lines)


# -- parts ------------------------------------------------------------------------------------------------------------


def _relatives(node: FramesData) -> list[FramesData]:
    """Return all sets of frames up and down the graph, and the node itself."""
    return [*find_related([node], FramesData), *find_related([node], FramesData, down=True), node]


def _sightings(nodes: Iterable[FramesData], content_hash: str) -> Iterator[Sighting]:
    """Yield those nodes that hold a frame."""
    for other in nodes:
        hashes = [] if other.is_left_out else other.hashes
        if content_hash in hashes:
            yield Sighting(other, hashes.index(content_hash), other.creator)


def _origin(frames: list[Frames]) -> tuple[str, int, int]:
    """Return origin and MD step, from the first frame that knows them."""
    for frame in frames:
        if frame.origin_uuids is not None and frame.origin_uuids[0]:
            index = -1 if frame.origin_indices is None else int(frame.origin_indices[0])
            step = -1 if frame.origin_steps is None else int(frame.origin_steps[0])
            return str(frame.origin_uuids[0]), index, step
    return '', -1, -1


def _load(uuid: str) -> orm.Node | None:
    node: orm.Node | None = (
        orm.QueryBuilder().append(orm.Node, filters={'uuid': uuid}).first(flat=True) if uuid else None
    )
    return node


def _learners(nodes: list[FramesData]) -> Iterator[PotentialData]:
    """Yield the potentials of all jobs that had one of these sets in their training set, oldest first."""
    jobs = {
        link.node.pk: link.node
        for node in nodes
        for link in node.base.links.get_outgoing(link_type=LinkType.INPUT_CALC).all()
        if is_training_link(link.link_label)
    }
    links = [link for job in jobs.values() for link in job.base.links.get_outgoing(link_type=LinkType.CREATE).all()]
    potentials = {link.node.pk: link.node for link in links if isinstance(link.node, PotentialData)}
    yield from sorted(potentials.values(), key=lambda node: (node.ctime, node.pk))


def _describe_origin(card: FrameCard) -> Iterator[str]:
    process = card.sampled_by
    if process is None:
        yield 'it was given by the user'
    else:
        yield f'{_name(process)}{_conditions(process)}'
    if card.step >= 0:
        yield f'MD step {card.step}'
    if np.isfinite(card.grade):
        yield f'extrapolation grade {card.grade:.3f}'
    if card.origin_uuid:
        where = f'frame {card.origin_index} of node' if card.origin_index >= 0 else 'node'
        name = f'{card.origin.pk} ({card.origin_uuid})' if card.origin else f'{card.origin_uuid}, not in this profile'
        yield f'origin: {where} {name}'


def _conditions(process: orm.ProcessNode) -> str:
    """Say at what temperature and from which seed a job ran, as far as it was told."""
    parameters: Any = process.inputs.parameters if 'parameters' in process.inputs else None
    if not isinstance(parameters, orm.Dict):
        return ''
    content = parameters.get_dict()
    content = {**content, **(content.get('md') or {})}
    parts = [
        f'{name} {content[name]:.10g}{unit}' if isinstance(content[name], int | float) else f'{content[name]}{unit}'
        for name, unit in (('ensemble', ''), ('temperature', ' K'), ('pressure', ' bar'), ('seed', ''))
        if content.get(name) is not None and not isinstance(content[name], list)
    ]
    return f', {", ".join(parts)}' if parts else ''


def _describe_labels(card: FrameCard) -> Iterator[str]:
    if card.labelled is None:
        yield 'it has no labels'
        for method in sorted({str(frame.methods[0]) for frame in _predictions(card) if frame.methods is not None}):
            yield f'what is known of its energy and forces was predicted by {describe_method(method)}'
        return
    yield _name(card.labelled_by) if card.labelled_by else 'its labels were given by the user'
    method = '' if card.labelled.methods is None else str(card.labelled.methods[0])
    kind = '' if card.labelled.energy_kinds is None else str(card.labelled.energy_kinds[0])
    yield f'method: {describe_method(method)}, {KINDS[kind]}'
    calculator = _calculator(card.labelled_by)
    if calculator:
        yield f'calculator: {calculator}'
    yield from describe_job_label(card.labelled_by, card.labelled)
    assert card.labelled.energies is not None and card.labelled.forces is not None
    force = np.linalg.norm(card.labelled.forces, axis=1).max()
    energy = card.labelled.energies[0] / card.labelled.sizes[0]
    yield f'energy {energy:.6f} eV/atom, largest force {force:.3f} eV/Å'


def _predictions(card: FrameCard) -> list[Frames]:
    """Return the frame as it occurs with energies and forces that a potential predicted."""
    frames = [sighting.frame for sighting in card.sightings]
    return [frame for frame in frames if (frame.is_predicted & frame.is_computed).any()]


def _features(card: FrameCard) -> dict[str, str]:
    """Return the features of a frame; what the node that was asked for says comes first."""
    found: dict[str, str] = {}
    for sighting in (*card.sightings, card.asked):
        found |= sighting.frame.features_of(0)
    return found


def _calculator(process: orm.ProcessNode | None) -> str:
    if process is None or 'parameters' not in process.inputs:
        return ''
    found = process.inputs.parameters.get_dict().get('calculator') or {}
    name = found.get('name', '')
    known = CALCULATORS.get(name)
    keywords = {**(known.defaults if known else {}), **(found.get('kwargs') or {})}
    arguments = ', '.join(f'{key}={value!r}' for key, value in keywords.items())
    results = process.outputs.results.get_dict() if 'results' in process.outputs else {}
    versions = ', '.join(f'{key} {value}' for key, value in (results.get('versions') or {}).items() if value)
    added = f' + D3({found["dispersion"]["damping"]})' if found.get('dispersion') else ''
    return f'{name}({arguments}){added}{f" with {versions}" if versions else ""}' if name else ''


def _describe_potential(potential: PotentialData) -> str:
    from aiida_seimlip.cli.data.potential import training_errors

    labels = sum(node.n_frames for node in training_sets(potential))
    errors = ', '.join(
        f'{value:.3g} {name.split("(")[1].rstrip(")")}' for name, value in training_errors(potential).items()
    )
    level = f' of level {potential.level}' if potential.level is not None else ''
    trained = f'; {errors} on its training set' if errors else ''
    return f'{potential.family}{level}, node {potential.pk} ({potential.uuid[:8]}), from {labels} labels{trained}'


def _name(process: orm.ProcessNode) -> str:
    return f'{process.process_label} {process.pk} ({process.uuid[:8]})'

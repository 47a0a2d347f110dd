"""What a process really used and whom to thank for it, found from the graph of provenance.

The processes that count are the one asked about, all that it called, and all that its inputs stand on: the labels that
a potential was trained on are cited with a diffusivity that was found with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.graph import find_related
from aiida_seimlip.report.citations.references import REFERENCES, Reference
from aiida_seimlip.report.citations.rules import Use, of_labels, uses_of
from aiida_seimlip.report.sections import Section

UNKNOWN = 'No paper is known here: see what its authors ask for.'


@dataclass(frozen=True)
class Citation:
    """One program and what it asks to be cited for.

    :param program: its name.
    :param versions: that the processes recorded; empty if none did.
    :param purposes: what it was used for, in a few words each.
    :param references: its papers; empty if none is known here.
    """

    program: str
    versions: tuple[str, ...]
    purposes: tuple[str, ...]
    references: tuple[Reference, ...]

    @property
    def title(self) -> str:
        """The program with its versions."""
        return ' '.join(part for part in (self.program, ', '.join(self.versions)) if part)


def citations_of(*nodes: orm.ProcessNode) -> list[Citation]:
    """Return the programs and papers that processes used, each once, in the order in which they were met.

    :param nodes: in any state.
    """
    found = {process.pk or 0: process for node in nodes for process in processes_of(node)}
    uses = [use for pk in sorted(found) for use in uses_of(found[pk])]
    methods = {method for node in nodes for frames in frames_from_outside(node) for method in frames.methods}
    return merge([*uses, *(of_labels(method) for method in sorted(methods))])


def processes_of(node: orm.ProcessNode) -> list[orm.ProcessNode]:
    """Return a process, those below it, and those that made what it was given, the oldest first.

    :param node: the process.
    """
    found = {process.pk or 0: process for process in (node, *node.called_descendants)}
    found |= {process.pk: process for process in find_related(inputs_of(node), orm.ProcessNode)}
    return [found[pk] for pk in sorted(found)]


def frames_from_outside(node: orm.ProcessNode) -> list[FramesData]:
    """Return the frames that a process stands on and that no process has made.

    :param node: the process.
    """
    given = inputs_of(node)
    frames = {
        frames.pk or 0: frames
        for frames in [*given, *find_related(given, FramesData)]
        if isinstance(frames, FramesData)
    }
    return [frames[pk] for pk in sorted(frames) if frames[pk].creator is None]


def inputs_of(node: orm.ProcessNode) -> list[orm.Node]:
    """Return the nodes that a process was given."""
    links = node.base.links.get_incoming(link_type=(LinkType.INPUT_WORK, LinkType.INPUT_CALC)).all()
    return [link.node for link in links]


def merge(uses: Iterable[Use]) -> list[Citation]:
    """Put together what was used several times.

    :param uses: in any number.
    """
    programs: dict[str, tuple[dict[str, None], dict[str, None], dict[str, None]]] = {}
    for use in uses:
        versions, purposes, keys = programs.setdefault(use.program, ({}, {}, {}))
        versions.update({use.version: None} if use.version else {})
        purposes[use.purpose] = None
        keys.update(dict.fromkeys(use.keys))
    return [
        Citation(program, tuple(versions), tuple(purposes), tuple(REFERENCES[key] for key in keys))
        for program, (versions, purposes, keys) in programs.items()
    ]


def to_text(citations: Iterable[Citation]) -> str:
    """Return citations for a reader: the program, what it did, and its papers."""
    parts = []
    for citation in citations:
        papers = [f'  {reference.to_text()}' for reference in citation.references]
        parts.append('\n'.join([f'{citation.title}: {"; ".join(citation.purposes)}', *(papers or [f'  {UNKNOWN}'])]))
    return '\n\n'.join(parts)


def to_bibtex(citations: Iterable[Citation]) -> str:
    """Return the papers as a file of BibTeX, each once."""
    papers = {reference.key: reference for citation in citations for reference in citation.references}
    return '\n\n'.join(paper.to_bibtex() for paper in papers.values())


def citations_section(nodes: Sequence[orm.ProcessNode]) -> Section:
    """Return the part of a report that says what to cite.

    :param nodes: in any state.
    """
    points = []
    for citation in citations_of(*nodes):
        papers = ' '.join(f'{reference.to_text()}.' for reference in citation.references)
        points.append(f'{citation.title} ({"; ".join(citation.purposes)}). {papers or UNKNOWN}')
    command = ' '.join(['aiida-seimlip cite', *(str(node.pk) for node in nodes), '--bibtex'])
    lead = f'The programs and papers that were really used. As BibTeX: {command}.'
    return Section('citations', 'What to cite', lead, points=tuple(points))

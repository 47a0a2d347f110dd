"""Report on an `AtlasWorkChain`: those on all its properties, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.report.crystal.elastic import elastic_sections, elastic_tables
from aiida_seimlip.report.crystal.equation_of_state import eos_sections, eos_tables
from aiida_seimlip.report.crystal.phonon import phonon_sections, phonon_tables
from aiida_seimlip.report.crystal.relaxation import relaxation_sections, relaxation_tables
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Section
from aiida_seimlip.report.tables import Table

PARTS: dict[str, tuple[Callable[[orm.WorkChainNode], list[Section]], Callable[[orm.WorkChainNode], list[Table]]]]
PARTS = {
    'relax': (relaxation_sections, relaxation_tables), 'eos': (eos_sections, eos_tables),
    'elastic': (elastic_sections, elastic_tables), 'phonon': (phonon_sections, phonon_tables),
}  # fmt: skip
"""Who makes sections and tables of a property, by its name."""


def atlas_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the reports on all properties as sections; the first one opens a chapter.

    :param node: an `AtlasWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    lead = ' '.join(facts.doubts())
    chapter = Section(facts.anchor('atlas'), 'Atlas of crystals', lead, is_chapter=True, tiles=(facts.time_tile(),))
    return [chapter, *(section for name, child in _properties(node) for section in PARTS[name][0](child))]


def atlas_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of all properties, for a paper or a notebook.

    :param node: an `AtlasWorkChain`, in any state.
    """
    return [table for name, child in _properties(node) for table in PARTS[name][1](child)]


def _properties(node: orm.WorkChainNode) -> Iterator[tuple[str, orm.WorkChainNode]]:
    """Yield the names of the properties and the processes that compute them, in the order of `PARTS`."""
    links = node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
    called = {link.link_label: link.node for link in links if isinstance(link.node, orm.WorkChainNode)}
    for name in PARTS:
        if name in called:
            yield name, called[name]

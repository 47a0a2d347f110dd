"""Which report belongs to which WorkChain, and pages of one or several of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from aiida import orm

from aiida_seimlip.report.barrier.neb import neb_sections, neb_tables
from aiida_seimlip.report.campaign.distillation import distillation_sections, distillation_tables
from aiida_seimlip.report.citations.collect import citations_section
from aiida_seimlip.report.comparison.compare import compare_sections, compare_tables
from aiida_seimlip.report.crystal.atlas import atlas_sections, atlas_tables
from aiida_seimlip.report.crystal.defect import defect_sections, defect_tables
from aiida_seimlip.report.crystal.elastic import elastic_sections, elastic_tables
from aiida_seimlip.report.crystal.equation_of_state import eos_sections, eos_tables
from aiida_seimlip.report.crystal.phonon import phonon_sections, phonon_tables
from aiida_seimlip.report.crystal.relaxation import relaxation_sections, relaxation_tables
from aiida_seimlip.report.interface.field import field_sections, field_tables
from aiida_seimlip.report.interface.interface import interface_sections, interface_tables
from aiida_seimlip.report.interface.surface import surface_sections, surface_tables
from aiida_seimlip.report.models.calibration import calibration_sections, calibration_tables
from aiida_seimlip.report.models.cross_examination import cross_examination_sections, cross_examination_tables
from aiida_seimlip.report.models.evaluate import evaluate_sections, evaluate_tables
from aiida_seimlip.report.models.size_transfer import size_transfer_sections, size_transfer_tables
from aiida_seimlip.report.models.train import train_sections, train_tables
from aiida_seimlip.report.process import profile_name
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Page, Section
from aiida_seimlip.report.sei.sections import sei_sections, tables_of_node
from aiida_seimlip.report.starts.starts import starts_sections, starts_tables
from aiida_seimlip.report.tables import Table, write_files
from aiida_seimlip.report.transport.conductivity import conductivity_sections, conductivity_tables
from aiida_seimlip.report.transport.diffusivity import diffusivity_sections
from aiida_seimlip.report.transport.tables import diffusivity_tables

CAMPAIGN = 'seimlip.active_learning'

PROPERTIES: dict[str, tuple[Callable[[orm.WorkChainNode], list[Section]], Callable[[orm.WorkChainNode], list[Table]]]]
PROPERTIES = {
    'seimlip.diffusivity': (diffusivity_sections, diffusivity_tables),
    'seimlip.conductivity': (conductivity_sections, conductivity_tables),
    'seimlip.neb': (neb_sections, neb_tables),
    'seimlip.field': (field_sections, field_tables),
    'seimlip.atlas': (atlas_sections, atlas_tables),
    'seimlip.defect': (defect_sections, defect_tables),
    'seimlip.relax': (relaxation_sections, relaxation_tables),
    'seimlip.elastic': (elastic_sections, elastic_tables),
    'seimlip.eos': (eos_sections, eos_tables),
    'seimlip.phonon': (phonon_sections, phonon_tables),
    'seimlip.calibrate': (calibration_sections, calibration_tables),
    'seimlip.interface': (interface_sections, interface_tables),
    'seimlip.surface': (surface_sections, surface_tables),
    'seimlip.evaluate': (evaluate_sections, evaluate_tables),
    'seimlip.compare': (compare_sections, compare_tables),
    'seimlip.cross_examine': (cross_examination_sections, cross_examination_tables),
    'seimlip.size_transfer': (size_transfer_sections, size_transfer_tables),
    'seimlip.train': (train_sections, train_tables),
    'seimlip.starts': (starts_sections, starts_tables),
    'seimlip.sei': (sei_sections, tables_of_node),
    'seimlip.distil': (distillation_sections, distillation_tables),
}
"""Who makes sections and tables, by the entry point of the WorkChain."""


class NoReportError(ValueError):
    """There is no report on a process; the message says on which there are."""


def entry_point_of(node: orm.ProcessNode) -> str:
    """Return the entry point of a process, empty if it has none."""
    return (node.process_type or '').split(':')[-1]


def known_workchain(node: orm.ProcessNode) -> orm.WorkChainNode:
    """Return a process that there is a report on.

    :param node: of any kind.
    :raises NoReportError: if there is none on it.
    """
    if not isinstance(node, orm.WorkChainNode) or entry_point_of(node) not in (CAMPAIGN, *PROPERTIES):
        known = ', '.join((CAMPAIGN, *PROPERTIES))
        raise NoReportError(f'There is no report on {node.process_label} {node.pk}, only on: {known}.')
    return node


def sections_of(node: orm.ProcessNode) -> list[Section]:
    """Return the report on a property as sections; the first one opens a chapter.

    :param node: a WorkChain that computes a property, in any state.
    :raises NoReportError: if there is no such report on it.
    """
    workchain = known_workchain(node)
    if entry_point_of(workchain) == CAMPAIGN:
        raise NoReportError('A page holds one campaign at most, and it must be named first.')
    return PROPERTIES[entry_point_of(workchain)][0](workchain)


def tables_of(node: orm.ProcessNode) -> list[Table]:
    """Return the tables on a property, for a paper or a notebook; a campaign has none.

    :param node: a WorkChain that computes a property, in any state.
    :raises NoReportError: if there is no report on it.
    """
    workchain = known_workchain(node)
    return PROPERTIES[entry_point_of(workchain)][1](workchain) if entry_point_of(workchain) in PROPERTIES else []


def write_tables(node: orm.ProcessNode, folder: Path) -> list[Path]:
    """Write the tables on a property as CSV and as LaTeX, and return the paths.

    :param node: a WorkChain that computes a property, in any state.
    :param folder: is made if need be.
    :raises NoReportError: if there is no report on it.
    """
    return write_files(tables_of(node), folder)


def page_of(nodes: Sequence[orm.ProcessNode]) -> Page:
    """Return a page on one or several WorkChains; the first gives the title, the settings and the identifiers.

    :param nodes: in any state. A campaign is the first one; its page takes the reports on the others as chapters.
    :raises NoReportError: if there is no report on one of them, or if a campaign is not the first.
    """
    first, *others = (known_workchain(node) for node in nodes)
    further = [section for node in others for section in sections_of(node)]
    if entry_point_of(first) == CAMPAIGN:
        from aiida_seimlip.report.campaign.collect import collect
        from aiida_seimlip.report.campaign.page import campaign_page

        page = campaign_page(collect(first), new_chapters(further))
    else:
        page = property_page(first)
        page = replace(page, sections=[*page.sections, *new_chapters(further, page.sections)])
    return replace(page, sections=[*page.sections, citations_section([first, *others])])


def new_chapters(sections: Iterable[Section], known: Iterable[Section] = ()) -> list[Section]:
    """Return the chapters that are not there yet: a conductivity brings its diffusivity, which may be named as well.

    :param sections: of several reports; each begins with a chapter.
    :param known: sections that are there already.
    """
    chapters: list[list[Section]] = []
    for section in sections:
        if section.is_chapter:
            chapters.append([])
        chapters[-1].append(section)
    anchors, found = {section.anchor for section in known}, []
    for chapter in chapters:
        if anchors.isdisjoint(section.anchor for section in chapter):
            anchors |= {section.anchor for section in chapter}
            found += chapter
    return found


def property_page(node: orm.WorkChainNode) -> Page:
    """Return the page on one property.

    :param node: a WorkChain that computes a property, in any state.
    """
    facts = PropertyFacts(node)
    chapter, *sections = sections_of(node)
    status, is_good = facts.status
    profile = f' in profile {profile_name()}' if profile_name() else ''
    pointers = {node.process_label or 'WorkChain': node.uuid}
    if facts.potential is not None:
        pointers['potential'] = facts.potential.uuid
    pointers |= {label.replace('__', ' '): output.uuid for label, output in sorted(facts.outputs.items())}
    return Page(
        title=chapter.title,
        kicker=f'{node.ctime.astimezone(dt.UTC):%-d %B %Y, %H:%M} UTC · {node.process_label} {node.pk}{profile}',
        status=status,
        is_good=is_good,
        summary=chapter.lead,
        tiles=chapter.tiles,
        sections=sections,
        settings=facts.settings(),
        versions=facts.versions(),
        pointers=pointers,
        commands=[
            f'verdi process status {node.pk}', f'verdi process report {node.pk}',
            f'aiida-seimlip report {node.uuid} --tables tables',
        ],
    )  # fmt: skip

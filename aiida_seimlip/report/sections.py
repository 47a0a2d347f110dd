"""What a page is made of: sections with figures and tables. Nothing here knows AiiDA or matplotlib.

A report on any process is a list of sections, so that one page can hold several reports: a chapter opens each.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from aiida_seimlip.report.tables import Table

FONTS = "Inter,'Source Sans 3','Helvetica Neue',Arial,'Liberation Sans',sans-serif"


@dataclass(frozen=True)
class NumberTile:
    """One number at the top of a page or of a chapter.

    :param value: as it is shown.
    :param unit: behind the value, smaller.
    :param label: what it is.
    :param note: a few more words, smaller.
    :param mood: ``good``, ``bad`` or nothing: the colour of the value.
    """

    value: str
    unit: str
    label: str
    note: str = ''
    mood: str = ''


@dataclass(frozen=True)
class Figure:
    """One drawing.

    :param svg: the text of an ``<svg>`` element whose ids no other figure of the page has.
    :param description: what a reader who cannot see the figure should know.
    :param legend: colours and words.
    """

    svg: str
    description: str
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class View:
    """Something that a reader can turn and choose from, which a script of the page draws.

    :param kind: of the view, which the script looks for.
    :param script: JavaScript that draws all views of the kind on the page, whose data are JSON in the element; the
        page holds it once, and runs no other.
    :param data: as JSON.
    :param description: what a reader who cannot see it should know.
    """

    kind: str
    script: str
    data: Mapping[str, Any]
    description: str

    @property
    def json(self) -> str:
        """The data as text that cannot end the element that it stands in."""
        return json.dumps(self.data, separators=(',', ':'), ensure_ascii=False).replace('<', r'\u003c')


@dataclass(frozen=True)
class Section:
    """One part of a page.

    :param anchor: its id, which no other part of the page has.
    :param title: what the part shows, in a few words.
    :param lead: one or two sentences on how to read it.
    :param figures: drawn below each other.
    :param tables: below the figures and the views.
    :param points: sentences, as a list.
    :param reason: what is said where there are neither figures nor tables nor points.
    :param is_half: whether the part may stand beside another one that is half as well.
    :param is_chapter: whether the part only opens a chapter, with its title, its lead and its tiles.
    :param tiles: the numbers that matter, of a chapter.
    :param views: below the figures.
    """

    anchor: str
    title: str
    lead: str = ''
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    points: tuple[str, ...] = ()
    reason: str = ''
    is_half: bool = False
    is_chapter: bool = False
    tiles: tuple[NumberTile, ...] = ()
    views: tuple[View, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.figures or self.views or self.tables or self.points)


@dataclass(frozen=True)
class Page:
    """A whole page.

    :param title: what it is about.
    :param kicker: a line above the title: when, which process, in which profile.
    :param status: how the process stands, in a word or two.
    :param is_good: whether the status is one to be glad of.
    :param summary: one or two sentences below the title.
    :param tiles: the numbers that matter.
    :param sections: in order.
    :param settings: sections of names and values.
    :param versions: names and versions of programs and libraries.
    :param pointers: names and UUIDs of the nodes that matter.
    :param commands: to look further.
    :param notes: sentences on what could not be shown, and why.
    """

    title: str
    kicker: str = ''
    status: str = ''
    is_good: bool = False
    summary: str = ''
    tiles: Sequence[NumberTile] = ()
    sections: Sequence[Section] = ()
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    commands: Sequence[str] = ()
    notes: Sequence[str] = ()


def render_page(page: Page) -> str:
    """Return a page as one self-contained HTML document.

    :param page: what to show.
    :raises ValueError: if two sections have the same anchor.
    """
    anchors = [section.anchor for section in page.sections]
    twice = sorted({anchor for anchor in anchors if anchors.count(anchor) > 1})
    if twice:
        raise ValueError(f'Two sections of the page `{page.title}` have the anchor {", ".join(twice)}.')
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(svg=Markup)
    folder = files(__package__)
    template = environment.from_string(folder.joinpath('page.html.j2').read_text('utf-8'))
    style = Markup(folder.joinpath('page.css').read_text('utf-8').replace('FONTS', FONTS))
    scripts = list(dict.fromkeys(view.script for section in page.sections for view in section.views))
    return template.render(
        page=page, rows=list(_rows(page.sections)), style=style, scripts=[Markup(script) for script in scripts],
        script_hashes=Markup(' '.join(f"'sha256-{_digest(script)}'" for script in scripts)),
    )  # fmt: skip


def render_sections(title: str, sections: Sequence[Section]) -> str:
    """Return sections as one self-contained HTML document, without the facts about a process.

    :param title: of the page.
    :param sections: in order.
    """
    return render_page(Page(title, sections=sections))


def _digest(script: str) -> str:
    """Return what a content security policy names a script by."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _rows(sections: Sequence[Section]) -> Iterable[list[Section]]:
    """Put neighbours that are half beside each other, two at a time."""
    for is_half, group in groupby(sections, key=lambda section: section.is_half):
        members = list(group)
        step = 2 if is_half else 1
        for first in range(0, len(members), step):
            yield members[first : first + step]

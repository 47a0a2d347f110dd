"""Pages of sections."""

import base64
import hashlib
import json
import re

import pytest

from aiida_seimlip.report.campaign.page import campaign_page
from aiida_seimlip.report.sections import Figure, NumberTile, Section, View, render_page, render_sections
from aiida_seimlip.report.tables import Cell, Column, Table
from tests.report.campaign.test_page import Outline

TABLE = Table('energies', 'Energies', (Column('energy', 'E', 'eV'),), ((Cell(0.512345, 0.012),),))


def test_sections_stand_in_order():
    sections = [
        Section(
            'a', 'First', 'How to read it.', figures=(Figure('<svg id="x"></svg>', 'a line', (('#000', 'this'),)),)
        ),
        Section('b', 'Second', tables=(TABLE,), points=('One <thing>.',)),
        Section('c', 'Third', 'Something.', reason='There is none.'),
    ]
    page = render_sections('A title', sections)
    outline = Outline()
    outline.feed(page)
    assert not outline.open
    assert page.index('<section id="a">') < page.index('<section id="b">') < page.index('<section id="c">')
    assert '<svg id="x"></svg>' in page
    assert '<td class="n">0.512(12)</td>' in page
    assert 'One &lt;thing&gt;.' in page
    assert 'There is none.' in page


def test_halves_stand_beside_each_other():
    halves = [Section(anchor, anchor, reason='-', is_half=True) for anchor in 'abc']
    assert render_sections('A title', halves).count('<div class="pair">') == 1


def test_chapter_shows_its_numbers():
    chapter = Section('d', 'Diffusion', 'In words.', is_chapter=True, tiles=(NumberTile('0.61', 'eV', 'energy'),))
    page = render_sections('A title', [chapter])
    assert '<div class="chapter" id="d">' in page
    assert '0.61<span class="unit">eV</span>' in page


def test_same_anchor_twice_is_refused():
    with pytest.raises(ValueError, match='have the anchor a'):
        render_sections('A title', [Section('a', '1'), Section('a', '2')])


def test_page_of_a_campaign_takes_further_sections(campaign):
    page = campaign_page(campaign, [Section('diffusion', 'Diffusion', tables=(TABLE,))])
    assert [section.anchor for section in page.sections][-2:] == ['time', 'diffusion']
    text = render_page(page)
    assert text.index('id="time"') < text.index('id="diffusion"') < text.index('id="settings"')


def test_script_is_there_once_and_no_other_may_run():
    """Its hash is in the policy of the page, exactly as it stands there; data cannot end their element."""
    script = 'console.log(\'<turn> & "look"\');'
    views = tuple(View('atoms', script, {'name': f'</script><b>{n}'}, 'Atoms <that> turn.') for n in range(2))
    page = render_sections('A title', [Section('v', 'View', views=views)])
    (found,) = re.findall(r'<script>(.*?)</script>', page, re.DOTALL)
    assert found == script
    digest = base64.b64encode(hashlib.sha256(found.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    data = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert [json.loads(text)['name'] for text in data] == ['</script><b>0', '</script><b>1']
    assert 'script-src' not in render_sections('A title', [Section('s', 'None', reason='-')])

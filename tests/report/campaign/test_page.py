"""The page, as text and in a browser."""

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from aiida_seimlip.report.campaign.facts import CampaignReport
from aiida_seimlip.report.campaign.page import render
from tests.report.synthetic import make_campaign

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome')
QUIET = (
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
    '--disable-background-networking', '--disable-component-update', '--hide-scrollbars',
    '--host-resolver-rules=MAP * ~NOTFOUND',
)  # fmt: skip
FIGURES = ('learning', 'survival', 'grades', 'parity', 'time')


class Outline(HTMLParser):
    """Check that tags are closed in order, and gather what the page would load."""

    VOID = {'meta', 'link', 'br', 'img'}

    def __init__(self):
        super().__init__()
        self.open, self.loads = [], []

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ('src', 'href', 'xlink:href') and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ('src', 'href', 'xlink:href') and value]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope='module')
def page(campaign):
    """Return the page of a campaign that converged."""
    return render(campaign)


def test_errors_are_against_what_made_the_labels(campaign):
    """A teacher is not the truth: the page names it wherever it shows an error, and calls nothing DFT."""
    page = render(replace(campaign, teacher='7net-0'))
    assert 'against 7net-0' in page
    assert 'by 7net-0' in page
    assert 'the reference' not in page
    assert 'DFT' not in re.sub(r'data:[^"]*', '', page)  # pictures hold letters by chance


@pytest.fixture(scope='module')
def browser():
    """Return the path of a browser."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f'No browser found: install one of {", ".join(BROWSERS)} to see the report as a reader would.')
    return path


def run_browser(browser, path, tmp_path, *options):
    """Run the browser on a file and return what it wrote."""
    return subprocess.run(
        [browser, *QUIET, f'--user-data-dir={tmp_path / "profile"}', *options, path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip


def test_page_is_well_formed_and_loads_nothing(page):
    outline = Outline()
    outline.feed(page)
    assert not outline.open
    assert all(address.startswith(('data:', '#')) for address in outline.loads)
    assert 'http' not in re.sub(r'xmlns(:\w+)?="http[^"]+"', '', page).replace('http-equiv', '')


def test_page_tells_the_numbers(page, campaign):
    for text in ('converged', '158', '6 of 6 explorations', 'grade above 1000', campaign.uuid, '13 % outside programs'):
        assert text in page


def test_page_has_all_figures(page):
    assert page.count('<svg') == len(FIGURES)
    for anchor in FIGURES:
        assert f'<section id="{anchor}">' in page


def test_page_escapes_text(campaign):
    figureless = {'iterations': (), 'explorations': (), 'grades': {}, 'parities': (), 'intervals': (), 'held_out': None}
    page = render(replace(campaign, **figureless, message='<script>alert(1)</script>'))
    assert '<script>' not in page
    assert '&lt;script&gt;' in page


def test_campaign_that_did_not_converge():
    page = render(replace(make_campaign(converged=False), parities=(), grades={}))
    assert 'not converged' in page
    assert 'limit of iterations' in page


def test_campaign_that_has_done_nothing(campaign):
    empty = CampaignReport(
        title='A potential', pk=1, uuid='abc', profile='', started=campaign.started, wall_seconds=0.5, status='running',
        notes=('The campaign has no output `history`.',),
    )  # fmt: skip
    page = render(empty)
    assert '<svg' not in page
    assert 'No exploration has ended yet.' in page
    assert 'no output `history`' in page


@pytest.mark.browser
def test_browser_shows_title_and_figures_and_asks_for_nothing(browser, page, campaign, tmp_path):
    path = tmp_path / 'report.html'
    path.write_text(page, encoding='utf-8')
    done = run_browser(browser, path, tmp_path, '--dump-dom', '--enable-logging=stderr')
    assert f'<title>{campaign.title}</title>' in done.stdout
    assert done.stdout.count('<svg') == len(FIGURES)
    assert 'CONSOLE' not in done.stderr


@pytest.mark.browser
def test_browser_would_complain_of_a_request(browser, page, tmp_path):
    """The page forbids all requests, so that any attempt shows on the console: see that this is so."""
    path = tmp_path / 'report.html'
    path.write_text(page.replace('<main>', '<main><img src="http://localhost:9/x.png">'), encoding='utf-8')
    done = run_browser(browser, path, tmp_path, '--dump-dom', '--enable-logging=stderr')
    assert 'CONSOLE' in done.stderr
    assert 'Content Security Policy' in done.stderr


@pytest.mark.browser
def test_browser_draws_figures(browser, page, tmp_path):
    path, picture = tmp_path / 'report.html', tmp_path / 'report.png'
    path.write_text(page, encoding='utf-8')
    run_browser(browser, path, tmp_path, f'--screenshot={picture}', '--window-size=1280,3000')
    from matplotlib.image import imread

    pixels = imread(picture)[..., :3].reshape(-1, 3)
    for colour in ((0, 114, 178), (213, 94, 0), (230, 159, 0)):
        assert (abs(255 * pixels - colour).max(axis=1) < 3).sum() > 200

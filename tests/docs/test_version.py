"""The version is the same wherever it stands."""

import re

import yaml

from aiida_seimlip import __version__

from .blocks import ROOT


def test_citation_file():
    assert yaml.safe_load((ROOT / 'CITATION.cff').read_text())['version'] == __version__


def test_changelog_begins_with_this_version_or_with_what_is_not_released():
    """Versions fall from top to bottom, and no section but the first is for what is to come."""
    text = (ROOT / 'CHANGELOG.md').read_text()
    headings = re.findall(r'^## (\S+)', text, re.MULTILINE)
    assert headings[0] in ('Unreleased', __version__)
    released = [tuple(map(int, heading.split('.'))) for heading in headings if heading != 'Unreleased']
    assert released == sorted(released, reverse=True)
    assert 'Unreleased' not in headings[1:]

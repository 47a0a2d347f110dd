"""Pseudopotentials in UPF go into an archive, and the list says of which family and under which licence."""

import io

import pytest

pytest.importorskip('aiida_pseudo')

from aiida_pseudo.data.pseudo.upf import UpfData
from aiida_pseudo.groups.family import PseudoPotentialFamily

from aiida_seimlip.cli.data.archive import describe
from aiida_seimlip.exchange.archive.contents import survey
from aiida_seimlip.exchange.archive.rules import find_licence

STATED = """<UPF version="2.0.1">
 Copyright 2015 The Regents of the University of California

 This work is licensed under the Creative Commons Attribution-ShareAlike\x20
 4.0 International License. To view a copy of this license, visit
"""
HEADER = '<PP_HEADER\nelement="Li"\nz_valence="3.0"/>'


def potential(text):
    return UpfData(io.BytesIO((text + HEADER).encode()), 'Li.upf').store()


def test_licence_that_a_file_states():
    assert find_licence(STATED.encode()) == 'Creative Commons Attribution-ShareAlike 4.0 International'
    assert find_licence(b'While it is not required under the terms of the GNU GPL, it is suggested that you cite') == ''


def test_list_of_what_goes_in(two_campaigns):
    stated, silent = potential(STATED), potential('')
    family = PseudoPotentialFamily(label='free')
    family.store()
    family.add_nodes([stated])
    _, second = two_campaigns(pseudos__Li=stated, pseudos__F=silent)
    contents = survey(second)
    assert contents.pseudos == {stated.pk: 'Creative Commons Attribution-ShareAlike 4.0 International', silent.pk: ''}
    assert not [file for file in contents.left_out if file.kind == 'UpfData']
    text = '\n'.join(describe(contents))
    assert '1 of free go in, under Creative Commons Attribution-ShareAlike 4.0 International' in text
    assert '1 of no family in this profile go in, whose files state no licence' in text

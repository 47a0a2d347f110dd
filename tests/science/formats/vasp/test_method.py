"""Tests for `science.formats.vasp.method`."""

from __future__ import annotations

import pytest

from aiida_seimlip.science.formats.vasp.method import method_label

PBE = ['PAW_PBE Li_sv 10Sep2004', 'PAW_PBE F 08Apr2002']


@pytest.mark.parametrize(
    ('tags', 'label'),
    [
        ({}, 'PBE'),
        ({'GGA': '--'}, 'PBE'),
        ({'GGA': 'PS'}, 'PBEsol'),
        ({'GGA': 'XY'}, 'GGA=XY'),
        ({'METAGGA': 'R2scan'}, 'r2SCAN'),
        ({'METAGGA': 'F'}, 'PBE'),
        ({'METAGGA': '--', 'IVDW': '11'}, 'PBE+D3'),
        ({'IVDW': '12', 'LDAU': ' T '}, 'PBE+U+D3(BJ)'),
        ({'IVDW': '99'}, 'PBE+IVDW=99'),
        ({'LVDW': '.TRUE.'}, 'PBE+D2'),
        ({'GGA': 'MK', 'LUSE_VDW': 'T'}, 'optB86b+vdW'),
        ({'LHFCALC': 'T', 'HFSCREEN': '0.2'}, 'HSE06'),
        ({'LHFCALC': 'T', 'HFSCREEN': '0.20780000', 'AEXX': '0.25'}, 'HSE06'),
        ({'LHFCALC': 'T'}, 'PBE0'),
        ({'LHFCALC': 'T', 'AEXX': '0.3'}, 'PBE(AEXX=0.3,HFSCREEN=0)'),
        ({'LHFCALC': 'F', 'IVDW': 'none'}, 'PBE'),
    ],
)
def test_settings(tags, label):
    assert method_label(tags, PBE) == label


@pytest.mark.parametrize(
    ('potentials', 'label'),
    [
        (['PAW Li 17Jan2003'], 'LDA'),
        (['PAW_GGA Li 01Jan2001'], 'PW91'),
        (['PE', 'PE'], 'PBE'),
        (['US Li'], 'VASP'),
        (['PAW Li 17Jan2003', 'PAW_PBE F 08Apr2002'], 'VASP'),
        ([], 'VASP'),
        ([''], 'VASP'),
    ],
)
def test_potentials(potentials, label):
    assert method_label({}, potentials) == label

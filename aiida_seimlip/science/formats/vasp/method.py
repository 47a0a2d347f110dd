"""Which method VASP computed with, told from its settings: the functional, corrections and exact exchange."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from aiida_seimlip.science.formats.numerals import to_number

UNKNOWN = 'VASP'
"""Label of a method that the file does not tell."""

FUNCTIONALS = {
    'PE': 'PBE', 'CA': 'LDA', '91': 'PW91', 'RP': 'RPBE', 'RE': 'revPBE', 'PS': 'PBEsol', 'AM': 'AM05', 'B3': 'B3LYP',
    'B5': 'B3LYP', 'BF': 'BEEF', 'OR': 'optPBE', 'BO': 'optB88', 'MK': 'optB86b', 'ML': 'PW86R',
}  # fmt: skip
"""Functionals by the value of ``GGA``, or of ``LEXCH`` in a POTCAR."""

POTENTIALS = {'PAW_PBE': 'PBE', 'PAW_GGA': 'PW91', 'PAW': 'LDA'}
"""Functionals by the first word of the title of a potential."""

DISPERSION = {
    1: '+D2', 10: '+D2', 11: '+D3', 12: '+D3(BJ)', 13: '+D4', 2: '+TS', 20: '+TS', 21: '+TS/HI', 202: '+MBD@rSC',
    263: '+MBD@rSC/FI', 4: '+dDsC', 3: '+ULG',
}  # fmt: skip
"""Corrections by the value of ``IVDW``."""

HYBRIDS = {0.0: 'PBE0', 0.2: 'HSE06', 0.3: 'HSE03'}
"""Hybrids of PBE with a quarter of exact exchange, by their ``HFSCREEN`` in 1/Å."""

QUARTER = 0.25
NOTHING = {'', '--', 'F', 'NONE', '.FALSE.'}


def method_label(tags: Mapping[str, str], potentials: Sequence[str]) -> str:
    """Return a label such as ``PBE+D3(BJ)``, ``HSE06``, ``r2SCAN``, ``PBE+U`` or ``VASP``.

    :param tags: settings by their names, as VASP writes them.
    :param potentials: titles of the potentials, such as ``PAW_PBE Li_sv 10Sep2004``, or their ``LEXCH``.
    """
    base = _exchange(tags, _functional(tags, potentials))
    if not base:
        return UNKNOWN
    corrections = '+vdW' if _is_true(tags, 'LUSE_VDW') else ''
    corrections += _dispersion(tags)
    return base + ('+U' if _is_true(tags, 'LDAU') else '') + corrections


def _functional(tags: Mapping[str, str], potentials: Sequence[str]) -> str:
    meta = tags.get('METAGGA', '').strip().upper()
    if meta not in NOTHING:
        return meta.replace('R2SCAN', 'r2SCAN').replace('RSCAN', 'rSCAN')
    gga = tags.get('GGA', '').strip().upper()
    if gga not in NOTHING:
        return FUNCTIONALS.get(gga[:2], f'GGA={gga}')
    named = {FUNCTIONALS.get(title) or POTENTIALS.get(title.split(maxsplit=1)[0], '') for title in potentials if title}
    return named.pop() if len(named) == 1 else ''


def _exchange(tags: Mapping[str, str], functional: str) -> str:
    """Add what is known of exact exchange to the name of a functional."""
    if not _is_true(tags, 'LHFCALC') or functional == 'B3LYP':
        return functional
    fraction, screening = _number(tags, 'AEXX', QUARTER), _number(tags, 'HFSCREEN', 0.0)
    if functional == 'PBE' and math.isclose(fraction, QUARTER):
        for value, name in HYBRIDS.items():
            if abs(screening - value) < 0.01:
                return name
    return f'{functional or UNKNOWN}(AEXX={fraction:g},HFSCREEN={screening:g})'


def _dispersion(tags: Mapping[str, str]) -> str:
    kind = int(_number(tags, 'IVDW', 0.0))
    if kind:
        return DISPERSION.get(kind, f'+IVDW={kind}')
    return '+D2' if _is_true(tags, 'LVDW') else ''


def _is_true(tags: Mapping[str, str], name: str) -> bool:
    return re.match(r'\s*\.?T', tags.get(name, ''), re.IGNORECASE) is not None


def _number(tags: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = to_number(tags.get(name, ''))
    except ValueError:
        return default
    return value if math.isfinite(value) else default

"""INCAR as the stand-in for VASP reads it.

VASP passes over tags that it does not know in silence. The stand-in stops at them, so that tests find a wrong tag; and
at known tags that would change the physics, which it cannot follow (`BEYOND`).
"""

from __future__ import annotations

import re
from typing import Any

from .messages import RefusalError

TYPES = {
    'i': """ICHARG ISTART ISPIN ISIF ISYM ISMEAR IBRION NSW NELM NELMIN NELMDL NBANDS NBLOCK KBLOCK NCORE NPAR KPAR
            LORBIT NGX NGY NGZ NGXF NGYF NGZF LMAXMIX MDALGO IVDW NEDOS NSIM INIMIX MAXMIX MIXPRE IMIX NWRITE IALGO
            NFREE LMAXPAW NUPDOWN IDIPOL NCORE_IN_IMAGE1 IOPT ICHAIN""",
    'f': """ENCUT ENAUG EDIFF EDIFFG SIGMA POTIM TEBEG TEEND SMASS PSTRESS AMIX BMIX AMIX_MAG BMIX_MAG AMIN TIME SYMPREC
            NELECT EMIN EMAX KSPACING LANGEVIN_GAMMA_L PMASS ANDERSEN_PROB TSUBSYS VDW_RADIUS VDW_CNRADIUS VDW_S6 VDW_S8
            VDW_SR VDW_A1 VDW_A2 SCALEE WC DEPER WEIMIN EBREAK SPRING MAXMOVE""",
    'l': """LREAL LWAVE LCHARG LVTOT LVHAR LASPH ADDGRID LPLANE LSCALU LDIAG LSORBIT LNONCOLLINEAR LHFCALC LDAU KGAMMA
            LELF LMONO LDIPOL LCORR LSCALAPACK LEPSILON LBLUEOUT LH5 LSCAAWARE LVDWEXPANSION LUSE_VDW LCLIMB""",
    's': 'SYSTEM ALGO PREC GGA METAGGA LOCPROJ STOP_ON',
    'F': 'MAGMOM LANGEVIN_GAMMA ROPT RWIGS FERWE FERDO DIPOL POMASS ZVAL QUAD_EFG LDAUU LDAUJ',
    'I': 'RANDOM_SEED IMAGES LDAUL VCA',
}
KIND = {tag: kind for kind, tags in TYPES.items() for tag in tags.split()}

ALGORITHMS = 'NORMAL VERYFAST FAST CONJUGATE ALL DAMPED SUBROT EIGENVAL EXACT NONE NOTHING'.split()

BEYOND = {
    'LHFCALC': lambda value: value,
    'LSORBIT': lambda value: value,
    'LEPSILON': lambda value: value,
    'IMAGES': bool,
    'PSTRESS': bool,
    'IBRION': lambda value: value not in (-1, 0),
}
"""Tags, and when the stand-in cannot do what they ask for."""

OF_BANDS = frozenset({'IMAGES', 'IBRION'})
"""Those of them that it can where there is a band of images, see `band`."""

DEFAULTS: dict[str, Any] = {
    'SYSTEM': 'unknown system', 'PREC': 'normal', 'ALGO': 'Normal', 'ISTART': 0, 'ICHARG': 2, 'ISPIN': 1, 'ISYM': 2,
    'ISMEAR': 1, 'SIGMA': 0.2, 'EDIFF': 1e-4, 'NELM': 60, 'NELMIN': 2, 'NSW': 0, 'ISIF': 2, 'NBLOCK': 1, 'SMASS': -3.0,
    'MDALGO': 0, 'TEBEG': 0.0, 'LWAVE': True, 'LCHARG': True, 'GGA': 'PE', 'IVDW': 0, 'LREAL': False,
}  # fmt: skip


def read_incar(text: str, *, band: bool = False) -> dict[str, Any]:
    """Return the tags in upper case with their values, without defaults.

    :param band: whether there are folders with images.
    :raises RefusalError: as VASP stops: at a value that cannot be read; and where only the stand-in stops.
    """
    tags: dict[str, Any] = {}
    joined = re.sub(r'\\\s*\n', ' ', text)
    for line in joined.splitlines():
        for item in re.split(r'[#!]', line)[0].split(';'):
            if '=' not in item:
                continue
            name, _, value = item.partition('=')
            name = name.strip().upper()
            if name not in KIND:
                raise RefusalError(f'The stand-in for VASP does not know the tag {name} in INCAR.', boxed=True)
            tags.setdefault(name, _read_value(name, value.strip()))
    _check(tags, band)
    return tags


def _read_value(name: str, text: str) -> Any:
    """Return the value of a tag in its type."""
    try:
        return _READERS[KIND[name]](text)
    except (ValueError, IndexError):
        count = len(text.split())
        raise RefusalError(
            f" Error reading item '{name}' from file INCAR.\n Error code was IERR= 5 ... . Found N= {count:4d} data."
        ) from None


def _read_float(text: str) -> float:
    return float(text.split(maxsplit=1)[0].lower().replace('d', 'e'))


def _read_logical(text: str) -> bool | str:
    """Read ``.TRUE.``, ``T``, ``.FALSE.``, ``F``; and ``Auto``, which LREAL may be."""
    first = text.lstrip('.')[0].upper()
    if first not in 'TFAO':
        raise ValueError(text)
    return {'T': True, 'F': False}.get(first, text)


def _read_floats(text: str) -> list[float]:
    """Read numbers, where ``3*1.5`` means three times the same."""
    values: list[float] = []
    for word in text.split():
        repeat, _, value = word.rpartition('*')
        values += [_read_float(value)] * int(repeat or 1)
    return values


_READERS: dict[str, Any] = {
    'i': lambda text: int(text.split()[0]),
    'f': _read_float,
    'l': _read_logical,
    's': lambda text: text,
    'F': _read_floats,
    'I': lambda text: [int(word) for word in text.split()],
}


def _check(tags: dict[str, Any], band: bool) -> None:
    """Stop at values that VASP stops at, or that the stand-in cannot follow."""
    algorithm = str(tags.get('ALGO', 'Normal'))
    if not any(name.startswith(algorithm[:1].upper()) for name in ALGORITHMS):
        raise RefusalError(f'The value ALGO = {algorithm} in the INCAR file is not known.', boxed=True)
    if tags.get('ENCUT', 1) <= 0:
        raise RefusalError(" Error reading item 'ENCUT' from file INCAR.")
    if tags.get('IBRION') == 0 and 'POTIM' not in tags:
        raise RefusalError(' Fatal error! IBRION=0, but no entry for POTIM on file INCAR. MUST be specified!!')
    for name, beyond in BEYOND.items():
        if name in tags and beyond(tags[name]) and not (band and name in OF_BANDS):
            raise RefusalError(f'The stand-in for VASP cannot do {name} = {tags[name]}.', boxed=True)

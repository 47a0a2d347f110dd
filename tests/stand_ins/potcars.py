"""Made-up POTCAR files: the heads that programs read, and no potential."""

from __future__ import annotations

from pathlib import Path

from ase.data import atomic_masses, atomic_numbers

VALENCE = {
    'H': 1.0, 'Li': 1.0, 'Li_sv': 3.0, 'B': 3.0, 'C': 4.0, 'O': 6.0, 'F': 7.0, 'Ne': 8.0, 'Si': 4.0, 'P': 5.0, 'S': 6.0,
    'Ar': 8.0, 'Cu': 11.0,
}  # fmt: skip
"""Numbers of valence electrons of the potentials there are, by their names."""


def potcar(symbol: str) -> str:
    """Return the text of one data set, such as that of ``Li_sv``."""
    element = symbol.split('_', maxsplit=1)[0]
    mass = atomic_masses[atomic_numbers[element]]
    title = f'PAW_PBE {symbol} 01Jan2001'
    return (
        f'  {title}\n   {VALENCE[symbol]}00000000000\n parameters from PSCTR are:\n'
        f'   VRHFIN ={element}: made up for tests, no potential\n   LEXCH  = PE\n'
        f'   EATOM  =     1.0000 eV,    0.0735 Ry\n\n'
        f'   TITEL  = {title}\n   LULTRA =        F    use ultrasoft PP ?\n   IUNSCR =        1    unscreen\n'
        f'   RPACOR =    1.000    partial core radius\n'
        f'   POMASS = {mass:8.3f}; ZVAL   = {VALENCE[symbol]:8.3f}    mass and valenz\n'
        f'   RCORE  =    1.500    outmost cutoff radius\n   RWIGS  =    1.500; RWIGS  =    0.794    wigner-seitz\n'
        f'   ENMAX  =  400.000; ENMIN  =  300.000 eV\n   LCOR   =        T    correct aug charges\n'
        f'   LPAW   =        T    paw PP\n\n END of PSCTR-controll parameters\n local part\n   0.0\n End of Dataset\n'
    )


def write_family(folder: Path) -> Path:
    """Write all of them as ``<folder>/<name>/POTCAR`` and return the folder."""
    for symbol in VALENCE:
        (folder / symbol).mkdir(parents=True)
        (folder / symbol / 'POTCAR').write_text(potcar(symbol), encoding='utf-8')
    return folder

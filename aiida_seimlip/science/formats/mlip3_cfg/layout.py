"""How numbers are written into a ``.cfg`` file."""

from __future__ import annotations

from typing import NamedTuple

MLIP3_DECIMALS = 6
"""Decimals with which MLIP-3 itself writes lengths and forces."""


class Layout(NamedTuple):
    """Formats of numbers, each for what stands together in a line."""

    cell: str
    atom: str
    positions: str
    site_energies: str
    forces: str
    charges: str
    nbh_grades: str
    energy: str
    stress: str
    grade: str


def fixed_layout(decimals: int) -> Layout:
    """Return MLIP-3's layout, but for `decimals` where it has 6 and one less where it has 5."""
    more = decimals - MLIP3_DECIMALS
    length = f'%{13 + more}.{decimals}f'
    force = f'%{11 + more}.{decimals}f'
    stress = f'%{11 + more}.{decimals - 1}f'
    return Layout(
        cell=f'    {length} {length} {length}\n',
        atom='    %10d %4d',
        positions=f'  {length} {length} {length}',
        site_energies='  %17.12f',
        forces=f'  {force} {force} {force}',
        charges=f'    %{8 + more}.{decimals - 2}f',
        nbh_grades=f'  %{15 + more}.{decimals - 1}f',
        energy=' Energy\n    %20.12f\n',
        stress='     ' + ' '.join([stress] * 6) + '\n',
        grade='%r' if more > 0 else '%f',
    )


LOSSLESS = Layout(
    cell='    %.16e %.16e %.16e\n', atom='    %d %d', positions='  %.16e %.16e %.16e', site_energies='  %.16e',
    forces='  %.16e %.16e %.16e', charges='    %.16e', nbh_grades='  %.16e', energy=' Energy\n    %.16e\n',
    stress='     ' + ' '.join(['%.16e'] * 6) + '\n', grade='%f',
)  # fmt: skip
STRESS_HEADING = ' PlusStress:  xx          yy          zz          yz          xz          xy\n'

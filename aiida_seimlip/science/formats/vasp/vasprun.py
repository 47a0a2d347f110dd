"""Labelled frames from a `vasprun.xml`: each calculation in it that is a label is one."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.numerals import to_number
from aiida_seimlip.science.formats.vasp.calculations import (
    Calculations,
    find,
    read_energy,
    read_pressures,
    read_rows,
    read_structure,
)
from aiida_seimlip.science.formats.vasp.found import (
    KBAR_TO_EV_PER_A3,
    NO_FORCES,
    PREDICTED,
    Calculation,
    Collected,
    VaspFrames,
    not_converged,
    open_maybe_compressed,
    refuse_band,
)
from aiida_seimlip.science.formats.vasp.method import method_label
from aiida_seimlip.science.formats.vasp.output import VaspOutputError

SAME_ENERGY = 1e-3
"""Energies in eV that differ by less are the same for telling whether P·V is in one of them."""

NO_SHEAR = 'ISIF = 1: VASP computes no more of the stress than the pressure, so it is left out.'
UNDER_PRESSURE = 'PSTRESS is set: whether the stress in this file holds it is not known, so it is left out.'
AMBIGUOUS = 'PSTRESS is set, and the energy may or may not hold P·V: read the OUTCAR instead.'


def read_vasprun(path: str | Path) -> VaspFrames:
    """Read single points, relaxations or molecular dynamics with VASP 4.6, 5 or 6.

    Forces are those of the file: also those on atoms that selective dynamics kept fixed. A file that is cut off gives
    its complete calculations.

    :param path: of the file, which may be compressed by gzip.
    :raises FormatError: if it is no vasprun.xml, or ends before its first calculation.
    """
    name = str(path)
    collected = Collected(name)
    with open_maybe_compressed(path) as handle:
        calculations = Calculations(handle)
        try:
            for element in calculations:
                if calculations.numbers is None:
                    raise FormatError('There is no list of atoms before the first calculation.', name=name)
                refuse_band(calculations.tags, name)
                collected.add(_read(element, calculations), len(calculations.numbers))
            calculations.nelm  # noqa: B018
        except VaspOutputError as exception:
            raise FormatError(f'{exception}.', name=name) from exception
        except ValueError as exception:
            if isinstance(exception, FormatError):
                raise
            raise FormatError(f'NELM is `{calculations.tags["NELM"]}`, which is no number.', name=name) from exception
    if not len(collected) or calculations.numbers is None:
        end = f' ({calculations.problem})' if calculations.problem else ''
        raise FormatError(f'This is no vasprun.xml with a complete calculation{end}.', name=name)
    method = method_label(calculations.tags, calculations.potentials)
    return collected.pack(calculations.numbers, method, calculations.is_complete, _notes(calculations.tags))


def _read(element: ElementTree.Element, calculations: Calculations) -> Calculation | str:
    """Return a calculation, or why it is left out."""
    reason = _reason(element, calculations.nelm)
    if reason is not None:
        return reason
    try:
        cell, scaled = read_structure(element)
        energy = _without_pressure(element, cell, calculations.tags)
        forces = read_rows(find(element, 'varray[@name="forces"]'))
        pressures = None if _notes(calculations.tags) else read_pressures(element)
    except LookupError as exception:
        return f'It is not complete: {exception.args[0]}'
    except ValueError as exception:
        return f'A number in it cannot be read: {exception}.'
    return AMBIGUOUS if energy is None else Calculation(cell, scaled @ cell, energy, forces, pressures)


def _reason(element: ElementTree.Element, nelm: int) -> str | None:
    """Return why a calculation is no label, or None."""
    n_electronic = len(element.findall('scstep'))
    if element.find('varray[@name="forces"]') is None:
        return NO_FORCES
    if not n_electronic:
        return PREDICTED
    return None if n_electronic < nelm else not_converged(n_electronic, nelm)


def _without_pressure(element: ElementTree.Element, cell: np.ndarray, tags: dict[str, str]) -> float | None:
    """Return the free energy in eV without the P·V that it holds where PSTRESS is set; None if that is not clear.

    Electronic steps never hold it, but they lack corrections for dispersion, too.
    """
    energy, pressure = read_energy(element), _pstress(tags)
    if not pressure:
        return energy
    work = pressure * KBAR_TO_EV_PER_A3 * abs(np.linalg.det(cell))
    excess = energy - read_energy(element.findall('scstep')[-1])
    if abs(work) < SAME_ENERGY or (abs(excess) >= SAME_ENERGY and abs(excess - work) >= SAME_ENERGY):
        return None
    return float(energy - work) if abs(excess - work) < SAME_ENERGY else energy


def _pstress(tags: dict[str, str]) -> float:
    """Return the external pressure in kbar.

    :raises ValueError: if it is no number.
    """
    return to_number(tags.get('PSTRESS') or '0')


def _notes(tags: dict[str, str]) -> list[str]:
    """Return why stresses are left out."""
    notes = [NO_SHEAR] if tags.get('ISIF') == '1' else []
    return notes + ([UNDER_PRESSURE] if (tags.get('PSTRESS') or '0').strip('-0.') else [])

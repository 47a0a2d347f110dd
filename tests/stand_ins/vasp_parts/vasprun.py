"""`vasprun.xml` as VASP writes it, as far as programs read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, TextIO

import numpy as np

from .inputs import Inputs
from .step import Step

TYPES = {bool: 'logical', int: 'int', str: 'string'}

PARAMETERS = {
    'general': ('SYSTEM',),
    'electronic': ('PREC', 'ENCUT', 'EDIFF', 'ALGO', 'ISMEAR', 'SIGMA', 'NELM', 'NELMIN', 'LREAL', 'GGA', 'ISPIN'),
    'ionic': ('NSW', 'IBRION', 'ISIF', 'NBLOCK', 'POTIM', 'TEBEG', 'TEEND', 'SMASS', 'MDALGO'),
    'symmetry': ('ISYM',),
    'dft-d': ('IVDW',),
    'writing': ('LWAVE', 'LCHARG'),
}


def write_generator(handle: TextIO, version: str) -> None:
    """Write what VASP writes before it reads its input files."""
    handle.write('<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <generator>\n')
    generator = {'program': 'vasp', 'version': version, 'subversion': 'stand-in', 'platform': 'ASE'}
    for name, value in generator.items():
        handle.write(f'  <i name="{name}" type="string">{value} </i>\n')
    handle.write(' </generator>\n')


def write_head(handle: TextIO, inputs: Inputs, symbols: Sequence[str]) -> None:
    """Write the rest of what stands before the first ionic step."""
    handle.write(' <incar>\n')
    for name, value in inputs.incar.items():
        handle.write(f'  {_parameter(name, value)}\n')
    handle.write(' </incar>\n')
    _write_kpoints(handle, inputs)
    _write_parameters(handle, inputs)
    _write_atoms(handle, inputs, symbols)
    _write_structure(handle, inputs.cell, inputs.scaled % 1.0, 'initialpos')


def begin_step(handle: TextIO, step: Step, electronic: Sequence[float]) -> None:
    """Write the electronic steps of an ionic step.

    :param electronic: their free energies in eV.
    """
    handle.write(' <calculation>\n')
    for energy in electronic:
        handle.write('  <scstep>\n   <time name="total">    0.01    0.01</time>\n')
        _write_energy(handle, step, energy - step.energy, '   ')
        handle.write('  </scstep>\n')


def end_step(handle: TextIO, inputs: Inputs, step: Step, shift: float, last: bool) -> None:
    """Write the results of an ionic step; the last one has the eigenvalues.

    :param shift: by how much the energies are wrong in eV, for lack of convergence.
    """
    _write_structure(handle, step.cell, step.scaled, None)
    _write_varray(handle, 'forces', step.forces, '  ')
    _write_varray(handle, 'stress', step.stress, '  ')
    _write_energy(handle, step, shift, '  ', _thermostat(step, shift) if inputs.is_dynamics else None)
    handle.write('  <time name="totalsc">    0.10    0.10</time>\n')
    if last:
        _write_eigenvalues(handle, inputs)
        handle.write('  <dos>\n   <i name="efermi">      0.00000000 </i>\n  </dos>\n')
    handle.write(' </calculation>\n')


def write_tail(handle: TextIO, step: Step) -> None:
    """Write all that stands behind the last ionic step."""
    _write_structure(handle, step.cell, step.scaled, 'finalpos')
    handle.write('</modeling>\n')


def _thermostat(step: Step, shift: float) -> dict[str, float]:
    """Return the energies that only molecular dynamics has."""
    return {
        'kinetic': step.kinetic, 'lattice kinetic': 0.0, 'nosepot': 0.0, 'nosekinetic': 0.0,
        'total': step.energy + shift + step.kinetic,
    }  # fmt: skip


def _write_energy(handle: TextIO, step: Step, shift: float, indent: str, more: dict[str, float] | None = None) -> None:
    """Write the three energies."""
    energies = {
        'e_fr_energy': step.energy + shift, 'e_wo_entrp': step.without_entropy + shift,
        'e_0_energy': step.extrapolated + shift, **(more or {}),
    }  # fmt: skip
    handle.write(f'{indent}<energy>\n')
    for name, value in energies.items():
        handle.write(f'{indent} <i name="{name}">{value:19.8f} </i>\n')
    handle.write(f'{indent}</energy>\n')


def _write_structure(handle: TextIO, cell: np.ndarray, scaled: np.ndarray, name: str | None) -> None:
    handle.write(f'  <structure name="{name}" >\n   <crystal>\n' if name else '  <structure>\n   <crystal>\n')
    _write_varray(handle, 'basis', cell, '    ')
    handle.write(f'    <i name="volume">{abs(np.linalg.det(cell)):16.8f} </i>\n')
    _write_varray(handle, 'rec_basis', np.linalg.inv(cell).T, '    ')
    handle.write('   </crystal>\n')
    _write_varray(handle, 'positions', scaled, '   ')
    handle.write('  </structure>\n')


def _write_varray(handle: TextIO, name: str, rows: Iterable[Iterable[float]], indent: str) -> None:
    handle.write(f'{indent}<varray name="{name}" >\n')
    for row in rows:
        handle.write(f'{indent} <v>{"".join(f" {value:15.8f}" for value in row)} </v>\n')
    handle.write(f'{indent}</varray>\n')


def _write_kpoints(handle: TextIO, inputs: Inputs) -> None:
    divisions = ' '.join(str(n) for n in inputs.divisions)
    handle.write(f' <kpoints>\n  <generation param="Gamma">\n   <v type="int" name="divisions">{divisions} </v>\n')
    handle.write('  </generation>\n')
    _write_varray(handle, 'kpointlist', inputs.kpoints, '  ')
    _write_varray(handle, 'weights', inputs.weights[:, None], '  ')
    handle.write(' </kpoints>\n')


def _write_parameters(handle: TextIO, inputs: Inputs) -> None:
    handle.write(' <parameters>\n')
    for separator, names in PARAMETERS.items():
        handle.write(f'  <separator name="{separator}" >\n')
        for name in names:
            if name in inputs.tags:
                handle.write(f'   {_parameter(name, inputs.tags[name])}\n')
        handle.write('  </separator>\n')
    handle.write(f'  <separator name="response functions" >\n   {_parameter("NELM", 1)}\n  </separator>\n')
    handle.write(f'  <separator name="electronic spectrum">\n   {_parameter("NBANDS", inputs.nbands)}\n')
    handle.write(f'   {_parameter("NELECT", float(inputs.nelect))}\n  </separator>\n </parameters>\n')


def _parameter(name: str, value: Any) -> str:
    """Return the element of a tag, with its type where it is no real number."""
    if isinstance(value, list):
        return f'<v name="{name}">{" ".join(str(item) for item in value)}</v>'
    kind = TYPES.get(type(value))
    text = {True: ' T ', False: ' F '}[value] if isinstance(value, bool) else str(value)
    attribute = f'type="{kind}" ' if kind else ''
    return f'<i {attribute}name="{name}">{escape(text)}</i>'


def _write_atoms(handle: TextIO, inputs: Inputs, symbols: Sequence[str]) -> None:
    """Write atoms and types; the names of the types may be in a wrong order, if that was asked for."""
    handle.write(f' <atominfo>\n  <atoms>{len(inputs.symbols):8d} </atoms>\n  <types>{len(symbols):8d} </types>\n')
    handle.write('  <array name="atoms" >\n   <dimension dim="1">ion</dimension>\n')
    handle.write('   <field type="string">element</field>\n   <field type="int">atomtype</field>\n   <set>\n')
    for number, (symbol, count) in enumerate(zip(symbols, inputs.counts, strict=True), start=1):
        handle.write(f'    <rc><c>{symbol:<2}</c><c>{number:4d}</c></rc>\n' * count)
    handle.write('   </set>\n  </array>\n  <array name="atomtypes" >\n   <dimension dim="1">type</dimension>\n')
    handle.write('   <field type="int">atomspertype</field>\n   <field type="string">element</field>\n')
    handle.write('   <field>mass</field>\n   <field>valence</field>\n')
    handle.write('   <field type="string">pseudopotential</field>\n   <set>\n')
    for symbol, count, potential in zip(symbols, inputs.counts, inputs.potentials, strict=True):
        handle.write(
            f'    <rc><c>{count:4d}</c><c>{symbol:<2}</c><c>{potential.mass:16.8f}</c><c>{potential.zval:16.8f}</c>'
            f'<c>  {escape(potential.title)} </c></rc>\n'
        )
    handle.write('   </set>\n  </array>\n </atominfo>\n')


def _write_eigenvalues(handle: TextIO, inputs: Inputs) -> None:
    """Write flat bands with a gap of 5 eV."""
    handle.write('  <eigenvalues>\n   <array>\n    <dimension dim="1">band</dimension>\n')
    handle.write('    <dimension dim="2">kpoint</dimension>\n    <dimension dim="3">spin</dimension>\n')
    handle.write('    <field>eigene</field>\n    <field>occ</field>\n    <set>\n')
    n_full = round(inputs.nelect / 2)
    for spin in range(1, inputs.tags['ISPIN'] + 1):
        handle.write(f'     <set comment="spin {spin}">\n')
        for number in range(1, len(inputs.kpoints) + 1):
            handle.write(f'      <set comment="kpoint {number}">\n')
            for band in range(inputs.nbands):
                energy, occupied = (-5.0 + 0.01 * band, 1.0) if band < n_full else (5.0 + 0.01 * band, 0.0)
                handle.write(f'       <r>{energy:10.4f}{occupied:10.4f} </r>\n')
            handle.write('      </set>\n')
        handle.write('     </set>\n')
    handle.write('    </set>\n   </array>\n  </eigenvalues>\n')

"""`OUTCAR` as VASP writes it, as far as programs read it."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from typing import TextIO

import numpy as np

from .inputs import Inputs
from .step import KBAR, Step

RULE = '-' * 104


def write_head(handle: TextIO, inputs: Inputs, version: str, symbols: Sequence[str]) -> None:
    """Write all that stands before the first iteration."""
    handle.write(f' vasp.{version} (stand-in that answers with ASE, no VASP) complex\n\n')
    handle.write(f' running on    1 total cores\n\n{RULE}\n\n\n INCAR:\n')
    for name, value in inputs.incar.items():
        handle.write(f'   {name} = {value}\n')
    titles = _titles(inputs, symbols)
    for title in titles:
        handle.write(f' POTCAR:    {title}\n')
    for title, symbol, potential in zip(titles, symbols, inputs.potentials, strict=True):
        handle.write(f' POTCAR:    {title}\n   VRHFIN ={symbol}: stand-in\n   LEXCH  = PE\n\n   TITEL  = {title}\n')
        handle.write(f'   POMASS = {potential.mass:8.3f}; ZVAL   = {potential.zval:8.3f}    mass and valenz\n')
        handle.write(f'   ENMAX  = {potential.enmax:8.3f}; ENMIN  = {0.75 * potential.enmax:8.3f} eV\n\n')
    for warning in inputs.warnings:
        handle.write(warning)
    _write_settings(handle, inputs)


def _titles(inputs: Inputs, symbols: Sequence[str]) -> list[str]:
    """Return the titles of the potentials in the order of the names of the types."""
    by_element = {potential.element: potential.title for potential in inputs.potentials}
    return [by_element[symbol] for symbol in symbols]


def _write_settings(handle: TextIO, inputs: Inputs) -> None:
    tags = inputs.tags
    handle.write(
        f' Dimension of arrays:\n   k-points           NKPTS = {len(inputs.kpoints):6d}   k-points in BZ     '
        f'NKDIM = {len(inputs.kpoints):6d}   number of bands    NBANDS= {inputs.nbands:6d}\n'
        f'   number of dos      NEDOS =    301   number of ions     NIONS = {len(inputs.symbols):6d}\n'
        f'   ions per type =          {"".join(f"{count:4d}" for count in inputs.counts)}\n\n'
        f' Electronic Relaxation 1\n   ENCUT  = {tags["ENCUT"]:6.1f} eV\n'
        f'   NELM   = {tags["NELM"]:6d};   NELMIN= {tags["NELMIN"]:2d}; NELMDL= -5     # of ELM steps\n'
        f'   EDIFF  = {tags["EDIFF"]:8.1E}   stopping-criterion for ELM\n'
        f'   ISMEAR = {tags["ISMEAR"]:6d};   SIGMA  = {tags["SIGMA"]:6.2f}  broadening in eV\n'
        f'   ALGO   = {tags["ALGO"]}\n Ionic relaxation\n'
        f'   NSW    = {tags["NSW"]:6d}    number of steps for IOM\n'
        f'   IBRION = {tags["IBRION"]:6d}    ionic relax: 0-MD 1-quasi-New 2-CG\n'
        f'   ISIF   = {tags["ISIF"]:6d}    stress and relaxation\n'
        f'   POTIM  = {tags.get("POTIM", 0.5):7.4f}    time-step for ionic-motion\n'
        f'   TEIN   = {tags["TEBEG"]:6.1f}    initial temperature\n'
        f'   TEBEG  = {tags["TEBEG"]:6.1f};   TEEND  = {tags.get("TEEND", tags["TEBEG"]):6.1f} temperature during run\n'
        f'   SMASS  = {tags["SMASS"]:6.2f}    Nose mass-parameter (am)\n\n'
    )
    handle.write(' k-points in reciprocal lattice and weights: as in KPOINTS\n')
    for point, weight in zip(inputs.kpoints, inputs.weights, strict=True):
        handle.write(''.join(f'{value:12.8f}' for value in point) + f'{weight:14.3f}\n')
    handle.write('\n')


def write_iterations(handle: TextIO, number: int, electronic: Sequence[float], step: Step) -> None:
    """Write the electronic steps of an ionic step.

    :param electronic: their free energies in eV.
    """
    for iteration, energy in enumerate(electronic, start=1):
        shift = energy - step.energy
        handle.write(
            f'\n{"-" * 39} Iteration {number:6d}({iteration:4d})  {"-" * 39}\n\n\n'
            f'      LOOP:  cpu time    0.0100: real time    0.0100\n\n'
            f'  Free energy of the ion-electron system (eV)\n  {"-" * 51}\n'
            f'  free energy    TOTEN  = {energy:18.8f} eV\n\n'
            f'  energy without entropy = {step.without_entropy + shift:16.8f}  '
            f'energy(sigma->0) = {step.extrapolated + shift:16.8f}\n\n'
        )


def write_aborting(handle: TextIO, reached: bool) -> None:
    """Write why the electronic steps end: they have converged, or there are no more."""
    text = 'aborting loop because EDIFF is reached' if reached else 'aborting loop EDIFF was not reached (unconverged)'
    handle.write(f'\n{"-" * 24} {text} {"-" * 40}\n\n')


def write_step(handle: TextIO, step: Step, shift: float, dynamics: bool) -> None:
    """Write forces, stress and energies of an ionic step."""
    _write_stress(handle, step)
    reciprocal = np.linalg.inv(step.cell).T
    handle.write(f' VOLUME and BASIS-vectors are now :\n {"-" * 77}\n  volume of cell : {_volume(step):12.4f}\n')
    handle.write('      direct lattice vectors                 reciprocal lattice vectors\n')
    for direct, inverse in zip(step.cell, reciprocal, strict=True):
        handle.write('  ' + ''.join(f'{value:15.9f}' for value in (*direct, *inverse)) + '\n')
    handle.write('\n POSITION                                       TOTAL-FORCE (eV/Angst)\n')
    handle.write(f' {"-" * 83}\n')
    for position, force in zip(step.scaled @ step.cell, step.forces, strict=True):
        handle.write(''.join(f'{x:13.5f}' for x in position) + ' ' + ''.join(f'{f:14.6f}' for f in force) + '\n')
    handle.write(f' {"-" * 83}\n    total drift:' + ''.join(f'{x:18.6f}' for x in step.forces.sum(axis=0)) + '\n\n')
    handle.write(
        f'{RULE}\n\n  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n  {"-" * 51}\n'
        f'  free  energy   TOTEN  = {step.energy + shift:18.8f} eV\n\n'
        f'  energy  without entropy={step.without_entropy + shift:18.8f}  '
        f'energy(sigma->0) ={step.extrapolated + shift:17.8f}\n\n'
    )
    if dynamics:
        handle.write(
            f'  kinetic Energy EKIN   = {step.kinetic:18.8f}\n  kin. lattice  EKIN_LAT=           0.000000'
            f'  (temperature {step.temperature:7.2f} K)\n'
            f'  total energy   ETOTAL = {step.energy + shift + step.kinetic:18.8f} eV\n\n'
        )


def _volume(step: Step) -> float:
    return abs(float(np.linalg.det(step.cell)))


def _write_stress(handle: TextIO, step: Step) -> None:
    """Write the stress in eV and kbar, in the order of VASP: XX YY ZZ XY YZ ZX."""
    kbar = [step.stress[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))]
    pressure = sum(kbar[:3]) / 3
    handle.write(
        '  FORCE on cell =-STRESS in cart. coord.  units (eV):\n'
        '  Direction    XX          YY          ZZ          XY          YZ          ZX\n'
        f'  {"-" * 86}\n  Total  ' + ''.join(f'{value * KBAR * _volume(step):12.5f}' for value in kbar) + '\n'
        '  in kB  ' + ''.join(f'{value:12.5f}' for value in kbar) + '\n'
        f'  external pressure = {pressure:11.2f} kB  Pullay stress =        0.00 kB\n\n'
    )


def write_tail(handle: TextIO) -> None:
    """Write times and memory, by which programs see that the run has come to its end."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    handle.write(
        f'\n General timing and accounting informations for this job:\n {"=" * 56}\n\n'
        f'                  Total CPU time used (sec): {usage.ru_utime + usage.ru_stime:12.3f}\n'
        f'                            User time (sec): {usage.ru_utime:12.3f}\n'
        f'                          System time (sec): {usage.ru_stime:12.3f}\n'
        f'                         Elapsed time (sec): {usage.ru_utime + usage.ru_stime:12.3f}\n\n'
        f'                   Maximum memory used (kb): {usage.ru_maxrss:12d}.\n'
        f'                   Average memory used (kb):          N/A\n\n'
        f'                          Minor page faults: {usage.ru_minflt:12d}\n'
        f'                          Major page faults: {usage.ru_majflt:12d}\n'
        f'                 Voluntary context switches: {usage.ru_nvcsw:12d}\n'
    )

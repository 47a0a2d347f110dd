"""Nudged elastic bands of the stand-in for VASP with the tools of the University of Texas (VTST), by ASE.

The images are relaxed by ASE's `NEB` and FIRE, whatever optimiser IOPT asks for. What is written follows recordings of
VTST 3.2 that come with aiida-vasp: each image has a folder of its own, 01, 02, ...; the output of the first goes to the
standard output, that of the others to ``stdout`` in their folders. TOTAL-FORCE holds the forces of the calculator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from . import listing, outcar
from .incar import read_incar
from .inputs import Inputs, read_inputs
from .messages import RefusalError
from .step import Step

VTST = (
    '\n VTST: version 3.2, (stand-in)\n\n CHAIN: initializing optimizer\n\n OPT: Using the optimizer of ASE\n\n'
    ' CHAIN: Read ICHAIN            0\n CHAIN: Running the NEB\n'
)
CONVERGED = '\n reached required accuracy - stopping structural energy minimisation\n'


@dataclass
class BandStep:
    """One ionic step of the whole band.

    :ivar steps: of the images between the ends. :ivar forces: on the band, (n_images, N, 3) in eV/Å.
    :ivar tangents: (n_images, N, 3), of length one. :ivar distances: to the next image, (n_images + 1,) in Å.
    """

    steps: list[Step]
    forces: np.ndarray
    tangents: np.ndarray
    distances: np.ndarray


def read_band(folder: Path) -> list[Inputs]:
    """Return the inputs of all images, both ends included; none if no band is asked for.

    :raises RefusalError: where VASP would stop, and at bands that the stand-in cannot do.
    """
    if not (folder / 'INCAR').exists() or not (folder / '00').is_dir():
        return []
    tags = read_incar((folder / 'INCAR').read_text(encoding='utf-8'), band=True)
    n_images = tags.get('IMAGES', [0])[0]
    if not n_images:
        return []
    if tags.get('IBRION') != 3 or tags.get('POTIM') != 0 or not tags.get('IOPT') or tags.get('EDIFFG', 0) >= 0:
        raise RefusalError(
            'The stand-in for VASP relaxes bands with IOPT, IBRION = 3, POTIM = 0, EDIFFG < 0.', boxed=True
        )
    images = [read_inputs(folder, f'{number:02d}/POSCAR', band=True) for number in range(n_images + 2)]
    if any(image.symbols != images[0].symbols for image in images):
        raise RefusalError('ERROR: the images do not consist of the same atoms', boxed=True)
    return images


def run_band(images: Sequence[Inputs], calculator: dict[str, Any], version: str, fault: dict[str, Any]) -> bool:
    """Relax a band and write the files of each image.

    :param fault: ``no_vtst``, as VASP does that knows nothing of IOPT: with POTIM = 0 no atom moves; or ``killed``
        after a ``step``.
    :return: whether all was written; otherwise the run is to be ended.
    """
    has_vtst, is_killed = fault.get('fault') != 'no_vtst', fault.get('fault') == 'killed'
    history, last, converged = _relax(images, calculator, has_vtst=has_vtst)
    if is_killed:
        done = fault.get('step', 1)
        history, last, converged = history[:done], history[done].steps, False
    for number, inputs in enumerate(images[1:-1]):
        folder = Path(f'{number + 1:02d}')
        symbols = [potential.element for potential in inputs.potentials]
        with (folder / 'OUTCAR').open('w') as out, (folder / 'OSZICAR').open('w') as oszicar:
            outcar.write_head(out, inputs, version, symbols)
            out.write(VTST if has_vtst else '')
            lines = [f' {number + 1:02d}/POSCAR found : {len(symbols):2d} types and {len(inputs.symbols):7d} ions\n']
            for index, band in enumerate(history, start=1):
                is_end = converged and band is history[-1]
                lines.append(_write_step(out, index, band, number, has_vtst=has_vtst, converged=is_end))
            oszicar.writelines(lines[1:])
            if converged:
                out.write(CONVERGED)
                lines.append(CONVERGED)
            if not is_killed:
                outcar.write_tail(out)
        (folder / 'CONTCAR').write_text(listing.contcar(inputs, last[number], symbols))
        if number:
            (folder / 'stdout').write_text(''.join(lines))
        else:
            print(''.join(lines), end='', flush=True)
    return not is_killed


def _relax(
    images: Sequence[Inputs], calculator: dict[str, Any], *, has_vtst: bool
) -> tuple[list[BandStep], list[Step], bool]:
    """Return all steps, what the band is like after the last one, and whether it has converged."""
    from ase.mep import NEB
    from ase.optimize import FIRE

    from .physics import evaluate, make_atoms

    tags = images[0].tags
    atoms = [make_atoms(inputs, calculator) for inputs in images]
    for one, other in pairwise(atoms):
        _take_nearest_image(one, other)
    climbs = has_vtst and tags.get('LCLIMB', False)
    neb = NEB(atoms, k=abs(tags.get('SPRING', -5.0)), climb=climbs, method='improvedtangent')
    optimizer = FIRE(neb, logfile=None)
    history: list[BandStep] = []

    def record() -> bool:
        forces = neb.get_forces().reshape(len(images) - 2, -1, 3)
        history.append(BandStep([evaluate(image, images[0]) for image in atoms[1:-1]], forces, *_tangents(atoms)))
        return has_vtst and np.linalg.norm(forces, axis=2).max() < -tags['EDIFFG']

    converged = record()
    for _ in range(min(tags['NSW'], 3 if not has_vtst else tags['NSW']) - 1):
        if converged:
            break
        if has_vtst:
            optimizer.step()
        converged = record()
    if not converged and has_vtst:
        optimizer.step()
    return history, [evaluate(image, images[0]) for image in atoms[1:-1]], converged


def _take_nearest_image(one: Any, other: Any) -> None:
    from ase.geometry import find_mic

    other.positions = one.positions + find_mic(other.positions - one.positions, one.cell)[0]


def _tangents(atoms: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors from the image before to the one behind, and the distances of neighbours."""
    positions = np.array([image.positions for image in atoms])
    across = positions[2:] - positions[:-2]
    lengths = np.linalg.norm(across.reshape(len(across), -1), axis=1)
    steps = np.diff(positions, axis=0)
    return across / lengths[:, None, None], np.linalg.norm(steps.reshape(len(steps), -1), axis=1)


def _write_step(out: TextIO, index: int, band: BandStep, number: int, *, has_vtst: bool, converged: bool) -> str:
    """Write a step of one image, and return its line of OSZICAR."""
    step, tangent = band.steps[number], band.tangents[number]
    outcar.write_iterations(out, index, [step.energy + 1e-4, step.energy + 1e-6, step.energy], step)
    outcar.write_aborting(out, True)
    outcar.write_step(out, step, 0.0, False)
    if has_vtst:
        forces = band.forces[number]
        spring, real = float(np.sum(forces * tangent)), float(np.sum(step.forces * tangent))
        rows = '\n'.join(''.join(f'{value:13.5f}' for value in row) for row in tangent)
        out.write(
            f'\n NEB: Tangent\n {"-" * 46}\n{rows}\n\n'
            f' NEB: forces: par spring, perp REAL, dneb {abs(spring):12.6f}{np.linalg.norm(forces):12.6f}{0.0:12.6f}\n'
            f' NEB: distance to prev, next image, angle between {band.distances[number]:12.6f}'
            f'{band.distances[number + 1]:12.6f}{0.0:12.6f}\n'
            f' NEB: projections on to tangent (spring, REAL) {spring:12.6f}{real:12.6f}\n\n'
            f'  FORCES: max atom, RMS {np.linalg.norm(forces, axis=1).max():12.6f}'
            f'{np.sqrt(np.mean(forces**2)):12.6f}\n'
        )
        out.write(' OPT: skip step - force has converged\n\n' if converged else ' OPT: Flag T\n\n')
    return listing.ionic_line(index, step, 0.0, False)

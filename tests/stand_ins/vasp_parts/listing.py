"""The small files of VASP: `CONTCAR`, `XDATCAR`, and the lines of `OSZICAR`, which go to the standard output, too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .inputs import Inputs
from .step import Step


def contcar(inputs: Inputs, step: Step, symbols: Sequence[str]) -> str:
    """Return the last configuration, with velocities after molecular dynamics."""
    lines = [str(inputs.tags['SYSTEM'])[:40], '   1.00000000000000']
    lines += [''.join(f' {value:22.16f}' for value in row) for row in step.cell]
    lines += [
        ''.join(f'{symbol:>5}' for symbol in symbols),
        ''.join(f'{count:6d}' for count in inputs.counts),
        'Direct',
    ]
    lines += [''.join(f'{value:20.16f}' for value in row) for row in step.scaled]
    velocities = step.velocities if step.velocities is not None else np.zeros_like(step.scaled)
    lines += ['', *[''.join(f'{value:16.8E}' for value in row) for row in velocities]]
    return '\n'.join(lines) + '\n'


def append_xdatcar(path: Path, inputs: Inputs, step: Step, number: int, symbols: Sequence[str]) -> None:
    """Add a configuration to the trajectory, after the head if it is the first."""
    with path.open('a', encoding='utf-8') as handle:
        if number == 1:
            handle.write(f'{str(inputs.tags["SYSTEM"])[:40]}\n           1\n')
            for row in step.cell:
                handle.write(''.join(f' {value:12.6f}' for value in row) + '\n')
            handle.write(''.join(f'{symbol:>5}' for symbol in symbols) + '\n')
            handle.write(''.join(f'{count:6d}' for count in inputs.counts) + '\n')
        handle.write(f'Direct configuration={number:6d}\n')
        for row in step.scaled:
            handle.write(''.join(f'{value:12.8f}' for value in row) + '\n')


def electronic_lines(electronic: Sequence[float]) -> str:
    """Return the lines of the electronic steps."""
    lines = ['       N       E                     dE             d eps       ncg     rms          rms(c)']
    before = 0.0
    for number, energy in enumerate(electronic, start=1):
        change = energy - before
        lines.append(f'DAV: {number:3d} {energy:18.11E} {change:15.5E} {change:13.5E}  1000 {abs(change):11.3E}')
        before = energy
    return '\n'.join(lines) + '\n'


def ionic_line(number: int, step: Step, shift: float, dynamics: bool) -> str:
    """Return the line of an ionic step."""
    free, extrapolated = step.energy + shift, step.extrapolated + shift
    if dynamics:
        total = free + step.kinetic
        return (
            f'{number:7d} T= {step.temperature:6.0f}. E= {total:15.8E} F= {free:15.8E} E0= {extrapolated:15.8E}'
            f'  EK= {step.kinetic:12.5E} SP= 0.00E+00 SK= 0.00E+00\n'
        )
    return f'{number:4d} F= {free:15.8E} E0= {extrapolated:15.8E}  d E ={-step.entropy:13.6E}\n'

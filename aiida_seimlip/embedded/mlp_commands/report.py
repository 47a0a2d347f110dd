"""Reports of errors as MLIP-3 prints them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from aiida_seimlip.science.analysis.errors import Errors, ErrorStatistics
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA, voigt_to_tensor


def errors_report(errors: Errors) -> str:
    """Return the report behind a training and of ``check_errors``.

    :param errors: of a potential.
    """
    blocks = (
        _block('Energy', 'configurations', errors.energy),
        _block('Energy per atom', 'configurations', errors.energy_per_atom),
        _block('Forces', 'atoms', errors.force, 'Force'),
        _block('Stresses (in energy units)', 'configurations', errors.stress_energy, 'Stres'),
        _block('Virial stresses (in pressure units)', 'configurations', errors.stress_pressure, 'Stres'),
    )
    body = '\n'.join(blocks)
    return f'{"_" * 17}Errors report{"_" * 17}\n{body}{"_" * 47}\n'


def _block(title: str, counted: str, errors: ErrorStatistics, relative: str | None = None) -> str:
    lines = [
        f'{title}:',
        f'\tErrors checked for {errors.count} {counted}',
        f'\tMaximal absolute difference = {_number(errors.max)}',
        f'\tAverage absolute difference = {_number(errors.mean)}',
        f'\tRMS     absolute difference = {_number(errors.rms)}',
    ]
    if relative is not None:
        lines += [
            f'\tMax({relative}Diff) / Max({relative}) = {_ratio(errors.max, errors.reference_max)}',
            f'\tRMS({relative}Diff) / RMS({relative}) = {_ratio(errors.rms, errors.reference_rms)}',
        ]
    return '\n'.join(lines) + '\n'


def _number(value: float) -> str:
    """Return a number as C++ prints it; where there was nothing to compare, MLIP-3 prints 0."""
    return '0' if np.isnan(value) else f'{value:g}'


def _ratio(value: float, reference: float) -> str:
    return _number(value / (reference + 1e-300))


def per_configuration(reference: Frames, predicted: Frames) -> Iterator[str]:
    """Yield a line for each configuration, as ``check_errors --log`` does; what is not labelled is left out.

    :param reference: labelled configurations.
    :param predicted: the same with the labels of a potential.
    """
    for index, (known, found) in enumerate(zip(reference, predicted, strict=True)):
        parts = [f'Errors: cfg# {index + 1}', f'#atoms: {known.sizes[0]}']
        parts += [*_energy_parts(known, found), *_force_parts(known, found), *_stress_parts(known, found)]
        yield '\t'.join(parts)


def _energy_parts(known: Frames, found: Frames) -> Iterator[str]:
    if known.energies is None or found.energies is None or np.isnan(known.energies[0]):
        return
    difference = found.energies[0] - known.energies[0]
    yield f'Diff(ene):{difference:g}'
    yield f'Diff(epa):{abs(difference) / known.sizes[0]:g}'


def _force_parts(known: Frames, found: Frames) -> Iterator[str]:
    if known.forces is None or found.forces is None or np.isnan(known.forces).any():
        return
    differences = np.linalg.norm(found.forces - known.forces, axis=1)
    yield f'RMS(force): {np.sqrt(np.mean(differences**2)):g}'
    yield f'MAX(force): {differences.max():g}'
    yield f'Rel(force): {np.mean(differences / (np.linalg.norm(known.forces, axis=1) + 1e-300)):g}'


def _stress_parts(known: Frames, found: Frames) -> Iterator[str]:
    if known.stresses is None or found.stresses is None or np.isnan(known.stresses).any():
        return
    difference = float(np.linalg.norm(voigt_to_tensor(found.stresses[0] - known.stresses[0])))
    value = float(np.linalg.norm(voigt_to_tensor(known.stresses[0])))
    yield f'Diff(stress): {difference * EV_PER_A3_TO_GPA:g}'
    yield f'Rel(stress): {difference / (value + 1e-300):g}'

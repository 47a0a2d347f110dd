"""Writing of a potential in the layout of MLIP-3."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from aiida_seimlip.science.formats.mlip3_cfg import write_cfg
from aiida_seimlip.science.formats.mlip3_potential.active_set import ACTIVE_SET_MARK, WEIGHTS
from aiida_seimlip.science.mtp.potential import ActiveSet, MomentTensorPotential

SELECTED_EQUATIONS = 'selected_eqn_inds'
"""Feature with the numbers of the equations that a configuration contributes to an active set."""


def write_almtp(potential: MomentTensorPotential) -> bytes:
    """Return the content of a file that MLIP-3 reads; for a trained potential, in the very layout of MLIP-3.

    :param potential: untrained potentials become templates.
    """
    content = '\n'.join(_text(potential)).encode()
    if potential.radial_coeffs is None:
        return content + b'\n'
    return content if potential.active_set is None else content + _active_set(potential, potential.active_set)


def _text(potential: MomentTensorPotential) -> list[str]:
    is_template = potential.radial_coeffs is None
    number: Callable[[float], str] = '{:g}'.format if is_template else '{:.15e}'.format

    def rows(table: np.ndarray) -> str:
        return '{' + ', '.join(_braces(row, str) for row in table.tolist()) + '}'

    lines = ['MTP', f'version = {potential.version}', f'potential_name = {potential.potential_name}']
    lines += [] if is_template else [f'scaling = {number(potential.scaling)}']
    lines += [
        f'species_count = {potential.n_species}',
        f'potential_tag = {potential.potential_tag}',
        f'radial_basis_type = {potential.radial_basis_type}',
        f'\tmin_dist = {number(potential.min_dist)}',
        f'\tmax_dist = {number(potential.max_dist)}',
        f'\tradial_basis_size = {potential.radial_basis_size}',
        f'\tradial_funcs_count = {potential.radial_funcs_count}',
    ]
    if potential.radial_coeffs is not None:
        lines.append('\tradial_coeffs')
        for i, j in np.ndindex(potential.n_species, potential.n_species):
            lines.append(f'\t\t{i}-{j}')
            lines += [f'\t\t\t{_braces(row, number)}' for row in potential.radial_coeffs[i, j].tolist()]
    lines += [
        f'alpha_moments_count = {potential.alpha_moments_count}',
        f'alpha_index_basic_count = {len(potential.alpha_index_basic)}',
        f'alpha_index_basic = {rows(potential.alpha_index_basic)}',
        f'alpha_index_times_count = {len(potential.alpha_index_times)}',
        f'alpha_index_times = {rows(potential.alpha_index_times)}',
        f'alpha_scalar_moments = {potential.n_moments}',
        f'alpha_moment_mapping = {_braces(potential.alpha_moment_mapping.tolist(), str)}',
    ]
    if potential.species_coeffs is not None:
        lines.append(f'species_coeffs = {_braces(potential.species_coeffs.tolist(), number)}')
    if potential.moment_coeffs is not None:
        lines.append(f'moment_coeffs = {_braces(potential.moment_coeffs.tolist(), number)}')
    return lines


def _braces(values: list[Any], form: Callable[[Any], str]) -> str:
    return '{' + ', '.join(map(form, values)) + '}'


def _active_set(potential: MomentTensorPotential, active_set: ActiveSet) -> bytes:
    weights = [f'{key} {active_set.weights.get(key, 0.0):.16e}\n' for key in WEIGHTS[:-1]]
    weights.append(f'{WEIGHTS[-1]} {active_set.weights.get(WEIGHTS[-1], 2.0):g}\n#')
    origins = ''.join(f'{configuration} {equation}\n' for configuration, equation in active_set.origins.tolist())
    configurations = io.BytesIO()
    features = _with_equations(active_set)
    write_cfg(configurations, active_set.frames, potential.species, features=features, decimals=None)
    return b''.join((
        ACTIVE_SET_MARK, *(weight.encode() for weight in weights),
        active_set.matrix.astype('<f8').tobytes(), active_set.inverse.astype('<f8').tobytes(),
        b'\n#\n', origins.encode(), b'#\n', configurations.getvalue(),
    ))  # fmt: skip


def _with_equations(active_set: ActiveSet) -> list[dict[str, str]]:
    """Return the features of the active configurations, with the equations that each contributes."""
    features = [dict(item) for item in active_set.features] or [{} for _ in range(len(active_set.frames))]
    for index, item in enumerate(features):
        equations = np.unique(active_set.origins[active_set.origins[:, 0] == index, 1])
        item[SELECTED_EQUATIONS] = ','.join(map(str, equations.tolist()))
    return features

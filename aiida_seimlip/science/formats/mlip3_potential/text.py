"""The potential that the fields of a text make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from aiida_seimlip.science.formats.mlip3_potential.fields import Fields
from aiida_seimlip.science.formats.mlip3_potential.kinds import RADIAL_BASIS_TYPES
from aiida_seimlip.science.mtp.potential import MomentTensorPotential


class TextReader(Fields):
    """Makes a potential without active set of its text."""

    def potential(self, species: Sequence[str] | None) -> MomentTensorPotential:
        """Return the potential.

        :param species: chemical symbols in type order; None stands for the first elements.
        :raises FormatError: if the text is not sound, or the potential is of a kind that is not supported.
        """
        is_template = not self.radial
        count = self._species_count(species)
        if species is None:
            species = chemical_symbols[1 : count + 1]
        if len(species) != count and not is_template:
            symbols = ', '.join(species)
            message = f'The potential has {count} species, but the species list has {len(species)} ({symbols}).'
            raise self.error(message, self.fields['species_count'][1])
        arrays = self._moments()
        arrays |= {key: self.text(key) for key in ('potential_name', 'potential_tag') if key in self.fields}
        arrays |= {} if is_template else self._coefficients(count, arrays)
        return MomentTensorPotential(
            species=tuple(species),
            scaling=self.number('scaling') if 'scaling' in self.fields else 1.0,
            version=self.text('version'),
            **arrays,
        )

    def _species_count(self, species: Sequence[str] | None) -> int:
        """Return the number of species; a template need not tell it."""
        if 'species_count' not in self.fields and not self.radial and species is not None:
            return len(species)
        if 'species_count' not in self.fields:
            raise self.error('The file does not tell its `species_count`.')
        return self.integer('species_count')

    def _moments(self) -> dict[str, Any]:
        """Read the radial basis and the moments, and check that every index points to what exists."""
        basis = self.text('radial_basis_type')
        if basis not in RADIAL_BASIS_TYPES:
            known = ', '.join(RADIAL_BASIS_TYPES)
            message = f'The radial basis `{basis[:40]}` is not supported, only {known}.'
            raise self.error(message, self.fields['radial_basis_type'][1])
        min_dist, max_dist = self.number('min_dist'), self.number('max_dist')
        if not 0 <= min_dist < max_dist:
            raise self.error('`max_dist` is not above `min_dist`.', self.fields['max_dist'][1])
        n_radial, n_moments = self.integer('radial_funcs_count'), self.integer('alpha_moments_count')
        basic = self.table('alpha_index_basic', self.integer('alpha_index_basic_count'))
        self._check('alpha_index_basic', bool((basic[:, 0] < n_radial).all()) and len(basic) <= n_moments)
        times = self.table('alpha_index_times', self.count('alpha_index_times_count'))
        factors, products = times[:, :2], times[:, 3]
        ready = (factors < np.maximum(len(basic), products[:, None])).all() and (products >= len(basic)).all()
        self._check('alpha_index_times', bool(ready) and bool((times[:, [0, 1, 3]] < n_moments).all()))
        mapping = self.vector('alpha_moment_mapping', self.integer('alpha_scalar_moments'))
        whole = (mapping == np.rint(mapping)) & (mapping >= 0) & (mapping < n_moments)
        self._check('alpha_moment_mapping', bool(whole.all()))
        return {
            'min_dist': min_dist, 'max_dist': max_dist, 'radial_basis_type': basis,
            'radial_basis_size': self.integer('radial_basis_size'), 'radial_funcs_count': n_radial,
            'alpha_moments_count': n_moments, 'alpha_index_basic': basic, 'alpha_index_times': times,
            'alpha_moment_mapping': mapping.astype(int),
        }  # fmt: skip

    def _check(self, key: str, is_sound: bool) -> None:
        if not is_sound:
            raise self.error(f'`{key}` points to moments or radial functions that do not exist.', self.fields[key][1])

    def _coefficients(self, n_species: int, sizes: dict[str, Any]) -> dict[str, np.ndarray]:
        expected = [f'{i}-{j}' for i in range(n_species) for j in range(n_species)]
        if self.labels != expected:
            labels = f'{self.labels[0]} to {self.labels[-1]}' if self.labels else 'none'
            message = f'The radial coefficients are for the types {labels}, expected {expected[0]} to {expected[-1]}.'
            raise self.error(message, self.radial_line)
        shape = (sizes['radial_funcs_count'], sizes['radial_basis_size'])
        if any(len(block) != shape[0] or any(len(row) != shape[1] for row in block) for block in self.radial):
            raise self.error(f'The radial coefficients are not {shape[0]} rows of {shape[1]} each.', self.radial_line)
        coefficients = {'radial_coeffs': np.array(self.radial).reshape(n_species, n_species, *shape)}
        lengths = {'species_coeffs': n_species, 'moment_coeffs': len(sizes['alpha_moment_mapping'])}
        known = {key: self.vector(key, length) for key, length in lengths.items() if key in self.fields}
        return coefficients | known

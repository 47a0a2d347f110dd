"""Quantities of crystals by several models, from the comparisons of each property."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from aiida_seimlip.functions.comparison.quantities import make_quantity
from aiida_seimlip.options.comparison.results import QuantityRecord, ValueRecord
from aiida_seimlip.options.crystal.results import (
    ElasticComparison,
    ElasticRecord,
    EquationOfStateComparison,
    EquationOfStateRecord,
    LatticeComparison,
    LatticeCrystal,
    LatticeRecord,
    PhononComparison,
    PhononRecord,
    PropertyComparison,
    StiffnessRecord,
)

COMPARISONS: dict[str, type[PropertyComparison]] = {
    'relax': LatticeComparison, 'eos': EquationOfStateComparison, 'elastic': ElasticComparison,
    'phonon': PhononComparison,
}  # fmt: skip
ROUNDED = 1e-7
"""A standard error that is smaller, over the number, is rounding: the fit has as many parameters as values."""
ELEMENTS = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (0, 1), (0, 2), (1, 2))
"""Of the stiffness, from 0: those that an orthorhombic crystal has."""
CELL = (('a', 'Å'), ('b', 'Å'), ('c', 'Å'), ('alpha', '°'), ('beta', '°'), ('gamma', '°'))


class Named(NamedTuple):
    """A number that a model has of a crystal."""

    key: str
    name: str
    unit: str
    value: ValueRecord


def crystal_quantities(properties: Mapping[str, Mapping[str, Any]], confidence: float) -> Iterator[QuantityRecord]:
    """Yield the numbers that models have of crystals, compared with those of the reference.

    Where no model is the reference, lattices are compared with experiment, if it is known.

    :param properties: content of the output `properties` of each property, by its name.
    :param confidence: of the intervals of differences.
    """
    for name, content in properties.items():
        found: Any = COMPARISONS[name].model_validate(content)
        for crystal in found.crystals:
            numbers = {model: list(READERS[name](record)) for model, record in crystal.models.items()}
            reference = {one.key: one.value for one in numbers.pop(found.reference, [])}
            if found.reference is None and isinstance(crystal, LatticeCrystal):
                reference = dict(_experiment(crystal))
            yield from _compare(crystal.name, numbers, reference, confidence)
            if isinstance(found, PhononComparison):
                yield from _deviations(found, crystal.name, confidence)


def _compare(
    crystal: str, numbers: Mapping[str, list[Named]], reference: Mapping[str, ValueRecord], confidence: float
) -> Iterator[QuantityRecord]:
    """Yield one quantity for each number that a model has."""
    heads = {one.key: one for found in numbers.values() for one in found}
    for key, head in heads.items():
        values = {model: one.value for model, found in numbers.items() for one in found if one.key == key}
        yield make_quantity(
            values, 'reference', confidence=confidence, reference=reference.get(key), key=key, name=head.name,
            unit=head.unit, part='crystals', of=crystal,
        )  # fmt: skip


def _deviations(found: PhononComparison, crystal: str, confidence: float) -> Iterator[QuantityRecord]:
    """Yield how far all frequencies are from those of the reference."""
    (record,) = (one for one in found.crystals if one.name == crystal)
    values = {
        model: ValueRecord(value=one.rms_thz) for model, one in record.deviations.items() if one.rms_thz is not None
    }
    if values:
        yield make_quantity(
            values, 'lowest', confidence=confidence, key='phonon_rms', name='phonon frequencies, RMS deviation',
            unit='THz', part='crystals', of=crystal,
        )  # fmt: skip


def crystal_doubts(properties: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what is missing of crystals, and what to distrust of them, in sentences.

    :param properties: as of `crystal_quantities`.
    """
    for name, content in properties.items():
        found: Any = COMPARISONS[name].model_validate(content)
        for crystal in found.crystals:
            for model, record in crystal.models.items():
                reasons = [record.failure] if record.failure is not None else record.doubts
                yield from (f'{crystal.name}, {model}: {reason}' for reason in reasons)


def _number(value: float, error: float | None) -> ValueRecord:
    """Return a number with its error, which is not known of a fit that leaves no more than what is rounded."""
    return ValueRecord(value=value, error=error if error is not None and error > ROUNDED * abs(value) else None)


def _experiment(crystal: LatticeCrystal) -> Iterator[tuple[str, ValueRecord]]:
    if crystal.experiment is not None:
        for (name, _), value in zip(CELL, crystal.experiment, strict=True):
            yield name, ValueRecord(value=value)


def _lattice(record: LatticeRecord) -> Iterator[Named]:
    if record.cellpar is not None:
        for (name, unit), value in zip(CELL, record.cellpar, strict=True):
            if unit == 'Å' or abs(value - 90.0) > 0.01:
                yield Named(name, name, unit, ValueRecord(value=value))
    if record.volume_per_atom_angstrom3 is not None:
        yield Named('volume', 'volume of an atom', 'Å³', ValueRecord(value=record.volume_per_atom_angstrom3))


def _equation_of_state(record: EquationOfStateRecord) -> Iterator[Named]:
    for fit in list(record.fits.values())[:1]:
        value = _number(fit.volume_per_atom_angstrom3, fit.volume_per_atom_error_angstrom3)
        yield Named('eos_volume', 'volume of an atom, equation of state', 'Å³', value)
        value = _number(fit.bulk_modulus_gpa, fit.bulk_modulus_error_gpa)
        yield Named('bulk_modulus', 'bulk modulus, equation of state', 'GPa', value)


def _elastic(record: ElasticRecord) -> Iterator[Named]:
    ions = next((ions for ions in ('relaxed', 'clamped') if ions in record.stiffness), None)
    if ions is None:
        return
    stiffness: StiffnessRecord = record.stiffness[ions]
    for i, j in ELEMENTS:
        value = _number(stiffness.matrix_gpa[i][j], stiffness.errors_gpa[i][j])
        yield Named(f'C{i + 1}{j + 1}', f'C{i + 1}{j + 1}, ions {ions}', 'GPa', value)
    moduli = (('bulk', 'bulk modulus'), ('shear', 'shear modulus'))
    for key, name in moduli if stiffness.moduli is not None else ():
        errors = stiffness.moduli_errors
        error = None if errors is None else getattr(errors, f'{key}_hill_gpa')
        value = _number(getattr(stiffness.moduli, f'{key}_hill_gpa'), error)
        yield Named(f'{key}_hill', f'{name} (Hill)', 'GPa', value)


def _phonon(record: PhononRecord) -> Iterator[Named]:
    numbers = (
        ('lowest_frequency', 'lowest frequency', 'THz', record.lowest_frequency_thz),
        ('highest_frequency', 'highest frequency', 'THz', record.highest_frequency_thz),
        (
            'zero_point_energy', 'zero-point energy', 'eV/atom',
            None if record.thermal is None else record.thermal.zero_point_energy_ev_per_atom,
        ),
    )  # fmt: skip
    for key, name, unit, value in numbers:
        if value is not None:
            yield Named(key, name, unit, ValueRecord(value=value))


READERS: dict[str, Callable[[Any], Iterator[Named]]] = {
    'relax': _lattice, 'eos': _equation_of_state, 'elastic': _elastic, 'phonon': _phonon,
}  # fmt: skip
"""Who reads the numbers of a model, by the name of the property."""

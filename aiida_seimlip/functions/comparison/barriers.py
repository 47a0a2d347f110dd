"""Barriers along the same path by several models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.functions.comparison.quantities import make_quantity
from aiida_seimlip.options.ase import AseLabelOptions
from aiida_seimlip.options.barrier.results import ComparisonRecord
from aiida_seimlip.options.comparison.results import QuantityRecord, ValueRecord
from aiida_seimlip.options.model import ModelOptions

BARRIERS = (
    ('forward', 'barrier forward', 'eV'), ('backward', 'barrier backward', 'eV'),
    ('reaction_energy', 'reaction energy', 'eV'),
)  # fmt: skip
ERRORS = (
    ('energy_rmse_mev', 'energy RMSE along the path', 'meV'), ('force_rmse', 'force RMSE along the path', 'eV/Å'),
)  # fmt: skip

DECIMALS = 9
"""Of an energy in eV: what is smaller is a difference of large numbers."""


@calcfunction
def path_parameters(model: orm.Dict) -> orm.Dict:
    """Return the parameters of the job of a model that evaluates the images of a path, as `AseLabelOptions`.

    :param model: as `ModelOptions`.
    """
    calculator = ModelOptions.from_node(model).calculator
    return orm.Dict(AseLabelOptions(calculator=calculator, stress=False).to_dict())


def barrier_quantities(paths: Mapping[str, ComparisonRecord], confidence: float) -> Iterator[QuantityRecord]:
    """Yield barriers and errors along each path.

    :param paths: what models say of the same images, by the name of the path.
    :param confidence: of the intervals of differences.
    """
    for path, found in paths.items():
        for key, name, unit in BARRIERS:
            values = {model: _energy(getattr(record, key)) for model, record in found.potentials.items()}
            reference = None if found.reference is None else _energy(getattr(found.reference, key))
            yield make_quantity(
                values, 'reference', confidence=confidence, reference=reference, key=key, name=name, unit=unit,
                part='barriers', of=path,
            )  # fmt: skip
        for key, name, unit in ERRORS:
            known = {model: getattr(record, key) for model, record in found.potentials.items()}
            values = {model: ValueRecord(value=value) for model, value in known.items() if value is not None}
            if values:
                yield make_quantity(
                    values, 'lowest', confidence=confidence, key=f'path_{key}', name=name, unit=unit, part='barriers',
                    of=path,
                )  # fmt: skip


def _energy(value: float) -> ValueRecord:
    return ValueRecord(value=round(value, DECIMALS) + 0.0)

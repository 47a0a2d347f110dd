"""Calcfunction of `SizeTransferWorkChain`: the errors of models by the size of the cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.model_jobs import if_known
from aiida_seimlip.functions.models.agreement import Pair, bias_doubts, quantities_record
from aiida_seimlip.functions.models.comparison import Evaluated, compare_with_reference
from aiida_seimlip.options.models.comparison_results import (
    CellRecord,
    FrameRecord,
    QuantitiesRecord,
    SizeRecord,
    SizeTransferComparison,
    SizeTransferRecord,
)
from aiida_seimlip.options.models.size_transfer import SizeTransferOptions
from aiida_seimlip.science.analysis.parity import find_parity
from aiida_seimlip.science.analysis.size_consistency import CellEnergies
from aiida_seimlip.science.analysis.size_transfer import SizeErrors, find_drift, find_size_errors

EV_TO_MEV = 1000.0


@calcfunction
def measure_size_transfer(options: orm.Dict, plan: orm.Dict, sample: FramesData, **groups: Any) -> dict[str, orm.Dict]:
    """Compare models with the reference by the size of the cell, if the reference is size-consistent.

    :param options: as `SizeTransferOptions`.
    :param plan: a `SamplePlan`.
    :param sample: the frames, with the supercells without displacements among them.
    :param groups: ``models`` and ``training``: what there is of each model by its name; see `Evaluated.of`.
    :return: ``properties`` as a `SizeTransferComparison`.
    """
    settings = SizeTransferOptions.from_node(options)
    evaluated = Evaluated.of(settings, plan, sample, groups)
    cells = find_cells(evaluated)
    refusal = refuse(settings, cells, failures_in_cells(evaluated))
    comparison = SizeTransferComparison(
        **evaluated.head(settings), limit_mev_per_atom=settings.size_consistency_mev_per_atom, refusal=refusal,
        reference_spread_mev_per_atom=spread_of(cells, settings.reference), cells=cells,
    )  # fmt: skip
    for name in evaluated.models:
        spread = spread_of(cells, name)
        if name == settings.reference:
            continue
        if refusal is None:
            record = errors_by_size(settings, evaluated, name)
        else:
            record = SizeTransferRecord(
                failure='nothing is compared: the reference does not serve', failed_frames=evaluated.failed(name)
            )
        record.cell_spread_mev_per_atom = spread
        if spread is not None and spread > settings.size_consistency_mev_per_atom:
            record.doubts.append(
                f'The model itself is not size-consistent: the energy of an atom in the supercells without '
                f'displacements differs by {spread:.3g} meV.'
            )
        comparison.models[name] = record
    return {'properties': orm.Dict(comparison.model_dump(mode='json'))}


def find_cells(evaluated: Evaluated) -> list[CellRecord]:
    """Return what the models make of the supercells without displacements, the smallest first.

    :param evaluated: what there is of all models.
    """
    cells = [
        CellRecord(name=record.source, n_atoms=record.n_atoms, energies_ev_per_atom=dict(_energies(evaluated, record)))
        for record in evaluated.plan.frames if record.is_perfect
    ]  # fmt: skip
    return sorted(cells, key=lambda cell: cell.n_atoms)


def _energies(evaluated: Evaluated, record: FrameRecord) -> Iterator[tuple[str, float]]:
    """Yield the energy of an atom in a frame by each model that has evaluated it."""
    for name, model in evaluated.models.items():
        if record.index in model.indices:
            energies = model.among([record.index]).energies
            if energies is not None and np.isfinite(energies[0]):
                yield name, float(energies[0]) / record.n_atoms


def cell_energies(cells: list[CellRecord], name: str) -> CellEnergies | None:
    """Return the energies of an atom by a model in the supercells, None if it has not evaluated all of them.

    :param cells: supercells without displacements.
    :param name: of the model.
    """
    if not all(name in cell.energies_ev_per_atom for cell in cells):
        return None
    energies = tuple(cell.energies_ev_per_atom[name] for cell in cells)
    return CellEnergies(tuple(cell.n_atoms for cell in cells), energies)


def spread_of(cells: list[CellRecord], name: str) -> float | None:
    """Return the largest less the smallest energy of an atom in meV, None if a supercell was not evaluated.

    :param cells: supercells without displacements.
    :param name: of the model.
    """
    found = cell_energies(cells, name)
    return None if found is None else EV_TO_MEV * found.spread


def failures_in_cells(evaluated: Evaluated) -> list[str]:
    """Return why the reference has not evaluated supercells without displacements.

    :param evaluated: what there is of all models.
    """
    failures = evaluated.reference.failures
    return [
        f'{record.source}: {failures[record.index]}'
        for record in evaluated.plan.frames if record.is_perfect and record.index in failures
    ]  # fmt: skip


def refuse(settings: SizeTransferOptions, cells: list[CellRecord], failures: Sequence[str] = ()) -> str | None:
    """Return why the reference does not serve, in a sentence; None if it is size-consistent.

    :param settings: what was asked for.
    :param cells: supercells without displacements.
    :param failures: why the reference has not evaluated some of these.
    """
    name, limit = settings.reference, settings.size_consistency_mev_per_atom
    found = cell_energies(cells, name)
    if found is None:
        reason = next(iter(failures), 'it gives no energies.')
        return f'Whether the reference `{name}` is size-consistent is not known: {reason}'
    if EV_TO_MEV * found.spread <= limit:
        return None
    return (
        f'The reference `{name}` is not size-consistent: the energy of an atom of the same crystal differs by '
        f'{EV_TO_MEV * found.spread:.3g} meV among the supercells, and {limit:g} meV are allowed; in eV it is '
        f'{found}.'
    )


def errors_by_size(settings: SizeTransferOptions, evaluated: Evaluated, name: str) -> SizeTransferRecord:
    """Return the errors of a model by the number of atoms.

    :param settings: what was asked for.
    :param evaluated: what there is of all models.
    :param name: of the model.
    """
    return compare_with_reference(evaluated, name, SizeTransferRecord, partial(fill_sizes, settings))


def fill_sizes(settings: SizeTransferOptions, record: SizeTransferRecord, pair: Pair) -> None:
    """Compare what a model and the reference make of the same frames, by their size.

    :param settings: what was asked for.
    :param record: of the model, which is given its numbers.
    :param pair: of frames.
    :raises ValueError: if a value of the reference has no prediction.
    """
    sizes = find_size_errors(pair.reference, pair.predicted)
    parity = find_parity(
        pair.reference, pair.predicted, seed=settings.seed, labels=[frame.n_atoms for frame in pair.records],
        n_resamples=settings.n_resamples, confidence=settings.confidence,
    )  # fmt: skip
    record.sizes = [_size_record(size, quantities_record(parity.by_label[size.n_atoms])) for size in sizes]
    record.worst = pair.worst(settings.n_worst)
    energy = parity.total.energy_per_atom
    record.doubts += bias_doubts(pair.energy_bias, if_known(EV_TO_MEV * energy.rmse.value))
    if len(sizes) < 2:
        record.doubts.append('There are frames of one size only.')
        return
    drift = find_drift(sizes)
    record.drift_mev_per_atom = if_known(EV_TO_MEV * drift.value)
    record.drift_error_mev_per_atom = if_known(EV_TO_MEV * drift.error)
    if drift.is_significant and abs(EV_TO_MEV * drift.value) > settings.size_consistency_mev_per_atom:
        record.doubts.append(
            f'The bias of the energy changes by {EV_TO_MEV * drift.value:.3g} meV/atom from {sizes[0].n_atoms} to '
            f'{sizes[-1].n_atoms} atoms, which is more than twice its standard error.'
        )


def _size_record(size: SizeErrors, errors: QuantitiesRecord) -> SizeRecord:
    return SizeRecord(
        n_atoms=size.n_atoms, n_frames=size.n_frames, errors=errors,
        energy_bias_mev_per_atom=if_known(EV_TO_MEV * size.bias),
        energy_bias_error_mev_per_atom=if_known(EV_TO_MEV * size.bias_error),
        energy_scatter_mev_per_atom=if_known(EV_TO_MEV * size.scatter),
        energy_scatter_mev_per_root_atom=if_known(EV_TO_MEV * size.scatter_per_root_atom),
        force_scatter_ev_per_angstrom=if_known(size.force_scatter),
    )  # fmt: skip

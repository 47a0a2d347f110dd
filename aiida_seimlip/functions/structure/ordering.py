"""The calcfunction that makes ordered cells of a disordered crystal."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import ExitCode, calcfunction
from ase import Atoms

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import occupancies_of
from aiida_seimlip.options.structure.ordering import OrderingOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.disorder.crystal import DisorderedCrystal
from aiida_seimlip.science.structures.disorder.ordering import Orderings, order
from aiida_seimlip.science.structures.supercells import StructureError, describe


@calcfunction
def order_crystal(
    structure: orm.StructureData, parameters: orm.Dict, potential: PotentialData | None = None
) -> dict[str, Any] | ExitCode:
    """Make ordered cells of a crystal whose sites are occupied in part or by several elements.

    :param structure: the crystal, its kinds with weights.
    :param parameters: as `OrderingOptions`.
    :param potential: that ranks the cells instead of the energy of their charges; trained.
    :return: ``ordered`` (structures ``n00`` on, the lowest energy first) and ``record``; an exit code with the reason
        if there is nothing to order, the occupancies do not fit the cell, or nothing fits.
    """
    try:
        return _order(structure, OrderingOptions.from_node(parameters), potential)
    except StructureError as exception:
        return ExitCode(300, str(exception))


def explain_ordering(
    structure: orm.StructureData, options: OrderingOptions, potential: PotentialData | None = None
) -> str | None:
    """Say why a crystal cannot be ordered so, as far as that is known before it is tried.

    :param structure: the crystal.
    :param options: how it is to be ordered.
    :param potential: that is to rank the cells.
    :return: one sentence, None if all is well.
    """
    try:
        crystal, _ = _supercell(structure, options)
        crystal.counts(rounded=options.rounded)
        if potential is not None:
            _refuse_potential(potential, {symbol for site in crystal.sites for symbol in site})
    except StructureError as exception:
        return str(exception)
    return None


def _supercell(structure: orm.StructureData, options: OrderingOptions) -> tuple[DisorderedCrystal, np.ndarray]:
    if not all(structure.pbc):
        raise StructureError('The structure is not periodic along all three vectors: only a crystal can be ordered.')
    positions = np.array([site.position for site in structure.sites])
    crystal = DisorderedCrystal.of(np.array(structure.cell), positions, occupancies_of(structure), options.symprec)
    if not crystal.disordered.size:
        raise StructureError('The crystal is ordered: each of its sites holds one whole atom.')
    plain = Atoms(numbers=np.ones(len(positions)), positions=positions, cell=structure.cell, pbc=True)
    matrix = options.supercell.matrix_for(plain)
    return crystal.supercell(matrix), matrix


def _order(structure: orm.StructureData, options: OrderingOptions, potential: PotentialData | None) -> dict[str, Any]:
    crystal, matrix = _supercell(structure, options)
    number = options.number if potential is None else max(options.number, options.n_evaluated)
    found = order(
        crystal, number=number, seed=options.seed, charges=options.oxidation_states,
        min_distance=options.min_distance, max_enumerated=options.max_enumerated, rounded=options.rounded,
        is_ranked_later=potential is not None,
    )  # fmt: skip
    predicted = None if potential is None else predict(potential, found.atoms)
    ranks = np.arange(len(found.atoms)) if predicted is None else np.argsort(predicted, kind='stable')
    chosen = [int(index) for index in ranks[: options.number]]
    return {
        'ordered': {f'n{rank:02d}': orm.StructureData(ase=found.atoms[index]) for rank, index in enumerate(chosen)},
        'record': orm.Dict(_record(crystal, found, chosen, predicted, matrix)),
    }


def predict(potential: PotentialData, images: list[Atoms]) -> np.ndarray:
    """Return the energies of cells with a potential in eV; shape (n,).

    :param potential: a moment tensor potential, trained.
    :param images: the cells.
    :raises StructureError: if it cannot be evaluated, or does not know an element.
    """
    from aiida_seimlip.science.mtp.evaluate import evaluate

    _refuse_potential(potential, {symbol for image in images for symbol in image.symbols})
    energies = evaluate(potential.get_mtp(), Frames.from_atoms(images)).energies
    assert energies is not None
    return energies


def _refuse_potential(potential: PotentialData, elements: set[str]) -> None:
    if potential.family != 'mtp' or not potential.is_trained:
        raise StructureError('The cells can be ranked by a moment tensor potential only that is trained.')
    lacking = sorted(elements - set(potential.species))
    if lacking:
        raise StructureError(f'The potential, for {list(potential.species)}, does not know {", ".join(lacking)}.')


def _record(
    crystal: DisorderedCrystal, found: Orderings, chosen: list[int], predicted: np.ndarray | None, matrix: np.ndarray
) -> dict[str, Any]:
    cells = [
        {
            'formula': found.atoms[index].get_chemical_formula(),
            'electrostatic_energy': float(found.energies[index]),
            'degeneracy': None if found.degeneracies is None else found.degeneracies[index],
            'predicted_energy': None if predicted is None else float(predicted[index]),
        }
        for index in chosen
    ]
    return {
        'kind': 'ordering', 'supercell': describe(found.atoms[0], matrix), 'stated': crystal.formula, 'cells': cells,
        'n_arrangements': found.n_arrangements, 'n_distinct': found.n_distinct, 'oxidation_states': found.charges,
        'net_charge': found.net_charge, 'notes': found.notes,
    }  # fmt: skip

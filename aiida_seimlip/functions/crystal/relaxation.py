"""Calcfunction of `RelaxationWorkChain`: the lattices at the minima."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms
from ase.formula import Formula
from ase.geometry import cellpar_to_cell

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.models import MINIMUM, CrystalFrames, head_of, identify, read_model
from aiida_seimlip.functions.model_jobs import doubt_of_composition
from aiida_seimlip.options.crystal.relaxation import EXPERIMENT, RelaxationOptions
from aiida_seimlip.options.crystal.results import LatticeComparison, LatticeCrystal, LatticeDeviation, LatticeRecord
from aiida_seimlip.science.structures.crystals import CRYSTALS, Cellpar, conventional_cellpar
from aiida_seimlip.science.structures.space_group import find_space_group


@calcfunction
def measure_lattices(options: orm.Dict, names: orm.List, crystals: FramesData, **groups: Any) -> dict[str, orm.Dict]:
    """Compare the lattices of crystals at the minima of several models.

    :param options: as `RelaxationOptions`.
    :param names: of the crystals.
    :param crystals: as they were given, one frame each.
    :param groups: ``models``: by name what there is of each model; see `read_model`.
    :return: ``properties`` as a `LatticeComparison`.
    """
    settings = RelaxationOptions.from_node(options)
    models = groups['models']
    found = [_crystal(settings, identity) for identity in identify(names, crystals, settings.symprec)]
    for model, outputs in models.items():
        read = read_model(settings, outputs, len(found), lambda frame: 0)
        for crystal, frames in zip(found, read, strict=True):
            crystal.models[model] = lattice_of(settings, crystal, frames)
            doubt = frames.minimum and doubt_of_composition(outputs.get('potential'), frames.minimum)
            crystal.models[model].doubts += [doubt] if doubt else []
    comparison = LatticeComparison(**head_of(settings, models), crystals=found)
    for crystal in found:
        crystal.deviations = find_deviations(crystal, comparison.reference)
    return {'properties': orm.Dict(comparison.model_dump(mode='json'))}


def lattice_of(settings: RelaxationOptions, crystal: LatticeCrystal, frames: CrystalFrames) -> LatticeRecord:
    """Return the lattice of a crystal at the minimum of a model.

    :param settings: how near to symmetric is symmetric.
    :param crystal: that was relaxed.
    :param frames: the minimum, as far as there is one.
    """
    record = LatticeRecord(**frames.common)
    if frames.minimum is None:
        record.failure = frames.failures[MINIMUM]
        return record
    (atoms,) = frames.minimum.to_atoms()
    lattice = CRYSTALS[crystal.name].lattice if crystal.name in CRYSTALS else 'P'
    record.cellpar = list(conventional_cellpar(frames.minimum.cells[0], lattice))
    steps = frames.minimum.origin_steps
    record.n_steps, record.is_converged = None if steps is None else int(steps[0]), frames.is_converged
    if record.energy_per_atom_ev is not None:
        record.energy_per_formula_ev = record.energy_per_atom_ev * len(Formula(crystal.formula))
    record.space_group, record.keeps_symmetry = _symmetry(atoms, crystal.space_group, settings.symprec)
    if record.keeps_symmetry is False:
        record.doubts.append(f'The space group is {record.space_group} now, not {crystal.space_group}.')
    return record


def find_deviations(crystal: LatticeCrystal, reference: str | None) -> dict[str, dict[str, LatticeDeviation]]:
    """Return how far each model is from the reference and from the experiment.

    :param crystal: with its lattices.
    :param reference: name of a model, None if there is none.
    """
    others: dict[str, Any] = {EXPERIMENT: crystal.experiment}
    if reference is not None:
        others[reference] = crystal.models[reference].cellpar
    return {
        name: {
            other: deviation(record.cellpar, cellpar)
            for other, cellpar in others.items() if cellpar is not None and other != name
        }
        for name, record in crystal.models.items() if record.cellpar is not None
    }  # fmt: skip


def deviation(cellpar: list[float] | Cellpar, reference: list[float] | Cellpar) -> LatticeDeviation:
    """Return how far a lattice is from another one.

    :param cellpar: lengths in Å and angles in degrees.
    :param reference: the same of the other.
    """
    volumes = [abs(float(np.linalg.det(cellpar_to_cell(list(values))))) for values in (cellpar, reference)]
    a, b, c = (100.0 * (one / other - 1.0) for one, other in zip(cellpar[:3], reference[:3], strict=True))
    return LatticeDeviation(a=a, b=b, c=c, beta=cellpar[4] - reference[4], volume=100.0 * (volumes[0] / volumes[1] - 1))


def _crystal(settings: RelaxationOptions, identity: Mapping[str, Any]) -> LatticeCrystal:
    """Return the record of a crystal, with what is known of a phase of the package."""
    name = identity['name']
    learned_by = {model: name in learned for model, learned in settings.learned.items()}
    known: dict[str, Any] = {}
    if name in CRYSTALS:
        phase = CRYSTALS[name]
        known = {'source': phase.source, 'space_group': phase.space_group}
        known['experiment'] = None if phase.experiment is None else list(phase.experiment)
    return LatticeCrystal(**{**identity, 'learned_by': learned_by, **known})


def _symmetry(atoms: Atoms, expected: int | None, symprec: float) -> tuple[int | None, bool | None]:
    """Return the number of the space group, and whether it is the one expected; None where that is unknown."""
    try:
        number = find_space_group(atoms, symprec)
    except ModuleNotFoundError:
        return None, None
    return number, None if expected is None else number == expected

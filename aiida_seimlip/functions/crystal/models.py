"""What the properties of crystals have in common: crystals, and what models have made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.expected_errors import expect_force_error
from aiida_seimlip.functions.model_jobs import KNOWN_GRADE, NOT_REACHED, Finished, describe_model, grades_of
from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.options.expected import ExpectedForceError
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.science.structures.space_group import find_space_group

MINIMUM = 'minimum'
"""Key of the reason why a crystal was not relaxed."""


def names_of(crystals: list[str], structures: Mapping[str, Any]) -> list[str]:
    """Return the names of all crystals, in the order of the frames of `gather_crystals`.

    :param crystals: phases of the package.
    :param structures: others by name.
    """
    return [*crystals, *sorted(structures)]


@calcfunction
def gather_crystals(options: orm.Dict, **groups: Any) -> FramesData:
    """Return all crystals, one frame each: primitive cells of the phases of the package, the others as they are.

    :param options: of a property, which name phases (`CRYSTALS`).
    :param groups: ``structures``, if there are any: `StructureData` or `FramesData` of one frame, by name.
    """
    return joined_crystals([CRYSTALS[name].primitive() for name in options.get_dict().get('crystals', [])], groups)


def joined_crystals(phases: Sequence[Atoms], groups: Mapping[str, Any]) -> FramesData:
    """Return phases of the package, then other crystals in the order of their names, one frame each.

    :param phases: of the package.
    :param groups: see `gather_crystals`.
    """
    structures = groups.get('structures', {})
    built = [Frames.from_atoms([atoms]) for atoms in phases]
    return FramesData(Frames.concatenate([*built, *(get_frame(structures[name]) for name in sorted(structures))]))


@dataclass(frozen=True)
class CrystalFrames:
    """What a model has made of one crystal.

    :param minimum: the crystal that the frames were made of; None if there is none.
    :param frames: those that the property needs, labelled, by what became of the ions.
    :param failures: why there is no minimum (`MINIMUM`), or why there are no frames, by what became of the ions.
    :param grade: the highest extrapolation grade among all of them, None if it is not known.
    :param doubts: relaxations that have not converged, and extrapolation, in sentences.
    :param is_converged: whether the relaxation to the minimum has converged.
    :param single: for each frame that the property needs, what came of it, with its grade, or why there is nothing, by
        what became of the ions; for properties that can do with a part of them.
    :param expected: the error of forces at the grade, by the calibration of the potential.
    """

    minimum: Frames | None
    frames: dict[str, Frames]
    failures: dict[str, str]
    grade: float | None
    doubts: tuple[str, ...] = ()
    is_converged: bool = True
    single: Mapping[str, list[Frames | str]] = field(default_factory=dict)
    expected: ExpectedForceError | None = None

    @property
    def failure(self) -> str | None:
        """What is missing, in words; None if all is there."""
        return '; '.join(f'{name}: {reason}' for name, reason in self.failures.items()) or None

    @property
    def common(self) -> dict[str, Any]:
        """The fields that all records of a model have (`ModelRecord`)."""
        found: dict[str, Any] = {
            'failure': self.failure, 'highest_grade': self.grade, 'doubts': list(self.doubts),
            'expected_force_error': self.expected,
        }  # fmt: skip
        if self.minimum is not None:
            n_atoms = int(self.minimum.sizes[0])
            found['volume_per_atom_angstrom3'] = float(self.minimum.volumes[0]) / n_atoms
            if self.minimum.energies is not None:
                found['energy_per_atom_ev'] = float(self.minimum.energies[0]) / n_atoms
        return found


def read_model(
    options: PropertyOptions, found: Mapping[str, Any], n_crystals: int, count: Callable[[Frames], int]
) -> list[CrystalFrames]:
    """Return what a model has made of each crystal, in order.

    :param options: what was asked for.
    :param found: of the model, as far as there are: ``minima`` and, for each of `ions_of_frames`, the outputs of the
        job (see `Finished.of`); ``potential`` of a model that is one, ``problem`` (Str) of one that did not run.
    :param n_crystals: that were to be relaxed.
    :param count: number of frames that are made of a minimum.
    """
    problem = found['problem'].value if 'problem' in found else NOT_REACHED
    potential = found.get('potential')
    minima = Finished.of(found.get('minima', {}), n_crystals, problem).graded_by(potential)
    counts = [count(frame) for frame in minima.frames]
    jobs = {
        ions: Finished.of(found.get(ions, {}), sum(counts), problem).graded_by(potential)
        for ions in options.ions_of_frames
    }  # fmt: skip
    read = [CrystalFrames(None, {}, {MINIMUM: minima.failures.get(index, '')}, None) for index in range(n_crystals)]
    begins = np.concatenate([[0], np.cumsum(counts, dtype=int)])
    for place, index in enumerate(minima.indices):
        expected = range(int(begins[place]), int(begins[place + 1]))
        frames: dict[str, Frames] = {}
        failures: dict[str, str] = {}
        single: dict[str, list[Frames | str]] = {}
        known = grades_of(minima.frames[place])
        doubts = [f'The minimum: {minima.notes[index]}'] if index in minima.notes else []
        for ions, job in jobs.items():
            try:
                frames[ions] = job.among(expected)
            except ValueError as exception:
                failures[ions] = str(exception)
            single[ions] = [job.failures[index] if index in job.failures else job.among([index]) for index in expected]
            unsure = [job.notes[i] for i in expected if i in job.notes]
            if unsure:
                doubts.append(f'{len(unsure)} of {len(expected)} frames, ions {ions}, the first: {unsure[0]}')
            known += [grade for one in single[ions] for grade in grades_of(one)]
        highest = max(known, default=None)
        if highest is not None and highest > KNOWN_GRADE:
            doubts.append(f'The potential extrapolates: the highest grade on the frames is {highest:.3g}.')
        read[index] = CrystalFrames(
            minima.frames[place], frames, failures, highest, tuple(doubts), index not in minima.notes, single,
            expect_force_error(potential, highest),
        )  # fmt: skip
    return read


def frames_of_minima(minima: FramesData, make: Callable[[Atoms], Sequence[Atoms]]) -> Frames:
    """Return what is made of crystals, that of one after that of the other, with the origins.

    :param minima: one frame for each crystal.
    :param make: returns what is made of a crystal, which may be nothing.
    """
    parts = []
    for index, atoms in enumerate(minima.get_frames().to_atoms()):
        images = make(atoms)
        if images:
            origin = {'origin_uuids': np.full(len(images), minima.uuid), 'origin_indices': np.full(len(images), index)}
            parts.append(Frames.from_atoms(images).without_labels().replace(**origin))
    return Frames.concatenate(parts)


def deformed_frames(minima: FramesData, deform: Callable[[np.ndarray], Sequence[np.ndarray]]) -> Frames:
    """Return copies of crystals in deformed cells, those of one after those of the other, with their origins.

    The atoms keep their fractional coordinates.

    :param minima: one frame for each crystal.
    :param deform: returns the cells that a cell is deformed into; vectors in rows, in Å.
    """

    def deformed(atoms: Atoms) -> list[Atoms]:
        copies = []
        for cell in deform(atoms.cell.array):
            copies.append(atoms.copy())
            copies[-1].set_cell(cell, scale_atoms=True)
        return copies

    return frames_of_minima(minima, deformed)


def identify(names: orm.List, crystals: FramesData, symprec: float) -> list[dict[str, Any]]:
    """Return the fields of a `CrystalRecord` of each crystal.

    :param names: of the crystals.
    :param crystals: one frame each.
    :param symprec: atoms as near in Å to where symmetry demands them count as being there.
    """
    return [
        {
            'name': name, 'formula': str(atoms.symbols.formula.reduce()[0]),
            'space_group': find_space_group(atoms, symprec),
        }
        for name, atoms in zip(names.get_list(), crystals.get_frames().to_atoms(), strict=True)
    ]  # fmt: skip


def head_of(options: PropertyOptions, models: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `PropertyComparison`.

    :param options: what was asked for.
    :param models: by name what there is of each model; see `read_model`.
    """
    return {
        'reference': options.reference if options.reference in models else None,
        'methods': {name: describe_model(_with_labels(options, found)) for name, found in models.items()},
        'problems': {name: found['problem'].value for name, found in models.items() if 'problem' in found},
    }


def _with_labels(options: PropertyOptions, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `describe_model` needs: the potential, or the first labelled frames that there are."""
    stages = ('minima', *options.ions_of_frames)
    labelled = [found[stage]['labelled'] for stage in stages if 'labelled' in found.get(stage, {})]
    labelled = [node for node in labelled if any(node.methods)]
    return {**found, **({'labelled': labelled[0]} if labelled else {})}

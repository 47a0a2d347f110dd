"""Many atomic configurations of any composition, packed into flat arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from aiida_seimlip.science.atoms import AtomsError, pack_atoms, unpack_atoms
from aiida_seimlip.science.features import decode_features, encode_features, without_label_features
from aiida_seimlip.science.frame_arrays import (
    DTYPES,
    ENERGY_KINDS,
    LABELS,
    PER_ATOM,
    PER_FRAME,
    TRAILING,
    content_hashes,
    unknown_array,
)
from aiida_seimlip.science.neighbours import shortest_by_kind, shortest_distances

GRAMS_PER_CM3 = 1.66053906660
"""Of one atomic mass unit per Å³."""

PREDICTION = 'potential:'
"""How the method begins of what a potential predicted; its UUID follows."""


class FramesError(ValueError):
    """The arrays do not describe atomic configurations; the message says which array and why."""


@dataclass(frozen=True, eq=False)
class Frames:
    """Atomic configurations, packed one after the other.

    :param numbers: atomic numbers of all frames; shape (n_atoms,).
    :param positions: Cartesian coordinates in Å; shape (n_atoms, 3).
    :param ptr: frame ``i`` holds the atoms ``ptr[i]:ptr[i + 1]``; shape (n_frames + 1,).
    :param cells: cell vectors in rows, in Å; shape (n_frames, 3, 3).
    :param pbc: periodicity along each cell vector; shape (n_frames, 3).
    :param energies: total energies in eV, NaN where unknown; shape (n_frames,).
    :param forces: forces in eV/Å, NaN where unknown; shape (n_atoms, 3).
    :param stresses: stresses in eV/Å³ in ASE's Voigt order and sign, NaN where unknown; shape (n_frames, 6).
    :param grades: extrapolation grades γ, NaN where unknown; shape (n_frames,).
    :param velocities: velocities in Å/ps, NaN where unknown; shape (n_atoms, 3).
    :param methods: who computed energy, forces and stress: a reference such as ``PBE`` or ``GFN1-xTB``, or
        ``potential:<UUID>`` where a potential predicted them; empty where unknown; shape (n_frames,).
    :param energy_kinds: which energy it is: ``free`` (the one whose derivatives the forces are), ``sigma0`` (for
        electrons extrapolated to zero smearing); empty where unknown; shape (n_frames,).
    :param features: what else is known, a JSON object of texts for each frame, empty if nothing; shape (n_frames,).
    :param origin_uuids: UUID of the node a frame came from, empty where unknown; shape (n_frames,).
    :param origin_indices: index of the frame in that node, -1 where unknown; shape (n_frames,).
    :param origin_steps: MD step at which the frame was taken, -1 where unknown; shape (n_frames,).
    :raises FramesError: if shapes do not fit together, or a species, position or cell is not a valid number.
    """

    numbers: np.ndarray
    positions: np.ndarray
    ptr: np.ndarray
    cells: np.ndarray
    pbc: np.ndarray
    energies: np.ndarray | None = None
    forces: np.ndarray | None = None
    stresses: np.ndarray | None = None
    grades: np.ndarray | None = None
    velocities: np.ndarray | None = None
    methods: np.ndarray | None = None
    energy_kinds: np.ndarray | None = None
    features: np.ndarray | None = None
    origin_uuids: np.ndarray | None = None
    origin_indices: np.ndarray | None = None
    origin_steps: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, dtype in DTYPES.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, np.ascontiguousarray(value, dtype=dtype))
        self._validate()

    def _validate(self) -> None:
        if self.ptr.ndim != 1 or self.ptr.size < 1 or self.ptr[0] != 0 or np.any(np.diff(self.ptr) < 1):
            raise FramesError('`ptr` must start at 0 and increase: every frame holds at least one atom.')
        lengths = {**dict.fromkeys(PER_ATOM, int(self.ptr[-1])), **dict.fromkeys(PER_FRAME, self.ptr.size - 1)}
        for name, length in lengths.items():
            value = getattr(self, name)
            expected = (length, *TRAILING.get(name, ()))
            if value is not None and value.shape != expected:
                raise FramesError(f'`{name}` has shape {value.shape}, expected {expected}.')
        if np.any((self.numbers < 1) | (self.numbers >= len(chemical_symbols))):
            raise FramesError('`numbers` holds values that are no atomic numbers.')
        for name in ('positions', 'cells'):
            if not np.all(np.isfinite(getattr(self, name))):
                raise FramesError(f'`{name}` holds values that are not finite.')
        flat = np.abs(np.linalg.det(self.cells)) < 1e-6
        if np.any(flat & self.pbc.any(axis=1)):
            raise FramesError(f'The cell of periodic frame {np.argmax(flat & self.pbc.any(axis=1))} has no volume.')
        if self.energy_kinds is not None and not np.all(np.isin(self.energy_kinds, ENERGY_KINDS)):
            raise FramesError(f'`energy_kinds` holds values other than {", ".join(map(repr, ENERGY_KINDS))}.')

    # -- construction -------------------------------------------------------------------------------------------------

    @classmethod
    def from_atoms(cls, images: Iterable[Atoms]) -> Frames:
        """Pack ASE atoms, with the energy, forces, stress and momenta they carry.

        Labels are taken from results that an attached calculator already holds for these very positions; nothing is
        calculated. Of the energies that one whose derivatives the forces are, ASE's ``free_energy``, comes first.

        :param images: configurations; ``md_step``, ``grade``, ``method``, ``energy_kind`` and ``features`` in their
            ``info`` are taken over where present.
        :raises FramesError: if sites are partly occupied (ASE places whole atoms on them, which is another material),
            or a result does not have the shape of what it is called.
        """
        try:
            return cls(**pack_atoms(list(images)))  # type: ignore[arg-type]
        except AtomsError as exception:
            raise FramesError(str(exception)) from exception

    @classmethod
    def empty(cls) -> Frames:
        """Return a set without any frame."""
        return cls.from_atoms([])

    @classmethod
    def concatenate(cls, parts: Iterable[Frames]) -> Frames:
        """Join sets one after the other; a quantity known in some parts only is unknown (NaN, '', -1) in the others."""
        parts = list(parts)
        if not parts:
            return cls.empty()
        arrays: dict[str, np.ndarray | None] = {}
        for name in (*PER_ATOM, *PER_FRAME):
            values = [getattr(part, name) for part in parts]
            if all(value is None for value in values):
                arrays[name] = None
                continue
            lengths = [part.numbers.size if name in PER_ATOM else len(part) for part in parts]
            arrays[name] = np.concatenate([
                unknown_array(name, length) if value is None else value
                for value, length in zip(values, lengths, strict=True)
            ])  # fmt: skip
        sizes = np.concatenate([part.sizes for part in parts])
        return cls(ptr=np.concatenate([[0], np.cumsum(sizes)]), **arrays)  # type: ignore[arg-type]

    def replace(self, **arrays: np.ndarray | None) -> Frames:
        """Return a copy with some arrays replaced."""
        return dataclasses.replace(self, **arrays)  # type: ignore[arg-type]

    def without_labels(self) -> Frames:
        """Return a copy without energies, forces and stresses, and without what says who computed them."""
        features = None if self.features is None else np.array(without_label_features(self.features), dtype=str)
        return self.replace(**dict.fromkeys(LABELS, None), features=features)

    def computed_by(self, method: str, energy_kind: str = '') -> Frames:
        """Return a copy that says who computed what is known of energies, forces and stresses.

        :param method: a reference, or ``potential:<UUID>`` (see `predicted_by`); empty if unknown.
        :param energy_kind: one of `ENERGY_KINDS`.
        """
        known = self.is_computed
        if not known.any():
            return self.replace(methods=None, energy_kinds=None)
        return self.replace(methods=np.where(known, method, ''), energy_kinds=np.where(known, energy_kind, ''))

    def with_features(self, features: Sequence[Mapping[str, Any]]) -> Frames:
        """Return a copy with other features.

        :param features: of each frame; values become texts.
        :raises FramesError: if there are not as many as frames, or one cannot be stored.
        """
        try:
            return self.replace(features=np.array([encode_features(each) for each in features], dtype=str))
        except ValueError as exception:
            raise FramesError(str(exception)) from exception

    def features_of(self, index: int) -> dict[str, str]:
        """Return the features of a frame.

        :raises FramesError: if they are damaged.
        """
        try:
            return {} if self.features is None else decode_features(self.features[index])
        except ValueError as exception:
            raise FramesError(f'The features of frame {index} are damaged: {exception}') from exception

    # -- access -------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.ptr.size - 1

    def __iter__(self) -> Iterator[Frames]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key: int | slice | Sequence[int] | np.ndarray) -> Frames:
        """Select frames by index, slice, list of indices or boolean mask; always returns `Frames`."""
        if not isinstance(key, int | np.integer | slice):
            key = np.asarray(key) if len(key) else np.empty(0, dtype=int)
        indices = np.atleast_1d(np.arange(len(self))[key])
        sizes = self.sizes[indices]
        ptr = np.concatenate([[0], np.cumsum(sizes)])
        atoms = np.repeat(self.ptr[indices] - ptr[:-1], sizes) + np.arange(ptr[-1])
        arrays = {
            name: None if (value := getattr(self, name)) is None else value[atoms if name in PER_ATOM else indices]
            for name in (*PER_ATOM, *PER_FRAME)
        }
        return Frames(ptr=ptr, **arrays)  # type: ignore[arg-type]

    def to_atoms(self) -> list[Atoms]:
        """Return ASE atoms, labels attached by a `SinglePointCalculator`.

        In ``info`` are, where known, ``grade``, ``md_step``, ``method``, ``energy_kind`` and ``features`` (as a dict).
        """
        return unpack_atoms(self)

    @property
    def sizes(self) -> np.ndarray:
        """Number of atoms of each frame; shape (n_frames,)."""
        return np.diff(self.ptr)

    @property
    def frame_of_atom(self) -> np.ndarray:
        """Index of the frame each atom belongs to; shape (n_atoms,)."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that occur, in order of atomic number."""
        return tuple(chemical_symbols[number] for number in np.unique(self.numbers))

    @property
    def formulas(self) -> list[str]:
        """Chemical formula of each frame in Hill order."""
        known: dict[bytes, str] = {}
        formulas = []
        for index in range(len(self)):
            numbers = np.sort(self.numbers[self.ptr[index] : self.ptr[index + 1]])
            key = numbers.tobytes()
            if key not in known:
                known[key] = Atoms(numbers).get_chemical_formula()
            formulas.append(known[key])
        return formulas

    @property
    def volumes(self) -> np.ndarray:
        """Cell volumes in Å³; shape (n_frames,)."""
        return np.abs(np.linalg.det(self.cells))

    @property
    def densities(self) -> np.ndarray:
        """Mass densities in g/cm³; shape (n_frames,)."""
        masses = np.add.reduceat(atomic_masses[self.numbers], self.ptr[:-1]) if len(self) else np.empty(0)
        return masses * GRAMS_PER_CM3 / self.volumes

    @property
    def is_computed(self) -> np.ndarray:
        """Whether of each frame the energy, a force or a stress is known, whoever computed it; shape (n_frames,)."""
        known = np.zeros(len(self), dtype=bool)
        if self.energies is not None:
            known |= np.isfinite(self.energies)
        if self.stresses is not None:
            known |= np.isfinite(self.stresses).any(axis=1)
        if self.forces is not None and len(self):
            known |= np.logical_or.reduceat(np.isfinite(self.forces).any(axis=1), self.ptr[:-1])
        return known

    @property
    def is_predicted(self) -> np.ndarray:
        """Whether a potential predicted what is known of each frame; shape (n_frames,)."""
        if self.methods is None:
            return np.zeros(len(self), dtype=bool)
        return np.strings.startswith(self.methods, PREDICTION)

    @property
    def is_evaluated(self) -> np.ndarray:
        """Whether each frame has a finite energy and finite forces, whoever computed them; shape (n_frames,)."""
        if self.energies is None or self.forces is None or not len(self):
            return np.zeros(len(self), dtype=bool)
        finite = np.isfinite(self.forces).all(axis=1)
        return np.isfinite(self.energies) & np.logical_and.reduceat(finite, self.ptr[:-1])

    @property
    def labelled(self) -> np.ndarray:
        """Whether each frame has an energy and forces that no potential predicted; shape (n_frames,)."""
        return self.is_evaluated & ~self.is_predicted

    @property
    def is_labelled(self) -> bool:
        """Whether there are frames and all of them are labelled."""
        return bool(len(self)) and bool(self.labelled.all())

    def types(self, species: Sequence[str]) -> np.ndarray:
        """Map atoms to type numbers from 0 in the order of `species`; shape (n_atoms,).

        :param species: chemical symbols in type order.
        :raises FramesError: if an element is not among `species`, or `species` is no list of different elements.
        """
        unknown = [symbol for symbol in species if symbol not in atomic_numbers]
        if unknown or len(set(species)) < len(species):
            raise FramesError(f'The species list {list(species)} does not hold different chemical symbols.')
        table = np.full(len(chemical_symbols), -1, dtype=np.int32)
        table[[atomic_numbers[symbol] for symbol in species]] = np.arange(len(species))
        missing = set(self.elements) - set(species)
        if missing:
            raise FramesError(f'Element(s) {", ".join(sorted(missing))} not in the species list {list(species)}.')
        return table[self.numbers]

    # -- derived quantities -------------------------------------------------------------------------------------------

    def hashes(self) -> list[str]:
        """Return a content hash for each frame: of species, cell and positions rounded to 1e-6 Å, in the atoms' order.

        The hash is the same on every platform: little-endian 64-bit integers of millionths of an Å are digested by
        SHA-256. It does not cover labels, grades, velocities or origin.
        """
        return content_hashes(self.numbers, self.positions, self.ptr, self.cells, self.pbc)

    def shortest_distances(self, cutoff: float = 3.0) -> np.ndarray:
        """Return the shortest distance in each frame in Å, infinity where none is below `cutoff`; shape (n_frames,)."""
        return shortest_distances(self.positions, self.ptr, self.cells, self.pbc, cutoff)

    def shortest_distances_by_species(self, cutoff: float = 5.0) -> dict[tuple[str, str], np.ndarray]:
        """Return the shortest distance of every pair of species in each frame, infinity where none is below `cutoff`.

        :param cutoff: distances up to here are looked at, in Å.
        :return: for each pair of elements (in order of atomic number) an array of shape (n_frames,) in Å.
        """
        kinds = np.searchsorted(np.unique(self.numbers), self.numbers)
        shortest = shortest_by_kind(kinds, self.positions, self.ptr, self.cells, self.pbc, cutoff=cutoff)
        pairs_of_kinds = combinations_with_replacement(range(len(self.elements)), 2)
        return {(self.elements[one], self.elements[two]): shortest[:, one, two] for one, two in pairs_of_kinds}


def predicted_by(uuid: str) -> str:
    """Return the method of what a potential predicts.

    :param uuid: of the potential.
    """
    return f'{PREDICTION}{uuid}'

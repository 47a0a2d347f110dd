"""Many atomic configurations as one node."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.common.exceptions import StoringNotAllowed
from aiida.orm.nodes.caching import NodeCaching
from ase import Atoms

from aiida_seimlip.science.features import count_values
from aiida_seimlip.science.frame_arrays import PER_ATOM, PER_FRAME, TEXTS
from aiida_seimlip.science.frames import Frames, FramesError

DISTANCE_CUTOFFS = (2.0, 5.0)
"""Shortest distances are looked for within the first cutoff in Å, and within the second where none was found."""

HASHES = 'hashes'
ARRAYS = ('ptr', *PER_ATOM, *PER_FRAME)
FILENAME = 'frames.npz'
"""All arrays are in one file: AiiDA looks up, hashes and opens each file of each input of each process."""

ORIGINS = 'origin_uuids'
"""Array of the nodes in which the frames first appeared."""

LEFT_OUT_EXTRA = 'seimlip_left_out'
"""Extra of a node in an archive that names the files that were left out of it, and the reasons."""


class FramesCaching(NodeCaching):
    """What makes two sets of frames the same for the cache: all but the nodes that they came from.

    A job that is taken over makes new nodes of the same content. Were these another input for the jobs that follow,
    only the first jobs of a campaign would ever be taken over.
    """

    def get_objects_to_hash(self) -> dict[str, Any]:
        """Return what is hashed, with the content of the arrays for that of the file."""
        objects = super().get_objects_to_hash()
        node: Any = self._node
        arrays = {} if node.is_left_out else node._read_all()
        digest = hashlib.sha256()
        for name, array in sorted(arrays.items()):
            if name != ORIGINS:
                digest.update(f'{name} {array.dtype.str} {array.shape}'.encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return {**objects, 'repository_hash': digest.hexdigest() if arrays else objects['repository_hash']}


class FramesData(orm.ArrayData):
    """Atomic configurations of any composition, packed one after the other, with what is known about each.

    The arrays are those of `Frames`, in its units; the array ``hashes`` holds the content hash of each frame. Arrays of
    unknown quantities are absent. These attributes are set for queries; a range is ``None`` where nothing is known:

    * ``n_frames``, ``n_atoms`` (of all frames together), ``elements`` (in order of atomic number),
      ``formulas`` (how many frames there are of each, in Hill order),
    * ``is_labelled`` (there are frames, and all have an energy and forces that no potential predicted), ``n_labelled``,
      ``n_predicted`` (frames of which a potential predicted what is known),
    * ``methods`` and ``energy_kinds``: of the frames of which an energy, forces or a stress are known, how many there
      are by each method and of each kind of energy; an unknown one is ``''``,
    * ``feature_values``: how many frames there are by each value of each feature that sorts them into few classes,
    * ``energy_per_atom_min``, ``energy_per_atom_max`` in eV,
    * ``force_max``: the largest norm of a force in eV/Å,
    * ``shortest_distance_min``, ``shortest_distance_max``: over the frames, of the shortest distance in each, in Å;
      distances beyond 5 Å are not looked for,
    * ``grade_max``: the highest extrapolation grade.

    A frame's origin is the node in which it first appeared (UUID and index), and the MD step at which it was taken.
    """

    _CLS_NODE_CACHING = FramesCaching

    def __init__(self, frames: Frames | None = None, **kwargs: Any) -> None:
        """Pack configurations.

        :param frames: the configurations.
        """
        super().__init__(**kwargs)
        if frames is not None:
            self._set_frames(frames)

    @classmethod
    def from_atoms(cls, images: list[Atoms]) -> FramesData:
        """Pack ASE atoms, with the labels, momenta and grades that they carry (see `Frames.from_atoms`).

        Constraints are not kept, of which a warning tells.
        """
        constrained = sum(bool(image.constraints) for image in images)
        if constrained:
            warnings.warn(
                f'The constraints of {constrained} of {len(images)} configurations are not kept: frames hold none. '
                'Bands and relaxations take the indices of atoms that stay in place as the option `fixed`.',
                stacklevel=2,
            )
        return cls(Frames.from_atoms(images))

    # -- content ------------------------------------------------------------------------------------------------------

    def get_frames(self, *, trace: bool = False) -> Frames:
        """Return the configurations. The arrays are read afresh and belong to the caller.

        :param trace: name this node as the origin of those frames that have none yet; a function that makes a new node
            from these frames asks for it, so that each frame remembers where it first appeared.
        :raises FileNotFoundError: if the arrays were left out of the archive that the node came from.
        """
        frames = Frames(**{name: array for name, array in self._read_all().items() if name in ARRAYS})
        return _with_origin(frames, self.uuid) if trace else frames

    def get_atoms(self, index: int) -> Atoms:
        """Return one configuration as ASE atoms, with its labels attached.

        :param index: from 0; negative values count from the end.
        :raises IndexError: if there is no such frame.
        """
        return self.get_frames()[index].to_atoms()[0]

    @property
    def hashes(self) -> list[str]:
        """Content hash of each frame: of species, cell and positions rounded to 1e-6 Å (see `Frames.hashes`)."""
        return [str(value) for value in self._read_all(HASHES)[HASHES].astype('U64')]

    def __len__(self) -> int:
        return self.n_frames

    def __bool__(self) -> bool:
        return True  # a node without frames is a node still: `if node:` keeps its meaning

    # -- attributes ---------------------------------------------------------------------------------------------------

    @property
    def is_left_out(self) -> bool:
        """Whether the node came from an archive that its arrays were left out of: only the attributes are known."""
        return FILENAME in self.base.extras.get(LEFT_OUT_EXTRA, {})

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.base.attributes.get('n_frames', 0))

    @property
    def n_atoms(self) -> int:
        """Number of atoms of all frames together."""
        return int(self.base.attributes.get('n_atoms', 0))

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that occur, in order of atomic number."""
        return tuple(self.base.attributes.get('elements', ()))

    @property
    def formulas(self) -> dict[str, int]:
        """Chemical formulas in Hill order, and how many frames there are of each."""
        return dict(self.base.attributes.get('formulas', {}))

    @property
    def methods(self) -> dict[str, int]:
        """Who computed energies, forces and stresses, and how many frames by each; unknown (``''``) in older nodes."""
        return dict(self.base.attributes.get('methods', {'': self.n_labelled} if self.n_labelled else {}))

    @property
    def energy_kinds(self) -> dict[str, int]:
        """Kinds of energies, and how many frames there are of each; unknown (``''``) in older nodes."""
        return dict(self.base.attributes.get('energy_kinds', {'': self.n_labelled} if self.n_labelled else {}))

    @property
    def feature_values(self) -> dict[str, dict[str, int]]:
        """How many frames there are by each value of each feature that sorts them into few classes."""
        return dict(self.base.attributes.get('feature_values', {}))

    @property
    def n_predicted(self) -> int:
        """Number of frames of which a potential predicted what is known; not known of older nodes, which say 0."""
        return int(self.base.attributes.get('n_predicted', 0))

    @property
    def n_labelled(self) -> int:
        """Number of frames that have a finite energy and finite forces, which no potential predicted."""
        return int(self.base.attributes.get('n_labelled', 0))

    @property
    def is_labelled(self) -> bool:
        """Whether there are frames and all of them have an energy and forces that no potential predicted."""
        return bool(self.base.attributes.get('is_labelled', False))

    # -- storage ------------------------------------------------------------------------------------------------------

    def get_array(self, name: str | None = None) -> np.ndarray:
        """Return an array. It is read afresh and belongs to the caller.

        :param name: name of the array.
        :raises KeyError: if there is no array of that name.
        """
        if name not in self.get_arraynames():
            raise KeyError(f'Array with name `{name}` not found in FramesData<{self.pk}>')
        return self._read_all(name)[name]

    def set_array(self, name: str, array: np.ndarray) -> None:
        """Add an array, or replace one; this changes neither the attributes nor the hashes of the frames.

        :param name: name of the array.
        :param array: its content.
        """
        self._validate_array_name(name)
        self._write_all({**self._read_all(), name: array})

    def delete_array(self, name: str) -> None:
        """Remove an array.

        :param name: name of the array.
        :raises KeyError: if there is no array of that name.
        """
        arrays = self._read_all()
        del arrays[name]
        self.base.attributes.delete(f'{self.array_prefix}{name}')
        self._write_all(arrays)

    def _set_frames(self, frames: Frames) -> None:
        arrays = {name: getattr(frames, name) for name in ARRAYS if getattr(frames, name) is not None}
        self._write_all({**arrays, HASHES: np.array(frames.hashes(), dtype='S64')})
        self.base.attributes.set_many(_summary(frames))

    def _write_all(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the arrays to the repository, and their shapes to the attributes."""
        buffer = io.BytesIO()
        np.savez(buffer, **{name: _pack(name, array) for name, array in arrays.items()})  # type: ignore[arg-type]
        self.base.repository.put_object_from_bytes(buffer.getvalue(), FILENAME)
        shapes = {f'{self.array_prefix}{name}': list(array.shape) for name, array in arrays.items()}
        self.base.attributes.set_many(shapes)

    def _read_all(self, *names: str) -> dict[str, np.ndarray]:
        """Read arrays from the repository.

        :param names: of the arrays; all if none is named.
        """
        if FILENAME not in self.base.repository.list_object_names():
            if self.is_left_out:
                raise FileNotFoundError(
                    f'The frames of node {self.pk} ({self.uuid}) were left out of the archive that it came from.'
                )
            return {}
        content = io.BytesIO(self.base.repository.get_object_content(FILENAME, mode='rb'))
        with np.load(content, allow_pickle=False) as archive:
            return {name: _unpack(name, archive[name]) for name in names or archive.files}

    def _arraynames_from_files(self) -> list[str]:
        """Return the names of the arrays in the file, with which `ArrayData` compares those in the attributes."""
        if FILENAME not in self.base.repository.list_object_names():
            return []
        with self.base.repository.open(FILENAME, mode='rb') as handle, np.load(handle, allow_pickle=False) as archive:
            return list(archive.files)

    def _validate(self) -> bool:
        """Check that the arrays are configurations and that the attributes describe them.

        :raises StoringNotAllowed: with the reason.
        """
        super()._validate()
        names = set(self.get_arraynames())
        missing = {'ptr', 'numbers', 'positions', 'cells', 'pbc', HASHES} - names
        if missing:
            raise StoringNotAllowed(
                f'The array(s) {", ".join(sorted(missing))} are missing: give frames to FramesData.'
            )
        unknown = names - {*ARRAYS, HASHES}
        if unknown:
            raise StoringNotAllowed(f'The array(s) {", ".join(sorted(unknown))} do not belong to FramesData.')
        try:
            frames = self.get_frames()
        except FramesError as exception:
            raise StoringNotAllowed(str(exception)) from exception
        if self.hashes != frames.hashes():
            raise StoringNotAllowed('The array `hashes` does not belong to the frames.')
        try:
            composition = _composition(frames)
        except ValueError as exception:
            raise StoringNotAllowed(f'The features of a frame are damaged: {exception}') from exception
        for key, value in composition.items():
            if self.base.attributes.get(key, None) != value:
                raise StoringNotAllowed(f'The attribute `{key}` does not describe the frames, for which it is {value}.')
        return True


def _pack(name: str, array: np.ndarray) -> np.ndarray:
    """Return an array as it is written: texts take a byte a letter instead of four."""
    return np.strings.encode(np.asarray(array, dtype=str), 'utf-8') if name in TEXTS else array


def _unpack(name: str, array: np.ndarray) -> np.ndarray:
    return np.strings.decode(array, 'utf-8') if name in TEXTS and array.dtype.kind == 'S' else array


def _with_origin(frames: Frames, uuid: str) -> Frames:
    """Name a node as the origin of those frames that have none yet."""
    number = len(frames)
    uuids = np.full(number, '', dtype='U36') if frames.origin_uuids is None else frames.origin_uuids
    indices = np.full(number, -1) if frames.origin_indices is None else frames.origin_indices
    unknown = uuids == ''
    return frames.replace(
        origin_uuids=np.where(unknown, uuid, uuids), origin_indices=np.where(unknown, np.arange(number), indices)
    )


def _summary(frames: Frames) -> dict[str, Any]:
    """Return the attributes of a node that holds these frames."""
    forces = None if frames.forces is None else np.linalg.norm(frames.forces, axis=1)
    energies = None if frames.energies is None else frames.energies / frames.sizes
    shortest = find_shortest_distances(frames)
    return {
        **_composition(frames),
        'energy_per_atom_min': _extreme(energies, np.min),
        'energy_per_atom_max': _extreme(energies, np.max),
        'force_max': _extreme(forces, np.max),
        'shortest_distance_min': _extreme(shortest, np.min),
        'shortest_distance_max': _extreme(shortest, np.max),
        'grade_max': _extreme(frames.grades, np.max),
    }


def _composition(frames: Frames) -> dict[str, Any]:
    """Return the attributes that are cheap to find, which are checked before a node is stored."""
    return {
        'n_frames': len(frames),
        'n_atoms': int(frames.ptr[-1]),
        'elements': list(frames.elements),
        'formulas': dict(Counter(frames.formulas)),
        'is_labelled': frames.is_labelled,
        'n_labelled': int(frames.labelled.sum()),
        'n_predicted': int((frames.is_predicted & frames.is_computed).sum()),
        'methods': _count(frames.methods, frames.is_computed),
        'energy_kinds': _count(frames.energy_kinds, frames.is_computed),
        'feature_values': {} if frames.features is None else count_values(frames.features),
    }


def _count(texts: np.ndarray | None, among: np.ndarray) -> dict[str, int]:
    """Return how many of some frames there are by each text."""
    if texts is None:
        return {'': int(among.sum())} if among.any() else {}
    values, counts = np.unique(texts[among], return_counts=True)
    return {str(value): int(count) for value, count in zip(values, counts, strict=True)}


def find_shortest_distances(frames: Frames) -> np.ndarray:
    """Return the shortest distance in each frame in Å, infinity where none is within the second cut-off.

    :param frames: any; most have a distance within the first cut-off, which is quick.
    """
    near, far = DISTANCE_CUTOFFS
    shortest = frames.shortest_distances(near)
    apart = np.isinf(shortest)
    if apart.any():
        shortest[apart] = frames[apart].shortest_distances(far)
    return shortest


def _extreme(values: np.ndarray | None, function: Any) -> float | None:
    """Return the smallest or largest of the values that are known (finite), or None where nothing is known."""
    if values is None:
        return None
    known = values[np.isfinite(values)]
    return float(function(known)) if known.size else None

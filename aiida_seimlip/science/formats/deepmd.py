"""Folders of DeePMD: a system each, with its atoms in ``type.raw`` and its frames in ``set.*/*.npy``.

Lengths are in Å, energies in eV, forces in eV/Å. ``virial.npy`` is −V·σ in eV, with the stress σ in ASE's sign. In
systems of mixed types ``real_atom_types.npy`` tells the types of each frame, and -1 stands for no atom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError

import numpy as np
from ase.data import atomic_numbers

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.frames import Frames, FramesError
from aiida_seimlip.science.units import tensor_to_voigt

TYPES = 'type.raw'
TYPE_MAP = 'type_map.raw'
NOT_PERIODIC = 'nopbc'
LABELS = ('energy', 'force', 'virial')
SINGLE = 'Numbers have single precision: positions to about 1e-6 Å, energies to about 1e-7 of their size.'

_DAMAGES = (ValueError, OSError, EOFError, MemoryError, OverflowError, SyntaxError, TypeError, KeyError, TokenError)
"""What numpy raises for damaged files."""


@dataclass(frozen=True, eq=False)
class DeepmdFrames:
    """Frames of all systems in a folder.

    :param frames: in the order of the systems' names and of their sets.
    :param sources: system, by its path in the folder, and index in it from 0, of each frame.
    :param notes: what a user should know, one sentence each.
    """

    frames: Frames
    sources: tuple[tuple[str, int], ...]
    notes: tuple[str, ...] = ()


def is_deepmd(path: str | Path) -> bool:
    """Return whether a folder is a system of DeePMD, or holds some."""
    return bool(_systems(Path(path)))


def read_deepmd(path: str | Path, species: Sequence[str] | None = None) -> DeepmdFrames:
    """Read a system, or a folder of systems.

    :param path: of the folder.
    :param species: chemical symbols in type order, for systems without ``type_map.raw``.
    :raises FormatError: if there is no system, or one is not sound; the message names the file.
    """
    root = Path(path)
    systems = _systems(root)
    if not systems:
        raise FormatError(f'There is no `{TYPES}`: this is no folder of DeePMD.', name=str(path))
    parts, sources, is_single = [], [], False
    for system in systems:
        reader = _System(system, species)
        frames = reader.frames()
        is_single = is_single or reader.is_single
        parts.append(frames)
        sources += [(str(system.relative_to(root)), index) for index in range(len(frames))]
    return DeepmdFrames(Frames.concatenate(parts), tuple(sources), (SINGLE,) if is_single else ())


def _systems(root: Path) -> list[Path]:
    """Return the folders of systems at most three levels below a folder."""
    return sorted(found.parent for depth in range(4) for found in root.glob('*/' * depth + TYPES))


class _System:
    """One system.

    :param folder: in which it is.
    :param species: chemical symbols in type order, if the folder does not tell them.
    """

    def __init__(self, folder: Path, species: Sequence[str] | None):
        self.folder = folder
        self.is_single = False
        self.is_periodic = not (folder / NOT_PERIODIC).exists()
        self.numbers_of_types = self._numbers_of_types(species)
        self.types = self._types()

    def _error(self, name: str | Path, message: str) -> FormatError:
        return FormatError(message, name=str(self.folder / name))

    def _words(self, name: str) -> list[str]:
        try:
            return (self.folder / name).read_text(encoding='utf-8').split()
        except (OSError, UnicodeError) as exception:
            raise self._error(name, 'This is no text that can be read.') from exception

    def _numbers_of_types(self, species: Sequence[str] | None) -> np.ndarray:
        has_map = (self.folder / TYPE_MAP).exists()
        symbols = self._words(TYPE_MAP) if has_map else list(species or ())
        if not symbols:
            message = f'There is no `{TYPE_MAP}`: name the elements of the types in their order.'
            raise self._error('', message)
        unknown = [symbol for symbol in symbols if not atomic_numbers.get(symbol)]
        if unknown:
            raise self._error(TYPE_MAP if has_map else '', f'`{unknown[0][:20]}` is no chemical element.')
        return np.array([atomic_numbers[symbol] for symbol in symbols])

    def _types(self) -> np.ndarray:
        words = self._words(TYPES)
        if not words or not all(word.isascii() and word.isdigit() and len(word) < 9 for word in words):
            raise self._error(TYPES, 'This is no list of types from 0 on.')
        return np.array([int(word) for word in words])

    def frames(self) -> Frames:
        """Return the frames of all sets.

        :raises FormatError: if there is no set, or one is not sound.
        """
        folders = sorted(found for found in self.folder.glob('set.*') if found.is_dir())
        if not folders:
            raise self._error('', 'There is no folder `set.*` with frames.')
        return Frames.concatenate([self._set(folder.name) for folder in folders])

    def _set(self, name: str) -> Frames:
        n_atoms = len(self.types)
        positions = self._array(name, 'coord', (n_atoms, 3))
        assert positions is not None
        n_frames = len(positions)
        box = self._array(name, 'box', (3, 3), n_frames) if self.is_periodic else np.zeros((n_frames, 3, 3))
        energies, forces, virials = (
            self._array(name, label, shape, n_frames)
            for label, shape in zip(LABELS, ((), (n_atoms, 3), (3, 3)), strict=True)
        )
        numbers, is_real = self._numbers(name, n_frames)
        stresses = None
        if virials is not None and self.is_periodic and box is not None:
            with np.errstate(divide='ignore', invalid='ignore'):  # a box without volume is refused below
                stresses = -tensor_to_voigt(virials) / np.abs(np.linalg.det(box))[:, None]
        try:
            return Frames(
                numbers=numbers[is_real],
                positions=positions[is_real],
                ptr=np.concatenate([[0], np.cumsum(is_real.sum(axis=1))]),
                cells=box,  # type: ignore[arg-type]
                pbc=np.full((n_frames, 3), self.is_periodic),
                energies=energies,
                forces=None if forces is None else forces[is_real],
                stresses=stresses,
            )
        except FramesError as exception:
            raise self._error(name, str(exception)) from exception

    def _numbers(self, name: str, n_frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Return atomic numbers and which atoms there are; both of shape (n_frames, n_atoms)."""
        types = self._array(name, 'real_atom_types', (len(self.types),), n_frames)
        origin = TYPES if types is None else f'{name}/real_atom_types.npy'
        types = np.tile(self.types, (n_frames, 1)) if types is None else types
        lowest = 0 if origin == TYPES else -1
        if np.any((types < lowest) | (types >= len(self.numbers_of_types)) | (types != np.rint(types))):
            raise self._error(origin, f'It holds types other than 0 to {len(self.numbers_of_types) - 1}.')
        return self.numbers_of_types[types.astype(int)], types >= 0

    def _array(
        self, name: str, quantity: str, shape: tuple[int, ...], n_frames: int | None = None
    ) -> np.ndarray | None:
        """Return an array of shape (n_frames, *shape); None if there is no such file and it is not needed."""
        path = self.folder / name / f'{quantity}.npy'
        if not path.exists() and quantity not in ('coord', 'box'):
            return None
        try:
            values = np.load(path, allow_pickle=False)
            if values.dtype.kind not in 'fiu':
                raise ValueError('it holds no numbers')
            self.is_single = self.is_single or values.dtype in (np.float16, np.float32)
            array = values.astype(float)
        except FileNotFoundError as exception:
            hint = '' if quantity == 'coord' else f', and no `{NOT_PERIODIC}` that would tell that it needs none'
            raise self._error(path.relative_to(self.folder), f'There is no such file{hint}.') from exception
        except _DAMAGES as exception:
            raise self._error(path.relative_to(self.folder), f'It cannot be read: {exception}.') from exception
        count = len(array) if array.ndim and n_frames is None else n_frames or 0
        if not count or array.size != count * int(np.prod(shape)) or array.shape[:1] != (count,):
            message = f'It has the shape {array.shape}, expected {(count or "frames", *shape)}.'
            raise self._error(path.relative_to(self.folder), message)
        if not np.isfinite(array).all():
            raise self._error(path.relative_to(self.folder), 'It holds numbers that are not finite.')
        return array.reshape(count, *shape)

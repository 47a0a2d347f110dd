"""Which reader a file is for, and reading of several files into one set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiida_seimlip.exchange.readers import ase_files, cfg, deepmd, extxyz, packed, vasp
from aiida_seimlip.exchange.readers.files import is_model, read_head, sha256_of
from aiida_seimlip.exchange.readers.found import (
    SOURCE_FILE,
    SOURCE_INDEX,
    Found,
    Part,
    ReadError,
    ReadOptions,
    Source,
    Tally,
)
from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.frames import Frames, FramesError

Recognise = Callable[[Path, bytes], bool]


@dataclass(frozen=True)
class Format:
    """A format of labelled frames.

    :param name: what users call it.
    :param recognise: tells by path and first bytes whether a file is of this format.
    :param read: reads one.
    """

    name: str
    recognise: Recognise
    read: Callable[[Path, ReadOptions], Part]


FORMATS = (
    Format('configurations of MLIP (.cfg)', cfg.is_cfg, cfg.read_cfg_file),
    Format('a trajectory of ASE', ase_files.is_trajectory, ase_files.read_trajectory),
    Format('a database of ASE', ase_files.is_database, ase_files.read_database),
    Format('a vasprun.xml', vasp.is_vasprun, vasp.read_vasprun_file),
    Format('an OUTCAR', vasp.is_outcar, vasp.read_outcar_file),
    Format('a folder of DeePMD', deepmd.is_folder, deepmd.read_folder),
    Format('packed arrays (.npz)', packed.is_packed, packed.read_packed),
    Format('extended XYZ', extxyz.is_extxyz, extxyz.read_extxyz),
)
"""All formats, those first that are known by their first bytes."""

OTHERS: tuple[tuple[str, Recognise, str], ...] = (
    (
        'a moment tensor potential', lambda path, head: head.startswith(b'MTP'),
        'take it in with `aiida-seimlip potential import`',
    ),
    (
        'a dump of LAMMPS', lambda path, head: head.lstrip().startswith(b'ITEM:'),
        'it holds no energies; give it as a structure',
    ),
    (
        'LAMMPS data', lambda path, head: re.search(rb'\n\s*\d+\s+atom types', head) is not None,
        'it holds no energies; give it as a structure',
    ),
    (
        'a configuration of AtomEye', lambda path, head: b'Number of particles' in head[:200],
        'write it as extended XYZ first',
    ),
    (
        'a CIF', lambda path, head: re.search(rb'(^|\n)data_\S*\s', head) is not None and b'_cell_length' in head,
        'it holds no energies; give it as a structure',
    ),
    (
        'a model of PyTorch', is_model,
        'take it in with `aiida-seimlip potential import`',
    ),
)  # fmt: skip
"""What is no set of frames, and what to do with it."""


def recognise(path: Path) -> Format:
    """Return the format of a file, by its content and, where that leaves a choice, by its name.

    :param path: of the file or folder.
    :raises ReadError: if there is no such file, or its format is not known.
    """
    if not path.exists():
        raise ReadError(f'There is no file {path}.')
    try:
        head = read_head(path)
    except (OSError, EOFError) as exception:
        raise ReadError(f'The file {path} cannot be read: {exception}') from exception
    if path.is_file() and not head.strip():
        raise ReadError(f'The file {path} is empty.')
    for known in FORMATS:
        if known.recognise(path, head):
            return known
    for name, is_it, what_to_do in OTHERS:
        if is_it(path, head):
            raise ReadError(f'The file {path} is {name}, no set of labelled frames: {what_to_do}.')
    raise ReadError(f'The format of {path} is not known; these are: {", ".join(known.name for known in FORMATS)}.')


def read_frames(paths: Sequence[str | Path], options: ReadOptions | None = None) -> Found:
    """Read files into one set of frames, in order.

    :param paths: files, or folders of formats that are folders.
    :param options: what the user says about them.
    :raises ReadError: if a file cannot be taken in; the message names it.
    """
    options = options or ReadOptions()
    parts, sources, tally = [], [], Tally()
    for path in map(Path, paths):
        known = recognise(path)
        part = _read(known, path, options)
        parts.append(_with_source(part.frames, path.name))
        sources.append(Source(path.name, known.name, sha256_of(path), len(part.frames)))
        tally.add(part.tally)
    frames = _with_method(Frames.concatenate(parts), options)
    _check_keys(options, tally)
    lacking = [symbol for symbol in frames.elements if options.species and symbol not in options.species]
    if lacking:
        raise ReadError(f'The frames hold {", ".join(lacking)}, but the species are {", ".join(options.species)}.')
    lost = [key for key in tally.lost if key not in options.keys.ignored]
    if lost and frames.stresses is None:
        raise ReadError(
            f'The stresses under {_names(lost)} cannot be used (they are not finite, or no frame is periodic in '
            f'all directions): say --ignore {lost[0]} to do without.'
        )
    return Found(frames, tuple(sources), tally)


def _read(known: Format, path: Path, options: ReadOptions) -> Part:
    try:
        part = known.read(path, options)
    except (ReadError, FormatError) as exception:
        text = str(exception).removeprefix(f'{path.name}, ')
        raise ReadError(f'The file {path}, {known.name}: {text}') from exception
    except FramesError as exception:
        raise ReadError(f'The file {path}, {known.name}, holds no possible configurations: {exception}') from exception
    except (OSError, EOFError, UnicodeError) as exception:
        raise ReadError(f'The file {path}, {known.name}, cannot be read: {exception}') from exception
    if not len(part.frames):
        raise ReadError(f'The file {path}, {known.name}, holds no frames.')
    return part


def _with_source(frames: Frames, name: str) -> Frames:
    """Note where each frame was read, unless an earlier import has."""
    features = [frames.features_of(index) for index in range(len(frames))]
    return frames.with_features([
        {SOURCE_FILE: name, SOURCE_INDEX: str(index), **item} for index, item in enumerate(features)
    ])  # fmt: skip


def _with_method(frames: Frames, options: ReadOptions) -> Frames:
    """Say who calculated the labels, and which energy it is, where the files do not.

    :raises ReadError: if the files say otherwise, or hold energies of several kinds.
    """
    computed = frames.is_computed
    nothing = np.full(len(frames), '')
    methods = nothing if frames.methods is None else frames.methods
    kinds = nothing if frames.energy_kinds is None else frames.energy_kinds
    others = sorted(set(methods[computed & ~frames.is_predicted].tolist()) - {'', options.method})
    if options.method and others:
        raise ReadError(f'--method is `{options.method}`, but the files say `{"`, `".join(others)}`.')
    methods = np.where(computed & (methods == ''), options.method, methods)
    has_energy = np.zeros(len(frames), dtype=bool) if frames.energies is None else np.isfinite(frames.energies)
    kinds = np.where(has_energy & (kinds == ''), options.energy_kind, kinds)
    has_energy &= ~frames.is_predicted  # what a potential predicted is no label, of whatever kind
    different = sorted(set(kinds[has_energy].tolist()))
    if len(different) > 1:
        counts = ', '.join(f'{int((kinds[has_energy] == kind).sum())} {kind or "not known"}' for kind in different)
        raise ReadError(
            f'The energies are of several kinds ({counts}): take one of them for all frames (--energy-key), say what '
            'the others are (--energy-kind), or import them apart.'
        )
    return frames.replace(
        methods=methods if np.any(methods != '') else None, energy_kinds=kinds if np.any(kinds != '') else None
    )


def _check_keys(options: ReadOptions, tally: Tally) -> None:
    """Look for names that were given and are in no frame.

    :raises ReadError: that names the first.
    """
    used = {key for counter in tally.used.values() for key in counter} | set(tally.left_out) | set(tally.lost)
    for role, key in options.keys.chosen.items():
        if key not in used:
            raise ReadError(f'No frame has `{key}`, which --{role}-key names.')


def _names(names: Iterable[str]) -> str:
    return ', '.join(f'`{name}`' for name in names)

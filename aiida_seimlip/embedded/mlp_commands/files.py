"""What the commands read and write, and what they check before they begin."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from ase.data import chemical_symbols

from aiida_seimlip.embedded.mlp_command_line import MlpError
from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg import MLIP3_DECIMALS, CfgFile, read_cfg, write_cfg
from aiida_seimlip.science.formats.mlip3_output import NO_SELECTION_DATA
from aiida_seimlip.science.formats.mlip3_potential import read_almtp, write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

Options = dict[str, Any]

SPECIES = chemical_symbols[1:]
"""The program knows types only: type k stands for the element number k + 1 inside of it."""

# what mlp says of a fault in a cfg file, by the begin of the reason
_CFG_FAULTS = (
    (r'AtomData (?:holds|ends|goes)', 'Unable to read AtomData. Wrong Size specified?'),
    (r'The ids are not', "Invalid file format: wrong order of id's"),
    (r'END_CFG is missing', 'Unable to read field name'),
)


def say(*lines: str) -> None:
    """Print lines at once."""
    print('\n'.join(lines), flush=True)


def load_potential(name: str) -> MomentTensorPotential:
    """Read a potential.

    :raises MlpError: if the file is not there or not sound.
    """
    try:
        return read_almtp(name)
    except FormatError as error:
        in_matrices = error.byte is not None and 'active set' in error.reason
        message = 'MaxVol::ReadData(): Error loading matrices' if in_matrices else f'Error reading .mtp file "{name}"'
        raise MlpError(message, str(error)) from error
    except OSError as error:
        raise MlpError(f'Cannot open {name}', error.strerror or '') from error


def load_configurations(name: str) -> CfgFile:
    """Read configurations.

    :raises MlpError: if the file is not there or not sound, or holds fragments.
    """
    try:
        cfg = read_cfg(name, SPECIES)
    except FormatError as error:
        reason = re.sub(r'^The file ends inside the configuration that begins in line \d+: ', '', error.reason)
        message = next((text for pattern, text in _CFG_FAULTS if re.match(pattern, reason)), None)
        raise MlpError(message, str(error)) if message else MlpError(str(error)) from error
    except OSError as error:
        raise MlpError("Can't open input configurations file", f'{name}: {error.strerror}') from error
    if cfg.fragments.any():
        first = int(np.argmax(cfg.fragments)) + 1
        raise MlpError(
            f'Configuration {first} of {name} is a fragment with ghost atoms, not a periodic configuration.',
            'MLIP-3 saves fragments from LAMMPS runs on several MPI ranks; explore on one',
        )
    return cfg


def check_species(potential: MomentTensorPotential, frames: Frames) -> None:
    """Check that the potential knows all types.

    :raises MlpError: if it does not.
    """
    missing = frames.numbers[frames.numbers > potential.n_species]
    if missing.size:
        raise MlpError(f'Atomic number {missing.min() - 1} is not present in the MTP potential!', is_plain=True)


def check_trained(potential: MomentTensorPotential, name: str) -> None:
    """Check that the potential has coefficients.

    :raises MlpError: if it has not.
    """
    if not potential.is_trained:
        raise MlpError(f'The potential {name} is not trained: it has no coefficients.')


def check_active_set(potential: MomentTensorPotential) -> None:
    """Check that the potential has an active set.

    :raises MlpError: if it has not.
    """
    if potential.active_set is None:
        raise MlpError(NO_SELECTION_DATA, is_plain=True)


@contextlib.contextmanager
def refused() -> Iterator[None]:
    """Turn what the science refuses into an error of the program."""
    try:
        yield
    except ValueError as error:
        raise MlpError(str(error)) from error


@contextlib.contextmanager
def replaced(name: str) -> Iterator[Path]:
    """Yield a path to write to, and move it to `name` when the block is done; nothing is left of it otherwise.

    What is no regular file, as ``/dev/stdout``, is written to directly.
    """
    path = Path(name)
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve()
    part = target.with_name(f'.{target.name}.{os.getpid()}.part')
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def save_potential(name: str, potential: MomentTensorPotential) -> None:
    """Write a potential; at no time is there half a file."""
    with replaced(name) as path:
        path.write_bytes(write_almtp(potential))


def save_configurations(name: str, cfg: CfgFile, **changes: Any) -> None:
    """Write configurations with all that was read of them, but for some changes; at no time is there half a file."""
    columns = {
        'frames': cfg.frames, 'features': cfg.features, 'nbh_grades': cfg.nbh_grades,
        'site_energies': cfg.site_energies, 'charges': cfg.charges,
    }  # fmt: skip
    with replaced(name) as path:
        write_cfg(path, species=SPECIES, decimals=MLIP3_DECIMALS, **{**columns, **changes})


@contextlib.contextmanager
def log_to(name: str | None) -> Iterator[TextIO | None]:
    """Yield a stream for ``stdout``, ``stderr`` or a file; None for None."""
    streams = {None: None, 'stdout': sys.stdout, 'stderr': sys.stderr}
    if name in streams:
        yield streams[name]
    else:
        with Path(str(name)).open('w', encoding='utf-8') as handle:
            yield handle

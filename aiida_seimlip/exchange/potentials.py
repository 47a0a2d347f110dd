"""Potentials from files."""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict, dataclass
from pathlib import Path

from ase.data import atomic_numbers

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.exchange.imports import EXTRA
from aiida_seimlip.exchange.readers.files import is_model, read_head
from aiida_seimlip.exchange.readers.found import ReadError, Source
from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_potential import read_almtp, write_almtp
from aiida_seimlip.science.formats.torch_files import is_torchscript
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

MODEL_FILENAME = 'potential.model'
TORCHSCRIPT = 'a model in TorchScript'
TRUST = 'Loading a model runs any code that it holds'


@dataclass(frozen=True)
class PotentialOptions:
    """What the user says about a file.

    :param species: chemical symbols in type order; a file numbers them only.
    :param cutoff: in Å, for models that are not looked into.
    :param is_trusted: whether the user knows who made a model that can run any code.
    """

    species: tuple[str, ...] = ()
    cutoff: float | None = None
    is_trusted: bool = False


def read_potential(path: Path, options: PotentialOptions) -> PotentialData:
    """Return a node, not stored yet, that holds a potential from a file.

    A potential of MLIP-2 is written in the layout of MLIP-3, any other is stored byte by byte.

    :param path: of a moment tensor potential of MLIP-3 or MLIP-2, or of a model of MACE.
    :param options: what the user says about it.
    :raises ReadError: if it cannot be taken in; the message names the file and says what to do.
    """
    if not path.is_file():
        raise ReadError(f'There is no file {path}.' if not path.exists() else f'{path} is a folder, no file.')
    try:
        head, content = read_head(path), path.read_bytes()
    except (OSError, EOFError) as exception:
        raise ReadError(f'The file {path} cannot be read: {exception}') from exception
    if is_model(path, head):
        kind = TORCHSCRIPT if is_torchscript(content) else 'a model of PyTorch'
        node = _read_model(path, content, options)
    elif head.lstrip().startswith(b'MTP'):
        node, kind = _read_mtp(path, content, options), 'a moment tensor potential'
    else:
        raise ReadError(
            f'The file {path} is no potential that is known: moment tensor potentials of MLIP (.almtp, .mtp) and '
            'models of MACE (.model) are.'
        )
    digest = hashlib.sha256(content).hexdigest()
    node.label = path.name[:255]
    node.base.extras.set(EXTRA, {
        'files': [asdict(Source(path.name, kind, digest, 0))],
        'fingerprint': hashlib.sha256(f'{digest} {" ".join(node.species)}'.encode()).hexdigest(),
    })  # fmt: skip
    return node


def _read_mtp(path: Path, content: bytes, options: PotentialOptions) -> PotentialData:
    try:
        potential = read_almtp(content, options.species or None, name=path.name)
    except FormatError as exception:
        raise ReadError(f'The file {path} cannot be taken in: {exception}') from exception
    if not options.species:
        raise ReadError(
            f'The file {path} numbers its {potential.n_species} species from 0 and does not name them: say which they '
            'are in this order, such as --species Li,C,O.'
        )
    if potential.active_set is None and not _is_of_mlip3(content, potential):
        return PotentialData.from_mtp(potential)
    return PotentialData(io.BytesIO(content), PotentialData.DEFAULT_FILENAME, family='mtp', species=options.species)


def _is_of_mlip3(content: bytes, potential: MomentTensorPotential) -> bool:
    """Tell whether a file has the lines that MLIP-3 writes, in their order: MLIP-2 knows others."""

    def names(text: bytes) -> list[bytes]:
        lines = (line.strip(b' \t') for line in text.rstrip(b'\n').split(b'\n'))
        return [line.partition(b'=')[0].rstrip(b' ') if b'=' in line else line[:1] for line in lines]

    return names(content) == names(write_almtp(potential))


def _read_model(path: Path, content: bytes, options: PotentialOptions) -> PotentialData:
    if not options.is_trusted and not is_torchscript(content):
        raise ReadError(f'The file {path} is a model of PyTorch. {TRUST}: say --trust if you know who made it.')
    if not options.species:
        raise ReadError(f'The file {path} is not looked into: say for which elements it is, such as --species Li,C,O.')
    if options.cutoff is None:
        raise ReadError(f'The file {path} is not looked into: say its cut-off in Å, such as --cutoff 6.')
    if is_torchscript(content):
        ordered = sorted(options.species, key=lambda symbol: atomic_numbers.get(symbol, 0))
        return PotentialData.from_mace([content], species=ordered, cutoff=options.cutoff)
    return PotentialData(
        io.BytesIO(content), MODEL_FILENAME, family='mace', species=options.species, cutoff=options.cutoff
    )

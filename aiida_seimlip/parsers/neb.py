"""The parser of ``seimlip.ase.neb``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import ExitCode
from aiida.parsers import Parser

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.parsers.method import energy_kind_of, method_of
from aiida_seimlip.science.frames import Frames

BAND_FILENAME = 'band.npz'
RESULTS_FILENAME = 'results.json'
OUT_OF_WALLTIME_BY_SCHEDULER = 120

EXIT_CODES = {
    'setup_failed': 'ERROR_CALCULATOR_SETUP', 'image_failed': 'ERROR_IMAGE_FAILED',
    'not_converged': 'ERROR_NOT_CONVERGED', 'out_of_disk': 'ERROR_OUT_OF_DISK',
    'out_of_walltime': 'ERROR_OUT_OF_WALLTIME',
}  # fmt: skip
"""Exit codes by what the script said last; if it was ended while it ran, the job was stopped from outside."""


class NebParser(Parser):
    """Attach the last band, however the job ended."""

    def parse(self, *, retrieved_temporary_folder: str, **kwargs: Any) -> ExitCode | None:  # type: ignore[override]
        """Parse the results.

        :param retrieved_temporary_folder: where the results are for the time of parsing.
        """
        folder = Path(retrieved_temporary_folder)
        try:
            results = json.loads((folder / RESULTS_FILENAME).read_text(encoding='utf-8'))
        except FileNotFoundError:
            return self.exit_codes.ERROR_OUTPUT_MISSING.format(filename=RESULTS_FILENAME)
        except ValueError as exception:
            return self.exit_codes.ERROR_OUTPUT_INVALID.format(filename=RESULTS_FILENAME, reason=str(exception))
        if (folder / BAND_FILENAME).is_file():
            try:
                band = read_band(folder / BAND_FILENAME, self.node.inputs.images.get_frames())
                kind = energy_kind_of(results.get('energy_property'))
                self.out('path', FramesData(band.computed_by(method_of(self.node), kind)))
            except (ValueError, KeyError, OSError) as exception:
                return self.exit_codes.ERROR_OUTPUT_INVALID.format(filename=BAND_FILENAME, reason=str(exception))
        self.out('results', orm.Dict({**results, 'is_converged': results['status'] == 'converged', 'n_jobs': 1}))
        return self._judge(results)

    def _judge(self, results: dict[str, Any]) -> ExitCode | None:
        """Return the exit code that says how the job ended."""
        codes, status = self.exit_codes, results['status']
        details = {'n_steps': results['n_steps'], 'reason': results['message'], 'fmax': _number(results['fmax'])}
        if status == 'converged':
            return None
        if self.node.exit_status == OUT_OF_WALLTIME_BY_SCHEDULER:
            return codes.ERROR_OUT_OF_WALLTIME.format(**details)
        name = self.node.inputs.parameters['calculator']['name']
        return codes[EXIT_CODES.get(status, 'ERROR_INTERRUPTED')].format(name=name, **details)


def read_band(path: Path, images: Frames) -> Frames:
    """Return the images of a band with energies and forces.

    :param path: of the file with ``positions``, ``energies`` and ``forces``.
    :param images: the band that the job began with.
    :raises ValueError: if the arrays do not fit the images, or hold numbers that are not finite.
    """
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in ('positions', 'energies', 'forces')}
    if arrays['positions'].shape != arrays['forces'].shape or arrays['positions'].size != images.positions.size:
        raise ValueError(f'the positions have the shape {arrays["positions"].shape}')
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError('there are values that are not finite')
    return Frames(
        numbers=images.numbers, positions=arrays['positions'].reshape(-1, 3), ptr=images.ptr, cells=images.cells,
        pbc=images.pbc, energies=arrays['energies'], forces=arrays['forces'].reshape(-1, 3),
    )  # fmt: skip


def _number(value: float | None) -> str:
    return 'not known' if value is None else f'{value:.3g}'

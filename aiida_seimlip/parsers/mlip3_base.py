"""What the parsers of ``mlp`` have in common."""

from __future__ import annotations

import dataclasses
import math
import re
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from aiida.engine import ExitCode
from aiida.parsers import Parser

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_output import find_error
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.matching import match_frames

OUT_OF_WALLTIME_BY_SCHEDULER = 120

CAUSES = {
    'ERROR_UNKNOWN_SPECIES': re.compile(r'Atomic number \d+'),
    'ERROR_BAD_DATA': re.compile(r'Configuration reading|Unable to read|Invalid file format|with \(negative\) Stress'),
}
"""Exit codes of failures whose cause is known, by what ``mlp`` says; all others are `ERROR_COMMAND_FAILED`."""


class OutputError(Exception):
    """The output of a job is not what it should be.

    :param label: of the exit code.
    :param details: what its message names.
    """

    def __init__(self, label: str, **details: Any) -> None:
        super().__init__(label)
        self.label = label
        self.details = details


class Mlip3Parser(Parser):
    """Read what one command of ``mlp`` has written."""

    COMPLETE: ClassVar[re.Pattern[str]]
    """What the command prints once it has done its work."""

    _temporary: Path | None = None

    def parse(self, retrieved_temporary_folder: str | None = None, **kwargs: Any) -> ExitCode | None:
        """Attach the outputs of the job.

        :param retrieved_temporary_folder: folder with the files that are not kept.
        :return: an exit code if the job failed.
        """
        self._temporary = Path(retrieved_temporary_folder) if retrieved_temporary_folder else None
        try:
            self.parse_job()
        except OutputError as error:
            details = {'command': self.job.COMMAND, **error.details}
            return getattr(self.exit_codes, error.label).format(**details)
        except FormatError as error:
            return self.exit_codes.ERROR_OUTPUT_UNREADABLE.format(reason=error)
        return None

    @abstractmethod
    def parse_job(self) -> None:
        """Attach the outputs of the job.

        :raises OutputError: if an output is missing or wrong.
        :raises FormatError: if a file cannot be read.
        """

    # -- what the parsers need ----------------------------------------------------------------------------------------

    @property
    def job(self) -> Any:
        """The class of the job, which knows the names of its files."""
        return self.node.process_class

    @property
    def stdout(self) -> str:
        """What the command printed.

        :raises OutputError: if it was not retrieved.
        """
        return self._read_text(self.job.STDOUT_FILE)

    @property
    def stderr(self) -> str:
        """What the command printed on the second channel.

        :raises OutputError: if it was not retrieved.
        """
        return self._read_text(self.job.STDERR_FILE)

    def check_completion(self) -> None:
        """Check that the command says that it has done its work.

        :raises OutputError: with what went wrong, if the command says so.
        """
        is_complete = self.COMPLETE.search(self.stdout) is not None
        reason = find_error(self.stdout, self.stderr, 0 if is_complete else None)
        if reason is not None:
            label = next((cause for cause, words in CAUSES.items() if words.search(reason)), 'ERROR_COMMAND_FAILED')
            raise OutputError(label, reason=f'{reason.rstrip(" .")}.')
        if not is_complete:
            is_out_of_time = self.node.exit_status == OUT_OF_WALLTIME_BY_SCHEDULER
            raise OutputError('ERROR_OUT_OF_WALLTIME' if is_out_of_time else 'ERROR_COMMAND_STOPPED')

    def read_output(self) -> dict[str, bytes]:
        """Return the contents of the file that the command wrote, or of its parts, in the order of the MPI ranks.

        :raises OutputError: if there is none.
        """
        name = self.job.OUTPUT_FILE
        contents = {path.name: path.read_bytes() for path in self._temporary.iterdir()} if self._temporary else {}
        parts = [part for part in contents if re.fullmatch(rf'{re.escape(name)}(\.\d+)?', part)]
        if not parts:
            raise OutputError('ERROR_OUTPUT_MISSING', filename=name)
        return {part: contents[part] for part in sorted(parts, key=lambda part: (len(part), part))}

    def read_configurations(self, originals: Frames) -> tuple[Frames, np.ndarray]:
        """Return the configurations that the command wrote, and which input configurations they are.

        The command writes fewer digits than it reads, MPI ranks deal the configurations out among their files, and a
        selection is a part only: so each is found again by its geometry.

        :param originals: the input configurations.
        :return: the configurations, and the index of the original of each.
        :raises OutputError: if a configuration is none of the originals.
        """
        species = self.node.inputs[self.job.POTENTIAL_PORT].species
        files = [read_cfg(content, species, name=name) for name, content in self.read_output().items()]
        frames = Frames.concatenate(file.frames for file in files)
        indices = match_frames(frames, originals)
        if np.any(indices < 0):
            reason = f'configuration {np.argmax(indices < 0) + 1} in `{self.job.OUTPUT_FILE}` is not in the input.'
            raise OutputError('ERROR_OUTPUT_MISMATCH', reason=reason)
        return frames, indices

    def read_all_configurations(self, originals: Frames) -> Frames:
        """Return the configurations that the command wrote in the order of the input, of which none may be missing.

        :param originals: the input configurations.
        :raises OutputError: if one is missing, or is none of the originals.
        """
        frames, indices = self.read_configurations(originals)
        missing = np.setdiff1d(np.arange(len(originals)), indices)
        if missing.size or len(frames) != len(originals):
            reason = f'`{self.job.OUTPUT_FILE}` holds {len(frames)} of {len(originals)} configurations.'
            raise OutputError('ERROR_OUTPUT_MISMATCH', reason=reason)
        return frames[np.argsort(indices)]

    def _read_text(self, name: str) -> str:
        try:
            return self.retrieved.base.repository.get_object_content(name, mode='rb').decode('utf-8', 'replace')
        except FileNotFoundError as exception:
            raise OutputError('ERROR_OUTPUT_STDOUT_MISSING', filename=name) from exception


def plain(value: Any) -> Any:
    """Turn results into plain JSON types, with None for numbers that are not finite.

    :param value: a dataclass, mapping, sequence, array or number.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value

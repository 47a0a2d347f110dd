"""The parser of ``seimlip.lammps.probe``."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode
from aiida.parsers import Parser

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_help import parse_help


class LammpsProbeParser(Parser):
    """Attach what LAMMPS says of itself."""

    def parse(self, **kwargs: Any) -> ExitCode | None:
        """Parse the help text."""
        names = (self._job.STDOUT_FILENAME, self._job.STDERR_FILENAME)
        present = self.retrieved.base.repository.list_object_names()
        if names[0] not in present:
            return self.exit_codes.ERROR_OUTPUT_MISSING.format(filename=names[0])
        stdout, stderr = (self._read(name) if name in present else '' for name in names)
        try:
            found = parse_help(stdout, name=names[0])
        except FormatError as error:
            return self.exit_codes.ERROR_NOT_LAMMPS.format(reason=_describe(error, stdout, stderr))
        self.out('results', orm.Dict({
            'version': found.version, 'packages': list(found.packages), 'pair_styles': list(found.pair_styles),
            'dialects': list(found.dialects),
        }))  # fmt: skip
        return None

    @property
    def _job(self) -> Any:
        """The class of the job, which knows the names of its files."""
        return self.node.process_class

    def _read(self, name: str) -> str:
        content: bytes = self.retrieved.base.repository.get_object_content(name, mode='rb')
        return content.decode(errors='replace')


def _describe(error: FormatError, stdout: str, stderr: str) -> str:
    """Say what the program printed instead, as far as a reader wants to know."""
    printed = next((line.strip() for text in (stderr, stdout) for line in text.splitlines() if line.strip()), None)
    return f'{error.reason} It printed: {printed}' if printed else 'It printed nothing.'

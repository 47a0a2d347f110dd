"""Fixtures for the parsers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

TEXTS = ('stdout.txt', 'stderr.txt')


@pytest.fixture
def parse_mlip3(parse_recording, fixtures) -> Callable[..., Any]:
    """Return a function that runs the parser of a command of ``mlp`` on a recording.

    Its arguments are the command; the name of the recording; the inputs of the job; ``files``: files that the job
    retrieves temporarily, by name: the path in the recordings, a path or a content; ``texts``: what replaces the
    recorded ``stdout.txt`` or ``stderr.txt``, None if the file is missing.
    """

    def factory(
        command: str,
        case: str,
        inputs: Mapping[str, Any],
        files: Mapping[str, str | Path | bytes] | None = None,
        texts: Mapping[str, str | None] | None = None,
    ) -> Any:
        folder = fixtures / 'mlip3'
        replaced = {name: folder / case / name for name in TEXTS} | dict(texts or {})
        retrieved = {name: content for name, content in replaced.items() if content is not None}
        temporary = {
            name: folder / content if isinstance(content, str) else content for name, content in (files or {}).items()
        }
        return parse_recording(f'seimlip.mlip3.{command}', retrieved, inputs, temporary=temporary)

    return factory

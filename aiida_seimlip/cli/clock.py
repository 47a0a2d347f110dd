"""Wall time of the parts of a command."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Wall time of the parts of a command."""

    def __init__(self) -> None:
        self.began = time.time()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time spent in the block to a part."""
        start = time.time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.time() - start

    @property
    def total(self) -> float:
        """Seconds since the beginning."""
        return time.time() - self.began

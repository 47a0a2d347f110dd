"""What can go wrong in packing."""

from __future__ import annotations


class PackingError(ValueError):
    """The molecules do not fit into the cell."""


class MissingProgramError(PackingError):
    """A program or library that packs is not installed; the message says how to install it."""


class PackingTimeoutError(PackingError):
    """Packing took longer than it may."""

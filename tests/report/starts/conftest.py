"""Starts that were made by a toy engine."""

from __future__ import annotations

from tests.workflows.starts.conftest import starts_inputs, toy

__all__ = ('starts_inputs', 'toy')

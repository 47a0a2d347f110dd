"""Names of phases, for options."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from aiida_seimlip.science.structures.crystals import CRYSTALS


def _are_known(names: list[str]) -> list[str]:
    unknown = [name for name in names if name not in CRYSTALS]
    if unknown:
        raise ValueError(f'there is no crystal `{unknown[0]}`; there are {", ".join(CRYSTALS)}')
    return names


CrystalNames = Annotated[list[str], AfterValidator(_are_known)]
"""Names of phases in `CRYSTALS`."""

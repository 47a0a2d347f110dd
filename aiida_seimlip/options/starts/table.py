"""What became of each start: the content of the output `table` of `StartsWorkChain`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aiida_seimlip.options.records import Record

Verdict = Literal['passed', 'dropped', 'failed']
"""A start is of use, was left out by a check, or was not made at all."""


class UnitsRecord(Record):
    """The units of one kind in a start."""

    n_packed: int = Field(description='Units that were packed.')
    n_whole: int = Field(description='Of these, units that have the bonds still that they were packed with.')
    pieces: dict[str, int] = Field(
        default_factory=dict, description='What became of the others: formula of each piece, and how many there are.'
    )


class StartRecord(Record):
    """One start."""

    name: str = Field(description='Of the start, as in the recipe.')
    verdict: Verdict
    reason: str | None = Field(default=None, description='Why it did not pass, in a sentence.')
    doubts: list[str] = Field(default_factory=list, description='What to know of it all the same, in sentences.')
    index: int | None = Field(default=None, description='Of its frame in the output `frames`; none if it is not there.')
    packed_index: int | None = Field(
        default=None, description='Of its frame in the output `packed`; none if it was not packed.'
    )
    counts: dict[str, int] = Field(default_factory=dict, description='How many there are of each molecule or ion.')
    charge: float = Field(default=0.0, description='Of the cell in elementary charges.')
    formula: str = Field(default='', description='In Hill order.')
    n_atoms: int = 0
    packing: str | None = Field(default=None, description='How it was packed.')
    seed: int | None = Field(default=None, description='That it was packed with.')
    packed_density: float | None = Field(default=None, description='After packing, in g/cm³.')
    method: str = Field(default='', description='Who computed energy, force and pressure.')
    density: float | None = Field(default=None, description='At the end, in g/cm³.')
    energy_per_atom: float | None = Field(default=None, description='In eV.')
    max_force: float | None = Field(default=None, description='Largest norm of a force, in eV/Å.')
    pressure: float | None = Field(default=None, description='In GPa; positive in compression.')
    temperature_range: tuple[float, float] | None = Field(
        default=None, description='Lowest and highest temperature on the way, in K; none without dynamics.'
    )
    units: dict[str, UnitsRecord] = Field(default_factory=dict, description='Bonded units by molecule.')
    new_bonds: list[str] = Field(
        default_factory=list, description='Bonds between units that had none: both elements, and the length.'
    )
    shortest_distance: float | None = Field(default=None, description='Between two atoms, in Å.')
    same_as: str | None = Field(default=None, description='Name of the start before it that is the same structure.')

    @property
    def n_broken(self) -> int:
        """Units that are not whole."""
        return sum(unit.n_packed - unit.n_whole for unit in self.units.values())


class StartsTable(Record):
    """All starts, in the order in which they were packed."""

    starts: list[StartRecord] = Field(default_factory=list)
    condensation: str | None = Field(default=None, description='Engine that condensed them; none if none did.')
    warnings: list[str] = Field(default_factory=list, description='What to know of all of them, in sentences.')

    @property
    def passed(self) -> list[StartRecord]:
        """Those of use, in the order of their frames."""
        return sorted((start for start in self.starts if start.index is not None), key=lambda start: start.index or 0)

    @property
    def names(self) -> list[str]:
        """Names of the frames of the output `frames`, in their order."""
        return [start.name for start in self.passed]

    @property
    def share_dropped(self) -> float:
        """Share of the starts that are not of use."""
        return 1.0 - len(self.passed) / len(self.starts) if self.starts else 0.0

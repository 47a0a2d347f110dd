"""What was packed: the content of the output `table` of `pack_recipe`."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from aiida_seimlip.options.records import Record


class MoleculeRecord(Record):
    """A molecule that cells were packed from."""

    formula: str = Field(description='In Hill order.')
    n_atoms: int
    charge: int = Field(description='In e.')
    volume: float = Field(description='That it takes up in a condensed cell, in Å³.')
    source: str = Field(description='Where geometry and volume come from.')


class PackedRecord(Record):
    """One start."""

    name: str = Field(description='Of the start, as in the recipe.')
    counts: dict[str, int] = Field(description='Number of each molecule; they lie in the frame in order of the names.')
    charge: int = Field(description='Of the cell in e, atoms of Li giving their electrons to anions.')
    n_atoms: int
    seed: int = Field(description='That it was packed with.')
    reason: str | None = Field(default=None, description='Why it was not packed, in sentences; none if it was.')
    method: str | None = Field(default=None, description='How it was packed; none if it was not, as all that follows.')
    program: str | None = Field(default=None, description='That packed it, with its version.')
    tolerance: float | None = Field(default=None, description='Shortest distance between molecules asked for, in Å.')
    shortest: float | None = Field(default=None, description='Shortest distance between molecules, in Å, up to 5 Å.')
    density: float | None = Field(default=None, description='In g/cm³.')
    lengths: tuple[float, float, float] | None = Field(default=None, description='Edges of the cell in Å.')
    seconds: float | None = Field(default=None, description='That it took.')
    notes: list[str] = Field(default_factory=list, description='What was tried before, in sentences.')


class PackedTable(Record):
    """All starts of a recipe; those without a `reason` are the frames, in this order."""

    starts: list[PackedRecord]
    molecules: dict[str, MoleculeRecord] = Field(description='By name.')
    warnings: list[str] = Field(default_factory=list, description='What to know of all of them, in sentences.')

    @property
    def packed(self) -> list[PackedRecord]:
        """Those that were packed, in the order of their frames."""
        return [start for start in self.starts if start.reason is None]

    @property
    def names(self) -> list[str]:
        """Names of the frames, in their order."""
        return [start.name for start in self.packed]

    def molecules_of(self, start: PackedRecord) -> list[str]:
        """Return the name of each molecule of a start, in the order in which their atoms lie in its frame."""
        return [name for name in sorted(start.counts) for _ in range(start.counts[name])]

    def owners_of(self, start: PackedRecord) -> np.ndarray:
        """Return the number of the molecule of each atom of a start, an index into `molecules_of`; shape (n_atoms,)."""
        sizes = [self.molecules[name].n_atoms for name in self.molecules_of(start)]
        return np.repeat(np.arange(len(sizes)), sizes)

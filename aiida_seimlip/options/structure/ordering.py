"""How a disordered crystal is ordered."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.structure.defects import SupercellOptions


class OrderingOptions(Options):
    """Which ordered cells of a disordered crystal are made."""

    supercell: SupercellOptions = Field(
        default=SupercellOptions(), description='Of the crystal; its sites are filled with whole atoms.'
    )
    number: int = Field(default=5, ge=1, description='So many cells are kept, those of lowest energy.')
    seed: int = Field(default=0, ge=0, description='Of the search, where there are too many arrangements for all.')
    oxidation_states: dict[str, float] | None = Field(
        default=None, description='Charge of each element in e; by default common ones that make the cell neutral.'
    )
    min_distance: float = Field(
        default=1.0, ge=0, description='Sites that are nearer to each other in Å are not both occupied.'
    )
    max_enumerated: int = Field(
        default=20_000, ge=1, description='Up to so many arrangements, all are looked at; of more, a search finds some.'
    )
    rounded: bool = Field(
        default=False, description='Take the nearest whole numbers of atoms where the occupancies make none.'
    )
    n_evaluated: int = Field(
        default=200, ge=1, description='So many cells of lowest electrostatic energy are ranked by the potential, if '
        'one is given.',
    )  # fmt: skip
    symprec: float = Field(
        default=0.01, gt=0, description='How far in Å a site may be from the place that symmetry demands.'
    )

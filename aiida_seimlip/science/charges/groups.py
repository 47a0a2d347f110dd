"""Charges of groups of atoms: means over atoms and frames, made neutral, for dynamics with fixed charges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aiida_seimlip.science.charges.equilibration import FIXED, QeqCharges
from aiida_seimlip.science.charges.parameters import QeqError

Spreading = Literal['proportional', 'even']
"""How a charge that is too much is spread, see `neutralise`."""

NEUTRAL_E = 1e-6
"""Sums of charges up to this in e count as zero."""


@dataclass(frozen=True)
class GroupCharge:
    """The charge that all atoms of a group get.

    :param name: of the group.
    :param n_atoms: number of its atoms.
    :param charge_e: of each of them in e, after the cell was made neutral.
    :param mean_e: mean over atoms and frames before that; None if the charge was given.
    :param scatter_atoms_e: standard deviation between the atoms' means over the frames: what a common charge hides; nan
        of a single atom, None if the charge was given.
    :param scatter_frames_e: standard deviation of an atom's charge from frame to frame, root mean square over all;
        nan of a single frame, None if the charge was given.
    :param lowest_e: lowest charge of an atom in a frame; None if the charge was given.
    :param highest_e: highest charge of an atom in a frame; None if the charge was given.
    """

    name: str
    n_atoms: int
    charge_e: float
    mean_e: float | None = None
    scatter_atoms_e: float | None = None
    scatter_frames_e: float | None = None
    lowest_e: float | None = None
    highest_e: float | None = None


@dataclass(frozen=True)
class FixedCharges:
    """Charges by group, which add up to nothing.

    :param groups: the groups.
    :param excess_e: sum of the charges before they were made neutral, in e.
    :param spreading: how it was spread.
    :param source: of the charges.
    """

    groups: tuple[GroupCharge, ...]
    excess_e: float
    spreading: Spreading
    source: str
    label: str = FIXED

    @property
    def by_group(self) -> dict[str, float]:
        """Charge of an atom of each group in e."""
        return {group.name: group.charge_e for group in self.groups}

    @property
    def sum_e(self) -> float:
        """Sum of all charges in e, zero but for rounding."""
        return float(sum(group.n_atoms * group.charge_e for group in self.groups))

    def per_atom(self, groups: Sequence[str]) -> np.ndarray:
        """Return the charges of atoms in e; shape (n_atoms,).

        :param groups: name of the group of each atom.
        """
        return np.array([self.by_group[name] for name in groups], dtype=float)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return {
            'groups': [dict(vars(group)) for group in self.groups], 'excess_e': self.excess_e, 'sum_e': self.sum_e,
            'spreading': self.spreading, 'source': self.source, 'label': self.label,
        }  # fmt: skip


def average_charges(
    found: QeqCharges,
    groups: Sequence[str],
    *,
    given_e: Mapping[str, float] | None = None,
    spreading: Spreading = 'proportional',
) -> FixedCharges:
    """Return one charge for each group of atoms: its mean over atoms and frames, all made neutral.

    The means of all groups are as neutral as the cell; they are not once some are given, such as 0 for the inside of a
    metal, see `neutralise`.

    :param found: charges by charge equilibration.
    :param groups: name of the group of each atom, such as its type; shape (n_atoms,).
    :param given_e: charges in e of groups that are not averaged, by name; they are kept as they are.
    :param spreading: how the charge that is too much is spread over the other groups.
    :raises QeqError: if there is not one name for each atom, a group that is given has no atoms, or the charge cannot
        be spread.
    """
    given = dict(given_e or {})
    names = np.asarray(groups, dtype=str)
    if names.shape != (len(found.symbols),):
        raise QeqError(f'There are {names.size} names of groups for {len(found.symbols)} atoms.')
    counts = {str(name): int(count) for name, count in zip(*np.unique(names, return_counts=True), strict=True)}
    means = {name: float(found.charges_e[:, names == name].mean()) for name in counts}
    charges = neutralise({**means, **given}, counts, kept=tuple(given), spreading=spreading)
    described = tuple(
        GroupCharge(name, counts[name], charges[name])
        if name in given
        else _describe(name, found.charges_e[:, names == name], charges[name])
        for name in counts
    )
    excess = float(sum(counts[name] * {**means, **given}[name] for name in counts))
    kind = ' with the correction for slabs' if found.is_slab else ''
    source = f'charge equilibration, full Coulomb sum{kind}; {found.parameters.source}'
    return FixedCharges(described, excess, spreading, source)


def neutralise(
    charges_e: Mapping[str, float],
    counts: Mapping[str, int],
    *,
    kept: Sequence[str] = (),
    spreading: Spreading = 'proportional',
) -> dict[str, float]:
    """Return charges of groups that add up to nothing.

    - ``proportional``: each atom takes a part of the excess in proportion to the size of its charge. All charges change
      by the same share, and atoms without charge stay without: a neutral metal feels no force because of its neighbour.
    - ``even``: each atom takes the same part, which keeps the differences between groups, and charges what was neutral.

    :param charges_e: of an atom of each group in e.
    :param counts: number of atoms of each group.
    :param kept: groups whose charges do not change.
    :param spreading: ``proportional`` or ``even``.
    :raises QeqError: if a group has no atoms or no charge, or there is an excess and no group to take it, or taking it
        in proportion would turn the signs of charges.
    """
    odd = sorted(set(charges_e) ^ set(counts))
    if odd:
        raise QeqError(f'The group {odd[0]!r} has {"no atoms" if odd[0] in charges_e else "no charge"}.')
    if spreading not in ('proportional', 'even'):
        raise QeqError(f'`spreading` is {spreading!r}, but must be `proportional` or `even`.')
    excess = sum(counts[name] * charge for name, charge in charges_e.items())
    weights = {
        name: 0.0 if name in kept else (abs(charge) if spreading == 'proportional' else 1.0)
        for name, charge in charges_e.items()
    }
    total = sum(counts[name] * weight for name, weight in weights.items())
    if total == 0.0:
        if abs(excess) <= NEUTRAL_E:
            return {name: float(charge) for name, charge in charges_e.items()}
        raise QeqError(f'The charges add up to {excess:g} e, and there is no group that could take it.')
    result = {name: float(charge - excess * weights[name] / total) for name, charge in charges_e.items()}
    if spreading == 'proportional' and abs(excess) >= total:
        raise QeqError(f'The charges add up to {excess:g} e, as much as there is: they cannot be made neutral.')
    return result


def _describe(name: str, charges: np.ndarray, charge: float) -> GroupCharge:
    """Return a group with its statistics; charges of shape (n_frames, n_atoms)."""
    n_frames, n_atoms = charges.shape
    return GroupCharge(
        name=name, n_atoms=n_atoms, charge_e=charge, mean_e=float(charges.mean()),
        scatter_atoms_e=float(charges.mean(axis=0).std(ddof=1)) if n_atoms > 1 else float('nan'),
        scatter_frames_e=float(np.sqrt(charges.var(axis=0, ddof=1).mean())) if n_frames > 1 else float('nan'),
        lowest_e=float(charges.min()), highest_e=float(charges.max()),
    )  # fmt: skip

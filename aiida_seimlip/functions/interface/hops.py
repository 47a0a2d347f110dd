"""Who replaces whom in a field: hops of ions from site to site, and chains of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from aiida import orm

from aiida_seimlip.functions.interface.motion import Atoms
from aiida_seimlip.options.interface.field import HopOptions
from aiida_seimlip.options.interface.field_results import HopRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiida_seimlip.science.analysis.knock_off import HopChain
    from aiida_seimlip.science.analysis.track import Track


def find_hops(
    tracks: Mapping[str, Track], atoms: Atoms, options: HopOptions, direction: Sequence[float]
) -> tuple[HopRecord, dict[str, np.ndarray]]:
    """Follow the mobile ions of all runs in one field from site to site.

    Sites are the mean places of these ions at the begin of each run, seen from the framework.

    :param tracks: of all atoms, with their framework, by run.
    :param atoms: of the cell.
    :param options: what is a hop.
    :param direction: to look along.
    :return: what was found, and the hops of each run, see `hop_rows`.
    """
    from aiida_seimlip.science.analysis.field_velocities import take_ions
    from aiida_seimlip.science.analysis.knock_off import find_chains, summarise_chains
    from aiida_seimlip.science.analysis.site_hops import ReferenceSites, SiteError, follow_sites

    members = np.flatnonzero(atoms.mobile)
    labels = atoms.labels[members].tolist()
    chains: list[HopChain] = []
    shares, rows, doubts = [], {}, []
    for key, track in tracks.items():
        ions = take_ions(track, members)
        try:
            sites = ReferenceSites.of_track(ions, until_ps=options.until, labels=labels)
            history = follow_sites(
                ions, sites, radius=options.radius, min_stay_ps=options.min_stay, labels=labels
            )  # fmt: skip
        except SiteError as exception:
            doubts.append(f'{key}: {exception}')
            continue
        found = find_chains(history.hops, window_ps=max(options.window, ions.interval))
        shares.append(history.share_at_sites)
        chains += found
        rows[key] = hop_rows(found, members)
    if not shares:
        return HopRecord(doubts=doubts), rows
    summary = summarise_chains(chains, direction)
    share = float(np.mean(shares))
    if share < options.least_share:
        doubts.append(
            f'Only {share:.0%} of all positions of mobile ions are near a site: they leave the places that they had at '
            'the begin, so that hops are counted wrongly.'
        )
    record = HopRecord(
        n_hops=summary.n_hops, n_along=summary.n_along, n_against=summary.n_against,
        chains_by_length={str(length): count for length, count in summary.chains_by_length.items()},
        n_rings=summary.n_rings, share_in_chains=summary.share_in_chains if summary.n_hops else None,
        net_displacement=summary.net_displacement, net_displacement_in_chains=summary.net_displacement_in_chains,
        replacements={' → '.join(pair): count for pair, count in summary.replacements.items()},
        share_at_sites=share, doubts=doubts,
    )  # fmt: skip
    return record, rows


def hop_rows(chains: Sequence[HopChain], members: np.ndarray) -> np.ndarray:
    """Return hops as rows: chain, place in it, atom, from site, to site, left and arrived (ps), displacement (Å).

    Sites are numbered by the atoms that were there at the begin. Shape (n_hops, 10).

    :param chains: of one run.
    :param members: indices of the mobile ions among all atoms.
    """
    rows = [
        (number, place, members[hop.ion], members[hop.from_site], members[hop.to_site], hop.left_ps, hop.arrived_ps,
         *hop.displacement)
        for number, chain in enumerate(chains) for place, hop in enumerate(chain.hops)
    ]  # fmt: skip
    return np.array(rows, dtype=float).reshape(-1, len(COLUMNS))


COLUMNS = (
    'chain', 'place', 'atom', 'from_site', 'to_site', 'left_ps', 'arrived_ps', 'dx_angstrom', 'dy_angstrom',
    'dz_angstrom',
)  # fmt: skip
"""Of the arrays in the output `hops`."""


def store_hops(rows: Mapping[str, Any]) -> orm.ArrayData:
    """Return a node, not stored yet, with the hops of each run.

    :param rows: by the key of the run.
    """
    node = orm.ArrayData()
    for key, hops in rows.items():
        node.set_array(key, hops)
    node.base.attributes.set('columns', list(COLUMNS))
    return node

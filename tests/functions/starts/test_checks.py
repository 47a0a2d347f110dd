"""Verdicts on starts, without a workflow."""

from __future__ import annotations

import numpy as np
from aiida import orm
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.starts.checks import check_starts
from aiida_seimlip.options.starts.packed import MoleculeRecord, PackedRecord, PackedTable
from aiida_seimlip.options.starts.table import StartsTable
from aiida_seimlip.science.structures.molecules import MOLECULES


def packed_near():
    """Return two carbonates, an O of one 1.7 Å from the C of the other, and the table of their packing."""
    atoms = Atoms('CO3CO3', positions=np.zeros((8, 3)), cell=[8.0] * 3, pbc=True)
    atoms.positions[:4] = MOLECULES['CO3'].atoms.positions + 4.0
    atoms.positions[4:] = MOLECULES['CO3'].atoms.positions
    atoms.positions[4:] += atoms.positions[0] + [0.0, 0.0, 1.7] - atoms.positions[5]
    record = PackedRecord(name='near', counts={'CO3': 2}, charge=-4, n_atoms=8, seed=1, method='random', density=0.4)
    molecule = MoleculeRecord(formula='CO3', n_atoms=4, charge=-2, volume=40.0, source='here')
    table = PackedTable(starts=[record], molecules={'CO3': molecule})
    return FramesData.from_atoms([atoms]), orm.Dict(table.model_dump(mode='json'))


def verdict(options, **groups):
    packed, packing = packed_near()
    outputs = check_starts(orm.Dict(options), packing, packed=packed, **groups)
    return StartsTable.model_validate(outputs['table'].get_dict()).starts[0]


def test_packed_cells_may_be_tight():
    """Nothing has condensed them yet: what is near is no bond, and is said all the same."""
    start = verdict({'min_density': 0.1})
    assert start.verdict == 'passed'
    assert start.doubts[0].startswith('Units are bonded that were apart (C–O 1.70 Å')
    assert (start.units['CO3'].n_packed, start.units['CO3'].n_whole) == (2, 2)


def test_condensed_cells_may_not():
    packed, _ = packed_near()
    condensed = {'frames': packed, 'failures': orm.Dict({})}
    start = verdict({'min_density': 0.1}, engines=orm.Dict({'condensation': 'ase'}), condensed=condensed)
    assert (start.verdict, start.index) == ('dropped', None)
    assert start.reason.startswith('Units are bonded that were apart')

from __future__ import annotations

import pytest
from aiida import orm

from aiida_seimlip.functions.structure.slab import make_slab
from aiida_seimlip.science.structures.supercells import StructureError


def test_slab(frames_li2co3):
    parameters = {'miller': [0, 0, 1], 'thickness': 10.0, 'vacuum': 9.0, 'repeat': [2, 1]}
    made = make_slab(frames_li2co3, orm.Dict(parameters))
    record, atoms = made['record'].get_dict(), made['structure'].get_atoms(0)
    assert (record['kind'], record['bottom'], record['top'], record['is_polar']) == ('slab', 'Li', 'Li', False)
    assert len(atoms) == 2 * 6 * record['n_formula_units']
    assert made['structure'].creator.inputs.structure.uuid == frames_li2co3.uuid
    assert atoms.get_volume() / atoms.cell.lengths()[2] == pytest.approx(2 * record['area'])


def test_no_such_termination(frames_li2co3):
    with pytest.raises(StructureError, match='There is no termination 7: there are 2'):
        make_slab(frames_li2co3, orm.Dict({'miller': [0, 0, 1], 'termination': 7}))

"""Molecular units are counted as long as they are intact."""

import numpy as np
import pytest

from aiida_seimlip.science.analysis import units
from aiida_seimlip.science.analysis.units import UnknownUnitError, count_units
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import li2co3
from tests.science.analysis.molecules import carbonate_ion, ethylene_dicarbonate_ion, hexafluorophosphate_ion, in_box


def test_units_of_carbonate_crystal():
    counts = count_units(Frames.from_atoms([li2co3(), li2co3().repeat((2, 1, 2))]))
    assert {unit: values.tolist() for unit, values in counts.intact.items()} == {
        'CO3': [4, 16], 'PF6': [0, 0], 'EDC': [0, 0],
    }  # fmt: skip
    assert counts.others == {}
    assert not counts.has_decomposed


def test_units_of_the_electrolyte():
    ions = [carbonate_ion(), *2 * [hexafluorophosphate_ion()], *3 * [ethylene_dicarbonate_ion()]]
    counts = count_units(Frames.from_atoms([in_box(*ions)]))
    assert {unit: int(values[0]) for unit, values in counts.intact.items()} == {'CO3': 1, 'PF6': 2, 'EDC': 3}
    assert counts.others == {}


def test_broken_carbonate():
    whole = in_box(carbonate_ion(), carbonate_ion())
    broken = whole.copy()
    broken.positions[1] += [0, 4, 0]
    counts = count_units(Frames.from_atoms([whole, broken, whole, broken]))
    assert counts.intact['CO3'].tolist() == [2, 1, 2, 1]
    assert counts.lost('CO3').tolist() == [0, 1, 0, 1]
    assert counts.share_of_frames_with_loss('CO3') == 0.5
    assert {formula: values.tolist() for formula, values in counts.others.items()} == {
        'CO2': [0, 1, 0, 1], 'O': [0, 1, 0, 1],
    }  # fmt: skip
    assert counts.has_decomposed


def test_hexafluorophosphate_that_loses_fluorine():
    ion = hexafluorophosphate_ion()
    ion.positions[3] += [0, 0, 2]
    counts = count_units(Frames.from_atoms([in_box(ion)]))
    assert counts.intact['PF6'].tolist() == [0]
    assert {formula: values.tolist() for formula, values in counts.others.items()} == {'F': [1], 'F5P': [1]}


def test_ethylene_dicarbonate_that_loses_carbonate():
    ion = ethylene_dicarbonate_ion()
    chain = [1, 2, 3, 4]  # ether oxygen, carbonyl carbon and its ends
    ion.positions[chain] += [3, 0, 0]
    counts = count_units(Frames.from_atoms([in_box(ion)]))
    assert counts.intact['EDC'].tolist() == [0]
    assert counts.intact['CO3'].tolist() == [1]
    assert {formula: values.tolist() for formula, values in counts.others.items()} == {'C3H4O3': [1]}


def test_isomer_is_not_the_unit():
    """The same formula and the same number of bonds of each kind, but CH and CH3 instead of two CH2."""
    ion = ethylene_dicarbonate_ion()
    carbons = [0, 7]
    hydrogen = next(i for i in range(len(ion)) if ion.symbols[i] == 'H' and ion.get_distance(i, carbons[0]) < 1.2)
    ion.positions[hydrogen] = ion.positions[carbons[1]] + [0.9, 0.6, 0.0]
    counts = count_units(Frames.from_atoms([in_box(ion)]))
    assert counts.intact['EDC'].tolist() == [0]
    assert list(counts.others) == ['C4H4O6']


def test_peroxide_is_no_carbonate():
    ion = carbonate_ion()
    ion.positions[3] = ion.positions[2] + [-1.45, 0.0, 0.0]
    assert count_units(Frames.from_atoms([in_box(ion)])).intact['CO3'].tolist() == [0]


def test_parts_are_joined_in_order(monkeypatch):
    images = [in_box(*n * [carbonate_ion()]) for n in (3, 1, 2, 5, 4)]
    images[3].positions[1] += [0, 4, 0]
    frames = Frames.from_atoms(images)
    at_once = count_units(frames)
    monkeypatch.setattr(units, 'ATOMS_PER_PART', 40)
    in_parts = count_units(frames)
    assert in_parts.intact['CO3'].tolist() == at_once.intact['CO3'].tolist() == [3, 1, 2, 4, 4]
    assert in_parts.others.keys() == at_once.others.keys()
    assert all(np.array_equal(in_parts.others[name], at_once.others[name]) for name in at_once.others)


def test_no_frames():
    counts = count_units(Frames.empty())
    assert counts.n_frames == 0
    assert counts.share_of_frames_with_loss('CO3') == 0.0
    assert not counts.has_decomposed


def test_unknown_unit_is_refused():
    with pytest.raises(UnknownUnitError, match='Unit `BF4` is not among the known ones: CO3, PF6, EDC'):
        count_units(Frames.from_atoms([li2co3()]), units=['BF4'])

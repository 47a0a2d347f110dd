"""Labels of atoms: which rule holds for which, and what is a metal."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.labels import (
    LabelError,
    LabelRule,
    explain_shared_charge,
    explain_shared_label,
    find_metal,
    label_atoms,
)


def frames(atoms):
    return Frames.from_atoms([atoms])


@pytest.fixture
def interface(li2co3):
    """Return Li2CO3 on lithium: 24 and 54 atoms, 3 Å apart."""
    salt = li2co3.copy()
    metal = bulk('Li', 'bcc', a=3.44, cubic=True) * (3, 3, 3)
    height = np.ptp(metal.positions[:, 2])
    both = Atoms(cell=[30.0, 30.0, 60.0], pbc=True)
    both += metal
    salt.positions[:, 2] += height + 3.0 - salt.positions[:, 2].min()
    both += Atoms(salt.symbols, positions=salt.positions)
    return both


def test_metal_is_told_from_salt(interface):
    is_metal = find_metal(frames(interface))
    assert not is_metal[54:].any()
    inner = interface.positions[:54, 2] < interface.positions[:54, 2].max() - 0.1
    assert is_metal[:54][inner].mean() > 0.9


@pytest.mark.parametrize('structure', [('LiF', 'rocksalt', 4.03), ('Li2O', None, 4.62)])
def test_salts_are_no_metals(structure):
    formula, lattice, a = structure
    if lattice:
        atoms = bulk(formula, lattice, a=a, cubic=True)
    else:
        from ase.spacegroup import crystal

        atoms = crystal(['Li', 'O'], [(0.25, 0.25, 0.25), (0, 0, 0)], spacegroup=225, cellpar=[a, a, a, 90, 90, 90])
    assert not find_metal(frames(atoms * 2)).any()


def test_crystals_of_lithium_are_metals_and_free_ions_are_not(li2co3):
    assert find_metal(frames(bulk('Li', 'bcc', a=3.44))).all()
    assert find_metal(frames(bulk('Li', 'fcc', a=4.33))).all()
    assert not find_metal(frames(li2co3)).any()
    assert not find_metal(frames(Atoms('Li4', positions=8.0 * np.eye(4, 3), cell=[40.0] * 3, pbc=True))).any()


def test_rules(interface):
    frame = frames(interface)
    top = interface.positions[:54, 2].max()
    labels = label_atoms(frame, {'Li_metal': LabelRule('Li', high=top + 0.1)})
    assert labels[:54] == ('Li_metal',) * 54
    assert set(labels[54:]) == {'Li', 'C', 'O'}
    away = label_atoms(frame, {'metal': LabelRule('Li', away_from=('O',), cutoff=2.5)})
    assert away[54:].count('metal') == 0
    named = label_atoms(frame, {'one': LabelRule('Li', indices=(3,))}, kinds=['A'] * 78)
    assert named[3] == 'one' and named[4] == 'A'
    moved = frame.replace(positions=frame.positions - [0.0, 0.0, 60.0])
    assert label_atoms(moved, {'Li_metal': LabelRule('Li', high=top + 0.1)}) == labels


@pytest.mark.parametrize(
    ('rules', 'message'),
    [
        ({'a': LabelRule('Li', high=-1.0)}, 'holds for no atom'),
        ({'a': LabelRule('C', indices=(0,))}, 'Atom 0 is named, which is no C'),
        ({'a': LabelRule('Li', indices=(0, 1)), 'b': LabelRule('Li', indices=(1,))}, 'labels `a` and `b`'),
        ({'a': LabelRule('Q', indices=(0,))}, 'not an element'),
    ],
)
def test_rules_refused(interface, rules, message):
    with pytest.raises(LabelError, match=message):
        label_atoms(frames(interface), rules)


def test_one_charge_for_metal_and_salt(interface):
    frame = frames(interface)
    charges = {'Li': 1.0, 'C': 4.0, 'O': -2.0}
    shared = np.array([charges[symbol] for symbol in interface.symbols])
    message = explain_shared_charge(frame, shared)
    assert message is not None
    assert 'have the charge +1 e' in message
    assert 'all have the label `Li`' in explain_shared_label(frame, list(interface.symbols))
    assert explain_shared_label(frame, ['M'] * 54 + list(interface.symbols)[54:]) is None
    own = shared.copy()
    own[:54] = 0.0
    assert explain_shared_charge(frame, own) is None
    assert explain_shared_charge(frames(bulk('Li', 'bcc', a=3.44)), np.ones(1)) is None

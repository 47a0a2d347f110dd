from __future__ import annotations

import sys

import numpy as np
import pytest

from aiida_seimlip.science.analysis.bonds import find_bonds
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.molecules import MoleculeError
from aiida_seimlip.science.structures.molecules.smiles import charge_of_smiles, molecule_from_smiles

EDC = '[O-]C(=O)OCCOC(=O)[O-]'


@pytest.mark.parametrize(
    ('smiles', 'charge'),
    [
        ('C1COC(=O)O1', 0), (EDC, -2), ('[Li+]', 1), ('[Fe+3]', 3), ('[Fe+++]', 3), ('[NH4+]', 1), ('[O-2]', -2),
        ('[13CH3-:2]', -1), ('F[P-](F)(F)(F)(F)F', -1), ('C[C@H](O)C', 0),
    ],
)  # fmt: skip
def test_charges(smiles, charge):
    assert charge_of_smiles(smiles) == charge


def test_without_rdkit(monkeypatch):
    monkeypatch.setitem(sys.modules, 'rdkit', None)
    with pytest.raises(MoleculeError, match=r"it is not installed \(pip install 'aiida-seimlip\[smiles\]'\)"):
        molecule_from_smiles('EC', 'C1COC(=O)O1', seed=1)


def test_geometry():
    pytest.importorskip('rdkit', reason='RDKit (extra `smiles`) is not installed')
    made = molecule_from_smiles('mine', EDC, seed=1)
    assert (made.formula, made.charge) == ('C4H4O6', -2)
    graph = find_bonds(Frames.from_atoms([made.atoms]))
    assert len(graph.lengths) == 13 and len(np.unique(graph.units)) == 1
    np.testing.assert_array_equal(made.atoms.positions, molecule_from_smiles('mine', EDC, seed=1).atoms.positions)
    assert made.source.startswith(f'geometry: SMILES {EDC}, RDKit ')


@pytest.mark.parametrize(
    ('smiles', 'message'),
    [('C1CC', 'does not understand'), ('[Li+].[Li+].[O-]C(=O)[O-]', 'has several parts')],
)
def test_wrong_smiles(smiles, message):
    pytest.importorskip('rdkit', reason='RDKit (extra `smiles`) is not installed')
    with pytest.raises(MoleculeError, match=message):
        molecule_from_smiles('mine', smiles, seed=1)


def test_any_seed():
    """RDKit's own seeds have 32 bits."""
    pytest.importorskip('rdkit', reason='RDKit (extra `smiles`) is not installed')
    assert molecule_from_smiles('mine', 'O', seed=5_000_000_000).formula == 'H2O'

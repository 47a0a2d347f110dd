"""Molecules from SMILES, through RDKit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from ase import Atoms

from aiida_seimlip.science.seeds import LARGEST_SEED
from aiida_seimlip.science.structures.molecules.molecule import Molecule, MoleculeError

INSTALL = "pip install 'aiida-seimlip[smiles]'"

_BRACKET = re.compile(r'\[[^\]]*\]')
_CHARGE = re.compile(r'(\++|-+)(\d*)(?::\d+)?\]$')


def charge_of_smiles(smiles: str) -> int:
    """Return the sum of the formal charges in e, which SMILES writes at the end of its brackets; without RDKit.

    :param smiles: such as ``[O-]C(=O)OCCOC(=O)[O-]``, which has -2.
    """
    charge = 0
    for bracket in _BRACKET.findall(smiles):
        match = _CHARGE.search(bracket)
        if match is not None:
            signs, digits = match.groups()
            size = int(digits) if digits else len(signs)
            charge += size if signs[0] == '+' else -size
    return charge


def molecule_from_smiles(name: str, smiles: str, *, volume: float | None = None, seed: int) -> Molecule:
    """Make a molecule from SMILES: RDKit's distance geometry (ETKDG, version 3), relaxed with MMFF94 or UFF.

    :param name: by which recipes call it.
    :param smiles: of one connected molecule or ion; hydrogens are added.
    :param volume: in Å³; estimated if not given.
    :param seed: of the geometry.
    :raises MoleculeError: if RDKit is not installed, does not understand it, or finds no geometry.
    """
    chem, all_chem, version = _rdkit(name)
    if '.' in smiles:
        raise MoleculeError(
            f'The SMILES `{smiles}` of `{name}` has several parts: nothing says how they lie to each other. Give each '
            'of them a name of its own, or the geometry as a node.'
        )
    parsed = chem.MolFromSmiles(smiles)
    if parsed is None:
        raise MoleculeError(f'RDKit does not understand the SMILES `{smiles}` of `{name}`.')
    whole = chem.AddHs(parsed)
    settings = all_chem.ETKDGv3()
    settings.randomSeed = seed % LARGEST_SEED  # RDKit takes 32 bits
    if all_chem.EmbedMolecule(whole, settings):
        raise MoleculeError(f'RDKit finds no geometry for the SMILES `{smiles}` of `{name}`.')
    field = 'MMFF94' if all_chem.MMFFHasAllMoleculeParams(whole) else 'UFF'
    relax = all_chem.MMFFOptimizeMolecule if field == 'MMFF94' else all_chem.UFFOptimizeMolecule
    relax(whole, maxIters=2000)
    numbers = [atom.GetAtomicNum() for atom in whole.GetAtoms()]
    atoms = Atoms(numbers=numbers, positions=np.array(whole.GetConformer().GetPositions()))
    source = f'geometry: SMILES {smiles}, RDKit {version} ETKDGv3 (seed {seed}) and {field}'
    return Molecule.of(name, atoms, charge=chem.GetFormalCharge(whole), volume=volume, source=source)


def _rdkit(name: str) -> tuple[Any, Any, str]:
    try:
        import rdkit
        from rdkit import Chem, rdBase
        from rdkit.Chem import AllChem
    except ImportError as exception:
        raise MoleculeError(
            f'The molecule `{name}` is given as SMILES, which takes RDKit: it is not installed ({INSTALL}).'
        ) from exception
    rdBase.DisableLog('rdApp.*')
    return Chem, AllChem, rdkit.__version__

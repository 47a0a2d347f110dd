"""Molecules and ions that cells are packed from: those built in, and others from SMILES or any geometry."""

from aiida_seimlip.science.structures.molecules.builtin import MOLECULES
from aiida_seimlip.science.structures.molecules.molecule import Molecule, MoleculeError, estimate_volume

__all__ = ['MOLECULES', 'Molecule', 'MoleculeError', 'estimate_volume']

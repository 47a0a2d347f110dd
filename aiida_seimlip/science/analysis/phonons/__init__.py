"""Harmonic phonons of a crystal, from the forces on displaced atoms in supercells."""

from aiida_seimlip.science.analysis.phonons.displacements import (
    Displacements,
    PhononError,
    displaced,
    needs_phonons,
)
from aiida_seimlip.science.analysis.phonons.imaginary import ImaginaryModes
from aiida_seimlip.science.analysis.phonons.mesh import DensityOfStates, Mesh
from aiida_seimlip.science.analysis.phonons.path import BandSegment, BandStructure
from aiida_seimlip.science.analysis.phonons.phonons import Phonons, force_constants, rms_frequency_difference
from aiida_seimlip.science.analysis.phonons.thermal import ThermalProperties

__all__ = [
    'BandSegment',
    'BandStructure',
    'DensityOfStates',
    'Displacements',
    'ImaginaryModes',
    'Mesh',
    'PhononError',
    'Phonons',
    'ThermalProperties',
    'displaced',
    'force_constants',
    'needs_phonons',
    'rms_frequency_difference',
]

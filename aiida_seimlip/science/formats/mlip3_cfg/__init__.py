"""MLIP-3's configuration files (``.cfg``), read and written.

A file is a sequence of configurations between ``BEGIN_CFG`` and ``END_CFG``. Energies are in eV, lengths in Å, forces
in eV/Å. ``PlusStress`` is the virial in eV, that is −σ·V with the stress σ in ASE's sign, in the order xx yy zz yz
xz xy. ``type`` counts from 0 in the order of the species list.
"""

from aiida_seimlip.science.formats.mlip3_cfg.configuration import MV_GRADE
from aiida_seimlip.science.formats.mlip3_cfg.file import CfgFile
from aiida_seimlip.science.formats.mlip3_cfg.layout import MLIP3_DECIMALS
from aiida_seimlip.science.formats.mlip3_cfg.reader import read_cfg
from aiida_seimlip.science.formats.mlip3_cfg.writer import write_cfg

__all__ = ['MLIP3_DECIMALS', 'MV_GRADE', 'CfgFile', 'read_cfg', 'write_cfg']

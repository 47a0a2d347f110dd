"""The molecules and ions of the solid electrolyte interphase whose geometries come with the package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from ase import Atoms

from aiida_seimlip.science.formats.extxyz import ExtxyzFrame, iterate_extxyz
from aiida_seimlip.science.structures.molecules.molecule import Molecule

FILENAME = 'molecules.extxyz'


def _read() -> Mapping[str, Molecule]:
    text = files(__package__).joinpath(FILENAME).read_text(encoding='utf-8')
    molecules = [_molecule(frame) for frame in iterate_extxyz(text.splitlines(), name=FILENAME)]
    return MappingProxyType({molecule.name: molecule for molecule in molecules})


def _molecule(frame: ExtxyzFrame) -> Molecule:
    info = frame.info
    return Molecule(
        name=info['name'], atoms=Atoms(numbers=frame.numbers, positions=frame.positions), charge=int(info['charge']),
        volume=float(info['volume']), source=f'geometry: {info["source"]}; volume: {info["volume_source"]}',
    )  # fmt: skip


MOLECULES: Mapping[str, Molecule] = _read()
"""By name: Li2EDC, EDC, Li2BDC, BDC, Li2CO3, CO3, LiPF6, PF6, LiF, Li2O, LiOH, EC and Li.

EDC (ethylene dicarbonate), BDC (butylene dicarbonate) and CO3 carry the charge -2, PF6 carries -1; EC is ethylene
carbonate, Li an atom. Each tells where it comes from (`Molecule.source`).
"""

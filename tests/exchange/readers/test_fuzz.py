"""Sets of frames that were changed come in with right values, under whatever name, or are refused in one sentence."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from aiida_seimlip.exchange.readers.found import ReadError, ReadOptions
from aiida_seimlip.exchange.readers.registry import read_frames
from tests.science.formats.fuzzing import Valid, Values, check, values_of, variants
from tests.science.formats.test_fuzz import CFG, EXTXYZ, FINITE_NONSENSE
from tests.science.formats.vasp.vasp_files import Step, outcar, vasprun

NAMES = {
    'cfg': ('a.cfg', 'a', 'a.xyz', 'a.xml'), 'extxyz': ('a.xyz', 'a.extxyz', 'a'), 'traj': ('a.traj', 'a', 'OUTCAR'),
    'vasprun.xml': ('vasprun.xml', 'a', 'a.xyz', 'a.cfg'), 'OUTCAR': ('OUTCAR', 'a', 'a.xml'), 'json': ('a.json',),
}  # fmt: skip
OPTIONS = ReadOptions(species=('Li', 'F'), method='PBE')
COUNT = 60


def images() -> list[Atoms]:
    """Return two labelled frames."""
    atoms = Atoms('LiF', [[0, 0, 0], [2, 2.1, 2]], cell=[[4, 0, 0], [0.5, 4, 0], [0, 0, 4]], pbc=True)
    atoms.calc = SinglePointCalculator(atoms, free_energy=-9.5, energy=-9.5, forces=np.ones((2, 3)), stress=np.ones(6))
    return [atoms, atoms]


def content_of(name: str, folder: Path) -> bytes:
    """Return a valid file."""
    steps = [Step(), Step(energy=-9.6, stress=None), Step(energy=-9.7)]
    texts = {
        'cfg': CFG + CFG.replace(b'2.1', b'2.2'), 'extxyz': EXTXYZ, 'vasprun.xml': vasprun(steps).encode(),
        'OUTCAR': outcar(steps).encode(),
    }  # fmt: skip
    if name in texts:
        return texts[name]
    write(folder / f'valid.{name}', images())
    return (folder / f'valid.{name}').read_bytes()


@pytest.mark.parametrize('name', NAMES)
def test_changed_files(name, tmp_path):
    names = itertools.cycle(NAMES[name])

    def read(content: bytes) -> Values:
        path = tmp_path / next(names)
        path.write_bytes(content)
        return values_of(read_frames([path], OPTIONS).frames)

    content = content_of(name, tmp_path)
    is_text = name in ('cfg', 'extxyz', 'OUTCAR')
    nonsense = () if name in ('traj', 'json') else FINITE_NONSENSE
    valid = Valid(content, read, (ReadError,), nonsense, is_text, name in ('cfg', 'extxyz'), tells_end=name != 'extxyz')
    whole = read(content)
    assert len(whole) >= 2
    n_read = 0
    for index, variant in enumerate(variants(valid, f'import {name}', COUNT)):
        try:
            n_read += check(valid, variant, whole)
        except Exception as exception:
            raise AssertionError(f'Variant {index} ({variant.kind}): {variant.content!r}'[:3000]) from exception
    assert n_read


def test_a_method_of_several_lines(tmp_path):
    """MLIP joins the values of a feature that stands twice by a line end; a method is one line."""
    path = tmp_path / 'a.cfg'
    path.write_bytes(CFG.replace(b' Feature   EFS_by\tVASP\n', b' Feature   EFS_by\tGPAW\n Feature   EFS_by\t25.7\n'))
    assert read_frames([path], ReadOptions(species=('Li', 'F'))).frames.methods.tolist() == ['GPAW 25.7']

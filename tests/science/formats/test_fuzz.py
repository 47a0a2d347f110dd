"""Every reader of a format, given changed files, gives right values or refuses in one sentence."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.deepmd import read_deepmd
from aiida_seimlip.science.formats.extxyz import iterate_extxyz
from aiida_seimlip.science.formats.lammps_data import read_data
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.lammps_log import parse_log
from aiida_seimlip.science.formats.lammps_preselected import read_trace
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_potential import ACTIVE_SET_MARK, read_almtp
from aiida_seimlip.science.formats.vasp.outcar import read_outcar
from aiida_seimlip.science.formats.vasp.vasprun import read_vasprun

from .fuzzing import NONSENSE, Valid, Values, check, values_of, variants
from .test_deepmd import write_system
from .vasp.vasp_files import Run, Step, outcar, vasprun

FIXTURES = Path(__file__).parents[2] / 'fixtures'
SPECIES = ('Li', 'C', 'O')
MIXED = ('Li', 'F')

EXTXYZ = b"""2
Lattice="4 0 0 0.5 4 0 0 0 4" Properties=species:S:1:pos:R:3:forces:R:3 energy=-9.5 pbc="T T T"
Li 0 0 0 0.1 0.2 0.3
F 2 2.1 2 -0.1 -0.2 -0.3
1
Lattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:forces:R:3 energy=-3.25
Li 0 0 0.5 0.1 0.2 0.3
"""
DUMP = b"""ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS xy xz yz pp pp pp
-1.5 5.0 1.0
0.0 4.0 -1.5
1.0 7.0 0.5
ITEM: ATOMS id type element xs ys zs ix iy iz fx fy fz
2 2 F 0.5 0.25 0.5 0 1 0 1 2 3
1 1 Li 0 0 0 0 0 -1 -1 -2 -3
"""
CFG = b"""BEGIN_CFG
 Size
    2
 Supercell
    4.0 0.0 0.0
    0.5 4.0 0.0
    0.0 0.0 4.0
 AtomData:  id type cartes_x cartes_y cartes_z fx fy fz magmom_x
    1 0  0.0 0.0 0.0  0.1 0.2 0.3 0
    2 1  2.0 2.1 2.0  -0.1 -0.2 -0.3 0
 Energy
    -9.5
 PlusStress:  xx yy zz yz xz xy
    -0.64 -1.28 -1.92 0.1 0.2 0.3
 Feature   EFS_by\tVASP
END_CFG

"""
POTENTIAL = (FIXTURES / 'mlip3' / 'shared' / 'l08_nbh_40.almtp').read_bytes()
TEXT = POTENTIAL[: POTENTIAL.index(ACTIVE_SET_MARK)]


def potential_values(content: bytes) -> Values:
    potential = read_almtp(content, SPECIES)
    if not potential.is_trained:
        return []
    assert np.isfinite(potential.parameters).all()
    active_set = potential.active_set
    more = () if active_set is None else (active_set.matrix.tobytes(), active_set.inverse.tobytes())
    return [(potential.parameters.tobytes(), *more)]


def log_values(content: bytes) -> Values:
    log = parse_log(content)
    rows = np.array(list(log.thermo.values())).T
    return [tuple(value.tobytes() for value in row) for row in rows]


def trace_values(content: bytes) -> Values:
    trace = read_trace(content.decode('latin-1'))
    return [(step.tobytes(), lowest.tobytes()) for step, lowest in zip(trace.steps, trace.lowest, strict=True)]


def extxyz_values(content: bytes) -> Values:
    lines = io.TextIOWrapper(io.BytesIO(content), encoding='utf-8-sig', errors='replace')
    return [
        tuple(array.tobytes() for array in (frame.numbers, frame.positions, frame.cell, *frame.columns.values()))
        for frame in iterate_extxyz(lines)
    ]


def of_path(reader, path: Path):
    """Return a reader of content that goes through a file."""

    def read(content: bytes) -> Values:
        path.write_bytes(content)
        return values_of(reader(path).frames)

    return read


def deepmd_values(folder: Path, name: str):
    """Return a reader of content that stands for one file of a system."""
    arrays = {
        'coord': np.array([[0, 0, 0, 2, 2.1, 2.0]]), 'box': (4.0 * np.eye(3)).reshape(1, 9), 'energy': np.array([-9.5]),
    }  # fmt: skip
    write_system(folder, {'set.000': arrays}, type='0\n1\n', type_map='Li\nF\n')

    def read(content: bytes) -> Values:
        (folder / name).write_bytes(content)
        return values_of(read_deepmd(folder).frames)

    return read


STEPS = [Step(), Step(energy=-9.6, stress=None), Step(energy=-9.7)]
REFUSALS = (FormatError,)
FINITE_NONSENSE = tuple(word for word in NONSENSE if word not in (b'nan', b'-inf', b'1e999'))
"""Where a file may hold numbers that are not finite: a log of a run that exploded, labels that are unknown."""

VALID = {
    'cfg': lambda _: Valid(
        CFG + CFG.replace(b'2.1', b'2.2'), lambda content: values_of(read_cfg(content, MIXED).frames), REFUSALS
    ),
    'almtp': lambda _: Valid(TEXT, potential_values, REFUSALS),
    'almtp with active set': lambda _: Valid(POTENTIAL, potential_values, REFUSALS, nonsense=(), is_text=False),
    'dump': lambda _: Valid(
        DUMP + DUMP.replace(b'0.25', b'0.75'), lambda content: values_of(read_dump(content, MIXED).frames), REFUSALS,
        takes_mark=False,
    ),
    'dump with elements': lambda _: Valid(
        DUMP, lambda content: values_of(read_dump(content, None).frames), REFUSALS, takes_mark=False
    ),
    'data': lambda _: Valid(
        (FIXTURES / 'cases' / 'lif.data').read_bytes(), lambda content: values_of(read_data(content, MIXED)), REFUSALS
    ),
    'log': lambda _: Valid(
        (FIXTURES / 'cases' / 'fix_print_numbers.log').read_bytes(), log_values, REFUSALS, FINITE_NONSENSE,
        takes_mark=False,
    ),
    'trace': lambda _: Valid(
        b'0 0.5 0.25 0.125\n1 0.5 0.375 0.125\n2 0.75 0.375 0.5\n', trace_values, REFUSALS, FINITE_NONSENSE, False
    ),
    'extxyz': lambda _: Valid(EXTXYZ, extxyz_values, REFUSALS, FINITE_NONSENSE, tells_end=False),
    'vasprun.xml': lambda tmp: Valid(
        vasprun(STEPS).encode(), of_path(read_vasprun, tmp / 'vasprun.xml'), REFUSALS, is_text=False
    ),
    'OUTCAR': lambda tmp: Valid(
        outcar(STEPS).encode(), of_path(read_outcar, tmp / 'OUTCAR'), REFUSALS, takes_mark=False
    ),
    'OUTCAR of VASP 4': lambda tmp: Valid(
        outcar(STEPS, Run(version='4.6.36')).encode(), of_path(read_outcar, tmp / 'OUTCAR'), REFUSALS, takes_mark=False
    ),
    'OUTCAR of VASP 6': lambda tmp: Valid(
        outcar(STEPS, Run(version='6.4.2')).encode(), of_path(read_outcar, tmp / 'OUTCAR'), REFUSALS, takes_mark=False
    ),
    'deepmd types': lambda tmp: Valid(b'0\n1\n', deepmd_values(tmp / 'system', 'type.raw'), REFUSALS, takes_mark=False),
}  # fmt: skip


@pytest.mark.parametrize('name', VALID)
def test_changed_files(name, tmp_path):
    valid = VALID[name](tmp_path)
    whole = valid.read(valid.content)
    assert whole
    n_read = 0
    for index, variant in enumerate(variants(valid, name)):
        try:
            n_read += check(valid, variant, whole)
        except Exception as exception:
            raise AssertionError(f'Variant {index} ({variant.kind}): {variant.content!r}'[:3000]) from exception
    assert n_read

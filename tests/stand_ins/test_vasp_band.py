"""Bands of the stand-in for VASP with VTST, without AiiDA."""

from __future__ import annotations

import os
import subprocess

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read, write

from .conftest import INCAR, KPOINTS
from .potcars import potcar

BAND = {
    'IMAGES': 1, 'IBRION': 3, 'POTIM': 0, 'IOPT': 7, 'ICHAIN': 0, 'LCLIMB': '.TRUE.', 'SPRING': -5, 'EDIFFG': -0.01,
    'NSW': 80,
}  # fmt: skip


@pytest.fixture
def run_band(vasp_stand_in, vasp_faults, tmp_path):
    """Return a function that relaxes a vacancy hop in argon: ``run_band(**incar)``; it returns folder and output."""
    images = []
    crystal = bulk('Ar', a=5.26, cubic=True) * 2
    vector = crystal.positions[1] - crystal.positions[0]
    for share in (0.0, 0.5, 1.0):
        image = crystal.copy()
        image.positions[0] += share * vector
        del image[1]
        images.append(image)

    def run(**incar):
        for number, image in enumerate(images):
            (tmp_path / f'{number:02d}').mkdir()
            write(tmp_path / f'{number:02d}' / 'POSCAR', image, format='vasp', direct=True)
        tags = {**INCAR, **BAND, **incar}
        texts = {
            'INCAR': ''.join(f'{name} = {value}\n' for name, value in tags.items()), 'KPOINTS': KPOINTS,
            'POTCAR': potcar('Ar'),
        }  # fmt: skip
        for name, text in texts.items():
            (tmp_path / name).write_text(text, encoding='utf-8')
        done = subprocess.run(
            [vasp_stand_in], cwd=tmp_path, env={**os.environ, **vasp_faults.environment}, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
        )  # fmt: skip
        return tmp_path, done

    return run


def parse(folder):
    """Return what aiida-vasp reads of the image between the ends."""
    outcar = pytest.importorskip('aiida_vasp.parsers.content_parsers.outcar')
    with (folder / '01' / 'OUTCAR').open(encoding='utf-8') as handle:
        parser = outcar.VtstNebOutcarParser(handler=handle)
        return parser.neb_data, parser.get_quantity('run_status')


def test_converged_band(run_band):
    folder, done = run_band()
    assert done.returncode == 0, done.stdout
    assert 'reached required accuracy' in done.stdout
    found, status = parse(folder)
    assert found['neb_converged'] and '3.2' in found['version']
    assert found['force_max_atom'] < 0.01
    assert np.shape(found['tangents']) == (31, 3)
    assert np.linalg.norm(found['tangents']) == pytest.approx(1.0, abs=1e-3)
    assert status['finished'] and status['ionic_converged']
    before, after = read(folder / '01' / 'POSCAR'), read(folder / '01' / 'CONTCAR')
    assert np.abs(after.positions - before.positions).max() > 0.01
    assert not (folder / '00' / 'OUTCAR').exists()  # a band tells nothing of its ends


def test_band_that_ends_too_soon(run_band):
    folder, done = run_band(NSW=2)
    assert done.returncode == 0, done.stdout
    found, status = parse(folder)
    assert found['neb_converged'] is False
    assert status['finished'] and status['ionic_converged'] is False


@pytest.mark.parametrize('tags', [{'IBRION': 1}, {'POTIM': 0.5}, {'IOPT': 0}, {'EDIFFG': 0.01}])
def test_bands_that_the_stand_in_cannot_do(run_band, tags):
    _, done = run_band(**tags)
    assert done.returncode == 1
    assert 'The stand-in for VASP relaxes bands with IOPT' in ' '.join(done.stdout.replace('|', ' ').split())

from __future__ import annotations

import stat

import numpy as np
import pytest
from ase import Atoms

from aiida_seimlip.science.structures.molecules import MOLECULES
from aiida_seimlip.science.structures.packing import MissingProgramError, PackingError, PackingTimeoutError, packmol
from aiida_seimlip.science.structures.packing.packmol import find_packmol, pack_with_packmol

needs_packmol = pytest.mark.skipif(find_packmol() is None, reason='packmol (extra `starts`) is not installed')
CARBONATE = MOLECULES['Li2CO3'].atoms


@pytest.fixture
def program(monkeypatch, tmp_path):
    """Return a function that puts a script in the place of packmol."""

    def make(script):
        path = tmp_path / 'packmol'
        path.write_text(f'#!/bin/sh\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(packmol, 'find_packmol', lambda: path)

    return make


@needs_packmol
def test_order_and_shape():
    packed = pack_with_packmol([Atoms('Li'), CARBONATE], [2, 3], [12.0, 11.0, 10.0], seed=1)
    assert ''.join(packed.symbols) == 'LiLi' + 3 * ''.join(CARBONATE.symbols)
    np.testing.assert_allclose(packed.cell.array, np.diag([12.0, 11.0, 10.0]))
    for start in (2, 8, 14):
        np.testing.assert_allclose(
            packed[start : start + 6].get_all_distances(), CARBONATE.get_all_distances(), atol=1e-4
        )


@needs_packmol
def test_molecules_that_do_not_fit():
    """Packmol writes its files all the same then: its exit code is what counts."""
    with pytest.raises(PackingError, match=r'^packmol found no way to keep 3 Å between the molecules\.$'):
        pack_with_packmol([Atoms('Li')], [4], [4.0, 4.0, 4.0], tolerance=3.0, seed=1)


def test_files_of_a_program_that_failed_do_not_count(program):
    program('printf "1\\n\\nLi 0 0 0\\n" > packed.xyz; exit 173')
    with pytest.raises(PackingError, match=r'^packmol found no way'):
        pack_with_packmol([Atoms('Li')], [1], [9.0, 9.0, 9.0], seed=1)


def test_another_exit_code(program):
    program('echo "  ERROR: no such file "; exit 171')
    with pytest.raises(PackingError, match=r'^packmol ended with exit code 171: ERROR: no such file$'):
        pack_with_packmol([Atoms('Li')], [1], [9.0, 9.0, 9.0], seed=1)


def test_atoms_that_are_missing(program):
    program('printf "1\\n\\nLi 0 0 0\\n" > packed.xyz')
    with pytest.raises(PackingError, match=r'^packmol wrote 1 atoms instead of 2\.$'):
        pack_with_packmol([Atoms('Li')], [2], [9.0, 9.0, 9.0], seed=1)


def test_time_limit(program):
    program('exec sleep 60')
    with pytest.raises(PackingTimeoutError, match=r'^packmol took longer than 0\.2 s'):
        pack_with_packmol([Atoms('Li')], [1], [9.0, 9.0, 9.0], seed=1, time_limit=0.2)


def test_cells_without_right_angles(program):
    program('exit 0')
    with pytest.raises(PackingError, match='right angles'):
        pack_with_packmol([Atoms('Li')], [1], [9.0, 9.0, 9.0, 90.0, 100.0, 90.0], seed=1)


def test_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(packmol, 'find_packmol', lambda: None)
    with pytest.raises(MissingProgramError, match=r'^packmol is not installed'):
        pack_with_packmol([Atoms('Li')], [1], [9.0, 9.0, 9.0], seed=1)


@needs_packmol
def test_orientations_are_even():
    """Of a molecule along z, by the second moments of its axis: a third each, within five standard deviations.

    Of copies that packmol turns itself, half of ⟨z²⟩ stays where it was.
    """
    rod = Atoms('O2', [(0, 0, -0.6), (0, 0, 0.6)])
    packed = [pack_with_packmol([rod], [50], [24.0, 24.0, 24.0], tolerance=1.5, seed=seed) for seed in range(8)]
    axes = np.concatenate([(image.positions[1::2] - image.positions[::2]) / 1.2 for image in packed])
    np.testing.assert_allclose(axes.T @ axes / 400, np.eye(3) / 3, atol=5 * np.sqrt(4 / 45 / 400))

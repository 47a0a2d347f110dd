"""``seimlip-mlp`` in a folder of its own, and the recordings of the program that it stands in for."""

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.embedded.mlp import main
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg

FIXTURES = Path(__file__).parents[2] / 'fixtures' / 'mlip3'
SHARED = FIXTURES / 'shared'
SPECIES = ('Li', 'C', 'O', 'F')
OUTPUTS = ('out.cfg', 'o.cfg', 'selected.cfg', 'sel.cfg', 'per_cfg.log')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder, capfd):
    """Return a function that runs the program and returns its exit code, standard output and standard error."""

    def factory(*words):
        capfd.readouterr()
        return (main([str(word) for word in words]), *capfd.readouterr())

    return factory


@pytest.fixture
def replay(folder, run):
    """Return a function that runs a recorded command on the recorded inputs."""

    def factory(case):
        for path in (FIXTURES / case).iterdir():
            if path.name not in OUTPUTS:
                shutil.copy(path, folder / path.name)
        return run(*shlex.split((FIXTURES / case / 'cmd.txt').read_text())[1:])

    return factory


def recorded(case, name):
    return (FIXTURES / case / name).read_text()


def assert_same_configurations(path, expected):
    """Check that two files hold the same, up to one unit in the last digit that MLIP-3 writes."""
    one, two = read_cfg(path, SPECIES), read_cfg(expected, SPECIES)
    assert one.frames.hashes() == two.frames.hashes()
    assert [features.keys() for features in one.features] == [features.keys() for features in two.features]
    tolerances = {'energies': 2e-9, 'forces': 1.1e-6, 'grades': 1.1e-4}
    for name, tolerance in tolerances.items():
        values = getattr(one.frames, name), getattr(two.frames, name)
        assert (values[0] is None) == (values[1] is None)
        if values[0] is not None:
            np.testing.assert_allclose(*values, rtol=tolerance if name == 'grades' else 0, atol=tolerance)
    if two.frames.stresses is not None:
        volumes = two.frames.volumes[:, None]
        np.testing.assert_allclose(one.frames.stresses * volumes, two.frames.stresses * volumes, atol=1.1e-5)
    assert (one.nbh_grades is None) == (two.nbh_grades is None)
    if two.nbh_grades is not None:
        np.testing.assert_allclose(one.nbh_grades, two.nbh_grades, rtol=1e-4, atol=1.1e-5)

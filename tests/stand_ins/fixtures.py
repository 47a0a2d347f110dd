"""Fixtures for tests with the stand-in for VASP."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .potcars import write_family
from .vasp_parts.faults import VARIABLE, state_folder

FAMILY = 'stand-in-PBE'

SCRIPT = Path(__file__).with_name('vasp_stand_in.py')


class VaspFaults:
    """The rules by which the stand-in for VASP answers and fails: a file, and what has been counted beside it.

    Calling it writes the rules anew: ``vasp_faults({'fault': 'nelm', 'times': 1}, calculator={'name': 'emt'})``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self()

    def __call__(self, *faults: dict[str, Any], calculator: dict[str, Any] | None = None) -> None:
        """Write the rules, of which the first that matches strikes, and forget what has been counted.

        :param faults: see `tests.stand_ins.vasp_parts.faults`.
        :param calculator: ``name`` (``lj``, ``emt`` or ``tblite``) and ``kwargs``; the argon of Lennard and Jones for
            all elements if left out.
        """
        shutil.rmtree(state_folder(self.path), ignore_errors=True)
        rules: dict[str, Any] = {'faults': list(faults)}
        if calculator is not None:
            rules['calculator'] = calculator
        self.path.write_text(json.dumps(rules), encoding='utf-8')

    @property
    def runs(self) -> list[dict[str, Any]]:
        """All runs since the rules were written: ``index``, ``fault``, ``formula``, ``volume``, ``scaled``, ..."""
        path = state_folder(self.path) / 'runs.jsonl'
        return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()] if path.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        """What a job needs in its environment to meet these rules."""
        return {VARIABLE: str(self.path), 'OMP_NUM_THREADS': '1'}


@pytest.fixture(scope='session')
def vasp_stand_in(tmp_path_factory) -> Path:
    """Return the path of an executable that stands for ``vasp_std``, run by the Python of the tests."""
    path = tmp_path_factory.mktemp('vasp-stand-in') / 'vasp_std'
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -s "{SCRIPT}"\n', encoding='utf-8')
    path.chmod(0o755)
    return path


@pytest.fixture
def vasp_faults(tmp_path) -> VaspFaults:
    """Return the rules for the stand-in for VASP of this test; nothing fails before they are called."""
    folder = tmp_path / 'vasp-rules'
    folder.mkdir()
    return VaspFaults(folder / 'rules.json')


@pytest.fixture
def make_vasp_code(vasp_stand_in, vasp_faults) -> Callable[..., Any]:
    """Return a function that makes the stand-in a code for ``vasp.vasp`` on a computer: ``make_vasp_code(computer)``.

    Its jobs meet the rules of `vasp_faults`. All other arguments go to `InstalledCode`.
    """

    def factory(computer: Any, label: str = 'vasp-stand-in', **kwargs: Any) -> Any:
        from aiida import orm

        exports = ''.join(f'export {name}="{value}"\n' for name, value in vasp_faults.environment.items())
        return orm.InstalledCode(
            label=label, computer=computer, filepath_executable=str(vasp_stand_in), prepend_text=exports,
            default_calc_job_plugin='vasp.vasp', **kwargs,
        ).store()  # fmt: skip

    return factory


@pytest.fixture
def vasp_code(aiida_localhost, make_vasp_code) -> Any:
    """Return a code for ``vasp.vasp`` on localhost that is the stand-in for VASP."""
    return make_vasp_code(aiida_localhost)


@pytest.fixture
def potcar_family(tmp_path) -> str:
    """Return the name of a family of made-up potentials: those in `tests.stand_ins.potcars.VALENCE`."""
    from aiida_vasp.data.potcar import PotcarData, PotcarGroup

    if not PotcarGroup.collection.find({'label': FAMILY}):
        folder = write_family(tmp_path / 'potcars' / FAMILY)
        PotcarData.upload_potcar_family(folder, FAMILY, 'Made up for tests, no potentials', stop_if_existing=False)
    return FAMILY

"""A package of other people is held to the contracts by one import: the documented one, and such with mistakes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / 'docs/howto/own_engine'
ENTRY_POINT = re.compile(r"^'(seimlip\.\S+)' = '(\S+)'$", re.MULTILINE)


def install(folder, entry_points):
    """Lay out what an installer would make of a package with these entry points."""
    info = folder / 'mycode-0.1.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: mycode\nVersion: 0.1\n')
    lines = [f'{name} = {target}' for name, target in entry_points]
    (info / 'entry_points.txt').write_text('\n'.join(['[aiida.workflows]', *lines]) + '\n')


def run_tests(folder, *tests):
    """Run tests by a pytest that knows nothing of ours; return the outcome of each, and what it printed."""
    environment = {**os.environ, 'PYTHONPATH': f'{folder}{os.pathsep}{ROOT}', 'AIIDA_PATH': str(folder)}
    process = subprocess.run(
        [sys.executable, '-m', 'pytest', '-v', '-p', 'no:cacheprovider', *tests], cwd=folder, env=environment,
        text=True, capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    outcomes = dict(re.findall(r'::(Test\w+::test_\w+) (PASSED|FAILED|SKIPPED|ERROR)', process.stdout))
    return outcomes, process.stdout + process.stderr


@pytest.mark.slow
def test_the_example_of_the_documentation_passes(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns('__pycache__'))
    install(tmp_path, ENTRY_POINT.findall((tmp_path / 'pyproject.toml').read_text()))
    outcomes, text = run_tests(tmp_path, 'tests')
    assert outcomes == {
        'TestMyCode::test_ports_are_those_of_the_contract': 'PASSED',
        'TestMyCode::test_ports_are_documented': 'PASSED',
        'TestMyCode::test_settings_are_checked_before_there_are_data': 'PASSED',
        'TestMyCode::test_labels_come_in_order': 'PASSED',
        'TestMyCode::test_forces_and_stresses_are_derivatives_of_the_energy': 'PASSED',
        'TestMyCode::test_dynamics_are_sampled': 'SKIPPED',
    }, text


OUTLINE, PORT = 'spec.outline(cls.label)', "**MyCodeOptions.port('The potential of Lennard and Jones.')"
MISTAKES = {
    'Units': ('forces=labels.forces', 'forces=labels.forces / 2', 'forces_and_stresses_are_derivatives_of_the_energy'),
    'Sign': ('labels.stresses', '-labels.stresses', 'forces_and_stresses_are_derivatives_of_the_energy'),
    'Shear': (
        'labels.stresses', 'labels.stresses[:, [0, 1, 2, 5, 4, 3]]',
        'forces_and_stresses_are_derivatives_of_the_energy',
    ),
    'Origin': ('trace=True', 'trace=False', 'labels_come_in_order'),
    'Help': (
        OUTLINE, f"spec.input('more', valid_type=orm.Int, required=False)\n        {OUTLINE}", 'ports_are_documented',
    ),
    'Required': (
        OUTLINE, f"spec.input('more', valid_type=orm.Int, help='More.')\n        {OUTLINE}",
        'ports_are_those_of_the_contract',
    ),
    'Unchecked': (
        PORT, "valid_type=orm.Dict, default=lambda: orm.Dict({}), help='The potential.'",
        'settings_are_checked_before_there_are_data',
    ),
}  # fmt: skip
CASE = """

class Test{name}(ReferenceContract):
    engine = '{package}'

    @pytest.fixture
    def settings(self):
        return {{'parameters': orm.Dict({{'sigma': 3.4, 'epsilon': 0.0104, 'cutoff': 6.0}})}}
"""


@pytest.mark.slow
def test_mistakes_are_found(tmp_path):
    """Each by the test that is made for it."""
    source = (EXAMPLE / 'mycode/reference.py').read_text()
    cases, entry_points, tests = '', [], []
    for name, (old, new, test) in MISTAKES.items():
        assert source.count(old) == 1, name
        package = name.lower()
        (tmp_path / f'{package}.py').write_text(source.replace(old, new))
        entry_points.append((f'seimlip.reference.{package}', f'{package}:MyCodeReferenceWorkChain'))
        cases += CASE.format(name=name, package=package)
        tests.append(f'test_mistakes.py::Test{name}::test_{test}')
    install(tmp_path, entry_points)
    shutil.copy(EXAMPLE / 'tests/conftest.py', tmp_path)
    head = 'import pytest\nfrom aiida import orm\nfrom aiida_seimlip.testing import ReferenceContract\n'
    (tmp_path / 'test_mistakes.py').write_text(head + cases)
    outcomes, text = run_tests(tmp_path, *tests)
    assert outcomes == {test.removeprefix('test_mistakes.py::'): 'FAILED' for test in tests}, text


def test_the_fixture_that_is_missing_is_named():
    from aiida_seimlip.testing import EngineContract

    with pytest.raises(NotImplementedError, match='needs a fixture `settings`'):
        EngineContract.settings.__wrapped__(EngineContract())


def test_pytest_that_is_missing_is_named(tmp_path):
    (tmp_path / 'pytest.py').write_text("raise ModuleNotFoundError('pytest')\n")
    process = subprocess.run(
        [sys.executable, '-c', 'import aiida_seimlip.testing'], text=True, capture_output=True, check=False,
        env={**os.environ, 'PYTHONPATH': f'{tmp_path}{os.pathsep}{ROOT}'},
    )  # fmt: skip
    assert process.returncode == 1
    assert process.stderr.splitlines()[-1] == (
        'ImportError: aiida_seimlip.testing is made of tests: it needs pytest (pip install pytest).'
    )

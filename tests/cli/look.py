"""Look at an archive as somebody else would, and print what was seen as JSON.

Run as a program: ``python -m tests.cli.look {import,open} ARCHIVE FOLDER``. It imports the archive into a new profile
in FOLDER, or opens it read-only; then it runs the commands and the example of queries.
"""

from __future__ import annotations

import io
import json
import os
import re
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

QUERIES = Path(__file__).parents[2] / 'examples' / '01b_queries.py'


def load(mode: str, archive: Path, folder: Path) -> None:
    """Load a profile that holds what is in the archive."""
    if mode == 'import':
        from aiida_seimlip.cli.profile.home import Home

        home = Home(folder)
        home.enter()
        home.load_profile(lambda text: None)
        from aiida.tools.archive import import_archive

        import_archive(archive)
        return
    folder.mkdir(parents=True, exist_ok=True)
    os.environ['AIIDA_PATH'] = str(folder)
    from aiida import load_profile
    from aiida.storage.sqlite_zip.backend import SqliteZipBackend

    load_profile(SqliteZipBackend.create_profile(archive))


def without_numbers(text: str) -> str:
    """Return a text without the primary keys, which differ from profile to profile."""
    text = re.sub(r'\b(campaign|potential|node|of|Calculation|WorkChain|Frame \d+ of node) \d+\b', r'\1 #', text)
    return re.sub(r'\b(\w+) \d+ \(([0-9a-f]{8})', r'\1 # (\2', text)


def numbers_of_report(node: Any) -> str:
    """Return what the report tells, without what is the profile's."""
    from dataclasses import replace

    from aiida_seimlip.report.campaign.collect import collect

    return repr(replace(collect(node), pk=0, profile=''))


def main(mode: str, archive: Path, folder: Path) -> None:
    load(mode, archive, folder)
    from aiida.manage import get_manager
    from aiida.plugins import WorkflowFactory
    from click.testing import CliRunner

    from aiida_seimlip.cli import cmd_root

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(cmd_root, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return str(result.output)

    from aiida import orm

    node = orm.QueryBuilder().append(WorkflowFactory('seimlip.active_learning')).one()[0]
    learned = node.outputs.training['iteration_001']
    page = folder / 'report.html'
    run('report', node.pk, '-o', page)
    seen = {
        'read_only': get_manager().get_profile_storage().read_only, 'uuid': node.uuid,
        'report': numbers_of_report(node), 'page': page.stat().st_size, 'frame': run('frame', learned.pk, 0),
    }  # fmt: skip
    with redirect_stdout(io.StringIO()) as stream:
        runpy.run_path(str(QUERIES))
    seen['queries'] = without_numbers(stream.getvalue())
    seen['frame'] = without_numbers(seen['frame'])
    print(json.dumps(seen))


if __name__ == '__main__':
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))

"""The computer and the codes of the embedded programs."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiida import orm

COMPUTER = 'localhost'
TIME_STAMP = 'echo "seimlip-{} ${{EPOCHREALTIME:-$(date +%s)}}"'
"""Line of a job script that writes the time into the script's standard output, where no parser looks for results."""


@dataclass(frozen=True)
class Program:
    """A program that is installed with this package.

    :param label: of the code.
    :param executable: name of the file beside the Python interpreter; empty for the interpreter itself.
    :param plugin: entry point of the CalcJob that mainly runs it.
    :param description: one line.
    """

    label: str
    executable: str
    plugin: str
    description: str


PROGRAMS = (
    Program('seimlip-mlp', 'seimlip-mlp', 'seimlip.mlip3.train', 'Embedded program with the command line of MLIP-3.'),
    Program('seimlip-lmp', 'seimlip-lmp', 'seimlip.lammps', 'Embedded LAMMPS with the pair style `mlip`.'),
    Program('python', '', 'seimlip.ase', 'Python interpreter with ASE and its calculators.'),
)


def setup_codes(say: Callable[[str], None], work_directory: Path | None = None) -> dict[str, orm.InstalledCode]:
    """Register the computer and the codes that are missing; what is there already is left as it is.

    :param say: is told in a sentence each thing that was done or found.
    :param work_directory: where jobs run, if the computer must be made; by default the scratch folder of the profile.
    :return: codes by label.
    :raises FileNotFoundError: if a program is not installed.
    """
    computer = setup_computer(say, work_directory)
    return {program.label: setup_code(program, computer, say) for program in PROGRAMS}


def setup_computer(say: Callable[[str], None], work_directory: Path | None = None) -> orm.Computer:
    """Return the computer `localhost`, which is made and configured if need be.

    One that is there but was never configured may have come with an archive, and write commands of somebody else into
    each job script: it keeps its node and gets another label.

    :param say: is told what was done or found.
    :param work_directory: where jobs run, if the computer must be made.
    """
    found = orm.Computer.collection.find({'label': COMPUTER})
    if found and found[0].is_configured:
        say(f'Computer `{COMPUTER}` is there already.')
        return found[0]
    if found:
        found[0].label = f'{COMPUTER}-{found[0].uuid[:8]}'
        say(f'The computer `{COMPUTER}` was never configured here; it is now called `{found[0].label}`.')
    computer = orm.Computer(
        label=COMPUTER, hostname='localhost', description='This machine', transport_type='core.local',
        scheduler_type='core.direct', workdir=str(work_directory or default_work_directory()),
    ).store()  # fmt: skip
    computer.set_minimum_job_poll_interval(1)
    computer.set_default_mpiprocs_per_machine(1)
    computer.configure(safe_interval=0, use_login_shell=False)  # all programs are named by absolute paths
    say(f'Made the computer `{COMPUTER}`; jobs run in {computer.get_workdir()}.')
    return computer


def default_work_directory() -> Path:
    """Return the scratch folder of the present profile, as `verdi presto` chooses it."""
    from aiida.manage import get_config, get_manager

    profile = get_manager().get_profile()
    assert profile is not None
    return Path(get_config().dirpath) / 'scratch' / profile.name


def setup_code(program: Program, computer: orm.Computer, say: Callable[[str], None]) -> orm.InstalledCode:
    """Return the code of a program, which is registered if need be.

    A stored code cannot change: one that points elsewhere, or is not set up as it is now, keeps its node and gets
    another label.

    :param say: is told what was done or found.
    :raises FileNotFoundError: if the program is not installed.
    """
    path = find_executable(program)
    old = _find_code(program.label, computer)
    if old is not None and _is_as_wanted(old, program, path):
        say(f'Code `{old.full_label}` is there already.')
        return old
    if old is not None:
        old.label = f'{program.label}-{old.uuid[:8]}'
        old.is_hidden = True
        say(f'The code `{program.label}@{computer.label}` was set up otherwise; it is now called `{old.full_label}`.')
    code = orm.InstalledCode(
        label=program.label, description=program.description, computer=computer, filepath_executable=str(path),
        default_calc_job_plugin=program.plugin, with_mpi=False, prepend_text=TIME_STAMP.format('start'),
        append_text=TIME_STAMP.format('stop'),
    ).store()  # fmt: skip
    say(f'Made the code `{code.full_label}` for {path}.')
    return code


def find_executable(program: Program) -> Path:
    """Return the absolute path of a program in the environment of the running interpreter.

    :raises FileNotFoundError: if it is not there.
    """
    folder = Path(sysconfig.get_path('scripts'))
    names = (program.executable,) if program.executable else ('python', Path(sys.executable).name)
    for name in names:
        if (folder / name).is_file():
            return folder / name
    found = shutil.which(program.executable) if program.executable else sys.executable
    if found is None:
        raise FileNotFoundError(
            f'The program `{program.executable}` is neither in {folder} nor on the PATH: install aiida-seimlip there.'
        )
    return Path(found).absolute()


def _find_code(label: str, computer: orm.Computer) -> orm.InstalledCode | None:
    query = orm.QueryBuilder().append(orm.Computer, filters={'id': computer.pk}, tag='computer')
    query.append(orm.InstalledCode, filters={'label': label}, with_computer='computer')
    found = query.first(flat=True)
    return found if isinstance(found, orm.InstalledCode) else None


def _is_as_wanted(code: orm.InstalledCode, program: Program, path: Path) -> bool:
    return (
        str(code.filepath_executable) == str(path)
        and code.default_calc_job_plugin == program.plugin
        and code.prepend_text == TIME_STAMP.format('start')
        and code.append_text == TIME_STAMP.format('stop')
    )

"""Print what AiiDA and this package cost for each job, in a profile on disk of its own.

The jobs label one frame with the EMT calculator, which answers at once. Run as ``python benchmarks/overhead.py``;
option: ``--jobs``.
"""

import argparse
import tempfile
import time
from pathlib import Path

from aiida_seimlip.cli.profile.home import Home


def main() -> None:
    """Run the jobs one after the other, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--jobs', type=int, default=10)
    n_jobs = arguments.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / '.aiida')
        with home.lock():
            home.enter()
            home.load_profile(lambda _: None)
            code = home.setup_codes(lambda _: None)['python']
            print(f'{"job":<12}{"CPU s":>8}{"wall s":>8}{"in the program s":>18}')
            for label, seconds in run_jobs(code, n_jobs).items():
                print(f'{label:<12}{seconds[0]:8.2f}{seconds[1]:8.2f}{seconds[2]:18.2f}')


def run_jobs(code: object, n_jobs: int) -> dict[str, tuple[float, float, float]]:
    """Return seconds of CPU of this process, of wall time, and of the program, for the first job and on average."""
    from aiida.engine import run_get_node
    from aiida.manage import get_manager
    from ase.build import bulk

    from aiida_seimlip.calculations.ase import AseCalculation
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.report.campaign.collect import program_times

    manager = get_manager()
    manager.set_runner(manager.create_runner(with_persistence=False, communicator=None, poll_interval=0.1))
    rows = []
    for index in range(n_jobs):
        frames = FramesData.from_atoms([bulk('Cu', a=3.6 + 0.01 * index)])
        cpu, wall = time.process_time(), time.perf_counter()
        _, node = run_get_node(AseCalculation, code=code, frames=frames, parameters={'calculator': {'name': 'emt'}})
        times = program_times(node)
        inside = 0.0 if times is None else times[1] - times[0]
        rows.append((time.process_time() - cpu, time.perf_counter() - wall, inside))
    later = rows[1:] or rows
    mean = tuple(sum(column) / len(later) for column in zip(*later, strict=True))
    return {'first': rows[0], 'the others': mean}  # type: ignore[dict-item]


if __name__ == '__main__':
    main()

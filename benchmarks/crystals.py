"""Print what properties of crystals cost with a potential: seconds, nodes and jobs, in a profile on disk of its own.

Run as ``python benchmarks/crystals.py POTENTIAL --species Li C O [--crystals NAME ...] [--properties NAME ...]``. Each
property has the protocol `balanced`; `atlas` is all of lattices, equations of state, stiffness and phonons at once. The
last column is the share of the time that passes outside of the jobs' own programs.
"""

import argparse
import tempfile
import time
from pathlib import Path

from aiida_seimlip.cli.profile.home import Home

PROPERTIES = ('relax', 'eos', 'elastic', 'phonon', 'atlas')


def main() -> None:
    """Run the properties one after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('potential', type=Path)
    parser.add_argument('--species', nargs='+', required=True)
    parser.add_argument('--crystals', nargs='+', default=['Li2CO3-monoclinic'])
    parser.add_argument('--properties', nargs='+', default=PROPERTIES, choices=PROPERTIES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / '.aiida')
        with home.lock():
            home.enter()
            home.load_profile(lambda _: None)
            code = home.setup_codes(lambda _: None)['python']
            print(f'{", ".join(arguments.crystals)} with {arguments.potential.name}')
            print(f'{"property":<12}{"wall s":>8}{"in the programs s":>19}{"nodes":>7}{"jobs":>6}{"outside":>9}')
            for name in arguments.properties:
                print(measure(name, code, arguments), flush=True)


def measure(name: str, code: object, arguments: argparse.Namespace) -> str:
    """Run a property, and return its row of the table."""
    from aiida import orm
    from aiida.engine import run_get_node
    from aiida.manage import get_manager
    from aiida.plugins import WorkflowFactory

    from aiida_seimlip.data.potential import PotentialData
    from aiida_seimlip.report.campaign.collect import program_times

    manager = get_manager()
    manager.set_runner(manager.create_runner(with_persistence=False, communicator=None, poll_interval=0.1))
    potential = PotentialData(arguments.potential.absolute(), species=arguments.species).store()
    builder = WorkflowFactory(f'seimlip.{name}').get_builder_from_protocol(
        {'potentials': code}, potentials={'mtp': potential}, crystals=arguments.crystals, protocol='balanced'
    )
    before, start = orm.QueryBuilder().append(orm.Node).count(), time.perf_counter()
    _, node = run_get_node(builder)
    wall = time.perf_counter() - start
    if not node.is_finished_ok:
        print(f'{name} ended with status {node.exit_status}: {node.exit_message}')
    nodes = orm.QueryBuilder().append(orm.Node).count() - before
    jobs = [child for child in node.called_descendants if isinstance(child, orm.CalcJobNode)]
    times = [found for job in jobs if (found := program_times(job)) is not None]
    inside = sum(end - begin for begin, end in times)
    return f'{name:<12}{wall:8.1f}{inside:19.1f}{nodes:7}{len(jobs):6}{max(0.0, 1.0 - inside / wall):9.0%}'


if __name__ == '__main__':
    main()

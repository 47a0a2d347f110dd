"""Print what a whole campaign costs beside the programs, and how that grows, with programs that answer at once.

At scale 1 it has the size of the one of Li *et al.* (*Mater. Horiz.* 2025, 12, 10770): 120 starts under 4 conditions in
each of 30 iterations, and 8,686 labels, which takes hours. At scale s, starts, iterations and labels are such
that explorations and labels are s times as many. LAMMPS and ``mlp`` are stood for by `at_once.py`; labels are those of
the calculator of Lennard and Jones, 48 atoms each. CPU is that of the worker, programs not counted.

Run as ``python benchmarks/campaign.py``; options: ``--scale`` (one or several; the growth is fitted from two on),
``--jobs`` (of each kind, side by side, to compare with AiiDA alone), ``--labels`` (sizes of a batch). For a campaign
over many materials: ``--starts`` (one or several numbers, in place of scales), ``--conditions`` of each and
``--iterations``; its bootstrap chooses its frames by MaxVol, and starts share the labels.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from campaign_world import SPECIES, Sample, Size, World, crystal

LENNARD_JONES = {'calculator': {'name': 'lj', 'kwargs': {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}}}


def main() -> None:
    """Print all tables, each campaign measured in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--scale', type=float, nargs='*', default=[0.001, 0.004])
    parser.add_argument('--starts', type=int, nargs='*', default=[])
    parser.add_argument('--conditions', type=int, default=9)
    parser.add_argument('--iterations', type=int, default=2)
    parser.add_argument('--jobs', type=int, default=12)
    parser.add_argument('--labels', type=int, nargs='*', default=[10, 100, 1000])
    parser.add_argument('--task', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        name, _, value = arguments.task.partition('=')
        print(json.dumps(TASKS[name](json.loads(value))))
        return
    sys.stdout.reconfigure(line_buffering=True)  # each table as soon as it is there
    if arguments.jobs:
        print_jobs(in_process('jobs', arguments.jobs), arguments.jobs)
    if arguments.labels:
        print_batches(in_process('batches', arguments.labels))
    totals = {}
    shape = (arguments.conditions, arguments.iterations)
    sizes = [Size.of_starts(number, *shape) for number in sorted(arguments.starts)]
    for size in sizes or map(Size.of_scale, sorted(arguments.scale)):
        samples = [Sample(**sample) for sample in in_process('campaign', asdict(size))]
        print_campaign(size, samples)
        totals[size] = samples[-1]
    if len(totals) > 1:
        print_growth(totals)


def in_process(task: str, value: Any) -> Any:
    """Return what a task gives in a Python of its own, so that memory and CPU are its own."""
    command = [sys.executable, __file__, '--task', f'{task}={json.dumps(value)}']
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


# -- tasks, each in a process of its own ------------------------------------------------------------------------------


def run_campaign(shape: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a campaign, and return what had been used up at the begin of each iteration and at the end."""
    size = Size(**shape)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), size)
        from aiida.engine import run_get_node

        from aiida_seimlip.data.frames import FramesData
        from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

        samples = []
        plan = ActiveLearningWorkChain.plan_explorations

        def plan_explorations(process: Any) -> Any:
            samples.append(world.sample())
            return plan(process)

        ActiveLearningWorkChain.plan_explorations = plan_explorations  # before the outline is made
        n_copies = math.ceil(size.n_labels / size.n_starts)
        bootstrap = {'n_perturbed': n_copies, 'ion_stiffness': 10.0}
        shared: dict[str, Any] = {}
        if size.is_shared:
            bootstrap |= {'n_perturbed': 2 * n_copies, 'max_labels': size.n_labels}
            selection = {'share': 'start', 'max_frames': size.n_labels, 'max_frames_per_start': n_copies}
            shared = {'selection': selection, 'max_labels_per_formula': 10**6}
        _, node = run_get_node(
            ActiveLearningWorkChain,
            structures={f'start_{seed:03d}': FramesData.from_atoms([crystal(seed)]) for seed in range(size.n_starts)},
            species=list(SPECIES),
            options={
                'seed': 0, 'max_iterations': size.n_iterations, 'untrained': {'level': 6, 'max_dist': 5.0},
                'bootstrap': bootstrap, 'exploration': {'conditions': size.conditions, 'rising': False},
                'filters': {'min_distance': 0.5, 'max_force': None}, **shared,
            },
            reference={'code': world.codes['reference'], 'parameters': LENNARD_JONES},
            training={'code': world.codes['training']}, selection={'code': world.codes['training']},
            exploration={'code': world.codes['exploration']},
        )  # fmt: skip
        if not node.is_finished_ok:
            raise SystemExit(f'The campaign ended with status {node.exit_status}: {node.exit_message}')
        return [asdict(sample) for sample in (*samples, world.sample())]


def run_jobs(n_jobs: int) -> dict[str, float]:
    """Return seconds of CPU for one child of each kind, of which many run side by side."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), Size.of_scale(0.001))
        (Path(folder) / 'at_once' / 'trainings').write_bytes(b'.')
        from aiida import orm

        from aiida_seimlip.data.frames import FramesData
        from aiida_seimlip.data.potential import PotentialData

        content = Path(folder) / 'at_once' / 'pot.almtp'
        potential = PotentialData(content, 'pot.almtp', species=SPECIES).store()
        frames = [FramesData.from_atoms([crystal(index)]).store() for index in range(n_jobs + 1)]
        seeds = range(1, n_jobs + 2)
        conditions = {'temperature': 300.0, 'n_steps': 1000, 'dump_every': 500}
        kinds = {
            'AiiDA alone': ('empty', {'code': world.codes['empty']}, [{'x': orm.Int(seed)} for seed in seeds]),
            'exploration': (
                'seimlip.exploration.lammps',
                {**defaults_of('exploration', 'lammps'), 'code': world.codes['exploration'], 'potential': potential},
                [
                    {'structure': one, 'parameters': orm.Dict({**conditions, 'seed': seed})}
                    for seed, one in zip(seeds, frames, strict=True)
                ],
            ),
            'label, one in a job': (
                'seimlip.reference.ase',
                {
                    **defaults_of('reference', 'ase'), 'code': world.codes['reference'],
                    'parameters': orm.Dict(LENNARD_JONES),
                },
                [{'frames': one} for one in frames],
            ),
        }  # fmt: skip
        found = {}
        for name, (process, shared, children) in kinds.items():
            run_many(process, shared, children[:1])  # whatever is slow only once
            begun = time.process_time()
            run_many(process, shared, children[1:])
            found[name] = (time.process_time() - begun) / n_jobs
        return found


def defaults_of(socket: str, engine: str) -> dict[str, Any]:
    """Return the nodes that a campaign gives to all processes of an engine."""
    from aiida_seimlip.engines.contract import load_engine

    return load_engine(socket, engine).default_nodes()


def run_many(process: str, shared: dict[str, Any], children: list[dict[str, Any]]) -> None:
    """Run children side by side."""
    from aiida.engine import run_get_node
    from many import ManyWorkChain

    named = {f'child_{number:03d}': inputs for number, inputs in enumerate(children)}
    _, node = run_get_node(ManyWorkChain, kind=process, shared=shared, children=named)
    if not node.is_finished_ok:
        raise SystemExit(f'{process}: {node.exit_message}')


def run_batches(sizes: list[int]) -> list[dict[str, Any]]:
    """Return what it costs to label a batch, for each of some sizes."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), Size.of_scale(0.001))
        from aiida import orm
        from aiida.engine import run_get_node
        from aiida.plugins import WorkflowFactory

        from aiida_seimlip.data.frames import FramesData

        for n_labels in [1, *sizes]:
            frames = FramesData.from_atoms([crystal(10000 * n_labels + index) for index in range(n_labels)]).store()
            before = world.sample()
            parameters = orm.Dict(LENNARD_JONES)
            process = WorkflowFactory('seimlip.reference.ase')
            run_get_node(process, code=world.codes['reference'], frames=frames, parameters=parameters)
            found.append({'n_labels': n_labels, **asdict(world.sample().since(before))})
    return found[1:]


TASKS = {'campaign': run_campaign, 'jobs': run_jobs, 'batches': run_batches}


# -- tables -----------------------------------------------------------------------------------------------------------


def print_jobs(found: dict[str, float], n_jobs: int) -> None:
    """Print the costs of a child of each kind."""
    alone = found['AiiDA alone']
    print(f'{n_jobs} processes side by side, each with one job\n{"each":<24}{"CPU s":>8}{"on top of AiiDA":>18}')
    for name, seconds in found.items():
        print(f'{name:<24}{seconds:8.2f}{seconds - alone:18.2f}')


def print_batches(found: list[dict[str, Any]]) -> None:
    """Print the costs of a batch of labels."""
    print(f'\n{"labels in a batch":<20}{"nodes":>7}{"CPU s":>8}{"ms a label":>12}{"kB a label":>12}')
    for row in found:
        bytes_used = row['database'] + row['repository']
        print(
            f'{row["n_labels"]:<20}{row["nodes"]:7}{row["cpu"]:8.2f}{1000 * row["cpu"] / row["n_labels"]:12.1f}'
            f'{bytes_used / row["n_labels"] / 1000:12.1f}'
        )


def print_campaign(size: Size, samples: list[Sample]) -> None:
    """Print what a campaign cost in all, and in each iteration."""
    steps = [after.since(before) for before, after in pairwise(samples)]
    total = samples[-1]
    n_labels = size.n_labels * size.n_iterations
    print(
        f'\n{size.n_starts} starts, {size.n_conditions} conditions, {size.n_iterations} iterations, '
        f'{size.n_explorations} explorations, {n_labels} labels\n'
        f'  processes {total.processes}, nodes {total.nodes}, database {total.database / 1e6:.1f} MB, '
        f'repository {total.repository / 1e6:.1f} MB, peak memory {total.memory / 1e6:.0f} MB\n'
        f'  wall time {total.wall:.0f} s, CPU {total.cpu:.0f} s: '
        f'{total.cpu / size.n_explorations:.2f} s an exploration, '
        f'{total.cpu / n_labels:.2f} s a label'
    )
    print(
        f'{"iteration":>11}{"CPU s":>9}{"nodes":>8}{"processes":>11}{"database kB":>13}'
        f'{"repository kB":>15}{"peak MB":>9}'
    )
    for number, step in enumerate(steps, start=1):
        print(
            f'{number:11}{step.cpu:9.1f}{step.nodes:8}{step.processes:11}{step.database / 1e3:13.0f}'
            f'{step.repository / 1e3:15.0f}{step.memory / 1e6:9.0f}'
        )
    learning = steps[:-1]  # in the last iteration nothing is learned
    numbers = np.arange(1, len(learning) + 1)
    fits = {name: slope(numbers, [getattr(step, name) for step in learning]) for name in ('cpu', 'nodes', 'repository')}
    print('  an iteration costs its number to the power of: ' + ', '.join(f'{k} {v:.2f}' for k, v in fits.items()))


def print_growth(totals: dict[Size, Sample]) -> None:
    """Print how totals grow with the number of explorations."""
    explorations = [size.n_explorations for size in totals]
    print('\ntotals grow as the number of explorations to the power of')
    for name in ('cpu', 'nodes', 'processes', 'database', 'repository'):
        print(f'  {name:<12}{slope(explorations, [getattr(total, name) for total in totals.values()]):6.2f}')


def slope(x: Any, y: Any) -> float:
    """Return the exponent of the power law that fits best, nothing where there are fewer than two points."""
    if len(x) < 2 or np.min(y) <= 0:
        return math.nan
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


if __name__ == '__main__':
    main()

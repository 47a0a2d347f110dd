"""Print what a call of a universal potential costs, with and without the memory that jobs keep for it.

Run it with the interpreter that has the potentials: ``.venv/var/calculators/bin/python benchmarks/memory.py``; options:
``--calculator``, ``--calls``, ``--rounds``. The two kinds of process take turns.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

TARGETS = {'sevennet': 'sevenn.calculator:SevenNetCalculator', 'chgnet': 'chgnet.model.dynamics:CHGNetCalculator'}
REMOTE = Path(__file__).parents[1] / 'aiida_seimlip' / 'remote'


def measure(name: str, n_calls: int, is_kept: bool) -> None:
    """Print user and system time in CPU-s and page faults of a call, for 72 atoms of lithium fluoride."""
    sys.path.insert(0, str(REMOTE))  # as in a job, where the modules lie side by side
    import make_calculator
    import torch
    from ase.build import bulk

    torch.set_num_threads(1)
    if not is_kept:
        make_calculator.keep_memory = lambda: None
    kwargs = {'model': '7net-0', 'device': 'cpu'} if name == 'sevennet' else {'use_device': 'cpu'}
    atoms = bulk('LiF', 'rocksalt', a=4.08, cubic=True) * (3, 3, 1)
    atoms.calc = make_calculator.make_calculator({'target': TARGETS[name], 'kwargs': kwargs})
    atoms.get_forces()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for seed in range(n_calls):
        atoms.rattle(0.01, seed=seed)
        atoms.get_forces()
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(*((getattr(after, x) - getattr(before, x)) / n_calls for x in ('ru_utime', 'ru_stime', 'ru_minflt')))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--calculator', choices=TARGETS, default='sevennet')
    parser.add_argument('--calls', type=int, default=6)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--measure', choices=('kept', 'handed back'), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.calculator, arguments.calls, arguments.measure == 'kept')
        return
    command = [sys.executable, __file__, '--calculator', arguments.calculator, '--calls', str(arguments.calls)]
    found: dict[str, list[list[float]]] = {'handed back': [], 'kept': []}
    for _ in range(arguments.rounds):
        for kind, rows in found.items():
            said = subprocess.run([*command, '--measure', kind], check=True, stdout=subprocess.PIPE, text=True).stdout
            rows.append([float(word) for word in said.splitlines()[-1].split()])
    print(f'{"freed memory":14}{"user, s":>10}{"system, s":>11}{"page faults":>13}')
    totals = {}
    for kind, rows in found.items():
        user, system, faults = (median(column) for column in zip(*rows, strict=True))
        totals[kind] = user + system
        print(f'{kind:14}{user:10.2f}{system:11.2f}{faults:13.0f}')
    print(f'kept / handed back: {totals["kept"] / totals["handed back"]:.2f}')


if __name__ == '__main__':
    main()

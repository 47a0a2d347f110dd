"""Print how fast this package evaluates moment tensor potentials and runs dynamics, next to another checkout of it.

Run as ``python benchmarks/builds.py PATH``, PATH being a checkout of another commit; options: ``--levels``,
``--species``, ``--steps``. Speeds are in thousand atom-steps per CPU-second on one core: the kernel alone, then with
the grade of every atom, both with known neighbours, and ``seimlip-lmp`` without and with grades. The two take turns,
each measured three times in processes of its own, and the best counts; with the third kind of number, their ratio.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
KINDS = ('kernel', 'kernel, grade', 'seimlip-lmp', 'seimlip-lmp, grade')
TURNS = 3


def measure(level: int, n_species: int, n_steps: int) -> list[float]:
    """Return the speeds of the package that this process imports, in the order of `KINDS`."""
    import md
    from md_kernel import SPECIES, li2co3, random_potential, speed

    from aiida_seimlip.science.frames import Frames
    from aiida_seimlip.science.mtp.evaluate import Evaluator
    from aiida_seimlip.science.mtp.grade import Grader
    from aiida_seimlip.science.neighbours import neighbour_list

    atoms, species = li2co3(n_species), SPECIES[:n_species]
    frame = Frames.from_atoms([atoms])
    types, potential = frame.types(species), random_potential(level, species, frame)
    evaluator = Evaluator(potential)
    grader = Grader(potential, evaluator)
    pairs = neighbour_list(frame.positions, frame.ptr, frame.cells, frame.pbc, potential.max_dist)
    speeds = [
        speed(len(atoms), lambda: evaluator.compute(types, pairs)),
        speed(len(atoms), lambda: grader.grade(types, evaluator.compute(types, pairs, with_local=True).local)),
    ]
    if n_steps:
        crystal = md.li2co3((3, 4, 4))
        speeds += [md.speed(level, crystal, n_steps, 'nvt', with_grades=with_grades) for with_grades in (False, True)]
    return speeds


def ask(checkout: Path, level: int, n_species: int, n_steps: int) -> list[float]:
    """Measure a checkout in a process of its own."""
    command = [sys.executable, __file__, str(checkout), '--measure', json.dumps([level, n_species, n_steps])]
    environment = os.environ | {'PYTHONPATH': str(checkout), 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('peer', type=Path, help='a checkout of another commit')
    parser.add_argument('--levels', type=int, nargs='+', default=[8, 16, 22])
    parser.add_argument('--species', type=int, default=3, help='of the kernel; dynamics have 3')
    parser.add_argument('--steps', type=int, default=60, help='of dynamics; 0 for none')
    parser.add_argument('--measure', type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    print(f'{"":22s}{"level":>6s}{arguments.peer.name[:12]:>13s}{"this":>9s}{"ratio":>8s}')
    for level in arguments.levels:
        turns = [
            [ask(checkout, level, arguments.species, arguments.steps) for checkout in (arguments.peer.resolve(), HERE)]
            for _ in range(TURNS)
        ]
        best = [[max(kind) for kind in zip(*speeds, strict=True)] for speeds in zip(*turns, strict=True)]
        for kind, peer, this in zip(KINDS, *best, strict=False):
            print(f'{kind:22s}{level:6d}{peer:13.1f}{this:9.1f}{this / peer:8.2f}', flush=True)


if __name__ == '__main__':
    main()

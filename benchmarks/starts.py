"""Print how long the starts of a recipe take to be packed and checked, what fails, and whether they come out the same.

Run as ``python benchmarks/starts.py``; options: ``--recipe``, ``--seed``, ``--once``. It needs packmol.
"""

import argparse
import itertools
import resource
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from aiida_seimlip.functions.starts.packing import AT_ONCE, gather_molecules, pack_start, plan_starts
from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.options.starts.recipes import get_recipe
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.packing import PackedCell
from aiida_seimlip.science.structures.packing.units import shortest_contact


def cpu_seconds() -> float:
    """Return the time that this process and the programs that it ran have used."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def pack_all(options: RecipeOptions) -> list[PackedCell | str]:
    """Pack the starts, as `pack_recipe` does."""
    molecules = gather_molecules(options, {})
    starts = plan_starts(options, molecules)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda start: pack_start(start, molecules, options.packing), starts))


def check(cells: list[PackedCell], options: RecipeOptions) -> dict[str, object]:
    """Look at every cell once more, and at their distances, compositions and hashes."""
    atoms = [cell.atoms for cell in cells]
    contacts = [shortest_contact(cell.atoms, cell.units) for cell in cells]
    frames = Frames.from_atoms(atoms)
    assert all(contact >= cell.tolerance - 0.02 for contact, cell in zip(contacts, cells, strict=True))
    assert frames.sizes.max() <= (options.random.max_atoms if options.random else np.inf)
    return {
        'atoms': f'{frames.sizes.min()} to {frames.sizes.max()}, mean {frames.sizes.mean():.0f}',
        'density, g/cm³': f'{min(c.density for c in cells):.2f} to {max(c.density for c in cells):.2f}',
        'shortest contact, Å': f'{min(contacts):.2f}',
        'shortest distance, Å': f'{frames.shortest_distances().min():.2f}',
        'different compositions': len(set(frames.formulas)),
        'different hashes': len(set(frames.hashes())),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--recipe', default='paper')
    parser.add_argument('--seed', type=int, help='instead of that of the recipe')
    parser.add_argument('--once', action='store_true', help='do not pack them again to compare')
    arguments = parser.parse_args()
    content = get_recipe(arguments.recipe)
    options = RecipeOptions.from_node(content if arguments.seed is None else {**content, 'seed': arguments.seed})
    runs = []
    for _ in range(1 if arguments.once else 2):
        begin, cpu = time.perf_counter(), cpu_seconds()
        results = pack_all(options)
        packed = [cell for cell in results if isinstance(cell, PackedCell)]
        middle = time.perf_counter()
        found = check(packed, options)
        print(f'{options.n_starts} starts of `{arguments.recipe}`, seed {options.seed}: in {middle - begin:.0f} s '
              f'({cpu_seconds() - cpu:.0f} CPU-s), checked in {time.perf_counter() - middle:.1f} s, '
              f'{len(results) - len(packed)} failed')  # fmt: skip
        runs.append(Frames.from_atoms(cell.atoms for cell in packed).hashes())
    for name, value in found.items():
        print(f'{name:<26}{value}')
    for (method, tolerance), number in sorted(Counter((c.method, c.tolerance) for c in packed).items()):
        own = [cell.seconds for cell in packed if (cell.method, cell.tolerance) == (method, tolerance)]
        print(f'{f"{method}, {tolerance:g} Å":<26}{number} starts, {np.mean(own):.2f} s each, {max(own):.2f} s at most')
    for start in itertools.filterfalse(lambda cell: isinstance(cell, PackedCell), results):
        print(f'failed: {start}')
    if not arguments.once:
        print(f'{"the same again":<26}{runs[0] == runs[1]}')


if __name__ == '__main__':
    main()

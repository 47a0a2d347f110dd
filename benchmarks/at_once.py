"""Programs that answer at once, for `campaign.py`: they write what LAMMPS and ``mlp`` write, and calculate nothing.

Run as ``python -I -S at_once.py FOLDER lmp|mlp ARGUMENTS``. The folder holds ``settings.json``: the iteration in which
the last explorations survive (``n_iterations``), ``hardness`` (the fraction of the iterations after which those at a
temperature survive), ``candidates`` of each exploration that breaks, and ``labels`` of each iteration; ``pot.almtp``,
which each training gives; and ``trainings``, a file that gets a byte at each of them.

Nothing but the standard library is imported, so that a run takes hundredths of a second.
"""

import json
import random
import re
import sys
from pathlib import Path

QUANTITIES = (
    'Energy',
    'Energy per atom',
    'Forces',
    'Stresses (in energy units)',
    'Virial stresses (in pressure units)',
)


class Cell:
    """The configuration in a data file of LAMMPS."""

    def __init__(self, text):
        self.lengths = [float(re.search(rf'^0\.0 (\S+) {axis}lo', text, re.MULTILINE).group(1)) for axis in 'xyz']
        self.tilts = [float(word) for word in re.search(r'^(.+) xy xz yz', text, re.MULTILINE).group(1).split()]
        rows = [line.split() for line in re.split(r'^Atoms.*\n', text, flags=re.MULTILINE)[1].splitlines()]
        self.atoms = [(int(row[1]), [float(word) for word in row[2:5]]) for row in rows if len(row) >= 5]

    def displaced(self, rng):
        """Return types and positions, these displaced at random."""
        return [(kind, [x + rng.gauss(0.0, 0.1) for x in position]) for kind, position in self.atoms]

    def cfg(self, rng, grade):
        """Return a displaced configuration in the format of MLIP-3."""
        (a, b, c), (xy, xz, yz) = self.lengths, self.tilts
        lines = ['BEGIN_CFG', ' Size', f'    {len(self.atoms)}', ' Supercell']
        lines += [f'    {x:.6f} {y:.6f} {z:.6f}' for x, y, z in ((a, 0, 0), (xy, b, 0), (xz, yz, c))]
        lines.append(' AtomData:  id type       cartes_x      cartes_y      cartes_z')
        for number, (kind, (x, y, z)) in enumerate(self.displaced(rng), start=1):
            lines.append(f'    {number} {kind - 1} {x:.6f} {y:.6f} {z:.6f}')
        return '\n'.join([*lines, f' Feature   MV_grade\t{grade:.6f}', 'END_CFG', '', ''])

    def dump(self, rng, step, extra='fx fy fz'):
        """Return a displaced configuration in the format of a dump of LAMMPS, with columns of zeros."""
        zeros = ' 0.0' * len(extra.split())
        (a, b, c), (xy, xz, yz) = self.lengths, self.tilts
        low, high = min(0.0, xy, xz, xy + xz), a + max(0.0, xy, xz, xy + xz)
        bounds = [f'{low} {high} {xy}', f'{min(0.0, yz)} {b + max(0.0, yz)} {xz}', f'0.0 {c} {yz}']
        lines = ['ITEM: TIMESTEP', str(step), 'ITEM: NUMBER OF ATOMS', str(len(self.atoms))]
        lines += ['ITEM: BOX BOUNDS xy xz yz pp pp pp', *bounds, f'ITEM: ATOMS id type xu yu zu {extra}']
        for number, (kind, (x, y, z)) in enumerate(self.displaced(rng), start=1):
            lines.append(f'{number} {kind} {x:.10f} {y:.10f} {z:.10f}{zeros}')
        return '\n'.join([*lines, ''])


def run_lmp(folder, settings, arguments):
    """Write a run that breaks while the potential is young, the sooner the hotter it is."""
    script = Path(arguments[arguments.index('-in') + 1]).read_text()
    cell = Cell(Path('structure.data').read_text())
    iteration = (folder / 'trainings').stat().st_size
    rng = random.Random(f'{script}{iteration}')
    temperature = float(re.search(r'all \S+ temp (\S+)', script).group(1))
    survives = iteration >= settings['n_iterations'] * settings['hardness'][f'{temperature:g}']
    n_steps = int(re.search(r'^run (\d+)', script, re.MULTILINE).group(1))
    Path('trajectory.lammpstrj').write_text(''.join(cell.dump(rng, step) for step in (0, n_steps // 2, n_steps)))
    log = (
        f'LAMMPS (19 Nov 2024)\n  {len(cell.atoms)} atoms\nPer MPI rank memory allocation = 3 | 3 | 3 Mbytes\n'
        f'   Step          Temp          PotEng\n         0  {temperature:g} -1.0\n'
    )
    if survives:
        Path('final.lammpstrj').write_text(cell.dump(rng, n_steps, 'vx vy vz fx fy fz'))
        log += f'{n_steps:10d}  {temperature:g} -1.0\n'
        log += (
            f'Loop time of 0.1 on 1 procs for {n_steps} steps with {len(cell.atoms)} atoms\nTotal wall time: 0:00:00\n'
        )
    else:
        grades = [rng.uniform(2.0, 9.0) for _ in range(settings['candidates'] - 1)] + [11.0]
        Path('preselected.cfg').write_text(''.join(cell.cfg(rng, grade) for grade in grades))
        print('Breaking threshold exceeded (MV-grade: 11.000000)', file=sys.stderr)
    Path('log.lammps').write_text(log)
    print(log, end='')


def run_train(folder, _, arguments):
    """Give the potential that was prepared."""
    target = next(argument for argument in arguments if argument.startswith('--save_to=')).partition('=')[2]
    Path(target).write_bytes((folder / 'pot.almtp').read_bytes())
    with (folder / 'trainings').open('ab') as handle:
        handle.write(b'.')
    text = Path(arguments[1]).read_text()
    n_configurations = text.count('BEGIN_CFG')
    print(f'{n_configurations} configurations found in the training set')
    print("Minimal interatomic distance in the training set is 2.5. MTP's mindist will be updated")
    print('_' * 15 + 'Errors report' + '_' * 20)
    for name in QUANTITIES:
        print(f'{name}:\n\tErrors checked for {n_configurations} configurations')
        for kind in ('Maximal', 'Average', 'RMS    '):
            print(f'\t{kind} absolute difference = 0.01')
        print()
    print('_' * 47 + '\ntraining complete')


def run_select(_, settings, arguments):
    """Select candidates at even distances, as many as are to be labelled."""
    _, _, candidates, selected, *_ = arguments
    blocks = re.findall(r'BEGIN_CFG.*?END_CFG\n', Path(candidates).read_text(), re.DOTALL)
    wanted = min(settings['labels'], len(blocks))
    chosen = [blocks[index * len(blocks) // wanted] for index in range(wanted)]
    Path(selected).write_text('\n'.join(chosen))
    print(f'0 configurations selected from training set\nTraining set was increased by {len(chosen)} configurations')


def main():
    """Run the command that is asked for."""
    folder, program, *arguments = sys.argv[1:]
    settings = json.loads((Path(folder) / 'settings.json').read_text())
    if program == 'lmp':
        run_lmp(Path(folder), settings, arguments)
    else:
        commands = {'train': run_train, 'select_add': run_select}
        commands[arguments[0]](Path(folder), settings, arguments[1:])


if __name__ == '__main__':
    main()

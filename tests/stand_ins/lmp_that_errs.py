"""Stand-in for a LAMMPS that errs: runs ``seimlip-lmp`` and spoils what goes in or comes out.

The environment variable SEIMLIP_LMP_FAULTS names the faults, separated by commas:

* ``stress``: all pressures have the wrong sign;
* ``forces``: all forces in the dumps are twice as large;
* ``types``: types are numbered by the elements that occur, not by the species of the potential;
* ``threshold``: the threshold at which a run breaks is ignored.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

FAULTS = set(filter(None, os.environ.get('SEIMLIP_LMP_FAULTS', '').split(',')))
PROGRAM = Path(sys.executable).parent / 'seimlip-lmp'
FORCES = {'fx', 'fy', 'fz'}
PRESSURES = {'Press', 'Pxx', 'Pyy', 'Pzz', 'Pxy', 'Pxz', 'Pyz'}


def spoil_input(script: Path, data: Path) -> None:
    """Change the files that LAMMPS reads."""
    if 'threshold' in FAULTS:
        script.write_text(re.sub(r'threshold_break=\S+', 'threshold_break=1e9', script.read_text()))
    if 'types' in FAULTS:
        head, atoms = re.split(r'(?<=\n)(?=Atoms)', data.read_text())
        title, _, *rows = atoms.splitlines()
        end = rows.index('') if '' in rows else len(rows)
        fields = [row.split() for row in rows[:end]]
        numbers = {kind: str(index) for index, kind in enumerate(sorted({row[1] for row in fields}), start=1)}
        lines = [' '.join([row[0], numbers[row[1]], *row[2:]]) for row in fields]
        data.write_text('\n'.join([head + title, '', *lines, *rows[end:], '']))


def spoil_thermo(text: str) -> str:
    """Turn the sign of all pressures."""
    columns: list[str] = []
    lines = []
    for line in text.splitlines():
        fields = line.split()
        if fields[:1] == ['Step']:
            columns = fields
        elif len(fields) == len(columns) and fields and fields[0].isdigit():
            values = zip(columns, fields, strict=True)
            turned = (f'{-float(value):.12g}' if name in PRESSURES else value for name, value in values)
            lines.append(' '.join(turned))
            continue
        lines.append(line)
    return '\n'.join(lines) + '\n'


def spoil_dump(text: str) -> str:
    """Double the forces."""
    columns: list[str] = []
    lines = []
    for line in text.splitlines():
        fields = line.split()
        if line.startswith('ITEM:'):
            columns = fields[2:] if line.startswith('ITEM: ATOMS') else []
        elif columns:
            values = zip(columns, fields, strict=True)
            doubled = (f'{2 * float(value):.10g}' if name in FORCES else value for name, value in values)
            lines.append(' '.join(doubled))
            continue
        lines.append(line)
    return '\n'.join(lines) + '\n'


def main() -> int:
    """Run the real program, and spoil its output."""
    if '-h' not in sys.argv:
        spoil_input(Path(sys.argv[sys.argv.index('-in') + 1]), Path('structure.data'))
    done = subprocess.run([PROGRAM, *sys.argv[1:]], stdout=subprocess.PIPE, text=True, check=False)
    stress = 'stress' in FAULTS
    print(spoil_thermo(done.stdout) if stress else done.stdout, end='')
    log = Path('log.lammps')
    if stress and log.exists():
        log.write_text(spoil_thermo(log.read_text()))
    if 'forces' in FAULTS:
        for path in Path().glob('*.lammpstrj'):
            path.write_text(spoil_dump(path.read_text()))
    return done.returncode


if __name__ == '__main__':
    sys.exit(main())

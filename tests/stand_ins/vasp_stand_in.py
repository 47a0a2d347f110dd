"""A stand-in for ``vasp_std`` in tests: it reads the input files of VASP and writes its output files, but is not VASP.

It stops where VASP would stop, and answers with a calculator of ASE: no electron is calculated, and whatever concerns
them (ENCUT, GGA, KPOINTS, IVDW, ...) is read, checked and without effect. Faults are asked for by rules, see
`vasp_parts.faults`. Run it with a Python that has ASE, in a folder with INCAR, POSCAR, KPOINTS and POTCAR; with IMAGES
in INCAR and the folders 00, 01, ... it stands for VASP with VTST, see `vasp_parts.band`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from vasp_parts import band, faults, listing, outcar, vasprun
from vasp_parts.inputs import Inputs, read_inputs
from vasp_parts.messages import WARNING, RefusalError, box
from vasp_parts.step import Step

VERSION = '6.4.2'

NOT_CONVERGED = (
    'The electronic self-consistency was not achieved in the given number of steps (NELM). The forces and other '
    'quantities evaluated might not be reliable so examine the results carefully. If you find spurious results, we '
    'suggest increasing NELM, if you were close to convergence or switching to a different ALGO or adjusting the '
    'density mixing parameters otherwise.'
)

TEXTS = {
    'zbrent': ' ZBRENT: fatal error in bracketing\n'
    '     please rerun with smaller EDIFF, or copy CONTCAR\n     to POSCAR and continue\n',
    'eddrmm': ' WARNING in EDDRMM: call to ZHEGV failed, returncode =   6  3      8\n',
    'edddav': ' Error EDDDAV: Call to ZHEGV failed. Returncode =  11 1  12\n',
    'brmix': ' BRMIX: very serious problems\n  the old and the new charge density differ\n'
    '  old charge density:  128.00977 new  127.98047\n',
    'out_of_memory': ' forrtl: severe (41): insufficient virtual memory\n',
    'disk_full': ' forrtl: No space left on device\n forrtl: severe (38): error during write, unit 20\n',
}
"""What is printed at a fault."""

ENDING = frozenset({'zbrent', 'edddav', 'out_of_memory', 'disk_full'})
"""Faults after which the program ends itself in the middle of the electronic steps."""

UNCONVERGED = frozenset({'nelm', 'eddrmm', 'brmix'})
"""Faults after which the electronic steps go on, but do not converge."""


class Run:
    """One run in the working directory.

    :ivar fault: the rule that strikes it, empty if none does.
    :ivar symbols: the names of the types in the outputs.
    """

    def __init__(self, inputs: Inputs, fault: dict[str, Any]) -> None:
        self.inputs = inputs
        self.fault = fault
        self.symbols = [potential.element for potential in inputs.potentials]
        if self.name == 'elements_out_of_order':
            self.symbols = self.symbols[1:] + self.symbols[:1]

    @property
    def name(self) -> str:
        """Name of the fault, or nothing."""
        return str(self.fault.get('fault', ''))

    def strikes(self, number: int) -> bool:
        """Return whether the fault strikes in this ionic step."""
        return bool(self.fault) and self.fault.get('step', 1) == number

    def __call__(self, calculator: dict[str, Any] | None) -> None:
        """Do all ionic steps."""
        from vasp_parts.physics import LENNARD_JONES, make_atoms, run

        atoms = make_atoms(self.inputs, calculator or LENNARD_JONES)
        with open('OUTCAR', 'w') as out, open('vasprun.xml', 'w') as xml, open('OSZICAR', 'w') as oszicar:
            outcar.write_head(out, self.inputs, VERSION, self.symbols)
            vasprun.write_generator(xml, VERSION)
            vasprun.write_head(xml, self.inputs, self.symbols)
            print(*self.inputs.warnings, ' entering main loop', sep='\n')
            n_steps = self.inputs.tags['NSW'] if self.inputs.is_dynamics else 1
            for number, step in enumerate(run(self.inputs, atoms), start=1):
                self.do_step(number, step, (out, xml, oszicar), last=number == n_steps)
            vasprun.write_tail(xml, step)
            outcar.write_tail(out)
        if self.name == 'truncated_vasprun':
            cut_before(Path('vasprun.xml'), '<varray name="stress"')
        write_restart_files(self.inputs)

    def do_step(self, number: int, step: Step, handles: Sequence[TextIO], last: bool) -> None:
        """Write an ionic step to all files."""
        out, xml, oszicar = handles
        unconverged = self.name in UNCONVERGED and self.strikes(number)
        electronic, reached = electronic_steps(step.energy, self.inputs.tags, unconverged)
        shift = electronic[-1] - step.energy
        self.strike(number, step, electronic, handles)
        self.write_electronic(number, step, electronic, handles)
        outcar.write_aborting(out, reached)
        outcar.write_step(out, step, shift, self.inputs.is_dynamics)
        vasprun.end_step(xml, self.inputs, step, shift, last)
        line = listing.ionic_line(number, step, shift, self.inputs.is_dynamics)
        oszicar.write(line)
        print(line, end='')
        if not reached:
            print(box(NOT_CONVERGED, WARNING))
        if self.inputs.is_dynamics:
            listing.append_xdatcar(Path('XDATCAR'), self.inputs, step, number, self.symbols)
        Path('CONTCAR').write_text(listing.contcar(self.inputs, step, self.symbols))

    def write_electronic(self, number: int, step: Step, electronic: Sequence[float], handles: Sequence[TextIO]) -> None:
        """Write electronic steps to all files."""
        out, xml, oszicar = handles
        outcar.write_iterations(out, number, electronic, step)
        vasprun.begin_step(xml, step, electronic)
        lines = listing.electronic_lines(electronic)
        oszicar.write(lines)
        print(lines, end='', flush=True)

    def strike(self, number: int, step: Step, electronic: Sequence[float], handles: Sequence[TextIO]) -> None:
        """Let the fault happen, if it is one of those that happen in the electronic steps."""
        if not self.strikes(number):
            return
        if self.name in ENDING or self.name == 'killed':
            done = 0 if self.name == 'out_of_memory' else len(electronic) // 2
            self.write_electronic(number, step, electronic[:done], handles)
            for handle in handles:
                handle.flush()
            for name in ('OUTCAR', 'vasprun.xml'):
                os.truncate(name, Path(name).stat().st_size - 50)
        print(TEXTS.get(self.name, ''), end='', flush=True)
        if self.name == 'killed':
            time.sleep(self.fault.get('seconds', 0))
        if self.name in ENDING or self.name == 'killed':
            end(self.name == 'killed')


def electronic_steps(energy: float, tags: dict[str, Any], unconverged: bool) -> tuple[list[float], bool]:
    """Return the free energies of the electronic steps in eV, and whether they have converged.

    Each step is ten times nearer than the one before; a run that does not converge swings by 0.1 eV.
    """
    limit = tags['NELM']
    if unconverged:
        return [energy + 0.1 * (-1) ** step for step in range(limit)], False
    energies: list[float] = []
    for step in range(limit):
        error = 10.0 ** (1 - step)
        change = 9 * error
        if change < tags['EDIFF'] and step >= tags['NELMIN']:
            return [*energies, energy], True
        energies.append(energy + error)
    return energies, False


def end(killed: bool) -> None:
    """End at once, so that nothing more is written to the files: as if killed, or with VASP's exit code of an error."""
    if killed:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(1)


def cut_before(path: Path, text: str) -> None:
    """Cut a file off at the last place that has a text."""
    os.truncate(path, path.read_bytes().rindex(text.encode()))


def write_restart_files(inputs: Inputs) -> None:
    """Write something into the files of the wave functions and of the charge, where they are wanted."""
    for tag, name in (('LWAVE', 'WAVECAR'), ('LCHARG', 'CHGCAR')):
        if inputs.tags[tag]:
            Path(name).write_text('written by the stand-in for VASP\n')


def main() -> int:
    """Run in the working directory."""
    path, rules = faults.load_rules()
    greeting = (
        f' running    1 mpi-ranks, on    1 nodes\n vasp.{VERSION} (stand-in that answers with ASE, no VASP) complex'
    )
    try:
        images = band.read_band(Path())
        inputs = images[1] if images else read_inputs(Path())
    except RefusalError as refusal:
        print(greeting, refusal.printed, sep='\n')
        Path('OUTCAR').write_text(f' vasp.{VERSION} (stand-in)\n{refusal.printed}')
        with open('vasprun.xml', 'w') as xml:
            vasprun.write_generator(xml, VERSION)
        return 1
    fault = faults.choose_fault(path, rules, inputs)
    if fault.get('fault') == 'hang':
        time.sleep(fault['seconds'])
    if fault.get('fault') == 'no_output':
        return 1
    if images:
        from vasp_parts.physics import LENNARD_JONES

        print(greeting)
        calculator = rules.get('calculator') or LENNARD_JONES
        if not band.run_band(images, calculator, VERSION, fault):
            end(True)
        return 0
    print(greeting, f' POSCAR found : {len(inputs.counts):2d} types and {len(inputs.symbols):7d} ions', sep='\n')
    Path('CONTCAR').touch()
    Run(inputs, fault)(rules.get('calculator'))
    return 0


if __name__ == '__main__':
    sys.exit(main())

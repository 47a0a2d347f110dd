"""Small files in the form in which VASP 4.6, 5 and 6 write them, with numbers that are easy to follow by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

CELL = ((4.0, 0.0, 0.0), (1.0, 5.0, 0.0), (0.5, 0.25, 6.0))
SCALED = ((0.0, 0.0, 0.0), (0.5, 0.25, 0.5), (0.25, 0.75, 0.125))
FORCES = ((0.1, 0.2, 0.3), (-0.4, 0.5, -0.6), (0.3, -0.7, 0.3))
STRESS = ((10.0, 1.0, 3.0), (1.0, 20.0, 2.0), (3.0, 2.0, 30.0))
"""In kbar: xy = 1, yz = 2, zx = 3."""


@dataclass(frozen=True)
class Step:
    """One ionic step."""

    n_electronic: int = 3
    energy: float = -9.52
    forces: tuple | None = FORCES
    stress: tuple | None = STRESS
    scaled: tuple = SCALED
    electronic_energy: float | None = None
    reached: bool = True
    is_predicted: bool = False
    force_text: str | None = None


@dataclass(frozen=True)
class Run:
    """What a file holds beside its steps."""

    version: str = '5.4.4'
    nelm: int = 60
    tags: dict[str, str] = field(default_factory=dict)
    titles: tuple[str, ...] = ('PAW_PBE Li_sv 10Sep2004', 'PAW_PBE F 08Apr2002')
    symbols: tuple[str, ...] = ('Li', 'F ')
    counts: tuple[int, ...] = (1, 2)
    end: bool = True

    def with_(self, **changes) -> Run:
        """Return a copy with some things changed."""
        return replace(self, **changes)


def vasprun(steps: list[Step], run: Run = Run()) -> str:
    """Return a vasprun.xml."""
    tags = ''.join(f'  <i type="string" name="{key}">{value}</i>\n' for key, value in run.tags.items())
    rows = ''.join(
        f'    <rc><c>{symbol}</c><c>{number:4d}</c></rc>\n' * count
        for number, (symbol, count) in enumerate(zip(run.symbols, run.counts, strict=True), start=1)
    )
    types = ''.join(
        f'    <rc><c>{count:4d}</c><c>{symbol}</c><c>      6.94</c><c>    3.0</c><c>  {title}   </c></rc>\n'
        for symbol, count, title in zip(run.symbols, run.counts, run.titles, strict=True)
    )
    has_second = run.version[0] == '5'
    response = '  <separator name="response functions" >\n   <i type="int" name="NELM">     1</i>\n  </separator>\n'
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <generator>\n'
        f'  <i name="program" type="string">vasp </i>\n  <i name="version" type="string">{run.version}  </i>\n'
        f' </generator>\n <incar>\n{tags} </incar>\n <parameters>\n  <separator name="general" >\n'
        '   <i type="string" name="SYSTEM">unknown system</i>\n  </separator>\n  <separator name="electronic" >\n'
        '   <i type="string" name="PREC">accura</i>\n   <separator name="electronic convergence" >\n'
        f'    <i type="int" name="NELM">{run.nelm:6d}</i>\n    <i type="int" name="NELMDL">    -5</i>\n'
        '   </separator>\n  </separator>\n  <separator name="electronic exchange-correlation" >\n'
        f'   <i type="string" name="GGA">--</i>\n  </separator>\n{response if has_second else ""} </parameters>\n'
        f' <atominfo>\n  <atoms>{sum(run.counts):8d} </atoms>\n  <types>       2 </types>\n  <array name="atoms" >\n'
        f'   <dimension dim="1">ion</dimension>\n   <field type="string">element</field>\n   <set>\n{rows}   </set>\n'
        f'  </array>\n  <array name="atomtypes" >\n   <field type="int">atomspertype</field>\n   <set>\n'
        f'{types}   </set>\n'
        f'  </array>\n </atominfo>\n'
        + ''.join(_calculation(step) for step in steps)
        + ('</modeling>\n' if run.end else ' <calculation>\n  <scstep>\n')
    )


def _varray(name: str, rows: tuple, text: str | None = None) -> str:
    lines = [''.join(f' {value:15.8f}' for value in row) for row in rows]
    if text is not None:
        lines[0] = text
    return f'  <varray name="{name}" >\n' + ''.join(f'   <v>{line} </v>\n' for line in lines) + '  </varray>\n'


def _calculation(step: Step) -> str:
    electronic = step.energy if step.electronic_energy is None else step.electronic_energy
    energies = '<energy>\n   <i name="e_fr_energy">{:16.8f} </i>\n   <i name="e_wo_entrp">{:16.8f} </i>\n'
    energies += '   <i name="e_0_energy">{:16.8f} </i>\n  </energy>\n'
    return (
        ' <calculation>\n'
        + f'  <scstep>\n  {energies.format(electronic, electronic + 0.04, electronic + 0.02)}  </scstep>\n'
        * (0 if step.is_predicted else step.n_electronic)
        + f'  <structure>\n   <crystal>\n{_varray("basis", CELL)}   </crystal>\n{_varray("positions", step.scaled)}'
        + '  </structure>\n'
        + ('' if step.forces is None else _varray('forces', step.forces, step.force_text))
        + ('' if step.stress is None else _varray('stress', step.stress))
        + f'  {energies.format(step.energy, step.energy + 0.04, step.energy + 0.02)} </calculation>\n'
    )


def outcar(steps: list[Step], run: Run = Run()) -> str:
    """Return an OUTCAR; that of VASP 6 names elements in the titles of the potentials only."""
    titles = ''.join(f' POTCAR:    {title}               \n' for title in run.titles)
    tags = ''.join(f'   {key} = {value}\n' for key, value in run.tags.items())
    details = ''.join(
        f' POTCAR:    {title}               \n'
        + ('' if run.version[0] == '6' else f'   VRHFIN ={symbol.strip()}: s2\n   LEXCH  = PE\n   TITEL  = {title}\n')
        for title, symbol in zip(run.titles, run.symbols, strict=True)
    )
    counts = ''.join(f'{count:4d}' for count in run.counts)
    return (
        f' vasp.{run.version} 24Jun15 (build Jun 17 2016 15:57:28) complex\n\n executed on   LinuxIFC\n\n INCAR:\n'
        f'{tags}{titles}{details}\n exchange correlation table for  LEXCH =        8\n'
        f'   number of dos      NEDOS =    301   number of ions     NIONS = {sum(run.counts):6d}\n'
        f'   ions per type =            {counts}\n\n   METAGGA=      F    non-selfconsistent MetaGGA calc.\n'
        f'   NELM   = {run.nelm:6d};   NELMIN=  2; NELMDL= -5     # of ELM steps\n'
        '   GGA     =    --    GGA type\n   LEXCH   =     8    internal setting for exchange type\n\n'
        + ''.join(_ionic_step(number, step, run.version[0] == '4') for number, step in enumerate(steps, start=1))
        + (' General timing and accounting informations for this job:\n' if run.end else '')
    )


def _ionic_step(number: int, step: Step, energy_first: bool) -> str:
    """Return a step; VASP 4 writes its energy before all but the iterations."""
    rule = '-' * 39
    said = 'because EDIFF is reached' if step.reached else 'EDIFF was not reached (unconverged)'
    iterations = ''.join(
        f'{rule} Iteration {number:6d}({count:4d})  {rule}\n\n  free energy    TOTEN  = {step.energy:18.8f} eV\n\n'
        for count in range(1, step.n_electronic + 1)
    )
    label = ' ML ' if step.is_predicted else '   '
    table = ''
    if step.forces is not None:
        positions = [[sum(s * row[axis] for s, row in zip(site, CELL, strict=True)) for axis in range(3)]
                     for site in step.scaled]  # fmt: skip
        rows = [''.join(f'{x:13.5f}' for x in (*site, *force))
                for site, force in zip(positions, step.forces, strict=True)]  # fmt: skip
        if step.force_text is not None:
            rows[0] = step.force_text
        heading = ' POSITION                                       TOTAL-FORCE (eV/Angst)'
        table = f'{" " if step.is_predicted else ""}{heading}{" (ML)" if step.is_predicted else ""}\n {"-" * 83}\n'
        table += ''.join(f'{row}\n' for row in rows) + f' {"-" * 83}\n    total drift:  0.0 0.0 0.0\n\n'
    stress = ''
    if step.stress is not None:
        in_order = [step.stress[i][j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))]
        stress = '  Direction    XX          YY          ZZ          XY          YZ          ZX\n'
        stress += '  in kB  ' + ''.join(f'{value:12.5f}' for value in in_order) + '\n'
    lattice = ''.join(f'  {"".join(f"{x:13.9f}" for x in (*row, 0.25, 0.0, 0.0))}\n' for row in CELL)
    energy = (
        f'  free  energy{label}TOTEN  = {step.energy:18.8f} eV\n\n'
        f'  energy  without entropy= {step.energy + 0.04:18.8f}  energy(sigma->0) = {step.energy + 0.02:18.8f}\n\n'
    )
    begin = '' if step.is_predicted else f'{iterations}{"-" * 24} aborting loop {said} {"-" * 40}\n\n'
    results = (
        f'{stress}\n VOLUME and BASIS-vectors are now :\n'
        f'      direct lattice vectors                 reciprocal lattice vectors\n{lattice}\n{table}'
    )
    return begin + (energy + results if energy_first else results + energy)

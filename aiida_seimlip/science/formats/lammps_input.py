"""LAMMPS input scripts for molecular dynamics with a machine-learned potential."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from ase.data import atomic_masses, atomic_numbers

from aiida_seimlip.science.formats.lammps_dialects import DIALECTS, GRADE_COLUMN

ENSEMBLES = ('nve', 'nvt', 'npt_iso', 'npt_tri')
MAX_SEED = 2**31 - 1
"""LAMMPS takes seeds from 1 to here."""

THERMO_COLUMNS = (
    'step', 'temp', 'pe', 'ke', 'etotal', 'press', 'vol', 'lx', 'ly', 'lz', 'xy', 'xz', 'yz',
    'pxx', 'pyy', 'pzz', 'pxy', 'pxz', 'pyz',
)  # fmt: skip
"""Keywords of ``thermo_style``; the log heads their columns Step, Temp, PotEng, KinEng, TotEng, Press, Volume, Lx, …"""

FIELD_FIX, STILL_COMPUTE = 'field', 'still'
"""Names of the fix that applies an electric field, and of the temperature without the motion of the centre of mass."""

FIELD_COLUMNS = (
    f'f_{FIELD_FIX}', *(f'f_{FIELD_FIX}[{axis}]' for axis in (1, 2, 3)), f'c_{STILL_COMPUTE}',
)  # fmt: skip
"""Thermodynamic output of a run in a field: its energy, its force on all atoms together, and that temperature."""

MAX_TRACED_STEPS = 500_000
"""Longer runs write no trace, which takes 40 bytes a step."""


@dataclass(frozen=True)
class LammpsMdSettings:
    """Molecular dynamics in ``units metal``.

    :param ensemble: ``nve``, ``nvt``, ``npt_iso`` (cell scaled as a whole) or ``npt_tri`` (all six cell parameters).
    :param temperature: at the start, in K.
    :param temperature_end: at the end, in K; the thermostat ramps linearly. By default `temperature`.
    :param pressure: in bar; for the ensembles ``npt_*``.
    :param timestep: in fs.
    :param n_steps: number of steps; 0 evaluates the start only.
    :param thermostat_damping: Nosé–Hoover relaxation time of the temperature, in fs.
    :param barostat_damping: Nosé–Hoover relaxation time of the pressure, in fs.
    :param seed: of the initial velocities, from 1 to 2³¹ - 1; must be given if `create_velocities`.
    :param create_velocities: draw velocities from the Maxwell–Boltzmann distribution; else those of the data file hold.
    :param dump_every: steps between frames of the trajectory.
    :param thermo_every: steps between rows of thermodynamic output.
    :param dialect: which pair style the build of LAMMPS has: a key of `lammps_dialects.DIALECTS`.
    :param with_grades: evaluate the extrapolation grade at every step.
    :param threshold_save: frames above this grade are saved as candidates.
    :param threshold_break: LAMMPS ends itself above this grade; must exceed `threshold_save`.
    :param wall_time_limit: LAMMPS ends the run in good order after so many seconds; None for no limit.
    :param first_step: number of the first step, so that a continued run goes on counting.
    :param mobile: chemical symbols of the ions whose paths are written; none for no track.
    :param track_every: steps between two frames of the track.
    :param field: electric field at the atoms in V/Å, in LAMMPS' frame, which acts on the charges of the data file and
        on nothing else; None where there are no charges.
    :param precision: in which MACE is evaluated, ``float32`` or ``float64``; None for that of its file.
    :param deviation_scale: what is made of a standard deviation over a committee to be its grade.
    :raises ValueError: if a value is out of its range; the message names it.
    """

    temperature: float = 300.0
    ensemble: str = 'nvt'
    temperature_end: float | None = None
    pressure: float = 0.0
    timestep: float = 0.5
    n_steps: int = 1000
    thermostat_damping: float = 100.0
    barostat_damping: float = 500.0
    seed: int | None = None
    create_velocities: bool = True
    dump_every: int = 100
    thermo_every: int = 10
    dialect: str = 'mlip'
    with_grades: bool = True
    threshold_save: float = 2.0
    threshold_break: float = 10.0
    wall_time_limit: float | None = None
    first_step: int = 0
    mobile: tuple[str, ...] = ()
    track_every: int = 2000
    field: tuple[float, float, float] | None = None
    precision: str | None = None
    deviation_scale: float = 1.0

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f'`{entry.name}` is not finite.')
        checks = {
            f'`ensemble` must be one of {", ".join(ENSEMBLES)}, not `{self.ensemble}`.': self.ensemble in ENSEMBLES,
            f'`dialect` must be one of {", ".join(DIALECTS)}, not `{self.dialect}`.': self.dialect in DIALECTS,
            f'`seed` must be an integer from 1 to {MAX_SEED} where velocities are created, not {self.seed}.': (
                not self.create_velocities or (isinstance(self.seed, int) and 1 <= self.seed <= MAX_SEED)
            ),
            '`threshold_break` must exceed `threshold_save`: else MLIP-3 never breaks.': (
                not self.with_grades or self.threshold_break > self.threshold_save
            ),
            '`field` holds a number that is not finite.': self.field is None or all(map(math.isfinite, self.field)),
            f'`ensemble` is `{self.ensemble}`, but in a `field` the cell must stay: the field does work along it that '
            'the pressure does not know of.': not (self.is_npt and self.field is not None and any(self.field)),
        }
        for name in ('timestep', 'thermostat_damping', 'barostat_damping', 'dump_every', 'thermo_every', 'track_every'):
            checks[f'`{name}` must be positive, not {getattr(self, name)}.'] = getattr(self, name) > 0
        for name in ('n_steps', 'first_step', 'threshold_save'):
            checks[f'`{name}` must not be negative, but is {getattr(self, name)}.'] = getattr(self, name) >= 0
        for name in ('temperature', 'temperature_end', 'wall_time_limit'):
            value = getattr(self, name)
            checks[f'`{name}` must be positive, not {value}.'] = value is None or value > 0
        for message, fine in checks.items():
            if not fine:
                raise ValueError(message)

    @property
    def is_npt(self) -> bool:
        """Whether the volume is free."""
        return self.ensemble.startswith('npt')


@dataclass(frozen=True)
class LammpsFiles:
    """Names of the files that an input script reads and writes; they must not hold white space.

    :param potential: the ``.almtp`` file; read.
    :param data: the data file; read.
    :param trajectory: dump with unwrapped positions and forces every `LammpsMdSettings.dump_every` steps.
    :param final: dump of the last step with velocities and forces in full precision: what a restart needs. Not written
        if LAMMPS breaks or crashes.
    :param preselected: frames above the grade to save.
    :param trace: step and lowest x, y and z (Å) of any atom, at every step: tells at which step a saved frame was met,
        which MLIP-3 does not say, and how far a run came. Only with grades, and up to `MAX_TRACED_STEPS`.
    :param track: dump with the positions of the mobile ions alone, see `lammps_track`.
    :param framework: centre of mass of all other atoms at the same steps.
    """

    potential: str = 'potential.almtp'
    data: str = 'structure.data'
    trajectory: str = 'trajectory.lammpstrj'
    final: str = 'final.lammpstrj'
    preselected: str = 'preselected.cfg'
    trace: str = 'trace.txt'
    track: str = 'track.lammpstrj'
    framework: str = 'framework.txt'

    def __post_init__(self) -> None:
        for entry in fields(self):
            name = getattr(self, entry.name)
            if not name or any(character.isspace() or character in '$&#"\'' for character in name):
                raise ValueError(f'The file name `{name}` of `{entry.name}` is empty or has special characters.')


def write_input(
    settings: LammpsMdSettings,
    species: Sequence[str],
    *,
    masses: Mapping[str, float] | None = None,
    files: LammpsFiles | None = None,
    members: Sequence[str] = (),
) -> str:
    """Write an input script; the data file comes from `lammps_data.write_data` with the same species.

    :param settings: of the run.
    :param species: chemical symbols in type order.
    :param masses: in u, of the elements that shall not have their standard atomic mass.
    :param files: names of the files.
    :param members: names of the files of the members of a committee, which stand for `LammpsFiles.potential`.
    :raises ValueError: if a mass is given for an element that is not among `species`, one that is not shall move, or
        the dialect knows no grades.
    """
    files = files or LammpsFiles()
    masses = dict(masses or {})
    if unknown := set(masses) - set(species):
        raise ValueError(f'Masses are given for {", ".join(sorted(unknown))}, which are not in the species list.')
    if unknown := set(settings.mobile) - set(species):
        raise ValueError(f'The mobile ions {", ".join(sorted(unknown))} are not in the species list.')
    mass = {symbol: masses.get(symbol, float(atomic_masses[atomic_numbers[symbol]])) for symbol in species}
    lines = [
        'units metal',
        f'atom_style {"atomic" if settings.field is None else "charge"}',
        *DIALECTS[settings.dialect].header,
        'boundary p p p',
        'box tilt large',
        f'read_data {files.data}',
        *(f'mass {index} {mass[symbol]:.10g}  # {symbol}' for index, symbol in enumerate(species, start=1)),
        '',
        *_pair_lines(settings, species, files, members),
        'neighbor 1.0 bin',
        'neigh_modify every 1 delay 0 check yes',
        '',
        *_dynamics_lines(settings),
        '',
        *_output_lines(settings, files),
        *(_track_lines(settings, species, files) if settings.mobile else []),
        '',
        *_run_lines(settings, files),
    ]
    return '\n'.join(lines) + '\n'


def _pair_lines(
    settings: LammpsMdSettings, species: Sequence[str], files: LammpsFiles, members: Sequence[str]
) -> list[str]:
    dialect = DIALECTS[settings.dialect]
    if settings.with_grades and not dialect.graded:
        raise ValueError(f'The dialect `{settings.dialect}` knows no grades.')
    return dialect.pair_lines(
        species, potential=' '.join(members or [files.potential]), preselected=files.preselected,
        thresholds=(settings.threshold_save, settings.threshold_break) if settings.with_grades else None,
        scale=settings.deviation_scale, precision=settings.precision,
    )  # fmt: skip


def _dynamics_lines(settings: LammpsMdSettings) -> list[str]:
    start = f'{settings.temperature:.10g}'
    end = f'{settings.temperature if settings.temperature_end is None else settings.temperature_end:.10g}'
    temperature = f'temp {start} {end} {_picoseconds(settings.thermostat_damping)}'
    pressure = f'{settings.pressure:.10g} {settings.pressure:.10g} {_picoseconds(settings.barostat_damping)}'
    fix = {
        'nve': 'nve',
        'nvt': f'nvt {temperature}',
        'npt_iso': f'npt {temperature} iso {pressure}',
        'npt_tri': f'npt {temperature} tri {pressure}',
    }[settings.ensemble]
    lines = [
        f'timestep {_picoseconds(settings.timestep)}', *_field_lines(settings.field), f'fix dynamics all {fix}',
    ]  # fmt: skip
    if settings.create_velocities:
        lines.insert(0, f'velocity all create {start} {settings.seed} mom yes rot no dist gaussian')
    if settings.first_step:
        lines.insert(0, f'reset_timestep {settings.first_step}')
    return lines


def _field_lines(field: Sequence[float] | None) -> list[str]:
    """Return what applies a field: it adds qE to the forces, and nothing to the pressure."""
    if field is None:
        return []
    return [
        f'fix {FIELD_FIX} all efield {" ".join(f"{value:.17g}" for value in field)}',
        f'fix_modify {FIELD_FIX} energy yes',
        f'compute {STILL_COMPUTE} all temp/com',
    ]


def _output_lines(settings: LammpsMdSettings, files: LammpsFiles) -> list[str]:
    columns = list(THERMO_COLUMNS)
    if settings.with_grades and DIALECTS[settings.dialect].prints_grade:
        columns.append(GRADE_COLUMN)
    columns += [] if settings.field is None else FIELD_COLUMNS
    velocities = '' if settings.field is None else ' vx vy vz'  # to tell the drift of parts from their heat
    trace = []
    if settings.with_grades and settings.n_steps <= MAX_TRACED_STEPS:
        bounds = ' '.join(f'$(bound(all,{axis}min):%.6f)' for axis in 'xyz')
        trace = [f'fix trace all print 1 "$(step) {bounds}" file {files.trace} screen no title "# step xmin ymin zmin"']
    return [
        *trace,
        f'thermo {settings.thermo_every}',
        f'thermo_style custom {" ".join(columns)}',
        'thermo_modify line one format float %.12g flush yes lost error',
        f'dump trajectory all custom {settings.dump_every} {files.trajectory} id type xu yu zu fx fy fz{velocities}',
        'dump_modify trajectory sort id format float %.10g',
    ]


def _track_lines(settings: LammpsMdSettings, species: Sequence[str], files: LammpsFiles) -> list[str]:
    """Return what writes the paths of the mobile ions: as text, so that any build of LAMMPS can.

    Where the cell changes, positions are left wrapped: from image flags, unwrapped ones would be wrong there (von Bülow
    et al., J. Chem. Phys. 153, 021101 (2020)).
    """
    mobile = [index for index, symbol in enumerate(species, start=1) if symbol in settings.mobile]
    others = [index for index, symbol in enumerate(species, start=1) if symbol not in settings.mobile]
    columns = 'x y z' if settings.is_npt else 'xu yu zu'
    lines = [
        f'group mobile type {" ".join(map(str, mobile))}',
        f'dump track mobile custom {settings.track_every} {files.track} {columns}',
        'dump_modify track sort id format float %.4f',
    ]
    if not others:
        return lines
    return [
        *lines,
        f'group framework type {" ".join(map(str, others))}',
        'compute framework framework com',
        f'fix framework all ave/time {settings.track_every} 1 {settings.track_every} c_framework[1] c_framework[2] '
        f'c_framework[3] file {files.framework} format " %.10g"',
    ]


def _run_lines(settings: LammpsMdSettings, files: LammpsFiles) -> list[str]:
    lines = [
        f'run {settings.n_steps}',
        f'write_dump all custom {files.final} id type xu yu zu vx vy vz fx fy fz modify sort id format float %.16g',
    ]
    if settings.wall_time_limit is not None:
        seconds = max(1, int(settings.wall_time_limit))
        limit = f'{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}'
        lines.insert(0, f'timer timeout {limit} every 10')
    return lines


def _picoseconds(femtoseconds: float) -> str:
    """Return a time in LAMMPS' unit."""
    return f'{femtoseconds / 1000.0:.10g}'

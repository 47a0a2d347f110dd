"""The parser of ``seimlip.lammps``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import ExitCode
from aiida.parsers import Parser
from ase.data import atomic_numbers

from aiida_seimlip.data.charges import load_charges
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.data.track import store_track
from aiida_seimlip.options.lammps import LammpsOptions
from aiida_seimlip.parsers.candidates import Candidates, gather_candidates
from aiida_seimlip.parsers.lammps_ending import Ending, find_ending
from aiida_seimlip.science.analysis.track import Track, TrackError
from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_data import from_lammps_frame, lammps_frame, to_lammps_frame
from aiida_seimlip.science.formats.lammps_dialects import GRADE_COLUMN
from aiida_seimlip.science.formats.lammps_dump import LammpsDump, read_dump
from aiida_seimlip.science.formats.lammps_input import FIELD_COLUMNS
from aiida_seimlip.science.formats.lammps_log import LammpsLog, parse_log
from aiida_seimlip.science.formats.lammps_preselected import Preselected, Trace, read_preselected, read_trace
from aiida_seimlip.science.formats.lammps_track import (
    assemble_lammps_track,
    from_lammps_orientation,
    read_framework,
    read_track,
)
from aiida_seimlip.science.frames import Frames, predicted_by
from aiida_seimlip.science.structures.cells import CellExtremes

OUT_OF_WALLTIME_BY_SCHEDULER = 120

QUANTITIES = {
    'Step': ('step', ''), 'Temp': ('temperature', 'K'), 'PotEng': ('potential_energy', 'eV'),
    'KinEng': ('kinetic_energy', 'eV'), 'TotEng': ('total_energy', 'eV'), 'Press': ('pressure', 'bar'),
    'Volume': ('volume', 'Å³'), GRADE_COLUMN: ('grade', ''),
    **dict(zip(FIELD_COLUMNS, (
        ('field_energy', 'eV'), *((f'field_force_{axis}', 'eV/Å') for axis in 'xyz'), ('temperature_still', 'K'),
    ), strict=True)),
    **{name.capitalize(): (name, 'Å') for name in ('lx', 'ly', 'lz', 'xy', 'xz', 'yz')},
    **{name.capitalize(): (f'pressure_{name[1:]}', 'bar') for name in ('pxx', 'pyy', 'pzz', 'pxy', 'pxz', 'pyz')},
}  # fmt: skip
"""Name and unit of the arrays in the output `thermo`, by the column that LAMMPS prints."""


@dataclass(frozen=True, eq=False)
class Run:
    """All that a run left behind; frames are in LAMMPS' frame."""

    options: LammpsOptions
    log: LammpsLog
    trace: Trace
    ending: Ending
    trajectory: LammpsDump
    final: Frames
    preselected: Preselected
    candidates: Candidates
    cell: CellExtremes
    track: Track | None = None
    track_problem: str | None = None

    @property
    def n_steps(self) -> int:
        """Number of steps that were completed."""
        steps = np.concatenate([self.log.steps, self.trace.steps])
        return max(int(steps.max()) - self.options.first_step, 0) if steps.size else 0

    @property
    def highest_grade(self) -> float | None:
        """Highest grade that is known of, None if there is none."""
        saved = self.preselected.frames.grades
        grades = np.concatenate([
            [np.nan if self.ending.grade is None else self.ending.grade],
            [] if saved is None else saved,
            self.log.thermo.get(GRADE_COLUMN, []),
        ])  # fmt: skip
        known = grades[np.isfinite(grades)]
        return float(known.max()) if known.size else None

    @property
    def n_track_frames(self) -> int:
        """Number of frames of the track that are `track_every` steps apart."""
        return 0 if self.track is None else int((self.track.steps % self.options.track_every == 0).sum())

    def mean(self, column: str) -> float | None:
        """Return the mean of a thermodynamic quantity over the rows that are finite, None if there are none."""
        values = self.log.thermo.get(column, np.empty(0))
        known = values[np.isfinite(values)]
        return float(known.mean()) if known.size else None

    def _summarise_field(self) -> dict[str, float | None]:
        """Return the temperature against the centre of mass in K, where there is a field."""
        return {} if self.options.field is None else {'mean_temperature_still': self.mean(FIELD_COLUMNS[-1])}

    def summarise(self) -> dict[str, Any]:
        """Return the content of the output `results`."""
        return {
            'outcome': self.ending.outcome,
            'message': self.ending.message,
            'n_steps': self.n_steps,
            'n_steps_asked': self.options.n_steps,
            'highest_grade': self.highest_grade,
            'mean_temperature': self.mean('Temp'),
            'mean_pressure': self.mean('Press'),
            'mean_volume': self.mean('Volume'),
            **self._summarise_field(),
            'cell': asdict(self.cell),
            'n_jobs': 1,
            'n_frames': len(self.trajectory.frames),
            'n_track_frames': self.n_track_frames,
            'track_problem': self.track_problem,
            'n_candidates': len(self.candidates.frames),
            **self.candidates.counts,
            'breaking_index': self.candidates.breaking_index,
            'fragment_files': list(self.preselected.fragment_files),
            'trajectory_truncated': self.trajectory.truncated,
            'trajectory_problem': self.trajectory.problem,
            'n_atoms_lost': self.log.n_atoms_lost,
            'warnings': list(self.log.warnings),
            'seconds': self.log.wall_time,
            'loop_seconds': sum(run.seconds for run in self.log.runs) if self.log.runs else None,
            'version': self.log.version,
        }


class LammpsParser(Parser):
    """Attach all that a run left behind, however it ended."""

    def parse(self, *, retrieved_temporary_folder: str, **kwargs: Any) -> ExitCode | None:  # type: ignore[override]
        """Parse the run.

        :param retrieved_temporary_folder: folder with the files that are not kept.
        """
        self._temporary = Path(retrieved_temporary_folder)
        try:
            run = self._read_run()
        except FileNotFoundError as error:
            return self.exit_codes.ERROR_OUTPUT_MISSING.format(filename=error.filename or error.args[0])
        except FormatError as error:
            return self.exit_codes.ERROR_OUTPUT_UNREADABLE.format(reason=error)
        self._attach(run)
        return self._judge(run)

    # -- files --------------------------------------------------------------------------------------------------------

    def _read_run(self) -> Run:
        """Read all files.

        :raises FileNotFoundError: if what LAMMPS printed was not retrieved.
        :raises FormatError: if a file cannot be read.
        """
        options = LammpsOptions.from_node(self.node.inputs.parameters)
        stdout, stderr = (self._read_retrieved(name) for name in (self._output_filename, self._job.STDERR_FILENAME))
        log = self._read_log(stdout)
        trace = read_trace(self._read_text(self._job.FILES.trace), name=self._job.FILES.trace)
        preselected = read_preselected(self._read_preselected(), self._species, trace)
        ending = find_ending(
            log, stdout, stderr,
            is_started=bool(log.steps.size or trace.steps.size),
            is_out_of_time=self.node.exit_status == OUT_OF_WALLTIME_BY_SCHEDULER,
            breaking_grade=preselected.last_grade_above(options.threshold_break),
        )  # fmt: skip
        trajectory = self._read_dump(self._job.FILES.trajectory)
        final = self._read_dump(self._job.FILES.final).frames.replace(forces=None)
        if ending.outcome == 'broke' and trace.steps.size:
            preselected = preselected.end_at(int(trace.steps[-1]) + 1)  # the step in which the run broke is not traced
        start = get_frame(self.node.inputs.structure)
        numbers = start.numbers
        cell = CellExtremes.of(np.concatenate([start.cells, trajectory.frames.cells, final.cells]))
        candidates = gather_candidates(
            preselected.frames, trajectory.frames, options, ending.outcome, numbers, n_damaged=preselected.n_damaged
        )
        if options.keep_energies and len(trajectory.frames):
            frames = trajectory.frames
            energies = log.at_steps('PotEng', frames.origin_steps if frames.origin_steps is not None else [])
            trajectory = replace(trajectory, frames=frames.replace(energies=energies))
        if options.field is not None:
            trajectory = replace(trajectory, frames=self._without_field(trajectory.frames, options.field, log))
        track, problem = self._read_track(options, final)
        return Run(options, log, trace, ending, trajectory, final, preselected, candidates, cell, track, problem)

    def _without_field(self, frames: Frames, field: Sequence[float], log: LammpsLog) -> Frames:
        """Return frames, in LAMMPS' frame, with what is the potential's own: LAMMPS adds the field to both.

        :param frames: of the trajectory.
        :param field: in V/Å, along the axes of the start.
        :param log: with the energy of the field at the steps of the frames.
        """
        charges = load_charges(self.node.inputs.charges)
        if frames.forces is None or not len(frames) or np.any(frames.sizes != charges.size):
            return frames
        rotation = lammps_frame(get_frame(self.node.inputs.structure).cells[0])[1]
        added = np.outer(charges, np.array(field) @ rotation)
        frames = frames.replace(forces=frames.forces - np.tile(added, (len(frames), 1)))
        if frames.energies is None or frames.origin_steps is None:
            return frames
        return frames.replace(energies=frames.energies - log.at_steps(FIELD_COLUMNS[0], frames.origin_steps))

    def _read_track(self, options: LammpsOptions, final: Frames) -> tuple[Track | None, str | None]:
        """Return the paths of the mobile ions in LAMMPS' frame, and what is wrong with them."""
        if not options.mobile:
            return None, None
        start = get_frame(self.node.inputs.structure)
        start = to_lammps_frame(start, lammps_frame(start.cells[0])[1])
        n_ions = int(np.isin(start.numbers, [atomic_numbers[symbol] for symbol in options.mobile]).sum())
        dump = read_track(self._temporary / self._job.FILES.track, n_ions)
        framework = read_framework(self._read_text(self._job.FILES.framework))
        settings = {name: getattr(options, name) for name in ('first_step', 'timestep', 'masses')}
        try:
            track = assemble_lammps_track(dump, framework, start, final, mobile=options.mobile, **settings)
        except TrackError as error:
            return None, str(error)
        return track, dump.problem

    @property
    def _job(self) -> Any:
        """The class of the job, which knows the names of its files."""
        return self.node.process_class

    @property
    def _output_filename(self) -> str:
        return str(self.node.get_option('output_filename'))

    @cached_property
    def _species(self) -> tuple[str, ...]:
        return tuple(self.node.inputs.potential.species)

    @cached_property
    def _repository(self) -> Any:
        """The files that were retrieved to be kept; finding their node takes a query."""
        return self.retrieved.base.repository

    def _read_retrieved(self, name: str) -> str:
        if name not in self._repository.list_object_names():
            raise FileNotFoundError(name)
        content: bytes = self._repository.get_object_content(name, mode='rb')
        return content.decode(errors='replace')

    def _read_temporary(self, name: str) -> bytes:
        """Return the content of a file, nothing if it is not there."""
        path = self._temporary / name
        return path.read_bytes() if path.is_file() else b''

    def _read_text(self, name: str) -> str:
        return self._read_temporary(name).decode(errors='replace')

    def _read_log(self, stdout: str) -> LammpsLog:
        """Read the log file, or what was printed, whichever tells more: a killed job may have lost the end of one."""
        name = self._job.LOG_FILENAME
        printed = parse_log(stdout, name=self._output_filename)
        logged = parse_log(self._read_text(name), name=name)
        return max(printed, logged, key=lambda log: (log.completed, log.error is not None, log.steps.size))

    def _read_dump(self, name: str) -> LammpsDump:
        return read_dump(self._read_temporary(name), self._species, name=name, salvage=True)

    def _read_preselected(self) -> dict[str, bytes]:
        paths = self._temporary.glob(f'{self._job.FILES.preselected}*')
        return {path.name: path.read_bytes() for path in paths}

    # -- outputs ------------------------------------------------------------------------------------------------------

    def _attach(self, run: Run) -> None:
        """Make the output nodes, frames in the orientation of the start."""
        cell = get_frame(self.node.inputs.structure).cells[0]
        rotation = lammps_frame(cell)[1]
        method = predicted_by(self.node.inputs.potential.uuid)
        for name, frames in (
            ('trajectory', run.trajectory.frames), ('candidates', run.candidates.frames), ('final', run.final),
        ):  # fmt: skip
            if len(frames):
                self.out(name, FramesData(from_lammps_frame(frames, rotation, cell).computed_by(method, 'free')))
        if run.track is not None and run.n_steps:
            track = from_lammps_orientation(run.track, rotation)
            self.out('track', store_track(track, every=run.options.track_every))
        if run.log.steps.size:
            self.out('thermo', thermo_node(run.log))
        results = run.summarise()
        results['cell']['cutoff'] = self.node.inputs.potential.cutoff
        self.out('results', orm.Dict(results))

    def _judge(self, run: Run) -> ExitCode | None:
        """Return the exit code that says how the run ended."""
        if run.preselected.fragment_files:
            return self.exit_codes.ERROR_CANDIDATES_FRAGMENTED.format(filename=run.preselected.fragment_files[0])
        if run.ending.outcome == 'broke' and not len(run.preselected.frames):
            return self.exit_codes.ERROR_CANDIDATES_MISSING.format(filename=self._job.FILES.preselected)
        if run.ending.exit_code is not None:
            return getattr(self.exit_codes, run.ending.exit_code).format(
                n_steps=run.n_steps, n_steps_asked=run.options.n_steps, grade=run.ending.grade,
                reason=run.ending.message,
            )  # fmt: skip
        for frames, filename in (
            (run.trajectory.frames, self._job.FILES.trajectory), (run.final, self._job.FILES.final),
        ):  # fmt: skip
            if not len(frames):
                return self.exit_codes.ERROR_OUTPUT_MISSING.format(filename=filename)
        if run.track_problem is not None:
            return self.exit_codes.ERROR_TRACK_UNUSABLE.format(reason=run.track_problem)
        return None


def thermo_node(log: LammpsLog) -> orm.ArrayData:
    """Return the thermodynamic output as a node, with the units of the arrays as its attribute."""
    node = orm.ArrayData()
    units = {}
    for column, values in log.thermo.items():
        if column in QUANTITIES:
            name, units[name] = QUANTITIES[column][0], QUANTITIES[column][1]
            node.set_array(name, values)
    node.base.attributes.set('units', units)
    return node

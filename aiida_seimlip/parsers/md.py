"""The parser of ``seimlip.md``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from aiida import orm
from aiida.engine import ExitCode
from aiida.parsers import Parser
from ase.data import atomic_numbers

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.data.track import store_track
from aiida_seimlip.options.dynamics import AseDynamicsOptions
from aiida_seimlip.parsers.method import energy_kind_of, method_of
from aiida_seimlip.science.analysis.assembly import RecordedPaths, assemble_track
from aiida_seimlip.science.analysis.track import Track, TrackError
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.cells import CellExtremes

OUT_OF_WALLTIME_BY_SCHEDULER = 120
UNITS = {
    'step': '', 'temperature': 'K', 'potential_energy': 'eV', 'kinetic_energy': 'eV', 'volume': 'Å³', 'pressure': 'bar',
    'grade': 'eV/Å',
}  # fmt: skip
OUTCOMES = {
    'finished': 'completed', 'crashed': 'crashed', 'broke': 'broke', 'out_of_walltime': 'out_of_walltime',
    'terminated': 'interrupted', 'out_of_disk': 'interrupted',
}  # fmt: skip

EXIT_CODES = {
    'setup_failed': 'ERROR_CALCULATOR_SETUP', 'start_failed': 'ERROR_START_FAILED', 'crashed': 'ERROR_CRASHED',
    'out_of_disk': 'ERROR_OUT_OF_DISK', 'out_of_walltime': 'ERROR_OUT_OF_WALLTIME', 'terminated': 'ERROR_INTERRUPTED',
    'broke': 'BREAKING_THRESHOLD_EXCEEDED',
}  # fmt: skip
"""Label of the exit code by the status with which the script ended early."""


class RecordError(ValueError):
    """A file of records cannot be read; the message names it and says why."""


def read_records(path: Path) -> np.ndarray:
    """Read a file to which records were appended; one that is cut, or not finite, and all behind it are left out.

    :param path: the file; none is no record.
    :return: a structured array.
    :raises RecordError: if the header is damaged.
    """
    if not path.is_file() or not path.stat().st_size:
        return np.zeros(0, dtype=[('step', '<i8')])
    with path.open('rb') as handle:
        try:
            np.lib.format.read_magic(handle)
            dtype = np.lib.format.read_array_header_1_0(handle)[2]
            records = np.fromfile(handle, dtype=dtype)
        except (ValueError, EOFError, TypeError) as error:
            raise RecordError(f'`{path.name}`: {error}') from error
    fine = np.ones(len(records), dtype=bool)
    for name in set(records.dtype.names or ()) - {'pressure'}:  # which some calculators do not know
        fine &= np.isfinite(records[name]).all(axis=tuple(range(1, records[name].ndim)))
    whole: np.ndarray = records[: len(records) if fine.all() else int(np.argmin(fine))]
    return whole


@dataclass(eq=False)
class MdFiles:
    """What a run has left.

    :param end: how the script ended; empty if it was killed outright.
    :param track: records of the mobile ions.
    :param trajectory: records of whole frames.
    :param thermo: records of energies.
    :param final: the last checkpoint, with its MD step; empty if there is none.
    """

    end: dict[str, Any]
    track: np.ndarray
    trajectory: np.ndarray
    thermo: np.ndarray
    final: Frames = field(default_factory=Frames.empty)

    @classmethod
    def read(cls, folder: Path, names: Any, start: Frames) -> MdFiles:
        """Read all files.

        :param folder: where they are.
        :param names: the class of the job, which knows them.
        :param start: the frame that the run started from.
        :raises ValueError: if they cannot be read, or do not fit the start.
        """
        results = folder / names.RESULTS_FILENAME
        end = json.loads(results.read_text(encoding='utf-8')) if results.is_file() else {}
        records = (names.TRACK_FILENAME, names.TRAJECTORY_FILENAME, names.THERMO_FILENAME)
        track, trajectory, thermo = (read_records(folder / name) for name in records)
        return cls(end, track, trajectory, thermo, read_checkpoint(folder / names.CHECKPOINT_FILENAME, start))


def read_checkpoint(path: Path, start: Frames) -> Frames:
    """Return the last frame with its velocities and MD step, no frame if there is no file.

    :param start: the frame that the run started from.
    :raises ValueError: if it does not fit the start.
    """
    if not path.is_file():
        return Frames.empty()
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ('step', 'positions', 'velocities', 'cell')}
    except (BadZipFile, KeyError, ValueError) as error:
        raise RecordError(f'`{path.name}`: {error}') from error
    return start.replace(
        positions=arrays['positions'], velocities=arrays['velocities'], cells=arrays['cell'][np.newaxis],
        origin_uuids=None, origin_indices=None, origin_steps=np.array([arrays['step']]),
    )  # fmt: skip


def to_frames(records: np.ndarray, start: Frames) -> Frames:
    """Return whole frames with energies and forces.

    :param records: as the script wrote them.
    :param start: the frame that the run started from.
    """
    n_frames, n_atoms = len(records), start.numbers.size
    return Frames(
        numbers=np.tile(start.numbers, n_frames), positions=records['positions'].reshape(-1, 3),
        ptr=np.arange(n_frames + 1) * n_atoms, cells=records['cell'], pbc=np.tile(start.pbc, (n_frames, 1)),
        energies=records['energy'], forces=records['forces'].reshape(-1, 3), origin_steps=records['step'],
    )  # fmt: skip


def to_track(files: MdFiles, start: Frames, options: AseDynamicsOptions) -> Track:
    """Return the paths of the mobile ions.

    ASE's positions grow and shrink with the cell wherever an ion has gone; so in a cell that changes they are wrapped,
    and unwrapped again step by step.

    :param start: the frame that the run started from.
    :raises TrackError: if the frames lie too far apart.
    """
    n_ions = int(np.isin(start.numbers, [atomic_numbers[symbol] for symbol in options.mobile]).sum())
    if not len(files.track):
        nothing = np.zeros((0, 3))
        paths = RecordedPaths(
            np.zeros(0, dtype=np.int64), np.zeros((0, 3, 3)), np.zeros((0, n_ions, 3)), nothing, not options.is_npt
        )
    else:
        names = ('step', 'cell', 'positions', 'framework')
        steps, cells, positions, framework = (files.track[name] for name in names)
        paths = RecordedPaths(steps, cells, positions, framework, not options.is_npt)
    return assemble_track(
        paths, start, files.final, mobile=options.mobile, first_step=options.first_step, timestep=options.timestep
    )


class MdParser(Parser):
    """Attach all that a run left behind, however it ended."""

    def parse(self, *, retrieved_temporary_folder: str, **kwargs: Any) -> ExitCode | None:  # type: ignore[override]
        """Parse the run.

        :param retrieved_temporary_folder: where the files are for the time of parsing.
        """
        names: Any = self.node.process_class
        options, start = names.dynamics_options(self.node.inputs.parameters), get_frame(self.node.inputs.structure)
        folder = Path(retrieved_temporary_folder)
        if not any((folder / name).is_file() for name in (names.RESULTS_FILENAME, names.THERMO_FILENAME)):
            return self.exit_codes.ERROR_OUTPUT_MISSING.format(filename=names.RESULTS_FILENAME)
        try:
            files = MdFiles.read(folder, names, start)
            trajectory = to_frames(files.trajectory, start) if len(files.trajectory) else Frames.empty()
            kind = energy_kind_of(files.end.get('energy_property'))
            trajectory = trajectory.computed_by(method_of(self.node, options.calculator), kind)
            more = self.parse_more(folder, files, trajectory, start)
        except ValueError as error:
            return self.exit_codes.ERROR_OUTPUT_INVALID.format(reason=error)
        if files.end.get('status') in ('broke', 'crashed', 'start_failed', 'setup_failed'):
            files.final = Frames.empty()
        track, problem = None, None
        if options.mobile and len(files.thermo):
            try:
                track = to_track(files, start, options)
            except TrackError as error:
                problem = str(error)
        results = {**summarise(files, options, track, problem), **more}
        cells = np.concatenate([start.cells, trajectory.cells, files.final.cells])
        results['cell'] = {**asdict(CellExtremes.of(cells)), 'cutoff': self._cutoff()} if start.pbc.all() else None
        self._attach(files, trajectory, track, results, options)
        return self._judge(files, results, problem)

    def parse_more(self, folder: Path, files: MdFiles, trajectory: Frames, start: Frames) -> dict[str, Any]:
        """Attach what a subclass of the job leaves besides, and return what there is to say of it in `results`.

        :param folder: where the files are for the time of parsing.
        :param files: what they hold that every run leaves.
        :param trajectory: the whole frames.
        :param start: the frame that the run started from.
        :raises ValueError: if a file cannot be read, or does not fit the start.
        """
        return {}

    def _cutoff(self) -> float | None:
        """Return the cut-off of the potential in Å, None if the calculator is no potential of ours."""
        return self.node.inputs.potential.cutoff if 'potential' in self.node.inputs else None

    def _attach(
        self, files: MdFiles, trajectory: Frames, track: Track | None, results: dict[str, Any],
        options: AseDynamicsOptions,
    ) -> None:  # fmt: skip
        """Make the output nodes."""
        for name, frames in (('trajectory', trajectory), ('final', files.final)):
            if len(frames):
                self.out(name, FramesData(frames))
        if track is not None and results['n_steps']:
            self.out('track', store_track(track, every=options.track_every))
        if len(files.thermo):
            node = orm.ArrayData()
            for name in files.thermo.dtype.names or ():
                node.set_array(name, np.array(files.thermo[name]))
            node.base.attributes.set('units', {name: UNITS[name] for name in files.thermo.dtype.names or ()})
            self.out('thermo', node)
        self.out('results', orm.Dict(results))

    def _judge(self, files: MdFiles, results: dict[str, Any], problem: str | None) -> ExitCode | None:
        """Return the exit code that says how the run ended."""
        status, codes = str(files.end.get('status')), self.exit_codes
        if self.node.exit_status == OUT_OF_WALLTIME_BY_SCHEDULER and status not in EXIT_CODES:
            status = 'out_of_walltime'
        if status == 'finished':
            return None if problem is None else codes.ERROR_TRACK_UNUSABLE.format(reason=problem)
        name = self.node.process_class.dynamics_options(self.node.inputs.parameters).calculator.name  # type: ignore[attr-defined]
        exit_code: ExitCode = codes[EXIT_CODES.get(status, 'ERROR_INTERRUPTED')]
        return exit_code.format(
            name=name, reason=results['message'], n_steps=results['n_steps'], n_steps_asked=results['n_steps_asked']
        )


def summarise(files: MdFiles, options: AseDynamicsOptions, track: Track | None, problem: str | None) -> dict[str, Any]:
    """Return the content of the output `results`.

    Where there is a frame to go on from, its step counts: what came after it is done again.
    """
    done = int(files.final.origin_steps[0]) - options.first_step if len(files.final) else files.end.get('n_steps', 0)  # type: ignore[index]
    status = files.end.get('status')
    return {
        'outcome': OUTCOMES.get(str(status), 'interrupted'),
        'message': files.end.get('message'),
        'n_steps': int(done),
        'n_steps_asked': options.n_steps,
        'n_jobs': 1,
        'mean_temperature': _mean(files.thermo, 'temperature'),
        'mean_pressure': _mean(files.thermo, 'pressure'),
        'mean_volume': _mean(files.thermo, 'volume'),
        'n_frames': len(files.trajectory),
        'n_track_frames': 0 if track is None else int((track.steps % options.track_every == 0).sum()),
        'track_problem': problem,
        'seconds': files.end.get('seconds'),
        'loop_seconds': files.end.get('loop_seconds'),
        'versions': files.end.get('versions', {}),
    }


def _mean(records: np.ndarray, name: str) -> float | None:
    """Return the mean of a quantity over the rows in which it is known, None if there are none."""
    values = records[name] if name in (records.dtype.names or ()) else np.zeros(0)
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None

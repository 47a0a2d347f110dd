"""The CalcJob ``seimlip.lammps``: molecular dynamics with a machine-learned potential in LAMMPS."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from aiida import orm
from aiida.common import AttributeDict
from aiida.common.datastructures import CalcInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJobProcessSpec
from aiida_lammps.calculations.raw import LammpsRawCalculation

from aiida_seimlip.calculations.lammps_potential import faults_of_lammps_potential
from aiida_seimlip.calculations.validation import CheckedInputs, faults_of_code
from aiida_seimlip.calculations.walltime import time_limit
from aiida_seimlip.data.charges import faults_of_charges, load_charges
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import faults_of_structure, get_frame
from aiida_seimlip.options.lammps import AUTO, LammpsOptions
from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.formats.lammps_dialects import DIALECTS
from aiida_seimlip.science.formats.lammps_input import LammpsFiles, write_input


class LammpsCalculation(CheckedInputs, LammpsRawCalculation):  # type: ignore[misc]
    """Run molecular dynamics with a machine-learned potential, until its end or until it extrapolates too far.

    The code is a LAMMPS with one of the pair styles of `lammps_dialects.DIALECTS`, or ``seimlip-lmp``. What its parent
    takes as inputs, the script and the files, is made from the structure, the potential and the options. The
    orientation of the cell does not matter: LAMMPS gets the cell turned into its frame, and all outputs are turned
    back.
    """

    FILES = LammpsFiles()
    LOG_FILENAME = 'log.lammps'
    STDERR_FILENAME = 'lammps.err'

    PARENT_PORTS = ('script', 'files', 'filenames')
    PARENT_EXIT_CODES = (
        'ERROR_PARSER_DETECTED_LAMMPS_RUN_ERROR', 'ERROR_OUTFILE_MISSING', 'ERROR_PARSING_OUTFILE',
    )  # fmt: skip

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:
        """Define the ports and exit codes."""
        super().define(spec)
        for name in cls.PARENT_PORTS:
            del spec.inputs[name]
        for name in cls.PARENT_EXIT_CODES:
            del spec.exit_codes[name]
        spec.input(
            'structure', valid_type=(FramesData, orm.StructureData),
            help='The start: exactly one frame, or a structure, periodic in all directions; velocities in Å/ps.',
        )  # fmt: skip
        spec.input(
            'potential', valid_type=PotentialData,
            help='A trained moment tensor potential, for grades with active set; or a MACE potential, for grades a '
            'committee.',
        )  # fmt: skip
        spec.input(
            'potential_file', valid_type=orm.SinglefileData, required=False,
            help='What was made of a MACE potential for the pair style of the code, where that does not read what the '
            'potential holds.',
        )  # fmt: skip
        spec.input('parameters', **LammpsOptions.port('Ensemble, length, thresholds and output.'))
        spec.input(
            'charges', valid_type=orm.ArrayData, required=False,
            help='Fixed charges of the atoms (array `charges`, in e), neutral together; what `field` acts on.',
        )  # fmt: skip
        metadata: Any = spec.inputs['metadata']
        metadata['options']['parser_name'].default = 'seimlip.lammps'
        metadata['options']['withmpi'].default = False
        metadata['options']['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        metadata['options']['environment_variables'].default = lambda: {'OMP_NUM_THREADS': '1'}
        spec.inputs['code'].required = True
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]

        cls._define_outputs(spec)
        cls._define_exit_codes(spec)

    @classmethod
    def _define_outputs(cls, spec: CalcJobProcessSpec) -> None:
        spec.output(
            'trajectory', valid_type=FramesData, required=False,
            help='A frame every `dump_every` steps, with its MD step, unwrapped positions (Å) and forces (eV/Å).',
        )  # fmt: skip
        spec.output(
            'track', valid_type=orm.ArrayData, required=False,
            help='Paths of the ions of the option `mobile` and of the centre of all other atoms, unwrapped; to be read '
            'by `aiida_seimlip.data.track.load_track`.',
        )  # fmt: skip
        spec.output(
            'candidates', valid_type=FramesData, required=False,
            help='Frames with a grade above `threshold_save` in the order in which they were met, with their grades '
            'and, where known, MD steps; of a crashed run the sane ones and the last sane frames of the trajectory.',
        )  # fmt: skip
        spec.output(
            'final', valid_type=FramesData, required=False,
            help='The last frame, with velocities (Å/ps), to go on from; not of a run that broke or crashed.',
        )  # fmt: skip
        spec.output(
            'thermo', valid_type=orm.ArrayData, required=False,
            help='Thermodynamic output: an array for each quantity; the attribute `units` tells their units.',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict,
            help='`outcome` (completed, broke, crashed, out_of_walltime or failed), `n_steps` (completed), '
            '`highest_grade` (none if no grade above `threshold_save` was met), `message` (why a run ended early), '
            'means over the run, and what was left out of the candidates.',
        )  # fmt: skip

    @classmethod
    def _define_exit_codes(cls, spec: CalcJobProcessSpec) -> None:
        spec.exit_code(
            300, 'ERROR_OUTPUT_MISSING', invalidates_cache=True, message='The file `{filename}` was not retrieved.'
        )
        spec.exit_code(
            304, 'ERROR_OUTPUT_UNREADABLE', invalidates_cache=True, message='The output cannot be read: {reason}'
        )
        spec.exit_code(310, 'ERROR_INITIALISATION', message='LAMMPS failed before its first step: {reason}')
        spec.exit_code(
            400, 'ERROR_OUT_OF_WALLTIME', invalidates_cache=True,
            message='The wall time ended after {n_steps} of {n_steps_asked} steps.',
        )  # fmt: skip
        spec.exit_code(
            401, 'ERROR_INTERRUPTED', invalidates_cache=True,
            message='The run stopped without a message after {n_steps} of {n_steps_asked} steps.',
        )  # fmt: skip
        spec.exit_code(
            410, 'BREAKING_THRESHOLD_EXCEEDED',
            message='The extrapolation grade {grade:g} exceeded `threshold_break` after {n_steps} of {n_steps_asked} '
            'steps: the input `potential` does not know what it met there.',
        )  # fmt: skip
        spec.exit_code(
            420, 'ERROR_CRASHED', message='The run crashed after {n_steps} of {n_steps_asked} steps: {reason}'
        )
        spec.exit_code(
            425, 'ERROR_TRACK_UNUSABLE',
            message='The track of the mobile ions ends early, or cannot be put together: {reason}',
        )  # fmt: skip
        spec.exit_code(
            430, 'ERROR_CANDIDATES_FRAGMENTED',
            message='The file `{filename}` holds fragments, the domains of single MPI ranks, which are no periodic '
            'frames: run on one rank, or with an active set of configurations.',
        )  # fmt: skip
        spec.exit_code(
            431, 'ERROR_CANDIDATES_MISSING',
            message='The run broke, but the file `{filename}` holds no frame that can be read.',
        )  # fmt: skip

    # -- checks -------------------------------------------------------------------------------------------------------

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        options = LammpsOptions.from_node(inputs['parameters']) if 'parameters' in inputs else None
        if 'code' in inputs:
            yield from faults_of_code('code', inputs['code'], 'seimlip.lammps')
        if 'structure' in inputs:
            yield from faults_of_start(inputs['structure'], needs_velocities=_keeps_velocities(options))
        if 'potential' in inputs:
            yield from faults_of_lammps_potential(inputs['potential'], options, 'potential_file' in inputs)
        if 'potential' in inputs and 'structure' in inputs:
            yield from _faults_of_species(inputs['structure'], inputs['potential'], options)
        if 'structure' in inputs and options is not None:
            yield from faults_of_mobile(inputs['structure'], options.mobile)
            yield from _faults_of_field(inputs, options)
        if options is not None and options.dialect == AUTO:
            yield (
                f'Input `parameters` leaves the dialect open (`{AUTO}`), which the engine `lammps` finds out by a '
                f'probe of the code; a job by itself needs one of {", ".join(DIALECTS)}.'
            )
        elif 'potential' in inputs and options is not None:
            job = inputs.get('metadata', {}).get('options', {})
            yield from faults_of_ranks(options, job, inputs['potential'].selection_mode)

    # -- files --------------------------------------------------------------------------------------------------------

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the script, the structure and the potential, and let the parent class do the rest.

        :param folder: where the files of the job are gathered.
        """
        options = LammpsOptions.from_node(self.inputs.parameters)
        potential: PotentialData = self.inputs.potential
        limit = time_limit(self.inputs.metadata.options.get('max_wallclock_seconds'))
        settings = options.to_settings(limit, potential.deviation_scale)
        frame = get_frame(self.inputs.structure)
        self._warn_of_small_cell(frame.cells[0], potential.cutoff)
        if options.velocities == 'create':
            frame = frame.replace(velocities=None)
        charges = load_charges(self.inputs.charges) if 'charges' in self.inputs else None
        data, rotation = write_data(frame, potential.species, charges=charges)
        if options.field is not None:
            settings = replace(settings, field=tuple((np.array(options.field) @ rotation).tolist()))
        models = self._model_files()
        script = write_input(settings, potential.species, masses=options.masses, files=self.FILES, members=list(models))
        files = {'data': _text_file(data, self.FILES.data)}
        files |= {f'potential_{i}': file for i, file in enumerate(models.values())}
        names = {'data': self.FILES.data, **{f'potential_{i}': name for i, name in enumerate(models)}}
        raw = {
            **self.inputs, 'script': _text_file(script, self.FILENAME_INPUT), 'files': files,
            'filenames': orm.Dict(names),
        }  # fmt: skip
        job = SimpleNamespace(inputs=AttributeDict(raw))  # all that the parent's method looks at
        calcinfo: Any = LammpsRawCalculation.prepare_for_submission(job, folder)
        calcinfo.codes_info[0].stderr_name = self.STDERR_FILENAME
        calcinfo.retrieve_list = [*calcinfo.retrieve_list, self.STDERR_FILENAME]
        calcinfo.retrieve_temporary_list = [
            self.LOG_FILENAME, self.FILES.trajectory, self.FILES.final, f'{self.FILES.preselected}*', self.FILES.trace,
            *((self.FILES.track, self.FILES.framework) if options.mobile else ()),
        ]  # fmt: skip
        return calcinfo

    def _model_files(self) -> dict[str, orm.SinglefileData]:
        """Return the files with the potential, by the names that they are going to have."""
        potential: PotentialData = self.inputs.potential
        if 'potential_file' in self.inputs:
            file = self.inputs.potential_file
            return {f'potential{Path(file.filename).suffix}': file}
        if potential.family == 'mtp':
            return {self.FILES.potential: potential}
        contents = zip(potential.members, potential.get_members(), strict=True)
        return {name: orm.SinglefileData(io.BytesIO(content), name) for name, content in contents}

    def _warn_of_small_cell(self, cell: np.ndarray, cutoff: float) -> None:
        width = smallest_width(cell)
        if width < 2 * cutoff:
            self.logger.warning(
                f'The cell of input `structure` is {width:.2f} Å wide, less than twice the cut-off of input '
                f'`potential` ({cutoff:g} Å): atoms interact with their own images.'
            )


def smallest_width(cell: np.ndarray) -> float:
    """Return the smallest distance between opposite faces of a cell in Å.

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    """
    areas = [np.linalg.norm(np.cross(cell[i - 2], cell[i - 1])) for i in range(3)]
    return float(abs(np.linalg.det(cell)) / max(areas))


def faults_of_start(node: FramesData | orm.StructureData, *, needs_velocities: bool) -> Iterator[str]:
    """Look for a start that is not one periodic frame, or lacks the velocities that it must have.

    :param node: the input `structure`.
    :param needs_velocities: whether the run goes on with the velocities of the start.
    """
    if isinstance(node, FramesData) and node.n_frames != 1:
        yield f'Input `structure` holds {node.n_frames} frames, but exactly one is needed.'
        return
    faults = list(faults_of_structure('structure', node, periodic='molecular dynamics'))
    if faults:
        yield from faults
        return
    frame = get_frame(node)
    if needs_velocities and (frame.velocities is None or not np.all(np.isfinite(frame.velocities))):
        yield 'Input `structure` has no velocities, which `velocities: keep` of input `parameters` needs.'


def faults_of_mobile(structure: FramesData | orm.StructureData, mobile: Collection[str]) -> Iterator[str]:
    """Look for mobile ions that are not there.

    :param structure: the input `structure`.
    :param mobile: chemical symbols.
    """
    lacking = sorted(set(mobile) - set(elements_of(structure)))
    if lacking:
        yield f'Input `parameters` names {", ".join(lacking)} as `mobile`, but input `structure` holds none.'


def elements_of(structure: FramesData | orm.StructureData) -> Collection[str]:
    """Return the chemical symbols that occur in a start."""
    if isinstance(structure, FramesData):
        return structure.elements
    symbols: set[str] = structure.get_symbols_set()
    return symbols


def _faults_of_field(inputs: Mapping[str, Any], options: LammpsOptions) -> Iterator[str]:
    """Look for a field without charges, charges without a field, and charges that are not those of a neutral cell."""
    has_charges = 'charges' in inputs
    if has_charges != (options.field is not None):
        lacking, there = ('field', 'charges') if has_charges else ('charges', 'field')
        where = 'Option `field` of input `parameters`' if has_charges else 'Input `charges`'
        yield f'{where} is missing: `{there}` is given, and means nothing without `{lacking}`.'
    elif has_charges:
        structure = inputs['structure']
        n_atoms = structure.n_atoms if isinstance(structure, FramesData) else len(structure.sites)
        yield from faults_of_charges('charges', inputs['charges'], n_atoms)


def _faults_of_species(
    structure: FramesData | orm.StructureData, potential: PotentialData, options: LammpsOptions | None
) -> Iterator[str]:
    lacking = sorted(set(elements_of(structure)) - set(potential.species))
    if lacking:
        yield (
            f'Input `structure` holds {", ".join(lacking)}, which the species list {list(potential.species)} of input '
            '`potential` lacks.'
        )
    strange = sorted(set(options.masses) - set(potential.species)) if options is not None else []
    if strange:
        yield f'Input `parameters` gives masses of {", ".join(strange)}, which input `potential` does not know.'


def faults_of_ranks(options: LammpsOptions, job: Mapping[str, Any], selection_mode: str | None) -> Iterator[str]:
    """Look for a run whose preselected frames would be fragments of MPI domains.

    :param options: of the run.
    :param job: settings of the scheduler, as `metadata.options`.
    :param selection_mode: of the active set of the potential.
    """
    ranks = n_ranks(job.get('resources', {})) if job.get('withmpi', False) else 1
    fragments = options.with_grades and DIALECTS[options.dialect].saves_fragments
    if ranks > 1 and fragments and selection_mode == 'nbh':
        yield (
            f'Input `metadata.options.resources` asks for {ranks} MPI ranks, but with dialect `{options.dialect}` and '
            'input `potential`, whose active set is one of neighbourhoods, each rank would save fragments: use one.'
        )


def n_ranks(resources: Mapping[str, Any]) -> int:
    """Return the number of MPI ranks that resources ask for, as far as they say so."""
    if resources.get('tot_num_mpiprocs'):
        return int(resources['tot_num_mpiprocs'])
    return int(resources.get('num_machines') or 1) * int(resources.get('num_mpiprocs_per_machine') or 1)


def _keeps_velocities(options: LammpsOptions | None) -> bool:
    return options is not None and options.velocities == 'keep'


def _text_file(text: str, name: str) -> orm.SinglefileData:
    return orm.SinglefileData(io.BytesIO(text.encode()), name)

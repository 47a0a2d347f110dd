"""What the CalcJobs that run ``mlp`` have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob, CalcJobProcessSpec, PortNamespace

from aiida_seimlip.calculations.validation import CheckedInputs, faults_of_code
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.formats.mlip3_cfg import write_cfg
from aiida_seimlip.science.frames import Frames


class Mlip3Calculation(CheckedInputs, CalcJob):
    """One command of MLIP-3's program ``mlp``, or of ``seimlip-mlp``, which speaks the same language.

    The exit code of ``mlp`` tells neither success nor failure: the parsers read what it prints. Configurations that can
    be written again from the input nodes are not kept a second time with the job.
    """

    COMMAND: ClassVar[str]
    """Name of the command."""

    PARSER: ClassVar[str]
    """Entry point of the parser."""

    POTENTIAL_PORT: ClassVar[str] = 'potential'
    """Input with the potential that the command reads."""

    POTENTIAL_FILE: ClassVar[str] = 'pot.almtp'
    """File with the potential that the command reads."""

    OUTPUT_FILE: ClassVar[str]
    """File that the command writes; the MPI build of ``mlp`` adds ``.0``, ``.1``, ... to some."""

    STDOUT_FILE: ClassVar[str] = 'stdout.txt'
    STDERR_FILE: ClassVar[str] = 'stderr.txt'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes that all commands share."""
        super().define(spec)
        options: Any = spec.inputs['metadata']['options']  # type: ignore[index]
        options['parser_name'].default = cls.PARSER
        options['withmpi'].default = False
        options['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        options['environment_variables'].default = lambda: {'OMP_NUM_THREADS': '1'}
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]

        spec.exit_code(300, 'ERROR_OUTPUT_STDOUT_MISSING', message='The file `{filename}` was not retrieved.')
        spec.exit_code(301, 'ERROR_COMMAND_FAILED', message='`mlp {command}` failed: {reason}')
        spec.exit_code(302, 'ERROR_COMMAND_STOPPED', message='`mlp {command}` did not say that it is complete.')
        spec.exit_code(303, 'ERROR_OUTPUT_MISSING', message='`mlp {command}` did not write the file `{filename}`.')
        spec.exit_code(304, 'ERROR_OUTPUT_UNREADABLE', message='The output cannot be read: {reason}')
        spec.exit_code(305, 'ERROR_OUTPUT_MISMATCH', message='The output does not belong to the input: {reason}')
        spec.exit_code(320, 'ERROR_BAD_DATA', message='`mlp {command}` cannot use its configurations: {reason}')
        spec.exit_code(321, 'ERROR_UNKNOWN_SPECIES', message='`mlp {command}` misses a species: {reason}')
        spec.exit_code(
            400, 'ERROR_OUT_OF_WALLTIME', invalidates_cache=True,
            message='The wall time ended before `mlp {command}` said that it is complete.',
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], namespace: PortNamespace) -> str | None:
        """Look for a code as well, which only a job can do without whose files are imported (`remote_folder`).

        :param inputs: all inputs.
        :param namespace: the ports.
        :return: as in the base class.
        """
        if 'code' in namespace and not {'code', 'remote_folder'} & set(inputs):
            return 'Input `code` is missing.'
        return super().validate_inputs(inputs, namespace)

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        if 'code' in inputs:
            yield from faults_of_code('code', inputs['code'], 'seimlip.mlip3.')

    # -- what a command is made of ------------------------------------------------------------------------------------

    @abstractmethod
    def get_configurations(self) -> dict[str, Frames]:
        """Return the configurations that the command reads, by the names of their files."""

    @abstractmethod
    def get_arguments(self) -> list[str]:
        """Return the arguments of the command."""

    # -- what all commands do -----------------------------------------------------------------------------------------

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the input files and say what to run and retrieve.

        :param folder: where to write.
        """
        potential: PotentialData = self.inputs[self.POTENTIAL_PORT]
        configurations = self.get_configurations()
        for name, frames in configurations.items():
            with folder.open(name, 'wb') as handle:
                write_cfg(handle, frames, potential.species)

        code_info = CodeInfo()
        code_info.code_uuid = self.inputs.code.uuid
        code_info.cmdline_params = [self.COMMAND, *self.get_arguments()]
        code_info.stdout_name = self.STDOUT_FILE
        code_info.stderr_name = self.STDERR_FILE

        calc_info = CalcInfo()
        calc_info.codes_info = [code_info]
        calc_info.local_copy_list = [(potential.uuid, potential.filename, self.POTENTIAL_FILE)]
        calc_info.provenance_exclude_list = list(configurations)
        calc_info.retrieve_list = [self.STDOUT_FILE, self.STDERR_FILE]
        calc_info.retrieve_temporary_list = [f'{self.OUTPUT_FILE}*']
        return calc_info

    def get_training(self) -> Frames:
        """Return the training set: its parts one after the other, in the order of their keys."""
        training: Mapping[str, FramesData] = self.inputs.training
        return Frames.concatenate(training[key].get_frames() for key in sorted(training)).replace(grades=None)


def define_training(spec: CalcJobProcessSpec, help: str) -> None:
    """Define the namespace with a training set.

    :param help: what the set is for.
    """
    spec.input_namespace('training', valid_type=FramesData, dynamic=True, help=help)

"""The CalcJob ``seimlip.lammps.probe``: what a LAMMPS is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob, CalcJobProcessSpec

from aiida_seimlip.calculations.validation import CheckedInputs, faults_of_code


class LammpsProbeCalculation(CheckedInputs, CalcJob):
    """Ask a LAMMPS for its version, packages and pair styles: ``lmp -h``.

    The pair styles tell which dialects it understands, see `dialect` of `LammpsOptions`.
    """

    STDOUT_FILENAME = 'help.txt'
    STDERR_FILENAME = 'help.err'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes."""
        super().define(spec)
        metadata: Any = spec.inputs['metadata']
        metadata['options']['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        metadata['options']['parser_name'].default = 'seimlip.lammps.probe'
        metadata['options']['withmpi'].default = False
        metadata['options']['environment_variables'].default = lambda: {'OMP_NUM_THREADS': '1'}
        spec.inputs['code'].required = True
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]
        spec.output(
            'results', valid_type=orm.Dict,
            help='`version`, `packages`, `pair_styles`, and `dialects`: those of `LammpsOptions` that it understands.',
        )  # fmt: skip
        spec.default_output_node = 'results'
        spec.exit_code(
            300, 'ERROR_OUTPUT_MISSING', invalidates_cache=True, message='The file `{filename}` was not retrieved.'
        )
        spec.exit_code(
            310, 'ERROR_NOT_LAMMPS', invalidates_cache=True,
            message='The program of input `code` does not answer `-h` as LAMMPS does. {reason}',
        )  # fmt: skip

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        if 'code' in inputs:
            yield from faults_of_code('code', inputs['code'], 'seimlip.lammps')

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Say what to run and retrieve.

        :param folder: where the files of the job are gathered; there are none.
        """
        codeinfo = CodeInfo()
        codeinfo.code_uuid = self.inputs.code.uuid
        codeinfo.cmdline_params = ['-h']
        codeinfo.stdout_name = self.STDOUT_FILENAME
        codeinfo.stderr_name = self.STDERR_FILENAME
        calcinfo = CalcInfo()
        calcinfo.codes_info = [codeinfo]
        calcinfo.retrieve_list = [self.STDOUT_FILENAME, self.STDERR_FILENAME]
        return calcinfo

"""What the CalcJobs have in common that run a script of ours with an ASE calculator."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from aiida import orm
from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob, CalcJobProcessSpec

from aiida_seimlip.calculations.calculators import ABSENT, explain_target
from aiida_seimlip.calculations.remote_files import write_calculator, write_scripts
from aiida_seimlip.calculations.validation import CheckedInputs
from aiida_seimlip.calculations.walltime import time_limit
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.science.frames import Frames

PYTHON_PLUGINS = ('seimlip.ase', 'seimlip.md', 'seimlip.ase.neb', 'seimlip.mace.train')
"""Entry points of the jobs whose code is a Python interpreter: a code for one of them serves them all."""

UPLOADED_ARRAYS = ('numbers', 'positions', 'ptr', 'cells', 'pbc', 'velocities')


class ScriptCalculation(CheckedInputs, CalcJob):
    """Run a script of `aiida_seimlip.remote` on the remote computer.

    The code is a Python interpreter that can import numpy, ASE and the calculator; this package need not be there, but
    for the calculator `mtp`.
    """

    SCRIPT_FILENAME: ClassVar[str]
    MODULE_FILENAMES: ClassVar[tuple[str, ...]] = ()
    """What the script imports beside the modules that all scripts share."""
    TEMPORARY_FILENAMES: ClassVar[tuple[str, ...]]
    """What the script writes and the parser reads; the output nodes hold it."""
    STDOUT_FILENAME: ClassVar[str]
    STDERR_FILENAME: ClassVar[str]
    OPTIONS_FILENAME = 'options.json'
    FRAMES_FILENAME = 'frames.npz'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the potential, the defaults of the scheduler, and what can be wrong with the calculator."""
        super().define(spec)
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='What the calculator is given, if it is one of potentials (`mtp`, `motep`, `mace`).',
        )  # fmt: skip
        metadata: Any = spec.inputs['metadata']
        metadata['options']['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        metadata['options']['withmpi'].default = False
        spec.inputs['code'].required = True
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]
        spec.exit_code(
            310, 'ERROR_CALCULATOR_SETUP', invalidates_cache=True,
            message='The calculator `{name}` of the input `parameters` could not be set up with the input `code`: '
            '{reason}',
        )  # fmt: skip

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        if 'code' in inputs:
            yield from faults_of_interpreter('code', inputs['code'])

    def frames_for_script(self) -> Frames:
        """Return the frames that the script begins with."""
        raise NotImplementedError

    def calculator_options(self) -> CalculatorOptions:
        """Return which calculator the script uses."""
        raise NotImplementedError

    def options_for_script(self, calculator: dict[str, Any], time_limit_seconds: float | None) -> dict[str, Any]:
        """Return what the script reads.

        :param calculator: how to make the calculator.
        :param time_limit_seconds: when the script stops by itself, in s after its start; None: never.
        """
        raise NotImplementedError

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the script, its options and its frames.

        :param folder: where the files of the job are gathered.
        """
        self._say_what_was_not_checked()
        limit = time_limit(self.inputs.metadata.options.get('max_wallclock_seconds'))
        write_scripts(folder, self.SCRIPT_FILENAME, *self.MODULE_FILENAMES)
        calculator, left_out = write_calculator(folder, self.calculator_options(), self.inputs.get('potential'))
        with folder.open(self.OPTIONS_FILENAME, 'w') as handle:
            json.dump(self.options_for_script(calculator, limit), handle, indent=1)
        with folder.open(self.FRAMES_FILENAME, 'wb') as handle:
            handle.write(pack(self.frames_for_script()))

        codeinfo = CodeInfo()
        codeinfo.code_uuid = self.inputs.code.uuid
        codeinfo.cmdline_params = ['-B', self.SCRIPT_FILENAME]  # no compiled modules: the disk may be all but full
        codeinfo.stdout_name = self.STDOUT_FILENAME
        codeinfo.stderr_name = self.STDERR_FILENAME
        calcinfo = CalcInfo()
        calcinfo.codes_info = [codeinfo]
        calcinfo.provenance_exclude_list = [self.FRAMES_FILENAME, *left_out]  # input nodes hold them
        calcinfo.retrieve_list = [self.STDOUT_FILENAME, self.STDERR_FILENAME]
        calcinfo.retrieve_temporary_list = list(self.TEMPORARY_FILENAMES)
        return calcinfo

    def _say_what_was_not_checked(self) -> None:
        calculator = self.calculator_options()
        if explain_target(calculator) == ABSENT:
            self.report(
                f'the calculator `{calculator.name}` cannot be imported here, so that nobody knows yet whether it is '
                'there and takes its keyword arguments'
            )


def pack(frames: Frames) -> bytes:
    """Return the arrays that the script needs as an npz archive."""
    buffer = io.BytesIO()
    arrays = {name: getattr(frames, name) for name in UPLOADED_ARRAYS}
    np.savez(buffer, **{name: array for name, array in arrays.items() if array is not None})
    return buffer.getvalue()


def faults_of_interpreter(name: str, code: orm.AbstractCode) -> Iterator[str]:
    """Look for a code that is no Python interpreter, as far as its plugin says so.

    :param name: name of the input.
    :param code: the code.
    """
    plugin = code.default_calc_job_plugin
    if plugin and plugin not in PYTHON_PLUGINS:
        yield (
            f'Input `{name}` is a code for `{plugin}`, but a Python interpreter is needed, registered for one of '
            f'{", ".join(f"`{known}`" for known in PYTHON_PLUGINS)}.'
        )

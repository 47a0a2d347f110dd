"""The check of the start: whether the program computes what the potential says.

Moment tensor potentials are evaluated in the process of the workflow; those of other families by a job of the reference
engine `ase`, where the namespace `evaluation` says how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.engines.pool import PoolMixin
from aiida_seimlip.functions.audit import compare_start
from aiida_seimlip.options.transport.results import ParityRecord
from aiida_seimlip.workflows.failures import explain_failure

EVALUATION, EVALUATOR = 'evaluation', 'ase'


class ParityMixin(PoolMixin):
    """The part of the outline that compares the first evaluation of the program with another one.

    What it is mixed into has the options as `settings`, submits the program and says how it ended.
    """

    settings: Any
    submit_dynamics: Callable[..., orm.ProcessNode]
    _describe_end: Callable[[str, orm.ProcessNode], dict[str, Any]]

    @classmethod
    def define_evaluation(cls, spec: ProcessSpec) -> None:
        """Define the settings of the evaluation.

        :param spec: of the WorkChain.
        """
        spec.input_namespace(
            EVALUATION, dynamic=True, required=False,
            help='Settings of the reference engine `ase` for a family of potentials that is not evaluated in this '
            'process, for the check of the start: `evaluation.mace.code`, `evaluation.mace.parameters`, ...',
        )  # fmt: skip
        spec.exit_code(
            311, 'ERROR_EVALUATION_FAILED',
            message='The start was not evaluated by the engine of the input `evaluation`: {reason}',
        )  # fmt: skip

    def should_check_parity(self) -> bool:
        """Return whether the program is compared with another evaluation of the potential."""
        if not self.settings.check_parity or 'potential' not in self.inputs:
            return False
        family = self.inputs.potential.family
        if can_be_compared(self.inputs):
            return True
        self.report(
            'WARNING: whether the program computes what the potential says is not looked at: that takes the input '
            f'`{EVALUATION}.{family}`'
        )
        return False

    def run_parity(self) -> None:
        """Let the program evaluate the start, and beside it the engine of the evaluation, if there is one."""
        process = self.submit_dynamics('parity', structure=self.ctx.start, parameters=self.ctx.parameters['parity'])
        self.to_context(parity_process=process)
        settings = self.inputs.get(EVALUATION, {}).get(self.inputs.potential.family)
        if settings is not None:
            engine: type[SocketWorkChain] = load_engine('reference', EVALUATOR)
            inputs = {**settings, 'frames': self.ctx.start, 'potential': self.inputs.potential}
            self.to_context(evaluation=self.submit(engine, **inputs, metadata={'call_link_label': EVALUATION}))

    def inspect_parity(self) -> ExitCode | None:
        """Compare what the program says of the start with the other evaluation."""
        process = self.ctx.parity_process
        end = self._describe_end('parity', process)
        if end['outcome'] != 'completed' or 'trajectory' not in process.outputs:
            reason = end['message'] or f'it ended as {end["outcome"]}, and returned no frame.'
            return self.exit_codes.ERROR_PROGRAM_FAILED.format(reason=reason)
        evaluated = {}
        if 'evaluation' in self.ctx:
            fault = _explain_evaluation(self.ctx.evaluation)
            if fault is not None:
                return self.exit_codes.ERROR_EVALUATION_FAILED.format(reason=fault)
            evaluated['reference'] = self.ctx.evaluation.outputs.frames
        self.ctx.parity = compare_start(
            self.inputs.options, self.inputs.potential, process.outputs.trajectory, process.outputs.results, **evaluated
        )
        self.out('parity', self.ctx.parity)
        record = ParityRecord.model_validate(self.ctx.parity.get_dict())
        self.report(record.message)
        if not record.is_equal:
            return self.exit_codes.ERROR_PARITY_FAILED.format(message=record.message)
        return None


def can_be_compared(inputs: Mapping[str, Any]) -> bool:
    """Tell whether there is another evaluation to compare the program with.

    :param inputs: of the workflow.
    """
    potential = inputs.get('potential')
    return potential is not None and (potential.family == 'mtp' or potential.family in inputs.get(EVALUATION, {}))


def faults_of_evaluation(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for settings of the evaluation that its engine would refuse.

    :param inputs: of the workflow.
    """
    potential: PotentialData | None = inputs.get('potential')
    for family, settings in inputs.get(EVALUATION, {}).items():
        place = f'{EVALUATION}.{family}'
        if potential is not None and potential.family != family:
            yield f'Input `{place}` is there, but the input `potential` is of the family `{potential.family}`.'
            continue
        given = settings if potential is None else {**settings, 'potential': potential}
        message = load_engine('reference', EVALUATOR).explain_settings(place, given)
        yield from [message] if message is not None else []


def _explain_evaluation(process: orm.ProcessNode) -> str | None:
    """Say why an evaluation gave no labels."""
    if not process.is_finished_ok:
        return explain_failure(process)
    failures = process.outputs.failures.get_dict()
    return next(iter(failures.values()), None)

"""Training of MACE, of one model or of a committee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.calculations.mace_train import REPLAY_PORT, MaceTrainCalculation
from aiida_seimlip.calculations.script import faults_of_interpreter
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import COMMITTEE
from aiida_seimlip.engines.interruption import Cause, find_interruption
from aiida_seimlip.engines.training.contract import TrainingWorkChain
from aiida_seimlip.engines.training.members import MembersMixin
from aiida_seimlip.functions.models.mace import join_committee, join_member_histories, pool_errors, with_member
from aiida_seimlip.options.mace import MaceTrainOptions

EXIT_CODES = MaceTrainCalculation.spec().exit_codes
CAUSES = ('ERROR_BAD_DATA', 'ERROR_DIVERGED', 'ERROR_OUT_OF_WALLTIME')
"""Exit codes of the job that are exit codes of the process as well; all others are `ERROR_NO_POTENTIAL`."""


class MaceTrainingWorkChain(TrainingWorkChain, MembersMixin):
    """Train MACE; a job goes on where the last one was stopped, and several members become one committee."""

    _process_class = MaceTrainCalculation
    plugin_prefix = 'seimlip.'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters, and the frames for validation."""
        super().define(spec)
        spec.input('parameters', **MaceTrainOptions.port('The size of the model, and how to train it.'))
        spec.input_namespace(
            'validation', valid_type=FramesData, dynamic=True, required=False,
            help='Labelled frames for validation; without them, some of `training` are held out.',
        )  # fmt: skip
        spec.input_namespace('replay', **REPLAY_PORT)
        spec.inputs.validator = lambda inputs, _: next(iter(cls.faults_of_call(inputs)), None)

    @classmethod
    def validate_code(cls, code: orm.AbstractCode | None, _: Any) -> str | None:
        """Refuse what is no Python interpreter."""
        return None if code is None else next(faults_of_interpreter('code', code), None)

    @classmethod
    def selection_mode(cls, settings: Mapping[str, Any]) -> str | None:
        """Return the mode of a committee, if the parameters ask for one."""
        return COMMITTEE if MaceTrainOptions.from_node(settings.get('parameters')).committee > 1 else None

    @property
    def n_members(self) -> int:
        """Number of members."""
        return MaceTrainOptions.from_node(self.inputs.parameters).committee

    def setup(self) -> None:
        """Begin; say so if labels are learned from that do not go together."""
        super().setup()
        self.report_mixture()
        several = range(self.n_members) if self.n_members > 1 else ()
        self.ctx.parameters = {str(member): with_member(self.inputs.parameters, orm.Int(member)) for member in several}

    def submit_member(self, member: int, name: str, checkpoint: orm.SinglefileData | None) -> orm.CalcJobNode:
        """Submit a job that trains one member, or goes on to."""
        ports = ('code', 'training', 'validation', 'replay', 'start')
        given = {key: self.inputs[key] for key in ports if key in self.inputs}
        if checkpoint is not None:
            given['checkpoint'] = checkpoint
        given['parameters'] = self.ctx.parameters.get(str(member), self.inputs.parameters)
        return self.submit(MaceTrainCalculation, **given, metadata=self.job_metadata(name))  # type: ignore[return-value]

    def results(self) -> None:
        """Attach the model, or the committee of all."""
        jobs = {f'{int(member):02d}': job.outputs for member, job in self.ctx.trained.items()}
        if len(jobs) == 1:
            self.out_many({name: jobs['00'][name] for name in ('potential', 'errors', 'history')})
            return
        nodes = {
            **{f'{kind}_{member}': outputs[name] for member, outputs in jobs.items()
               for kind, name in (('potential', 'potential'), ('predictions', 'validation_predictions'))},
            **{f'{space}_{key}': node for space in ('training', 'validation')
               for key, node in self.inputs.get(space, {}).items()},
        }  # fmt: skip
        self.out('potential', join_committee(parameters=self.inputs.parameters, **nodes))
        self.out('errors', pool_errors(**{f'member_{member}': outputs.errors for member, outputs in jobs.items()}))
        histories = {f'member_{member}': outputs.history for member, outputs in jobs.items()}
        self.out('history', join_member_histories(**histories))

    def failure_of(self, job: orm.CalcJobNode) -> str:
        """Tell the cause."""
        interruption = find_interruption(job)
        if interruption is not None and interruption.cause is Cause.OUT_OF_WALLTIME:
            return 'ERROR_OUT_OF_WALLTIME'
        return next((label for label in CAUSES if job.exit_status == EXIT_CODES[label].status), 'ERROR_NO_POTENTIAL')

"""Jobs of several models: what each makes of many frames, be it not all, and who did not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ProcessSpec, WorkChain

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.ase_jobs import STOPS
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.frames import list_unfinished
from aiida_seimlip.functions.model_jobs import join_jobs
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.model_inputs import ENGINE, MODELS_HELP

OUTPUTS = ('labelled', 'failures', 'results', 'trace')
"""Outputs of a job that are read."""


class ModelJobsWorkChain(WorkChain):
    """Give frames to several models, and gather what they make of them.

    A stage of the work of a model is a job of `AseCalculation` with many frames, or a call of an engine of the socket
    `reference`, for a model that names one. A job that was stopped at its wall time after it had finished some frames
    is followed by another one with the rest. The outline of a subclass calls `queue_stage`, and then holds
    ``while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs)``.

    The context holds ``found``: what there is of each model, by the name of the stage (`labelled`, `failures`,
    `results`), with ``potential`` of one that is a potential, and ``problem`` (Str) of one that did not run; and
    ``problems``: the reasons, by name.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the port of the models and the exit codes."""
        super().define(spec)
        spec.input_namespace('models', dynamic=True, help=MODELS_HELP)
        spec.exit_code(310, 'ERROR_NO_PROPERTY', message='None of the input `models` gave anything: {reason}')
        spec.exit_code(
            400, 'ERROR_MODEL_FAILED',
            message='The results are attached, but without `{name}` of the input `models`: {reason}',
        )  # fmt: skip

    def setup_models(self) -> None:
        """Begin with the models alone."""
        self.ctx.queue, self.ctx.jobs, self.ctx.problems = [], AttributeDict(), {}
        self.ctx.found = {
            name: {'potential': model['potential']} if 'potential' in model else {}
            for name, model in self.inputs.models.items()
        }

    def queue_stage(
        self, name: str, stage: str, frames: FramesData, parameters: orm.Dict,
        *, potential: PotentialData | None = None,
    ) -> None:  # fmt: skip
        """Have a model work on frames, all of them in one job.

        :param name: of the model.
        :param stage: what this is for, in the names of links.
        :param frames: to work on.
        :param parameters: of the job, as `AseOptions`; an engine has those of its own.
        :param potential: in the place of that of the model, such as a member of a committee.
        """
        job = {
            'name': name, 'stage': stage, 'frames': frames, 'parameters': parameters, 'potential': potential,
            'done': [],
        }  # fmt: skip
        self.ctx.queue = [*self.ctx.queue, job]

    def should_run_jobs(self) -> bool:
        """Return whether there is work left."""
        return bool(self.ctx.queue)

    def run_jobs(self) -> None:
        """Run all jobs that are to be run."""
        self.ctx.under_way, self.ctx.queue, self.ctx.jobs = self.ctx.queue, [], AttributeDict()
        for number, job in enumerate(self.ctx.under_way):
            label = '_'.join([job['stage'], job['name'], *([str(len(job['done']))] if job['done'] else [])])
            self.to_context(**{f'jobs.job_{number}': self._submit(label, **job)})

    def inspect_jobs(self) -> None:
        """Take what every job has left, however it ended, and have the rest done of those that were stopped."""
        for number, job in enumerate(self.ctx.under_way):
            process = self.ctx.jobs[f'job_{number}']
            outputs = outputs_of(process)
            rest = unfinished_of(process)
            done = [*job['done'], outputs]
            if rest:
                self.report(f'{explain_failure(process)}; the rest is done by another job')
                self.ctx.queue = [*self.ctx.queue, {**job, 'rest': orm.List(rest).store(), 'done': done}]
                continue
            found = (
                outputs if len(done) == 1 else dict(join_jobs(**{f'job_{i:03d}': one for i, one in enumerate(done)}))
            )
            self.ctx.found[job['name']][job['stage']] = found
            if not process.is_finished_ok:
                self._note_problem(job['name'], explain_failure(process))

    def has(self, name: str, stage: str) -> bool:
        """Return whether a model has finished any frame of a stage."""
        return 'labelled' in self.ctx.found[name].get(stage, {})

    # -- details ------------------------------------------------------------------------------------------------------

    def _note_problem(self, name: str, problem: str) -> None:
        if name in self.ctx.problems:
            return
        self.report(problem)
        self.ctx.problems[name] = problem
        self.ctx.found[name]['problem'] = orm.Str(problem).store()

    def _submit(
        self, label: str, name: str, frames: FramesData, parameters: orm.Dict, rest: orm.List | None = None,
        *, potential: PotentialData | None = None, **_: Any,
    ) -> orm.ProcessNode:  # fmt: skip
        """Submit a job, or the engine of a model that names one."""
        model: Mapping[str, Any] = {
            **self.inputs.models[name], **({} if potential is None else {'potential': potential})
        }  # fmt: skip
        metadata = {'call_link_label': label}
        if ENGINE in model:
            engine = load_engine('reference', model[ENGINE].value)
            settings = {**engine.default_nodes(), **{key: value for key, value in model.items() if key != ENGINE}}
            return self.submit(engine, **settings, frames=frames, metadata=metadata)
        given = {key: model[key] for key in ('code', 'potential') if key in model}
        options = model['options'].get_dict() if 'options' in model else {}
        return self.submit(
            AseCalculation, **given, **({} if rest is None else {'indices': rest}), frames=frames,
            parameters=parameters, metadata={**metadata, 'options': options},
        )  # fmt: skip


def outputs_of(process: orm.ProcessNode) -> dict[str, orm.Data]:
    """Return what a job or an engine has made of its frames, by the names that a job has for it."""
    outputs = {key: process.outputs[key] for key in OUTPUTS if key in process.outputs}
    if not isinstance(process, orm.CalcJobNode) and 'frames' in process.outputs:
        outputs['labelled'] = process.outputs.frames
    return outputs


def unfinished_of(process: orm.ProcessNode) -> list[int]:
    """Return the frames that another job is to do after this one: none, unless it was stopped and has done some."""
    is_stopped = isinstance(process, orm.CalcJobNode) and process.exit_status in STOPS
    if not is_stopped or 'failures' not in process.outputs:
        return []
    inputs = process.inputs
    n_given = len(inputs.indices.get_list()) if 'indices' in inputs else inputs.frames.n_frames
    rest = list_unfinished(process.outputs.failures.get_dict())
    return rest if len(rest) < n_given else []

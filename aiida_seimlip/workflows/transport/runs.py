"""The runs of a diffusivity: the check of the program, then an equilibration and a production for each of them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode, ProcessSpec

from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.transport.diffusivity import plan_diffusivity, prepare_start, warn_about_vacuum
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions, TransportEngines
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.transport.parity import ParityMixin

DYNAMICS = 'dynamics'
EQUILIBRATION, PRODUCTION = 'equilibration', 'production'
COMPLETED, OUT_OF_WALLTIME, FAILED = 'completed', 'out_of_walltime', 'failed'

USABLE = (COMPLETED, OUT_OF_WALLTIME)
"""How a production ends whose track is worth an analysis: a run that crashes was no longer physical before that."""


class TransportRunsMixin(ParityMixin):
    """The part of the outline of `DiffusivityWorkChain` that runs molecular dynamics.

    The jobs of the pool are called after their runs, such as ``T0600_r0_equilibration``. The context holds

    * ``start``: the frame that all runs begin with; ``plan`` and ``parameters``: as `plan_diffusivity` returns them,
      the latter by job; ``parity``: the record of the check;
    * ``inspected``: names of the jobs that have been taken in; ``ends``: how each run ended, by its key (`outcome`,
      `phase`, `message`, `uuid`); ``productions``: the processes whose outputs are taken, by the key of the run.
    """

    @classmethod
    def define_engine(cls, spec: ProcessSpec) -> None:
        """Define the ports of the program that runs the dynamics.

        :param spec: of the WorkChain.
        """
        spec.input('engines', **TransportEngines.port('The program that runs the dynamics.'))
        spec.expose_inputs(SocketWorkChain, namespace=DYNAMICS, include=SocketWorkChain.settings)
        namespace: Any = spec.inputs[DYNAMICS]
        namespace.dynamic = True
        namespace['code'].required = False  # the engine says whether it needs one
        namespace.help = f'Settings of the engine for the socket `{DYNAMICS}`.'
        cls.define_evaluation(spec)

    @classmethod
    def define_ends_of_runs(cls, spec: ProcessSpec) -> None:
        """Define the exit codes of runs that leave nothing to look at.

        :param spec: of the WorkChain.
        """
        spec.exit_code(300, 'ERROR_PROGRAM_FAILED', message='The first step of the program failed: {reason}')
        spec.exit_code(
            310, 'ERROR_PARITY_FAILED',
            message='The program does not compute what the input `potential` says, so nothing was run with it: '
            '{message}',
        )  # fmt: skip
        spec.exit_code(320, 'ERROR_ALL_RUNS_FAILED', message='No run gave a track to look at; the first: {reason}')

    @cached_property
    def settings(self) -> DiffusivityOptions:
        """The options."""
        return DiffusivityOptions.from_node(self.inputs.options)

    @cached_property
    def engines(self) -> TransportEngines:
        """The name of the engine."""
        return TransportEngines.from_node(self.inputs.engines)

    @property
    def takes_in_each(self) -> bool:
        """A production follows as soon as its equilibration has ended."""
        return True

    @property
    def max_concurrent(self) -> int | None:
        """Runs under way at once; None for no limit."""
        return self.settings.max_concurrent

    @property
    def deadline(self) -> float | None:
        """No run is left behind."""
        return None

    def setup(self) -> None:
        """Make the start, and the parameters of all runs."""
        self.ctx.start = prepare_start(self.inputs.structure)
        for warning in warn_about_vacuum(self.ctx.start, self.settings):
            self.report(f'WARNING: {warning}')
        engine = {'engine': {'parameters': self.inputs.dynamics['parameters']}} if self._has_parameters else {}
        outputs = plan_diffusivity(self.inputs.options, **engine)
        self.ctx.plan, self.ctx.parameters = outputs['plan'], dict(outputs['parameters'])
        self.ctx.parity, self.ctx.inspected, self.ctx.ends, self.ctx.productions = None, [], {}, {}

    # -- equilibrations and productions -------------------------------------------------------------------------------

    def queue_runs(self) -> None:
        """Put the first job of each run into the queue."""
        first = EQUILIBRATION if self.settings.dynamics.equilibration_steps else PRODUCTION
        self.ctx.queue = [f'{run["key"]}_{first}' for run in self.ctx.plan['runs']]

    def submit_job(self, name: str) -> orm.ProcessNode:
        """Submit the equilibration or the production of a run."""
        before = self.ctx.jobs.get(name.replace(f'_{PRODUCTION}', f'_{EQUILIBRATION}')) if PRODUCTION in name else None
        start = self.ctx.start if before is None else before.outputs.final
        return self.submit_dynamics(name, structure=start, parameters=self.ctx.parameters[name])

    def inspect_jobs(self) -> None:
        """Let productions follow equilibrations that have come to their end, and note how runs end."""
        for name, process in self.ctx.jobs.items():
            if isinstance(process, orm.ProcessNode) and name not in self.ctx.inspected:
                self.ctx.inspected = [*self.ctx.inspected, name]
                key, _, phase = name.rpartition('_')
                self._take_in(key, phase, process)

    def inspect_runs(self) -> ExitCode | None:
        """Attach what the productions have made, and end if none of it can be looked at."""
        for output, namespace in (('track', 'tracks'), ('trajectory', 'trajectories')):
            found = {
                key: process.outputs[output]
                for key, process in self.ctx.productions.items()
                if output in process.outputs
            }
            if found:
                self.out(namespace, found)
        if self.usable:
            return None
        key, end = min(self.ctx.ends.items())
        return self.exit_codes.ERROR_ALL_RUNS_FAILED.format(reason=f'{key}, {end["outcome"]}: {end["message"]}')

    @property
    def usable(self) -> dict[str, orm.ProcessNode]:
        """The productions whose tracks can be analysed, by the key of the run."""
        return {
            key: process for key, process in sorted(self.ctx.productions.items())
            if self.ctx.ends[key]['outcome'] in USABLE and 'track' in process.outputs
        }  # fmt: skip

    def results_of_runs(self) -> dict[str, orm.Dict]:
        """Return what the programs say of the productions, by the key of the run."""
        found = self.ctx.productions.items()
        return {key: process.outputs.results for key, process in found if 'results' in process.outputs}

    def submit_dynamics(self, label: str, **data: Any) -> orm.ProcessNode:
        """Submit the engine with the settings of the user.

        :param label: of the link to the process.
        :param data: the inputs of this call.
        """
        engine: type[SocketWorkChain] = load_engine(DYNAMICS, self.engines.dynamics)
        if 'engine_defaults' not in self.ctx:
            self.ctx.engine_defaults = engine.default_nodes()
        potential = {'potential': self.inputs.potential} if 'potential' in self.inputs else {}
        inputs = {**self.ctx.engine_defaults, **self.inputs.dynamics, **potential, **data}
        return self.submit(engine, **inputs, metadata={'call_link_label': label})

    # -- details ------------------------------------------------------------------------------------------------------

    @property
    def _has_parameters(self) -> bool:
        return 'parameters' in self.inputs.get(DYNAMICS, AttributeDict())

    def _take_in(self, key: str, phase: str, process: orm.ProcessNode) -> None:
        """Note how a job ended, and queue the next one of the run if there is one."""
        end = self._describe_end(phase, process)
        self.ctx.ends = {**self.ctx.ends, key: end}
        if phase == PRODUCTION:
            self.ctx.productions = {**self.ctx.productions, key: process}
        elif end['outcome'] == COMPLETED and 'final' in process.outputs:
            self.ctx.queue = [f'{key}_{PRODUCTION}', *self.ctx.queue]
            return
        if end['outcome'] != COMPLETED or phase == EQUILIBRATION:
            self.report(f'{key}: the {phase} ended as {end["outcome"]}: {end["message"]}')

    @staticmethod
    def _describe_end(phase: str, process: orm.ProcessNode) -> dict[str, Any]:
        if 'results' not in process.outputs:
            outcome, message = FAILED, explain_failure(process)
        else:
            results = process.outputs.results
            outcome, message = results.get('outcome', FAILED), results.get('message', None)
            if not process.is_finished_ok and outcome == COMPLETED:
                outcome, message = FAILED, explain_failure(process)
        return {'phase': phase, 'outcome': outcome, 'message': message, 'uuid': process.uuid}

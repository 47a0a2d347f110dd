"""From frames to jobs, one for each and some at once, and from jobs to labels, whatever the program."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.pool import PoolMixin
from aiida_seimlip.engines.reference.contract import ReferenceWorkChain
from aiida_seimlip.engines.reference.job_known import JobKind
from aiida_seimlip.functions.job_labels import JOB_KEY

RESOURCES = {'num_machines': 1, 'num_mpiprocs_per_machine': 1}

STRUCTURE, SHARED = 'structures__', 'shared__'
"""How the labels of the links begin from what makes the inputs of jobs to its outputs."""


class JobPoolMixin(PoolMixin, ReferenceWorkChain):
    """Run a process for each frame, which runs a job, and others where that helps.

    A job that an earlier process has begun, and that has ended well or is under way, is not begun again: its process is
    waited for. The context holds ``frames``, those to be labelled; ``prepared``, the pk of what made the inputs of the
    jobs; and ``adopted``, the pk of each process that is not begun again, by the name of the job.
    """

    kind: ClassVar[JobKind]
    """By what jobs and labels of this program are known."""

    hopeless: ClassVar[tuple[str, ...]] = ('NoOutput', 'Excepted')
    """How the reasons begin that, where all frames have them, say that the program does not work at all."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters, the limits and the outline."""
        super().define(spec)
        spec.input('parameters', **cls.kind.options.port(f'How {cls.kind.process.program} labels frames.'))
        spec.input(
            'max_concurrent', valid_type=orm.Int, serializer=orm.to_aiida_type, default=lambda: orm.Int(20),
            help='The most jobs that are under way at once; a new one begins as soon as any other ends.',
        )  # fmt: skip
        spec.input(
            'deadline', valid_type=orm.Float, serializer=orm.to_aiida_type, required=False,
            help='Time in s after which jobs that still run are left behind; their labels join a later iteration.',
        )  # fmt: skip
        spec.inputs.validator = cls.validate_potentials
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            while_(cls.has_jobs)(
                cls.run_jobs,
                cls.retake_jobs,
            ),
            cls.results,
        )

    # -- what depends on the program ----------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def explain_potentials(cls, options: Any, elements: Any, name: str) -> str | None:
        """Say which potentials are not in the profile, or do not fit the options.

        :param options: as `kind.options`.
        :param elements: that potentials are needed for.
        :param name: of the input, for the message.
        :return: one sentence, or None if all is well.
        """

    @abstractmethod
    def prepare(self, frames: FramesData) -> tuple[dict[str, Any], orm.ProcessNode]:
        """Make the inputs of the jobs: ``structures`` by the name of the job, ``shared`` inputs, and others."""

    @abstractmethod
    def harvest(self, frames: FramesData, reasons: orm.Dict, jobs: dict[str, Any]) -> dict[str, Any]:
        """Make labels of what jobs returned.

        :param frames: those that the jobs were for.
        :param reasons: why a job did not end well, by its name.
        :param jobs: outputs of each, by its name.
        """

    @abstractmethod
    def inputs_of_job(self, name: str, shared: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs of the process for a frame, by port.

        :param name: of the job.
        :param shared: inputs that are the same for all.
        :param metadata: of its jobs.
        """

    def outputs_to_keep(self) -> tuple[str, ...]:
        """Return the outputs of a job of which labels are made."""
        return ('retrieved',)

    def keeps_partial(self) -> bool:
        """Return whether labels are made of what a job returned that did not end well."""
        return False

    # -- contract -----------------------------------------------------------------------------------------------------

    @classmethod
    def validate_potentials(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Look for each potential before the first job."""
        given = inputs.get('parameters')
        if 'frames' not in inputs or given is None or cls.kind.options.explain(given, 'parameters'):
            return None  # the ports themselves say so
        return cls.explain_potentials(cls.kind.options.from_node(given), inputs['frames'].elements, 'parameters')

    @classmethod
    def explain_settings(cls, namespace: str, settings: Mapping[str, Any], **details: Any) -> str | None:
        """Look for the potentials of all species of the campaign, too."""
        message = super().explain_settings(namespace, settings, **details)
        if message is not None or 'parameters' not in settings:
            return message
        options = cls.kind.options.from_node(settings['parameters'])
        return cls.explain_potentials(options, details.get('species', ()), f'{namespace}.parameters')

    @classmethod
    def describe_labels(cls, settings: Mapping[str, Any]) -> tuple[str, str]:
        """Return the level of theory; the energy is the free one, of which the forces are the derivative."""
        return cls.kind.options.from_node(settings['parameters']).method_name, 'free'

    def find_known(self) -> Mapping[str, FramesData]:
        """Return what the program has labelled with the same settings, whatever code and computer did it."""
        return self.kind.find_labelled(self.inputs.parameters, self.inputs.frames)

    # -- outline ------------------------------------------------------------------------------------------------------

    def setup(self) -> None:
        """Prepare a job for each frame whose label is not known, and queue them."""
        frames, self.ctx.queue, self.ctx.frames = self.split_known(), [], None
        if frames is None:
            return
        made, node = self.prepare(frames)
        structures: dict[str, orm.StructureData] = made.get('structures', {})
        self.ctx.frames, self.ctx.prepared, self.ctx.adopted = frames, node.pk, {}
        self.ctx.queue = sorted(structures)
        if self.inputs.reuse_labels.value and structures:
            keys = {name: structure.base.extras.get(JOB_KEY) for name, structure in structures.items()}
            found = self.kind.find_jobs(self.inputs.parameters, frames.elements, set(keys.values()))
            self.ctx.adopted = {name: found[key] for name, key in keys.items() if key in found}
        if self.ctx.adopted:
            self.report(f'{len(self.ctx.adopted)} of {len(structures)} jobs were begun before, and are taken over')

    def submit_job(self, name: str) -> orm.ProcessNode:
        """Submit the job for a frame."""
        options = {'resources': RESOURCES, **self.job_metadata().get('options', {})}
        if self.inputs.code.with_mpi is None:
            options.setdefault('withmpi', True)
        inputs = self.inputs_of_job(name, dict(self._shared), {'options': options})
        return self.submit(self.kind.process, **inputs, metadata={'call_link_label': name})

    def find_job(self, name: str) -> orm.ProcessNode | None:
        """Return the process that does this job already."""
        found: Any = orm.load_node(self.ctx.adopted[name]) if name in self.ctx.adopted else None
        return found

    def retake_jobs(self) -> None:
        """Queue jobs that were taken over and came to nothing, such as those that were killed with who began them."""
        for name in sorted(self.ctx.adopted):
            job = self.ctx.jobs.get(name)
            if isinstance(job, orm.ProcessNode) and not job.is_finished_ok:
                self.report(f'process {job.pk}, which was taken over, gave no label; {name} is begun anew')
                self.ctx.adopted = {other: pk for other, pk in self.ctx.adopted.items() if other != name}
                self.ctx.queue = [*self.ctx.queue, name]
                del self.ctx.jobs[name]

    def results(self) -> ExitCode | None:
        """Make labels of what the jobs returned, and attach them in the order of the frames."""
        if self.ctx.frames is None:
            self.attach_labels({})
            return None
        jobs = self.ctx.get('jobs', {})
        explain = self.kind.process.explain_failure
        reasons = {name: explain(job) for name, job in jobs.items() if not job.is_finished_ok}
        reasons |= {name: self.explain_late(name) for name in self.ctx.get('late', {})}
        outputs = {
            name: found for name, job in jobs.items()
            if (name not in reasons or self.keeps_partial()) and (found := self._outputs_of(job))
        }  # fmt: skip
        made = self.harvest(self.ctx.frames, orm.Dict(reasons), outputs)
        if reasons and 'labelled' not in made and all(reason.startswith(self.hopeless) for reason in reasons.values()):
            name, reason = min(reasons.items())
            job = jobs[name]
            failed: ExitCode = self.exit_codes.ERROR_PROGRAM_FAILED
            return failed.format(pk=job.pk, status=job.exit_status, reason=reason)
        self._attach(made)
        return None

    # -- details ------------------------------------------------------------------------------------------------------

    def prepared_node(self, label: str) -> Any:
        """Return an output of what made the inputs of the jobs.

        :param label: of the link to it.
        """
        return self.preparation.base.links.get_outgoing(link_label_filter=label).one().node

    @cached_property
    def preparation(self) -> Any:
        """What made the inputs of the jobs."""
        return orm.load_node(self.ctx.prepared)

    @cached_property
    def _shared(self) -> dict[str, Any]:
        """The inputs that are the same for all jobs, by port."""
        links = self.preparation.base.links.get_outgoing(link_label_filter=f'{SHARED}%').all()
        return {link.link_label.removeprefix(SHARED): link.node for link in links}

    def _outputs_of(self, process: orm.ProcessNode) -> dict[str, orm.Data]:
        """Return what is made into labels: outputs of the process, or if it failed, of the last job that has any."""
        names = self.outputs_to_keep()
        jobs: list[Any] = process.called if isinstance(process, orm.WorkChainNode) else []
        candidates: list[Any] = [process] if process.is_finished_ok else sorted(jobs, key=lambda job: -job.pk)
        for candidate in candidates:
            found = {name: candidate.outputs[name] for name in names if name in candidate.outputs}
            if len(found) == len(names):
                return found
        return {}

    def _attach(self, made: dict[str, orm.Data]) -> None:
        """Attach labels and failures, those of frames whose labels were known among them."""
        if self.ctx.known is not None:
            part: dict[str, Any] = {name: made[name] for name in ('labelled', 'failures') if name in made}
            self.attach_labels({'jobs': {'frames': self.ctx.frames, **part}})
            return
        self.out('failures', made['failures'])
        if 'labelled' in made:
            self.out('frames', made['labelled'])

"""From frames to VASP jobs, and from jobs to labels."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.pool import PoolMixin
from aiida_seimlip.engines.reference.contract import ReferenceWorkChain
from aiida_seimlip.engines.reference.vasp_job import VaspLabelWorkChain, explain_failure
from aiida_seimlip.engines.reference.vasp_known import find_jobs
from aiida_seimlip.functions.vasp import JOB_KEY, harvest_vasp, prepare_vasp

RESOURCES = {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
HOPELESS = ('NoOutput', 'VaspRefused', 'Excepted')
"""How the reasons begin that, where all frames have them, say that the program does not work at all."""

STRUCTURE, INCAR, SHARED = 'structures__', 'incars__', 'shared__'
"""How the labels of the links from `prepare_vasp` to its outputs begin."""


class VaspPoolMixin(PoolMixin, ReferenceWorkChain):
    """Run a `VaspLabelWorkChain` for each frame.

    A job that an earlier process has begun, and that has ended well or is under way, is not begun again: its process is
    waited for. The context holds ``frames``, those to be labelled; ``prepared``, the pk of what made the inputs of the
    jobs; and ``adopted``, the pk of each process that is not begun again, by the name of the job.
    """

    def prepare_jobs(self, frames: FramesData) -> None:
        """Make the inputs of the jobs, and queue them.

        :param frames: the frames to be labelled.
        """
        made, node = prepare_vasp.run_get_node(frames, self.inputs.parameters, **self._dynamics)
        structures: dict[str, orm.StructureData] = (made or {}).get('structures', {})
        self.ctx.frames, self.ctx.prepared, self.ctx.adopted = frames, node.pk, {}
        self.ctx.queue = sorted(structures)
        if self.inputs.reuse_labels.value and structures:
            keys = {name: structure.base.extras.get(JOB_KEY) for name, structure in structures.items()}
            found = find_jobs(self.inputs.parameters, frames.elements, set(keys.values()))
            self.ctx.adopted = {name: found[key] for name, key in keys.items() if key in found}
        if self.ctx.adopted:
            self.report(f'{len(self.ctx.adopted)} of {len(structures)} jobs were begun before, and are taken over')

    def submit_job(self, name: str) -> orm.ProcessNode:
        """Submit the job for a frame."""
        given = {'structure': self._prepared_node(STRUCTURE + name), **self._shared}
        if 'dynamics' in self.inputs:
            given['parameters'] = self._prepared_node(INCAR + name)
        options = {'resources': RESOURCES, **self.job_metadata().get('options', {})}
        if self.inputs.code.with_mpi is None:
            options.setdefault('withmpi', True)
        return self.submit(
            VaspLabelWorkChain, code=self.inputs.code, **given, calc={'metadata': {'options': options}},
            metadata={'call_link_label': name},
        )  # fmt: skip

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

    def harvest_jobs(self) -> ExitCode | None:
        """Make labels of what the jobs returned, and attach them."""
        jobs = self.ctx.get('jobs', {})
        reasons = {name: explain_failure(job) for name, job in jobs.items() if not job.is_finished_ok}
        reasons |= {name: self.explain_late(name) for name in self.ctx.get('late', {})}
        outputs = {
            name: found for name, job in jobs.items()
            if (found := self._outputs_of(job)) and (name not in reasons or 'dynamics' in self.inputs)
        }  # fmt: skip
        groups: dict[str, Any] = {'jobs': outputs} if outputs else {}
        made = harvest_vasp(self.ctx.frames, self.inputs.parameters, orm.Dict(reasons), **groups, **self._dynamics)
        for index, refused in (made['refused'].get_dict() if 'refused' in made else {}).items():
            self.report(f'{len(refused)} samples from frame {index} have no label; the first: {refused[0]}')
        if reasons and 'labelled' not in made and all(reason.startswith(HOPELESS) for reason in reasons.values()):
            name, reason = min(reasons.items())
            job = jobs[name]
            failed: ExitCode = self.exit_codes.ERROR_PROGRAM_FAILED
            return failed.format(pk=job.pk, status=job.exit_status, reason=reason)
        self._attach(made)
        return None

    # -- details ------------------------------------------------------------------------------------------------------

    @property
    def _dynamics(self) -> dict[str, orm.Dict]:
        return {'dynamics': self.inputs.dynamics} if 'dynamics' in self.inputs else {}

    @cached_property
    def _preparation(self) -> Any:
        return orm.load_node(self.ctx.prepared)

    @cached_property
    def _shared(self) -> dict[str, Any]:
        """The inputs that are the same for all jobs, by port."""
        links = self._preparation.base.links.get_outgoing(link_label_filter=f'{SHARED}%').all()
        return {link.link_label.removeprefix(SHARED): link.node for link in links}

    def _prepared_node(self, label: str) -> Any:
        return self._preparation.base.links.get_outgoing(link_label_filter=label).one().node

    def _outputs_of(self, process: orm.ProcessNode) -> dict[str, orm.Data]:
        """Return what is made into labels: outputs of the process, or if it failed, of the last job that has any."""
        names = ('retrieved',) if 'dynamics' in self.inputs else ('misc', 'retrieved')
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
            self.attach_labels({'vasp': {'frames': self.ctx.frames, **part}})
            return
        self.out('failures', made['failures'])
        if 'labelled' in made:
            self.out('frames', made['labelled'])

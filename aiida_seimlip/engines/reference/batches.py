"""Frames labelled in batches, a job for each; what a job leaves undone is done by another one."""

from __future__ import annotations

from typing import Any

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.batches import BatchMixin
from aiida_seimlip.engines.reference.contract import ReferenceWorkChain
from aiida_seimlip.functions.frames import list_unfinished, unfinished_frames


class LabelBatchMixin(BatchMixin, ReferenceWorkChain):
    """Run jobs until every frame is labelled or has failed, or nothing more can be got; a batch holds frames."""

    @property
    def has_results_without_jobs(self) -> bool:
        """Whether there are labels that were known before."""
        return self.ctx.known is not None

    def is_useful(self, job: orm.CalcJobNode, rest: FramesData | None) -> bool:
        """Return whether a job has labelled a frame, or found out why that is not possible."""
        return 'failures' in job.outputs and (rest is None or rest.n_frames < job.inputs.frames.n_frames)

    def jobs_done(self) -> dict[str, dict[str, Any]]:
        """Return what the jobs were given and what they returned, by name, as `attach_labels` takes it."""
        return {
            name: {'frames': job.inputs.frames, **{
                output: job.outputs[output] for output in ('labelled', 'failures') if output in job.outputs
            }} for name, job in self.ctx.done.items()
        }  # fmt: skip

    def find_rest(self, job: orm.CalcJobNode) -> FramesData | None:
        """Return what another job has to do after this one, None if there is nothing or no point in it."""
        frames: FramesData = job.inputs.frames
        if 'failures' not in job.outputs:
            return frames if self.may_repeat(job) else None
        unfinished = list_unfinished(job.outputs.failures.get_dict())
        if 'dynamics' in self.inputs:
            is_lost = 'labelled' not in job.outputs and len(unfinished) == frames.n_frames
            return frames if is_lost and self.may_repeat(job) else None
        if unfinished and len(unfinished) < frames.n_frames:
            self.report(f'job {job.pk} left {len(unfinished)} frames, which the next one labels: {job.exit_message}')
        elif not unfinished or not self.may_repeat(job):
            return None
        rest: FramesData = unfinished_frames(frames, job.outputs.failures)
        return rest

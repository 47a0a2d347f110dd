"""Frames condensed in batches, a job for each; what a job leaves unfinished is gone on with by another one."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode

from aiida_seimlip.engines.batches import BatchMixin
from aiida_seimlip.engines.condensation.contract import CondensationWorkChain
from aiida_seimlip.functions.frames import list_unfinished
from aiida_seimlip.functions.starts.condensation import unfinished_indices


class CondensationBatchMixin(BatchMixin, CondensationWorkChain):
    """Run jobs until every frame has come to its end; a batch holds what a job is given beside all of the frames."""

    def inspect_jobs(self) -> ExitCode | None:
        """Keep what was done, and say how far it is."""
        exit_code = super().inspect_jobs()
        if exit_code is None and self.ctx.batches:
            n_frames = self.inputs.frames.n_frames
            n_left = sum(
                len(batch['indices'].get_list()) if 'indices' in batch else n_frames for batch in self.ctx.batches
            )
            self.report(f'{n_frames - n_left} of {n_frames} cells have come to their end')
        return exit_code

    def find_rest(self, job: orm.CalcJobNode) -> dict[str, Any] | None:
        """Return the frames that a job left unfinished, and their checkpoints."""
        given = {name: job.inputs[name] for name in ('indices', 'checkpoints') if name in job.inputs}
        if 'failures' not in job.outputs:
            return given if self.may_repeat(job) else None
        failures, outputs = job.outputs.failures, job.outputs
        n_unfinished = len(list_unfinished(failures.get_dict()))
        if not n_unfinished or not (self.is_useful(job, None) or self.may_repeat(job)):
            return None
        self.report(f'job {job.pk} left {n_unfinished} frames, which the next one goes on with: {job.exit_message}')
        saved = {'checkpoints': outputs.checkpoints} if 'checkpoints' in outputs else {}
        return {'indices': unfinished_indices(failures, outputs.results), **saved}

    def is_useful(self, job: orm.CalcJobNode, rest: Any) -> bool:
        """Return whether a frame has come to its end, or further than the job took it up."""
        if 'failures' not in job.outputs:
            return False
        results, failures = job.outputs.results.get_dict(), job.outputs.failures.get_dict()
        saved, began = results['checkpoints'], results['began']
        n_frames = len(job.inputs.indices.get_list()) if 'indices' in job.inputs else job.inputs.frames.n_frames
        return len(list_unfinished(failures)) < n_frames or any(saved[i] > began.get(i, saved[i]) for i in saved)

"""The stage that labels: energies, forces and stresses by the reference program."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.pool import kill_processes
from aiida_seimlip.functions.campaign.filters import draw_held_out, vet_labels
from aiida_seimlip.functions.frames import gather_late, join_frames, list_failed, list_late
from aiida_seimlip.workflows.campaign.judge import JudgeMixin
from aiida_seimlip.workflows.failures import explain_failure


class LabelStage(JudgeMixin):
    """Label frames, within a budget of failures, and take in what is worth learning from.

    Frames whose labels are still out at the deadline join those of the next iteration, under ``ctx.late``.
    """

    def kill(self, msg_text: str | None = None, force_kill: bool = False) -> Any:
        """Kill the campaign and all below it, those processes too that labellings which are over have left behind."""
        is_over = self.has_terminated()
        result = super().kill(msg_text, force_kill)
        if result is not False and not is_over:
            kill_processes(self, left_behind(self.node))
        return result

    def run_labelling(self) -> None:
        """Label the selected frames, and those whose labels were late the last time."""
        sets = {'late': self.ctx.late, 'selected': self.ctx.to_label}
        present = {name: node for name, node in sets.items() if node is not None}
        frames = join_frames(**present) if len(present) > 1 else next(iter(present.values()))
        self.submit_batches({'selected': {'frames': frames, **self.deadline_input()}})

    def inspect_labelling(self) -> ExitCode | None:
        """Take in the labels that are worth learning from."""
        labelled, exit_code = self.collect_labels()
        return self.learn_from(labelled) if exit_code is None else exit_code

    def learn_from(self, labelled: dict[str, FramesData]) -> ExitCode | None:
        """Add labels to the training set, but for those that are not worth learning from.

        :param labelled: sets of labelled frames by the name of their batch.
        """
        present = {'potential': {'present': self.ctx.potential}} if self.ctx.potential is not None else {}
        predictions = self.predictions()
        known = {'predictions': predictions} if predictions else {}
        outputs = vet_labels(self.inputs.options, labelled=labelled, **present, **known)
        report: Any = outputs['report']
        self.made['vetting'] = report
        if not report['n_kept']:
            return self._fail(
                'ERROR_NO_USABLE_LABELS', n_labelled=report['n_labelled'],
                drops='; '.join(f'{drop["count"]} {drop["reason"]}' for drop in report['dropped']),
            )  # fmt: skip
        accepted = outputs['accepted'] if 'accepted' in outputs else next(iter(labelled.values()))
        self.made['accepted'] = self.ctx.training[self.ctx.current] = accepted
        self.publish()
        return None

    def run_held_out_labelling(self) -> ExitCode | None:
        """Draw frames from the last explorations and label them."""
        trajectories = self.ctx.trajectories
        parameters = {key: self.ctx.parameters[key] for key in trajectories}
        outputs = draw_held_out(
            self.inputs.options, trajectories=trajectories, parameters=parameters, training=self.labelled_so_far()
        ) if trajectories else {}  # fmt: skip
        if 'frames' not in outputs:
            return self._fail_to_judge('the explorations with the last potential gave no frames')
        self.submit_batches({'drawn': {'frames': outputs['frames']}})
        return None

    def inspect_held_out(self) -> ExitCode | None:
        """Judge the last potential by the labels."""
        process = self.ctx.references['drawn']
        if not process.is_finished_ok or 'frames' not in process.outputs:
            return self._fail_to_judge(self._why_no_labels(process))
        self._note_failures('drawn', process)
        self.made['accepted'] = process.outputs.frames
        errors = self.judge(process.outputs.frames)
        if errors is not None:
            self.made['errors'] = errors
        self.publish()
        return None

    # -- details ------------------------------------------------------------------------------------------------------

    def deadline_input(self) -> dict[str, float]:
        """Return the deadline as an input of the engine; the last iteration has none, as no other follows."""
        seconds = self.settings.label_deadline
        is_last = self.ctx.iteration >= self.settings.max_iterations
        return {} if seconds is None or is_last else {'deadline': seconds}

    def submit_batches(self, batches: dict[str, dict[str, Any]], known: FramesData | None = None) -> None:
        """Send frames to be labelled.

        :param batches: inputs of the engine for each batch.
        :param known: frames that have a label already, and are learned from together with these.
        """
        self.ctx.references, self.ctx.known = AttributeDict(), known
        self.ctx.batches = {name: batch['frames'] for name, batch in batches.items()}
        for name, batch in batches.items():
            process = self.submit_engine('reference', self.label_of(f'label_{name}'), **batch)
            self.to_context(**{f'references.{name}': process})

    def collect_labels(self) -> tuple[dict[str, FramesData], ExitCode | None]:
        """Return what was labelled, and an exit code if that is not enough to go on."""
        labelled: dict[str, FramesData] = {} if self.ctx.get('known') is None else {'known': self.ctx.known}
        reasons: list[str] = []
        for name, process in self.ctx.references.items():
            if not process.is_finished_ok:
                reason = explain_failure(process)
                return {}, self._fail('ERROR_LABELLING_FAILED', reason=reason)
            reasons += self._note_failures(name, process)
            if 'frames' in process.outputs:
                labelled[name] = process.outputs.frames
        self._set_late_aside()
        n_sent = sum(node.n_frames for node in self.ctx.batches.values())
        allowed = max(1, int(self.settings.failure_budget * n_sent))
        if reasons:
            self.report(f'{len(reasons)} of {n_sent} frames could not be labelled; the first: {reasons[0]}')
        if not labelled or len(reasons) > allowed:
            return {}, self._fail(
                'ERROR_FAILURE_BUDGET_EXCEEDED', n_failed=len(reasons), n_sent=n_sent,
                allowed=allowed, reason=reasons[0] if reasons else 'no label came in time',
            )  # fmt: skip
        return labelled, None

    def _fail(self, label: str, **details: Any) -> ExitCode:
        """End the campaign, which without any label has not really begun."""
        details['iteration'] = self.ctx.iteration
        if self.ctx.training:
            return self.fail(label, **details)
        return self.fail('ERROR_BOOTSTRAP_FAILED', reason=self.exit_codes[label].format(**details).message)

    def _fail_to_judge(self, reason: str) -> ExitCode:
        """End the campaign without a judgement; that it had not converged went wrong first, and is told first."""
        first, then = self.why_unconverged(), self.exit_codes.ERROR_HELD_OUT_FAILED.format(reason=reason)
        exit_code = then if first is None else first._replace(message=f'{first.message} {then.message}')
        self.attach_outputs(exit_code.message)
        return exit_code

    def _note_failures(self, name: str, process: Any) -> list[str]:
        """Keep what has no label, and return the reasons of those frames that will never have one."""
        failures = process.outputs.failures
        self.made.setdefault('failures', {})[name] = failures
        reasons = failures.get_dict()
        if reasons:
            self.made.setdefault('sent', {})[name] = self.ctx.batches[name]
        return [reasons[str(index)] for index in list_failed(reasons)]

    def _set_late_aside(self) -> None:
        """Gather the frames that join the next labelling."""
        batches = {
            name: {'frames': self.made['sent'][name], 'failures': failures}
            for name, failures in self.made.get('failures', {}).items() if list_late(failures.get_dict())
        }  # fmt: skip
        self.ctx.late = None
        if batches:
            self.ctx.late = self.made['late'] = gather_late(**batches)
            self.report(f'{self.ctx.late.n_frames} labels are late, and join the next iteration')

    @staticmethod
    def _why_no_labels(process: Any) -> str:
        if not process.is_finished_ok:
            return explain_failure(process)
        return f'no frame could be labelled: {next(iter(process.outputs.failures.get_dict().values()), "")}'


def left_behind(campaign: orm.ProcessNode) -> list[int]:
    """Return the pks of processes that go on although the process that called them has ended.

    :param campaign: two levels above.
    """
    over, active = ['finished', 'excepted', 'killed'], ['created', 'running', 'waiting']
    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={'id': campaign.pk}, tag='campaign')
    query.append(
        orm.WorkChainNode, with_incoming='campaign', filters={'attributes.process_state': {'in': over}}, tag='caller'
    )
    query.append(
        orm.ProcessNode, with_incoming='caller', filters={'attributes.process_state': {'in': active}}, project='id'
    )
    return query.all(flat=True)

"""The stage that makes the first training set."""

from __future__ import annotations

from typing import Any

from aiida.engine import ExitCode

from aiida_seimlip.functions.campaign.bootstrap import choose_bootstrap, strain_structures
from aiida_seimlip.functions.campaign.planning import plan_bootstrap
from aiida_seimlip.workflows.campaign.label import LabelStage


class BootstrapStage(LabelStage):
    """Label perturbed starts, and what else the bootstrap is given, as far as it is worth a label."""

    def should_bootstrap(self) -> bool:
        """Return whether the first training set has to be made, or made larger."""
        return self.settings.has_bootstrap(self.inputs.get('initial_training', {}))

    def run_bootstrap(self) -> ExitCode | None:
        """Label perturbed starts and samples of short reference dynamics, and what joins the bootstrap."""
        outputs = plan_bootstrap(self.inputs.options, **self.ctx.starts)
        perturbed, known = outputs.get('perturbed'), None
        if self._has_to_choose():
            chosen = self._choose(perturbed)
            self.made['rank'] = chosen['report']
            perturbed, known = chosen.get('frames'), chosen.get('known')
        batches: dict[str, dict[str, Any]] = {}
        if perturbed is not None:
            batches['perturbed'] = {'frames': perturbed, **self.deadline_input()}
        if 'dynamics' in outputs:
            batches['dynamics'] = {'frames': outputs['dynamics_starts'], 'dynamics': outputs['dynamics']}
        if not batches and known is None and not self.ctx.training:
            return self.fail('ERROR_BOOTSTRAP_FAILED', reason=f'no candidate is worth a label: {self._drops()}.')
        self.submit_batches(batches, known)
        return None

    def inspect_bootstrap(self) -> ExitCode | None:
        """Take in the labels, if there was anything to label."""
        if self.ctx.references or self.ctx.get('known') is not None:
            return self.inspect_labelling()
        self.publish()
        self.report(f'nothing was added to the initial training set: {self._drops()}')
        return None

    def _has_to_choose(self) -> bool:
        """Return whether there is more to be done than to label all perturbed copies of the starts."""
        is_given = any(self.inputs.get(name, {}) for name in ('bootstrap_structures', 'bootstrap_candidates'))
        return is_given or bool(self.ctx.training) or self.settings.bootstrap.max_labels is not None

    def _choose(self, perturbed: Any) -> dict[str, Any]:
        structures = dict(self.inputs.get('bootstrap_structures', {}))
        copies = {} if perturbed is None else {'starts': perturbed}
        if structures:
            copies['structures'] = strain_structures(self.inputs.options, **structures)
        groups = {
            'starts': dict(self.ctx.starts), 'structures': structures, 'copies': copies,
            'given': dict(self.inputs.get('bootstrap_candidates', {})), 'training': self.labelled_so_far(),
            'failed': {f'before_{name}': dict(batch) for name, batch in self.inputs.get('quarantine', {}).items()},
        }  # fmt: skip
        present = {name: group for name, group in groups.items() if group}
        outputs: dict[str, Any] = choose_bootstrap(self.inputs.options, self.inputs.species, **present)
        report = outputs['report'].get_dict()
        counts = [f'{name} {found["n_chosen"]} of {found["n_candidates"]}' for name, found in report['sources'].items()]
        self.report(
            f'bootstrap: {report["n_kept"]} of {report["n_candidates"]} candidates chosen ({", ".join(counts)})'
        )
        return outputs

    def _drops(self) -> str:
        dropped = self.made['rank'].get_dict()['dropped']
        return '; '.join(f'{drop["count"]} {drop["reason"]}' for drop in dropped) or 'there is none'

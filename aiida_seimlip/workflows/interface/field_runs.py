"""The runs in fields: equilibrations without one, the charges, then a production in each field and one without."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode

from aiida_seimlip.data.charges import LABELS, load_charges
from aiida_seimlip.functions.interface.plan import assign_charges, explain_charges, plan_field
from aiida_seimlip.functions.transport.diffusivity import prepare_start
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.workflows.transport.runs import COMPLETED, EQUILIBRATION, PRODUCTION, TransportRunsMixin


class FieldRunsMixin(TransportRunsMixin):
    """The part of the outline of `FieldWorkChain` that runs molecular dynamics.

    The jobs of the pool are called ``r0_equilibration``, and ``E1_r0_production``, after the field and the replica. The
    context holds what that of `TransportRunsMixin` does, and

    * ``equilibrated``: the processes of the equilibrations that have come to their end, by replica, such as ``r0``;
    * ``charges``: of the atoms.
    """

    @cached_property
    def settings(self) -> FieldOptions:  # type: ignore[override]
        """The options."""
        return FieldOptions.from_node(self.inputs.options)

    def setup(self) -> None:
        """Make the start, and the parameters of all runs."""
        self.ctx.start = prepare_start(self.inputs.structure)
        engine = {'engine': {'parameters': self.inputs.dynamics['parameters']}} if self._has_parameters else {}
        outputs = plan_field(self.inputs.options, self.ctx.start, **engine)
        self.ctx.plan, self.ctx.parameters = outputs['plan'], dict(outputs['parameters'])
        self.ctx.parity, self.ctx.inspected, self.ctx.ends, self.ctx.productions = None, [], {}, {}
        self.ctx.equilibrated = {}

    def queue_equilibrations(self) -> None:
        """Put the equilibrations into the queue, if there are any."""
        self.ctx.queue = sorted(name for name in self.ctx.parameters if name.endswith(f'_{EQUILIBRATION}'))

    def find_charges(self) -> ExitCode | None:
        """Find the charges that the fields act on; by charge equilibration, in frames of the equilibrations."""
        if self.settings.dynamics.equilibration_steps and not self.ctx.equilibrated:
            return self.inspect_runs()
        groups: dict[str, Any] = {}
        if 'charges' in self.inputs:
            groups['given'] = {'charges': self.inputs.charges}
        elif self.settings.qeq is not None and self.ctx.equilibrated:
            groups['frames'] = {
                key: process.outputs.trajectory for key, process in self.ctx.equilibrated.items()
                if 'trajectory' in process.outputs
            }  # fmt: skip
        try:
            self.ctx.charges = assign_charges(self.inputs.options, self.inputs.structure, **groups)
        except ValueError as exception:  # parameters that do not suit the structure, for example
            return self.exit_codes.ERROR_NO_CHARGES.format(reason=exception)
        self.out('charges', self.ctx.charges)
        labels = self.ctx.charges.base.attributes.get(LABELS)
        reason = explain_charges(self.ctx.start.get_frames(), labels, load_charges(self.ctx.charges))
        return None if reason is None else self.exit_codes.ERROR_NO_CHARGES.format(reason=reason)

    def queue_productions(self) -> None:
        """Put a production in each field, and one without, of each replica that is in equilibrium into the queue."""
        ready = self.ctx.equilibrated or not self.settings.dynamics.equilibration_steps
        self.ctx.queue = [
            f'{run["key"]}_{PRODUCTION}' for run in self.ctx.plan['runs']
            if ready and (not self.ctx.equilibrated or f'r{run["replica"]}' in self.ctx.equilibrated)
        ]  # fmt: skip

    def submit_job(self, name: str) -> orm.ProcessNode:
        """Submit an equilibration without charges, or a production with them."""
        key, _, phase = name.rpartition('_')
        if phase == EQUILIBRATION:
            return self.submit_dynamics(name, structure=self.ctx.start, parameters=self.ctx.parameters[name])
        before = self.ctx.equilibrated.get(key.rpartition('_')[2])
        start = self.ctx.start if before is None else before.outputs.final
        return self.submit_dynamics(
            name, structure=start, parameters=self.ctx.parameters[name], charges=self.ctx.charges
        )

    def _take_in(self, key: str, phase: str, process: orm.ProcessNode) -> None:
        """Note how a job ended."""
        end = self._describe_end(phase, process)
        is_ready = phase == EQUILIBRATION and end['outcome'] == COMPLETED and 'final' in process.outputs
        if is_ready:
            self.ctx.equilibrated = {**self.ctx.equilibrated, key: process}
            return
        self.ctx.ends = {**self.ctx.ends, key: end}
        if phase == PRODUCTION:
            self.ctx.productions = {**self.ctx.productions, key: process}
        if end['outcome'] != COMPLETED or phase == EQUILIBRATION:
            self.report(f'{key}: the {phase} ended as {end["outcome"]}: {end["message"]}')

"""Processes for `campaign.py`: many children side by side, and children that do nothing but what AiiDA does."""

from typing import Any

from aiida import orm
from aiida.engine import WorkChain
from aiida.plugins import CalculationFactory, WorkflowFactory


class EmptyWorkChain(WorkChain):
    """Run one job that adds two numbers."""

    @classmethod
    def define(cls, spec: Any) -> None:
        """Define ports and outline."""
        super().define(spec)
        spec.input('code', valid_type=orm.AbstractCode)
        spec.input('x', valid_type=orm.Int)
        spec.outline(cls.run_job, cls.results)
        spec.output('sum', valid_type=orm.Int)

    def run_job(self) -> None:
        """Submit the job."""
        options = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}}
        job = self.submit(
            CalculationFactory('core.arithmetic.add'), code=self.inputs.code, x=self.inputs.x, y=self.inputs.x,
            metadata={'options': options},
        )  # fmt: skip
        self.to_context(job=job)

    def results(self) -> None:
        """Attach the sum."""
        self.out('sum', self.ctx.job.outputs.sum)


class ManyWorkChain(WorkChain):
    """Run children side by side, one for each entry of the namespace `children`, which holds what they do not share."""

    @classmethod
    def define(cls, spec: Any) -> None:
        """Define ports and outline."""
        super().define(spec)
        spec.input('kind', valid_type=str, non_db=True, help='`empty`, or the entry point of a workflow.')
        spec.input_namespace('shared', dynamic=True, required=False)
        spec.input_namespace('children', dynamic=True)
        spec.exit_code(300, 'ERROR_CHILD_FAILED', message='Child {pk} ended with status {status}.')
        spec.outline(cls.run_children, cls.inspect_children)

    def run_children(self) -> None:
        """Submit all of them."""
        kind = EmptyWorkChain if self.inputs.kind == 'empty' else WorkflowFactory(self.inputs.kind)
        for name, inputs in self.inputs.children.items():
            process = self.submit(kind, **self.inputs.get('shared', {}), **inputs)
            self.to_context(**{f'children.{name}': process})

    def inspect_children(self) -> Any:
        """Look for one that failed."""
        for child in self.ctx.children.values():
            if not child.is_finished_ok:
                return self.exit_codes.ERROR_CHILD_FAILED.format(pk=child.pk, status=child.exit_status)
        return None

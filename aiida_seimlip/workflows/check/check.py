"""The WorkChain ``seimlip.check``: whether a program does on its computer what the workflows expect of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.common.links import LinkType
from aiida.engine import CalcJob, ExitCode, Process, ProcessSpec, WorkChain, calcfunction, while_

from aiida_seimlip.calculations.lammps import n_ranks
from aiida_seimlip.calculations.validation import explain_scheduler_options
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.check.check import CheckOptions
from aiida_seimlip.options.check.report import CheckReport
from aiida_seimlip.workflows.check.base import ProgramCheck
from aiida_seimlip.workflows.check.programs import find_check
from aiida_seimlip.workflows.failures import explain_failure

GIVEN = ('options', 'potential', 'reference', 'structure')
BESIDES = ('remote_folder', 'retrieved')
"""Outputs of jobs that the judges do not look at."""


class CheckWorkChain(WorkChain):
    """Run contract tests of one program, and write a report: green or red, and what to do about the red.

    A job that fails makes a red line in the report, and no exception.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define ports, outline and exit codes."""
        super().define(spec)
        spec.input('code', valid_type=orm.AbstractCode, help='The program, and where it runs.')
        spec.input(
            'engine', valid_type=orm.Str, serializer=orm.to_aiida_type, required=False,
            help='What drives the program: `lammps`, `mlip3` or a reference engine; by default what the default plugin '
            'of the code tells.',
        )  # fmt: skip
        spec.input('parameters', **CheckOptions.port('What is checked, and how closely.'))
        spec.input(
            'options', valid_type=orm.Dict, serializer=orm.to_aiida_type, required=False,
            validator=explain_scheduler_options,
            help='Settings of the scheduler for each job, as `metadata.options` of a CalcJob.',
        )  # fmt: skip
        spec.input_namespace(
            'reference', dynamic=True, required=False,
            help='Settings of a reference engine beside `code` and `options`: `parameters`, ...',
        )  # fmt: skip
        spec.input(
            'structure', valid_type=(orm.StructureData, FramesData), required=False,
            help='Small periodic cell without symmetry for a reference program; by default a sheared one of 4 atoms.',
        )  # fmt: skip
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='A MACE potential: the program, Python with MACE or a LAMMPS, is checked with it, and its speed '
            'measured. A LAMMPS is compared with the Python `reference.code`, if that is given.',
        )  # fmt: skip
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            while_(cls.should_run_jobs)(
                cls.run_jobs,
                cls.inspect_jobs,
            ),
            cls.judge,
            cls.results,
        )
        spec.output('report', valid_type=orm.Dict, help='What was found, as a `CheckReport`.')
        spec.exit_code(
            400, 'ERROR_CHECKS_FAILED',
            message='{n_failed} of {n_checks} checks of {code} failed: {names}; see the output `report`.',
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs against each other.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        if 'code' not in inputs:
            return None  # the port itself says so
        try:
            check = cls._find(inputs)
            return check.explain(inputs)
        except ValueError as exception:
            return str(exception)

    @property
    def check(self) -> ProgramCheck:
        """What is done for this kind of program."""
        return self._find(self.inputs)

    @staticmethod
    def _find(inputs: Mapping[str, Any]) -> ProgramCheck:
        engine = inputs['engine'].value if 'engine' in inputs else None
        return find_check(inputs['code'], engine, potential=inputs.get('potential'))

    @property
    def given(self) -> dict[str, Any]:
        """The inputs that some checks look at."""
        return {name: self.inputs[name] for name in GIVEN if name in self.inputs}

    def setup(self) -> None:
        """Make what the jobs need."""
        self.ctx.made = dict(self.check.prepare(self.inputs.parameters, self.given))
        self.ctx.rounds = list(self.check.rounds)
        self.ctx.outputs, self.ctx.processes = {}, {}

    def should_run_jobs(self) -> bool:
        """Return whether there is another round of jobs."""
        return bool(self.ctx.rounds)

    def run_jobs(self) -> None:
        """Run the jobs of a round side by side."""
        self.ctx.jobs = AttributeDict()
        name, *self.ctx.rounds = self.ctx.rounds
        jobs = self.check.plan(name, self.inputs.parameters, self.ctx.made, self.ctx.outputs, self.given)
        if jobs:
            self.report(f'{self.inputs.code.full_label}: running {", ".join(jobs)}')
        for label, (process, inputs) in jobs.items():
            try:
                node = self.submit(
                    process, **{'code': self.inputs.code, **inputs}, metadata=self._metadata(process, label)
                )
            except ValueError as exception:  # inputs that the process refuses
                self.ctx.processes[label] = self._describe(message=str(exception))
                self.report(f'the job {label} was refused: {exception}')
                continue
            self.to_context(**{f'jobs.{label}': node})

    def inspect_jobs(self) -> None:
        """Take in what the jobs have found, however they ended."""
        for label, node in self.ctx.jobs.items():
            self.ctx.processes[label] = self._describe(node)
            self.ctx.outputs[label] = outputs_of(node)
            if not (node.is_finished_ok or node.exit_status == self.check.expected.get(label)):
                self.report(f'{label}: {explain_failure(node)}')

    def judge(self) -> None:
        """Judge the program by what its jobs have found."""
        processes = orm.Dict(self.ctx.processes)
        groups = {label: nodes for label, nodes in {'made': self.ctx.made, **self.ctx.outputs}.items() if nodes}
        findings = self.check.judge(self.inputs.parameters, processes, groups)
        self.ctx.report = write_check_report(self.inputs.code, orm.Str(self.check.engine), findings)

    def results(self) -> ExitCode | None:
        """Attach the report."""
        self.out('report', self.ctx.report)
        report = CheckReport.model_validate(self.ctx.report.get_dict())
        if not report.failed:
            return None
        names = ', '.join(check.name for check in report.failed)
        details = {'n_failed': len(report.failed), 'n_checks': len(report.checks), 'code': report.code, 'names': names}
        return self.exit_codes.ERROR_CHECKS_FAILED.format(**details)

    # -- details ------------------------------------------------------------------------------------------------------

    def _metadata(self, process: type[Process], label: str) -> dict[str, Any]:
        metadata: dict[str, Any] = {'call_link_label': label}
        if issubclass(process, CalcJob) and 'options' in self.inputs:
            metadata['options'] = self.inputs.options.get_dict()
        return metadata

    def _describe(self, node: orm.ProcessNode | None = None, message: str = '') -> dict[str, Any]:
        """Return what the judges are told of a process."""
        options = self.inputs.options.get_dict() if 'options' in self.inputs else {}
        ranks = n_ranks(options.get('resources', {})) if options.get('withmpi') else 1
        if node is None:
            return {'uuid': None, 'exit_status': None, 'message': message, 'n_ranks': ranks, 'program_seconds': 0.0}
        finished = node.is_finished
        return {
            'uuid': node.uuid, 'exit_status': node.exit_status if finished else None, 'n_ranks': ranks,
            'message': node.exit_message if finished else explain_failure(node),
            'program_seconds': program_seconds(node),
        }  # fmt: skip


def outputs_of(node: orm.ProcessNode) -> dict[str, orm.Data]:
    """Return the outputs of a process that tell what it has found.

    :param node: a terminated process.
    """
    links = node.base.links.get_outgoing(link_type=(LinkType.CREATE, LinkType.RETURN)).all()
    found: dict[str, Any] = {link.link_label: link.node for link in links if link.link_label not in BESIDES}
    return found


def program_seconds(node: orm.ProcessNode) -> float:
    """Return how long the programs of a process ran, in s: as they say, or else from the making to the end of each job.

    :param node: a terminated job or WorkChain.
    """
    jobs = [node] if isinstance(node, orm.CalcJobNode) else node.called_descendants
    total = 0.0
    for job in jobs:
        if isinstance(job, orm.CalcJobNode):
            results = job.outputs.results.get_dict() if 'results' in job.outputs else {}
            total += results.get('seconds') or (job.mtime - job.ctime).total_seconds()
    return total


@calcfunction
def write_check_report(code: orm.AbstractCode, engine: orm.Str, findings: orm.Dict) -> orm.Dict:
    """Return the report: the findings of the judge, and what program they are on.

    :param code: the program.
    :param engine: that drives it.
    :param findings: `facts`, `checks` and `speeds` of a `CheckReport`.
    """
    report = CheckReport(kind=engine.value, code=code.full_label, code_uuid=code.uuid, **findings.get_dict())
    return orm.Dict(report.model_dump(mode='json'))

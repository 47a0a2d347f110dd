"""Finding out which pair style a LAMMPS has, where the user leaves that open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, ProcessState, if_, while_

from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.calculations.lammps_probe import LammpsProbeCalculation
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.restart import RestartMixin
from aiida_seimlip.functions.parameters import fitting_dialects, kind_of, with_dialect
from aiida_seimlip.options.lammps import AUTO
from aiida_seimlip.science.formats.lammps_dialects import DIALECTS
from aiida_seimlip.science.formats.lammps_help import machine_learning_styles

PROBE = 'aiida.calculations:seimlip.lammps.probe'
DEFAULT = next(iter(DIALECTS))
"""The dialect where the user names none."""
JOB_INPUTS = ('code', 'structure', 'potential', 'potential_file', 'charges')
PROBE_SECONDS = 600
"""Wall time that a probe asks for at most."""


class DialectMixin(RestartMixin):
    """Probe the code where the option `dialect` is ``auto``, unless that was done before.

    ``ctx.parameters`` holds the parameters with the dialect filled in.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the outline and what may be wrong with the code."""
        super().define(spec)
        spec.input(
            'potential_file', valid_type=orm.SinglefileData, required=False,
            help='What was made of the potential for the LAMMPS of input `code`, where it does not read what the '
            'potential holds.',
        )  # fmt: skip
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_probe)(
                cls.run_probe,
                cls.inspect_probe,
            ),
            while_(cls.should_run_process)(
                cls.run_process,
                cls.inspect_process,
            ),
            cls.results,
        )
        spec.exit_code(
            210, 'ERROR_NO_PAIR_STYLE',
            message='The LAMMPS of input `code` ({version}) has none of the pair styles for {kind}; of those for '
            'machine-learning potentials it has {styles}.',
        )  # fmt: skip
        spec.exit_code(
            211, 'ERROR_PROBE_FAILED',
            message='Input `code` does not tell its pair styles: job {pk} ended with status {status}: {reason}',
        )  # fmt: skip
        spec.exit_code(212, 'ERROR_DIALECT_UNFIT', message='The dialect `{dialect}` does not do here: {reason}')

    @classmethod
    def faults_of_job(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is known to be wrong with the dialect, and what the job would refuse.

        :param inputs: of the engine, with the parameters of the job; others may be absent.
        """
        parameters = inputs['parameters'].get_dict()
        potential = inputs.get('potential')
        fault = explain_dialect(inputs.get('code'), parameters.get('dialect', DEFAULT), potential)
        if fault is not None:
            yield fault
            return
        if parameters.get('dialect') == AUTO:  # looked at again once it is known
            parameters['dialect'] = next(iter(fitting_dialects(list(DIALECTS), potential)), DEFAULT)
        job = {'options': inputs['options'].get_dict()} if 'options' in inputs else {}
        given = {name: inputs[name] for name in JOB_INPUTS if name in inputs}
        yield from LammpsCalculation.find_faults({**given, 'parameters': parameters, 'metadata': job})

    def setup(self) -> None:
        """Take the parameters as they are."""
        super().setup()
        self.ctx.parameters = self.inputs.parameters

    def should_probe(self) -> bool:
        """Return whether the dialect is still to be found out."""
        return bool(self.inputs.parameters.get('dialect', None) == AUTO)

    def run_probe(self) -> None:
        """Look for a probe of the same code; if there is none, run one."""
        self.ctx.probe = find_probe(self.inputs.code)
        if self.ctx.probe is not None:
            self.report(f'the pair styles of {self.inputs.code.full_label} are known from job {self.ctx.probe.pk}')
            return
        beside = find_running_probe(self.inputs.code, self.node.caller)
        self.to_context(probe=beside or self._submit_probe())

    def inspect_probe(self) -> ExitCode | None:
        """Choose the dialect."""
        probe = self.ctx.probe
        if not probe.is_finished_ok:
            details = {'pk': probe.pk, 'status': probe.exit_status, 'reason': probe.exit_message or 'no message'}
            return self.exit_codes.ERROR_PROBE_FAILED.format(**details)
        found = probe.outputs.results
        potential = self.inputs.get('potential')
        if not fitting_dialects(found['dialects'], potential):
            styles = ', '.join(machine_learning_styles(found['pair_styles'])) or 'none'
            details = {'version': found['version'], 'styles': styles, 'kind': kind_of(potential)}
            return self.exit_codes.ERROR_NO_PAIR_STYLE.format(**details)
        settings = {name: self.inputs[name] for name in ('options', 'potential') if name in self.inputs}
        self.ctx.parameters = self.ctx.inputs.parameters = with_dialect(self.ctx.parameters, found, **settings)
        fault = next(LammpsCalculation.find_faults(self.ctx.inputs), None)
        if fault is not None:
            return self.exit_codes.ERROR_DIALECT_UNFIT.format(dialect=self.ctx.parameters['dialect'], reason=fault)
        return None

    def _submit_probe(self) -> orm.ProcessNode:
        options = {name: value for name, value in self.scheduler_options.items() if name != 'parser_name'}
        options['max_wallclock_seconds'] = min(options.get('max_wallclock_seconds', PROBE_SECONDS), PROBE_SECONDS)
        metadata = {'options': options, 'call_link_label': 'probe'}
        return self.submit(LammpsProbeCalculation, code=self.inputs.code, metadata=metadata)


def explain_dialect(code: orm.AbstractCode | None, dialect: str, potential: PotentialData | None = None) -> str | None:
    """Say that a code is known to speak another dialect, None if it is not.

    :param code: the LAMMPS, None if there is none yet.
    :param dialect: that it is going to be addressed in.
    :param potential: None for a moment tensor potential that is not there yet.
    """
    probe = None if code is None or code.pk is None or dialect == AUTO else find_probe(code)
    found = probe.outputs.results.get_dict() if probe is not None and 'results' in probe.outputs else None
    if found is None or dialect in found['dialects']:
        return None
    assert code is not None and probe is not None
    where = f'the LAMMPS of input `code` ({code.full_label}), as job {probe.pk} has found,'
    fitting = fitting_dialects(found['dialects'], potential)
    if not fitting:
        return f'Input `code` does not do: {where} has none of the pair styles for {kind_of(potential)}.'
    known = ' and '.join(f'`{name}`' for name in fitting)
    return (
        f'Input `parameters` leads to the dialect `{dialect}`, but {where} speaks {known}: set `dialect` to '
        f'`{fitting[0]}`, or to `{AUTO}`.'
    )


def find_probe(code: orm.AbstractCode) -> orm.CalcJobNode | None:
    """Return the newest probe of a code that ended well, None if there is none.

    :param code: the LAMMPS.
    """
    return _newest(code, {'attributes.exit_status': 0, 'attributes.process_state': ProcessState.FINISHED.value})


def find_running_probe(code: orm.AbstractCode, caller: orm.ProcessNode | None) -> orm.CalcJobNode | None:
    """Return a probe of a code that runs for another exploration of the same campaign, None if there is none.

    Other probes that seem to run may belong to processes that nobody drives any more.

    :param code: the LAMMPS.
    :param caller: the campaign.
    """
    if caller is None:
        return None
    terminated = [state.value for state in (ProcessState.FINISHED, ProcessState.EXCEPTED, ProcessState.KILLED)]
    return _newest(code, {'attributes.process_state': {'!in': terminated}}, caller)


def _newest(
    code: orm.AbstractCode, filters: dict[str, Any], caller: orm.ProcessNode | None = None
) -> orm.CalcJobNode | None:
    query = orm.QueryBuilder().append(orm.AbstractCode, filters={'id': code.pk}, tag='code')
    filters = {'process_type': PROBE, **filters}
    query.append(orm.CalcJobNode, filters=filters, with_incoming='code', tag='probe', project='*')
    if caller is not None:
        query.append(orm.WorkChainNode, with_outgoing='probe', tag='exploration')
        query.append(orm.WorkChainNode, filters={'id': caller.pk}, with_outgoing='exploration')
    found: orm.CalcJobNode | None = query.order_by({'probe': {'id': 'desc'}}).limit(1).first(flat=True)
    return found

"""The WorkChain ``seimlip.atlas``: all properties of crystals by several models, in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode, ProcessSpec, WorkChain

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.workflows.crystal.elastic import ElasticWorkChain
from aiida_seimlip.workflows.crystal.equation_of_state import EquationOfStateWorkChain
from aiida_seimlip.workflows.crystal.phonon import PhononWorkChain
from aiida_seimlip.workflows.crystal.property import CrystalPropertyWorkChain
from aiida_seimlip.workflows.crystal.relaxation import RelaxationWorkChain
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.model_inputs import MODELS_HELP
from aiida_seimlip.workflows.protocols.atlas import AtlasProtocolMixin

PROPERTIES: dict[str, type[CrystalPropertyWorkChain]] = {
    'relax': RelaxationWorkChain, 'eos': EquationOfStateWorkChain, 'elastic': ElasticWorkChain,
    'phonon': PhononWorkChain,
}  # fmt: skip
"""Who computes a property, by the name of the input that holds its options."""


class AtlasWorkChain(AtlasProtocolMixin, WorkChain):
    """Compute lattices, equations of state, elasticity and phonons of crystals with several models.

    A property whose options are not given is left out. What one of them cannot do costs nothing of the others.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input_namespace(
            'structures', valid_type=(orm.StructureData, FramesData), dynamic=True, required=False,
            help='Crystals by name, each a structure or one frame; besides those that the options name.',
        )  # fmt: skip
        spec.input_namespace('models', dynamic=True, help=MODELS_HELP)
        for name, process in PROPERTIES.items():
            help = f'Options of `seimlip.{name}`; without them it is left out.'
            spec.input(name, **process.options_class.port(help, required=False))
        spec.inputs.validator = cls.validate_inputs
        spec.outline(cls.run_properties, cls.inspect_properties)  # type: ignore[attr-defined]
        spec.output_namespace(
            'properties', valid_type=orm.Dict, dynamic=True, required=False, help='What was found, by property.'
        )
        spec.exit_code(310, 'ERROR_NO_PROPERTY', message='None of the properties was found: {reason}')
        spec.exit_code(
            400, 'ERROR_PROPERTY_FAILED', message='The results are attached, but of `{name}` not all: {reason}'
        )

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs of each property.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        wanted = [name for name in PROPERTIES if name in inputs]
        if not wanted:
            return f'No options are given: at least one of the inputs {", ".join(PROPERTIES)} is needed.'
        return next((fault for name in wanted for fault in faults_of_property(name, inputs)), None)

    def run_properties(self) -> None:
        """Begin all properties at once."""
        self.ctx.properties = AttributeDict()
        shared = {name: dict(self.inputs[name]) for name in ('structures', 'models') if name in self.inputs}
        for name, process in PROPERTIES.items():
            if name in self.inputs:
                metadata = {'call_link_label': name}
                node = self.submit(process, **shared, options=self.inputs[name], metadata=metadata)
                self.to_context(**{f'properties.{name}': node})

    def inspect_properties(self) -> ExitCode | None:
        """Attach what there is, and say what is missing."""
        found = {
            name: node.outputs.properties for name, node in self.ctx.properties.items() if 'properties' in node.outputs
        }
        failed = {
            name: explain_failure(node) for name, node in self.ctx.properties.items() if not node.is_finished_ok
        }  # fmt: skip
        if not found:
            return self.exit_codes.ERROR_NO_PROPERTY.format(reason='; '.join(failed.values()))
        self.out('properties', found)
        if not failed:
            return None
        name, reason = next(iter(failed.items()))
        return self.exit_codes.ERROR_PROPERTY_FAILED.format(name=name, reason=reason)


def faults_of_property(name: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the inputs of a property, in one sentence.

    :param name: of the property.
    :param inputs: of `AtlasWorkChain`.
    """
    process = PROPERTIES[name]
    if process.options_class.explain(inputs[name], name):
        return  # the port itself says so
    given = {key: inputs[key] for key in ('structures', 'models') if key in inputs}
    fault = process.validate_inputs({**given, 'options': inputs[name]}, None)
    if fault is not None:
        yield fault.replace('`options`', f'`{name}`')

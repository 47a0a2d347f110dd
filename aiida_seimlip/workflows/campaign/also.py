"""The stage that trains a potential of another family on the same labels."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.campaign.planning import generate_untrained
from aiida_seimlip.functions.evaluation import compare_predictions, evaluate_errors
from aiida_seimlip.functions.lone_atoms import with_lone_atoms
from aiida_seimlip.options.records import DetailedErrorsRecord
from aiida_seimlip.workflows.campaign.stage import HELD_OUT, StageMixin
from aiida_seimlip.workflows.failures import explain_failure

ALSO = 'also_train'
"""Name of the input, and of the results of the stage in the record of an iteration."""

OWN_PORTS = ('engine', 'each_iteration')
"""Ports of the input that are not settings of the engine."""

EVALUATOR = 'ase'
"""Engine of the socket `reference` that evaluates potentials which this process cannot."""


class AlsoTrainStage(StageMixin):
    """Train a potential of another family on the same labels, and judge it by the same held-out frames.

    Whatever fails here is said in the report and in the history, and the campaign goes on. The context holds
    ``also_failure``: why the last such training or evaluation has failed, None if it has not; ``also_untrained``: where
    such trainings begin, None where the engine needs nothing.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the input and the outputs."""
        super().define(spec)
        spec.expose_inputs(
            SocketWorkChain, namespace=ALSO, include=SocketWorkChain.settings,
            namespace_options={'required': False, 'populate_defaults': False},
        )  # fmt: skip
        namespace: Any = spec.inputs[ALSO]
        namespace.dynamic = True
        namespace['code'].required = False
        namespace.help = (
            'Settings of the training engine that learns from the same labels, beside that of the campaign.'
        )
        spec.input(
            f'{ALSO}.engine', valid_type=orm.Str, serializer=orm.to_aiida_type, required=False,
            help='Name of the training engine, such as `mace`; needed.',
        )  # fmt: skip
        spec.input(
            f'{ALSO}.each_iteration', valid_type=orm.Bool, serializer=orm.to_aiida_type, required=False,
            help='Whether it learns after each iteration, and not at the end only.',
        )  # fmt: skip
        spec.output(
            'also', valid_type=PotentialData, required=False,
            help='What the engine of the input `also_train` has made of all labels.',
        )  # fmt: skip
        spec.output(
            'also_errors', valid_type=orm.Dict, required=False,
            help='Its errors on `held_out`: a `DetailedErrorsRecord`.',
        )  # fmt: skip

    # -- predicates ---------------------------------------------------------------------------------------------------

    def should_also_train(self) -> bool:
        """Return whether another potential is still to learn from the last labels."""
        is_done = self.made.get('also_potential', None) is not None and 'potential' in self.made
        return ALSO in self.inputs and bool(self.ctx.training) and not is_done

    def should_evaluate_also(self) -> bool:
        """Return whether there is another potential, and there are held-out frames to judge it by."""
        return self.ctx.get('also') is not None and 'accepted' in self.ctx.nodes.get(HELD_OUT, {})

    @property
    def also_trains_each(self) -> bool:
        """Whether the other engine learns after each iteration."""
        given = self.inputs.get(ALSO, {})
        return 'each_iteration' in given and bool(given['each_iteration'].value)

    # -- steps --------------------------------------------------------------------------------------------------------

    def run_also_training(self) -> None:
        """Let the other engine learn from all labels."""
        self.to_context(also_process=self.submit_also())

    def inspect_also_training(self) -> None:
        """Take in what the other engine has made, or say why there is nothing."""
        process = self.ctx.also_process
        if not process.is_finished_ok:
            self._note_failure(f'The training with `{ALSO}` gave no potential: {explain_failure(process)}')
            return
        self.ctx.also = self.made['also_potential'] = process.outputs.potential
        self.made['also_errors'] = process.outputs.errors
        self.ctx.also_failure = None
        self.publish()

    def run_also_evaluation(self) -> None:
        """Evaluate the other potential on the held-out frames; one of moment tensors in this process."""
        potential, frames = self.ctx.also, self.ctx.nodes[HELD_OUT]['accepted']
        if potential.family == 'mtp':
            self._take_errors(evaluate_errors(potential, frames))
            return
        given = self.inputs[ALSO]
        settings = {name: given[name] for name in ('code', 'options') if name in given}
        parameters = orm.Dict({'calculator': {'name': potential.family}})
        inputs = {**settings, 'potential': potential, 'frames': frames, 'parameters': parameters}
        engine = load_engine('reference', EVALUATOR)
        self.to_context(also_evaluation=self.submit(engine, **inputs, metadata={'call_link_label': 'also_evaluate'}))

    def inspect_also_evaluation(self) -> None:
        """Compare what the other potential says of the held-out frames with their labels."""
        process = self.ctx.get('also_evaluation')
        if process is None:
            return
        if not process.is_finished_ok or 'frames' not in process.outputs:
            self._note_failure(f'The potential of `{ALSO}` could not be evaluated: {explain_failure(process)}')
            return
        frames = self.ctx.nodes[HELD_OUT]['accepted']
        found: dict[str, orm.Dict] = compare_predictions(frames, predicted=process.outputs.frames)
        if 'errors' in found:
            self._take_errors(found['errors'])

    # -- details ------------------------------------------------------------------------------------------------------

    def submit_also(self) -> orm.ProcessNode:
        """Submit the other training engine with all that is labelled."""
        given = {name: value for name, value in self.inputs[ALSO].items() if name not in OWN_PORTS}
        engine: Any = load_engine('training', self.inputs[ALSO]['engine'].value)
        if engine.needs_start():
            if self.ctx.get('also_untrained') is None:
                self.ctx.also_untrained = generate_untrained(self.inputs.species, self.inputs.options)
            given['start'] = self.ctx.also_untrained
        if self.ctx.get('lone_atoms') is not None:
            if 'also_parameters' not in self.ctx:
                parameters = given.get('parameters', None)
                atoms = self.ctx.lone_atoms.outputs.frames
                self.ctx.also_parameters = with_lone_atoms(parameters or orm.Dict({}), atoms)
            given['parameters'] = self.ctx.also_parameters
        inputs = {**engine.default_nodes(), **given, 'training': self.labelled_so_far()}
        return self.submit(engine, **inputs, metadata={'call_link_label': self.label_of('also_train')})

    def _take_errors(self, errors: orm.Dict) -> None:
        self.ctx.nodes['also_errors'] = errors
        self.out('also_errors', errors)
        self.report(f'`{ALSO}` on held-out frames: {DetailedErrorsRecord(**errors.get_dict()).describe()}')

    def _note_failure(self, message: str) -> None:
        self.ctx.also_failure = message
        self.warn([message])

"""The WorkChain ``seimlip.train``: a potential of any family, from labelled frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, WorkChain, if_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.evaluation import evaluate_errors
from aiida_seimlip.functions.lone_atoms import with_lone_atoms
from aiida_seimlip.functions.models.train import judge_predictions, make_untrained, place_atoms_of
from aiida_seimlip.options.models.train import TrainEngines, TrainOptions
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.models.train_inputs import find_faults, needs_start
from aiida_seimlip.workflows.protocols.train import TrainProtocolMixin

JUDGES = 'judges'
"""Where the processes are in the context that evaluate held-out frames."""


class TrainWorkChain(TrainProtocolMixin, WorkChain):
    """Train a potential with the engine that is named, and judge it on frames that are held out.

    With settings of a `reference`, the energies of isolated atoms are computed first.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input_namespace('frames', valid_type=FramesData, dynamic=True, help='Labelled frames to learn from.')
        spec.input(
            'start', valid_type=PotentialData, required=False,
            help='Potential to go on from; one without coefficients is made where the engine needs one.',
        )  # fmt: skip
        spec.input_namespace(
            'held_out', valid_type=FramesData, dynamic=True, required=False,
            help='Sets of labelled frames to judge the potential on, by name; nothing is learned from them.',
        )  # fmt: skip
        for name, what, required in (
            ('training', 'Settings of the training engine: `code`, `parameters`, `options`.', True),
            ('reference', 'Settings of the engine that labels isolated atoms; without them, none are labelled.', False),
            (
                'evaluation', 'For potentials that are evaluated by jobs: `code` (a Python interpreter with ASE and '
                'the program) and `options`; by default those of `training`.', False,
            ),
        ):  # fmt: skip
            spec.input_namespace(name, dynamic=True, required=required, valid_type=orm.Data, help=what)
        spec.input('engines', **TrainEngines.port('The programs.'))
        spec.input('options', **TrainOptions.port('What the training is given beside its frames.'))
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_label_atoms)(cls.run_atoms, cls.inspect_atoms),
            cls.run_training,
            cls.inspect_training,
            if_(cls.should_judge)(cls.run_judges, cls.inspect_judges),
        )
        spec.output('potential', valid_type=PotentialData, help='The trained potential.')
        spec.output('errors', valid_type=orm.Dict, help='On the training set, as the training engine tells them.')
        spec.output('history', valid_type=orm.ArrayData, required=False, help='`loss`, and what else an engine tells.')
        spec.output(
            'lone_atoms', valid_type=FramesData, required=False, help='An atom of each element, with its energy.'
        )
        spec.output_namespace(
            'held_out_errors', valid_type=orm.Dict, dynamic=True, required=False,
            help='On each held-out set: a `DetailedErrorsRecord`.',
        )  # fmt: skip
        spec.exit_code(310, 'ERROR_LONE_ATOMS_FAILED', message='An isolated atom could not be labelled: {reason}')
        spec.exit_code(320, 'ERROR_TRAINING_FAILED', message='The training failed: {reason}')
        spec.exit_code(
            400, 'ERROR_NOT_JUDGED', message='The potential could not be judged on the held-out set `{name}`: {reason}'
        )

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs against each other, and against what the engines need.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        if any(name not in inputs for name in ('training', 'engines', 'options')):
            return None  # the ports themselves say so
        fault = TrainEngines.explain(inputs['engines'], 'engines') or TrainOptions.explain(inputs['options'], 'options')
        return fault or next(find_faults(inputs), None)

    def engine(self, socket: str) -> type[SocketWorkChain]:
        """Return the engine of a socket.

        :param socket: `training` or `reference`.
        """
        return load_engine(socket, getattr(TrainEngines.from_node(self.inputs.engines), socket))

    def setup(self) -> None:
        """Take the settings of the training."""
        self.ctx.settings = dict(self.inputs.training)

    def should_label_atoms(self) -> bool:
        """Return whether the energies of isolated atoms are to be computed."""
        return bool(self.inputs.get('reference'))

    def run_atoms(self) -> None:
        """Label an atom of each element."""
        atoms = place_atoms_of(self.inputs.options, **self.inputs.frames)
        metadata = {'call_link_label': 'lone_atoms'}
        self.to_context(
            atoms=self.submit(self.engine('reference'), **self.inputs.reference, frames=atoms, metadata=metadata)
        )

    def inspect_atoms(self) -> ExitCode | None:
        """Let the training know the energies."""
        process = self.ctx.atoms
        failures = process.outputs.failures.get_dict() if 'failures' in process.outputs else {}
        if not process.is_finished_ok or failures:
            reason = next(iter(failures.values())) if process.is_finished_ok else explain_failure(process)
            return self.exit_codes.ERROR_LONE_ATOMS_FAILED.format(reason=reason)
        given = self.inputs.training.get('parameters', None) or orm.Dict({})
        self.ctx.settings['parameters'] = with_lone_atoms(given, process.outputs.frames)
        self.out('lone_atoms', process.outputs.frames)
        return None

    def run_training(self) -> None:
        """Train."""
        engine, inputs = self.engine('training'), dict(self.ctx.settings)
        if 'start' in self.inputs:
            inputs['start'] = self.inputs.start
        elif needs_start(engine):
            inputs['start'] = make_untrained(self.inputs.options, **self.inputs.frames)
        metadata = {'call_link_label': 'training'}
        self.to_context(train=self.submit(engine, **inputs, training=self.inputs.frames, metadata=metadata))

    def inspect_training(self) -> ExitCode | None:
        """Attach the potential."""
        process = self.ctx.train
        if not process.is_finished_ok:
            return self.exit_codes.ERROR_TRAINING_FAILED.format(reason=explain_failure(process))
        self.out_many({name: process.outputs[name] for name in ('potential', 'errors', 'history')
                       if name in process.outputs})  # fmt: skip
        return None

    def should_judge(self) -> bool:
        """Return whether there are held-out frames."""
        return bool(self.inputs.get('held_out'))

    def run_judges(self) -> None:
        """Evaluate the held-out frames, in this process or by a job for each set."""
        potential = self.ctx.train.outputs.potential
        for name, frames in self.inputs.held_out.items():
            if potential.family == 'mtp':
                self.out(f'held_out_errors.{name}', evaluate_errors(potential, frames))
                continue
            given = {**{key: self.inputs.training[key] for key in ('code', 'options') if key in self.inputs.training},
                     **self.inputs.get('evaluation', {})}  # fmt: skip
            inputs = {'parameters': {'calculator': {'name': potential.family}}, **given, 'potential': potential}
            metadata = {'call_link_label': f'judge_{name}'}
            job = self.submit(load_engine('reference', 'ase'), **inputs, frames=frames, metadata=metadata)
            self.to_context(**{f'{JUDGES}.{name}': job})

    def inspect_judges(self) -> ExitCode | None:
        """Compare the predictions with the labels."""
        exit_code = None
        for name, process in self.ctx.get(JUDGES, {}).items():
            failures = process.outputs.failures.get_dict() if 'failures' in process.outputs else {}
            if process.is_finished_ok and not failures:
                self.out(
                    f'held_out_errors.{name}', judge_predictions(self.inputs.held_out[name], process.outputs.frames)
                )
                continue
            reason = next(iter(failures.values())) if process.is_finished_ok else explain_failure(process)
            exit_code = self.exit_codes.ERROR_NOT_JUDGED.format(name=name, reason=reason)
        return exit_code

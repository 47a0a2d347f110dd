"""The WorkChain that grows a potential by active learning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, if_, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SOCKETS, SocketWorkChain
from aiida_seimlip.functions.campaign.history import assemble_history
from aiida_seimlip.functions.campaign.planning import generate_untrained, prepare_starts
from aiida_seimlip.functions.campaign.review import find_recorded, review_beginning
from aiida_seimlip.functions.campaign.warnings import find_warnings
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions, EngineNames
from aiida_seimlip.options.campaign.history import HISTORY_EXTRA, CampaignHistory
from aiida_seimlip.workflows.campaign.also import AlsoTrainStage
from aiida_seimlip.workflows.campaign.bootstrap import BootstrapStage
from aiida_seimlip.workflows.campaign.continuation import UNFIT, ContinueMixin
from aiida_seimlip.workflows.campaign.ending import describe_end
from aiida_seimlip.workflows.campaign.explore import ExploreStage
from aiida_seimlip.workflows.campaign.lone_atoms import LoneAtomsStage
from aiida_seimlip.workflows.campaign.replay import ReplayMixin
from aiida_seimlip.workflows.campaign.select import SelectStage
from aiida_seimlip.workflows.campaign.stage import HELD_OUT, begins_untrained
from aiida_seimlip.workflows.campaign.train import TrainStage
from aiida_seimlip.workflows.campaign.validation import validate_campaign
from aiida_seimlip.workflows.campaign.validation.methods import warn_about_methods
from aiida_seimlip.workflows.campaign.verify import VerifyStage
from aiida_seimlip.workflows.protocols.active_learning import CampaignProtocolMixin


class ActiveLearningWorkChain(
    CampaignProtocolMixin,
    ReplayMixin,
    ContinueMixin,
    LoneAtomsStage,
    BootstrapStage,
    ExploreStage,
    VerifyStage,
    SelectStage,
    TrainStage,
    AlsoTrainStage,
):
    """Grow a potential until every exploration with it runs to its end without extrapolating.

    Each iteration explores with the present potential; where an exploration breaks, the frames that it did not know are
    selected, labelled and learned from. The potential has converged once it passes all explorations itself: what an
    earlier one passed does not count. Where an accuracy is asked for, frames of these explorations must agree with the
    reference, too.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        cls._define_inputs(spec)
        cls._define_outputs(spec)
        cls._define_exit_codes(spec)
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            cls.review,
            if_(cls.should_label_atoms)(
                cls.run_lone_atoms,
                cls.inspect_lone_atoms,
            ),
            if_(cls.should_bootstrap)(
                cls.run_bootstrap,
                cls.inspect_bootstrap,
            ),
            if_(cls.should_train_first)(
                cls.run_training,
                cls.inspect_training,
            ),
            while_(cls.should_iterate)(
                cls.plan_explorations,
                while_(cls.should_explore)(
                    cls.run_explorations,
                    cls.inspect_explorations,
                ),
                cls.judge_explorations,
                if_(cls.should_verify)(
                    cls.run_verification,
                    cls.inspect_verification,
                    if_(cls.should_learn)(
                        cls.run_training,
                        cls.inspect_training,
                    ),
                ).elif_(cls.should_learn)(
                    cls.run_selection,
                    cls.inspect_selection,
                    if_(cls.should_label)(
                        cls.run_labelling,
                        cls.inspect_labelling,
                        cls.recall_starts,
                        cls.run_training,
                        cls.inspect_training,
                    ),
                ),
            ),
            if_(cls.should_also_train)(
                cls.run_also_training,
                cls.inspect_also_training,
            ),
            if_(cls.should_hold_out)(
                cls.plan_held_out,
                while_(cls.should_explore)(
                    cls.run_explorations,
                    cls.inspect_explorations,
                ),
                cls.run_held_out_labelling,
                cls.inspect_held_out,
            ),
            if_(cls.should_evaluate_also)(
                cls.run_also_evaluation,
                cls.inspect_also_evaluation,
            ),
            cls.results,
        )

    @classmethod
    def _define_inputs(cls, spec: ProcessSpec) -> None:
        spec.input_namespace(
            'structures', valid_type=(FramesData, orm.StructureData), dynamic=True,
            help='The starts of the explorations, by name: structures, or sets of frames, each of which is a start.',
        )  # fmt: skip
        spec.input(
            'species', valid_type=orm.List, serializer=orm.to_aiida_type,
            help='Chemical symbols in the order of the type numbers of all potentials of this campaign.',
        )  # fmt: skip
        spec.input('options', **ActiveLearningOptions.port('Everything that is not the business of one program.'))
        spec.input('engines', **EngineNames.port('The program for each of the four jobs.'))
        for socket in SOCKETS:
            spec.expose_inputs(SocketWorkChain, namespace=socket, include=SocketWorkChain.settings)
            namespace: Any = spec.inputs[socket]
            namespace.dynamic = True
            namespace['code'].required = False  # the engine says whether it needs one
            namespace.help = f'Settings of the engine for the socket `{socket}`.'
        spec.input_namespace(
            'initial_training', valid_type=FramesData, dynamic=True, required=False,
            help='Labelled frames to continue from, in the order of their names; there is no bootstrap then, unless '
            'the option `bootstrap.beside_initial` asks for it.',
        )  # fmt: skip
        spec.input_namespace(
            'bootstrap_structures', valid_type=(FramesData, orm.StructureData), dynamic=True, required=False,
            help='Structures, such as small crystals, of which strained and displaced copies join the bootstrap; no '
            'exploration begins from them.',
        )  # fmt: skip
        spec.input_namespace(
            'bootstrap_candidates', valid_type=FramesData, dynamic=True, required=False,
            help='Frames, such as those of a condensation, that join the bootstrap as they are; labelled ones '
            'are not sent again.',
        )  # fmt: skip
        spec.input(
            'initial_potential', valid_type=PotentialData, required=False,
            help='A potential trained on `initial_training`, to begin exploring with; one without an active set is '
            'trained on it first.',
        )  # fmt: skip
        spec.input(
            'initial_late', valid_type=FramesData, required=False,
            help='Frames whose labels were still out when the campaign ended that this one continues; they join the '
            'first labelling.',
        )  # fmt: skip
        spec.input_namespace(
            'quarantine', valid_type=(FramesData, orm.Dict), dynamic=True, required=False,
            help='Sets of `frames` of which some could not be labelled, each with the `failures` among them; these are '
            'not sent again.',
        )  # fmt: skip
        spec.inputs.validator = validate_campaign

    @classmethod
    def _define_outputs(cls, spec: ProcessSpec) -> None:
        spec.output('potential', valid_type=PotentialData, required=False, help='The last potential.')
        spec.output_namespace(
            'training', valid_type=FramesData, dynamic=True,
            help='The labelled frames that the last potential learned from: a node for each iteration.',
        )  # fmt: skip
        spec.output('history', valid_type=orm.Dict, required=False, help='What was done: a `CampaignHistory`.')
        spec.output(
            'checks', valid_type=FramesData, required=False,
            help='Labelled frames of the last explorations, which the last potential did not learn from: it was found '
            'as accurate on them as `accuracy` asks, or there was no budget to learn from them.',
        )  # fmt: skip
        spec.output(
            'held_out', valid_type=FramesData, required=False,
            help='Labelled frames from fresh explorations with the last potential, which it did not learn from.',
        )  # fmt: skip

    @classmethod
    def _define_exit_codes(cls, spec: ProcessSpec) -> None:
        spec.exit_code(
            UNFIT, 'ERROR_INITIAL_POTENTIAL_UNFIT',
            message='The input `initial_potential` does not belong to the frames of `initial_training`: {reason}',
        )  # fmt: skip
        spec.exit_code(300, 'ERROR_BOOTSTRAP_FAILED', message='The bootstrap gave no first training set: {reason}')
        spec.exit_code(
            301, 'ERROR_LONE_ATOMS_FAILED',
            message='The lone atoms were not all labelled, which the option `lone_atoms` asks for: {reason}',
        )  # fmt: skip
        spec.exit_code(
            310, 'ERROR_TRAINING_FAILED', message='The training in iteration {iteration} gave no potential: {reason}'
        )
        spec.exit_code(
            320, 'ERROR_EXPLORATION_FAILED',
            message='The explorations of iteration {iteration} failed for technical reasons: {reason}',
        )  # fmt: skip
        spec.exit_code(330, 'ERROR_SELECTION_FAILED', message='The selection in iteration {iteration} failed: {reason}')
        spec.exit_code(340, 'ERROR_LABELLING_FAILED', message='The labelling in iteration {iteration} failed: {reason}')
        spec.exit_code(
            400, 'ERROR_ITERATIONS_EXHAUSTED',
            message='After {iterations}, as many as the input `options` allows, {lack}.',
        )  # fmt: skip
        spec.exit_code(
            401, 'ERROR_LABEL_BUDGET_EXHAUSTED',
            message='With {labels}, as many as the input `options` allows, {lack}.',
        )  # fmt: skip
        spec.exit_code(
            402, 'ERROR_FAILURE_BUDGET_EXCEEDED',
            message='In iteration {iteration} {n_failed} of {n_sent} frames could not be labelled, {allowed} may fail; '
            'the first failed with: {reason}',
        )  # fmt: skip
        spec.exit_code(
            403, 'ERROR_STARTS_QUARANTINED',
            message='The last potential has passed all other explorations, but {n_quarantined} of {n_starts} starts '
            'stay broken, and are explored no more: {starts}. The input `options` sets when (`quarantine_after`).',
        )  # fmt: skip
        spec.exit_code(
            404, 'ERROR_ACCURACY_UNKNOWN',
            message='All explorations survive, but how far the potential is from the reference, which the input '
            '`options` limits (`accuracy`), is not known: {reason}.',
        )  # fmt: skip
        spec.exit_code(
            410, 'ERROR_EMPTY_SELECTION',
            message='In iteration {iteration} explorations broke, but none of {n_candidates} candidates was selected: '
            '{drops}.',
        )  # fmt: skip
        spec.exit_code(
            411, 'ERROR_NO_USABLE_LABELS',
            message='None of the {n_labelled} frames labelled in iteration {iteration} can be learned from: {drops}.',
        )  # fmt: skip
        spec.exit_code(
            420, 'ERROR_HELD_OUT_FAILED', message='The last potential could not be judged by held-out frames: {reason}'
        )

    @classmethod
    def find_warnings(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield a sentence for each thing that is likely to go wrong, for those who are about to submit.

        :param inputs: that pass all checks.
        """
        yield from find_warnings(
            ActiveLearningOptions.from_node(inputs['options']), inputs['species'].get_list(), inputs['structures'],
            inputs.get('initial_training', {}), inputs.get('initial_potential'),
            bootstrap=inputs.get('bootstrap_structures', {}), begins_untrained=begins_untrained(inputs.get('engines')),
        )  # fmt: skip
        yield from warn_about_methods(inputs)

    # -- predicates ---------------------------------------------------------------------------------------------------

    def should_train_first(self) -> bool:
        """Return whether there is no potential yet that knows the first training set."""
        potential, has_learned = self.ctx.potential, 'accepted' not in self.made
        return potential is None or self.settings.train_first or potential.lacks_grades or not has_learned

    def should_iterate(self) -> bool:
        """Return whether to explore again."""
        return not (self.ctx.converged or self.ctx.stop or self.ctx.iteration >= self.settings.max_iterations)

    def should_learn(self) -> bool:
        """Return whether there is something to learn and a budget to do so."""
        is_all_known = self.ctx.passed and 'accepted' not in self.made  # longer explorations come next
        return not (self.ctx.converged or self.ctx.stop or is_all_known)

    def should_label(self) -> bool:
        """Return whether there are frames to label."""
        return self.ctx.to_label is not None or self.ctx.late is not None

    def should_hold_out(self) -> bool:
        """Return whether the last potential is to be judged."""
        return self.settings.held_out is not None

    # -- beginning and end --------------------------------------------------------------------------------------------

    def setup(self) -> None:
        """Make the starts, and see what there is to continue from."""
        self.ctx.iteration, self.ctx.first, self.ctx.climbed = self.settings.first_iteration, {}, []
        self.ctx.passed, self.ctx.converged, self.ctx.stop = False, False, None
        self.ctx.length, self.ctx.lengthened, self.ctx.doubted = 0, False, []
        self.ctx.late, self.ctx.training_inputs = self.inputs.get('initial_late', None), {}
        self.ctx.starts = self._make_starts()
        training = sorted(self.inputs.get('initial_training', {}).items())
        self.ctx.training = {self._name_initial(name): node for name, node in training}
        self.ctx.nodes = {'initial': dict(self.ctx.training)} if self.ctx.training else {}
        self.ctx.potential = self.inputs.get('initial_potential', None)
        self.ctx.untrained, self.ctx.last_errors = None, None
        if self.begins_untrained and (self.ctx.potential is None or not self.settings.warm_start):
            self.ctx.untrained = generate_untrained(self.inputs.species, self.inputs.options)
        self.open_record(f'iteration_{self.ctx.iteration:03d}')
        history = CampaignHistory(
            species=self.inputs.species.get_list(), seed=self.settings.seed, continues=self.settings.continues
        )
        self.node.base.extras.set(HISTORY_EXTRA, history.model_dump(mode='json'))
        self.open_standings()
        self.warn(warn_about_methods(self.inputs))

    def review(self) -> ExitCode | None:
        """Look at what the campaign begins with before anything is paid."""
        groups: dict[str, Any] = {
            'starts': self.ctx.starts, 'training': self.ctx.training,
            'bootstrap': dict(self.inputs.get('bootstrap_structures', {})),
        }  # fmt: skip
        if self.ctx.potential is not None:
            recorded = find_recorded(self.ctx.potential)
            groups['potential'] = {'present': self.ctx.potential}
            groups['recorded'] = {} if recorded is None else {'errors': recorded}
        if not self.begins_untrained:
            groups['engine'] = {'begins_untrained': orm.Bool(False)}
        given = {name: nodes for name, nodes in groups.items() if nodes}
        self.ctx.review = review_beginning(self.inputs.options, self.inputs.species, **given)
        self.warn(self.ctx.review['warnings'])
        if self.ctx.review['fault'] is not None:
            self.ctx.potential = None
            return self.fail('ERROR_INITIAL_POTENTIAL_UNFIT', reason=self.ctx.review['fault'])
        return None

    def results(self) -> ExitCode | None:
        """Attach the outputs, and say whether the potential has converged."""
        exit_code = self.why_unconverged()
        errors = self.judge_by_training()
        if errors is not None:
            self.ctx.nodes['training_errors'] = errors
        self.attach_outputs(None if exit_code is None else exit_code.message)
        return exit_code

    def attach_outputs(self, message: str | None) -> None:
        """Attach what the campaign has made.

        :param message: why it ended without success, None if it did not.
        """
        if self.ctx.training:
            self.out('training', self.labelled_so_far())
        if self.ctx.potential is not None:
            self.out('potential', self.ctx.potential)
        if self.ctx.get('also') is not None:
            self.out('also', self.ctx.also)
        checks = [found['checked'] for found in self.ctx.nodes.values() if 'checked' in found]
        if checks:
            self.out('checks', checks[-1])
        held_out = self.ctx.nodes.get(HELD_OUT, {})
        if 'accepted' in held_out:
            self.out('held_out', held_out['accepted'])
        nodes: dict[str, Any] = {'starts': dict(self.ctx.starts)}
        nodes |= self.all_made()
        if 'review' in self.ctx:
            nodes['review'] = self.ctx.review
        if message is not None:
            nodes['message'] = orm.Str(message)
        if self.ctx.get('also_failure') is not None:
            nodes['also_failure'] = orm.Str(self.ctx.also_failure)
        self.publish()
        self.out('history', assemble_history(self.inputs.options, self.inputs.species, **nodes))
        errors = held_out['errors'].get_dict() if 'errors' in held_out else None
        methods = held_out['accepted'].methods if 'accepted' in held_out else ()
        self.report(describe_end(self.ctx.iteration, self.count_labels(), message, errors, methods))

    def _name_initial(self, name: str) -> str:
        """Return how a set of `initial_training` is called in the training set: a set of another campaign as there."""
        return name if self.settings.continues is not None else f'initial_{name}'

    def _make_starts(self) -> dict[str, FramesData]:
        given = self.inputs.structures
        if all(isinstance(node, FramesData) and node.n_frames == 1 for node in given.values()):
            return dict(given)
        return dict(prepare_starts(**given))

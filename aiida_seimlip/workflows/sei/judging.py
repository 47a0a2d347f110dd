"""The stages of `SeiWorkChain` that judge: further trainings on the same labels and more, and crystals."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.common import AttributeDict

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.campaign.bootstrap import strain_structures
from aiida_seimlip.functions.sei.results import judge_potential, plan_lattices
from aiida_seimlip.functions.sei.training import leave_out, make_larger, make_small_crystals, make_untrained
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.sei.results import CAMPAIGN as GROWN
from aiida_seimlip.options.sei.results import WITH_CRYSTALS
from aiida_seimlip.workflows.crystal.relaxation import RelaxationWorkChain
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.sei.growing import CAMPAIGN, GrowingStages

LATTICES = 'lattices'
"""Label of the link to the comparison of crystals, and namespace of the settings of its models."""
TEACHER, POTENTIAL = 'teacher', 'potential'
"""Settings of the model that is the teacher, and of those that run a potential."""


class JudgingStages(GrowingStages):
    """Train on the same labels again, on another level, without a composition or with small crystals; relax crystals.

    The context holds ``potentials``, for each name what `assemble_results` takes of it, and the labelled
    ``small_crystals``.
    """

    def plan_small_crystals(self) -> None:
        """Strain small cells of the crystals whose elements the potentials know."""
        cells = make_small_crystals(self.inputs.options, self.inputs.species) if self.settings.small_crystals else {}
        self.ctx.cells = strain_structures(self.inputs[CAMPAIGN].options, **cells) if cells else None

    def should_label_small_crystals(self) -> bool:
        """Return whether a potential is to learn from small crystals."""
        return self.ctx.cells is not None

    def run_small_crystals(self) -> None:
        """Label the small crystals."""
        settings = dict(self.inputs[CAMPAIGN].reference)
        inputs = {**settings, 'frames': self.ctx.cells, 'metadata': {'call_link_label': 'label_small_crystals'}}
        process = self.submit(load_engine('reference', self.engines.reference), **inputs)
        self.to_context(small_crystals_process=process)

    def inspect_small_crystals(self) -> None:
        """Take the labels that there are."""
        process = self.ctx.small_crystals_process
        if 'frames' in process.outputs:
            self.ctx.small_crystals = process.outputs.frames
        else:
            self.fault('ERROR_TRAININGS_FAILED', name=WITH_CRYSTALS, reason=explain_failure(process))

    def run_trainings(self) -> None:
        """Train potentials of other levels, one that sees small crystals, and those that never saw a composition."""
        self.ctx.potentials = {GROWN: {'potential': self.ctx.potential, 'training': self.ctx.training}}
        self.ctx.trainings = AttributeDict()
        options = self.inputs[CAMPAIGN].options
        for level in self.settings.levels:
            self._train(f'level_{level}', self._begin_level(level), self.ctx.training)
        if self.ctx.small_crystals is not None:
            training = {**self.ctx.training, 'small_crystals': self.ctx.small_crystals}
            self._train(WITH_CRYSTALS, self.ctx.potential, training)
        for name in self.settings.left_out:
            if name not in self.ctx.structures:
                self.fault('ERROR_TRAININGS_FAILED', name=f'without_{name}', reason='there is no such start')
                continue
            parts: Any = leave_out(self.ctx.structures[name], **self.ctx.training)
            if 'training' not in parts or 'left_out' not in parts:
                reason = 'it holds nothing else' if 'left_out' in parts else 'it holds no frame of this formula'
                reason = f'of the training set, {reason}'
                self.fault('ERROR_TRAININGS_FAILED', name=f'without_{name}', reason=reason)
                continue
            start = make_untrained(options, self.inputs.species, orm.Int(self.ctx.potential.level))
            self._train(f'without_{name}', start, parts['training'], left_out=parts['left_out'])

    def inspect_trainings(self) -> None:
        """Take the potentials, and judge all of them by the frames that none has learned from."""
        for name, process in self.ctx.trainings.items():
            found = self.ctx.potentials[name]
            if process.is_finished_ok:
                found['potential'] = process.outputs.potential
            else:
                found['failure'] = orm.Str(explain_failure(process)).store()  # the context is written down
                self.fault('ERROR_TRAININGS_FAILED', name=name, reason=found['failure'].value)
        for found in self.ctx.potentials.values():
            potential = found.get('potential')
            if potential is None or potential.family != 'mtp':
                continue
            if self.ctx.held_out is not None:
                found['held_out'] = judge_potential(potential, self.ctx.held_out)
            if 'left_out' in found:
                found['unseen'] = judge_potential(potential, found['left_out'])
        self.out('potentials', {
            name: found['potential'] for name, found in self.ctx.potentials.items()
            if 'potential' in found and name != GROWN
        })  # fmt: skip

    def plan_relaxations(self) -> None:
        """Find the crystals of whose elements the potentials know all."""
        if self.settings.lattices is not None:
            planned = plan_lattices(self.inputs.options, self.inputs.species)
            self.ctx.lattices_left_out, self.ctx.lattice_options = planned['left_out'], planned.get('options')

    def should_relax(self) -> bool:
        """Return whether crystals are relaxed."""
        return self.ctx.lattice_options is not None

    def run_lattices(self) -> None:
        """Relax the crystals with the teacher and all potentials that have seen all compositions."""
        settings = self.inputs[LATTICES]
        models: dict[str, Any] = {TEACHER: dict(settings[TEACHER])} if TEACHER in settings else {}
        for name, found in self.ctx.potentials.items():
            if 'potential' in found and 'left_out' not in found:
                models[name] = {**settings[POTENTIAL], 'potential': found['potential']}
        process = self.submit(
            RelaxationWorkChain, options=self.ctx.lattice_options, models=models,
            metadata={'call_link_label': LATTICES},
        )  # fmt: skip
        self.to_context(lattices_process=process)

    def inspect_lattices(self) -> None:
        """Take the comparison, be it without some model."""
        process = self.ctx.lattices_process
        if not process.is_finished_ok:
            self.fault('ERROR_LATTICES_FAILED', reason=explain_failure(process))
        if 'properties' in process.outputs:
            self.ctx.lattices = process.outputs.properties
            self.out('lattices', self.ctx.lattices)
        if 'minima' in process.outputs:
            self.out('relaxed', dict(process.outputs.minima))

    def _begin_level(self, level: int) -> PotentialData:
        """Return where the training of a level begins: at the potential of the campaign, if that is smaller."""
        options, grown = self.inputs[CAMPAIGN].options, self.ctx.potential
        if grown.family == 'mtp' and grown.level is not None and grown.level < level:
            seed = orm.Int(ActiveLearningOptions.from_node(options).seed)
            return make_larger(grown, orm.Int(level), seed)
        return make_untrained(options, self.inputs.species, orm.Int(level))

    def _train(self, name: str, start: orm.Data, training: Any, **found: Any) -> None:
        """Submit a training with the settings of the campaign."""
        engine = load_engine('training', self.engines.training)
        settings = dict(self.inputs[CAMPAIGN].training)
        process = self.submit(
            engine,
            **{**settings, 'start': start, 'training': training, 'metadata': {'call_link_label': f'train_{name}'}},
        )
        self.ctx.potentials[name] = {'training': training, **found}
        self.to_context(**{f'trainings.{name}': process})

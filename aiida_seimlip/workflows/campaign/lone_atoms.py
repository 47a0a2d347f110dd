"""The stage that labels lone atoms: where the constants of the elements begin."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ExitCode

from aiida_seimlip.functions.campaign.lone_atoms import place_lone_atoms
from aiida_seimlip.functions.lone_atoms import with_lone_atoms
from aiida_seimlip.workflows.campaign.stage import StageMixin
from aiida_seimlip.workflows.failures import explain_failure


class LoneAtomsStage(StageMixin):
    """Label an atom of each species alone, and give its energy to every training, under ``ctx.training_inputs``."""

    def should_label_atoms(self) -> bool:
        """Return whether trainings begin from the energies of lone atoms."""
        return self.settings.lone_atoms is not None

    def run_lone_atoms(self) -> None:
        """Label an atom of each species."""
        frames = place_lone_atoms(self.inputs.options, self.inputs.species)
        self.to_context(lone_atoms=self.submit_engine('reference', 'lone_atoms', frames=frames))

    def inspect_lone_atoms(self) -> ExitCode | None:
        """Take the energies; without one of them there is no place to begin."""
        process = self.ctx.lone_atoms
        failures = process.outputs.failures.get_dict() if 'failures' in process.outputs else {}
        if not process.is_finished_ok or failures:
            reason = next(iter(failures.values())) if process.is_finished_ok else explain_failure(process)
            return self.fail('ERROR_LONE_ATOMS_FAILED', reason=reason)
        given = self.inputs.training.get('parameters', None)
        parameters = orm.Dict({}) if given is None else given
        self.ctx.training_inputs = {'parameters': with_lone_atoms(parameters, process.outputs.frames)}
        return None

"""Labels from the record of an earlier campaign: no program is run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.reference.contract import ReferenceWorkChain
from aiida_seimlip.functions.campaign.replay import explain_unrecorded, replay_dynamics
from aiida_seimlip.options.base import NoOptions


class ReplayReferenceWorkChain(ReferenceWorkChain):
    """Label frames with what labelled sets of frames hold; a frame that none of them holds is a failure.

    Frames are recognised by the hash of their content. Molecular dynamics are recognised by their settings and by the
    start, at its place among the starts.
    """

    needs_code = False

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the records and the outline."""
        super().define(spec)
        spec.input('parameters', **NoOptions.port('There is nothing to set.'))
        spec.input_namespace(
            'sources',
            valid_type=FramesData,
            dynamic=True,
            required=False,
            help='Labelled frames, in any number of sets.',
        )
        spec.input_namespace(
            'trajectories', valid_type=(FramesData, orm.Dict), dynamic=True, required=False,
            help='Molecular dynamics: the starts `frames`, the settings `dynamics`, the labelled `samples` and, '
            'if known, the `failures`.',
        )  # fmt: skip
        spec.outline(cls.answer)  # type: ignore[attr-defined]

    @classmethod
    def explain_settings(
        cls,
        namespace: str,
        settings: Mapping[str, Any],
        *,
        given_later: Collection[str] = (),
        species: Collection[str] = (),
    ) -> str | None:
        """Say what is wrong with the settings: that there is nothing to answer from, too."""
        message = super().explain_settings(namespace, settings, given_later=given_later, species=species)
        if message is None and not (settings.get('sources') or settings.get('trajectories')):
            return f'Input `{namespace}.sources` is missing: there is nothing to take labels from.'
        return message

    def find_known(self) -> dict[str, FramesData]:
        """Return the sources that the user has named; nothing else in the profile is looked at."""
        return dict(self.inputs.get('sources', {}))

    def answer(self) -> None:
        """Attach what is recorded, and say what is not."""
        if 'dynamics' in self.inputs:
            records = self.inputs.get('trajectories', {})
            self.out_many(replay_dynamics(self.inputs.frames, self.inputs.dynamics, **records))
            return
        unknown = self.split_known()
        if unknown is None:
            self.attach_labels({})
        else:
            self.attach_labels({'record': {'frames': unknown, 'failures': explain_unrecorded(unknown)}})

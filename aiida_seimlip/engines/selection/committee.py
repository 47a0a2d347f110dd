"""Selection for committees: where the members disagree, and what is unlike everything that is known."""

from __future__ import annotations

from aiida.engine import ProcessSpec

from aiida_seimlip.engines.selection.contract import SelectionWorkChain
from aiida_seimlip.functions.campaign.selection import select_by_committee
from aiida_seimlip.options.selection import CommitteeSelectOptions


class CommitteeSelectionWorkChain(SelectionWorkChain):
    """Select by the disagreement of a committee and by farthest points among neighbourhoods, in this process."""

    needs_code = False

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters and the outline."""
        super().define(spec)
        spec.input('parameters', **CommitteeSelectOptions.port('How many frames, and how they are weighed.'))
        spec.outline(cls.select)  # type: ignore[attr-defined]

    def select(self) -> None:
        """Select, and attach what was selected."""
        selected = select_by_committee(
            self.inputs.parameters, self.inputs.potential, self.inputs.candidates, **self.inputs.training
        )
        self.out('selected', selected)

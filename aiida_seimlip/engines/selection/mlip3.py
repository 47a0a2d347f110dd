"""Selection with MLIP-3's ``mlp select_add``, or with ``seimlip-mlp``."""

from __future__ import annotations

from aiida.engine import ProcessSpec

from aiida_seimlip.calculations.mlip3_select import Mlip3SelectCalculation
from aiida_seimlip.engines.restart import RestartMixin
from aiida_seimlip.engines.selection.contract import SelectionWorkChain
from aiida_seimlip.options.mlip3 import Mlip3SelectOptions


class Mlip3SelectionWorkChain(SelectionWorkChain, RestartMixin):
    """Select by MaxVol, that is, D-optimality."""

    _process_class = Mlip3SelectCalculation
    plugin_prefix = 'seimlip.mlip3.'
    failure = 'ERROR_PROGRAM_FAILED'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters."""
        super().define(spec)
        spec.input('parameters', **Mlip3SelectOptions.port('How to select.'))

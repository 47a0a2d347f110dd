"""Labels from Quantum ESPRESSO: a WorkChain of aiida-quantumespresso for each frame, some at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    from aiida_seimlip.engines.reference.quantumespresso_pool import PwPoolMixin
except ModuleNotFoundError as exception:
    raise ImportError(
        'The engine `quantumespresso` needs aiida-quantumespresso and aiida-pseudo: '
        f"`pip install 'aiida-seimlip[quantumespresso]'` ({exception})."
    ) from exception

NO_DYNAMICS = (
    'Input `dynamics` is given, but the engine `quantumespresso` runs none: bootstrap from perturbed frames '
    '(`bootstrap.n_perturbed`), or let another engine of the socket `reference` run it.'
)


class QuantumEspressoReferenceWorkChain(PwPoolMixin):
    """Label frames with pw.x of Quantum ESPRESSO, one job for each; it runs no dynamics."""

    plugin_prefix = 'quantumespresso.pw'
    supports_dynamics = False

    @classmethod
    def validate_potentials(cls, inputs: Mapping[str, Any], port: Any) -> str | None:
        """Refuse dynamics, and look for each pseudopotential before the first job."""
        return NO_DYNAMICS if 'dynamics' in inputs else super().validate_potentials(inputs, port)

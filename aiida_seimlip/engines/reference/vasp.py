"""Labels from VASP: a WorkChain of aiida-vasp for each frame, some at once."""

from __future__ import annotations

try:
    from aiida_seimlip.engines.reference.vasp_pool import VaspPoolMixin
except ModuleNotFoundError as exception:
    raise ImportError(
        f"The engine `vasp` needs aiida-vasp: `pip install 'aiida-seimlip[vasp]'` ({exception})."
    ) from exception


class VaspReferenceWorkChain(VaspPoolMixin):
    """Label frames with VASP, one job for each."""

    plugin_prefix = 'vasp.vasp'

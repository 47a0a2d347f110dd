"""What campaigns explore with."""

from typing import Any

import pytest

from tests.workflows.conftest import crystal


@pytest.fixture
def potential(potential: Any) -> Any:
    """Return the trained potential for neon and argon with an active set, as a stored node."""
    from aiida_seimlip.data.potential import PotentialData
    from aiida_seimlip.science.frames import Frames
    from aiida_seimlip.science.mtp.grade import build_active_set

    frames = Frames.from_atoms([crystal(seed, scale=0.1) for seed in range(5)])
    return PotentialData.from_mtp(build_active_set(potential.get_mtp(), frames)).store()

"""The engine ``vasp`` with a stand-in for VASP: what becomes of frames, whatever happens to their jobs."""

from __future__ import annotations

import numpy as np
import pytest
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames

from .conftest import VASP_SCHEDULER, image, labelled

pytest.importorskip('aiida_vasp')

from aiida_seimlip.engines.reference.vasp import VaspReferenceWorkChain

pytestmark = pytest.mark.slow


@pytest.fixture
def frames():
    """Return three monoclinic cells of neon and argon, whose elements alternate."""
    return FramesData(Frames.from_atoms([image(seed) for seed in (3, 1, 2)]))


@pytest.fixture
def label(vasp_code, potcar_family):
    """Return a function that labels frames and returns the process, its labels and its failures."""

    def run(frames, *, options=None, dynamics=None, code=vasp_code, **parameters):
        inputs = {
            'code': code, 'options': {**VASP_SCHEDULER, **(options or {})},
            'parameters': {'potential_family': potcar_family, **parameters},
        }  # fmt: skip
        if dynamics is not None:
            inputs['dynamics'] = dynamics
        outputs, node = run_get_node(VaspReferenceWorkChain, frames=frames, **inputs)
        return node, outputs.get('frames'), outputs['failures'].get_dict() if 'failures' in outputs else None

    return run


def test_labels_are_those_of_the_frames(label, frames, vasp_faults):
    """The atoms of an alternating cell come back in their order, energy, forces and stress in our units and sign."""
    node, found, failures = label(frames)
    assert node.is_finished_ok, node.exit_message
    assert failures == {}
    expected = Frames.from_atoms([labelled(atoms) for atoms in frames.get_frames().to_atoms()])
    assert found.hashes == frames.hashes
    labels = found.get_frames()
    np.testing.assert_allclose(labels.energies, expected.energies, atol=1e-7)
    np.testing.assert_allclose(labels.forces, expected.forces, atol=1e-7)
    np.testing.assert_allclose(labels.stresses, expected.stresses, atol=1e-9)

"""An engine that condenses as it is told, and inputs of small starts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.condensation.contract import CondensationWorkChain
from aiida_seimlip.science.frames import Frames

RECIPE = {
    'compositions': {'alpha': {'Li2CO3': 2, 'LiF': 1}, 'beta': {'LiPF6': 2}, 'gamma': {'Li2CO3': 1, 'Li': 3}},
    'packing': {'method': 'random', 'volume_factor': 3.0},
    'seed': 5,
}


@calcfunction
def follow(frames: FramesData, parameters: orm.Dict) -> dict[str, Any]:
    """Condense as the parameters say: which frames fail, and which atoms are moved by how much."""
    told = parameters.get_dict()
    images = frames.get_frames(trace=True)
    failures = {str(index): reason for index, reason in told.get('failures', {}).items()}
    done = []
    for index in range(len(images)):
        if str(index) in failures:
            continue
        frame = images[index]
        positions = frame.positions.copy()
        for atom, shift in told.get('moves', {}).get(str(index), {}).items():
            positions[int(atom)] += shift
        if str(index) in told.get('copy', {}):
            other = images[told['copy'][str(index)]]
            frame, positions = other.replace(origin_uuids=frame.origin_uuids), other.positions + 1.0
        force = np.zeros_like(positions)
        force[0] = [told.get('force', 0.0), 0.0, 0.0]
        done.append(
            frame.replace(
                positions=positions, energies=np.array([-2.0 * len(positions)]), forces=force,
                stresses=np.array([[-0.01, -0.01, -0.01, 0.0, 0.0, 0.0]]) * told.get('pressure', 0.0),
            ).computed_by('toy', 'free')
        )  # fmt: skip
    record = orm.ArrayData()
    columns = {
        'frame': [0, 0, 1], 'total': [0, 10, 0], 'temperature': [np.nan, 280.0, np.nan], 'density': [0.9, 1.0, 1.1]
    }  # fmt: skip
    for name, values in columns.items():
        record.set_array(name, np.array(values))
    outputs: dict[str, Any] = {'failures': orm.Dict(failures), 'record': record, 'results': orm.Dict()}
    if done:
        outputs['frames'] = FramesData(Frames.concatenate(done))
        outputs['trace'] = FramesData(Frames.concatenate(done))
    return outputs


class ToyCondensationWorkChain(CondensationWorkChain):
    """Condense as the parameters say."""

    needs_code = False

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the outline."""
        super().define(spec)
        spec.outline(cls.run_it)  # type: ignore[attr-defined]

    def run_it(self) -> ExitCode | None:
        """Do it, or fail."""
        if self.inputs.parameters.get_dict().get('fails'):
            return self.exit_codes.ERROR_PROGRAM_FAILED.format(pk=1, status=2, reason='no model')
        self.out_many(follow(self.inputs.frames, self.inputs.parameters))
        return None


@pytest.fixture
def toy(entry_points) -> str:
    """Register the toy engine, and return its name."""
    entry_points.add(ToyCondensationWorkChain, 'aiida.workflows:seimlip.condensation.toy')
    return 'toy'


@pytest.fixture
def starts_inputs(toy) -> Any:
    """Return a function that makes inputs of `StartsWorkChain`; keywords tell the engine what to do."""

    def factory(*, recipe: Any = None, options: Any = None, condensation: Any = toy, **told: Any) -> dict[str, Any]:
        inputs: dict[str, Any] = {
            'recipe': RECIPE if recipe is None else recipe, 'options': options or {},
            'engines': {'condensation': condensation},
        }  # fmt: skip
        if condensation is not None:
            inputs['condensation'] = {'parameters': orm.Dict(told)}
        return inputs

    return factory

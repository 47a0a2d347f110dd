"""What an engine that condenses packed cells has to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.record import UNITS, read_record
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA
from aiida_seimlip.testing import world
from aiida_seimlip.testing.engine import EngineContract, Settings

RELAX = {'kind': 'relax', 'max_steps': 5}
PRESS = {'kind': 'relax_cell', 'pressure': 0.2, 'fmax': 0.01, 'pressure_tolerance': 0.01, 'max_steps': 200}
COLD = {'kind': 'dynamics', 'temperature': 10.0, 'n_steps': 8, 'timestep': 4.0}
RAMP = {'kind': 'ramp', 'start_temperature': 10.0, 'end_temperature': 40.0, 'rate': 1250.0, 'timestep': 4.0}


class CondensationContract(EngineContract):
    """Stages are run in order, the pressure is reached, and what comes out is labelled."""

    socket = 'condensation'
    given_later = ('parameters',)

    def condense(
        self, settings: Settings, *stages: dict[str, Any], seeds: tuple[int, ...] = (1,), **changes: Any
    ) -> Any:
        """Run the engine and return its outputs.

        :param settings: of the engine.
        :param stages: of the condensation.
        :param seeds: of the frames.
        :param changes: of the options of the condensation.
        """
        frames = FramesData(Frames.from_atoms([world.image(seed) for seed in seeds]))
        condense = {'stages': list(stages), 'seed': 3, 'record_every': 2, 'sample_every': 2, **changes}
        return frames, self.run(settings, frames=frames, parameters=orm.Dict({'condense': condense}))

    def test_pressure_is_reached(self, settings: Settings) -> None:
        """At the end of a relaxation of the cell each element of the stress is what it was to be."""
        _, outputs = self.condense(settings, RELAX, PRESS)
        found = outputs['frames'].get_frames()
        stress = found.stresses[0] * EV_PER_A3_TO_GPA
        np.testing.assert_allclose(stress, [-0.2] * 3 + [0.0] * 3, atol=0.011)
        stages = outputs['results']['stages']['0']
        assert [(end['kind'], end['converged']) for end in stages] == [('relax', False), ('relax_cell', True)]
        assert stages[1]['pressure'] == pytest.approx(0.2, abs=0.011)

    def test_labels_are_those_of_the_calculator(self, settings: Settings) -> None:
        """Last states and samples carry energies, forces and stresses, and say what they come from."""
        frames, outputs = self.condense(settings, RELAX, COLD, seeds=(3, 1))
        for name in ('frames', 'trace'):
            found = outputs[name].get_frames()
            expected = Frames.from_atoms([world.labelled(atoms) for atoms in found.without_labels().to_atoms()])
            np.testing.assert_allclose(found.energies, expected.energies, atol=1e-9)
            np.testing.assert_allclose(found.forces, expected.forces, atol=1e-9)
            np.testing.assert_allclose(found.stresses, expected.stresses, atol=1e-10)
            assert set(found.origin_uuids) == {frames.uuid}
        assert outputs['frames'].get_frames().origin_indices.tolist() == [0, 1]
        assert outputs['trace'].get_frames().origin_indices.tolist() == [0] * 6 + [1] * 6
        assert outputs['trace'].get_frames().origin_steps.tolist() == [2, 4, 6, 8, 10, 12] * 2
        assert outputs['failures'].get_dict() == {}

    def test_way_is_recorded(self, settings: Settings) -> None:
        """Rows come in order, with all quantities; the energies are those of the samples."""
        _, outputs = self.condense(settings, RELAX, COLD, RAMP, seeds=(1, 2))
        record = read_record(outputs['record'])
        assert set(outputs['record'].base.attributes.get('units')) == set(UNITS)
        assert record['frame'].tolist() == sorted(record['frame'])
        first = record['frame'] == 0
        assert (np.diff(record['total'][first]) > 0).all()
        assert record['total'][first][0] == 0
        assert record['stage'][first].tolist() == sorted(record['stage'][first])
        assert record['total'][first][-1] == 5 + 8 + 6
        assert all(np.isfinite(values).all() for values in record.values())
        assert (record['temperature'][record['stage'] == 0] == 0.0).all()
        trace = outputs['trace'].get_frames()
        energies = dict(zip(record['total'][first], record['energy'][first], strict=True))
        for index, step, energy in zip(trace.origin_indices, trace.origin_steps, trace.energies, strict=True):
            if index == 0:
                assert energies[step] == pytest.approx(energy, abs=1e-9)

    def test_frame_that_goes_astray_costs_only_itself(self, settings: Settings) -> None:
        """One of two cells shrinks below the limit; the other one comes through."""
        volumes = [world.image(seed).get_volume() for seed in (1, 2)]
        limits = {'max_energy_change': 1000.0, 'min_volume_ratio': 1e-3, 'min_distance': 0.0}
        pressed = {**PRESS, 'cell': 'isotropic', 'max_steps': 60}
        _, outputs = self.condense(settings, pressed, seeds=(1, 2), limits=limits)
        ends = outputs['frames'].get_frames().volumes / np.array(volumes)
        assert ends[0] != pytest.approx(ends[1], abs=1e-3)
        limits['min_volume_ratio'] = float(ends.mean())
        _, outputs = self.condense(settings, pressed, seeds=(1, 2), limits=limits)
        lost = int(np.argmin(ends))
        assert list(outputs['failures'].get_dict()) == [str(lost)]
        assert outputs['failures'][str(lost)].startswith('Collapsed: ')
        assert outputs['frames'].get_frames().origin_indices.tolist() == [1 - lost]
        assert set(outputs['trace'].get_frames().origin_indices) == {0, 1}, 'what was labelled before is kept'

"""Small distillations of argon and neon, whose reference has other constants of the elements than the teacher."""

from __future__ import annotations

import sys
from typing import Any

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.workflows.campaign.distillation import DistillationWorkChain
from aiida_seimlip.workflows.protocols import merge
from tests.workflows.conftest import SPECIES, crystal

CONSTANTS = {'Ne': -3.7, 'Ar': 1.9}
ARGON = {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}
MODULE = f"""
from ase.calculators.lj import LennardJones

class Reference(LennardJones):
    def calculate(self, *arguments, **keywords):
        super().calculate(*arguments, **keywords)
        extra = sum({CONSTANTS}[symbol] for symbol in self.atoms.symbols)
        for name in ('energy', 'free_energy'):
            self.results[name] += extra
"""
MD = {'timestep': 4.0, 'n_steps': 60, 'dump_every': 20, 'thermo_every': 30, 'thermostat_damping': 200.0}
OVERRIDES = {
    'options': {
        'seed': 5, 'max_rounds': 2, 'labels_per_round': 6, 'max_force_error': 1e-3, 'max_energy_error': 1e-2,
        'max_student_force_error': None,
    },
    'campaign': {
        'options': {
            'max_iterations': 4, 'max_labels': 60, 'untrained': {'level': 6, 'min_dist': 2.0, 'max_dist': 5.2},
            'bootstrap': {'n_perturbed': 6, 'temperatures': [20.0], 'strain': 0.01, 'ion_stiffness': 0.2},
            'exploration': {'conditions': [{**MD, 'temperature': 20.0}]},
            'filters': {'min_distance': 2.0, 'max_force': 5.0}, 'selection': {'max_frames': 12},
            'held_out': {'conditions': [{**MD, 'temperature': 20.0}], 'n_frames': 4},
        },
        'reference': {'parameters': {
            'calculator': {'name': 'lj', 'kwargs': ARGON, 'method_label': 'teacher'}, 'processes': 1,
        }},
        'training': {'parameters': {'iteration_limit': 30, 'extra_options': {'threads': 1}}},
    },
    'reference': {'parameters': {
        'calculator': {'name': 'shifted:Reference', 'kwargs': ARGON, 'method_label': 'truth', 'reusable': True},
        'processes': 1,
    }},
}  # fmt: skip


def starts() -> dict[str, FramesData]:
    """Return two starts of different composition."""
    pure = crystal()
    pure.symbols[:] = 'Ar'
    return {'mixed': FramesData.from_atoms([crystal()]), 'pure': FramesData.from_atoms([pure])}


def build(code: Any, folder: Any, codes: Any = None, overrides: Any = None, **given: Any) -> Any:
    """Return a builder.

    :param code: the fixture.
    :param folder: where the module of the reference is written.
    :param codes: others than the usual ones.
    :param overrides: values that replace those of `OVERRIDES`.
    """
    (folder / 'shifted.py').write_text(MODULE)
    python = code('seimlip.ase', sys.executable)
    usual = {
        'teacher': python, 'reference': python, 'training': code('seimlip.mlip3.train', 'seimlip-mlp'),
        'exploration': code('seimlip.lammps', 'seimlip-lmp'),
    }  # fmt: skip
    path = {'options': {'environment_variables': {'PYTHONPATH': str(folder), 'OMP_NUM_THREADS': '1'}}}
    content = merge(merge(OVERRIDES, {'reference': path}), overrides or {})
    return DistillationWorkChain.get_builder_from_protocol(
        {**usual, **(codes or {})}, starts(), species=SPECIES, protocol='demo', overrides=content, **given
    )

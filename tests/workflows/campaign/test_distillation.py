"""A distillation with the programs that come with the package: argon and neon, whose reference has other constants."""

import sys

import numpy as np
import pytest
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.distillation_results import DistillationResults
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.workflows.campaign.distillation import DistillationWorkChain
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

pytestmark = pytest.mark.slow
_RUN = {}


def starts() -> dict[str, FramesData]:
    """Return two starts of different composition."""
    pure = crystal()
    pure.symbols[:] = 'Ar'
    return {'mixed': FramesData.from_atoms([crystal()]), 'pure': FramesData.from_atoms([pure])}


@pytest.fixture
def build(code, tmp_path):
    """Return a function that makes a builder: ``build(overrides)``."""
    from aiida_seimlip.workflows.protocols import merge

    (tmp_path / 'shifted.py').write_text(MODULE)
    python = code('seimlip.ase', sys.executable)
    codes = {
        'teacher': python, 'reference': python, 'training': code('seimlip.mlip3.train', 'seimlip-mlp'),
        'exploration': code('seimlip.lammps', 'seimlip-lmp'),
    }  # fmt: skip
    path = {'options': {'environment_variables': {'PYTHONPATH': str(tmp_path), 'OMP_NUM_THREADS': '1'}}}

    def factory(**overrides):
        content = merge(merge(OVERRIDES, {'reference': path}), overrides)
        return DistillationWorkChain.get_builder_from_protocol(
            codes, starts(), species=SPECIES, protocol='demo', overrides=content
        )

    return factory


@pytest.fixture
def distillation(build):
    """Return outputs and process, which is run once for all tests of this module."""
    if not _RUN:
        _RUN['outputs'], _RUN['node'] = run_get_node(build())
    return _RUN['outputs'], _RUN['node']


@pytest.fixture
def results(distillation) -> DistillationResults:
    """Return what was found."""
    return DistillationResults(**distillation[0]['results'].get_dict())


def test_it_ends_with_few_labels_of_the_reference(distillation, results):
    outputs, node = distillation
    assert node.is_finished_ok, node.exit_message
    assert results.accepted
    assert results.converged
    assert [record.n_reference for record in results.rounds] == [6, 6]
    assert results.n_reference == sum(each.n_frames for each in outputs['reference'].values()) == 6
    assert results.n_teacher > 2 * results.n_reference


def test_constants_of_the_elements_are_found(results):
    assert results.alignment.is_determined
    assert results.alignment.per_element == pytest.approx(CONSTANTS, abs=1e-6)
    assert results.alignment.residual_mev_per_atom < 1e-3
    assert not results.alignment.unknown


def test_potential_has_the_zero_of_the_reference(distillation):
    outputs, _ = distillation
    frames = Frames.concatenate(node.get_frames() for node in outputs['reference'].values())
    predicted = evaluate(outputs['potential'].get_mtp(), frames)
    assert np.abs((predicted.energies - frames.energies) / frames.sizes).max() < 2e-3
    assert sorted(outputs['potential'].compositions) == [[0, 1], [1, 3]]


def test_labels_of_both_kinds_go_together(distillation):
    outputs, _ = distillation
    distilled = Frames.concatenate(node.get_frames() for node in outputs['distilled'].values())
    assert set(distilled.methods) == {'teacher, shifted to truth'}
    reference = Frames.concatenate(node.get_frames() for node in outputs['reference'].values())
    assert set(reference.methods) == {'truth'}
    energies = dict(zip(distilled.hashes(), distilled.energies, strict=True))
    same = [(energies[value], reference.energies[i]) for i, value in enumerate(reference.hashes()) if value in energies]
    assert len(same) >= 3
    assert np.ptp(same, axis=1).max() < 1e-6


def test_errors_are_those_of_labels_that_nobody_has_learned_from(distillation, results):
    first = results.rounds[0]
    assert (first.n_fresh, first.n_chosen, first.n_failed) == (3, 3, 0)
    assert first.teacher.n_frames == 6
    assert first.teacher.force_ev_per_angstrom < 1e-9
    assert first.teacher.energy_mev_per_atom < 1e-3
    assert 0 < first.student.force_ev_per_angstrom < 0.1
    assert any('two methods, truth and teacher' in doubt for doubt in results.doubts)


def test_student_learns_from_both_with_weights(distillation, results):
    _, node = distillation
    campaign = node.base.links.get_outgoing(link_label_filter='round_02_campaign').one().node
    assert set(campaign.inputs.initial_training) >= {'reference'}
    assert campaign.inputs.options['allow_mixed_methods']
    weights = campaign.inputs.training.parameters['weights']
    assert weights == {'initial_reference': results.rounds[0].weight}
    held = [one.n_frames for name, one in campaign.inputs.initial_training.items() if name != 'reference']
    assert weights['initial_reference'] == max(1, round(sum(held) / 6))
    assert campaign.inputs.initial_training.reference.methods == {'truth, shifted to teacher': 6}


def test_no_label_of_the_reference_is_bought_twice(distillation):
    outputs, _ = distillation
    hashes = [value for node in outputs['reference'].values() for value in node.hashes]
    assert len(set(hashes)) == len(hashes)

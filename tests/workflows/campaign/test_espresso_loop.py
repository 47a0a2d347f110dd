"""A small campaign whose labels are those of pw.x: LiF, eight atoms, few labels, and nothing in it is pretended.

At Γ and 25 Ry its numbers are no physics, but those of pw.x all the same. Whether two iterations are enough for the
potential to survive is not what is tested: that frames of explorations are labelled by pw.x and learned is.
"""

import pytest
from aiida import orm
from aiida.engine import run_get_node

pytest.importorskip('aiida_quantumespresso')

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.history import CampaignHistory
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from tests.espresso.fixtures import FAMILY, SCHEDULER, lif

pytestmark = pytest.mark.slow

MD = {'timestep': 1.0, 'n_steps': 200, 'dump_every': 20, 'thermo_every': 50}
OVERRIDES = {
    'engines': {'reference': 'quantumespresso'},
    'options': {
        'seed': 5, 'max_iterations': 2, 'max_labels': 16,
        'untrained': {'level': 6, 'min_dist': 1.2, 'max_dist': 4.5},
        'bootstrap': {'n_perturbed': 4, 'temperatures': [100.0, 300.0], 'strain': 0.01},
        'exploration': {'conditions': [{**MD, 'temperature': 100.0}, {**MD, 'temperature': 300.0}]},
        'filters': {'min_distance': 1.2, 'max_force': 20.0, 'max_grade': 1e9},  # few labels: all grades are high
        'selection': {'max_frames': 2},
        'held_out': None,
    },
    'reference': {
        'options': SCHEDULER,
        'parameters': {'potential_family': FAMILY, 'ecutwfc': 25.0, 'trust_cutoff': True, 'kspacing': 2.0},
        'max_concurrent': 2,
    },
    'training': {'parameters': {'iteration_limit': 20}},
}  # fmt: skip


def test_campaign(code, pw_code, pseudo_family):
    codes = {
        'reference': pw_code, 'training': code('seimlip.mlip3.train', 'seimlip-mlp'),
        'exploration': code('seimlip.lammps', 'seimlip-lmp'),
    }  # fmt: skip
    start = FramesData.from_atoms([lif(1, cubic=True)])
    builder = ActiveLearningWorkChain.get_builder_from_protocol(
        codes, {'lif': start}, species=['Li', 'F'], protocol='demo', overrides=OVERRIDES
    )
    outputs, node = run_get_node(builder)
    codes_of_end = ActiveLearningWorkChain.exit_codes
    ends = {0, codes_of_end.ERROR_ITERATIONS_EXHAUSTED.status, codes_of_end.ERROR_LABEL_BUDGET_EXHAUSTED.status}
    assert node.exit_status in ends, node.exit_message
    history = CampaignHistory(**outputs['history'].get_dict())
    assert len(outputs['training']) > 1, 'no frame of an exploration was learned'
    for frames in outputs['training'].values():
        assert set(frames.methods) == {f'PBE/{FAMILY}'}
        assert set(frames.energy_kinds) == {'free'}
    jobs = [child for child in node.called_descendants if child.process_type == 'aiida.calculations:quantumespresso.pw']
    assert isinstance(jobs[0], orm.CalcJobNode)
    assert len(jobs) >= history.n_labels > 4
    trained = [record for record in history.iterations if record.potential_uuid]
    assert trained[-1].train_errors.n_frames == history.n_labels

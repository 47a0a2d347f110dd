"""Grow a moment tensor potential for Li2CO3: ``verdi run examples/01_active_learning.py [--small]``.

It needs the codes that ``aiida-seimlip setup`` registers, and takes some minutes on two cores. With ``--small`` it is
half a minute, and one iteration: enough to see that everything works, not enough for a potential of any use.
"""

import sys

from aiida.engine import run_get_node
from aiida.plugins import DataFactory, WorkflowFactory

from aiida_seimlip.science.structures.crystals import li2co3

ActiveLearningWorkChain = WorkflowFactory('seimlip.active_learning')
FramesData = DataFactory('seimlip.frames')

crystal = li2co3().repeat((1, 2, 1))
overrides = {'options': {'seed': 1}}
if '--small' in sys.argv:
    crystal = li2co3()
    overrides = {
        'options': {
            'seed': 1,
            'max_iterations': 1,
            'untrained': {'level': 6, 'max_dist': 4.0},
            'bootstrap': {'n_perturbed': 6, 'temperatures': [100.0, 300.0]},
            'exploration': {'conditions': [{'temperature': 100.0, 'n_steps': 50, 'dump_every': 10}]},
            'filters': {'max_grade': 1.0e6},
            'selection': {'max_frames': 2},
            'held_out': None,
        },
        'training': {'parameters': {'iteration_limit': 10}},
    }

builder = ActiveLearningWorkChain.get_builder_from_protocol(
    codes={
        'reference': 'python@localhost',
        'training': 'seimlip-mlp@localhost',
        'exploration': 'seimlip-lmp@localhost',
    },
    structures={'crystal': FramesData.from_atoms([crystal])},
    species=['Li', 'C', 'O'],
    protocol='demo',
    overrides=overrides,
)
results, node = run_get_node(builder)

print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
if results['history'].get_dict()['held_out']:
    print('Held-out frames:', results['history']['held_out']['errors'])
print(f'Look at it: aiida-seimlip report {node.pk}')

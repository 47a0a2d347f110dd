"""Grow a moment tensor potential for Li2CO3: ``verdi run examples/01_active_learning.py``.

It needs the codes that ``aiida-seimlip setup`` registers, and takes some minutes on two cores.
"""

from aiida.engine import run_get_node
from aiida.plugins import DataFactory, WorkflowFactory

from aiida_seimlip.science.structures.crystals import li2co3

ActiveLearningWorkChain = WorkflowFactory('seimlip.active_learning')
FramesData = DataFactory('seimlip.frames')

builder = ActiveLearningWorkChain.get_builder_from_protocol(
    codes={
        'reference': 'python@localhost',
        'training': 'seimlip-mlp@localhost',
        'exploration': 'seimlip-lmp@localhost',
    },
    structures={'crystal': FramesData.from_atoms([li2co3().repeat((1, 2, 1))])},
    species=['Li', 'C', 'O'],
    protocol='demo',
    overrides={'options': {'seed': 1}},
)
results, node = run_get_node(builder)

print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
if 'held_out' in results['history']:
    print('Held-out frames:', results['history']['held_out']['errors'])
print(f'Look at it: aiida-seimlip report {node.pk}')

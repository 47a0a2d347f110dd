"""Make two amorphous cells of the interphase's salts: ``verdi run examples/07_starts.py [--small]``.

It needs the codes that ``aiida-seimlip setup`` registers and, for 7net-0, ``pip install torch sevenn``: some minutes on
two cores. With ``--small`` a toy model stands in, and it is a matter of seconds: enough to see that everything works.
"""

import sys

from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory

from aiida_seimlip.functions.starts.split import split_starts

StartsWorkChain = WorkflowFactory('seimlip.starts')

recipe = {
    'compositions': {'carbonate': {'Li2CO3': 8}, 'mixture': {'Li2EDC': 2, 'Li2CO3': 3, 'LiPF6': 1}},
    'seed': 1,
}
overrides = {}
if '--small' in sys.argv:
    recipe = {'compositions': {'fluoride': {'LiF': 6}, 'metal': {'LiF': 3, 'Li': 6}}, 'packing': {'method': 'random'}}
    overrides = {
        'condensation': {
            'parameters': {
                'calculator': {'name': 'lj', 'kwargs': {'sigma': 1.9, 'epsilon': 0.2, 'rc': 5.0}},
                'processes': 1,
                'condense': {
                    'stages': [
                        {'kind': 'relax', 'max_steps': 20},
                        {'kind': 'relax_cell', 'pressure': 1.0, 'max_steps': 20},
                        {'kind': 'relax_cell', 'max_steps': 20},
                    ]
                },
            }
        }
    }

builder = StartsWorkChain.get_builder_from_protocol(
    codes={'condensation': 'python@localhost'}, recipe=recipe, overrides=overrides
)
results, node = run_get_node(builder)

print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
for start in results['table'].get_dict()['starts']:
    densities = f'{start["packed_density"]:.2f} -> {start["density"] or 0:.2f} g/cm3'
    print(f'  {start["name"]}: {start["formula"]}, {densities}, {start["verdict"]} {start["reason"] or ""}')
if 'frames' in results:
    print('Starts for a campaign:', ', '.join(split_starts(results['frames'], results['table'])))
print(f'Look at them: aiida-seimlip report {node.pk}')

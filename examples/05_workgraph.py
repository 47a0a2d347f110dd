"""Grow a potential and find a diffusivity with it, in one graph of aiida-workgraph.

``verdi run examples/05_workgraph.py [--small]``, after ``pip install 'aiida-seimlip[workgraph]'`` and
``aiida-seimlip setup``. It takes half an hour on two cores; with ``--small`` a minute, which is enough to see that
everything works, not for numbers of any use.
"""

import sys

from aiida import orm
from aiida.plugins import DataFactory, WorkflowFactory
from aiida_workgraph import WorkGraph, spec, task

from aiida_seimlip.functions.structure.defects import make_vacancy
from aiida_seimlip.science.structures.crystals import li2co3

ActiveLearningWorkChain = WorkflowFactory('seimlip.active_learning')
DiffusivityWorkChain = WorkflowFactory('seimlip.diffusivity')
FramesData = DataFactory('seimlip.frames')

crystal = FramesData.from_atoms([li2co3()])
supercell = {'matrix': [1, 2, 1]}
campaign_overrides, diffusivity_overrides = {'options': {'seed': 1}}, {}
if '--small' in sys.argv:
    campaign_overrides = {
        'options': {
            'seed': 1,
            'max_iterations': 1,
            'untrained': {'level': 6, 'max_dist': 4.0},
            'bootstrap': {'n_perturbed': 6, 'temperatures': [100.0, 300.0]},
            'exploration': {
                # Thresholds beyond all grades: so few frames teach nothing, and the campaign is to end well.
                'threshold_save': 1.0e6,
                'threshold_break': 1.0e7,
                'conditions': [{'temperature': 100.0, 'n_steps': 20, 'dump_every': 10}],
            },
            'held_out': None,
        },
        'training': {'parameters': {'iteration_limit': 10}},
    }
    diffusivity_overrides = {
        'options': {
            'temperatures': [20.0, 40.0],
            'dynamics': {'equilibration_steps': 20, 'production_steps': 200, 'track_every': 2, 'dump_every': 20},
            'domain': {'threshold': 1.0e7},
        }
    }

campaign = ActiveLearningWorkChain.get_builder_from_protocol(
    codes={
        'reference': 'python@localhost',
        'training': 'seimlip-mlp@localhost',
        'exploration': 'seimlip-lmp@localhost',
    },
    structures={'crystal': crystal},
    species=['Li', 'C', 'O'],
    protocol='demo',
    overrides=campaign_overrides,
)
diffusivity = DiffusivityWorkChain.get_builder_from_protocol(
    codes={'dynamics': 'seimlip-lmp@localhost'},
    structure=crystal,  # until the graph brings the one with a vacancy
    protocol='demo',
    overrides=diffusivity_overrides,
)

graph = WorkGraph('potential_and_diffusivity')
# A calcfunction does not say which outputs it has: name them, so that they can be linked.
vacancy = graph.add_task(
    task(outputs=spec.namespace(structure=FramesData, record=orm.Dict))(make_vacancy),
    name='vacancy',
    structure=crystal,
    parameters=orm.Dict({'symbol': 'Li', 'supercell': supercell}),
)
learning = graph.add_task(campaign, name='campaign')
diffusing = graph.add_task(diffusivity, name='diffusivity')
diffusing.set_inputs({'structure': vacancy.outputs.structure, 'potential': learning.outputs.potential})
graph.run()

node = graph.process
for step in (vacancy, learning, diffusing):
    process = step.process  # None where a step was skipped, as one before it had failed
    print(f'{step.name}: {step.state.lower()}', '' if process is None else f'<{process.pk}>')
print(f'Look at it: verdi process status {node.pk}')

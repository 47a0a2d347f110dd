"""Ask the provenance graph about the campaigns in a profile: ``verdi run examples/01b_queries.py``."""

import numpy as np
from aiida import orm
from aiida.plugins import CalculationFactory, DataFactory, WorkflowFactory

ActiveLearningWorkChain = WorkflowFactory('seimlip.active_learning')
FramesData = DataFactory('seimlip.frames')
PotentialData = DataFactory('seimlip.potential')
TrainCalculation = CalculationFactory('seimlip.mlip3.train')

print('All potentials of each campaign, and their errors on what they were trained on')
query = orm.QueryBuilder()
query.append(ActiveLearningWorkChain, tag='campaign', project='id')
query.append(orm.WorkChainNode, with_incoming='campaign', tag='stage')
query.append(TrainCalculation, with_incoming='stage', tag='training')
query.append(
    PotentialData, with_incoming='training', edge_filters={'label': 'potential'}, project=['id', 'attributes.level']
)
query.append(
    orm.Dict, with_incoming='training', edge_filters={'label': 'errors'}, project='attributes.energy_per_atom.rms'
)
query.order_by({'training': 'id'})
for campaign, potential, level, error in query.all():
    known = 'unknown' if error is None else f'{1000 * error:.2f} meV/atom'
    print(f'  campaign {campaign}: potential {potential}, level {level}, {known}')

print('All frames with a grade above 5 that were learned from')
query = orm.QueryBuilder()
known = {'attributes.grade_max': {'>': 5}, 'attributes.is_labelled': True}
query.append(FramesData, tag='frames', filters=known, project='*')
query.append(TrainCalculation, with_incoming='frames')
query.distinct()
for node in query.all(flat=True):
    frames = node.get_frames()
    steps = np.full(len(frames), -1) if frames.origin_steps is None else frames.origin_steps
    for index in np.flatnonzero(frames.grades > 5):
        where = f'MD step {steps[index]}' if steps[index] >= 0 else 'not from molecular dynamics'
        print(f'  frame {index} of {node.pk}: grade {frames.grades[index]:.1f}, {where}')

print('Who labelled the frames that were learned from')
query = orm.QueryBuilder()
query.append(FramesData, tag='frames', project=['id', 'attributes.methods'])
query.append(TrainCalculation, with_incoming='frames')
query.distinct()
for pk, methods in query.all():
    counts = ', '.join(f'{count} by {method or "an unknown method"}' for method, count in (methods or {}).items())
    print(f'  node {pk}: {counts or "unknown"}')

print('What each potential was trained on')
query = orm.QueryBuilder()
query.append(FramesData, tag='frames', project=['id', 'attributes.n_frames'])
query.append(TrainCalculation, with_incoming='frames', tag='training')
query.append(PotentialData, with_incoming='training', edge_filters={'label': 'potential'}, project='id')
query.order_by({'training': 'id'})
for frames, n_frames, potential in query.all():
    print(f'  potential {potential}: {n_frames} frames of node {frames}')

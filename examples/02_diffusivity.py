"""Find how fast lithium diffuses in Li2CO3: ``verdi run examples/02_diffusivity.py [POTENTIAL] [--small]``.

POTENTIAL is the PK or UUID of a potential, by default that of the last campaign (example 01). It takes some minutes on
two cores; with ``--small`` half a minute, which is much too short for a diffusion coefficient.
"""

import sys

from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import DataFactory, WorkflowFactory

from aiida_seimlip.functions.structure.defects import make_vacancy
from aiida_seimlip.science.structures.crystals import li2co3

DiffusivityWorkChain = WorkflowFactory('seimlip.diffusivity')
FramesData = DataFactory('seimlip.frames')

given = [argument for argument in sys.argv[1:] if not argument.startswith('-')]
if given:
    potential = orm.load_node(given[0])
else:
    query = orm.QueryBuilder().append(WorkflowFactory('seimlip.active_learning'), tag='campaign')
    query.append(DataFactory('seimlip.potential'), with_incoming='campaign', edge_filters={'label': 'potential'})
    potential = query.order_by({'campaign': {'ctime': 'desc'}}).first(flat=True)
    if potential is None:
        sys.exit('No campaign has grown a potential yet: run example 01, or name a potential.')

# Without a defect, nothing in the crystal moves on: take out one lithium ion.
crystal = FramesData.from_atoms([li2co3()])
vacancy = make_vacancy(crystal, orm.Dict({'symbol': 'Li', 'supercell': {'matrix': [1, 2, 1]}}))

overrides = {}
if '--small' in sys.argv:
    overrides['options'] = {
        'temperatures': [200.0, 300.0],
        'dynamics': {'equilibration_steps': 100, 'production_steps': 400, 'track_every': 4, 'dump_every': 40},
    }

builder = DiffusivityWorkChain.get_builder_from_protocol(
    codes={'dynamics': 'seimlip-lmp@localhost'},
    structure=vacancy['structure'],
    potential=potential,
    protocol='demo',
    overrides=overrides,
)
results, node = run_get_node(builder)

print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
if 'diffusivity' in results:
    found = results['diffusivity'].get_dict()
    for point in found['points']:
        if point['D'] is not None:
            low, high = point['D_interval']
            print(
                f'{point["temperature"]:6g} K: D = {point["D"]:.2e} m²/s (95 %: {low:.1e} to {high:.1e}), '
                f'{100 * (point["share_above_threshold"] or 0):.0f} % of the frames out of domain. '
                f'{"; ".join(point["flags"])}'
            )
    if found['arrhenius'] is not None:
        low, high = found['arrhenius']['Ea_interval']
        print(f'Activation energy: {found["arrhenius"]["Ea"]:.2f} eV (95 %: {low:.2f} to {high:.2f})')
print(f'Look at it: aiida-seimlip report {node.pk}')

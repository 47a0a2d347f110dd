"""Find the barrier that lithium crosses in Li2CO3: ``verdi run examples/04_neb.py [POTENTIAL] [--small]``.

POTENTIAL is the PK or UUID of a potential, by default that of the last campaign (example 01). The path is found with
the potential, and GFN1-xTB checks its images. It takes some minutes on two cores, half a minute with ``--small``.
"""

import sys

from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import DataFactory, WorkflowFactory

from aiida_seimlip.functions.structure.defects import make_end_points
from aiida_seimlip.science.structures.crystals import li2co3

NEBWorkChain = WorkflowFactory('seimlip.neb')
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

# The shortest of the distinct hops of a lithium ion into a vacancy next to it; the atoms of both ends are in one order.
cell, overrides = [1, 2, 1], {}
if '--small' in sys.argv:
    cell = [1, 1, 1]
    overrides = {
        'options': {'n_images': 1, 'relax': {'fmax': 0.5, 'max_steps': 20}},
        'path': {'parameters': {'fmax': 0.5, 'max_steps': 30}},
        'reference': {'parameters': {'processes': 1}},
    }
ends = make_end_points(
    FramesData.from_atoms([li2co3()]), orm.Dict({'mechanism': 'vacancy', 'symbol': 'Li', 'supercell': {'matrix': cell}})
)

builder = NEBWorkChain.get_builder_from_protocol(
    codes={'path': 'python@localhost', 'reference': 'python@localhost'},
    initial=ends['initial'],
    final=ends['final'],
    potential=potential,
    protocol='demo',
    overrides=overrides,
)
results, node = run_get_node(builder)

print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
if 'barrier' in results:
    found = results['barrier'].get_dict()
    print(f'Barrier: {found["forward"]:.3f} eV forward, {found["backward"]:.3f} eV back; fmax {found["fmax"]:.2f} eV/Å')
    if found['share_above_threshold'] is not None:
        print(f'{100 * found["share_above_threshold"]:.0f} % of the images have a grade above {found["threshold"]:g}')
    if found['reference'] is not None:
        checked, error = found['reference']['forward'], found['reference']['error_mev']['forward']
        print(f'GFN1-xTB on the same images: {checked:.3f} eV; the potential is off by {error:.0f} meV')
print(f'Look at it: aiida-seimlip report {node.pk}')

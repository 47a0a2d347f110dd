"""See what a potential makes of a crystal: ``verdi run examples/08_crystals.py [POTENTIAL] [--small]``.

POTENTIAL is the PK or UUID of a potential, by default that of the last campaign (example 01). Lattice, stiffness and
phonons of Li2CO3 are found with the potential, and the lattice with GFN1-xTB, the reference of example 01, as well.
Phonons need the extra `phonons`. It takes some minutes on two cores; with ``--small`` only the stiffness is found, from
one strain.
"""

import sys

from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import DataFactory, WorkflowFactory

given = [argument for argument in sys.argv[1:] if not argument.startswith('-')]
if given:
    potential = orm.load_node(given[0])
else:
    query = orm.QueryBuilder().append(WorkflowFactory('seimlip.active_learning'), tag='campaign')
    query.append(DataFactory('seimlip.potential'), with_incoming='campaign', edge_filters={'label': 'potential'})
    potential = query.order_by({'campaign': {'ctime': 'desc'}}).first(flat=True)
    if potential is None:
        sys.exit('No campaign has grown a potential yet: run example 01, or name a potential.')

is_small = '--small' in sys.argv
for name in ('elastic',) if is_small else ('relax', 'elastic', 'phonon'):
    reference = {'calculators': {'xtb': {'name': 'tblite'}}, 'reference': 'xtb'} if name == 'relax' else {}
    builder = WorkflowFactory(f'seimlip.{name}').get_builder_from_protocol(
        codes={'potentials': 'python@localhost'},
        potentials={'grown': potential},
        crystals=['Li2CO3-monoclinic'],
        protocol='demo' if is_small else 'balanced',
        overrides={'options': {'minimum': {'max_steps': 20}}} if is_small else {},
        **reference,
    )
    results, node = run_get_node(builder)
    print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
    (crystal,) = results['properties']['crystals']
    found = crystal['models']['grown']
    if name == 'relax':
        deviation = crystal['deviations']['grown']['xtb']
        print(
            'against GFN1-xTB: ' + ', '.join(f'{axis} {deviation[axis]:+.1f} %' for axis in ('a', 'b', 'c', 'volume'))
        )
    if name == 'elastic':
        for ions, stiffness in found['stiffness'].items():
            moduli = stiffness['moduli']
            words = 'is not stable' if moduli is None else f'has a bulk modulus of {moduli["bulk_hill_gpa"]:.0f} GPa'
            print(f'ions {ions}: the crystal {words}')
    if name == 'phonon':
        highest, n_points = found['highest_frequency_thz'], found['n_imaginary_points']
        print(f'highest frequency {highest:.1f} THz, imaginary modes at {n_points} points')
    for doubt in found['doubts']:
        print(f'doubt: {doubt}')
    print(f'Look at it: aiida-seimlip report {node.pk}')

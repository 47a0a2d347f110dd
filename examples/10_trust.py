"""Put a potential to the test: ``verdi run examples/10_trust.py [CAMPAIGN] [--small]``.

CAMPAIGN is the PK or UUID of a campaign, by default the last one (example 01). Its potential is compared with the
labels of the frames that the campaign held out, and calibrated by them if they are enough; then the surface energy of
Li2CO3(001) is found with it, which takes a minute or so. With ``--small`` the surface is left out.
"""

import sys

from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory

given = [argument for argument in sys.argv[1:] if not argument.startswith('-')]
if given:
    campaign = orm.load_node(given[0])
else:
    query = orm.QueryBuilder().append(WorkflowFactory('seimlip.active_learning'), tag='campaign')
    campaign = query.order_by({'campaign': {'ctime': 'desc'}}).first(flat=True)
    if campaign is None:
        sys.exit('No campaign has grown a potential yet: run example 01, or name a campaign.')
if 'held_out' not in campaign.outputs:
    sys.exit(f'The campaign {campaign.pk} held out no frames (its option `held_out`).')
potential, frames = campaign.outputs.potential, campaign.outputs.held_out


def run(name, *arguments, **settings):
    """Run a workflow from its protocol `demo`, and return its outputs and its node."""
    builder = WorkflowFactory(f'seimlip.{name}').get_builder_from_protocol(*arguments, protocol='demo', **settings)
    results, node = run_get_node(builder)
    print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
    print(f'Look at it: aiida-seimlip report {node.pk}')
    return results, node


codes = {'potentials': 'python@localhost'}
results, node = run(
    'evaluate', codes, potentials={'grown': potential}, frames={'held_out': frames}, reference='labels'
)  # fmt: skip
found = results['properties']['models']['grown']
energy, force = (found['total'][name]['rmse'] for name in ('energy_mev_per_atom', 'force_ev_per_angstrom'))
print(f'errors on {frames.n_frames} frames: {energy["value"]:.1f} meV/atom, {force["value"]:.3f} eV/Å')

if frames.n_frames < 38:
    print('These are too few to calibrate the potential by: the quantile of 95 % takes 38.')
else:
    results, node = run('calibrate', potential=potential, frames=frames)
    for doubt in results['properties']['doubts']:
        print(f'doubt: {doubt}')
    potential = results.get('potential', potential)

if '--small' not in sys.argv:
    settings = {'crystals': ['Li2CO3-monoclinic'], 'overrides': {'options': {'miller': [[0, 0, 1]]}}}
    results, node = run('surface', codes, potentials={'grown': potential}, **settings)
    (crystal,) = results['properties']['crystals']
    for surface in crystal['models']['grown']['surfaces']:
        for ions, energies in surface['energies'].items():
            value = energies['surface_energy_j_per_m2']
            print(f'{surface["miller"]} {surface["bottom"]}/{surface["top"]}, ions {ions}: {value:.3f} J/m²')

"""Find the ionic conductivity of Li2CO3: ``verdi run examples/03_conductivity.py [DIFFUSIVITY]``.

DIFFUSIVITY is the PK or UUID of a diffusivity that has ended, by default the last one (example 02). Only the analysis
is run, which takes some seconds.
"""

import sys

from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory

ConductivityWorkChain = WorkflowFactory('seimlip.conductivity')

given = [argument for argument in sys.argv[1:] if not argument.startswith('-')]
if given:
    diffusivity = orm.load_node(given[0])
else:
    query = orm.QueryBuilder().append(WorkflowFactory('seimlip.diffusivity'), tag='diffusivity')
    query.append(orm.Dict, with_incoming='diffusivity', edge_filters={'label': 'diffusivity'})
    query.add_projection('diffusivity', '*')
    diffusivity = query.order_by({'diffusivity': {'ctime': 'desc'}}).first(flat=True)
    if diffusivity is None:
        sys.exit('There is no diffusivity yet: run example 02, or name one.')

# The charge is carried by all lithium ions: each of them takes part in the diffusion coefficient. `paper` counts the
# one defect in the cell instead.
builder = ConductivityWorkChain.get_builder_from_protocol(diffusivity=diffusivity, protocol='demo')
results, node = run_get_node(builder)

print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
if 'conductivity' in results:
    found = results['conductivity'].get_dict()
    print(found['counted_as'])
    for point in found['points']:
        if point['sigma'] is not None:
            low, high = point['sigma_interval']
            print(
                f'{point["temperature"]:6g} K: σ = {point["sigma"]:.2e} S/m (95 %: {low:.1e} to {high:.1e}) '
                f'with {point["carrier_density"]:.2e} carriers per m³. {"; ".join(point["flags"])}'
            )
        if point['haven_ratio'] is not None:
            low, high = point['haven_ratio_interval']
            print(f'          collective: {point["collective_sigma"]:.2e} S/m; Haven ratio {low:.1g} to {high:.1g}')
print(f'Look at it: aiida-seimlip report {node.pk}')

"""Lay lithium on lithium carbonate: ``verdi run examples/09_interfaces.py [POTENTIAL] [--small]``.

POTENTIAL is the PK or UUID of a potential that knows both; without it 7net-0 is taken (``pip install torch sevenn``).
Li(110), Li(111) and Li(001) are matched with Li2CO3(001), registry and gap are scanned, and the best are relaxed and
moved for some picoseconds: an hour or so on two cores. With ``--small`` a toy model stands in for one face and nothing
is relaxed to the end, which is a matter of seconds: enough to see that everything works.
"""

import sys

from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory

is_small = '--small' in sys.argv
given = [argument for argument in sys.argv[1:] if not argument.startswith('-')]
faces = {'film_miller': [[1, 1, 0], [1, 1, 1], [0, 0, 1]], 'substrate_miller': [[0, 0, 1]]}
dynamics = {'temperature': 300.0, 'n_steps': 10000, 'sample_every': 200, 'seed': 1}
options = {**faces, 'dynamics': dynamics}
model = {'calculators': {'teacher': {'name': 'sevennet'}}}
if given:
    model = {'potentials': {'grown': orm.load_node(given[0])}}
if is_small:
    options = {
        'film_miller': [[1, 1, 1]], 'film_thickness': 12.0, 'shift_spacing': 2.5, 'gaps': [2.0, 2.5],
        'minimum': None, 'relaxation_of_ions': {'fmax': 1.0, 'max_steps': 3},
        'dynamics': {**dynamics, 'temperature': 50.0, 'n_steps': 10, 'sample_every': 5},
    }  # fmt: skip
    toy = {'name': 'lj', 'kwargs': {'sigma': 1.1, 'epsilon': 0.05, 'rc': 3.0, 'smooth': True}}
    model = {'calculators': {'toy': toy}}

builder = WorkflowFactory('seimlip.interface').get_builder_from_protocol(
    codes={'potentials': 'python@localhost'}, film='Li-bcc', substrate='Li2CO3-monoclinic',
    protocol='demo' if is_small else 'balanced', overrides={'options': options}, **model,
)  # fmt: skip
results, node = run_get_node(builder)

print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
if 'properties' in results:
    for entry in results['properties']['interfaces']:
        print(
            f'{entry["name"]}: {entry["area_angstrom2"]:.0f} Å², {entry["n_film_atoms"] + entry["n_substrate_atoms"]} '
            f'atoms, misfit {entry["misfit_percent"]:.1f} %'
        )
        for name, found in entry['models'].items():
            if found['best'] is not None:
                best = found['candidates'][found['best']]
                energies = [best['interface_energy_j_per_m2'], best['work_of_adhesion_j_per_m2']]
                print(f'  {name}: interface energy {energies[0]:.3f} J/m², work of adhesion {energies[1]:.3f} J/m²')
if 'dynamics' in results:
    for run in results['dynamics']['runs']:
        print(f'{run["interface"]}, {run["model"]}: {run["failure"] or run["sentence"]}')
print(f'Look at it: aiida-seimlip report {node.pk}')

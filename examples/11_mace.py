"""Train MACE on the labels of a campaign, and compare the two: ``verdi run examples/11_mace.py [CAMPAIGN] [--small]``.

CAMPAIGN is the PK or UUID of a campaign with a moment tensor potential, labels by a calculator of ASE and held-out
frames; by default it is that of the archive ``li2co3.aiida``. It needs the codes that ``aiida-seimlip setup``
registers, and ``python-mace``, a Python interpreter with mace-torch (``make mace``). A committee of two small models
learns from the frames that the potential has learned from, in some two minutes on two cores; with ``--small`` it does
few epochs. Both are compared on the frames that the campaign has held out.
"""

import sys
from pathlib import Path

from aiida import orm
from aiida.common.exceptions import NotExistent
from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory
from aiida.tools.archive import import_archive
from tabulate import tabulate

try:
    code = orm.load_code('python-mace@localhost')
except NotExistent:
    sys.exit(
        'There is no code `python-mace@localhost`: `make mace`, then see "MACE from the same labels" in README.md.'
    )

given = [argument for argument in sys.argv[1:] if not argument.startswith('-')]
if given:
    campaign = orm.load_node(given[0])
else:
    import_archive(Path(sys.argv[0]).with_name('li2co3.aiida'))  # `verdi run` gives no folder in __file__
    filters = {'attributes.process_label': 'ActiveLearningWorkChain', 'label': 'li2co3-example'}
    campaign = orm.QueryBuilder().append(orm.WorkChainNode, filters=filters).first(flat=True)
if 'held_out' not in campaign.outputs:
    sys.exit(f'The campaign {campaign.pk} held out no frames (its option `held_out`).')
potential, frames = campaign.outputs.potential, campaign.outputs.held_out
calculator = campaign.inputs.reference.parameters.get_dict()['calculator']


def run(name, codes, **settings):
    """Run a workflow from its protocol `demo`, and return its outputs and its node."""
    workflow = WorkflowFactory(f'seimlip.{name}')
    results, node = run_get_node(workflow.get_builder_from_protocol(codes, protocol='demo', **settings))
    print(f'{node.process_label} <{node.pk}> ended with status {node.exit_status}. {node.exit_message or ""}')
    print(f'Look at it: aiida-seimlip report {node.pk}')
    return results, node


# Energies of isolated atoms are computed by the calculator of the labels: MACE begins from them.
parameters = {'committee': 2, 'num_channels': 16, 'max_num_epochs': 10 if '--small' in sys.argv else 60}
results, node = run(
    'train',
    {'training': code, 'reference': 'python@localhost'},
    frames=campaign.outputs.training,
    overrides={'training': {'parameters': parameters}, 'reference': {'parameters': {'calculator': calculator}}},
)
mace = results['potential']
print(f'{len(mace.members)} members; the expected error of a force is {mace.deviation_scale:.1f} times their deviation')

results, node = run(
    'compare',
    {'mtp': 'python@localhost', 'mace': code},
    potentials={'mtp': potential, 'mace': mace},
    reference='labels',
    frames={'held_out': frames},
)
found = results['comparison'].get_dict()
rows = [
    [quantity['name'], quantity['unit'], *(quantity['values'][model]['value'] for model in ('mtp', 'mace'))]
    for quantity in found['quantities']
    if not quantity['of']
]
print(tabulate(rows, headers=(f'errors on {frames.n_frames} frames', '', 'MTP', 'MACE'), floatfmt='.4g'))
for doubt in found['doubts']:
    print(f'doubt: {doubt}')

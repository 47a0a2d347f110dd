"""Run the campaign in ``li2co3.aiida`` again from its own labels: ``verdi run examples/01c_replay.py``.

It needs the codes that ``aiida-seimlip setup`` registers, and takes about a minute.
"""

import sys
from pathlib import Path

from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory
from aiida.tools.archive import import_archive

from aiida_seimlip.report.campaign.comparison import compare, describe

ActiveLearningWorkChain = WorkflowFactory('seimlip.active_learning')

import_archive(Path(sys.argv[0]).with_name('li2co3.aiida'))  # `verdi run` gives no folder in __file__
query = orm.QueryBuilder().append(ActiveLearningWorkChain, filters={'label': 'li2co3-example'}, tag='campaign')
campaign = query.order_by({'campaign': 'ctime'}).first(flat=True)

builder = ActiveLearningWorkChain.get_builder_to_replay(
    campaign, codes={'training': 'seimlip-mlp@localhost', 'exploration': 'seimlip-lmp@localhost'}
)
_, replay = run_get_node(builder)

print(f'The replay {replay.pk} compared with the original {campaign.pk}:')
print(describe(compare(campaign, replay)))

#!/usr/bin/env bash
# A query for the ancestors of a node returns each of them once for every path to it, and takes as long.
#
# One would expect: of a node with 36 ancestors, `QueryBuilder` with `with_descendants` finds 36, in a time that grows with the nodes
#   and links above it. `distinct` would then be for queries that ask for it.
# What happens: the recursive query of the database follows every path and keeps the paths apart. Where a job has two inputs that come from one
#   job before it, each such step doubles them: 12 calculations give 4,095 rows, and 20 take a thousand times as long as
#   10. `distinct()` drops the repeats at the end, after all of them have been found.
# Whom it costs: who asks what a result stands on in a long chain of jobs with several links from one to the next, such as iterations that
#   each use the data and the model of the one before: active learning, self-consistent loops. On SQLite the query does not
#   come to an end (PostgreSQL was not tried). `aiida.tools.graph.graph_traversers.traverse_graph` walks node by node, and answers at once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'aiida-core==2.9.4'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata
import os
import warnings

warnings.simplefilter('ignore')
os.environ['AIIDA_PATH'] = os.getcwd()

from aiida import load_profile, orm
from aiida.common.links import LinkType
from aiida.manage.configuration import create_profile, get_config
from aiida.tools.graph.graph_traversers import traverse_graph

create_profile(get_config(create=True), name='finding', email='user@localhost', storage_backend='core.sqlite_dos', storage_config={})
load_profile('finding', allow_switch=True)


def chain(n_steps):
    """Return the last node of steps each of which has two inputs from the one before."""
    inputs = [orm.Int(0).store()]
    for _ in range(n_steps):
        function = orm.CalcFunctionNode()
        for number, node in enumerate(inputs):
            function.base.links.add_incoming(node, LinkType.INPUT_CALC, f'x{number}')
        function.store()
        inputs = [orm.Int(0), orm.Int(1)]
        for number, node in enumerate(inputs):
            node.base.links.add_incoming(function, LinkType.CREATE, f'y{number}')
            node.store()
    return inputs[0]


def count(node):
    query = orm.QueryBuilder().append(orm.Node, filters={'id': node.pk}, tag='below')
    return query.append(orm.CalcFunctionNode, with_descendants='below').count()


version = importlib.metadata.version('aiida-core')
rows = {}
for n_steps in (4, 8, 12):
    node = chain(n_steps)
    rows[n_steps] = count(node)
    walked = traverse_graph([node.pk], links_backward=(LinkType.INPUT_CALC, LinkType.CREATE))['nodes']
    print(f'aiida-core {version}: {n_steps} calculations above a node: QueryBuilder counts {rows[n_steps]}; '
          f'a walk finds {len(walked)} nodes of all kinds')
assert all(rows[n_steps] > 2 ** (n_steps - 1) for n_steps in rows), 'the behaviour has changed'
PYTHON

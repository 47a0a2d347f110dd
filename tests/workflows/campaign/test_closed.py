"""What is kept of iterations that are over."""

from aiida import orm
from aiida.orm.utils.serialize import serialize

from aiida_seimlip.workflows.campaign.closed import close_nodes, reopen_nodes
from tests.workflows.campaign.conftest import results


def test_nodes_are_found_again():
    nodes = {f'run_{number:03d}': orm.Int(number).store() for number in (2, 0, 1)}
    found = reopen_nodes(close_nodes(nodes))
    assert {name: node.uuid for name, node in found.items()} == {name: node.uuid for name, node in nodes.items()}
    assert list(found) == list(nodes)
    assert reopen_nodes(close_nodes({})) == {}


def test_context_holds_the_results_of_the_present_iteration_only(generate_campaign, explore, finished):
    process = generate_campaign()
    explore(process, {'run_001': finished(results=results('broke', 12.0))})
    first = process.made['results']['run_000'].uuid
    assert first in serialize(process.ctx.nodes)
    explore(process)
    assert first not in serialize(process.ctx.nodes)
    assert process.results() is None
    history = process.outputs['history'].get_dict()
    assert [record['n_survivors'] for record in history['iterations']] == [1, 4]
    assert history['iterations'][0]['explorations'][1]['outcome'] == 'broke'
    linked = process.outputs['history'].creator.base.links.get_incoming().all_nodes()
    assert first in {node.uuid for node in linked}

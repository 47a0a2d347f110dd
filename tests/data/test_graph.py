"""What stands above and below nodes in the provenance graph."""

import pytest
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.data.graph import find_related


@pytest.fixture
def diamonds():
    """Return the nodes at the top and the bottom of a graph with 2⁴⁰ paths from one to the other."""
    top = data = orm.Int(0).store()
    inputs = [data]
    for level in range(40):
        function = orm.CalcFunctionNode()
        for name, node in enumerate(inputs):
            function.base.links.add_incoming(node, LinkType.INPUT_CALC, f'x{name}')
        function.store()
        inputs = [orm.Int(level) for _ in range(2)]
        for name, node in enumerate(inputs):
            node.base.links.add_incoming(function, LinkType.CREATE, f'y{name}')
            node.store()
    return top, inputs[0]


def test_each_is_found_once_however_many_paths_there_are(diamonds):
    top, bottom = diamonds
    assert len(find_related([bottom], orm.CalcFunctionNode)) == 40
    above = find_related([bottom], orm.Int)
    assert len(above) == 2 * 39 + 1
    assert top.pk in {node.pk for node in above}
    below = find_related([top], orm.Int, down=True)
    assert len(below) == 2 * 40
    assert bottom.pk in {node.pk for node in below}


def test_nothing_stands_on_what_is_not_stored():
    assert find_related([orm.Int(1)], orm.Int) == []
    assert find_related([orm.Int(1).store()], orm.Int) == []

"""What a potential has learned from, read from graphs that are built by hand."""

import pytest
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.learned import training_sets
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.mtp.levels import untrained


def made_by(process, **inputs):
    """Return a potential that a process made from inputs."""
    for label, node in inputs.items():
        process.base.links.add_incoming(node, link_type=LinkType.INPUT_CALC, link_label=label)
    process.store()
    potential = PotentialData.from_mtp(untrained(6, ['Li', 'C', 'O']))
    potential.base.links.add_incoming(process, link_type=LinkType.CREATE, link_label='potential')
    return potential.store()


@pytest.mark.parametrize('prefix', ['training__', 'training_'])
def test_training_sets(aiida_localhost, li2co3, prefix):
    """The inputs of a job have two underscores after the namespace; those of what joins a committee have one."""
    if prefix == 'training__':
        process = orm.CalcJobNode(computer=aiida_localhost)
        process.set_option('resources', {'num_machines': 1})
    else:
        process = orm.CalcFunctionNode()
    first, second, other = (FramesData.from_atoms([li2co3] * number).store() for number in (1, 2, 3))
    inputs = {f'{prefix}iteration_001': second, f'{prefix}iteration_000': first, 'validation_0': other}
    potential = made_by(process, **inputs)
    assert [node.pk for node in training_sets(potential)] == [first.pk, second.pk]


def test_a_potential_of_the_user_has_none():
    assert training_sets(PotentialData.from_mtp(untrained(6, ['Li', 'C', 'O'])).store()) == []

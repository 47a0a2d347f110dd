"""What a nudged elastic band is going to do, counted by hand."""

from aiida import orm

from aiida_seimlip.workflows.barrier.neb import NEBWorkChain
from aiida_seimlip.workflows.estimate.neb import plan_neb


def inputs_of(structure, protocol='demo', **sections):
    found = NEBWorkChain.get_protocol_inputs(protocol, sections)
    path = {'parameters': orm.Dict(found['path']['parameters'])}
    return {'initial': structure, 'final': structure, 'options': orm.Dict(found['options']), 'path': path}


def test_ends_and_band(structure_li2co3):
    """Two ends and five images of 24 atoms, 200 and 300 steps each at most."""
    options, path = {'n_images': 5, 'relax': {'max_steps': 200}}, {'parameters': {'max_steps': 300}}
    found = plan_neb(inputs_of(structure_li2co3, options=options, path=path))
    assert [(work.name, work.atom_steps) for work in found.works] == [
        ('relax the ends', 2 * 24 * 200), ('band of 5 images', 5 * 24 * 300)
    ]  # fmt: skip
    assert found.is_limit


def test_check_with_the_reference(structure_li2co3):
    inputs = inputs_of(structure_li2co3, options={'n_images': 5})
    found = plan_neb({**inputs, 'reference': {'parameters': orm.Dict()}})
    assert (found.works[-1].steps, found.works[-1].unit) == (7, 'frames')


def test_ends_as_they_are(structure_li2co3):
    assert len(plan_neb(inputs_of(structure_li2co3, options={'relax': None})).works) == 1

"""What a diffusivity refuses, and how it says so."""

import pytest
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.workflows.transport.diffusivity import DiffusivityWorkChain
from tests.workflows.transport.walks import OPTIONS, diffusivity_inputs


@pytest.fixture
def inputs(code, potential):
    return diffusivity_inputs(code('seimlip.lammps'), potential)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'options': {**OPTIONS, 'mobile': ['Li']}}, 'names Li as `mobile`, which the input `structure` lacks'),
        ({'potential': None}, 'LAMMPS needs one'),
        ({'engines': {'dynamics': 'gromacs'}}, 'no engine `gromacs`'),
        ({'dynamics': {}}, '`dynamics.code` is missing'),
    ],
)
def test_refused(inputs, changes, message):
    merged = {name: value for name, value in {**inputs, **changes}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        instantiate_process(get_manager().get_runner(), DiffusivityWorkChain, **merged)


def test_several_frames_are_refused(inputs, make_frames):
    with pytest.raises(ValueError, match='holds 2 frames, but the start is one'):
        instantiate_process(get_manager().get_runner(), DiffusivityWorkChain, **{**inputs, 'structure': make_frames(2)})


def test_elements_that_the_potential_lacks_are_refused(inputs, structure_li2co3):
    options = {**OPTIONS, 'mobile': ['Li']}
    with pytest.raises(ValueError, match='does not know'):
        instantiate_process(
            get_manager().get_runner(), DiffusivityWorkChain,
            **{**inputs, 'structure': structure_li2co3, 'options': options},
        )  # fmt: skip


def test_starts_that_cannot_move_are_refused(inputs, unusable_start):
    start, words = unusable_start
    with pytest.raises(ValueError, match=words):
        instantiate_process(get_manager().get_runner(), DiffusivityWorkChain, **{**inputs, 'structure': start})

"""What runs in fields refuse, how they say so, and protocols."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.data.charges import store_charges
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.workflows.estimate import PLANNERS
from aiida_seimlip.workflows.interface.field import FieldWorkChain

CHARGES = {'Li': 1.0, 'C': 4.0, 'O': -2.0}
OPTIONS = {
    'seed': 3, 'temperature': 500.0, 'fields': [(0.0, 0.0, 0.01)], 'replicas': 2, 'charges': CHARGES,
    'dynamics': {
        'equilibration_steps': 1000, 'production_steps': 10_000, 'track_every': 100, 'dump_every': 1000,
    },
}  # fmt: skip
WITHOUT = {**OPTIONS, 'charges': None}


@pytest.fixture
def inputs(code, potential_trained, structure_li2co3):
    return {
        'structure': structure_li2co3, 'potential': potential_trained, 'options': OPTIONS,
        'dynamics': {'code': code('seimlip.lammps')},
    }  # fmt: skip


def make(inputs, **changes):
    merged = {name: value for name, value in {**inputs, **changes}.items() if value is not None}
    return instantiate_process(get_manager().get_runner(), FieldWorkChain, **merged)


def test_accepted(inputs):
    make(inputs)
    make(inputs, options=WITHOUT, charges=store_charges(np.zeros(24)))
    make(inputs, options={**WITHOUT, 'qeq': {}})


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'options': {**OPTIONS, 'charges': {**CHARGES, 'Li': 0.9}}}, r'add up to -0\.8 e .*must be neutral'),
        ({'options': {**OPTIONS, 'charges': {'Li': 1.0}}}, 'no charge for C, O'),
        ({'options': WITHOUT}, 'One source of charges is needed.*none is given'),
        ({'charges': store_charges}, 'One source of charges is needed.*are given'),
        ({'options': {**OPTIONS, 'mobile': ['Na']}}, 'names Na, of which the input `structure` has no atom'),
        ({'options': {**OPTIONS, 'labels': {'M': {'element': 'Li', 'low': 900.0}}}}, 'label `M` holds for no atom'),
        ({'options': {**OPTIONS, 'parts': {'metal': ['M']}}}, 'names M'),
        ({'engines': {'dynamics': 'ase'}}, 'names `ase`, an engine that knows no electric field'),
        ({'engines': {'dynamics': 'gromacs'}}, 'no engine `gromacs`'),
        ({'dynamics': {}}, '`dynamics.code` is missing'),
        (
            {'options': {**OPTIONS, 'dynamics': {**OPTIONS['dynamics'], 'ensemble': 'npt_tri'}}},
            'a barostat does not know of the work along it',
        ),
    ],
)
def test_refused(inputs, changes, message):
    if changes.get('charges') is store_charges:
        changes = {'charges': store_charges(np.zeros(24))}
    with pytest.raises(ValueError, match=message):
        make(inputs, **changes)


def test_wrong_charges_of_atoms(inputs):
    for charges, message in ((np.ones(24), r'sum is \+24 e'), (np.zeros(3), 'has 24 atoms')):
        with pytest.raises(ValueError, match=message):
            make(inputs, options=WITHOUT, charges=store_charges(charges))


def test_elements_without_parameters_of_charge_equilibration(inputs):
    parameters = {'source': 'nobody', 'elements': {'Li': {'chi_ev': -6.0, 'eta_ev': 30.0, 'gamma_per_angstrom': 0.5}}}
    with pytest.raises(ValueError, match=r'no parameters of charge equilibration .* for C, O'):
        make(inputs, options={**WITHOUT, 'qeq': {'parameters': parameters}})


# -- protocols and costs --------------------------------------------------------------------------------------------


def test_there_are_three_protocols():
    assert sorted(FieldWorkChain.get_available_protocols()) == ['balanced', 'demo', 'paper']


@pytest.mark.parametrize('protocol', ['balanced', 'demo', 'paper'])
def test_builder_is_valid(protocol, code, structure_li2co3, potential_trained):
    builder = FieldWorkChain.get_builder_from_protocol(
        {'dynamics': code('seimlip.lammps')}, structure_li2co3, potential_trained, protocol=protocol,
        overrides={'options': {'charges': CHARGES}},
    )  # fmt: skip
    assert builder.options['qeq'] is None
    instantiate_process(get_manager().get_runner(), builder)


def test_paper_finds_its_charges(code, structure_li2co3, potential_trained):
    codes = {'dynamics': code('seimlip.lammps')}
    builder = FieldWorkChain.get_builder_from_protocol(codes, structure_li2co3, potential_trained, protocol='paper')
    options = FieldOptions.from_node(builder.options)
    assert options.fields == [(0.0, 0.0, 0.03)]
    assert options.qeq is not None
    instantiate_process(get_manager().get_runner(), builder)
    own = store_charges(np.zeros(24))
    builder = FieldWorkChain.get_builder_from_protocol(
        codes, structure_li2co3, potential_trained, charges=own, protocol='paper'
    )
    instantiate_process(get_manager().get_runner(), builder)


def test_costs(structure_li2co3, potential_trained):
    """An equilibration for each replica, then a run without and one in each field."""
    options = orm.Dict(FieldOptions(**{**OPTIONS, 'fields': [(0, 0, 0.01), (0, 0.03, 0.04)]}).to_dict())
    inputs = {'structure': structure_li2co3, 'potential': potential_trained, 'options': options}
    plan = PLANNERS['FieldWorkChain'](inputs)
    assert [work.name for work in plan.works] == [
        'check of the start', 'equilibration', 'without a field', 'in 0.01 V/Å', 'in 0.05 V/Å',
    ]  # fmt: skip
    assert {work.n_jobs for work in plan.works[1:]} == {2}
    assert [work.atom_steps for work in plan.works] == [0, 2 * 1000 * 24, *[2 * 10_000 * 24] * 3]
    assert all(work.n_bytes > 2 * 100 * 24 * 3 * 4 for work in plan.works[2:])

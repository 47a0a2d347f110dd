"""Options of the engine ``vasp``: what goes into the INCAR, and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aiida_seimlip.options.ase import MdOptions
from aiida_seimlip.options.vasp import VaspLabelOptions, VaspRecoveryOptions, find_wrong_tags, known_tags


def options(**changes):
    return VaspLabelOptions(potential_family='PBE', **changes)


def test_incar_of_the_defaults():
    assert options().to_incar() == {
        'gga': 'PE', 'encut': 520.0, 'prec': 'Accurate', 'ediff': 1e-6, 'nelm': 100, 'ismear': 0, 'sigma': 0.05,
        'lreal': False, 'lwave': False, 'lcharg': False, 'isif': 2, 'nsw': 0, 'ibrion': -1,
    }  # fmt: skip


@pytest.mark.parametrize(('name', 'tag'), [('d3', 11), ('d3bj', 12)])
def test_dispersion(name, tag):
    assert options(dispersion=name).to_incar()['ivdw'] == tag


def test_further_tags_in_any_case():
    assert options(incar={'LASPH': True, 'ncore': 4}).to_incar()['lasph'] is True
    with pytest.raises(ValidationError, match='given twice'):
        options(incar={'NCORE': 4, 'ncore': 2})


@pytest.mark.parametrize(
    ('tag', 'message'),
    [
        ('nsw', 'not for you to set: whether and how atoms move'),
        ('encut', 'use the option `encut`'),
        ('gga', 'use the option `functional`'),
        ('kspacing', 'no effect'),
        ('lwave', 'folders are cleaned'),
    ],
)
def test_tags_that_the_process_sets(tag, message):
    assert message in VaspLabelOptions.explain({'potential_family': 'PBE', 'incar': {tag: 1}}, 'parameters')


def test_misspelt_tag():
    pytest.importorskip('aiida_vasp')
    message = VaspLabelOptions.explain({'potential_family': 'PBE', 'incar': {'lasp': True}}, 'parameters')
    assert message == 'Input `parameters` is wrong: `incar.lasp` is no tag of the INCAR; did you mean `lasph`?.'


def test_unlisted_tag():
    pytest.importorskip('aiida_vasp')
    given = {'potential_family': 'PBE', 'incar': {'quux_new': 1}}
    assert 'name it in `unlisted_tags`' in VaspLabelOptions.explain(given, 'parameters')
    assert VaspLabelOptions.explain({**given, 'unlisted_tags': ['QUUX_NEW']}, 'parameters') is None


def test_tags_that_are_set_are_known():
    """aiida-vasp accepts each tag that the options themselves make."""
    pytest.importorskip('aiida_vasp')
    dynamics = MdOptions(temperature=300.0, n_steps=10, sample_every=5, seed=1)
    tags = set(options(dispersion='d3').to_dynamics_incar(dynamics, 0, 1, 2)) | {'algo', 'amix', 'bmix', 'kpar'}
    assert tags <= known_tags()


def test_without_a_list_of_tags_only_what_is_set_is_refused():
    assert find_wrong_tags(['ncor', 'nsw'], frozenset()) == find_wrong_tags(['nsw'], known_tags())


def test_potentials():
    found = options(potential_mapping={'Li': 'Li'})
    assert [found.potential_of(element) for element in ('Li', 'Na', 'O', 'Ge')] == ['Li', 'Na_pv', 'O', 'Ge_d']


@pytest.mark.parametrize(
    ('ensemble', 'thermostat', 'tags'),
    [
        ('nvt', 'langevin', {'mdalgo': 3, 'langevin_gamma': [7.0, 7.0, 7.0]}),
        ('nvt', 'nose', {'mdalgo': 0, 'smass': 0}),
        ('nve', 'langevin', {'mdalgo': 0, 'smass': -3}),
    ],
)
def test_dynamics(ensemble, thermostat, tags):
    dynamics = MdOptions(
        temperature=[300.0, 600.0], n_steps=200, sample_every=20, seed=3, ensemble=ensemble, friction=7.0, timestep=1.5
    )
    found = options(thermostat=thermostat).to_dynamics_incar(dynamics, 1, 2, 3)
    assert tags.items() <= found.items()
    assert (found['ibrion'], found['nsw'], found['potim'], found['isif']) == (0, 201, 1.5, 2)
    assert (found['tebeg'], found['teend']) == (600.0, 600.0)
    assert 1 <= found['random_seed'][0] <= 900_000_000
    single_point = options().to_incar()
    assert {tag for tag, value in single_point.items() if found[tag] != value} == {'nsw', 'ibrion'}


def test_dynamics_needs_a_temperature_for_each_frame():
    dynamics = MdOptions(temperature=[300.0], n_steps=10, sample_every=5, seed=3)
    with pytest.raises(ValueError, match='lists 1 temperatures, but there are 2 frames'):
        options().to_dynamics_incar(dynamics, 1, 2, 1)


def test_name_of_the_method():
    family = {'potential_family': 'PBE.54'}
    for changes, name in (
        ({}, 'PBE'),
        ({'functional': 'RPBE', 'dispersion': 'd3'}, 'RPBE+D3'),
        ({'dispersion': 'd3bj', 'incar': {'LDAU': True}}, 'PBE+U+D3(BJ)'),
        ({'incar': {'METAGGA': 'R2SCAN', 'LUSE_VDW': True}}, 'r2SCAN+vdW'),
        ({'incar': {'LHFCALC': True, 'HFSCREEN': 0.2}}, 'HSE06'),
        ({'incar': {'LHFCALC': True}}, 'PBE0'),
        ({'incar': {'LHFCALC': True, 'AEXX': 0.15}}, 'PBE(AEXX=0.15,HFSCREEN=0)'),
        ({'functional': 'PBEsol', 'incar': {'LHFCALC': True}}, 'PBEsol(AEXX=0.25,HFSCREEN=0)'),
        ({'incar': {'LHFCALC': False}}, 'PBE'),
    ):
        assert VaspLabelOptions(**family, **changes).method_name == name


@pytest.mark.parametrize(
    'same', [{'incar': {'ncore': 4, 'algo': 'Fast'}}, {'nelm': 300}, {'recovery': {'enabled': False}}]
)
def test_method_leaves_out_how_the_answer_is_found(same):
    assert options(**same).method(['Li']) == options().method(['Li'])


@pytest.mark.parametrize(
    'other',
    [
        {'encut': 400.0},
        {'incar': {'lasph': True}},
        {'kspacing': 0.2},
        {'dispersion': 'd3'},
        {'sigma': 0.1},
        {'potential_mapping': {'Li': 'Li'}},
        {'ediff': 1e-5},
    ],
)
def test_method_holds_what_changes_labels(other):
    assert options(**other).method(['Li']) != options().method(['Li'])


def test_recovery_steps_are_named_once():
    with pytest.raises(ValidationError, match='named once'):
        VaspRecoveryOptions(scf=['mixing', 'mixing'])

"""The stiffness of crystals by several models."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from ase.units import GPa

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.crystal.results import ElasticComparison
from aiida_seimlip.workflows.crystal.elastic import ElasticWorkChain


def curvature(atoms, strain, step=1e-3):
    """Return the second derivative of the energy by a strain (3, 3) per volume in GPa, by central differences."""
    energies = []
    for size in (-step, 0.0, step):
        copy = atoms.copy()
        copy.set_cell(atoms.cell.array @ (np.eye(3) + size * strain), scale_atoms=True)
        copy.calc = EMT()
        energies.append(copy.get_potential_energy())
    return (energies[0] - 2.0 * energies[1] + energies[2]) / step**2 / atoms.get_volume() / GPa


@pytest.mark.slow
def test_copper_against_derivatives_of_the_energy(emt):
    copper = bulk('Cu', cubic=True)
    structures = {'copper': orm.StructureData(ase=copper)}
    outputs, node = run_get_node(
        ElasticWorkChain, structures=structures, models={'emt': emt}, options={'ions': ['clamped']}
    )
    assert node.is_finished_ok, node.exit_message
    (crystal,) = ElasticComparison.model_validate(outputs['properties'].get_dict()).crystals
    assert (crystal.name, crystal.formula, crystal.space_group) == ('copper', 'Cu', 225)
    stiffness = crystal.models['emt'].stiffness['clamped']
    copper.calc = EMT()
    BFGS(FrechetCellFilter(copper), logfile=None).run(fmax=1e-5)
    tetragonal, shear = np.diag([1.0, -1.0, 0.0]), np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]])
    matrix = np.array(stiffness.matrix_gpa)
    assert matrix[0, 0] == pytest.approx(curvature(copper, np.diag([1.0, 0.0, 0.0])), rel=2e-3)
    assert 2 * (matrix[0, 0] - matrix[0, 1]) == pytest.approx(curvature(copper, tetragonal), rel=5e-3)
    assert matrix[3, 3] == pytest.approx(curvature(copper, shear), rel=2e-3)
    assert stiffness.is_stable
    assert stiffness.moduli.bulk_hill_gpa == pytest.approx((matrix[0, 0] + 2 * matrix[0, 1]) / 3)
    assert outputs['frames']['emt_clamped'].n_frames == 24
    assert outputs['frames']['emt_clamped'].is_labelled
    calls = orm.QueryBuilder().append(orm.WorkChainNode, filters={'id': node.pk}).append(orm.CalcJobNode)
    assert calls.count() == 2, 'a job for the minimum, and one for all strains'


def test_what_fails_costs_nothing_of_the_rest(emt, lennard_jones):
    """EMT knows no xenon; Lennard-Jones relaxes both, and is compared with another of twice the depth."""
    structures = {
        'copper': FramesData.from_atoms([bulk('Cu', cubic=True)]),
        'xenon': FramesData.from_atoms([bulk('Xe', cubic=True, a=4.4)]),
    }
    models = {'emt': emt, 'lj': lennard_jones(), 'deep': lennard_jones(epsilon=0.2)}
    options = {'magnitudes': [0.01], 'ions': ['clamped'], 'reference': 'lj'}
    outputs, node = run_get_node(ElasticWorkChain, structures=structures, models=models, options=options)
    assert node.is_finished_ok, node.exit_message
    found = ElasticComparison.model_validate(outputs['properties'].get_dict())
    copper, xenon = found.crystals
    assert 'NotImplementedError' in xenon.models['emt'].failure
    assert copper.models['emt'].failure is None
    assert set(copper.models) == set(xenon.models) == {'emt', 'lj', 'deep'}
    assert set(copper.deviations) == {'emt', 'deep'}
    assert xenon.deviations['deep']['clamped'].bulk_hill_percent == pytest.approx(100.0, abs=0.1)
    assert xenon.models['lj'].energy_per_atom_ev == pytest.approx(xenon.models['deep'].energy_per_atom_ev / 2, rel=1e-4)


def test_no_minimum_is_said(emt):
    """A cell that is not relaxed has a stress, and a model without relaxation costs one job."""
    structures = {'copper': FramesData.from_atoms([bulk('Cu', cubic=True, a=3.5)])}
    options = {'magnitudes': [0.01], 'ions': ['clamped'], 'minimum': None}
    outputs, node = run_get_node(ElasticWorkChain, structures=structures, models={'emt': emt}, options=options)
    assert node.is_finished_ok, node.exit_message
    (crystal,) = ElasticComparison.model_validate(outputs['properties'].get_dict()).crystals
    (doubt,) = crystal.models['emt'].doubts
    assert 'it is no minimum of this model' in doubt
    assert 'minima' not in outputs


def test_ions_are_clamped_and_relaxed_in_one_job(emt):
    """The starts of the relaxations are the clamped frames; in a hexagonal close packing relaxed ions are softer."""
    structures = {'copper': FramesData.from_atoms([bulk('Cu', 'hcp', a=2.55, c=4.16)])}
    found = {}
    for ions in (['clamped'], ['clamped', 'relaxed']):
        options = {'magnitudes': [0.01], 'ions': ions, 'minimum': {'fmax': 1e-3}}
        outputs, node = run_get_node(ElasticWorkChain, structures=structures, models={'emt': emt}, options=options)
        assert node.is_finished_ok, node.exit_message
        (crystal,) = ElasticComparison.model_validate(outputs['properties'].get_dict()).crystals
        found[len(ions)] = crystal.models['emt'].stiffness
        jobs = orm.QueryBuilder().append(orm.WorkChainNode, filters={'id': node.pk}).append(orm.CalcJobNode)
        assert jobs.count() == 2
    assert set(outputs['frames']) == {'emt_clamped', 'emt_relaxed'}
    np.testing.assert_allclose(found[2]['clamped'].matrix_gpa, found[1]['clamped'].matrix_gpa, atol=1e-6)
    softer = np.array(found[2]['clamped'].matrix_gpa) - found[2]['relaxed'].matrix_gpa
    assert np.linalg.eigvalsh(softer).min() > -0.1
    assert softer[0, 0] > 1.0


def test_engine_of_the_reference(emt):
    """A model that an engine evaluates, as VASP would, gives what the job with the same calculator gives."""
    structures = {'copper': FramesData.from_atoms([bulk('Cu', cubic=True)])}
    options = {'magnitudes': [0.01], 'ions': ['clamped'], 'minimum': None, 'reference': 'dft'}
    models = {'emt': emt, 'dft': {**emt, 'engine': orm.Str('ase')}}
    outputs, node = run_get_node(ElasticWorkChain, structures=structures, models=models, options=options)
    assert node.is_finished_ok, node.exit_message
    (crystal,) = ElasticComparison.model_validate(outputs['properties'].get_dict()).crystals
    assert crystal.deviations['emt']['clamped'].rms_gpa == pytest.approx(0.0, abs=1e-9)
    assert outputs['frames']['dft_clamped'].creator.process_label in ('AseCalculation', 'merge_labels')
    labels = {link.link_label for link in node.base.links.get_outgoing(node_class=orm.WorkChainNode).all()}
    assert labels == {'clamped_dft'}


def test_engine_relaxes_nothing(emt):
    structures = {'copper': FramesData.from_atoms([bulk('Cu')])}
    engine = {**emt, 'engine': orm.Str('ase')}
    with pytest.raises(ValueError, match=r'`models\.dft\.engine` evaluates frames as they are, and relaxes nothing'):
        run_get_node(ElasticWorkChain, structures=structures, models={'dft': engine}, options={})
    clamped = {'minimum': None, 'ions': ['clamped']}
    nowhere = {**emt, 'engine': orm.Str('nowhere')}
    with pytest.raises(ValueError, match=r'`models\.dft\.engine`: There is no engine `nowhere`'):
        run_get_node(ElasticWorkChain, structures=structures, models={'dft': nowhere}, options=clamped)
    with pytest.raises(ValueError, match=r'`models\.dft\.parameters` is missing'):
        given = {key: value for key, value in engine.items() if key != 'parameters'}
        run_get_node(ElasticWorkChain, structures=structures, models={'dft': given}, options=clamped)


def test_refused(emt):
    def refuse(message, structures=(), options=None, **models):
        given = {name: FramesData.from_atoms([bulk('Cu')]) for name in structures}
        with pytest.raises(ValueError, match=message):
            run_get_node(ElasticWorkChain, structures=given, models=models, options=options or {})

    refuse('`structures` is empty, and `options` names no crystals', emt=emt)
    refuse('`models` is empty', structures=['one'])
    refuse('the reference `dft`, which is not among', structures=['one'], options={'reference': 'dft'}, emt=emt)
    refuse(r'`models\.emt\.parameters` is missing', structures=['one'], emt={'code': emt['code']})
    refuse('above 0, of 0.1 at most', structures=['one'], options={'magnitudes': [0.5]}, emt=emt)
    both = FramesData.from_atoms([bulk('Cu'), bulk('Cu')])
    with pytest.raises(ValueError, match=r'`structures\.two` holds 2 frames'):
        run_get_node(ElasticWorkChain, structures={'two': both}, models={'emt': emt}, options={})


@pytest.mark.parametrize('name', ['options', 'names', 'models', 'metadata', 'crystals'])
def test_names_that_are_those_of_other_things(emt, name):
    """Models and structures may be called as inputs of the workflow are."""
    structures = {name: FramesData.from_atoms([bulk('Cu')]), 'other': FramesData.from_atoms([bulk('Ni')])}
    options = {'magnitudes': [0.01], 'ions': ['clamped'], 'minimum': None}
    outputs, node = run_get_node(ElasticWorkChain, structures=structures, models={name: emt}, options=options)
    assert node.is_finished_ok, node.exit_message
    found = ElasticComparison.model_validate(outputs['properties'].get_dict())
    assert found.methods == {name: 'EMT'}
    assert {crystal.name: crystal.formula for crystal in found.crystals} == {name: 'Cu', 'other': 'Ni'}
    assert all(crystal.models[name].stiffness['clamped'].is_stable is not None for crystal in found.crystals)


@pytest.mark.parametrize('name', ['a b', 'a__b', '1x', 'ä', 'a-b'])
def test_names_that_links_cannot_have(emt, name):
    structures = {'copper': FramesData.from_atoms([bulk('Cu')])}
    message = r'`models` holds the name `.*`: names are made of letters, digits and single underscores'
    with pytest.raises(ValueError, match=message):
        run_get_node(ElasticWorkChain, structures=structures, models={name: emt}, options={})

"""The CalcJob ``seimlip.ase``: what it writes, what it refuses, and real runs."""

import json
import os
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.units import GPa

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.ase import CALCULATORS, KnownCalculator
from tests.mace_models.fixtures import needs_mace

EMT_OPTIONS = {'calculator': {'name': 'emt'}}


@pytest.fixture
def copper():
    """Return three distorted cells of copper and silver."""
    images = [bulk('Cu', cubic=True) * (2, 1, 1), bulk('Ag'), bulk('Cu')]
    for seed, image in enumerate(images):
        image.rattle(0.1, seed=seed)
        image.set_cell(image.cell.array @ (np.eye(3) + 0.02 * np.tri(3)), scale_atoms=True)
    return images


@pytest.fixture
def python(code):
    return code('seimlip.ase', sys.executable)


@pytest.fixture
def run(aiida_profile, python):
    """Return a function that runs the job and returns its outputs and node."""
    from aiida.engine import run_get_node
    from aiida.plugins import CalculationFactory

    def factory(images, parameters, python=python, **options):
        inputs = {
            'code': python, 'frames': FramesData.from_atoms(images), 'parameters': parameters,
            'metadata': {'options': options},
        }  # fmt: skip
        return run_get_node(CalculationFactory('seimlip.ase'), **inputs)

    return factory


# -- what is written ------------------------------------------------------------------------------------------------


def test_files(generate_calc_job, code, frames_li2co3):
    job = generate_calc_job(
        'seimlip.ase',
        {
            'code': code('seimlip.ase'), 'frames': frames_li2co3, 'parameters': {'calculator': {'name': 'tblite'}},
            'metadata': {'options': {'max_wallclock_seconds': 3600}},
        },
    )  # fmt: skip
    assert sorted(path.name for path in job.folder.iterdir()) == [
        'batch.py', 'condense.py', 'frames.npz', 'make_calculator.py', 'options.json', 'run_ase.py', 'shared.py',
        'stages.py', 'tasks.py', 'worker.py',
    ]  # fmt: skip
    assert job.command_line == '-B run_ase.py'
    options = json.loads(job.read('options.json'))
    assert options['calculator']['target'] == 'tblite.ase:TBLite'
    assert options['time_limit_seconds'] == 3480.0
    with np.load(job.folder / 'frames.npz') as arrays:
        np.testing.assert_array_equal(arrays['positions'], frames_li2co3.get_frames().positions)
    assert job.calc_info.retrieve_temporary_list == ['results.jsonl', 'checkpoint-*.npz']
    assert job.calc_info.provenance_exclude_list == ['frames.npz']


def test_script_does_not_import_the_package(generate_calc_job, code, frames_li2co3):
    inputs = {'code': code('seimlip.ase'), 'frames': frames_li2co3, 'parameters': EMT_OPTIONS}
    job = generate_calc_job('seimlip.ase', inputs)
    scripts = sorted(path.stem for path in job.folder.glob('*.py'))
    lines = [line for name in scripts for line in job.read(f'{name}.py').splitlines()]
    imports = [line.split()[1].split('.')[0] for line in lines if line.lstrip().startswith(('import ', 'from '))]
    in_package, of_calculators = '', {'chgnet', 'dftd3', 'mace', 'motep', 'torch'}
    beside = {'batch', 'condense', 'make_calculator', 'shared', 'stages', 'tasks', 'worker'}
    others = set(imports) - set(sys.stdlib_module_names)
    assert others == {'ase', 'numpy', in_package} | of_calculators | beside
    assert set(scripts) == {'run_ase', *beside}


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('parameters', 'message'),
    [
        ({'calculator': {'name': 'quantum_abacus'}}, 'Input `parameters` is wrong: `calculator.name` is'),
        ({**EMT_OPTIONS, 'procs': 2}, '`procs` is not a known option'),
        (
            {
                **EMT_OPTIONS, 'task': 'md',
                'md': {'temperature': [300.0, 400.0], 'n_steps': 1, 'sample_every': 1, 'seed': 1},
            },
            'Input `parameters` does not fit input `frames`: `md.temperature` lists 2 temperatures',
        ),
    ],
)  # fmt: skip
def test_refused_parameters(generate_calc_job, code, frames_li2co3, parameters, message):
    with pytest.raises(ValueError, match=message):
        generate_calc_job(
            'seimlip.ase', {'code': code('seimlip.ase'), 'frames': frames_li2co3, 'parameters': parameters}
        )


@pytest.mark.parametrize(
    ('inputs', 'message'),
    [
        ({'indices': [0, 7]}, 'Input `indices` names 7, but the 2 frames of input `frames` are counted from 0'),
        ({'indices': [1, 1]}, 'Input `indices` names a frame twice'),
        ({'indices': []}, 'Input `indices` names no frame'),
        ({'checkpoints': None}, 'Input `checkpoints` is given, but only the task `condense`'),
    ],
)
def test_refused_indices_and_checkpoints(generate_calc_job, code, copper, inputs, message):
    from aiida import orm

    given = {name: orm.FolderData() if name == 'checkpoints' else orm.List(value) for name, value in inputs.items()}
    frames = FramesData.from_atoms(copper[1:])
    with pytest.raises(ValueError, match=message):
        generate_calc_job(
            'seimlip.ase', {'code': code('seimlip.ase'), 'frames': frames, 'parameters': EMT_OPTIONS, **given}
        )


def test_checkpoints_are_uploaded(generate_calc_job, code, copper):
    from aiida import orm

    folder = orm.FolderData()
    folder.base.repository.put_object_from_bytes(b'state', 'checkpoint-00001.npz')
    condense = {'stages': [{'kind': 'relax'}]}
    job = generate_calc_job('seimlip.ase', {
        'code': code('seimlip.ase'), 'frames': FramesData.from_atoms(copper), 'checkpoints': folder,
        'parameters': {**EMT_OPTIONS, 'condense': condense}, 'indices': orm.List([2, 1]),
    })  # fmt: skip
    assert (job.folder / 'checkpoint-00001.npz').read_bytes() == b'state'
    assert 'checkpoint-00001.npz' in job.calc_info.provenance_exclude_list
    options = json.loads(job.read('options.json'))
    assert options['indices'] == [2, 1]
    assert (options['task']['kind'], options['task']['stages'][0]['n_steps']) == ('condense', 100)


def test_refused_empty_frames(generate_calc_job, code):
    inputs = {'code': code('seimlip.ase'), 'frames': FramesData.from_atoms([]), 'parameters': EMT_OPTIONS}
    with pytest.raises(ValueError, match='Input `frames` holds no frames'):
        generate_calc_job('seimlip.ase', inputs)


def test_refused_code(generate_calc_job, code, frames_li2co3):
    inputs = {'code': code('seimlip.lammps'), 'frames': frames_li2co3, 'parameters': EMT_OPTIONS}
    with pytest.raises(ValueError, match=r'Input `code` is a code for `seimlip\.lammps`'):
        generate_calc_job('seimlip.ase', inputs)


def with_potential(code, frames, name, potential, **calculator):
    parameters = {'calculator': {'name': name, **calculator}}
    given = {} if potential is None else {'potential': potential}
    return {'code': code('seimlip.ase'), 'frames': frames, 'parameters': parameters, **given}


def test_potential_is_uploaded(generate_calc_job, code, frames_li2co3, potential_trained):
    job = generate_calc_job('seimlip.ase', with_potential(code, frames_li2co3, 'mtp', potential_trained))
    assert (job.folder / 'potential.almtp').read_bytes() == potential_trained.get_content(mode='rb')
    calculator = json.loads(job.read('options.json'))['calculator']
    assert calculator['kwargs'] == {'potential': 'potential.almtp', 'species': ['Li', 'C', 'O']}
    assert 'potential.almtp' in job.calc_info.provenance_exclude_list


def test_model_is_uploaded(generate_calc_job, code, frames_li2co3, tmp_path):
    (tmp_path / 'some.model').write_bytes(b'not a model')
    model = PotentialData(tmp_path / 'some.model', family='mace', species=('Li', 'C', 'O'), cutoff=5.0)
    job = generate_calc_job('seimlip.ase', with_potential(code, frames_li2co3, 'mace', model, trust_model=True))
    kwargs = json.loads(job.read('options.json'))['calculator']['kwargs']
    assert kwargs == {'device': 'cpu', 'default_dtype': 'float64', 'model_paths': 'potential.model'}
    with pytest.raises(ValueError, match=r'not in TorchScript.*trust_model: true'):
        generate_calc_job('seimlip.ase', with_potential(code, frames_li2co3, 'mace', model))


@needs_mace
def test_members_of_a_committee_are_uploaded(generate_calc_job, code, frames_li2co3, mace_potential):
    committee = mace_potential(seeds=(1, 2))
    job = generate_calc_job('seimlip.ase', with_potential(code, frames_li2co3, 'mace', committee))
    names = ['potential_00.pt', 'potential_01.pt']
    assert json.loads(job.read('options.json'))['calculator']['kwargs']['model_paths'] == names
    assert [(job.folder / name).read_bytes() for name in names] == committee.get_members()
    assert set(names) <= set(job.calc_info.provenance_exclude_list)


REFUSED_POTENTIALS = {
    'missing': ('mtp', None, {}, 'Input `potential` is missing: the calculator `mtp` needs one'),
    'lacking': ('mace', None, {}, 'Input `potential` is missing: the calculator `mace` needs one, or a model file'),
    'needless': ('emt', 'potential_trained', {}, 'the calculator `emt` of `parameters` takes none'),
    'untrained': ('mtp', 'potential_untrained', {}, 'Input `potential` is a potential that is not trained'),
    'family': ('mace', 'potential_trained', {'trust_model': True}, 'of the family `mtp`, but the calculator `mace`'),
    'twice': ('mtp', 'potential_trained', {'kwargs': {'potential': 'a'}}, 'names `calculator.kwargs.potential`'),
}


@pytest.mark.parametrize('case', REFUSED_POTENTIALS)
def test_refused_potential(generate_calc_job, code, frames_li2co3, request, case):
    name, potential, keywords, message = REFUSED_POTENTIALS[case]
    node = None if potential is None else request.getfixturevalue(potential)
    with pytest.raises(ValueError, match=message):
        generate_calc_job('seimlip.ase', with_potential(code, frames_li2co3, name, node, **keywords))


def test_refused_species(generate_calc_job, code, potential_trained):
    frames = FramesData.from_atoms([bulk('NaCl', 'rocksalt', a=5.6)])
    with pytest.raises(ValueError, match='Input `frames` holds Na, Cl, which the input `potential` does not know'):
        generate_calc_job('seimlip.ase', with_potential(code, frames, 'mtp', potential_trained))


# -- real runs ------------------------------------------------------------------------------------------------------


def test_run_single_point(run, copper):
    copper.insert(1, molecule('H2O'))  # not periodic
    copper.insert(2, bulk('Li'))  # EMT knows no lithium
    outputs, node = run(copper, {**EMT_OPTIONS, 'processes': 2})
    assert node.is_finished_ok
    assert outputs['failures'].get_dict() == {'2': 'NotImplementedError: No EMT-potential for Li'}
    labelled = outputs['labelled'].get_frames()
    assert labelled.origin_indices.tolist() == [0, 1, 3, 4] == outputs['results']['indices']
    assert set(labelled.origin_uuids) == {node.inputs.frames.uuid}
    assert np.isnan(labelled.stresses[1]).all()
    for image, frame in zip([copper[0], copper[3], copper[4]], labelled[[0, 2, 3]].to_atoms(), strict=True):
        image.calc = EMT()
        assert frame.get_potential_energy() == pytest.approx(image.get_potential_energy(), abs=1e-12)
        np.testing.assert_allclose(frame.get_forces(), image.get_forces(), atol=1e-12)
        np.testing.assert_allclose(frame.get_stress(), image.get_stress(), atol=1e-12)
    results = outputs['results'].get_dict()
    assert (results['n_frames'], results['n_finished'], results['n_failed']) == (5, 4, 1)
    assert results['energy_property'] == 'free_energy'
    assert results['versions']['python'] == '.'.join(map(str, sys.version_info[:3]))


def test_run_relax_cell_under_pressure(run):
    outputs, node = run(
        [bulk('Cu', a=3.8)],
        {
            'calculator': {'name': 'emt'}, 'task': 'relax',
            'relax': {'cell': 'isotropic', 'pressure': 2.0, 'fmax': 1e-4},
        },
    )  # fmt: skip
    assert node.is_finished_ok
    labelled = outputs['labelled'].get_frames()
    np.testing.assert_allclose(labelled.stresses[0, :3], -2.0 * GPa, atol=1e-5)
    assert labelled.volumes[0] < 3.59**3 / 4


def test_run_relax_along_the_normal(run):
    """The lattice in the plane stays, and the stress along z goes; a cell that leans out of the plane is refused."""
    copper = bulk('Cu', cubic=True, a=3.6)
    copper.set_cell([3.5, 3.5, 3.6], scale_atoms=True)
    parameters = {**EMT_OPTIONS, 'task': 'relax', 'relax': {'cell': 'normal', 'fmax': 1e-4}}
    outputs, node = run([copper, bulk('Cu')], parameters)
    assert node.is_finished_ok
    labelled = outputs['labelled'].get_frames()
    assert labelled.cells[0, :2].tolist() == copper.cell.array[:2].tolist()
    assert labelled.cells[0, 2, 2] > 3.65, 'it is pressed in the plane, and gives way'
    assert abs(labelled.stresses[0, 2]) < 1e-5 and labelled.stresses[0, 0] < -0.01
    assert 'lie in the plane of x and y' in outputs['failures']['1']


def test_run_md_depends_on_seed_only(run, copper):
    parameters = {
        **EMT_OPTIONS, 'task': 'md',
        'md': {'temperature': [300.0, 600.0, 300.0], 'n_steps': 20, 'sample_every': 10, 'timestep': 2.0, 'seed': 5},
    }  # fmt: skip
    (one, node), (two, _) = run(copper, parameters), run(copper, {**parameters, 'processes': 2})
    labelled = one['labelled'].get_frames()
    np.testing.assert_array_equal(labelled.positions, two['labelled'].get_frames().positions)
    assert labelled.origin_steps.tolist() == [10, 20] * 3
    assert labelled.origin_indices.tolist() == [0, 0, 1, 1, 2, 2]
    assert set(labelled.origin_uuids) == {node.inputs.frames.uuid}
    has_velocities = [bool(np.isfinite(frame.velocities).all()) for frame in labelled]
    assert has_velocities == [False, True] * 3
    for frame in labelled.to_atoms():
        energy, frame.calc = frame.get_potential_energy(), EMT()
        assert frame.get_potential_energy() == pytest.approx(energy, abs=1e-10)


def test_run_potentials(python, load_frames, potential_trained):
    """The two calculators of moment tensor potentials agree with the recording of `mlp`."""
    from aiida.engine import run_get_node
    from aiida.plugins import CalculationFactory

    recorded = load_frames('shared/11_calculate_efs_out.cfg').get_frames()
    for name in ('mtp', 'motep'):
        outputs, node = run_get_node(
            CalculationFactory('seimlip.ase'), code=python, frames=load_frames('shared/valid2.cfg'),
            potential=potential_trained, parameters={'calculator': {'name': name}},
        )  # fmt: skip
        assert node.is_finished_ok, node.exit_message
        labelled = outputs['labelled'].get_frames()
        np.testing.assert_allclose(labelled.energies, recorded.energies, atol=1e-8)
        np.testing.assert_allclose(labelled.forces, recorded.forces, atol=6e-7)
        np.testing.assert_allclose(labelled.stresses, recorded.stresses, atol=1e-7)
        package = CALCULATORS[name].package
        assert outputs['results']['versions'][package] is not None


def test_run_all_failed(run):
    outputs, node = run([bulk('Li')], EMT_OPTIONS)
    assert node.exit_status == 320
    assert 'No EMT-potential for Li' in node.exit_message
    assert 'labelled' not in outputs
    assert list(outputs['failures'].get_dict()) == ['0']


def test_run_calculator_missing(run, monkeypatch):
    monkeypatch.setitem(CALCULATORS, 'absent', KnownCalculator('no_such_module:Calculator', 'no_such_package'))
    outputs, node = run([bulk('Cu')], {'calculator': {'name': 'absent'}})
    assert node.exit_status == 310
    assert '`absent`' in node.exit_message
    assert "No module named 'no_such_module'" in node.exit_message
    assert list(outputs['failures'].get_dict()) == ['0']


def test_run_any_calculator(run, copper):
    """One that is named by its module does what the one does that is known by name."""
    named, node = run(copper, {'calculator': {'name': 'ase.calculators.emt:EMT'}})
    known, _ = run(copper, EMT_OPTIONS)
    assert node.is_finished_ok, node.exit_message
    for name in ('energies', 'forces', 'stresses'):
        np.testing.assert_array_equal(
            getattr(named['labelled'].get_frames(), name), getattr(known['labelled'].get_frames(), name)
        )
    assert set(named['labelled'].get_frames().methods) == {'ase.calculators.emt:EMT'}


def test_run_known_calculator_that_is_missing(run):
    if find_spec('chgnet') is not None:
        pytest.skip('chgnet is not missing')
    _, node = run([bulk('Cu')], {'calculator': {'name': 'chgnet'}})
    assert node.exit_status == 310
    assert "No module named 'chgnet'" in node.exit_message
    assert (
        f'The Python interpreter of the job, {sys.executable}, needs `pip install torch==2.13.0`' in node.exit_message
    )


MP2020_FLUORINE = -0.462
"""What the Materials Project adds to the energy of each fluorine in a fluoride, in eV: CHGNet has learned it."""

UNIVERSAL = {
    'chgnet': ({'name': 'chgnet'}, 'CHGNet-0.3.0'),
    'sevenn': (
        {'name': 'sevenn.calculator:SevenNetCalculator', 'kwargs': {'model': '7net-0', 'device': 'cpu'},
         'reusable': True, 'method_label': '7net-0'}, '7net-0',
    ),
}  # fmt: skip


@pytest.mark.parametrize('package', UNIVERSAL)
def test_run_universal_potential(run, code, package):
    """By name, and by the module of a package that is not installed here."""
    python = os.environ.get('SEIMLIP_CALCULATORS_PYTHON')
    if python is None:
        pytest.skip(f'SEIMLIP_CALCULATORS_PYTHON names no interpreter that has {package}')
    calculator, method = UNIVERSAL[package]
    lif = bulk('LiF', 'rocksalt', a=4.0, cubic=True)
    lif.rattle(0.05, seed=1)
    outputs, node = run([lif, lif], {'calculator': calculator}, python=code('seimlip.ase', python, description=python))
    assert node.is_finished_ok, node.exit_message
    labelled = outputs['labelled'].get_frames()
    assert (set(labelled.methods), set(labelled.energy_kinds)) == ({method}, {'free'})
    correction = MP2020_FLUORINE / 2 if package == 'chgnet' else 0.0
    assert labelled.energies / 8 - correction == pytest.approx(-4.80, abs=0.05), 'PBE in the Materials Project'
    assert outputs['results']['versions'][package] is not None


def test_run_condense_with_a_universal_potential(run, code):
    """A swollen crystal of LiF comes to the pressure asked for, and close to the density that it has."""
    python = os.environ.get('SEIMLIP_CALCULATORS_PYTHON')
    if python is None:
        pytest.skip('SEIMLIP_CALCULATORS_PYTHON names no interpreter that has chgnet')
    lif = bulk('LiF', 'rocksalt', a=4.5, cubic=True)
    lif.rattle(0.1, seed=1)
    stages = [{'kind': 'relax', 'max_steps': 5}, {'kind': 'relax_cell', 'pressure': 2.0, 'max_steps': 60}]
    parameters = {'calculator': {'name': 'chgnet'}, 'condense': {'stages': stages}}
    outputs, node = run([lif], parameters, python=code('seimlip.ase', python, description=python))
    assert node.is_finished_ok, node.exit_message
    end = outputs['results']['stages']['0'][1]
    assert end['pressure'] == pytest.approx(2.0, abs=0.15)
    assert end['density'] == pytest.approx(2.64 * (4.026 / 4.09) ** 3, rel=0.05)
    assert outputs['trace'].is_labelled


def test_run_slab_among_crystals(run, copper):
    """A frame that the calculator would take for another system fails by itself."""
    parameters = {'calculator': {'name': 'emt', 'periodic_axes': [3]}}
    outputs, node = run([copper[1], fcc111('Cu', (1, 1, 2), vacuum=5.0)], parameters)
    assert node.is_finished_ok
    assert outputs['results']['indices'] == [0]
    assert outputs['failures']['1'].startswith('Periodicity: the frame is periodic in 2 directions, the calculator')


def test_run_relaxes_no_open_cell(run):
    slab = fcc111('Cu', (1, 1, 2), vacuum=5.0)
    parameters = {**EMT_OPTIONS, 'task': 'relax', 'relax': {'cell': 'full', 'fmax': 0.5}}
    outputs, node = run([bulk('Cu'), slab], parameters)
    assert node.is_finished_ok
    assert outputs['failures']['1'] == (
        'Periodicity: a cell that is not periodic in all three directions cannot relax.'
    )  # fmt: skip


def test_run_left_handed_cell_keeps_its_vectors(run, copper):
    left = copper[0].copy()
    left.set_cell(left.cell.array[[1, 0, 2]])
    outputs, node = run([copper[0], left], {**EMT_OPTIONS, 'task': 'relax', 'relax': {'cell': 'full', 'fmax': 0.01}})
    assert node.is_finished_ok
    right, turned = outputs['labelled'].get_frames().to_atoms()
    assert (right.cell.handedness, turned.cell.handedness) == (1, -1)
    np.testing.assert_allclose(turned.cell.array[[1, 0, 2]], right.cell.array, atol=0.01)


def test_run_out_of_walltime(run, copper):
    parameters = {
        **EMT_OPTIONS, 'task': 'md',
        'md': {'temperature': 300.0, 'n_steps': 10_000_000, 'sample_every': 1000, 'seed': 5},
    }  # fmt: skip
    outputs, node = run(copper[:1], parameters, max_wallclock_seconds=8)
    assert node.exit_status == 400
    assert outputs['failures']['0'].startswith('NotFinished, begun: ')
    assert outputs['results']['status'] == 'out_of_walltime'


def test_run_tblite(run, li2co3):
    pytest.importorskip('tblite')
    strained = li2co3.copy()
    strained.set_cell(strained.cell.array * 1.01, scale_atoms=True)
    outputs, node = run([li2co3, strained], {'calculator': {'name': 'tblite'}, 'processes': 2})
    assert node.is_finished_ok
    energies = outputs['labelled'].get_frames().energies
    assert energies[0] / 24 == pytest.approx(-77.523, abs=0.01)
    assert 'tblite' in outputs['results']['versions']

"""The CalcJob ``seimlip.ase.neb``: what it writes, what it refuses, and real runs."""

import json
import sys

import numpy as np
import pytest
from aiida.engine import run_get_node
from aiida.plugins import CalculationFactory
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.mep import NEB
from ase.optimize import BFGS

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.known_calculators import CALCULATORS, KnownCalculator
from aiida_seimlip.science.analysis.barrier import describe_path
from aiida_seimlip.science.structures.band import displacements, interpolate

EMT_OPTIONS = {'calculator': {'name': 'emt'}, 'optimizer': 'BFGS', 'fmax': 0.02}


@pytest.fixture(scope='session')
def hop():
    """Return both ends of the hop of an atom of copper into a vacancy, relaxed with EMT."""
    crystal = bulk('Cu', cubic=True) * (2, 2, 2)
    hole = crystal.positions[0].copy()
    initial = crystal[1:]
    final = initial.copy()
    final.positions[int(np.argmin(np.linalg.norm(initial.positions - hole, axis=1)))] = hole
    for image in (initial, final):
        image.calc = EMT()
        BFGS(image, logfile=None).run(fmax=0.005)
        image.calc = None
    return initial, final


@pytest.fixture
def band(hop):
    return FramesData.from_atoms(interpolate(*hop, n_images=3))


@pytest.fixture
def run(code):
    """Return a function that runs the job and returns its outputs and node."""

    def factory(images, parameters, **options):
        return run_get_node(
            CalculationFactory('seimlip.ase.neb'), code=code('seimlip.ase', sys.executable), images=images,
            parameters=parameters, metadata={'options': options},
        )  # fmt: skip

    return factory


# -- what is written --------------------------------------------------------------------------------------------------


def test_files(generate_calc_job, code, band):
    inputs = {'code': code('seimlip.ase'), 'images': band, 'parameters': EMT_OPTIONS}
    job = generate_calc_job('seimlip.ase.neb', {**inputs, 'metadata': {'options': {'max_wallclock_seconds': 3600}}})
    assert sorted(path.name for path in job.folder.iterdir()) == [
        'frames.npz', 'make_calculator.py', 'options.json', 'pool.py', 'run_neb.py', 'shared.py',
    ]  # fmt: skip
    assert job.command_line == '-B run_neb.py'
    options = json.loads(job.read('options.json'))
    assert options['calculator']['target'] == 'ase.calculators.emt:EMT'
    assert options['time_limit_seconds'] == 3480.0
    assert (options['fmax'], options['climb'], options['optimizer']) == (0.02, True, 'BFGS')
    assert sorted(job.calc_info.retrieve_temporary_list) == ['band.npz', 'results.json']


def test_script_does_not_import_the_package(generate_calc_job, code, band):
    inputs = {'code': code('seimlip.ase'), 'images': band, 'parameters': EMT_OPTIONS}
    job = generate_calc_job('seimlip.ase.neb', inputs)
    lines = [line for name in ('run_neb.py', 'pool.py') for line in job.read(name).splitlines()]
    imports = [line.split()[1].split('.')[0] for line in lines if line.lstrip().startswith(('import ', 'from '))]
    in_package, beside = '', {'make_calculator', 'pool', 'shared'}
    assert set(imports) - set(sys.stdlib_module_names) == {'ase', 'numpy', in_package, *beside}


# -- what is refused --------------------------------------------------------------------------------------------------


def refuse(generate_calc_job, code, images, message, **parameters):
    inputs = {'code': code('seimlip.ase'), 'images': FramesData.from_atoms(images)}
    with pytest.raises(ValueError, match=message):
        generate_calc_job('seimlip.ase.neb', {**inputs, 'parameters': {**EMT_OPTIONS, **parameters}})


def test_refused_images(generate_calc_job, code, hop):
    images = interpolate(*hop, n_images=1, method='linear')
    refuse(generate_calc_job, code, images[:2], 'holds 2 frame')
    other = [image.copy() for image in images]
    other[1].symbols[3] = 'Ag'
    refuse(generate_calc_job, code, other, 'holds different atoms')
    half_open = [image.copy() for image in images]
    half_open[1].pbc = (True, True, False)
    refuse(generate_calc_job, code, half_open, 'periodic in different directions')
    images[1].set_cell(images[1].cell.array * 1.01)
    refuse(generate_calc_job, code, images, 'holds different cells')


def test_refused_parameters(generate_calc_job, code, hop):
    images = interpolate(*hop, n_images=1, method='linear')
    refuse(generate_calc_job, code, images, '`optimiser` is not a known option', optimiser='BFGS')
    refuse(generate_calc_job, code, images, 'Input `potential` is missing', calculator={'name': 'mtp'})


# -- real runs --------------------------------------------------------------------------------------------------------


def test_vacancy_is_that_of_ase(run, hop, band):
    """The saddle point of a vacancy in copper, against a climbing band that ASE relaxes by itself."""
    outputs, node = run(band, {**EMT_OPTIONS, 'processes': 2})
    assert node.is_finished_ok, node.exit_message
    images = interpolate(*hop, n_images=3)
    for image in images:
        image.calc = EMT()
    BFGS(NEB(images, climb=True, method='improvedtangent', k=1.0), logfile=None).run(fmax=0.01, steps=200)
    expected = images[2].get_potential_energy() - images[0].get_potential_energy()
    path = outputs['path'].get_frames()
    assert path.energies[2] - path.energies[0] == pytest.approx(expected, abs=1e-3)
    results = outputs['results'].get_dict()
    assert results['is_converged']
    assert results['is_climbing']
    assert results['fmax'] < 0.02
    assert results['residuals'][-1] == results['fmax']
    assert len(results['residuals']) == results['n_steps'] + 1
    assert results['highest'][-1] == pytest.approx(expected, abs=1e-3)
    assert describe_path(path).fmax < 0.02
    for image, given in zip(path.to_atoms()[:2], band.get_frames().to_atoms()[:2], strict=True):
        energy, forces, image.calc = image.get_potential_energy(), image.get_forces(), EMT()
        assert image.get_potential_energy() == pytest.approx(energy, abs=1e-10)
        np.testing.assert_allclose(image.get_forces(), forces, atol=1e-10)
        assert len(image) == len(given)
    np.testing.assert_array_equal(path[0].positions, band.get_frames()[0].positions)


def test_dynamic_band_finds_the_same(run, band):
    outputs, node = run(band, {**EMT_OPTIONS, 'dynamic': True, 'optimizer': 'FIRE'})
    assert node.is_finished_ok, node.exit_message
    assert describe_path(outputs['path'].get_frames()).forward == pytest.approx(0.7, abs=0.1)


def test_not_converged_keeps_the_band(run, band):
    outputs, node = run(band, {**EMT_OPTIONS, 'fmax': 1e-6, 'max_steps': 3, 'optimizer': 'FIRE'})
    assert node.exit_status == 410
    assert 'eV/Å after 3 steps, not below 1e-06' in node.exit_message
    assert outputs['path'].n_frames == 5
    assert outputs['path'].is_labelled
    assert outputs['path'].methods == {'EMT': outputs['path'].n_frames}
    assert outputs['path'].energy_kinds == {'free': outputs['path'].n_frames}
    assert not outputs['results']['is_converged']


def test_out_of_walltime_keeps_the_band(run, band):
    below_rounding = 1e-30  # where no machine is fast enough to converge first
    parameters = {**EMT_OPTIONS, 'fmax': below_rounding, 'max_steps': 10**6, 'optimizer': 'FIRE'}
    outputs, node = run(band, parameters, max_wallclock_seconds=16)
    assert node.exit_status == 400
    assert outputs['path'].is_labelled
    assert outputs['path'].methods == {'EMT': outputs['path'].n_frames}
    assert outputs['path'].energy_kinds == {'free': outputs['path'].n_frames}
    assert outputs['results']['n_steps'] > 0


def test_image_that_fails(run, hop):
    images = interpolate(*hop, n_images=1, method='linear')
    for image in images:
        image.symbols[3] = 'Li'  # which EMT does not know
    outputs, node = run(FramesData.from_atoms(images), EMT_OPTIONS)
    assert node.exit_status == 320
    assert 'No EMT-potential for Li' in node.exit_message
    assert 'path' not in outputs


def test_calculator_that_cannot_be_set_up(run, band, monkeypatch):
    monkeypatch.setitem(CALCULATORS, 'absent', KnownCalculator('no_such_module:Calculator', 'no_such_package'))
    outputs, node = run(band, {'calculator': {'name': 'absent'}})
    assert node.exit_status == 310
    assert "No module named 'no_such_module'" in node.exit_message
    assert 'path' not in outputs


def test_fixed_atoms_stay_in_all_images(run, hop, band):
    """The neighbours of the hop are held: the barrier is higher, and is that of ASE with the same constraint."""
    ways = np.linalg.norm(displacements(*hop), axis=1)
    fixed = [int(index) for index in np.argsort(ways)[:20]]
    frames = band.get_frames()
    start = np.tile(frames[0].positions, (len(frames), 1)).reshape(len(frames), -1, 3)
    positions = frames.positions.reshape(len(frames), -1, 3).copy()
    positions[:, fixed] = start[:, fixed]
    images = FramesData(frames.replace(positions=positions.reshape(-1, 3)))
    outputs, node = run(images, {**EMT_OPTIONS, 'fixed': fixed, 'climb': False})
    assert node.is_finished_ok, node.exit_message
    found = outputs['path'].get_frames()
    np.testing.assert_array_equal(found.positions.reshape(positions.shape)[:, fixed], positions[:, fixed])
    moved = np.abs(found.positions.reshape(positions.shape)[1:-1] - positions[1:-1]).max(axis=(0, 2))
    assert moved[[index for index in range(len(ways)) if index not in fixed]].max() > 1e-3
    for image in found.to_atoms():
        forces, image.calc = image.get_forces(), EMT()
        np.testing.assert_allclose(image.get_forces(), forces, atol=1e-10)  # labels are whole, also of the fixed ones
    free = [index for index in range(len(ways)) if index not in fixed]
    images = images.get_frames().to_atoms()
    for image in images:
        image.calc = EMT()
        image.set_constraint(FixAtoms(fixed))
    BFGS(NEB(images, method='improvedtangent', k=1.0), logfile=None).run(fmax=0.01, steps=200)
    np.testing.assert_allclose(found.to_atoms()[2].positions[free], images[2].positions[free], atol=0.02)


def test_fixed_atoms_that_are_not_there(generate_calc_job, code, hop):
    images = interpolate(*hop, n_images=1, method='linear')
    refuse(generate_calc_job, code, images, 'keeps atom 31 in place, but a frame of input `images` has 31', fixed=[31])
    refuse(generate_calc_job, code, images, 'fixed', fixed=[-1])

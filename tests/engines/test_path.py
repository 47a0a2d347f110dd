"""The engine `ase` of the socket `path`: what it does about jobs that do not end well, without a program."""

import sys

import numpy as np
import pytest
from aiida import orm
from ase import Atoms

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.calculations.neb import NebCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.path.contract import PathWorkChain
from aiida_seimlip.science.frames import Frames

from .test_handlers import make, run_next

PARAMETERS = {'calculator': {'name': 'emt'}, 'max_steps': 3}


def band(shift=0.0):
    """Return three images of one atom, with labels."""
    images = [Atoms('Cu', [[float(x) + shift, 0.0, 0.0]], cell=[9, 9, 9], pbc=True) for x in range(3)]
    frames = Frames.from_atoms(images)
    return FramesData(frames.replace(energies=np.array([0.0, 1.0, 0.0]), forces=np.zeros((3, 3))))


def results(fmax, n_steps=3, first=1.0):
    residuals = [first, *[0.5] * (n_steps - 1), fmax]
    return orm.Dict({
        'is_converged': False, 'fmax': fmax, 'n_steps': n_steps, 'n_jobs': 1, 'is_climbing': True, 'message': None,
        'seconds': 10.0, 'status': 'x', 'residuals': residuals, 'highest': residuals, 'versions': {},
    })  # fmt: skip


@pytest.fixture
def path(code):
    return make('path', 'ase', code=code('seimlip.ase', sys.executable), images=band(), parameters=PARAMETERS)


@pytest.fixture
def relaxation(code):
    return make(
        'path', 'ase', code=code('seimlip.ase', sys.executable), images=band(), parameters=PARAMETERS,
        relax=orm.Dict({'fmax': 0.1}),
    )  # fmt: skip


@pytest.mark.parametrize('label', ['ERROR_NOT_CONVERGED', 'ERROR_OUT_OF_WALLTIME', 'ERROR_INTERRUPTED'])
def test_next_job_goes_on_from_the_last_band(path, label):
    last = band(0.1)
    assert not run_next(path, NebCalculation, label, path=last, results=results(0.2)).status
    assert path.should_run_process()
    assert path.ctx.inputs.images.uuid == last.uuid
    end = band(0.2)
    assert run_next(path, NebCalculation, None, path=end, results=results(0.01, n_steps=2)) is None
    path.results()
    assert path.outputs['path'].uuid == end.uuid
    merged = path.outputs['results'].get_dict()
    assert (merged['n_jobs'], merged['n_steps'], merged['fmax'], merged['seconds']) == (2, 5, 0.01, 20.0)
    assert merged['residuals'] == [1.0, 0.5, 0.5, 0.2, 1.0, 0.5, 0.01]


def test_band_that_gets_no_nearer_is_given_up(path):
    last = band(0.1)
    exit_code = run_next(path, NebCalculation, 'ERROR_NOT_CONVERGED', path=last, results=results(1.5))
    assert exit_code.status == PathWorkChain.spec().exit_codes.ERROR_NOT_CONVERGED.status
    assert 'in 1 job(s): the force across it is 1.5 eV/Å after 3 steps' in exit_code.message
    assert path.outputs['path'].uuid == last.uuid


def test_band_is_given_up_after_the_last_job(path):
    for number in range(4):
        outputs = {'path': band(0.1 * number), 'results': results(0.2)}
        assert not run_next(path, NebCalculation, 'ERROR_OUT_OF_WALLTIME', **outputs).status
    exit_code = run_next(path, NebCalculation, 'ERROR_OUT_OF_WALLTIME', path=band(1.0), results=results(0.2))
    assert exit_code.status == 400
    assert 'in 5 job(s)' in exit_code.message
    assert path.outputs['results']['n_steps'] == 15


def test_image_that_fails_ends_the_path(path):
    exit_code = run_next(path, NebCalculation, 'ERROR_IMAGE_FAILED', results=results(None, n_steps=1))
    assert exit_code.status == 310
    assert 'It ended badly.' in exit_code.message


def test_relaxation_takes_the_calculator_of_the_band(relaxation):
    assert relaxation.process_class is AseCalculation
    assert relaxation.ctx.inputs.frames.uuid == relaxation.inputs.images.uuid
    parameters = relaxation.ctx.inputs.parameters.get_dict()
    assert parameters['calculator']['name'] == 'emt'
    assert (parameters['task'], parameters['relax']['fmax']) == ('relax', 0.1)
    relaxed = band(0.1)
    outputs = {'labelled': relaxed, 'failures': orm.Dict({}), 'results': orm.Dict({})}
    assert run_next(relaxation, AseCalculation, None, **outputs) is None
    assert relaxation.results() is None
    assert relaxation.outputs['path'].uuid == relaxed.uuid


def test_image_that_is_not_relaxed(relaxation):
    outputs = {'labelled': band(), 'failures': orm.Dict({'1': 'NotConverged: no.'}), 'results': orm.Dict({})}
    assert run_next(relaxation, AseCalculation, None, **outputs) is None
    exit_code = relaxation.results()
    assert exit_code.status == 320
    assert exit_code.message == 'Image 1 of the input `images` was not relaxed: NotConverged: no.'


def test_no_image_is_relaxed(relaxation):
    outputs = {'failures': orm.Dict({'0': 'It fails.', '1': 'It fails.'}), 'results': orm.Dict({})}
    assert run_next(relaxation, AseCalculation, 'ERROR_ALL_FRAMES_FAILED', **outputs).status == 320


def test_images_of_different_atoms_are_refused(code):
    images = FramesData.from_atoms([Atoms('Cu'), Atoms('Ag')])
    with pytest.raises(ValueError, match='frames of different atoms: Ag, Cu'):
        make('path', 'ase', code=code('seimlip.ase', sys.executable), images=images, parameters=PARAMETERS)

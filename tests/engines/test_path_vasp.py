"""The engine ``vasp`` of the socket `path`, with a stand-in for VASP and VTST, against ASE's own band."""

from __future__ import annotations

import re

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.mep import NEB
from ase.optimize import BFGS, FIRE

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures import hops
from aiida_seimlip.science.structures.migration import end_points

from .conftest import LENNARD_JONES, VASP_SCHEDULER

pytest.importorskip('aiida_vasp')

from aiida_seimlip.engines.path.vasp import VaspPathWorkChain
from aiida_seimlip.options.vasp_band import VaspBandOptions
from aiida_seimlip.workflows.barrier.neb import NEBWorkChain

slow = pytest.mark.slow
FMAX, SPRING = 0.002, 1.0


def make_band(n_between: int) -> list:
    """Return a vacancy hop in argon, relaxed at its ends, in which every fourth atom is called neon."""
    crystal = bulk('Ar', a=5.3, cubic=True)
    ends = end_points(crystal, hops.vacancy(crystal, 'Ar', max_length=3.8)[0], (2, 2, 2))
    pair = []
    for end in (ends.initial, ends.final):
        end.symbols[1::4] = 'Ne'
        end.calc = LennardJones(**LENNARD_JONES)
        BFGS(end, logfile=None).run(fmax=1e-4)
        pair.append(end)
    images = [pair[0], *(pair[0].copy() for _ in range(n_between)), pair[1]]
    NEB(images).interpolate()
    return images


def relax_here(images: list) -> Frames:
    """Return the band as ASE relaxes it, with energies and forces."""
    images = [image.copy() for image in images]
    for image in images:
        image.calc = LennardJones(**LENNARD_JONES)
    neb = NEB(images, k=SPRING, climb=True, method='improvedtangent')
    assert FIRE(neb, logfile=None).run(fmax=FMAX, steps=300)
    for image in images:
        image.get_forces()
    return Frames.from_atoms(images)


@pytest.fixture
def find_path(vasp_code, potcar_family):
    """Return a function that runs the engine on a band and returns its outputs and its process."""

    def run(images, *, options=None, max_iterations=3, **parameters):
        given = {'potential_family': potcar_family, 'fmax': FMAX, 'spring_constant': SPRING, **parameters}
        return run_get_node(
            VaspPathWorkChain, code=vasp_code, images=FramesData.from_atoms(images), parameters=given,
            options={**VASP_SCHEDULER, **(options or {})}, max_iterations=orm.Int(max_iterations),
        )  # fmt: skip

    return run


def jobs_of(node):
    return [job for job in sorted(node.called, key=lambda job: job.pk) if isinstance(job, orm.CalcJobNode)]


@slow
def test_path_is_that_of_ase(find_path):
    """The band goes through the files of VASP and comes back, atom by atom, with the labels of single points."""
    images = make_band(3)
    outputs, node = find_path(images)
    assert node.is_finished_ok, node.exit_message
    found, expected = outputs['path'].get_frames(), relax_here(images)
    np.testing.assert_array_equal(found.numbers, expected.numbers)
    np.testing.assert_allclose(found.positions, expected.positions, atol=1e-4)
    np.testing.assert_allclose(found.energies, expected.energies, atol=1e-5)
    np.testing.assert_allclose(found.forces, expected.forces, atol=1e-4)
    results = outputs['results'].get_dict()
    assert results['is_converged'] and results['is_climbing'] and results['message'] is None
    assert (results['n_jobs'], results['fmax'] < FMAX) == (1, True)
    (job,) = jobs_of(node)
    incar = job.base.repository.get_object_content('INCAR')
    tags = dict(re.findall(r'^\s*(\w+)\s*=\s*(.*?)\s*$', incar, re.MULTILINE))
    assert (tags['IMAGES'], tags['IOPT'], tags['IBRION'], float(tags['POTIM'])) == ('3', '7', '3', 0.0)
    assert (float(tags['EDIFFG']), float(tags['SPRING']), tags['LCLIMB']) == (-FMAX, -SPRING, '.TRUE.')
    poscar = job.base.repository.get_object_content('02/POSCAR').splitlines()
    assert (poscar[5].split(), poscar[6].split()) == (['Ne', 'Ar'], ['8', '23'])


@slow
def test_barrier(vasp_code, potcar_family):
    """`NEBWorkChain` takes the engine, and finds the barrier that ASE finds."""
    images = make_band(3)
    ends = [FramesData.from_atoms([images[index]]) for index in (0, -1)]
    builder = NEBWorkChain.get_builder_from_protocol(
        {'path': vasp_code}, *ends, overrides={
            'engines': {'path': 'vasp'}, 'options': {'n_images': 3, 'relax': None, 'interpolation': 'linear'},
            'path': {
                'parameters': {'potential_family': potcar_family, 'fmax': FMAX, 'spring_constant': SPRING},
                'options': VASP_SCHEDULER,
            },
        },
    )  # fmt: skip
    outputs, node = run_get_node(builder)
    assert node.is_finished_ok, node.exit_message
    expected = relax_here(images).energies
    barrier = outputs['barrier'].get_dict()
    assert barrier['is_converged']
    assert barrier['forward'] == pytest.approx(expected.max() - expected[0], abs=1e-5)
    assert barrier['reaction_energy'] == pytest.approx(0.0, abs=1e-5)


@slow
def test_band_that_does_not_converge(find_path, vasp_faults):
    """Each job goes on where the one before was, also where that was killed; the last band is kept."""
    vasp_faults({'fault': 'killed', 'times': 1, 'step': 2})
    images = make_band(1)
    outputs, node = find_path(images, max_iterations=2, max_steps=3)
    assert node.exit_status == VaspPathWorkChain.exit_codes.ERROR_NOT_CONVERGED.status
    assert re.search(r'did not converge in 2 job\(s\).*after 5 steps', node.exit_message)
    first, second = jobs_of(node)
    left = first.outputs.structure['image_01'].get_ase().positions
    np.testing.assert_allclose(second.inputs.neb_images['image_01'].get_ase().positions, left)
    assert np.abs(left - first.inputs.neb_images['image_01'].get_ase().positions).max() > 1e-4
    found = outputs['path'].get_frames()
    image = found.to_atoms()[1]
    image.calc = LennardJones(**LENNARD_JONES)
    assert found.is_labelled
    assert found.energies[1] == pytest.approx(image.get_potential_energy(), abs=1e-6)
    assert outputs['results']['is_converged'] is False


@slow
def test_vasp_without_vtst(find_path, vasp_faults):
    """VASP itself passes over the tags, moves no atom and ends well."""
    vasp_faults({'fault': 'no_vtst'})
    outputs, node = find_path(make_band(1))
    assert node.exit_status == VaspPathWorkChain.exit_codes.ERROR_PROGRAM_FAILED.status
    assert 'does not name VTST' in node.exit_message
    assert outputs == {}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'relax': {}}, 'relaxes no single images'),
        ({'options': {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 4}}}, 'which 3 images cannot share'),
        ({'parameters': {'potential_family': 'none'}}, 'names the potential family `none`'),
        ({'parameters': {'potential_family': 'x', 'incar': {'images': 3}}}, '`incar.images` is not for you to set'),
    ],
)
def test_refused_inputs(vasp_code, potcar_family, change, message):
    from aiida.engine.utils import instantiate_process
    from aiida.manage import get_manager

    images = FramesData.from_atoms([bulk('Ar', a=5.3, cubic=True)] * 5)
    inputs = {'code': vasp_code, 'images': images, 'parameters': {'potential_family': potcar_family}, **change}
    with pytest.raises(ValueError, match=message):
        instantiate_process(get_manager().get_runner(), VaspPathWorkChain, **inputs)


def test_tags_of_a_band():
    options = VaspBandOptions(potential_family='x', optimizer='lbfgs', optimizer_tags={'maxmove': 0.1}, climb=False)
    tags = options.to_band_incar(4)
    assert (tags['images'], tags['iopt'], tags['maxmove'], tags['lclimb'], tags['ediffg']) == (4, 1, 0.1, False, -0.05)
    assert tags['encut'] == 520.0
    assert 'images' not in options.to_label_options().to_incar()
    message = VaspBandOptions.explain({'potential_family': 'x', 'optimizer_tags': {'maxmov': 0.1}}, 'parameters')
    assert '`optimizer_tags.maxmov` is no tag of the optimisers of VTST' in message

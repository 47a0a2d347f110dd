"""Migration barriers: one that is known exactly, and all ways in which a path can fail."""

import sys
from pathlib import Path

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.ase import RelaxOptions
from aiida_seimlip.options.barrier.results import BarrierRecord
from aiida_seimlip.options.known_calculators import CALCULATORS, KnownCalculator
from aiida_seimlip.workflows.barrier.neb import NEBWorkChain
from tests.stand_ins.double_well import exact_barriers
from tests.workflows.conftest import UNUSABLE

STAND_INS = Path(__file__).parents[2] / 'stand_ins'
WELL = {'height': 0.4, 'tilt': 0.05}
BAND = {'optimizer': 'BFGS', 'fmax': 0.01}
RELAX = {'fmax': 0.005}


def ends(left=(-0.9, 0.1), right=(1.1, -0.1)):
    """Return an atom in the left and in the right well, not quite at the bottom, and one that does not matter."""
    return [
        FramesData.from_atoms([Atoms('HO', [[*place, 0.0], [5.0, 5.0, 5.0]], cell=[9, 9, 9], pbc=True)])
        for place in (left, right)
    ]


@pytest.fixture
def python(code, monkeypatch):
    """Return a Python that finds the calculator of the double well."""
    monkeypatch.setitem(CALCULATORS, 'well', KnownCalculator('double_well:DoubleWell', 'ase', reusable=True))
    return code('seimlip.ase', sys.executable, prepend_text=f'export PYTHONPATH={STAND_INS}')


@pytest.fixture
def inputs(python):
    """Return a function that makes the inputs: of the well, of the band and of the workflow."""

    def make(nodes=None, *, well=None, band=None, reference=None, **options):
        initial, final = nodes or ends()
        calculator = {'name': 'well', 'kwargs': {**WELL, **(well or {})}}
        parameters = {'calculator': calculator, **BAND, **(band or {})}
        settings = {'path': {'code': python, 'parameters': orm.Dict(parameters)}}
        if reference is not None:
            calculator = {'name': 'well', 'kwargs': {**WELL, **reference}}
            settings['reference'] = {'code': python, 'parameters': orm.Dict({'calculator': calculator})}
        return {
            'initial': initial, 'final': final, 'options': {'n_images': 5, 'relax': RELAX, **options}, **settings,
        }  # fmt: skip

    return make


def barrier_of(outputs):
    return BarrierRecord.model_validate(outputs['barrier'].get_dict())


# -- paths ------------------------------------------------------------------------------------------------------------


def test_barrier_that_is_known(inputs):
    """Ends, barriers, errors of the potential and labels, all against the analytic curve."""
    outputs, node = run_get_node(NEBWorkChain, **inputs(reference={'height': 0.5}))
    assert node.is_finished_ok, node.exit_message
    found = barrier_of(outputs)
    forward, backward, reaction = exact_barriers(**WELL)
    assert (found.is_converged, found.is_climbing, found.n_images) == (True, True, 7)
    assert found.forward == pytest.approx(forward, abs=2e-3)
    assert found.backward == pytest.approx(backward, abs=2e-3)
    assert found.reaction_energy == pytest.approx(reaction, abs=1e-3)
    assert found.fmax < 0.01
    assert found.flags == []
    assert [(atom.index, atom.symbol) for atom in found.moved] == [(0, 'H')]
    assert found.moved[0].distance == pytest.approx(2.0, abs=0.05)
    assert found.highest_grade is None

    checked = found.reference
    expected = exact_barriers(0.5, WELL['tilt'])[0]
    assert checked.forward == pytest.approx(expected, abs=0.02)  # on the path of the potential
    assert checked.error_mev.forward == pytest.approx(1e3 * (found.forward - checked.forward), abs=1e-9)
    assert outputs['labelled'].is_labelled
    assert outputs['labelled'].hashes == outputs['path'].hashes
    assert outputs['ends'].n_frames == 2
    x = outputs['ends'].get_frames().positions.reshape(2, 2, 3)[:, 0, 0]
    wells = np.sort(np.roots([1.6, 0.0, -1.6, 0.05]).real)[[0, 2]]
    np.testing.assert_allclose(x, wells, atol=5e-3)

    profile = outputs['profile']
    assert profile.get_array('spline_energy').max() == pytest.approx(found.forward, abs=1e-3)
    assert profile.get_array('reference_energies').shape == (7,)
    assert profile.get_array('coordinate')[-1] == pytest.approx(found.path_length)


def test_ends_swapped(inputs):
    """From right to left, forward is backward; and an end need not be relaxed."""
    roots = np.sort(np.roots([1.6, 0.0, -1.6, 0.05]).real)
    left, _, right = [(x, 0.3 * (1.0 - x**2)) for x in roots]
    outputs, node = run_get_node(NEBWorkChain, **inputs(ends(right, left), relax=None))
    assert node.is_finished_ok, node.exit_message
    found, (forward, backward, _) = barrier_of(outputs), exact_barriers(**WELL)
    assert (found.forward, found.backward) == (pytest.approx(backward, abs=2e-3), pytest.approx(forward, abs=2e-3))
    assert 'ends' not in outputs
    assert found.reference is None


# -- ends that are refused --------------------------------------------------------------------------------------------


def refuse(inputs, message, **changes):
    with pytest.raises(ValueError, match=message):
        run_get_node(NEBWorkChain, **{**inputs, **changes})


def test_wrong_order_is_refused(inputs):
    initial, final = ends()
    swapped = FramesData.from_atoms([final.get_atoms(0)[[1, 0]]])
    refuse(inputs((initial, swapped)), r'different orders; they differ at 0 \(H in one, O in the other\)')


def test_equal_ends_are_refused(inputs):
    initial, _ = ends()
    refuse(inputs((initial, initial)), 'Inputs `initial` and `final` are the same')


def test_more_than_one_frame_is_refused(inputs):
    initial, final = ends()
    both = FramesData.from_atoms([initial.get_atoms(0), final.get_atoms(0)])
    refuse(inputs((both, final)), 'Input `initial` is wrong: There are 2 frames')


def test_unknown_species_are_refused(inputs, potential_trained):
    refuse(inputs(), 'Input `initial` holds H, which the input `potential` does not know', potential=potential_trained)


def test_settings_are_checked(inputs):
    refuse(inputs(), 'Input `engines` is wrong: There is no engine `siesta`', engines={'path': 'siesta'})
    refuse(inputs(band={'images': 3}), '`path.parameters` is wrong: `images` is not a known option')
    refuse(inputs(relax={'cell': 'full'}), '`cell` must be `fixed`')
    refuse(inputs(reference={}), 'Input `engines` is wrong: There is no engine', engines={'reference': 'siesta'})


# -- how it can end ---------------------------------------------------------------------------------------------------


def test_relaxed_into_the_same_minimum(inputs):
    outputs, node = run_get_node(NEBWorkChain, **inputs(ends((-1.2, 0.0), (-0.6, 0.2))))
    assert node.exit_status == 311, node.exit_message
    assert outputs['ends'].n_frames == 2


def test_ends_that_do_not_relax(inputs):
    relax = RelaxOptions(fmax=1e-9, max_steps=1).to_dict()
    _, node = run_get_node(NEBWorkChain, **inputs(relax=relax))
    assert node.exit_status == 310
    assert 'NotConverged: the forces did not fall below 1e-09 eV/Å in 1 steps' in node.exit_message


def test_path_that_does_not_converge_is_kept(inputs):
    given = inputs(relax=None, band={'fmax': 1e-9, 'max_steps': 2})
    given['path']['max_iterations'] = orm.Int(1)
    outputs, node = run_get_node(NEBWorkChain, **given)
    assert node.exit_status == 400
    assert outputs['path'].n_frames == 7
    found = barrier_of(outputs)
    assert not found.is_converged
    assert 'has not converged' in found.flags[0]
    assert outputs['profile'].get_array('energies').shape == (7,)


def test_image_that_fails(inputs):
    _, node = run_get_node(NEBWorkChain, **inputs(relax=None, well={'forbidden': 0.2}))
    assert node.exit_status == 320
    assert 'Image 3: ValueError: It gives up here.' in node.exit_message


def test_images_that_have_collapsed(inputs):
    """The climbing image leaves its neighbours at different distances: with this limit they count as collapsed."""
    outputs, node = run_get_node(NEBWorkChain, **inputs(relax=None, collapse_ratio=0.999))
    assert node.exit_status == 410
    assert outputs['path'].n_frames == 7
    assert 'barrier' not in outputs


def test_reference_that_fails_on_an_image(inputs):
    """The barrier is told, the labels that there are are kept."""
    outputs, node = run_get_node(NEBWorkChain, **inputs(relax=None, reference={'forbidden': 0.2}))
    assert node.exit_status == 420
    assert '1 of 7 images failed; image 3: ValueError: It gives up here.' in node.exit_message
    found = barrier_of(outputs)
    assert found.reference is None
    assert list(found.reference_failures) == ['3']
    assert 'could not label 1 of 7 images' in found.flags[-1]
    assert outputs['labelled'].n_frames == 6


def test_sites_that_are_no_atoms_are_refused(inputs):
    """An end may be open in some directions, but not a crystal whose atoms nobody knows."""
    make, words = UNUSABLE['alloy']
    with pytest.raises(ValueError, match=f'Input `final` is wrong: .*{words}'):
        instantiate_process(get_manager().get_runner(), NEBWorkChain, **{**inputs(), 'final': make()})


def test_fixed_atoms(inputs):
    """The atom that does not matter is held: the same barrier, and all jobs are told."""
    outputs, node = run_get_node(NEBWorkChain, **inputs(fixed=[1]))
    assert node.is_finished_ok, node.exit_message
    assert barrier_of(outputs).forward == pytest.approx(exact_barriers(**WELL)[0], abs=2e-3)
    jobs = [job for job in node.called_descendants if isinstance(job, orm.CalcJobNode)]
    told = [{**job.inputs.parameters.get_dict().get('relax', {}), **job.inputs.parameters.get_dict()} for job in jobs]
    assert len(told) >= 2
    assert all(parameters['fixed'] == [1] for parameters in told)
    refuse(inputs(fixed=[0]), r'keeps atoms in place that inputs `initial` and `final` move: H 0 \(2.0')
    refuse(inputs(fixed=[2]), 'names atom 2, but there are 2')

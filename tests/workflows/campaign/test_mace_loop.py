"""One whole campaign without a moment tensor potential: a committee of two small MACE models learns Li2CO3.

The labels are those of GFN1-xTB. The cell is the primitive one of twelve atoms: at Γ alone its numbers are no physics,
but those of tblite all the same.
"""

import sys

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import run_get_node
from ase import Atoms
from tblite.ase import TBLite

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.learned import training_sets
from aiida_seimlip.options.campaign.history import CampaignHistory
from aiida_seimlip.report.campaign.collect import collect
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from tests.mace_models.fixtures import needs_mace

MAX_LABELS = 40
MD = {'timestep': 1.0, 'n_steps': 200, 'dump_every': 20, 'thermo_every': 20}
OVERRIDES = {
    'options': {
        'seed': 7, 'max_iterations': 2, 'max_labels': MAX_LABELS, 'lone_atoms': 12.0,
        'bootstrap': {'n_perturbed': 20, 'temperatures': [150.0, 300.0, 600.0], 'strain': 0.02},
        'exploration': {'conditions': [{**MD, 'temperature': 300.0}, {**MD, 'temperature': 600.0}]},
        'selection': {'max_frames': 8},
        'held_out': {'conditions': [{**MD, 'temperature': 300.0}], 'n_frames': 4},
    },
    'training': {
        'parameters': {
            'committee': 2, 'num_channels': 8, 'max_ell': 1, 'r_max': 4.0, 'max_num_epochs': 30, 'batch_size': 1,
        }
    },
    'selection': {'parameters': {'n_frames': 8}},
    'also_train': {
        'engine': 'mace', 'parameters': {'num_channels': 4, 'max_ell': 1, 'r_max': 4.0, 'max_num_epochs': 6},
    },
}  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), needs_mace]
_RUN = {}


def gfn1(atoms):
    """Return energy in eV and forces in eV/Å of the reference, computed here."""
    atoms.calc = TBLite(method='GFN1-xTB', verbosity=0)
    return atoms.get_potential_energy(), atoms.get_forces()


@pytest.fixture
def campaign(code, mace_code):
    """Return outputs and process of the campaign, which is run once for all tests of this module."""
    if not _RUN:
        codes = {'reference': code('seimlip.ase', sys.executable), 'training': mace_code, 'exploration': mace_code}
        codes['also_train'] = mace_code
        crystal = CRYSTALS['Li2CO3-monoclinic'].primitive()
        builder = ActiveLearningWorkChain.get_builder_from_protocol(
            codes, {'crystal': FramesData.from_atoms([crystal])}, protocol='mace', overrides=OVERRIDES
        )
        _RUN['outputs'], _RUN['node'] = run_get_node(builder)
    return _RUN['outputs'], _RUN['node']


def history_of(outputs):
    return CampaignHistory(**outputs['history'].get_dict())


def test_it_comes_to_an_end(campaign):
    """It converges, or says that explorations still break when its budget is spent."""
    outputs, node = campaign
    assert node.exit_status in (0, 400, 401), node.exit_message
    history = history_of(outputs)
    assert history.converged == (node.exit_status == 0)
    assert history.n_labels <= MAX_LABELS
    assert history.species == ['Li', 'C', 'O']


def test_the_potential_is_a_committee_that_knows_its_scale(campaign):
    potential = campaign[0]['potential']
    assert (potential.family, potential.selection_mode, len(potential.members)) == ('mace', 'committee', 2)
    assert 0.1 < potential.deviation_scale < 100.0


def test_explorations_are_graded(campaign):
    """In eV/Å, against the thresholds of the campaign: a run that broke was above, one that survived was not."""
    for record in history_of(campaign[0]).iterations[1:]:
        for run in record.explorations:
            assert run.highest_grade is not None
            assert (run.outcome == 'broke') == (run.highest_grade > 2.0) or run.outcome == 'crashed'


def test_held_out_errors_are_known(campaign):
    """They are those of what the last explorations predicted of these frames."""
    outputs, node = campaign
    errors = history_of(outputs).held_out.errors
    assert errors.n_frames == outputs['held_out'].n_frames
    labelled = outputs['held_out'].get_frames()
    runs = [
        entry.node for entry in node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
        if entry.link_label.startswith('held_out') and 'trajectory' in entry.node.outputs
    ]  # fmt: skip
    predicted = {
        value: frame.forces for run in runs for value, frame in zip(
            run.outputs.trajectory.hashes, _each(run.outputs.trajectory.get_frames()), strict=True
        )
    }  # fmt: skip
    differences = [frame.forces - predicted[value] for value, frame in zip(
        outputs['held_out'].hashes, _each(labelled), strict=True
    )]  # fmt: skip
    rms = float(np.sqrt(np.mean(np.square(differences))))
    assert errors.force_ev_per_angstrom == pytest.approx(rms, rel=1e-9)
    assert rms < 1.0
    assert errors.energy_mev_per_atom is not None


def _each(frames):
    return [frames[index] for index in range(len(frames))]


def test_labels_are_those_of_the_reference(campaign):
    """The same energy and forces as tblite gives here."""
    for node in (campaign[0]['held_out'], campaign[0]['training']['iteration_000']):
        frame = node.get_frames()[0]
        energy, forces = gfn1(frame.to_atoms()[0])
        assert frame.energies[0] == pytest.approx(energy, abs=1e-5)
        np.testing.assert_allclose(frame.forces, forces, atol=1e-4)


def test_the_origin_of_every_frame_is_known(campaign):
    """Those of the bootstrap are copies of the crystal, all others come from explorations, at the place they name."""
    outputs, _ = campaign
    sets = {**outputs['training'], 'held_out': outputs['held_out']}
    assert sum(node.n_frames for node in outputs['training'].values()) == history_of(outputs).n_labels
    for name, node in sets.items():
        frames = node.get_frames()
        assert set(frames.methods) == {'GFN1-xTB'}
        for index, (uuid, place) in enumerate(zip(frames.origin_uuids, frames.origin_indices, strict=True)):
            origin = orm.load_node(uuid)
            expected = 'plan_bootstrap' if name == 'iteration_000' else 'MdExploreCalculation'
            assert origin.creator.process_label == expected
            assert origin.hashes[place] == node.hashes[index]
    assert {node.pk for node in training_sets(outputs['potential'])} == {
        node.pk for node in outputs['training'].values()
    }


def test_new_labels_judge_the_potential_that_has_not_seen_them(campaign):
    records = [record for record in history_of(campaign[0]).iterations[1:] if record.n_labelled]
    for record in records:
        assert record.validation_errors.n_frames > 0


def test_trainings_know_the_energies_of_lone_atoms(campaign):
    _, node = campaign
    trainings = [process for process in node.called if process.process_label == 'MaceTrainingWorkChain']
    committees = [process for process in trainings if process.inputs.parameters.get('committee', 1) > 1]
    assert trainings
    for training in trainings:
        energies = training.inputs.parameters['atom_energies']
        for symbol in ('Li', 'C', 'O'):
            assert energies[symbol] == pytest.approx(gfn1(Atoms(symbol))[0], abs=0.01), 'without periodic images'
    assert ['start' in training.inputs for training in committees] == [False] + [True] * (len(committees) - 1)


def test_another_potential_learns_from_the_same_labels(campaign):
    """It is a single model, judged by the same held-out frames through a job of its own, stresses included."""
    outputs, _ = campaign
    also, history = outputs['also'], history_of(outputs)
    assert (also.family, len(also.members)) == ('mace', 1)
    assert history.also_errors.model_dump(mode='json') == outputs['also_errors'].get_dict()
    assert history.also_errors.n_frames == outputs['held_out'].n_frames
    assert history.also_errors.stress_gpa is not None
    assert 0.0 < history.also_errors.force_ev_per_angstrom < 3.0


def test_it_can_be_reported(campaign):
    report = collect(campaign[1])
    assert report.title.startswith('A MACE potential')
    assert [parity.name for parity in report.parities] == ['held-out']

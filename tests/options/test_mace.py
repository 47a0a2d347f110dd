"""Options of the training of MACE."""

import pytest

from aiida_seimlip.options.mace import MaceTrainOptions


def test_learning_rate_falls_to_a_twentieth():
    for n_epochs in (1, 20, 300):
        assert MaceTrainOptions(max_num_epochs=n_epochs).gamma ** n_epochs == pytest.approx(0.05)
    assert MaceTrainOptions(lr_scheduler_gamma=0.9).gamma == 0.9


def test_what_is_stored_is_taken_again():
    """The defaults of weights depend on the loss, and must not be found at fault when they are written out."""
    for loss in ('weighted', 'huber', 'stress'):
        stored = MaceTrainOptions.from_node({'loss': loss, 'swa': True}).to_dict()
        assert MaceTrainOptions.explain(stored, 'parameters') is None
        assert MaceTrainOptions.from_node(stored).uses_stress == (loss != 'weighted')


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'loss': 'weighted', 'stress_weight': 1.0}, 'the loss `weighted` ignores stresses'),
        ({'loss': 'huber', 'swa': True, 'swa_stress_weight': 1.0}, 'ignores stresses in stage two'),
        ({'swa': True, 'start_swa': 60}, 'stage two begins at epoch 60, but the last one is 59'),
        ({'start_swa': 10}, '`start_swa` is given without `swa`'),
        ({'loss': 'forces_only', 'swa': True}, 'no stage two'),
        ({'committee': 2, 'member': 2}, '`member` is 2'),
        ({'scheduler': 'ReduceLROnPlateau', 'lr_scheduler_gamma': 0.9}, 'no effect'),
        ({'atom_energies': {'Xx': 1.0}}, '`Xx` is not an element'),
        ({'colour': 'red'}, '`colour` is not a known option'),
    ],
)
def test_faults(options, words):
    assert words in MaceTrainOptions.explain(options, 'parameters')


def test_arguments():
    options = MaceTrainOptions(seed=5, committee=3, member=2, loss='virials', stress_weight=7.0)
    arguments = options.to_arguments()
    assert arguments['seed'] == 7
    assert arguments['virials_weight'] == 7.0
    assert 'stress_weight' not in arguments
    assert 'swa' not in arguments
    assert arguments['ema'] is None


def test_settings_that_may_change_on_a_resume():
    """Whoever goes on may have more epochs if the learning rate falls as before."""
    one, other = (
        MaceTrainOptions(lr_scheduler_gamma=0.9, max_num_epochs=n_epochs, threads=threads)
        for n_epochs, threads in ((10, 1), (20, 4))
    )
    assert one.to_settings() == other.to_settings()
    assert MaceTrainOptions(max_num_epochs=10).to_settings() != MaceTrainOptions(max_num_epochs=20).to_settings()

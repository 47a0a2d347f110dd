"""The last line of a campaign's report."""

from aiida_seimlip.workflows.campaign.ending import describe_end

ERRORS = {'n_frames': 30, 'energy_mev_per_atom': 2.71, 'force_ev_per_angstrom': 0.0631, 'stress_gpa': 0.485}


def test_converged():
    words = 'Converged: 84 labels in 3 iterations. On 30 held-out frames, against {}: '
    errors = '2.71 meV/atom, 0.0631 eV/Å, 0.485 GPa (RMSE).'
    assert describe_end(3, 84, None, ERRORS, {'7net-0': 30}) == words.format('7net-0') + errors
    assert describe_end(3, 84, None, ERRORS, {'': 30}) == words.format('the reference') + errors


def test_unknown_errors_are_left_out():
    errors = {**ERRORS, 'n_frames': 1, 'stress_gpa': None}
    words = describe_end(1, 1, None, errors)
    assert words.endswith('On 1 held-out frame, against the reference: 2.71 meV/atom, 0.0631 eV/Å (RMSE).')
    unknown = {'n_frames': 2, 'energy_mev_per_atom': None}
    words = describe_end(1, 1, None, unknown, {'7net-0': 1, 'PBE': 1})
    assert words.endswith('On 2 held-out frames, against 7net-0 and PBE: errors unknown (RMSE).')


def test_not_converged():
    assert describe_end(1, 5, 'It broke.', None) == 'Not converged (5 labels in 1 iteration): It broke.'

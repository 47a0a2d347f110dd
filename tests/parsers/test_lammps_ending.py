"""How runs end whose cells do not hold."""

import pytest

from aiida_seimlip.parsers.lammps_ending import find_ending
from aiida_seimlip.science.formats.lammps_log import parse_log

LOG = """\
LAMMPS (22 Jul 2025)
Per MPI rank memory allocation (min/avg/max) = 3.4 | 3.4 | 3.4 Mbytes
   Step          Temp          PotEng
         0   1000          -50.0
        10   1020          -49.0
"""


@pytest.mark.parametrize(
    'message',
    [
        'Fix npt/nph has tilted box too far in one step - periodic cell is too far from equilibrium state',
        'Non-numeric box dimensions - simulation unstable',
        'Lost atoms: original 72 current 71',
        'The cell collapsed - simulation unstable',
    ],
)
@pytest.mark.parametrize('rank', ['ERROR: ', 'ERROR on proc 0: '])
def test_box_that_goes_too_far_is_a_crash_of_which_something_can_be_learned(message, rank):
    log = parse_log(f'{LOG}{rank}{message} (src/fix_nh.cpp:1199)\n')
    ending = find_ending(log, '', '', is_started=True, is_out_of_time=False)
    assert (ending.outcome, ending.exit_code) == ('crashed', 'ERROR_CRASHED')
    assert message in ending.message

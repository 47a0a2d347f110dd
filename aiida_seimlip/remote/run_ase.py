"""Run a batch of configurations through an ASE calculator; uploaded and run by the CalcJob ``seimlip.ase``.

Usage: ``python3 run_ase.py`` in a folder that holds

- ``options.json``: calculator, task and limits, as `aiida_seimlip.options.ase.AseOptions.to_remote` writes them;
- ``frames.npz``: the configurations, as the packed arrays of `aiida_seimlip.science.frames.Frames`.

Everything is written to ``results.jsonl``, one JSON object a line, as soon as it is known, so that what is finished
survives a kill:

- ``{"kind": "header", ...}``: versions of Python, ASE and the calculator;
- ``{"kind": "begin", "index": i}``: frame ``i`` is being worked on;
- ``{"kind": "sample", "index": i, "step": s, "energy": ..., "forces": ..., "stress": ...}``: a labelled
  configuration, with ``positions``, ``cell`` and ``velocities`` where the task moves the atoms, and
  ``energy_property``, which says whether it is the free energy that belongs to the forces;
- ``{"kind": "frame", "index": i, "seconds": ..., "error": ..., "note": ...}``: frame ``i`` is done or has failed;
- ``{"kind": "end", "status": ..., "message": ...}``: the last line, missing only if the script was killed outright.

Every frame is calculated in a worker process: a calculator that crashes or hangs takes one frame with it, not the
batch. Some room on the disk is kept in reserve, so that a full disk does not keep the last line from being written.
The script needs ``batch.py`` and what that imports beside it, numpy, ase and the calculator, and nothing else. Units
are ASE's (eV, Å, eV/Å³, Voigt order), except velocities, which are in Å/ps.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING or __package__:
    from .batch import EXIT_CODES, Batch
    from .shared import THREAD_VARIABLES, StopError
else:  # on the remote computer the modules lie beside this script
    from batch import EXIT_CODES, Batch
    from shared import THREAD_VARIABLES, StopError

OPTIONS_FILENAME = 'options.json'


def main(folder: Path | None = None) -> int:
    """Run the batch of the folder and return the exit code of the script."""
    folder = Path.cwd() if folder is None else folder
    started = time.monotonic()
    options = json.loads((folder / OPTIONS_FILENAME).read_text(encoding='utf-8'))
    for name in THREAD_VARIABLES:
        os.environ[name] = str(options['threads'])
    status, message = 'finished', None
    batch = Batch(folder, options)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, batch.interrupt)
    try:
        batch.run()
    except StopError as exception:
        status, message = exception.status, str(exception)
    batch.close({'kind': 'end', 'status': status, 'message': message, 'seconds': time.monotonic() - started})
    if message is not None:
        print(message, file=sys.stderr)
    return EXIT_CODES[status]


if __name__ == '__main__':
    sys.exit(main())

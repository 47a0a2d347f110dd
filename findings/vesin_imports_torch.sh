#!/usr/bin/env bash
# A neighbour list of numpy arrays imports torch.
#
# One would expect: `import vesin` loads a small library in C, and torch only where it is given a tensor (`vesin.torch` is a module
#   of its own).
# What happens: wherever torch is installed, `import vesin` imports all of it, and cupy, to be able to tell their arrays.
# Whom it costs: each short program that wants neighbours of numpy arrays, such as jobs and command lines that are started by the
#   thousand in an environment with a machine-learning potential: seconds and hundreds of megabytes each.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'torch==2.13.0'
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'vesin==0.6.2' 'numpy==2.4.6'
cd "$folder"
venv/bin/python -c 'import torch'  # so that neither import is the first from the disk
venv/bin/python - <<'PYTHON'
import importlib.metadata
import subprocess
import sys

SCRIPT = """
import resource, sys, time
{hidden}
started = time.process_time()
import vesin
print('torch' in sys.modules and sys.modules['torch'] is not None, time.process_time() - started,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

found = {}
for name, hidden in (('as it is', ''), ('torch hidden', "sys.modules['torch'] = None")):
    output = subprocess.run(
        [sys.executable, '-c', SCRIPT.format(hidden=hidden)], capture_output=True, text=True, check=True
    ).stdout.split()
    found[name] = output[0] == 'True'
    print(f'vesin {importlib.metadata.version("vesin")}, {name}: torch imported {output[0]}, '
          f'{float(output[1]):.2f} CPU-s, {float(output[2]):.0f} MB')
assert found == {'as it is': True, 'torch hidden': False}, 'the behaviour has changed'
PYTHON

"""A Python that stops at certain places: put this folder on PYTHONPATH and name them in the environment.

- ``SEIMLIP_HOLD=FOLDER``: the parser of ``seimlip.ase`` waits as long as ``FOLDER/parsing`` exists; so that a test can
  tell, it first writes the number of its process to ``FOLDER/parsing.pid``.
- ``SEIMLIP_HANG=N``: ASE's Lennard-Jones calculator never comes to an end with N atoms.
"""

import os
import sys
import time
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

HOLD, HANG = os.environ.get('SEIMLIP_HOLD'), os.environ.get('SEIMLIP_HANG')


def hold_parser(module):
    parse = module.AseParser.parse

    def parse_when_allowed(self, **kwargs):
        barrier = Path(HOLD, 'parsing')
        while barrier.exists():
            barrier.with_suffix('.pid').write_text(str(os.getpid()))
            time.sleep(0.1)
        return parse(self, **kwargs)

    module.AseParser.parse = parse_when_allowed


def hang_calculator(module):
    calculate = module.LennardJones.calculate

    def calculate_or_hang(self, atoms=None, *args, **kwargs):
        while atoms is not None and len(atoms) == int(HANG):
            time.sleep(3600)
        return calculate(self, atoms, *args, **kwargs)

    module.LennardJones.calculate = calculate_or_hang


class PatchAfterImport(MetaPathFinder):
    """Change a module as soon as it has been imported, so that others do not wait for its import."""

    patches = {
        **({'aiida_seimlip.parsers.ase': hold_parser} if HOLD else {}),
        **({'ase.calculators.lj': hang_calculator} if HANG else {}),
    }

    def find_spec(self, name, path=None, target=None):
        patch = self.patches.get(name)
        spec = PathFinder.find_spec(name, path, target) if patch else None
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_and_patch(module):
                execute(module)
                patch(module)

            spec.loader.exec_module = execute_and_patch
        return spec


sys.meta_path.insert(0, PatchAfterImport())

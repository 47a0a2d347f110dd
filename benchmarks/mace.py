"""Print how fast molecular dynamics with MACE runs, by several ways, on this machine.

Run it with the Python that has mace-torch, lammps and this package (``make mace``)::

    .venv/var/mace/bin/python benchmarks/mace.py --atoms 96 1440
    python benchmarks/mace.py --device cuda --atoms 96 1440 10368 --budget 540

By default the model has random weights, of the size that ``--channels``, ``--cutoff`` and ``--correlation`` say;
``--potential`` takes a file, in TorchScript or pickled, which is loaded and so must be trusted. The crystal is Li2CO3,
its atoms displaced by 0.02 Å. Each case runs in a process of its own, so that one that has no memory left, or lacks a
library, is a line in the table and not the end of it. On a CPU, times are CPU time of the process; on a GPU, wall time.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from md import li2co3, processor, random_potential

from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.formats.lammps_input import LammpsFiles, LammpsMdSettings, write_input
from aiida_seimlip.science.formats.lammps_log import parse_log
from aiida_seimlip.science.formats.mlip3_potential import write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.speed import atom_steps_per_second, ns_per_day

HERE = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != HERE]  # else this file is taken for MACE

SPECIES = ('Li', 'C', 'O')
REPEATS = {24: (1, 1, 1), 48: (1, 2, 1), 96: (1, 2, 2), 1440: (3, 4, 5), 10368: (6, 8, 9)}
LEVEL = 10
TIMESTEP_FS = 1.0
N_BATCH = 8
WARM_UP = 3
PACKAGES = ('torch', 'mace-torch', 'e3nn', 'ase', 'numpy', 'lammps', 'torch-sim-atomistic', 'cuequivariance-torch',
            'openequivariance')  # fmt: skip


class Skipped(Exception):  # noqa: N818
    """A way that cannot be gone here; the message says why."""


# -- the model --------------------------------------------------------------------------------------------------------


def make_model(options: argparse.Namespace, folder: Path) -> None:
    """Write a model with random weights, pickled and in TorchScript, in double precision."""
    import mace.calculators  # noqa: F401  # before e3nn, whose files torch refuses to load without what this sets
    import torch
    from e3nn import o3
    from e3nn.util import jit
    from mace.modules import ScaleShiftMACE, interaction_classes

    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    block = interaction_classes['RealAgnosticResidualInteractionBlock']
    model = ScaleShiftMACE(
        r_max=options.cutoff, num_bessel=8, num_polynomial_cutoff=5, max_ell=3, interaction_cls=block,
        interaction_cls_first=block, num_interactions=2, num_elements=3,
        hidden_irreps=o3.Irreps(options.channels), MLP_irreps=o3.Irreps('16x0e'), gate=torch.nn.functional.silu,
        atomic_energies=np.zeros(3), avg_num_neighbors=40.0, atomic_numbers=[3, 6, 8], correlation=options.correlation,
        atomic_inter_scale=0.1, atomic_inter_shift=0.0,
    )  # fmt: skip
    torch.save(model, folder / 'm.model')
    jit.compile(model).save(folder / 'm.pt')


def take_model(path: Path, folder: Path) -> None:
    """Write a given model, in TorchScript and, if it is pickled, as it is."""
    import mace.calculators  # noqa: F401
    import torch
    from e3nn.util import jit

    try:
        torch.jit.load(path, map_location='cpu')
        (folder / 'm.pt').write_bytes(path.read_bytes())
    except RuntimeError:
        (folder / 'm.model').write_bytes(path.read_bytes())
        jit.compile(torch.load(path, map_location='cpu', weights_only=False)).save(folder / 'm.pt')


# -- the ways ---------------------------------------------------------------------------------------------------------


def crystal(n_atoms: int) -> Atoms:
    atoms = li2co3(REPEATS[n_atoms])
    atoms.rattle(0.02, seed=1)
    return atoms


def time_steps(step: Callable[[int], None], device: str, seconds: float) -> float:
    """Return the seconds that a step takes: CPU time, or wall time on a GPU."""
    clock = time.perf_counter if device == 'cuda' else time.process_time
    step(WARM_UP)
    n_steps, spent = 1, 0.0
    while True:
        begun = clock()
        step(n_steps)
        spent = clock() - begun
        if spent > 0.5 * seconds:
            return spent / n_steps
        n_steps = max(2 * n_steps, int(0.8 * seconds * n_steps / max(spent, 1e-3)))


def run_ase(case: dict[str, Any]) -> float:
    """Time velocity Verlet with MACE's own calculator."""
    import torch
    from ase import units
    from ase.md.verlet import VelocityVerlet
    from mace.calculators import MACECalculator

    settings = dict(case.get('settings', {}))
    given: dict[str, Any] = {'models': [torch.jit.load('m.pt', map_location=case['device'])]}
    if settings:
        if not Path('m.model').exists():
            raise Skipped('it takes a pickled model')
        given = {'model_paths': 'm.model', **settings}
    atoms = crystal(case['n_atoms'])
    atoms.calc = MACECalculator(device=case['device'], default_dtype=case['dtype'], **given)
    dynamics = VelocityVerlet(atoms, TIMESTEP_FS * units.fs)
    return time_steps(dynamics.run, case['device'], case['seconds'])


def run_torch_sim(case: dict[str, Any]) -> float:
    """Time evaluations of several cells at once; a step here is an evaluation of one of them."""
    import torch
    import torch_sim
    from torch_sim.models.mace import MaceModel

    if not Path('m.model').exists():
        raise Skipped('it takes a pickled model')
    device, dtype = torch.device(case['device']), getattr(torch, case['dtype'])
    raw = torch.load('m.model', map_location=device, weights_only=False).to(dtype)
    model = MaceModel(model=raw, device=device, dtype=dtype, compute_forces=True, compute_stress=True)
    state = torch_sim.initialize_state([crystal(case['n_atoms'])] * N_BATCH, device=device, dtype=dtype)

    def step(n_steps: int) -> None:
        for _ in range(n_steps):
            model(state)
        if case['device'] == 'cuda':
            torch.cuda.synchronize()

    return time_steps(step, case['device'], case['seconds']) / N_BATCH


def run_lammps(case: dict[str, Any]) -> float:
    """Time ``seimlip-lmp`` by LAMMPS' own account of its loop."""
    dialect = case['dialect']
    settings = LammpsMdSettings(
        ensemble='nve', with_grades=False, create_velocities=False, timestep=TIMESTEP_FS, n_steps=case['n_steps'],
        thermo_every=10_000, dump_every=10_000, dialect=dialect, precision=case.get('dtype'),
    )  # fmt: skip
    name = 'm.pt' if dialect == 'mace' else 'potential.almtp'
    frame = Frames.from_atoms([crystal(case['n_atoms'])])
    frame = frame.replace(velocities=np.zeros_like(frame.positions))
    if dialect == 'mlip':
        Path(name).write_bytes(write_almtp(random_potential(LEVEL).replace(active_set=None)))
    Path('structure.data').write_text(write_data(frame, SPECIES)[0])
    Path('in.lmp').write_text(write_input(settings, SPECIES, files=LammpsFiles(potential=name)))
    environment = os.environ | ({'CUDA_VISIBLE_DEVICES': ''} if case['device'] == 'cpu' else {})
    command = [sys.executable, '-m', 'aiida_seimlip.embedded.lmp', '-in', 'in.lmp']
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError((process.stdout + process.stderr).strip().splitlines()[-1])
    log = Path('log.lammps').read_text()
    share = 1.0 if case['device'] == 'cuda' else float(re.search(r'^([\d.]+)% CPU use', log, re.MULTILINE)[1]) / 100
    return share * parse_log(log).runs[0].seconds / case['n_steps']


RUNNERS = {'ase': run_ase, 'torch-sim': run_torch_sim, 'lammps': run_lammps}


def lacks(module: str, *, needs_cuda: bool, device: str) -> str | None:
    """Say why a library cannot be used."""
    if importlib.util.find_spec(module) is None:
        return f'{module} is not installed'
    return f'{module} is for --device cuda' if needs_cuda and device != 'cuda' else None


def plan(n_atoms: int, device: str, seconds: float) -> list[tuple[str, dict[str, Any], str | None]]:
    """Return the ways for a size: name, what runs, and why it does not, if so."""
    shared = {'n_atoms': n_atoms, 'device': device, 'seconds': seconds}
    ways: list[tuple[str, dict[str, Any], str | None]] = []
    for dtype in ('float32', 'float64'):
        ways.append((f'ASE, {dtype}', {'runner': 'ase', 'dtype': dtype}, None))
    compiled = None if n_atoms <= 1440 or device == 'cuda' else 'not on a CPU for so many atoms'
    ways.append((
        'ASE, float32, compiled', {'runner': 'ase', 'dtype': 'float32', 'settings': {'compile_mode': 'default'}},
        compiled,
    ))  # fmt: skip
    kernels = {'cuequivariance_torch': 'enable_cueq', 'openequivariance': 'enable_oeq'}
    for module, option in kernels.items():
        name = module.removesuffix('_torch')
        way = {'runner': 'ase', 'dtype': 'float32', 'settings': {option: True}}
        ways.append((f'ASE, float32, {name}', way, lacks(module, needs_cuda=True, device=device)))
    ways.append((
        f'torch-sim, float32, {N_BATCH} cells', {'runner': 'torch-sim', 'dtype': 'float32'},
        lacks('torch_sim', needs_cuda=False, device=device),
    ))  # fmt: skip
    for dtype in ('float32', 'float64'):
        ways.append((f'seimlip-lmp, {dtype}', {'runner': 'lammps', 'dialect': 'mace', 'dtype': dtype}, None))
    ways.append((f'seimlip-lmp, MTP of level {LEVEL}', {'runner': 'lammps', 'dialect': 'mlip'}, None))
    return [(name, {**shared, **way}, reason) for name, way, reason in ways]


def run_case(case: dict[str, Any], folder: Path, limit: float) -> tuple[float | None, str | None]:
    """Return the seconds of a step, or why there are none, from a process of its own."""
    command = [sys.executable, '-W', 'ignore', str(Path(__file__).absolute()), '--case', json.dumps(case)]
    try:
        process = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return None, f'not done in {limit:.0f} s'
    lines = process.stdout.strip().splitlines()
    if process.returncode == 0 and lines and lines[-1].startswith('{'):
        found = json.loads(lines[-1])
        return found['seconds'], found['reason']
    last = (process.stderr.strip().splitlines() or [f'exit code {process.returncode}'])[-1]
    return None, ('killed, out of memory?' if process.returncode < 0 else last)[:90]


def describe_machine(device: str) -> str:
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f'{package} {importlib.metadata.version(package)}')
        except importlib.metadata.PackageNotFoundError:
            continue
    where = processor()
    if device == 'cuda':
        import torch

        where = torch.cuda.get_device_name()
    threads = os.environ.get('OMP_NUM_THREADS', 'all')
    return f'{where}, {threads} thread(s); Python {platform.python_version()}, {", ".join(versions)}'


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--atoms', type=int, nargs='+', default=[96, 1440], choices=sorted(REPEATS))
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    parser.add_argument('--potential', type=Path, help='model of MACE for Li, C and O instead of random weights')
    parser.add_argument('--channels', default='16x0e', help='hidden irreps of the random model')
    parser.add_argument('--cutoff', type=float, default=4.5, help='of the random model in Å')
    parser.add_argument('--correlation', type=int, default=3, help='of the random model')
    parser.add_argument('--seconds', type=float, default=5.0, help='how long each case is timed')
    parser.add_argument('--limit', type=float, default=240.0, help='seconds after which a case is given up')
    parser.add_argument('--budget', type=float, default=3600.0, help='seconds after which no case is begun')
    parser.add_argument('--case', help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.case:
        answer(json.loads(options.case))
        return
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        take_model(options.potential.absolute(), folder) if options.potential else make_model(options, folder)
        what = options.potential.name if options.potential else (
            f'random weights, {options.channels}, 2 layers, {options.cutoff:g} Å, correlation {options.correlation}'
        )  # fmt: skip
        kind = 'CPU time' if options.device == 'cpu' else 'wall time'
        print(f'{describe_machine(options.device)}\nModel: {what}. {kind}; ns/day at steps of {TIMESTEP_FS:g} fs.\n')
        print(f'| {"way":38s} | {"atoms":>6s} | {"ms/step":>9s} | {"atom-steps/s":>12s} | {"ns/day":>8s} |')
        print(f'|{"-" * 40}|{"-" * 8}|{"-" * 11}|{"-" * 14}|{"-" * 10}|')
        for n_atoms in options.atoms:
            pace = None  # of seimlip-lmp, so that its run takes as long as it is asked to
            for way, case, obstacle in plan(n_atoms, options.device, options.seconds):
                if case['runner'] == 'lammps':
                    guess = (pace or 1.0) if case['dialect'] == 'mace' else 2e-5 * n_atoms
                    case['n_steps'] = max(3, int(options.seconds / guess))
                seconds, reason = None, obstacle
                if reason is None and time.monotonic() - begun > options.budget:
                    reason = 'the budget was spent'
                elif reason is None:
                    seconds, reason = run_case(case, folder, options.limit)
                if case['runner'] == 'ase' and not case.get('settings'):
                    pace = seconds or pace
                print_row(way, n_atoms, seconds, reason)


def print_row(way: str, n_atoms: int, seconds: float | None, reason: str | None) -> None:
    if seconds is None:
        print(f'| {way:38s} | {n_atoms:6d} | {"skipped: " + str(reason):s} | | |', flush=True)
        return
    rate = atom_steps_per_second(n_atoms, 1, seconds)
    per_day = ns_per_day(1, seconds, timestep_fs=TIMESTEP_FS)
    print(f'| {way:38s} | {n_atoms:6d} | {1e3 * seconds:9.2f} | {rate:12,.0f} | {per_day:8.3g} |', flush=True)


def answer(case: dict[str, Any]) -> None:
    """Run one case, and print the seconds of a step or the reason why there are none."""
    seconds, reason = None, None
    try:
        seconds = RUNNERS[case['runner']](case)
    except Exception as exception:
        words = str(exception).strip().splitlines() or ['']
        reason = words[0] if isinstance(exception, Skipped) else f'{type(exception).__name__}: {words[0]}'[:90]
    print(json.dumps({'seconds': seconds, 'reason': reason}))


if __name__ == '__main__':
    main()

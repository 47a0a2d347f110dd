"""Print how long the analysis of trajectories takes, next to other libraries on the same data, as a table in Markdown.

Run as ``python benchmarks/analysis.py``; options: ``--frames`` and ``--ions`` of the track, ``--rdf-frames``,
``--peer-frames`` (radial distributions of the peers are timed on so many frames, and multiplied), ``--only`` (parts of
tasks or programs). Times are seconds of CPU on one core. Libraries that are not installed are passed over with a word.

The track is that of ions which hop at random between the sites of a cubic lattice and vibrate about them: 20 ns of 480
lithium ions with a frame each ps, of a known diffusion coefficient. The frames are Li2CO3 with 1440 atoms, displaced.
"""

import argparse
import os

os.environ.setdefault('OMP_NUM_THREADS', '1')  # before numpy reads it

import contextlib
import importlib
import importlib.util
import io
import itertools
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from md_kernel import processor

from aiida_seimlip.science.analysis.diffusion import estimate_diffusion
from aiida_seimlip.science.analysis.msd import mean_squared_displacement
from aiida_seimlip.science.analysis.rdf import radial_distribution
from aiida_seimlip.science.analysis.track import Track
from aiida_seimlip.science.analysis.units import count_units
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import li2co3

HOP = 3.1
"""Distance of sites in Å."""

RATE = 2e-3
"""Hops of an ion in a ps."""

VIBRATION = 0.15
"""Standard deviation of the vibration along each axis in Å."""

INTERVAL = 1.0
"""Time between frames in ps."""

LAG = 1000
"""Lag in frames whose mean squared displacement is shown."""

TRUE_D = RATE * HOP**2 / 6.0 * 1e-8
"""Of the random walk, in m²/s: Γ a² / 6."""

KINISI_SIZE = (1000, 48)
"""Frames and ions that kinisi's own class is given: its time grows with the square of the frames."""

CUTOFF, BIN_WIDTH = 10.0, 0.02
PEAK = (1.8, 2.2)
"""Distances in Å between which Li and O have their first peak."""

SPECIES = ('Li', 'C', 'O')
PAIRS = tuple(itertools.combinations_with_replacement(SPECIES, 2))
OURS = 'this package'


class Row(NamedTuple):
    """One line of the table."""

    task: str
    program: str
    needs: str
    run: Callable[[], str]
    share: float = 1.0


# -- data -------------------------------------------------------------------------------------------------------------


def random_walk(n_frames: int, n_ions: int, seed: int = 1) -> Track:
    """Return ions that hop between the sites of a cubic lattice and vibrate."""
    rng = np.random.default_rng(seed)
    sites = rng.integers(0, 8, (n_ions, 3)).astype(np.int32)
    positions = np.empty((n_frames, n_ions, 3), dtype=np.float32)
    for frame in range(n_frames):
        hops = rng.poisson(RATE * INTERVAL, n_ions)
        for ion in np.flatnonzero(hops):
            for _ in range(hops[ion]):
                sites[ion, rng.integers(3)] += rng.choice((-1, 1))
        positions[frame] = HOP * sites + rng.normal(0.0, VIBRATION, (n_ions, 3))
    return Track(
        positions=positions, symbols=('Li',) * n_ions, framework=np.zeros((n_frames, 3)),
        cells=np.broadcast_to(8 * HOP * np.eye(3), (n_frames, 3, 3)), steps=np.arange(n_frames) * 2000, timestep=0.5,
    )  # fmt: skip


def displaced_carbonate(n_frames: int, seed: int = 2) -> Frames:
    """Return Li2CO3, 3 × 5 × 4 cells, whose units are displaced as they might be at 600 K."""
    from aiida_seimlip.science.structures.thermal import thermal_perturbations

    crystal = li2co3().repeat((3, 5, 4))
    few = thermal_perturbations(crystal, [600.0] * min(10, n_frames), strain=0.003, seed=seed)
    frames = Frames.from_atoms([few[index % len(few)] for index in range(n_frames)])
    rng = np.random.default_rng(seed)
    return frames.replace(positions=frames.positions + rng.normal(0.0, 0.03, frames.positions.shape))


# -- mean squared displacements and diffusion coefficients ------------------------------------------------------------


def msd_rows(track: Track) -> list[Row]:
    """Return the programs that compute mean squared displacements over all time origins."""

    def ours() -> str:
        return f'{mean_squared_displacement(track.positions).sum(axis=1)[LAG]:.3f} Å²'

    def tidynamics_() -> str:
        import tidynamics

        curves = [tidynamics.msd(track.positions[:, ion].astype(float)) for ion in range(track.n_ions)]
        return f'{np.mean(curves, axis=0)[LAG]:.3f} Å²'

    def mdanalysis() -> str:
        import MDAnalysis
        from MDAnalysis.analysis.msd import EinsteinMSD

        universe = MDAnalysis.Universe.empty(track.n_ions, trajectory=True)
        universe.load_new(track.positions, order='fac')
        return f'{EinsteinMSD(universe, fft=True).run().results.timeseries[LAG]:.3f} Å²'

    def freud_() -> str:
        import freud

        freud.parallel.set_num_threads(1)
        return f'{freud.msd.MSD(mode="window").compute(track.positions).msd[LAG]:.3f} Å²'

    task = f'MSD of {len(track):,} frames × {track.n_ions} ions'
    return [
        Row(task, OURS, '', ours), Row(task, 'tidynamics', 'tidynamics', tidynamics_),
        Row(task, 'MDAnalysis', 'MDAnalysis', mdanalysis), Row(task, 'freud', 'freud', freud_),
    ]  # fmt: skip


def diffusion_rows(track: Track) -> list[Row]:
    """Return the programs that compute diffusion coefficients."""

    def ours(**options: Any) -> str:
        return _value(estimate_diffusion(track, seed=1, **options).D)

    def kinisi_() -> str:
        return _kinisi(track, *KINISI_SIZE)

    def pymatgen_() -> str:
        from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
        from pymatgen.core import Lattice, Structure

        size = track.n_ions
        sites = [*np.zeros((size, 3)), [0.5, 0.5, 0.5]]  # it wants a framework, here an atom at rest
        structure = Structure(Lattice(track.cells[0]), ['Li'] * size + ['O'], sites)
        still = np.zeros((1, len(track), 3))
        paths = np.concatenate([(track.positions - track.positions[0]).transpose(1, 0, 2), still])
        analyzer = DiffusionAnalyzer(structure, paths, 'Li', 600, time_step=1000 * INTERVAL, step_skip=1)
        return f'{analyzer.diffusivity * 1e-4:.3e} ± {analyzer.diffusivity_std_dev * 1e-4:.1e} m²/s'

    task = f'D of {len(track):,} frames × {track.n_ions} ions'
    frames, ions = (min(ours, theirs) for ours, theirs in zip(KINISI_SIZE, (len(track), track.n_ions), strict=True))
    return [
        Row(task, f'{OURS}, covariance of kinisi', '', ours),
        Row(task, f'{OURS}, nothing thinned', '', lambda: ours(samples_per_lag=track.positions.size)),
        Row(f'D of {frames:,} frames × {ions} ions', 'kinisi', 'kinisi', kinisi_),
        Row(task, 'pymatgen-analysis-diffusion', 'pymatgen.analysis.diffusion', pymatgen_),
    ]  # fmt: skip


def _kinisi(track: Track, n_frames: int, n_ions: int) -> str:
    """Return what kinisi's own class says about every so manieth frame of some ions."""
    import scipp
    from kinisi.analyze import DiffusionAnalyzer

    stride = max(1, len(track) // n_frames)
    positions = track.positions[::stride, :n_ions]
    cell = np.full(3, 1e4)  # so wide that nothing is wrapped
    images = [Atoms(['Li'] * positions.shape[1] + ['O'], [*frame, np.zeros(3)], cell=cell, pbc=True)
              for frame in positions]  # fmt: skip
    np.random.seed(1)
    analyzer = DiffusionAnalyzer.from_ase(
        images, specie='Li', time_step=stride * INTERVAL * scipp.Unit('ps'), step_skip=1 * scipp.Unit('dimensionless'),
        progress=False,
    )  # fmt: skip
    analyzer.diffusion(0.05 * stride * len(positions) * INTERVAL * scipp.Unit('ps'), progress=False)
    samples = np.asarray(analyzer.D.to(unit='m^2/s').values)
    return f'{samples.mean():.3e} ± {samples.std():.1e} m²/s'


def _value(posterior: Any) -> str:
    return f'{posterior.mean:.4e} ± {posterior.std:.2e} m²/s'


# -- radial distributions and units -----------------------------------------------------------------------------------


def rdf_rows(frames: Frames, n_peer: int) -> list[Row]:
    """Return the programs that compute radial distributions of all pairs of elements."""
    few = frames[:n_peer]
    share = len(few) / len(frames)
    n_bins = round(CUTOFF / BIN_WIDTH)
    masks = {symbol: few[0].types(SPECIES) == index for index, symbol in enumerate(SPECIES)}

    def ours() -> str:
        distribution = radial_distribution(frames, cutoff=CUTOFF, bin_width=BIN_WIDTH)
        return _peak(distribution['Li', 'O'].g)

    def freud_() -> str:
        import freud

        freud.parallel.set_num_threads(1)
        distributions = {pair: freud.density.RDF(n_bins, CUTOFF) for pair in PAIRS}
        for frame in few.to_atoms():
            standard, _ = frame.cell.standard_form()
            box = freud.box.Box.from_matrix(standard.array.T)
            points = box.wrap(frame.get_scaled_positions() @ standard.array)
            for (one, two), distribution in distributions.items():
                distribution.compute((box, points[masks[two]]), points[masks[one]], reset=False)
        return _peak(distributions['Li', 'O'].rdf)

    def mdanalysis() -> str:
        import MDAnalysis
        from MDAnalysis.analysis.rdf import InterRDF

        images = few.to_atoms()
        symbols = np.array(images[0].get_chemical_symbols())
        universe = MDAnalysis.Universe.empty(symbols.size, trajectory=True)
        universe.add_TopologyAttr('names', symbols)
        standard = [image.cell.standard_form()[0] for image in images]
        positions = [image.get_scaled_positions() @ cell.array for image, cell in zip(images, standard, strict=True)]
        boxes = np.array([cell.cellpar() for cell in standard])
        universe.load_new(np.array(positions), order='fac', dimensions=boxes)
        curves = {}
        for one, two in PAIRS:
            groups = (universe.select_atoms(f'name {symbol}') for symbol in (one, two))
            same = {'exclude_same': None} if one != two else {}
            curves[one, two] = InterRDF(*groups, nbins=n_bins, range=(1e-3, CUTOFF), **same).run().results.rdf
        return _peak(curves['Li', 'O'])

    def pymatgen_() -> str:
        from pymatgen.analysis.diffusion.aimd.rdf import RadialDistributionFunctionFast
        from pymatgen.io.ase import AseAtomsAdaptor

        structures = [AseAtomsAdaptor.get_structure(frame) for frame in few.to_atoms()]
        distribution = RadialDistributionFunctionFast(structures, rmax=CUTOFF, ngrid=n_bins + 1, n_jobs=1)
        curves = {(one, two): distribution.get_rdf(one, two)[1] for one, two in PAIRS}
        return _peak(curves['Li', 'O'])

    task = f'RDF of {len(frames):,} frames × {int(frames.sizes[0])} atoms, {len(PAIRS)} pairs, {CUTOFF:g} Å'
    return [
        Row(task, OURS, '', ours), Row(task, 'freud', 'freud', freud_, share),
        Row(task, 'MDAnalysis', 'MDAnalysis', mdanalysis, share),
        Row(task, 'pymatgen-analysis-diffusion', 'pymatgen.analysis.diffusion', pymatgen_, share),
        Row(f'Intact units of {len(frames):,} frames', OURS, '', lambda: f'{count_units(frames).intact["CO3"][0]} CO3'),
    ]  # fmt: skip


def _peak(g: np.ndarray) -> str:
    """Return the mean of g(r) of Li and O over their first peak, which depends little on the number of frames."""
    r = (np.arange(g.size) + 0.5) * BIN_WIDTH
    return f'g = {np.mean(g[(r > PEAK[0]) & (r < PEAK[1])]):.3f}'


# -- table ------------------------------------------------------------------------------------------------------------


def is_installed(module: str) -> bool:
    """Return whether a module can be imported."""
    with contextlib.suppress(ModuleNotFoundError):
        return importlib.util.find_spec(module) is not None
    return False


def measure(row: Row) -> str:
    """Run a program and return its line of the table."""
    if row.needs and not is_installed(row.needs):
        return f'| {row.task} | {row.program} | | | not installed |'
    if row.needs:
        importlib.import_module(row.needs)
    started, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter('ignore')
        result = row.run()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    mark = '' if row.share == 1.0 else ' *'
    return f'| {row.task} | {row.program} | {cpu / row.share:.1f}{mark} | {seconds / row.share:.1f}{mark} | {result} |'


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--frames', type=int, default=20_000)
    parser.add_argument('--ions', type=int, default=480)
    parser.add_argument('--rdf-frames', type=int, default=1000)
    parser.add_argument('--peer-frames', type=int, default=50)
    parser.add_argument('--only', nargs='*', default=[''])
    arguments = parser.parse_args(argv)
    radial_distribution(displaced_carbonate(1))  # compiles the kernel
    track = random_walk(arguments.frames, arguments.ions)
    frames = displaced_carbonate(arguments.rdf_frames)
    rows = [*msd_rows(track), *diffusion_rows(track), *rdf_rows(frames, min(arguments.peer_frames, len(frames)))]
    print(f'One core of {processor()}. MSD after {LAG} frames; the true D is {TRUE_D:.3e} m²/s; g is the mean over')
    print(f'the first peak of Li and O, {PEAK[0]} to {PEAK[1]} Å.\n')
    print('| task | program | CPU in s | time in s | result |')
    print('| --- | --- | ---: | ---: | --- |')
    for row in rows:
        if any(part in f'{row.task} {row.program}' for part in arguments.only):
            print(measure(row), flush=True)
    print(f'\n\\* measured on {arguments.peer_frames} frames, and multiplied')


if __name__ == '__main__':
    main()

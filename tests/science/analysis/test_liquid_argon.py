"""The diffusion coefficient of a Lennard-Jones liquid against a published one, and its dependence on the cell.

A. Rahman, Phys. Rev. 136, A405 (1964), doi:10.1103/PhysRev.136.A405: 864 atoms, σ = 3.4 Å, ε = 120 K, cut off at
2.25 σ, 94.4 K, 1.374 g/cm³; D = 2.43e-5 cm²/s. He had 10 ps, from which, with as many atoms as here, D is known to 6 %.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import units
from scipy import stats
from scipy.signal import correlate

from aiida_seimlip.science.analysis.diffusion import estimate_diffusion
from aiida_seimlip.science.analysis.track import Track
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.lammps_log import parse_log

pytestmark = pytest.mark.slow

TEMPERATURE = 94.4  # K
SPACING = (4 * 39.948 / (1.374 * units.mol * 1e-24)) ** (1 / 3)  # Å, of the fcc lattice that it is melted from
RAHMAN, RAHMAN_ERROR = 2.43e-9, 0.06 * 2.43e-9  # m²/s
TIMESTEP = 10.0  # fs, as Rahman's

SCRIPT = """
units metal
lattice fcc {spacing}
region box block 0 {n} 0 {n} 0 {n}
create_box 1 box
create_atoms 1 box
mass 1 39.948
pair_style lj/cut {cutoff}
pair_coeff 1 1 {epsilon} 3.4
timestep 0.01
velocity all create 200.0 {seed} mom yes
fix 1 all nvt temp {temperature} {temperature} 1.0
thermo 5
thermo_style custom step temp pxy pxz pyz
run 6000
reset_timestep 0
dump 1 all custom 40 dump.lammpstrj id type x y z
dump_modify 1 sort id format float %.4f
run {n_steps}
"""


class Liquid:
    """Liquid argon in a cubic cell.

    :param n: number of fcc cells along each edge that it was melted from.
    """

    def __init__(self, folder: Path, n: int, n_steps: int, seed: int = 1):
        values = {'spacing': SPACING, 'cutoff': 2.25 * 3.4, 'epsilon': 120.0 * units.kB, 'temperature': TEMPERATURE}
        (folder / 'in.argon').write_text(SCRIPT.format(n=n, n_steps=n_steps, seed=seed, **values))
        program = [Path(sys.executable).parent / 'seimlip-lmp', '-in', 'in.argon', '-screen', 'none']
        subprocess.run(program, cwd=folder, check=True)
        self.edge = n * SPACING
        self.log = parse_log((folder / 'log.lammps').read_text())
        track = Track.from_frames(read_dump(folder / 'dump.lammpstrj', ['Ar']).frames, ['Ar'], TIMESTEP)
        self.estimate = estimate_diffusion(track, seed=1)

    @property
    def temperature(self) -> float:
        """Mean of the production in K."""
        return float(self.log.thermo['Temp'][self.log.run_indices == 1].mean())

    @property
    def viscosity(self) -> float:
        """In Pa s, by Green and Kubo from the three shear stresses: η = V / k_B T ∫ ⟨p(0) p(t)⟩ dt, up to 4 ps."""
        production = self.log.run_indices == 1
        stresses = np.array([self.log.thermo[name][production] for name in ('Pxy', 'Pxz', 'Pyz')]) * 1e5  # bar in Pa
        n_samples, n_lags = stresses.shape[1], 80
        products = [correlate(row, row)[n_samples - 1 : n_samples - 1 + n_lags] for row in stresses]
        correlation = np.mean(products, axis=0) / (n_samples - np.arange(n_lags))
        integral = np.trapezoid(correlation, dx=5 * TIMESTEP * 1e-15)
        return self.edge**3 * 1e-30 * integral / (units._k * TEMPERATURE)


@pytest.fixture(scope='module')
def large(tmp_path_factory):
    """864 atoms, 160 ps."""
    return Liquid(tmp_path_factory.mktemp('large'), n=6, n_steps=16_000)


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    """Four times 108 atoms, 250 ps."""
    return [Liquid(tmp_path_factory.mktemp('small'), n=3, n_steps=25_000, seed=seed) for seed in range(1, 5)]


def test_published_diffusion_coefficient(large):
    found = large.estimate.D
    assert large.temperature == pytest.approx(TEMPERATURE, rel=0.01)
    assert large.estimate.is_diffusive
    assert found.std < 0.03 * found.mean
    assert abs(found.mean - RAHMAN) < 1.96 * np.hypot(found.std, RAHMAN_ERROR)


def size_correction(temperature, viscosity, edge):
    """Return what an infinite fluid's diffusion coefficient has more than that of a cubic periodic cell, in m²/s.

    ξ k_B T / (6 π η L): I.-C. Yeh and G. Hummer, J. Phys. Chem. B 108, 15873 (2004). Solids know no such effect.
    """
    return 2.837297 * units._k * temperature / (6.0 * np.pi * viscosity * edge * 1e-10)


def test_dependence_on_the_cell(large, small):
    """Atoms are slower in the smaller cell by a tenth, until both are corrected for their images."""
    found = np.array([liquid.estimate.D.mean for liquid in small])
    difference = large.estimate.D.mean - found.mean()
    error = np.hypot(large.estimate.D.std, found.std(ddof=1) / np.sqrt(found.size))
    assert difference > 3.0 * error

    viscosities = [liquid.viscosity for liquid in (large, *small)]
    # three stresses, integrated to 4 ps, in more than a nanosecond: known to sqrt(2 · 4 / 3 / 1160) = 5 %
    viscosity = np.average(viscosities, weights=[16, 25, 25, 25, 25])
    small_edge = small[0].edge
    correction = size_correction(TEMPERATURE, viscosity, small_edge) - size_correction(
        TEMPERATURE, viscosity, large.edge
    )
    error = np.hypot(error, 0.05 * correction)
    assert abs(difference - correction) < stats.t.ppf(0.975, df=3) * error

"""A stand-in for ASE calculators whose barriers are known exactly; found by the remote script through PYTHONPATH."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes


class DoubleWell(Calculator):
    """The first atom in two wells at x = ±1 Å, along a bent valley; all other atoms feel nothing.

    With u = y - 0.3 (1 - x²), the energy is height (x² - 1)² + tilt x + stiffness (u² + z²): along the valley
    u = z = 0, which is the path of lowest energy, it depends on x alone.

    :param height: of the barrier without a tilt, in eV.
    :param tilt: in eV/Å.
    :param stiffness: across the valley, in eV/Å².
    :param forbidden: it gives up where abs(x) is below this, in Å.
    """

    implemented_properties = ['energy', 'free_energy', 'forces']

    def __init__(self, height=1.0, tilt=0.0, stiffness=5.0, forbidden=0.0):
        super().__init__()
        self.height, self.tilt, self.stiffness, self.forbidden = height, tilt, stiffness, forbidden

    def calculate(self, atoms=None, properties=('energy',), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        x, y, z = self.atoms.positions[0]
        if abs(x) < self.forbidden:
            raise ValueError('It gives up here.')
        u = y - 0.3 * (1.0 - x**2)
        energy = self.height * (x**2 - 1.0) ** 2 + self.tilt * x + self.stiffness * (u**2 + z**2)
        slope = 4.0 * self.height * x * (x**2 - 1.0) + self.tilt + 2.0 * self.stiffness * u * 0.6 * x
        forces = np.zeros((len(self.atoms), 3))
        forces[0] = [-slope, -2.0 * self.stiffness * u, -2.0 * self.stiffness * z]
        self.results = {'energy': energy, 'free_energy': energy, 'forces': forces}


def exact_barriers(height=1.0, tilt=0.0):
    """Return the barrier from left to right, that from right to left and the energy of the right well, in eV."""
    points = np.sort(np.roots([4.0 * height, 0.0, -4.0 * height, tilt]).real)
    left, top, right = height * (points**2 - 1.0) ** 2 + tilt * points
    return top - left, top - right, right - left

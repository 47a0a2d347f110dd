"""Stand-ins for ASE calculators that err; found by the remote script through PYTHONPATH."""

from ase.calculators.lj import LennardJones


class InconsistentForces(LennardJones):
    """Forces and stress that do not belong to the energy, an energy that depends on the cell, or no stress at all.

    :param force_factor: the forces are so many times what they should be.
    :param stress_factor: the stress likewise; 0 for none.
    :param constant: added to the energy, whatever the number of atoms, in eV.
    """

    def __init__(self, *, force_factor=1.0, stress_factor=1.0, constant=0.0, **kwargs):
        super().__init__(**kwargs)
        self.force_factor, self.stress_factor, self.constant = force_factor, stress_factor, constant
        if not stress_factor:
            self.implemented_properties = ['energy', 'free_energy', 'forces']

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results['forces'] *= self.force_factor
        for name in ('energy', 'free_energy'):
            self.results[name] += self.constant
        if 'stress' in self.results:
            self.results['stress'] *= self.stress_factor

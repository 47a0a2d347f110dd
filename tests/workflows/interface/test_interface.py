"""Interfaces of two crystals by several models."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from scipy.optimize import minimize_scalar

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.interface.interface_results import InterfaceComparison, InterfaceDynamicsComparison
from aiida_seimlip.report.pages import page_of, tables_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.workflows.interface.interface import InterfaceWorkChain

J_PER_M2 = 0.0624150907
"""In eV/Å²."""
TIGHT = {'fmax': 1e-4, 'max_steps': 500}
OPTIONS = {
    'film_thickness': 5.4, 'substrate_thickness': 5.4, 'vacuum': 10.0, 'minimum': TIGHT, 'relaxation_of_ions': TIGHT,
    'gaps': [1.4, 1.8, 2.2], 'shift_spacing': 1.3, 'max_area': 8.0,
}  # fmt: skip


def energy(atoms):
    """Return the energy with EMT in eV."""
    atoms = atoms.copy()
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def run(structures, models, **options):
    """Run the WorkChain, and return the process, its outputs and what it found."""
    frames = {name: FramesData.from_atoms([atoms]) for name, atoms in structures.items()}
    outputs, node = run_get_node(
        InterfaceWorkChain, structures=frames, models=models, options={**OPTIONS, **options}
    )  # fmt: skip
    assert 'properties' in outputs, node.exit_message
    return node, outputs, InterfaceComparison.model_validate(outputs['properties'].get_dict())


def test_a_crystal_on_itself_costs_nothing(emt, lennard_jones):
    models = {'emt': emt, 'lj': lennard_jones(0.85)}
    options = {'film': 'copper', 'substrate': 'copper', 'reference': 'emt', 'scan_model': 'lj'}
    options['film_miller'] = [[0, 0, 1], [1, 1, 1]]
    node, outputs, found = run({'copper': bulk('Cu', cubic=True)}, models, **options)
    assert node.is_finished_ok, node.exit_message
    (entry,), (reason,) = found.interfaces, found.without_match
    assert 'The lattices of (1, 1, 1) on (0, 0, 1) do not match' in reason
    assert (found.built_with, found.scanned_with, found.reference) == ('emt', 'lj', 'emt')
    assert entry.misfit_percent == pytest.approx(0.0, abs=1e-9)
    assert [scan.shifts[0].shift_angstrom for scan in entry.scans] == [[0.0, 0.0]] * 2
    assert [scan.n_points for scan in entry.scans] == [12, 12]
    for model in models:
        record = entry.models[model]
        (relaxed,) = record.candidates
        assert relaxed.interface_energy_j_per_m2 == pytest.approx(0.0, abs=1e-6), 'a crystal on itself is a crystal'
        twice = 2.0 * record.film.surface_energy_j_per_m2
        assert relaxed.work_of_adhesion_j_per_m2 == pytest.approx(twice, abs=1e-6)
        assert relaxed.work_of_adhesion_mev_per_angstrom2 == pytest.approx(1000.0 * J_PER_M2 * twice, rel=1e-6)
        assert record.best == 0 and record.film == record.substrate
    assert entry.models['emt'].film.strain_energy_mev_per_atom == pytest.approx(0.0, abs=1e-3)
    assert entry.models['lj'].film.strain_energy_mev_per_atom > 0.1, 'the lattice is that of another model'
    shift = entry.deviations['lj'].work_of_adhesion_j_per_m2
    surfaces = [entry.models[model].film.surface_energy_j_per_m2 for model in ('lj', 'emt')]
    assert shift == pytest.approx(2.0 * (surfaces[0] - surfaces[1]), abs=1e-6)
    assert any('thin' in doubt for doubt in entry.doubts)
    assert sorted(outputs['frames']) == ['emt_cells', 'emt_slabs', 'lj_cells', 'lj_slabs']
    names = [table.name for table in tables_of(node)]
    assert names == ['interfaces', 'layers', 'matches', 'shifts']
    assert 'copper(0 0 1) on copper(0 0 1)' in render_page(page_of([node]))


def test_nickel_on_copper_against_energies_by_hand(emt):
    """With vacuum; a model that fails costs nothing of the other."""
    broken = {**emt, 'parameters': orm.Dict({'calculator': {'name': 'lj', 'kwargs': {'sigma': 'wide'}}})}
    names = {'film': 'nickel', 'substrate': 'copper', 'film_miller': [[1, 1, 1]], 'substrate_miller': [[1, 1, 1]]}
    crystals = {'nickel': bulk('Ni', cubic=True), 'copper': bulk('Cu', cubic=True)}
    dynamics = {'temperature': 100.0, 'n_steps': 20, 'sample_every': 5, 'seed': 7, 'timestep': 2.0}
    options = {**names, 'has_vacuum': True, 'n_relaxed': 2, 'dynamics': dynamics}
    node, outputs, found = run(crystals, {'emt': emt, 'broken': broken}, **options)
    assert node.exit_status == 400 and '`broken`' in node.exit_message
    (entry,) = found.interfaces
    assert list(entry.models) == ['emt', 'broken'] and entry.models['broken'].best is None
    minima = outputs['minima']['emt'].get_frames().to_atoms()
    a = [atoms.cell[0, 0] for atoms in minima]
    copper, nickel = a
    misfit = 100.0 * (copper / nickel - 1.0)
    assert entry.film_strain_percent == pytest.approx([misfit, misfit, 0.0], abs=1e-6)
    assert entry.misfit_percent == pytest.approx(misfit)
    assert any('large' in doubt for doubt in entry.doubts) == (misfit > 3.0)

    record = entry.models['emt']
    frames = outputs['frames']['emt_slabs'].get_frames().to_atoms()
    film, substrate, *interfaces = map(energy, frames)
    area = copper**2 * np.sqrt(3.0) / 4.0
    assert entry.area_angstrom2 == pytest.approx(area)
    assert len(interfaces) == len(record.candidates) == 2 and record.best == int(np.argmin(interfaces))
    for value, relaxed in zip(interfaces, record.candidates, strict=True):
        adhesion = (film + substrate - value) / area / J_PER_M2
        assert relaxed.work_of_adhesion_j_per_m2 == pytest.approx(adhesion, abs=1e-6)
        surfaces = record.film.surface_energy_j_per_m2 + record.substrate.surface_energy_j_per_m2
        assert relaxed.interface_energy_j_per_m2 == pytest.approx(surfaces - adhesion, abs=1e-6)
    best = record.candidates[record.best]
    assert 0.0 < best.interface_energy_j_per_m2 < 0.3, 'both are of one structure and bind each other'
    at_rest = energy(bulk('Ni', a=nickel))

    def strained(height):
        hexagonal = copper / np.sqrt(2.0) * np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])
        cell = [[*hexagonal[0], 0.0], [*hexagonal[1], 0.0], [*(hexagonal.sum(axis=0) / 3.0), height]]
        return energy(Atoms('Ni', cell=cell, pbc=True))

    expected = minimize_scalar(strained, bracket=(1.9, 2.0), tol=1e-10).fun - at_rest
    assert record.film.strain_energy_mev_per_atom == pytest.approx(1000.0 * expected, abs=0.01)
    per_area = expected * entry.n_film_atoms / area / J_PER_M2
    assert record.film.strain_energy_j_per_m2 == pytest.approx(per_area, abs=1e-3)
    assert record.substrate.strain_energy_mev_per_atom == pytest.approx(0.0, abs=1e-3)
    (moved,) = InterfaceDynamicsComparison.model_validate(outputs['dynamics'].get_dict()).runs
    assert (moved.interface, moved.model, moved.metal) == (entry.name, 'emt', 'nickel')
    assert moved.times_ps == pytest.approx([0.0, 0.01, 0.02, 0.03, 0.04])
    assert moved.begin.lattice == 'fcc' and moved.begin.face == '111' and moved.begin.angle_degrees < 3.0
    assert 'Ni was fcc(111) along the normal' in moved.sentence
    start = frames[2 + record.best]
    profiles = outputs['profiles']
    heights = profiles.get_array('emt_0_heights')
    inside = [profiles.get_array(f'emt_0_begin_density_{symbol}').sum() for symbol in ('Ni', 'Cu')]
    per_bin = start.get_volume() / len(heights)
    assert np.array(inside) * per_bin == pytest.approx([entry.n_film_atoms, entry.n_substrate_atoms])
    assert outputs['trajectories']['emt'].n_frames == 4
    assert tables_of(node)[-1].name == 'order'
    page = render_page(page_of([node]))
    assert 'Ni was fcc(111) along the normal' in page and 'Number densities along the normal of nickel' in page


def test_a_scan_that_fails(emt):
    broken = {**emt, 'parameters': orm.Dict({'calculator': {'name': 'lj', 'kwargs': {'sigma': 'wide'}}})}
    options = {**OPTIONS, 'film': 'copper', 'substrate': 'copper', 'minimum': None}
    crystals = {'copper': FramesData.from_atoms([bulk('Cu', cubic=True)])}
    outputs, node = run_get_node(InterfaceWorkChain, structures=crystals, models={'broken': broken}, options=options)
    assert node.exit_status == 310 and 'TypeError' in node.exit_message
    assert 'properties' not in outputs


def test_refused(emt):
    crystals = {'copper': FramesData.from_atoms([bulk('Cu', cubic=True)])}

    def refuse(message, **options):
        given = {**OPTIONS, 'film': 'copper', 'substrate': 'copper', **options}
        with pytest.raises(ValueError, match=message):
            run_get_node(InterfaceWorkChain, structures=crystals, models={'emt': emt}, options=given)

    refuse('names the film `gold`, which is not among the crystals', film='gold')
    refuse('`crystals` names `LiF`, which is neither', crystals=['LiF'])
    refuse('leaves no interface of the crystals as they are given: The lattices .* do not match', max_area=5.0)
    refuse('names the model `lj` for the scan', scan_model='lj')
    refuse('`gaps` are positive, and rise', gaps=[2.0, 1.0])
    refuse('which is no plane', film_miller=[[0, 0, 0]])
    refuse('has no termination 4', film_termination=4)
    refuse('must be a multiple of `sample_every`', dynamics={'n_steps': 10, 'sample_every': 3, 'seed': 1})
    refuse('`dynamics.seed` is missing', dynamics={'n_steps': 10, 'sample_every': 5})

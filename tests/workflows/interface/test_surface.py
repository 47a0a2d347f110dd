"""Surface energies by several models."""

import csv
import io

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk, fcc100, fcc110, fcc111
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.optimize import BFGS

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.interface.results import SurfaceComparison
from aiida_seimlip.report.pages import page_of, tables_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.workflows.interface.surface import SurfaceWorkChain

FACES = {(1, 1, 1): fcc111, (1, 0, 0): fcc100, (1, 1, 0): fcc110}
SPACINGS = {(1, 1, 1): 3.0, (1, 0, 0): 4.0, (1, 1, 0): 8.0}
"""Squares of the lattice constant in those of the distance of lattice planes."""
OPTIONS = {
    'miller': [list(face) for face in FACES], 'thicknesses': [6.0, 9.0, 12.0], 'vacuum': 8.0,
    'minimum': {'fmax': 0.0005}, 'reference': 'emt',
}  # fmt: skip


@pytest.fixture
def surfaces(emt, lennard_jones):
    """Run copper with EMT and Lennard-Jones, and return the process with what it found."""
    structures = {'copper': FramesData.from_atoms([bulk('Cu', cubic=True)])}
    models = {'emt': emt, 'lj': lennard_jones(0.85)}
    outputs, node = run_get_node(SurfaceWorkChain, structures=structures, models=models, options=OPTIONS)
    assert node.is_finished_ok, node.exit_message
    return node, outputs, SurfaceComparison.model_validate(outputs['properties'].get_dict()).crystals[0]


def by_hand(face, n_layers, a, calculator, *, relax):
    """Return the energy of a slab that ASE builds, and the area of its face."""
    slab = FACES[face]('Cu', (1, 1, n_layers), a=a, vacuum=6.0)
    slab.pbc, slab.calc = True, calculator
    if relax:
        BFGS(slab, logfile=None).run(fmax=0.0005)
    return slab.get_potential_energy(), float(np.linalg.norm(np.cross(*slab.cell[:2])))


def test_surfaces_of_copper_against_slabs_by_hand(surfaces):
    node, outputs, crystal = surfaces
    for model, calculator in {
        'emt': EMT(), 'lj': LennardJones(sigma=2.75 * 0.85, epsilon=0.1, rc=7.0 * 0.85, smooth=False)
    }.items():  # fmt: skip
        record = crystal.models[model]
        a = (4.0 * record.volume_per_atom_angstrom3) ** (1 / 3)
        assert record.cellpar == pytest.approx([a, a, a, 90.0, 90.0, 90.0])
        assert [tuple(entry.miller) for entry in record.surfaces] == list(FACES)
        for entry in record.surfaces:
            face = tuple(entry.miller)
            layers = np.ceil(np.array(OPTIONS['thicknesses']) / a * np.sqrt(SPACINGS[face]) - 1e-6).astype(int)
            assert entry.n_formula_units == layers.tolist()
            assert (entry.is_symmetric, entry.is_polar, entry.cuts_bonds) == (True, False, False)
            for ions in ('clamped', 'relaxed'):
                found = entry.energies[ions]
                slabs = [by_hand(face, n, a, calculator, relax=ions == 'relaxed') for n in layers]
                assert found.energies_ev == pytest.approx([energy for energy, _ in slabs], abs=1e-5)
                (energy, area) = slabs[-1]
                assert entry.area_angstrom2 == pytest.approx(area)
                gamma = (energy - layers[-1] * record.energy_per_atom_ev) / (2.0 * area) * 16.0217663
                assert found.by_slab_j_per_m2[-1] == pytest.approx(gamma, abs=1e-4)
                assert found.surface_energy_j_per_m2 == pytest.approx(gamma, abs=0.02)
                assert found.broken_units == [] and found.failure is None
            clamped, relaxed = (entry.energies[ions].surface_energy_j_per_m2 for ions in ('clamped', 'relaxed'))
            assert relaxed < clamped
            in_mev = entry.energies['clamped'].surface_energy_mev_per_angstrom2
            assert in_mev == pytest.approx(clamped * 62.41509, rel=1e-6)

    energies = {
        (model, tuple(entry.miller)): entry.energies['relaxed'].surface_energy_j_per_m2
        for model, record in crystal.models.items() for entry in record.surfaces
    }  # fmt: skip
    assert energies['emt', (1, 1, 1)] < energies['emt', (1, 0, 0)] < energies['emt', (1, 1, 0)]
    assert len(crystal.deviations['lj']) == 6
    first = next(one for one in crystal.deviations['lj'] if one.miller == [1, 1, 0] and one.ions == 'relaxed')
    assert first.difference_j_per_m2 == pytest.approx(energies['lj', (1, 1, 0)] - energies['emt', (1, 1, 0)])

    table, slabs = tables_of(node)
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert len(rows) == 12 and len(list(csv.DictReader(io.StringIO(slabs.to_csv())))) == 36
    assert float(rows[0]['surface_energy_j_per_m2']) == pytest.approx(
        crystal.models['emt'].surfaces[0].energies['clamped'].surface_energy_j_per_m2
    )
    page = render_page(page_of([node]))
    assert 'Surface energies' in page and '(1 1 0)' in page
    assert outputs['frames']['emt_relaxed'].n_frames == 9


def test_refused(emt):
    structures = {'copper': FramesData.from_atoms([bulk('Cu', cubic=True)])}

    def refuse(message, **options):
        with pytest.raises(ValueError, match=message):
            run_get_node(SurfaceWorkChain, structures=structures, models={'emt': emt}, options={**OPTIONS, **options})

    refuse('no plane', miller=[[0, 0, 0]])
    refuse('names the same twice', miller=[[1, 0, 0], [1, 0, 0]])
    refuse('positive, and rise', thicknesses=[9.0, 6.0])
    refuse(r'cannot be met for the crystal `copper`: A slab \(1 1 1\) of .* `max_atoms` allows 4', max_atoms=4)
    refuse('at least 2 items', thicknesses=[9.0])


def test_protocols_make_inputs_that_are_right(emt):
    for protocol in SurfaceWorkChain.get_available_protocols():
        builder = SurfaceWorkChain.get_builder_from_protocol(
            {'calculators': emt['code']}, crystals=['LiF', 'Li2CO3-monoclinic'], calculators={'lj': {'name': 'emt'}},
            protocol=protocol,
        )  # fmt: skip
        assert isinstance(builder.options, orm.Dict)
        assert builder.options['crystals'] == ['LiF', 'Li2CO3-monoclinic']


def test_a_phase_of_the_package_from_the_geometry_given(lennard_jones):
    """With one energy for all pairs rock salt is simple cubic, of which a lattice sum gives (1 0 0)."""
    options = {
        'crystals': ['LiF'], 'minimum': None, 'miller': [[1, 0, 0], [1, 1, 1]], 'thicknesses': [8.0, 10.0],
        'vacuum': 8.0, 'ions': ['clamped'], 'polar': True,
    }  # fmt: skip
    outputs, node = run_get_node(SurfaceWorkChain, models={'lj': lennard_jones()}, options=options)
    assert node.is_finished_ok, node.exit_message
    (crystal,) = SurfaceComparison.model_validate(outputs['properties'].get_dict()).crystals
    record = crystal.models['lj']
    assert record.cellpar == pytest.approx([4.026, 4.026, 4.026, 90.0, 90.0, 90.0])
    neutral, polar = record.surfaces
    a, span = 4.026 / 2, np.arange(-4, 5)
    vectors = a * np.stack(np.meshgrid(span, span, span), axis=-1).reshape(-1, 3)
    lengths = np.linalg.norm(vectors, axis=1)
    chosen = (lengths > 0.0) & (lengths < 7.0)
    powers = (2.75 / np.append(lengths[chosen], 7.0)) ** 6
    pairs = 0.4 * (powers**2 - powers)
    crossed = np.maximum(vectors[chosen, 0] / a, 0.0)
    gamma = -float(crossed @ (pairs[:-1] - pairs[-1])) / (2.0 * a**2) * 16.0217663
    found = neutral.energies['clamped']
    assert found.surface_energy_j_per_m2 == pytest.approx(gamma, rel=1e-7)
    assert found.by_slab_j_per_m2 == [None, None] and found.difference_j_per_m2 is None
    assert polar.is_polar and {polar.bottom, polar.top} == {'Li', 'F'}
    assert any(doubt.startswith('(1 1 1) F/Li: the slab is polar') for doubt in record.doubts)

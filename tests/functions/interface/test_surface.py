"""What is made of slabs: doubts, slabs that failed, units that broke."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.models import CrystalFrames
from aiida_seimlip.functions.interface.surface import (
    find_deviations,
    gather_conventional_cells,
    make_surfaces,
    slabs_of,
    surfaces_of,
)
from aiida_seimlip.options.interface.results import SurfaceCrystal
from aiida_seimlip.options.interface.surface import SurfaceOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import CRYSTALS

PER_ATOM, GAMMA = -3.0, 0.03
"""Energy of an atom of the crystal in eV, and a surface energy in eV/Å²."""


def finished(settings, crystal, gamma=GAMMA, change=lambda number, atoms: atoms):
    """Return a model for which all surfaces of a crystal cost the same.

    :param change: returns what became of a slab, by its number.
    """
    slabs: list[Frames | str] = []
    for number, slab in enumerate(slabs_of(settings, crystal)):
        found = change(number, slab.atoms.copy())
        energies = np.array([len(slab.atoms) * PER_ATOM + 2.0 * slab.area * gamma])
        slabs.append(found if isinstance(found, str) else Frames.from_atoms([found]).replace(energies=energies))
    minimum = Frames.from_atoms([crystal]).replace(energies=np.array([len(crystal) * PER_ATOM]))
    return CrystalFrames(minimum, {}, {}, None, single=dict.fromkeys(settings.ions, slabs))


def test_energy_of_every_surface():
    settings = SurfaceOptions(ions=['clamped'], max_terminations=5, thicknesses=[8.0, 12.0, 16.0])
    for name, doubts in {
        'Li2CO3-monoclinic': 0, 'Li-bcc': 0, 'Li2O': 1,  # (1 0 0) of antifluorite is polar
    }.items():  # fmt: skip
        crystal = CRYSTALS[name].conventional()
        record = surfaces_of(settings, finished(settings, crystal))
        for entry in record.surfaces:
            found = entry.energies['clamped']
            assert found.surface_energy_j_per_m2 == pytest.approx(GAMMA * 16.0217663)
            assert found.by_slab_j_per_m2 == pytest.approx([GAMMA * 16.0217663] * 3)
            assert found.difference_j_per_m2 == pytest.approx(0.0, abs=1e-9)
            n_atoms = sum(CRYSTALS[name].conventional().symbols.formula.reduce()[0].count().values())
            assert found.unit_energy_ev == pytest.approx(PER_ATOM * n_atoms)
        assert len({tuple(entry.miller) for entry in record.surfaces}) == len(settings.planes_of(crystal)) - doubts
        assert len(record.doubts) == doubts


def test_a_slab_that_failed():
    settings = SurfaceOptions(miller=[[1, 0, 0]], ions=['clamped'], thicknesses=[5.0, 9.0, 13.0])
    crystal = CRYSTALS['LiF'].conventional()
    lost = finished(settings, crystal, change=lambda number, atoms: 'it flew apart' if number == 1 else atoms)
    record = surfaces_of(settings, lost)
    found = record.surfaces[0].energies['clamped']
    assert found.surface_energy_j_per_m2 == pytest.approx(GAMMA * 16.0217663)
    assert found.energies_ev[1] is None and found.by_slab_j_per_m2[1] is None and found.error_j_per_m2 is None
    assert record.doubts == ['(1 0 0) F+Li/F+Li, ions clamped: it flew apart']
    most = finished(settings, crystal, change=lambda number, atoms: 'it flew apart' if number else atoms)
    assert surfaces_of(settings, most).surfaces[0].energies['clamped'].surface_energy_j_per_m2 is None


def test_polar_surfaces():
    crystal = CRYSTALS['LiF'].conventional()
    settings = SurfaceOptions(miller=[[1, 1, 1], [1, 0, 0]], ions=['clamped'])
    record = surfaces_of(settings, finished(settings, crystal))
    assert [entry.miller for entry in record.surfaces] == [[1, 0, 0]]
    assert record.doubts == ['(1 1 1): all its terminations are polar, and none was computed (option `polar`).']
    settings = settings.model_copy(update={'polar': True})
    record = surfaces_of(settings, finished(settings, crystal))
    assert [(entry.miller, entry.is_polar) for entry in record.surfaces] == [([1, 1, 1], True), ([1, 0, 0], False)]
    assert [doubt.partition(':')[2][:19] for doubt in record.doubts] == [' the slab is polar,', ' the two faces diff']


def test_units_that_broke_are_named():
    def broken(number, atoms):
        carbon = next(atom.index for atom in atoms if atom.symbol == 'C')
        if number == 1:
            oxygen = min(
                (atom.index for atom in atoms if atom.symbol == 'O'), key=lambda i: atoms.get_distance(carbon, i)
            )
            atoms.positions[oxygen, 2] += 1.5 * np.sign(atoms.positions[oxygen, 2] - atoms.cell[2, 2] / 2)
        return atoms

    settings = SurfaceOptions(miller=[[0, 0, 1]], ions=['relaxed'], max_terminations=1)
    record = surfaces_of(settings, finished(settings, CRYSTALS['Li2CO3-monoclinic'].conventional(), change=broken))
    assert record.surfaces[0].energies['relaxed'].broken_units == ['CO3']
    assert any('CO3 did not stay whole' in doubt for doubt in record.doubts)


def test_deviations_are_those_of_the_same_surface():
    settings = SurfaceOptions(ions=['clamped'])
    crystal = CRYSTALS['Li2CO3-monoclinic'].conventional()
    found = SurfaceCrystal(name='carbonate', formula='Li2CO3')
    found.models['one'] = surfaces_of(settings, finished(settings, crystal))
    found.models['two'] = surfaces_of(settings, finished(settings, crystal, gamma=1.1 * GAMMA))
    del found.models['one'].surfaces[0]
    deviations = find_deviations(found, 'one')
    assert list(deviations) == ['two']
    assert len(deviations['two']) == len(found.models['one'].surfaces)
    for one in deviations['two']:
        assert one.difference_percent == pytest.approx(10.0)
        assert one.difference_j_per_m2 == pytest.approx(0.1 * GAMMA * 16.0217663)
    assert find_deviations(found, None) == {}


def test_frames_are_conventional_cells_and_slabs():
    copper = FramesData.from_atoms([bulk('Cu')])
    cells = gather_conventional_cells(orm.Dict({'crystals': ['LiF', 'LiPF6']}), structures={'copper': copper})
    assert cells.get_frames().sizes.tolist() == [8, 24, 1]
    settings = SurfaceOptions(miller=[[0, 0, 1]], polar=True, thicknesses=[6.0, 10.0])
    made = make_surfaces(orm.Dict(settings.to_dict()), cells).get_frames()
    sizes = [size for atoms in cells.get_frames().to_atoms() for size in settings.sizes_of_frames(atoms)]
    assert made.sizes.tolist() == sizes
    assert made.origin_indices.tolist() == [0, 0, 1, 1, 2, 2]

"""Formation energies of point defects by several models."""

import pytest
from aiida.engine import run_get_node
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.optimize import BFGS

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.crystal.results import DefectComparison
from aiida_seimlip.report.pages import page_of, tables_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.workflows.crystal.defect import DefectWorkChain

OPTIONS = {'symbol': 'Cu', 'heights': [7.0], 'minimum': {'fmax': 0.002}}


def relaxed_energy(atoms):
    """Return the energy of a cell with EMT in eV, its atoms relaxed."""
    atoms.calc = EMT()
    BFGS(atoms, logfile=None).run(fmax=0.002)
    return atoms.get_potential_energy()


@pytest.mark.slow
def test_vacancy_against_a_calculation_by_hand(emt):
    structures = {'copper': FramesData.from_atoms([bulk('Cu', cubic=True)])}
    options = {**OPTIONS, 'reservoir': 'copper'}
    outputs, node = run_get_node(DefectWorkChain, structures=structures, models={'emt': emt}, options=options)
    assert node.is_finished_ok, node.exit_message
    (crystal,) = DefectComparison.model_validate(outputs['properties'].get_dict()).crystals
    record = crystal.models['emt']
    a = (4.0 * record.volume_per_atom_angstrom3) ** (1 / 3)
    perfect = bulk('Cu', cubic=True, a=a).repeat(2)
    lacking = perfect.copy()
    del lacking[0]
    by_hand = relaxed_energy(lacking) - 31 / 32 * relaxed_energy(perfect)
    energies = {(entry.kind, entry.site): entry.formation_energy_ev for entry in record.defects}
    assert energies['vacancy', 0] == pytest.approx(by_hand, abs=2e-3)
    assert 0.5 < energies['vacancy', 0] < energies['interstitial', 0], 'an interstitial of a dense metal costs more'
    assert {entry.n_atoms for entry in record.defects} == {32}
    (table,) = tables_of(node)
    assert 'vacancy' in table.to_csv()
    assert 'Point defects of Cu' in render_page(page_of([node]))


def test_a_compound_beside_a_reservoir(emt):
    """Atoms come from copper; a number in the place of the reservoir shifts all energies of vacancies by as much."""
    structures = {
        'alloy': FramesData.from_atoms([bulk('NiAl', 'cesiumchloride', a=3.0)]),
        'nickel': FramesData.from_atoms([bulk('Ni', cubic=True)]),
    }
    options = {**OPTIONS, 'symbol': 'Ni', 'kinds': ['vacancy'], 'heights': [5.0], 'reservoir': 'nickel'}
    found = []
    for change in ({}, {'reservoir': None, 'chemical_potential': 1.0}):
        outputs, node = run_get_node(
            DefectWorkChain, structures=structures, models={'emt': emt}, options={**options, **change}
        )
        assert node.is_finished_ok, node.exit_message
        found.append(DefectComparison.model_validate(outputs['properties'].get_dict()).crystals[0].models['emt'])
    one, other = found
    (energy,), (shifted,) = ([entry.formation_energy_ev for entry in record.defects] for record in found)
    assert shifted - energy == pytest.approx(1.0 - one.chemical_potential_ev, abs=1e-5)
    assert other.chemical_potential_ev == 1.0


def test_refused(emt):
    structures = {
        'alloy': FramesData.from_atoms([bulk('CuAu', 'rocksalt', a=5.0)]), 'gold': FramesData.from_atoms([bulk('Au')]),
    }  # fmt: skip

    def refuse(message, **options):
        with pytest.raises(ValueError, match=message):
            run_get_node(DefectWorkChain, structures=structures, models={'emt': emt}, options={**OPTIONS, **options})

    refuse('a vacancy needs either `reservoir` or `chemical_potential`')
    refuse('the reservoir `alloy`, which is no crystal of Cu alone', reservoir='alloy')
    refuse('The crystal `gold` holds no Cu', chemical_potential=0.0)
    refuse("is 'Xy'|no chemical symbol|`Xy`", symbol='Xy', chemical_potential=0.0)

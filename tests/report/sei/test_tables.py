"""Tables and sentences on what was found."""

from __future__ import annotations

import pytest

from aiida_seimlip.options.crystal.results import LatticeComparison, LatticeCrystal, LatticeDeviation, LatticeRecord
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.options.sei.results import BreakRecord, CompositionErrors, PotentialRecord, SeiResults
from aiida_seimlip.report.crystal.relaxation import lattice_table
from aiida_seimlip.report.sei.sections import describe_ending, to_text
from aiida_seimlip.report.sei.tables import errors_table, potentials_table, sei_tables


def errors(force):
    return ErrorsRecord(n_frames=5, energy_mev_per_atom=4.04, force_ev_per_angstrom=force, stress_gpa=0.3)


@pytest.fixture
def results():
    carbonate = [8.36, 4.97, 6.2, 90.0, 114.8, 90.0]
    phase = LatticeCrystal(
        name='Li2CO3-monoclinic', formula='CLi2O3', source='', experiment=carbonate,
        learned_by={'campaign': False, 'level_16': True},
        models={
            'teacher': LatticeRecord(cellpar=carbonate, is_converged=True, keeps_symmetry=True, n_steps=9),
            'campaign': LatticeRecord(failure='FrameError: it flew apart'),
            'level_16': LatticeRecord(
                cellpar=carbonate, is_converged=False, keeps_symmetry=False, space_group=2, n_steps=300,
                highest_grade=3.2,
                doubts=['The relaxation has not converged in 300 steps.', 'The space group is 2 now, not 15.'],
            ),
        },
        deviations={'level_16': {'teacher': LatticeDeviation(a=1.25, b=-0.5, c=2.0, beta=-1.5, volume=2.7)}},
    )  # fmt: skip
    return SeiResults(
        teacher='7net-0', starts={'lc': 'C12Li24O36', 'other': 'Li8'}, n_labels=321, n_iterations=7, n_explorations=4,
        n_postponed=2, breaks=[
            BreakRecord(
                start='lc', condition='npt_tri-600K', outcome='broke', n_steps=120, n_steps_asked=10000,
                highest_grade=11.0,
            )
        ],
        potentials={
            'campaign': PotentialRecord(
                level=12, n_training=321,
                held_out=CompositionErrors(total=errors(0.2), formulas={'C12Li24O36': errors(0.15)}),
            ),
            'without_lc': PotentialRecord(
                level=12, n_training=300, left_out='C12Li24O36', unseen=errors(0.5),
                held_out=CompositionErrors(formulas={'C12Li24O36': errors(0.4)}),
            ),
            'level_16': PotentialRecord(failure='it diverged'),
        },
        lattices=LatticeComparison(reference='teacher', methods={'teacher': '7net-0'}, crystals=[phase]),
        starts_dropped={'metal': 'it exploded'}, messages=['The campaign did not converge.'],
    )  # fmt: skip


def test_errors_by_composition(results):
    table = errors_table(results)
    assert '7net-0' in table.caption
    rows = table.to_csv().splitlines()
    assert rows[1] == 'campaign,lc,C12Li24O36,5,4.04,0.15,0.3'
    assert rows[2].startswith('campaign,all,,5')
    assert len(rows) == 3  # that which has not seen a composition is told elsewhere


def test_left_out_composition_by_fresh_frames(results):
    rows = potentials_table(results).to_csv().splitlines()
    assert rows[2] == 'without_lc,12,,300,C12Li24O36,5,4.04,0.4,0.3,'
    assert rows[3].endswith('it diverged')
    results.potentials['without_lc'].held_out.formulas.clear()
    assert ',0.5,' in potentials_table(results).to_csv().splitlines()[2]


def test_lattices(results):
    table = lattice_table(results.lattices)
    text = to_text(table)
    lines = {line.split()[1]: line for line in text.splitlines()[3:]}
    assert set(lines) == {'experiment', 'teacher', 'campaign', 'level_16'}
    assert '8.360' in lines['experiment']
    assert '1.2' in lines['level_16']
    assert 'not converged in 300 steps. The space group is 2 now' in lines['level_16']
    assert 'it flew apart' in lines['campaign']
    assert [row[16].value for row in table.rows] == [None, '', 'no', 'yes']


def test_how_it_ended(results):
    lines = list(describe_ending(results))
    assert lines[0] == 'not converged after 7 iterations and 321 labels by 7net-0.'
    assert '3 of the 4 explorations of the last iteration came to their end, 2 more were not come to.' in lines
    assert 'lc, npt_tri-600K: broke after 120 of 10000 steps, highest grade 11.0.' in lines
    assert 'The start metal was left out: it exploded' in lines
    assert lines[-1] == 'The campaign did not converge.'


def test_nothing_was_found():
    assert sei_tables(SeiResults(teacher='lj')) == []

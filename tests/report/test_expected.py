"""Reports say the expected force error where they say the highest grade."""

from __future__ import annotations

from aiida_seimlip.options.crystal.results import LatticeCrystal, LatticeRecord
from aiida_seimlip.options.expected import ExpectedForceError
from aiida_seimlip.options.transport.results import DiffusionPoint
from aiida_seimlip.report.crystal.common import doubts_of, expected_table
from aiida_seimlip.report.expected import describe_expected, describe_largest, expected_cells
from aiida_seimlip.report.pages import sections_of
from aiida_seimlip.report.transport.diffusivity import grade_tile
from tests.report.barrier_nodes import store_barrier

KNOWN = ExpectedForceError(median_ev_per_angstrom=0.05, p95_ev_per_angstrom=0.21, largest_grade=4.0)
BEYOND = ExpectedForceError(largest_grade=4.0)


def point(grade: float, expected: ExpectedForceError | None) -> DiffusionPoint:
    return DiffusionPoint(
        temperature=600.0, n_graded=10, share_above_threshold=0.0, highest_grade=grade, expected_force_error=expected
    )


def test_error_of_the_highest_grade_counts():
    assert grade_tile([point(1.0, None), point(2.0, KNOWN)]).note == (
        'of 20; highest grade 2.0; expected force error: median 0.05, 95 % below 0.21 eV/Å'
    )
    assert grade_tile([point(5.0, BEYOND), point(2.0, KNOWN)]).note.endswith('not known: calibrated are grades up to 4')
    assert grade_tile([point(5.0, ExpectedForceError())]).note.endswith('not known: the potential is not calibrated')
    assert describe_largest([(None, None)]) == describe_expected(None) == 'expected force error not known'


def test_cells_are_empty_where_nothing_is_known():
    assert [cell.value for cell in expected_cells(KNOWN)] == [0.05, 0.21]
    assert [cell.value for cell in expected_cells(BEYOND)] == [None, None]
    assert [cell.value for cell in expected_cells(None)] == [None, None]


def test_crystals_have_a_table_of_what_is_known_and_doubts_of_what_is_not():
    models = {
        'grown': LatticeRecord(highest_grade=2.0, expected_force_error=KNOWN), 'teacher': LatticeRecord(),
        'bare': LatticeRecord(highest_grade=2.0, expected_force_error=ExpectedForceError()),
        'narrow': LatticeRecord(highest_grade=9.0, expected_force_error=ExpectedForceError(largest_grade=3.0)),
    }  # fmt: skip
    crystals = [LatticeCrystal(name=name, formula=name, models=models) for name in ('LiF', 'LiCl')]
    rows = [[cell.value for cell in row] for row in expected_table(crystals).rows]
    assert rows == [[name, 'grown', 2.0, 0.05, 0.21, KNOWN.describe()] for name in ('LiF', 'LiCl')]
    assert list(doubts_of(crystals)) == [
        'bare: expected force error not known: the potential is not calibrated.',
        *(
            f'{name}, narrow: expected force error not known: calibrated are grades up to 3.'
            for name in ('LiF', 'LiCl')
        ),
    ]


def test_path_of_an_unknown_potential_says_so():
    tiles = sections_of(store_barrier())[0].tiles
    assert any(tile.note.endswith('highest grade 2.4; expected force error not known') for tile in tiles)

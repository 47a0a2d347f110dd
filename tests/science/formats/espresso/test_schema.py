"""The file of a single point: a recording of pw.x 6.7, of a triclinic cell of LiF at 90 Ry."""

import io
import re

import numpy as np
import pytest

from aiida_seimlip.science.formats.espresso.schema import PwOutputError, read_single_point
from aiida_seimlip.science.units import voigt_to_tensor


@pytest.fixture
def recording(fixtures):
    return (fixtures / 'espresso' / 'lif.xml').read_text()


def read(text):
    return read_single_point(io.BytesIO(text.encode()))


def test_single_point(recording):
    found = read(recording)
    assert found.numbers.tolist() == [3, 9]
    assert found.positions[0] == pytest.approx([0.05, -0.03, 0.08], abs=1e-10)
    assert found.cell[0] == pytest.approx([0, 1.9691, 2.1721], abs=1e-10)
    assert (found.functional, found.converged, found.n_steps, found.version) == ('PBE', True, 9, '6.7MaX')
    assert found.highest_occupation == 0.0


def test_signs_and_units_are_those_of_finite_differences(recording):
    """Energies of pw.x along a displacement of both atoms, and along a strain that is no multiple of a rotation.

    (E(+h) − E(−h)) / 2h with h = 0.01 Å was 0.135499 eV/Å; with h = 0.005, per volume, −0.0395223 eV/Å³ came out with
    the sign of the file, which is that of a pressure.
    """
    found = read(recording)
    shift = np.array([[0.3, -0.5, 0.8], [0.2, 0.4, -0.6]])
    assert -(found.forces * shift).sum() == pytest.approx(0.135499, rel=3e-3)
    strain = np.array([[0.5, 0.2, -0.3], [0.2, -0.4, 0.6], [-0.3, 0.6, 0.7]])
    assert (voigt_to_tensor(found.stress) * strain).sum() == pytest.approx(0.0395223, rel=3e-3)


@pytest.mark.parametrize(('word', 'expected'), [('false', False), ('true', True)])
def test_convergence_is_what_the_file_states(recording, word, expected):
    text = recording.replace('<convergence_achieved>true', f'<convergence_achieved>{word}')
    assert read(text).converged is expected


def test_convergence_that_is_not_stated(recording):
    assert read(recording.replace('<convergence_achieved>true</convergence_achieved>', '')).converged is None


def test_occupied_uppermost_band(recording):
    assert (
        read(recording.replace('0.000000000000000e0\n          </occ', '0.25\n          </occ')).highest_occupation
        == 0.25
    )


def test_occupied_uppermost_band_of_one_spin(recording):
    """Bands of both spins come one after the other, those of the first spin first."""
    text = recording.replace('<lsda>false', '<lsda>true')
    for occupations, expected in (('1 1 0 1 1 0', 0.0), ('1 1 0.5 1 1 0', 0.5)):
        filled = re.sub('<occupations size.*?<', f'<occupations size="6">{occupations}<', text, flags=re.DOTALL)
        assert read(filled).highest_occupation == expected


def test_no_stress(recording):
    assert (
        read(recording.replace('<stress rank', '<other rank').replace('</stress>\n  </out', '</other>\n  </out')).stress
        is None
    )


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('</qes:espresso>', '', 'cut off'), ('<etot>', '<e>', 'cut off'),
        ('name="Li" index', 'name="Xx" index', 'no element'),
        ('-7.629148013967546e-4', 'nothing', 'no number'), ('-7.629148013967546e-4', '', '5 numbers of forces'),
    ],
)  # fmt: skip
def test_damaged_files(recording, old, new, message):
    with pytest.raises(PwOutputError, match=message):
        read(recording.replace(old, new))

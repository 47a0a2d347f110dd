"""Two types of one element, and a field on their charges: what the data file says is what is computed."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.science.formats.lammps_data import read_data, write_data
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.mlip3_potential import read_almtp, write_almtp
from tests.embedded.lmp.conftest import DATA, POTENTIAL, SPECIES

TYPES = (*SPECIES, 'Li')
FIELD = np.array([0.0, 0.05, 0.1])
SCRIPT = """\
units metal
atom_style {style}
boundary p p p
box tilt large
read_data s.data
{masses}
{pair}
pair_coeff * *
{field}
thermo_style custom step pe
thermo_modify format float %.14g
run 0
write_dump all custom d.lammpstrj id type xu yu zu fx fy fz modify sort id format float %.16g
"""


def evaluate(lmp, frame, species, *, potential, types=None, charges=None, field='', dialect='mlip'):
    """Return the energy and the forces of a frame in LAMMPS' frame."""
    text, _ = write_data(frame, species, types=types, charges=charges)
    (lmp.folder / 's.data').write_text(text)
    (lmp.folder / 'pot.almtp').write_bytes(write_almtp(potential))
    pair = {'mlip': 'pair_style mlip load_from=pot.almtp', 'mtp': 'pair_style mtp pot.almtp'}[dialect]
    masses = '\n'.join(f'mass {number} 1.0' for number in range(1, len(species) + 1))
    style = 'atomic' if charges is None else 'charge'
    done = lmp.script(SCRIPT.format(style=style, masses=masses, pair=pair, field=field))
    assert done.returncode == 0, done.stdout + done.stderr
    forces = read_dump(lmp.folder / 'd.lammpstrj', species).frames.forces
    return lmp.log.thermo['PotEng'][-1], forces


@pytest.fixture(scope='module')
def potential():
    return read_almtp(POTENTIAL, SPECIES)


@pytest.fixture(scope='module')
def frame():
    return read_data(DATA, SPECIES)


@pytest.fixture(scope='module')
def types(frame):
    """Return the types of the atoms, every third lithium the second type of its element."""
    types = frame.types(SPECIES).copy()
    types[np.flatnonzero(types == 0)[::3]] = 3
    return types


@pytest.mark.parametrize('dialect', ['mlip', 'mtp'])
def test_two_types_are_one_element(lmp, potential, frame, types, dialect):
    energy, forces = evaluate(lmp, frame, SPECIES, potential=potential, dialect=dialect)
    more = potential.with_types(TYPES)
    assert more.n_species == 4
    again, other = evaluate(lmp, frame, TYPES, potential=more, types=types, dialect=dialect)
    assert again == pytest.approx(energy, abs=1e-9)
    np.testing.assert_allclose(other, forces, atol=1e-10)
    assert np.abs(forces).max() > 0.1


def test_data_file_with_two_types_of_one_element(frame, types):
    text, _ = write_data(frame, TYPES, types=types, charges=np.linspace(-1.0, 1.0, types.size))
    assert '4 atom types' in text
    back = read_data(text.encode(), TYPES, name='s.data')
    np.testing.assert_array_equal(back.numbers, frame.numbers)
    np.testing.assert_allclose(back.positions, frame.positions, atol=1e-12)


def test_charges_of_types_feel_the_field(lmp, potential, frame, types):
    """A type without charge feels nothing, and all others qE."""
    charges = np.array([0.7, 0.6, -0.6, 0.0])[types]
    charges -= charges.sum() * (types == 2) / (types == 2).sum()
    more = potential.with_types(TYPES)
    field = f'fix field all efield {FIELD[0]} {FIELD[1]} {FIELD[2]}'
    _, without = evaluate(lmp, frame, TYPES, potential=more, types=types, charges=charges)
    _, within = evaluate(lmp, frame, TYPES, potential=more, types=types, charges=charges, field=field)
    np.testing.assert_allclose(within - without, np.outer(charges, FIELD), atol=1e-12)
    np.testing.assert_allclose(within[types == 3], without[types == 3], atol=1e-12)
    np.testing.assert_allclose((within - without).sum(axis=0), 0.0, atol=1e-12)


def test_what_does_not_fit_is_refused(potential, frame, types):
    with pytest.raises(ValueError, match='F is not one of the species'):
        potential.with_types(('Li', 'F'))
    with pytest.raises(ValueError, match='`types` does not say'):
        write_data(frame, TYPES)
    wrong = types.copy()
    wrong[types == 1] = 3
    with pytest.raises(ValueError, match='its type is another element'):
        write_data(frame, TYPES, types=wrong)
    with pytest.raises(ValueError, match='a number from 0 to 3'):
        write_data(frame, TYPES, types=types + 1)
    with pytest.raises(ValueError, match='a finite number for each'):
        write_data(frame, SPECIES, charges=np.full(types.size, np.nan))

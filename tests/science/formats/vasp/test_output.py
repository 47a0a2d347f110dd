"""What is read of VASP's files beside what aiida-vasp reads."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.science.formats.vasp.output import (
    VaspOutputError,
    explain_stop,
    group_species,
    read_outcar_species,
    read_vasprun_species,
)
from aiida_seimlip.science.formats.vasp.steps import read_vasprun_steps

CASES = Path(__file__).parents[3] / 'fixtures' / 'cases'

OUTCAR = """ vasp.6.4.2
   VRHFIN =Li: 1s2s2p
   LEXCH  = PE
   VRHFIN =O: s2p4
   number of dos      NEDOS =    301   number of ions     NIONS =      3
   ions per type =               1   2
 and much more
"""

ATOMS = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <incar><i type="int" name="NELM">    20</i></incar>
 <atominfo><atoms> 3 </atoms>
  <array name="atoms"><field type="string">element</field><set>
   <rc><c>Li</c><c>   1</c></rc><rc><c>O </c><c>   2</c></rc><rc><c>r </c><c>   3</c></rc>
  </set></array>
 </atominfo>
"""

STEP = """ <calculation>{scsteps}
  <structure><crystal>
   <varray name="basis"><v> 4.0 0.0 0.0 </v><v> 0.0 5.0 0.0 </v><v> 1.0 0.0 6.0 </v></varray></crystal>
   <varray name="positions"><v> 0.0 0.0 0.5 </v></varray></structure>
  <varray name="forces"><v> 0.1 0.2 {force} </v></varray>
  <varray name="stress"><v> 1.0 2.0 3.0 </v><v> 2.0 4.0 5.0 </v><v> 3.0 5.0 6.0 </v></varray>
  <energy><i name="e_fr_energy"> -7.5 </i><i name="e_0_energy"> -7.4 </i></energy>
 </calculation>
"""
SCSTEP = '<scstep><energy><i name="e_fr_energy"> -1.0 </i></energy></scstep>'


def steps(*counts, force='0.3', end='</modeling>'):
    blocks = ''.join(STEP.format(scsteps=SCSTEP * count, force=force) for count in counts)
    return read_vasprun_steps(io.BytesIO(ATOMS + blocks.encode() + end.encode()))


def test_grouping_is_undone():
    numbers = np.array([8, 3, 8, 3, 6])
    order = group_species(numbers)
    assert numbers[order].tolist() == [3, 3, 6, 8, 8]
    assert order.tolist() == [1, 3, 4, 0, 2]
    back = np.empty(5)
    back[order] = np.arange(5)
    assert back[order].tolist() == [0, 1, 2, 3, 4]


def test_outcar_species():
    assert read_outcar_species(io.StringIO(OUTCAR)).tolist() == [3, 8, 8]


def test_outcar_that_ends_early():
    with pytest.raises(VaspOutputError, match='ends before'):
        read_outcar_species(OUTCAR.splitlines()[:3])


def test_outcar_that_contradicts_itself():
    with pytest.raises(VaspOutputError, match='names 1 potentials, but counts atoms of 2 elements'):
        read_outcar_species(OUTCAR.replace('VRHFIN =O:', '').splitlines())


def test_vasprun_species():
    """Zirconium is written as `r` by some potentials."""
    assert read_vasprun_species(io.BytesIO(ATOMS)).tolist() == [3, 8, 40]


@pytest.mark.parametrize(('text', 'message'), [(ATOMS[:150], 'up to its list'), (b'<modeling/>', 'no list of atoms')])
def test_vasprun_without_species(text, message):
    with pytest.raises(VaspOutputError, match=message):
        read_vasprun_species(io.BytesIO(text))


def test_vasprun_with_an_unknown_element():
    with pytest.raises(VaspOutputError, match='`Qq` is no chemical element'):
        read_vasprun_species(io.BytesIO(ATOMS.replace(b'Li', b'Qq')))


def test_steps():
    found = steps(3, 20)
    assert found.is_complete
    assert found.n_electronic.tolist() == [3, 20]
    assert found.converged.tolist() == [True, False]
    assert found.energies.tolist() == [-7.5, -7.5]
    np.testing.assert_allclose(found.positions[0], [[0.5, 0.0, 3.0]])
    np.testing.assert_allclose(found.forces[1], [[0.1, 0.2, 0.3]])
    np.testing.assert_allclose(found.stresses[0, 0], [1.0, 2.0, 3.0])


def test_nelm_of_the_response_functions_is_another():
    """VASP 5 states NELM twice; 12 steps are fewer than the 60 that were allowed."""
    with (CASES / 'vasp5_two_nelm.vasprun.xml').open('rb') as handle:
        found = read_vasprun_steps(handle)
    assert (found.nelm, found.n_electronic.tolist(), found.is_complete) == (60, [12, 12, 12], True)
    assert found.converged.all()


def test_steps_of_a_file_that_is_cut_off():
    found = steps(3, 3, end='<calculation><scstep>')
    assert (len(found), found.is_complete) == (2, False)


def test_steps_end_before_a_number_that_cannot_be_read():
    found = steps(3, force='*****')
    assert (len(found), found.is_complete) == (0, False)


def test_no_step():
    found = read_vasprun_steps(io.BytesIO(ATOMS[:40]))
    assert len(found) == 0
    assert found.converged.size == 0


def test_explain_stop():
    box = (
        ' -----------------------------------------------------------------------------\n'
        '|                                                                             |\n'
        '|     EEEEEEE  RRRRRR   RRRRRR   OOOOOOO  RRRRRR      ###     ###     ###     |\n'
        '|     VASP found 9 degrees of freedom                                         |\n'
        '|     and will not go on.                                                     |\n'
        '|       ---->  I REFUSE TO CONTINUE WITH THIS SICK JOB ... BYE!!! <----       |\n'
        ' -----------------------------------------------------------------------------\n'
    )
    assert explain_stop(box) == 'VASP found 9 degrees of freedom and will not go on.'
    assert explain_stop(" Error reading item 'ENCUT' from file INCAR.") == "Error reading item 'ENCUT' from file INCAR."
    assert explain_stop(' entering main loop\n DAV:   1    -0.1E+02\n') is None


def test_outcar_species_from_the_titles_of_the_potentials():
    """VASP 6 may write no more of its potentials than their titles, twice."""
    titles = ' POTCAR:    PAW_PBE Li_sv 10Sep2004   \n POTCAR:    PAW_PBE O 08Apr2002    \n'
    text = f'{titles}{titles}   ions per type =               1   2\n'
    assert read_outcar_species(text.splitlines()).tolist() == [3, 8, 8]


def test_outcar_that_counts_some_elements_only():
    with pytest.raises(VaspOutputError, match='elements of 3 of its 4 atoms only'):
        read_outcar_species(OUTCAR.replace('NIONS =      3', 'NIONS =      4').splitlines())

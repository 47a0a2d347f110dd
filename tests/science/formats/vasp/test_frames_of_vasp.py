"""Tests for `science.formats.vasp.vasprun` and `outcar`: both read the same from the same calculation."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from ase import units

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.vasp.outcar import read_outcar
from aiida_seimlip.science.formats.vasp.vasprun import AMBIGUOUS, read_vasprun

from .vasp_files import CELL, FORCES, SCALED, Run, Step, outcar, vasprun

CASES = Path(__file__).parents[3] / 'fixtures' / 'cases'
FORMATS = {'vasprun.xml': (read_vasprun, vasprun), 'OUTCAR': (read_outcar, outcar)}
STRESS = -0.1 * units.GPa * np.array([10.0, 20.0, 30.0, 2.0, 3.0, 1.0])
VOLUME = 120.0


@pytest.fixture(params=FORMATS)
def name(request) -> str:
    return request.param


@pytest.fixture
def read(name, tmp_path):
    """Return a function that writes steps in the format in turn and reads them."""
    reader, writer = FORMATS[name]

    def factory(*steps, run=Run(), edit=lambda text: text):  # noqa: B008
        path = tmp_path / name
        path.write_text(edit(writer(list(steps), run)), encoding='latin-1')
        return reader(path)

    return factory


@pytest.mark.parametrize('version', ['4.6.36', '5.4.4', '6.3.0'])
def test_labels(read, version):
    found = read(Step(), Step(energy=-9.6), run=Run(version=version))
    assert found.is_complete
    assert (found.indices.tolist(), found.left_out) == ([0, 1], {})
    assert found.method == 'PBE'
    frames = found.frames
    assert frames.energies.tolist() == [-9.52, -9.6]
    assert frames.formulas == ['F2Li', 'F2Li']
    assert frames.pbc.all()
    np.testing.assert_allclose(frames.positions[:3], np.array(SCALED) @ np.array(CELL), atol=5e-6)
    np.testing.assert_allclose(frames.cells, [CELL, CELL], atol=1e-9)
    np.testing.assert_allclose(frames.forces[:3], FORCES, atol=1e-9)
    np.testing.assert_allclose(frames.stresses[0], STRESS, rtol=1e-9)


def test_steps_that_reach_nelm_are_left_out(read):
    """VASP 5 says that EDIFF is reached after NELM steps, too."""
    found = read(Step(), Step(n_electronic=12), Step(), run=Run(nelm=12))
    assert found.indices.tolist() == [0, 2]
    assert found.left_out == {1: 'Not converged: the electronic steps reached NELM = 12.'}


def test_vasp_6_says_whether_the_last_step_has_converged(tmp_path):
    (tmp_path / 'OUTCAR').write_text(
        outcar([Step(n_electronic=12), Step(n_electronic=12, reached=False), Step(n_electronic=4, reached=False)],
               Run(version='6.4.2', nelm=12))
    )  # fmt: skip
    found = read_outcar(tmp_path / 'OUTCAR')
    assert found.indices.tolist() == [0]
    assert found.left_out == {
        1: 'Not converged: the electronic steps reached NELM = 12.',
        2: 'Not converged: the electronic steps ended after 4 without having reached EDIFF.',
    }


def test_nelm_of_the_response_functions_is_another():
    found = read_vasprun(CASES / 'vasp5_two_nelm.vasprun.xml')
    assert found.indices.tolist() == [0, 1, 2]
    assert found.frames.energies.tolist() == [-9.4] * 3


def test_without_stress(read):
    found = read(Step(stress=None), Step())
    assert np.isnan(found.frames.stresses[0]).all()
    np.testing.assert_allclose(found.frames.stresses[1], STRESS, rtol=1e-9)
    assert read(Step(stress=None)).frames.stresses is None


def test_pressure_alone_is_no_stress(read):
    found = read(Step(), run=Run(tags={'ISIF': '1'}))
    assert found.frames.stresses is None
    assert 'no more of the stress than the pressure' in found.notes[0]


def test_without_forces(read):
    found = read(Step(), Step(forces=None), Step())
    assert found.indices.tolist() == [0, 2]
    assert found.left_out == {1: 'It holds no forces.'}


def test_predictions_are_no_labels(read):
    found = read(Step(), Step(is_predicted=True), Step(is_predicted=True), Step(), run=Run(version='6.4.2'))
    # the second prediction of OUTCAR belongs to the step that is computed behind it
    assert len(found.frames) == 2
    assert found.left_out
    assert all('force field' in reason for reason in found.left_out.values())


@pytest.mark.parametrize('text', ['  *************  0.2  0.3  0.1  *******  0.0 ', ' nan nan nan nan nan nan', ' 1 2'])
def test_numbers_that_cannot_be_read(read, text):
    found = read(Step(force_text=text), Step())
    assert found.indices.tolist() == [1]
    assert list(found.left_out) == [0]


def test_file_that_is_cut_off(read):
    found = read(Step(), Step(), run=Run(end=False))
    assert len(found.frames) == 2
    assert not found.is_complete
    assert found.notes[-1] == 'The file is cut off: 2 calculation(s) in it are complete.'


def test_every_cut_gives_complete_calculations_or_a_sentence(name, tmp_path):
    reader, writer = FORMATS[name]
    text = writer([Step(), Step(energy=-9.6)])
    path = tmp_path / name
    for end in range(0, len(text) - 10, 97):
        path.write_text(text[:end])
        try:
            found = reader(path)
        except FormatError as exception:
            assert str(path) in str(exception)
            continue
        assert not found.is_complete
        assert found.frames.energies.tolist() == [-9.52, -9.6][: len(found.frames)]


def test_compressed(name, tmp_path):
    reader, writer = FORMATS[name]
    path = tmp_path / f'{name}.gz'
    content = gzip.compress(writer([Step()]).encode())
    path.write_bytes(content)
    assert reader(path).frames.energies.tolist() == [-9.52]
    path.write_bytes(content[:-40])
    with pytest.raises(FormatError):
        reader(path)


@pytest.mark.parametrize(
    'content', [b'', b'hello', b'<modeling/>', b'<a><calculation/></a>', bytes(range(256)), b'\x1f\x8b']
)
def test_another_file(name, tmp_path, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r'This is no|cannot be decompressed|no list of atoms'):
        FORMATS[name][0](path)


def test_band_is_refused(read):
    with pytest.raises(FormatError, match=r'image of a band \(IMAGES = 5\)'):
        read(Step(), run=Run(tags={'IMAGES': '5'}))


@pytest.mark.parametrize('line', [' NEB: Tangent', '   CHAIN + TOTAL  (eV/Angst)'])
def test_band_that_only_the_steps_tell(tmp_path, line):
    """Before VASP 6 an OUTCAR does not repeat the INCAR."""
    path = tmp_path / 'OUTCAR'
    path.write_text(outcar([Step(), Step()]).replace('  free  energy ', f'{line}\n\n  free  energy ', 1))
    with pytest.raises(FormatError, match=r'image of a band \((NEB|CHAIN)\)'):
        read_outcar(path)


def test_unknown_element(read):
    run = Run(symbols=('Qq', 'F '), titles=('PAW_PBE Qq 10Sep2004', 'PAW_PBE F 08Apr2002'))
    with pytest.raises(FormatError, match='`Qq` is no chemical element'):
        read(Step(), run=run)


def test_nelm_that_is_no_number(read):
    with pytest.raises(FormatError, match='NELM is `'):
        read(Step(), edit=lambda text: text.replace('    60', '   abc'))


def test_one_method_with_dispersion(read):
    assert read(Step(), run=Run(tags={'IVDW': '12'})).method == 'PBE+D3(BJ)'


@pytest.mark.parametrize(('version', 'may_be_more'), [('4.6.36', True), ('5.4.4', True), ('6.3.0', False)])
def test_outcar_that_leaves_out_parts_of_the_method(tmp_path, version, may_be_more):
    """Before VASP 6 an OUTCAR does not repeat the INCAR."""
    path = tmp_path / 'OUTCAR'
    tags = {'METAGGA': 'R2SCAN', 'IVDW': '13'}
    path.write_text(outcar([Step()], Run(version=version, tags={} if may_be_more else tags)))
    found = read_outcar(path)
    assert found.may_be_more == may_be_more
    assert any('neither a meta-GGA' in note for note in found.notes) == may_be_more
    assert found.method == ('PBE' if may_be_more else 'r2SCAN+D4')


def test_energy_without_the_work_of_pressure(tmp_path):
    """VASP adds P·V to the energy of a step, not to those of its electronic steps."""
    path = tmp_path / 'vasprun.xml'
    work = 50.0 * 0.1 * units.GPa * VOLUME
    run = Run(tags={'PSTRESS': '50.0'})
    path.write_text(vasprun([
        Step(energy=-9.52 + work, electronic_energy=-9.52), Step(), Step(energy=-9.52 + work, electronic_energy=-8.0),
    ], run))  # fmt: skip
    found = read_vasprun(path)
    np.testing.assert_allclose(found.frames.energies, [-9.52, -9.52], atol=2e-8)
    assert found.left_out == {2: AMBIGUOUS}
    assert found.frames.stresses is None
    assert 'PSTRESS' in found.notes[0]


def test_forces_on_fixed_atoms_are_kept(tmp_path):
    """Selective dynamics keeps atoms in place; what the method computed for them is a label all the same."""
    path = tmp_path / 'vasprun.xml'
    selective = (
        '  <varray type="logical" name="selective" >\n' + '   <v type="logical" > F  F  F </v>\n' * 3 + '  </varray>\n'
    )
    path.write_text(vasprun([Step()]).replace('  </structure>\n', f'{selective}  </structure>\n'))
    np.testing.assert_array_equal(read_vasprun(path).frames.forces, FORCES)


def test_elements_beyond_the_tenth(tmp_path):
    """VASP 6.3 counts the atoms of ten elements only; the others must not be taken for them."""
    path = tmp_path / 'OUTCAR'
    path.write_text(outcar([Step()]).replace('NIONS =      3', 'NIONS =      5'))
    with pytest.raises(FormatError, match=r'elements of 3 of its 5 atoms only: read the vasprun\.xml'):
        read_outcar(path)


def test_forces_beside_those_without_dispersion(tmp_path):
    """With dispersion VASP 5 writes three more columns, and a second energy in the line."""
    path = tmp_path / 'OUTCAR'
    text = outcar([Step()]).replace('TOTAL-FORCE (eV/Angst)', 'TOTAL-FORCE (eV/Angst),        FORCE-w/o vdW (eV/Angst)')
    for force in (0.3, -0.6):
        text = text.replace(f'{force:13.5f}\n', f'{force:13.5f}      0.10000          NaN      0.30000\n')
    text = text.replace('TOTEN  =        -9.52000000 eV\n', 'TOTEN  =        -9.52000000 eV    w/o vdW =  -9.1 eV\n')
    path.write_text(text)
    found = read_outcar(path)
    assert found.frames.energies.tolist() == [-9.52]
    np.testing.assert_allclose(found.frames.forces, FORCES)


@pytest.mark.parametrize('version', ['4.6.36', '5.4.4', '6.3.0'])
def test_step_whose_energy_is_damaged(tmp_path, version):
    """What it holds must not go over to the next step, wherever the energy stands."""
    path = tmp_path / 'OUTCAR'
    text = outcar([Step(), Step(energy=-9.6, stress=None)], Run(version=version))
    path.write_text(text.replace('  free  energy   TOTEN  =        -9.52000000 eV', '  free  energy   TOTEN  ='))
    found = read_outcar(path)
    assert found.left_out == {0: 'It holds no free energy.'}
    assert found.frames.energies.tolist() == [-9.6]
    assert found.frames.stresses is None


def test_numbers_that_touch(tmp_path):
    path = tmp_path / 'OUTCAR'
    stress = ((-1234.5, -1234.5, 1.0), (-1234.5, -2222.5, 0.0), (1.0, 0.0, -2.0))
    text = outcar([Step(stress=stress)])
    assert text.count(' -1234.50000 -2222.50000') == 1
    path.write_text(text.replace(' -1234.50000 -2222.50000', ' -1234.50000-2222.50000'))
    found = read_outcar(path)
    np.testing.assert_allclose(found.frames.stresses[0] / (-0.1 * units.GPa), [-1234.5, -2222.5, -2, 0, 1, -1234.5])

"""Tests for `science.formats.mlip3_cfg`."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from ase.geometry import cell_to_cellpar
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from motep.io.mlip.cfg import read_cfg as read_with_motep

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg import CfgFile, read_cfg, write_cfg
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA

FIXTURES = Path(__file__).parents[2] / 'fixtures' / 'mlip3'
CASES = Path(__file__).parents[2] / 'fixtures' / 'cases'
SPECIES = ('Li', 'C', 'O')

SMALL = b"""BEGIN_CFG
 Size
    2
 Supercell
         4.000000      0.000000      0.000000
         0.000000      5.000000      0.000000
        -1.000000      0.000000      6.000000
 AtomData:  id type       cartes_x      cartes_y      cartes_z           fx          fy          fz       nbh_grades
             1    0       0.100000      0.200000      0.300000     1.000000   -2.000000    0.500000          1.50000
             2    2       1.500000      2.500000      3.500000    -1.000000    2.000000   -0.500000          2.50000
 Energy
       -12.250000000000
 PlusStress:  xx          yy          zz          yz          xz          xy
        12.00000    24.00000    36.00000     6.00000    -6.00000     1.20000
 Feature   EFS_by\tVASP 6
 Feature   MV_grade\t2.500000
END_CFG

"""


def write(cfg: CfgFile, species=SPECIES, **kwargs) -> bytes:
    """Write all that was read."""
    target = io.BytesIO()
    write_cfg(
        target, cfg.frames, species, features=cfg.features, nbh_grades=cfg.nbh_grades,
        site_energies=cfg.site_energies, charges=cfg.charges, is_ghost=cfg.is_ghost, **kwargs,
    )  # fmt: skip
    return target.getvalue()


def refusal(content: bytes, species=SPECIES) -> str:
    """Return the message with which content is refused."""
    with pytest.raises(FormatError) as info:
        read_cfg(content, species, name='a.cfg')
    return str(info.value)


class TestRead:
    def test_small(self):
        cfg = read_cfg(SMALL, SPECIES)
        frames = cfg.frames
        assert frames.numbers.tolist() == [3, 8]
        np.testing.assert_array_equal(frames.positions, [[0.1, 0.2, 0.3], [1.5, 2.5, 3.5]])
        np.testing.assert_array_equal(frames.cells, [[[4, 0, 0], [0, 5, 0], [-1, 0, 6]]])
        assert frames.pbc.all()
        assert frames.energies.tolist() == [-12.25]
        np.testing.assert_array_equal(frames.forces, [[1, -2, 0.5], [-1, 2, -0.5]])
        np.testing.assert_allclose(frames.stresses, [[-0.1, -0.2, -0.3, -0.05, 0.05, -0.01]])
        assert frames.grades.tolist() == [2.5]
        assert cfg.nbh_grades.tolist() == [1.5, 2.5]
        assert cfg.features == [{'EFS_by': 'VASP 6', 'MV_grade': '2.500000'}]
        assert cfg.fragments.tolist() == [False]
        assert cfg.site_energies is cfg.charges is cfg.is_ghost is None

    @pytest.mark.parametrize(
        'name', ['shared/train30.cfg', '12_calculate_grade/out.cfg', '39_train_unlabelled/train.cfg']
    )
    def test_against_motep(self, name):
        """An independent reader must see the same."""
        frames = read_cfg(FIXTURES / name, SPECIES).frames
        images = read_with_motep(str(FIXTURES / name), index=':', species=list(SPECIES))
        assert len(images) == len(frames)
        for image, atoms in zip(images, frames.to_atoms(), strict=True):
            assert image.symbols.get_chemical_formula() == atoms.symbols.get_chemical_formula()
            np.testing.assert_array_equal(image.positions, atoms.positions)
            np.testing.assert_array_equal(image.cell, atoms.cell)
            if atoms.calc is None:
                assert 'energy' not in image.calc.results
                continue
            assert image.get_potential_energy() == atoms.get_potential_energy()
            np.testing.assert_array_equal(image.get_forces(), atoms.get_forces())
            np.testing.assert_allclose(image.get_stress(), atoms.get_stress(), rtol=1e-12)

    def test_stress_against_lammps(self):
        """The stress must be minus the pressure tensor that LAMMPS printed for the same configuration and potential."""
        frames = read_cfg(FIXTURES / '79_stress_check' / 'efs.cfg', SPECIES).frames
        log = (FIXTURES / '79_stress_check' / 'log.lammps').read_text()
        values = [float(word) for word in re.search(r'^ +0 +(-1859.*)$', log, re.MULTILINE).group(1).split()]
        energy, pressures = values[0], np.array(values[2:8]) * 1e-4  # bar to GPa: Pxx Pyy Pzz Pyz Pxz Pxy
        assert frames.energies[0] == pytest.approx(energy, abs=1e-6)
        np.testing.assert_allclose(-frames.stresses[0] * EV_PER_A3_TO_GPA, pressures, rtol=2e-5, atol=1e-3)

    def test_mixed_columns(self):
        """Labels, grades and their absence must stay with their frames."""
        cfg = read_cfg(FIXTURES / '39_train_unlabelled' / 'train.cfg', SPECIES)
        assert cfg.frames.labelled.tolist() == [True] * 30 + [False] * 7
        assert np.isnan(cfg.nbh_grades[: 30 * 24]).all()
        assert np.isfinite(cfg.nbh_grades[30 * 24 :]).all()
        assert np.isnan(cfg.frames.grades[:30]).all()
        assert cfg.frames.grades[-1] == 11.57554

    def test_layout_of_mtp_pair_style(self):
        cfg = read_cfg(FIXTURES / '55_mtp_preselected_read' / 'preselected.cfg', SPECIES)
        assert len(cfg.frames) == 14
        assert cfg.frames.grades[-1] == 11.57554
        assert cfg.nbh_grades[-1] == 1.15502

    def test_fragments(self):
        cfg = read_cfg(FIXTURES / '22_lmp_break_2ranks' / 'preselected.cfg.0', SPECIES)
        assert cfg.fragments.all()
        assert cfg.frames.sizes[0] == 810
        assert not cfg.frames.pbc.any()
        assert int((~cfg.is_ghost[:810]).sum()) < 96

    def test_periodic_preselected_is_no_fragment(self):
        for name in ('21_lmp_mlip_break/preselected.cfg.0', '24_lmp_cfgmode_2ranks/preselected.cfg'):
            cfg = read_cfg(FIXTURES / name, SPECIES)
            assert not cfg.fragments.any()
            assert cfg.frames.pbc.all()

    def test_direct_coordinates(self):
        direct = SMALL.replace(b'cartes_', b'direct_')
        frames = read_cfg(direct, SPECIES).frames
        np.testing.assert_allclose(frames.positions[0], [0.4 - 0.3, 1.0, 1.8])

    def test_direct_coordinates_before_the_cell(self):
        """Fields may come in any order after Size, as MLIP-3 reads them."""
        cell = SMALL[SMALL.index(b' Supercell') : SMALL.index(b' AtomData')]
        moved = SMALL.replace(cell, b'').replace(b' Energy', cell + b' Energy').replace(b'cartes_', b'direct_')
        np.testing.assert_allclose(read_cfg(moved, SPECIES).frames.positions[0], [0.4 - 0.3, 1.0, 1.8])

    def test_virial_is_divided_by_the_volume(self):
        virial = read_cfg(SMALL.replace(b'PlusStress:', b'Virial:'), SPECIES).frames.stresses
        np.testing.assert_allclose(virial, read_cfg(SMALL, SPECIES).frames.stresses / 120.0)

    def test_stress_order_is_that_of_the_heading(self):
        swapped = SMALL.replace(b'xx          yy', b'yy          xx')
        np.testing.assert_allclose(read_cfg(swapped, SPECIES).frames.stresses[0, :2], [-0.2, -0.1])

    def test_synonyms(self):
        old = SMALL.replace(b'Supercell', b'SuperCell').replace(b'AtomData:', b'Atomic_data:')
        assert read_cfg(old, SPECIES).frames.hashes() == read_cfg(SMALL, SPECIES).frames.hashes()

    def test_all_columns(self):
        header = b' AtomData: type charge site_en direct_x direct_y direct_z ghost\n 0 1.5 -3.25 0 0 0 false\n'
        content = b'BEGIN_CFG Size 1 Supercell 4 0 0 0 4 0 0 0 4\n' + header + b'END_CFG'
        cfg = read_cfg(content, SPECIES)
        assert cfg.charges.tolist() == [1.5]
        assert cfg.site_energies.tolist() == [-3.25]
        assert cfg.is_ghost.tolist() == [False]
        assert cfg.fragments.tolist() == [False]

    def test_ghost_column_without_cell_is_a_fragment(self):
        content = b'BEGIN_CFG Size 1\n AtomData: type cartes_x cartes_y cartes_z ghost\n 0 0 0 0 false\nEND_CFG'
        assert read_cfg(content, SPECIES).fragments.tolist() == [True]

    def test_molecule_and_slab(self):
        """Fewer than three cell vectors: not periodic in the other directions; their stress is not defined."""
        cell = SMALL[SMALL.index(b' Supercell') : SMALL.index(b' AtomData')]
        molecule = read_cfg(SMALL.replace(cell, b''), SPECIES).frames
        assert not molecule.pbc.any()
        assert np.isnan(molecule.stresses).all()
        slab = read_cfg(SMALL.replace(cell.splitlines(keepends=True)[-1], b''), SPECIES).frames
        assert slab.pbc.tolist() == [[True, True, False]]
        np.testing.assert_allclose(cell_to_cellpar(slab.cells[0]), [4, 5, 1, 90, 90, 90])

    def test_multiline_and_escaped_features(self):
        feature = b' Feature   my\\_key\tone\n Feature   my\\_key\ttwo words\n'
        cfg = read_cfg(SMALL.replace(b' Feature   EFS', feature + b' Feature   EFS'), SPECIES)
        assert cfg.features[0]['my key'] == 'one\ntwo words'
        assert write(cfg, decimals=6).count(b'my\\_key') == 2

    def test_features_in_one_field(self):
        old = SMALL.replace(b' Feature   EFS_by\tVASP 6\n', b' Features:  EFS_by  ID\n  VASP  7\n')
        assert read_cfg(old, SPECIES).features[0] == {'EFS_by': 'VASP', 'ID': '7', 'MV_grade': '2.500000'}

    def test_infinite_grade(self):
        assert read_cfg(SMALL.replace(b'2.500000\nEND', b'inf\nEND'), SPECIES).frames.grades.tolist() == [np.inf]

    def test_one_species_needs_no_type(self):
        content = b'BEGIN_CFG Size 1\n AtomData: id cartes_x cartes_y cartes_z\n 1 0 0 0\nEND_CFG'
        assert read_cfg(content, ['Na']).frames.numbers.tolist() == [11]

    @pytest.mark.parametrize('content', [b'', b'\n \n'])
    def test_empty(self, content):
        cfg = read_cfg(content, SPECIES)
        assert len(cfg.frames) == 0
        assert cfg.features == []

    def test_sources(self, tmp_path):
        path = tmp_path / 'a.cfg'
        path.write_bytes(SMALL)
        with path.open('rb') as handle:
            read = [read_cfg(source, SPECIES).frames.hashes() for source in (path, str(path), SMALL, handle)]
        assert len({tuple(hashes) for hashes in read}) == 1

    def test_windows_line_ends(self):
        cfg = read_cfg(SMALL.replace(b'\n', b'\r\n'), SPECIES)
        assert cfg.features == read_cfg(SMALL, SPECIES).features


class TestOtherPrograms:
    """What other programs and editors make of a file is read as what it means."""

    def test_feature_on_the_next_line(self):
        """MLIP skips one character behind the name and takes the rest of the line, here the next one."""
        (features,) = read_cfg(CASES / 'feature_next_line.cfg', ('Li', 'F')).features
        assert features == {'conf_id': '17'}

    @pytest.mark.parametrize('end', [b'\n', b'\r\n'])
    @pytest.mark.parametrize(
        ('text', 'features'),
        [
            (b' Feature   EFS_by\n   VASP 6\n', {'EFS_by': 'VASP 6'}),
            (b' Feature   EFS_by\n\n', {'EFS_by': ''}),
            (b' Feature   EFS_by \n', {'EFS_by': ''}),
            (b' Feature   EFS_by\t\n', {'EFS_by': ''}),
            (b' Feature   EFS_by\n Feature   a\tb\n', {'EFS_by': '', 'a': 'b'}),
            (b' Feature   EFS_by\n17\n Feature   EFS_by\n18\n', {'EFS_by': '17\n18'}),
            (b' Feature   EFS_by      VASP   6  \n', {'EFS_by': 'VASP   6'}),
            (b' Feature\tEFS_by\tVASP\t6\n', {'EFS_by': 'VASP\t6'}),
        ],
    )
    def test_features(self, text, features, end):
        content = SMALL.replace(b' Feature   EFS_by\tVASP 6\n', text).replace(b'\n', end)
        assert read_cfg(content, SPECIES).features == [{**features, 'MV_grade': '2.500000'}]

    def test_grade_on_the_next_line(self):
        assert read_cfg(SMALL.replace(b'MV_grade\t', b'MV_grade\n'), SPECIES).frames.grades.tolist() == [2.5]

    def test_name_of_a_feature_at_the_end(self):
        content = SMALL.replace(b' Feature   MV_grade\t2.500000\n', b' Feature   note\n')
        assert read_cfg(content, SPECIES).features == [{'EFS_by': 'VASP 6', 'note': ''}]

    @pytest.mark.parametrize('name', ['bom.cfg', 'magmom.cfg', 'feature_next_line.cfg'])
    def test_cases(self, name):
        cfg = read_cfg(CASES / name, ('Li', 'F'))
        assert cfg.frames.energies.tolist() == [-9.5]
        np.testing.assert_array_equal(cfg.frames.forces, [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]])
        np.testing.assert_allclose(
            cfg.frames.stresses, [[0.01, 0.02, 0.03, -0.1 / 64, -0.2 / 64, -0.3 / 64]], rtol=1e-12
        )
        assert cfg.left_out_columns == (('magmom_x', 'magmom_y', 'magmom_z') if name == 'magmom.cfg' else ())

    def test_unknown_columns_are_left_out_by_name(self):
        """They may stand anywhere and hold what is no number."""
        content = (
            b'BEGIN_CFG Size 2 Supercell 4 0 0 0 4 0 0 0 4\n AtomData: id symbol type cartes_x q:1 cartes_y cartes_z\n'
            b' 1 Li 0 0.5 nan 1 2\n 2 O 2 3 - 2 1\nEND_CFG\n'
        )
        cfg = read_cfg(content + SMALL, SPECIES)
        assert cfg.left_out_columns == ('symbol', 'q:1')
        assert cfg.frames.numbers.tolist() == [3, 8, 3, 8]
        np.testing.assert_array_equal(cfg.frames.positions[:2], [[0.5, 1, 2], [3, 2, 1]])
        assert read_cfg(SMALL, SPECIES).left_out_columns == ()

    def test_byte_order_mark(self):
        assert read_cfg(b'\xef\xbb\xbf' + SMALL, SPECIES).frames.hashes() == read_cfg(SMALL, SPECIES).frames.hashes()
        assert len(read_cfg(b'\xef\xbb\xbf', SPECIES).frames) == 0

    def test_latin_1(self):
        content = SMALL.replace(b'VASP 6', 'von Jürgen, 5 Å'.encode('latin-1'))
        assert read_cfg(content, SPECIES).features[0]['EFS_by'] == 'von Jürgen, 5 Å'
        content = SMALL.replace(b'VASP 6', 'von Jürgen, 5 Å'.encode())
        assert read_cfg(content, SPECIES).features[0]['EFS_by'] == 'von Jürgen, 5 Å'

    def test_species_that_is_no_element(self):
        with pytest.raises(FormatError, match='`Qq` in the species list is no chemical element'):
            read_cfg(SMALL, ('Li', 'Qq', 'O'), name='a.cfg')


class TestWrite:
    @pytest.mark.parametrize(
        'name',
        [
            'shared/train40.cfg', 'shared/valid16.cfg', '12_calculate_grade/out.cfg', '13_select_add/selected.cfg',
            '11_calculate_efs/out.cfg', '14_mindist/db.cfg', '21_lmp_mlip_break/preselected.cfg.0',
            '22_lmp_break_2ranks/preselected.cfg.0', '24_lmp_cfgmode_2ranks/preselected.cfg', 'F_noF/in.cfg',
            '39_train_unlabelled/train.cfg', '79_stress_check/efs.cfg',
        ],
    )  # fmt: skip
    def test_bytes_of_mlip3(self, name):
        """With six decimals the very bytes that MLIP-3 wrote must come out."""
        assert write(read_cfg(FIXTURES / name, SPECIES), decimals=6) == (FIXTURES / name).read_bytes()

    @pytest.mark.parametrize('decimals', [16, None])
    def test_exact_round_trip(self, decimals):
        random = np.random.default_rng(0)
        frames = Frames(
            numbers=[3, 6, 8, 8, 3], positions=random.uniform(-9, 30, (5, 3)), ptr=[0, 2, 5],
            cells=np.eye(3) * 7 + random.normal(size=(2, 3, 3)), pbc=np.ones((2, 3)), energies=[-1234.5678901234, 3.0],
            forces=random.normal(size=(5, 3)), stresses=random.normal(size=(2, 6)) / 100, grades=[2.123456789, np.nan],
        )  # fmt: skip
        target = io.BytesIO()
        write_cfg(target, frames, SPECIES, decimals=decimals)
        again = read_cfg(target.getvalue(), SPECIES).frames
        assert again.hashes() == frames.hashes()
        np.testing.assert_allclose(again.positions, frames.positions, rtol=0, atol=1e-15)
        np.testing.assert_allclose(again.forces, frames.forces, rtol=0, atol=1e-15)
        np.testing.assert_allclose(again.energies, frames.energies, rtol=0, atol=1e-12)
        np.testing.assert_allclose(again.stresses, frames.stresses, rtol=1e-13)
        np.testing.assert_allclose(again.grades, frames.grades, rtol=0 if decimals else 1e-6)

    def test_path(self, tmp_path):
        write_cfg(tmp_path / 'a.cfg', read_cfg(SMALL, SPECIES).frames, SPECIES)
        assert len(read_cfg(tmp_path / 'a.cfg', SPECIES).frames) == 1

    def test_no_frames(self):
        assert write(read_cfg(b'', SPECIES)) == b''

    def test_grade_takes_precedence(self):
        cfg = read_cfg(SMALL, SPECIES)
        target = io.BytesIO()
        write_cfg(target, cfg.frames.replace(grades=np.array([7.0])), SPECIES, features=cfg.features, decimals=6)
        assert b'MV_grade\t7.000000' in target.getvalue()

    def test_partly_periodic(self):
        frames = read_cfg(SMALL, SPECIES).frames
        slab = frames.replace(pbc=np.array([[True, True, False]]))
        target = io.BytesIO()
        write_cfg(target, slab, SPECIES)
        assert b'PlusStress' not in target.getvalue()
        assert read_cfg(target.getvalue(), SPECIES).frames.pbc.tolist() == [[True, True, False]]
        with pytest.raises(ValueError, match='Frame 0 is periodic along a later cell vector'):
            write_cfg(target, frames.replace(pbc=np.array([[True, False, True]])), SPECIES)

    def test_refusals(self):
        frames = read_cfg(SMALL, SPECIES).frames
        target = io.BytesIO()
        with pytest.raises(ValueError, match='`forces` is known for some atoms of frame 0 only'):
            write_cfg(target, frames.replace(forces=np.array([[0, 0, 0], [0, np.nan, 0]])), SPECIES)
        with pytest.raises(ValueError, match='`nbh_grades` has 3 entries for 2 atoms'):
            write_cfg(target, frames, SPECIES, nbh_grades=np.zeros(3))
        with pytest.raises(ValueError, match='`features` has 0 entries for 1 frames'):
            write_cfg(target, frames, SPECIES, features=[])
        with pytest.raises(ValueError, match='O not in the species list'):
            write_cfg(target, frames, ['Li', 'C'])


class TestRecordedFailures:
    @pytest.mark.parametrize(
        ('name', 'line', 'message'),
        [
            ('F_nan/in.cfg', 9, 'AtomData holds `nan`, which is not a valid value'),
            ('F_nanF/in.cfg', 9, 'AtomData holds `nan`, which is not a valid value'),
            ('F_species_train/in.cfg', 21, r'Type `5` is not in the species list \(0 = Li, 1 = C, 2 = O\)'),
            ('F_truncated_cfg_calculate_efs/in.cfg', 35, 'ends inside the configuration that begins in line 1'),
            ('F_truncated_cfg_calculate_grade/in.cfg', 103, 'ends inside the configuration that begins in line 79'),
            ('F_truncated_cfg_mindist/db.cfg', 69, 'after 168 values, but Size announces 24 rows of 8 values'),
            ('F_truncated_cfg_select_add/candidates.cfg', 341, 'begins in line 313'),
        ],
    )
    def test_message(self, name, line, message):
        with pytest.raises(FormatError, match=message) as info:
            read_cfg(FIXTURES / name, SPECIES)
        assert info.value.line == line
        assert str(info.value).startswith(f'{FIXTURES / name}, line {line}: ')

    def test_truncated_can_be_allowed(self):
        path = FIXTURES / 'F_truncated_cfg_calculate_grade' / 'in.cfg'
        cfg = read_cfg(path, SPECIES, allow_truncated=True)
        assert cfg.is_truncated
        assert len(cfg.frames) == 2
        with pytest.raises(FormatError):
            read_cfg(FIXTURES / 'F_nan' / 'in.cfg', SPECIES, allow_truncated=True)


class TestRefusals:
    @pytest.mark.parametrize(
        ('old', 'new', 'message'),
        [
            (b'    2\n Super', b'    3\n Super', 'line 10: AtomData ends here after 18 values, but Size announces 3'),
            (b'    2\n Super', b'    1\n Super', 'line 10: AtomData goes on here, but Size announces 1 rows'),
            (b'    2\n Super', b'    0\n Super', 'line 3: `Size` holds `0`, which is not a number of atoms'),
            (b'    2\n Super', b'    -2\n Super', 'line 3: `Size` holds `-2`'),
            (b'    2\n Super', b'    99999999999999999999\n Super', 'line 3: `Size` holds'),
            (b'    2\n Super', b'    2.0\n Super', 'line 3: `Size` holds `2.0`'),
            (b' Size\n    2\n', b'', 'line 6: AtomData stands before Size'),
            (b'-1.000000      0.000000 ', b'-1.000000      nan ', 'line 7: `Supercell` holds `nan`'),
            (b' 5.000000', b'', 'line 4: `Supercell` holds 8 numbers'),
            (b'5.000000', b'0.000000', 'line 4: The vectors of `Supercell` are not independent'),
            (b' cartes_z', b' direct_z', 'line 8: AtomData must have x, y and z of either'),
            (b' nbh_grades', b' 1.5', 'line 8: `1.5` is no name of a column of AtomData'),
            (b' nbh_grades', b' n\xfc', r'line 8: `n\\xc3\\xbc` is no name of a column'),
            (b' nbh_grades', b' fx', 'line 8: A column of AtomData is given twice'),
            (b' fz       nbh_grades', b' site_en       nbh_grades', 'line 8: AtomData must have all of fx, fy and fz'),
            (b'id type', b'id charge', 'line 8: AtomData has no column `type`, but there are 3 species'),
            (b'  2    2  ', b'  3    2  ', 'line 10: The ids are not 1 to 2 in order: `3` is out of turn'),
            (b'  2    2  ', b'  2    3  ', 'line 10: Type `3` is not in the species list'),
            (b'  2    2  ', b'  2    -1 ', 'line 10: Type `-1` is not in the species list'),
            (b'  2    2  ', b'  2    0.5', 'line 10: Type `0.5` is not in the species list'),
            (b'2.500000      3.5', b'2.5_000      3.5', 'line 10: AtomData holds `2.5_000`'),
            (b'2.500000      3.5', b'2.50-0000      3.5', 'line 10: AtomData holds `2.50-0000`'),
            (b'2.500000      3.5', b'inf      3.5', 'line 10: AtomData holds `inf`'),
            (b'2.500000      3.5', b'\xff\xfe      3.5', r'line 10: AtomData holds `\\xff\\xfe`'),
            (b'-12.250000000000', b'', 'line 13: `Energy` holds `PlusStress:`, which is not a finite number'),
            (b'-12.250000000000', b'nan', 'line 12: `Energy` holds `nan`'),
            (b'zz          yz', b'zz          zz', 'line 13: The components of the stress are'),
            (b'1.20000\n', b'\n', 'line 15: `PlusStress` holds `Feature`'),
            (b'1.20000\n', b'1.2 7\n', 'line 14: `7` is not a field of a configuration'),
            (b'PlusStress:', b'Stress:', 'line 13: `Stress:` is refused, because its sign is ambiguous'),
            (b'2.500000\nEND', b'high\nEND', 'line 16: The feature MV_grade holds `high`, which is not one number'),
            (b' Feature   EFS_by\tVASP 6', b' Feature', 'line 15: A feature has no name'),
            (b' Energy\n', b' Energie\n', 'line 11: `Energie` is not a field of a configuration'),
            (b' Energy\n', b' Size\n 2\n Energy\n', 'line 11: `Size` is given twice'),
            (b'BEGIN_CFG', b'BEGIN', 'line 1: `BEGIN` stands where BEGIN_CFG is expected'),
            (b'END_CFG', b'END_CFG\nx', 'line 18: `x` stands where BEGIN_CFG is expected'),
            (b'END_CFG', b'', 'ends inside the configuration that begins in line 1: END_CFG is missing'),
        ],
    )  # fmt: skip
    def test_message(self, old, new, message):
        assert SMALL.count(old) == 1
        assert re.search(
            f'^a.cfg, {message}' if message.startswith('line') else message, refusal(SMALL.replace(old, new))
        )

    def test_line_of_second_configuration(self):
        assert refusal(SMALL + SMALL.replace(b' -2.000000', b' +-2.00000')).startswith('a.cfg, line 27: AtomData holds')

    def test_missing_end_between_configurations(self):
        assert 'line 19: END_CFG is missing' in refusal(SMALL.replace(b'END_CFG', b'') + SMALL)

    def test_no_atoms(self):
        assert 'line 1: The configuration has no AtomData' in refusal(b'BEGIN_CFG Size 1 END_CFG')

    def test_what_needs_a_cell(self):
        cell = SMALL[SMALL.index(b' Supercell') : SMALL.index(b' AtomData')]
        bare = SMALL.replace(cell, b'')
        assert 'Direct coordinates need a Supercell' in refusal(bare.replace(b'cartes_', b'direct_'))
        assert '`Virial:` needs a Supercell' in refusal(bare.replace(b'PlusStress:', b'Virial:'))


class TestTake:
    def test_all_that_belongs_to_a_configuration(self):
        cfg = read_cfg(FIXTURES / '12_calculate_grade' / 'out.cfg', SPECIES)
        taken = cfg.take(np.array([5, 2]))
        assert taken.frames.hashes() == [cfg.frames.hashes()[index] for index in (5, 2)]
        assert [features['ID'] for features in taken.features] == ['5', '2']
        np.testing.assert_array_equal(taken.nbh_grades[:24], cfg.nbh_grades[5 * 24 : 6 * 24])
        assert len(cfg.take(np.empty(0, dtype=int)).frames) == 0


class TestFuzz:
    """Whatever happens to a file: a `FormatError`, or what an honest reading gives."""

    TWO = SMALL + SMALL.replace(b'0.100000', b'0.150000')

    @settings(max_examples=300, deadline=None)
    @given(st.integers(0, len(TWO)))
    def test_truncated(self, length):
        """A truncated file must be refused, unless nothing but blanks is missing."""
        ends = [match.end() for match in re.finditer(b'END_CFG', self.TWO)]
        complete = sum(length >= end for end in ends)
        content = self.TWO[:length]
        cfg = read_cfg(content, SPECIES, allow_truncated=True)
        assert len(cfg.frames) == complete
        rest = content[ends[complete - 1] :] if complete else content
        assert cfg.is_truncated == bool(rest.strip())
        if cfg.is_truncated:
            with pytest.raises(FormatError, match='ends inside'):
                read_cfg(content, SPECIES)

    @settings(max_examples=200, deadline=None)
    @given(st.permutations(range(2, 20)))
    def test_shuffled_atoms(self, order):
        """Rows in another order have other ids."""
        rows = [f' {i} 0 {i}.5 0 0'.encode() for i in range(1, 21)]
        heading = b'BEGIN_CFG Size 20\n AtomData: id type cartes_x cartes_y cartes_z\n'
        shuffled = [rows[0], *(rows[i] for i in order), rows[1]]
        assert 'out of turn' in refusal(heading + b'\n'.join(shuffled) + b'\nEND_CFG')

    @settings(max_examples=200, deadline=None)
    @given(st.permutations(SMALL.splitlines(keepends=True)))
    def test_shuffled_lines(self, lines):
        """Lines in another order must be refused, or read with nothing lost."""
        try:
            cfg = read_cfg(b''.join(lines), SPECIES)
        except FormatError:
            return
        assert cfg.frames.sizes.tolist() == [2]
        assert sorted(write(cfg, decimals=6).split()) == sorted(SMALL.split())

    @settings(max_examples=300, deadline=None)
    @given(
        st.integers(0, len(SMALL.split()) - 1), st.sampled_from([b'nan', b'-inf', b'1_0', b'', b'x', b'1e999', b'\xff'])
    )
    def test_replaced_word(self, index, word):
        """A number that became something else must be refused; a column that is not known is named."""
        words = list(re.finditer(rb'\S+', SMALL))
        match = words[index]
        is_text = SMALL.rfind(b' Feature', 0, match.start()) > SMALL.rfind(b'\n', 0, match.start())
        assume(not is_text)
        content = SMALL[: match.start()] + word + SMALL[match.end() :]
        if match.group() in (b'id', b'nbh_grades') and re.fullmatch(rb'[a-z]+', word):
            assert read_cfg(content, SPECIES).left_out_columns == (word.decode(),)
            return
        with pytest.raises(FormatError):
            read_cfg(content, SPECIES)

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=60), st.integers(0, len(SMALL)), st.integers(0, 60))
    def test_bytes(self, noise, position, removed):
        """Noise must never lead to another error or to numbers that are not finite."""
        try:
            cfg = read_cfg(SMALL[:position] + noise + SMALL[position + removed :], SPECIES)
        except FormatError:
            return
        assert np.isfinite(cfg.frames.positions).all()

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=200))
    def test_garbage(self, content):
        assume(content.removeprefix(b'\xef\xbb\xbf').strip())
        with pytest.raises(FormatError):
            read_cfg(content, SPECIES)

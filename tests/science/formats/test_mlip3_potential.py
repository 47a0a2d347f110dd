"""Tests for `science.formats.mlip3_potential`."""

import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motep.io.mlip.mtp import read_mtp, write_mtp

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_potential import ACTIVE_SET_MARK, read_almtp, write_almtp

FIXTURES = Path(__file__).parents[2] / 'fixtures' / 'mlip3'
SHARED = FIXTURES / 'shared'
SPECIES = ('Li', 'C', 'O')
CONTENT = (SHARED / 'l08_nbh_40.almtp').read_bytes()
MARK = CONTENT.index(ACTIVE_SET_MARK)
TEXT = CONTENT[:MARK]


def refusal(content: bytes, species=SPECIES) -> str:
    """Return the message with which content is refused."""
    with pytest.raises(FormatError) as info:
        read_almtp(content, species, name='pot.almtp')
    return str(info.value)


class TestRead:
    def test_trained(self):
        potential = read_almtp(SHARED / 'l08_nbh_40.almtp', SPECIES)
        assert potential.is_trained
        assert potential.species == SPECIES
        assert potential.level == 8
        assert potential.n_parameters == 156
        assert potential.scaling == 5.408789293239545e-02
        assert potential.min_dist == 7.183295513463532e-01
        assert potential.max_dist == 5.0
        assert potential.radial_coeffs.shape == (3, 3, 2, 8)
        assert potential.radial_coeffs[0, 1, 1, 0] == -2.713681399706734e-01
        assert potential.species_coeffs.tolist() == [
            -1.415914541064173e02,
            -2.831830547960486e02,
            -9.439373387684593e01,
        ]
        assert potential.moment_coeffs[-1] == -1.546269498714713e01
        assert potential.alpha_index_basic.shape == (11, 4)
        assert potential.alpha_index_times[-1].tolist() == [0, 15, 1, 17]
        assert potential.alpha_moment_mapping.tolist() == [0, *range(10, 18)]

    def test_against_motep(self, tmp_path):
        """An independent reader must see the same; it takes the text only."""
        path = tmp_path / 'pot.mtp'
        path.write_bytes(TEXT)
        other = read_mtp(str(path))
        potential = read_almtp(CONTENT, SPECIES)
        np.testing.assert_array_equal(other.radial_coeffs, potential.radial_coeffs)
        np.testing.assert_array_equal(other.moment_coeffs, potential.moment_coeffs)
        np.testing.assert_array_equal(other.species_coeffs, potential.species_coeffs)
        np.testing.assert_array_equal(other.alpha_index_times, potential.alpha_index_times)
        assert other.scaling == potential.scaling

    def test_active_set(self):
        active_set = read_almtp(CONTENT, SPECIES).active_set
        assert active_set.mode == 'nbh'
        zero = dict.fromkeys(('energy_weight', 'force_weight', 'stress_weight'), 0.0)
        assert active_set.weights == {**zero, 'site_en_weight': 1.0, 'weight_scaling': 2.0}
        assert active_set.matrix.shape == active_set.inverse.shape == (156, 156)
        assert len(active_set.frames) == 28
        assert active_set.origins[:2].tolist() == [[20, 88], [20, 82]]
        assert (active_set.origins == -1).all(axis=1).sum() == 3
        unit = active_set.inverse @ active_set.matrix.T
        np.testing.assert_allclose(np.diag(unit), 1.0, atol=1e-6)

    def test_active_configurations_are_those_of_the_training_set(self):
        training = read_cfg(SHARED / 'train40.cfg', SPECIES).frames
        active = read_almtp(CONTENT, SPECIES).active_set.frames
        assert set(active.hashes()) < set(training.hashes())
        assert active.is_labelled

    def test_configuration_mode(self):
        active_set = read_almtp(FIXTURES / '04_train_cfgmode' / 'pot.almtp', SPECIES).active_set
        assert active_set.mode == 'cfg'
        assert active_set.weights['energy_weight'] == 1.0

    def test_template_takes_any_number_of_species(self):
        template = read_almtp(SHARED / 'l08_template.almtp', SPECIES)
        assert not template.is_trained
        assert template.species == SPECIES
        assert template.n_parameters == 156
        assert template.scaling == 1.0
        assert template.active_set is None

    def test_dummy_species(self):
        assert read_almtp(CONTENT).species == ('H', 'He', 'Li')
        assert read_almtp(SHARED / 'l08_template.almtp').species == ('H',)

    def test_checkpoint(self):
        """What a killed training leaves is a potential without an active set."""
        potential = read_almtp(FIXTURES / '01k_train_killed' / 'pot.almtp', SPECIES)
        assert potential.is_trained
        assert potential.active_set is None

    def test_checkpoint_without_coefficients(self):
        content = TEXT[: TEXT.index(b'\nspecies_coeffs')]
        potential = read_almtp(content, SPECIES)
        assert potential.radial_coeffs is not None
        assert not potential.is_trained

    def test_sources(self):
        with (SHARED / 'l08_nbh_40.almtp').open('rb') as handle:
            assert read_almtp(handle, SPECIES).n_parameters == 156


class TestOtherFiles:
    """Files of MLIP-2, and files that were handled by other programs."""

    MLIP2 = b"""MTP
version = 1.1.0
potential_name = MTP1m
species_count = 2
potential_tag =
radial_basis_type = RBChebyshev
	min_dist = 2
	max_dist = 5
	radial_basis_size = 8
	radial_funcs_count = 1
alpha_moments_count = 4
alpha_index_basic_count = 4
alpha_index_basic = {{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}
alpha_index_times_count = 0
alpha_index_times = {}
alpha_scalar_moments = 1
alpha_moment_mapping = {0}
"""

    def test_template_of_mlip2(self):
        potential = read_almtp(self.MLIP2, ('Li', 'F'))
        assert not potential.is_trained
        assert (potential.min_dist, potential.max_dist, potential.n_moments) == (2.0, 5.0, 1)

    def test_trained_by_mlip2(self):
        """What it writes is text only; what is made of it is read by MLIP-3 and gives the same coefficients."""
        row = '{' + ', '.join(f'{value:.15e}' for value in np.linspace(-0.5, 0.3, 8)) + '}\n'
        blocks = ''.join(f'\t\t{i}-{j}\n\t\t\t{row}' for i in (0, 1) for j in (0, 1))
        content = self.MLIP2.replace(b'species_count', b'scaling = 1.5e-02\nspecies_count')
        content = content.replace(b'funcs_count = 1\n', b'funcs_count = 1\n\tradial_coeffs\n' + blocks.encode())
        content += b'species_coeffs = {-3.5, 2.25}\nmoment_coeffs = {0.125}\n'
        potential = read_almtp(content, ('Li', 'F'))
        assert potential.is_trained
        assert potential.active_set is None
        assert potential.scaling == 0.015
        again = read_almtp(write_almtp(potential), ('Li', 'F'))
        np.testing.assert_array_equal(again.parameters, potential.parameters)

    def test_without_what_is_optional(self):
        content = self.MLIP2
        for line in (b'potential_name = MTP1m\n', b'species_count = 2\n', b'potential_tag =\n'):
            content = content.replace(line, b'')
        assert read_almtp(content, ('Li', 'F', 'O')).species == ('Li', 'F', 'O')
        with pytest.raises(FormatError, match='does not tell its `species_count`'):
            read_almtp(content)

    def test_other_names_of_the_radial_basis(self):
        content = self.MLIP2.replace(b'min_dist', b'min_val').replace(b'max_dist', b'max_val')
        content = content.replace(b'radial_basis_size', b'basis_size')
        assert write_almtp(read_almtp(content, ('Li', 'F'))) == write_almtp(read_almtp(self.MLIP2, ('Li', 'F')))

    def test_windows_line_ends_in_text(self):
        potential = read_almtp(TEXT.replace(b'\n', b'\r\n'), SPECIES)
        np.testing.assert_array_equal(potential.parameters, read_almtp(TEXT, SPECIES).parameters)
        mixed = TEXT.replace(b'\n', b'\r\n') + CONTENT[MARK:]
        assert read_almtp(mixed, SPECIES).active_set is not None

    def test_windows_line_ends_in_binary(self):
        assert 'line ends of this file were changed (CRLF)' in refusal(CONTENT.replace(b'\n', b'\r\n'))

    def test_byte_order_mark(self):
        assert read_almtp(b'\xef\xbb\xbf' + TEXT, SPECIES).is_trained

    def test_cut_off_before_the_active_set(self):
        potential = read_almtp(CONTENT[: MARK + 1], SPECIES)
        assert potential.is_trained
        assert potential.active_set is None

    @pytest.mark.parametrize(
        ('old', 'new', 'kind'),
        [
            (
                b'\tradial_funcs',
                b'magnetic_basis_type = BChebyshev\n\tmin_val = -2\n\tradial_funcs',
                'a magnetic moment',
            ),
            (b'\tradial_funcs', b'\tmagmom_coeffs = {1, 2}\n\tradial_funcs', 'a magnetic moment'),
            (b'\tradial_funcs', b'\tzbl_inner = 0.5\n\tradial_funcs', r'Ziegler, Biersack and Littmark \(ZBL\)'),
            (b'tag =', b'tag = MTP+ZBL', r'Ziegler, Biersack and Littmark \(ZBL\)'),
            (b'tag =', b'tag = SUS2-SH', 'a potential of SUS2-MLIP'),
            (b'tag =', b'tag =\nsh_l_max = 3', 'a potential of SUS2-MLIP'),
            (b'RBChebyshev', b'RBChebyshev_repuls', 'a moment tensor potential with a repulsive wall'),
            (b'RBChebyshev', b'RBChebyshev_zbl', r'\(ZBL\)'),
            (b'alpha_scalar', b'charges = {1, -1}\nalpha_scalar', 'a moment tensor potential with charges'),
        ],
    )
    def test_kinds_that_are_not_supported(self, old, new, kind):
        message = refusal(self.MLIP2.replace(old, new), ('Li', 'F'))
        assert re.search(f'This is .*{kind}.* which is not supported', message)

    def test_a_tag_that_means_nothing(self):
        assert read_almtp(self.MLIP2.replace(b'tag =', b'tag = my first'), ('Li', 'F')).potential_tag == 'my first'


class TestWrite:
    @pytest.mark.parametrize('name', ['01k_train_killed/pot.almtp', '04_train_cfgmode/start.mtp'])
    def test_bytes_of_checkpoint(self, name):
        content = (FIXTURES / name).read_bytes()
        assert write_almtp(read_almtp(content, SPECIES)) == content.rstrip(b'\n')

    def test_bytes_of_template(self):
        content = (SHARED / 'l08_template.almtp').read_bytes()
        assert write_almtp(read_almtp(content)) == content.replace(b'\r\n', b'\n')

    @pytest.mark.parametrize(
        'name', ['shared/l08_nbh_40.almtp', 'shared/l08_nbh_30.almtp', '04_train_cfgmode/pot.almtp']
    )
    def test_bytes_of_trained(self, name):
        """All bytes must be those of MLIP-3, but for the last digit of a virial, which passes through a stress."""
        content = (FIXTURES / name).read_bytes()
        written = write_almtp(read_almtp(content, SPECIES))
        virials = re.compile(rb'(?<=xy\n)[-+.e0-9 ]+')
        assert virials.sub(b'', written) == virials.sub(b'', content)
        for one, two in zip(virials.findall(written), virials.findall(content), strict=True):
            np.testing.assert_allclose(np.array(one.split(), float), np.array(two.split(), float), rtol=1e-15)

    def test_motep_reads_it(self, tmp_path):
        path = tmp_path / 'pot.mtp'
        potential = read_almtp(TEXT, SPECIES)
        path.write_bytes(write_almtp(potential))
        np.testing.assert_array_equal(read_mtp(str(path)).radial_coeffs, potential.radial_coeffs)

    def test_reads_what_motep_writes(self, tmp_path):
        path = tmp_path / 'pot.mtp'
        path.write_bytes(TEXT)
        data = read_mtp(str(path))
        write_mtp(str(path), data, legacy=True)
        np.testing.assert_array_equal(read_almtp(path, SPECIES).radial_coeffs, data.radial_coeffs)

    def test_equations_follow_the_origins(self):
        """MLIP-3 expects at each active configuration the equations that it contributes."""
        potential = read_almtp(CONTENT, SPECIES)
        bare = potential.replace(active_set=dataclasses.replace(potential.active_set, features=()))
        written = write_almtp(bare)
        pattern = rb'selected_eqn_inds\t.*'
        assert re.findall(pattern, written) == re.findall(pattern, CONTENT)


class TestRefusals:
    @pytest.mark.parametrize(
        ('name', 'message'),
        [
            ('F_corruptpot/pot.almtp', 'line 35: The file ends without `alpha_moments_count`'),
            ('61_mlp_reads_motep_new/new.mtp', 'line 8: `min` is not a field of a potential'),
        ],
    )
    def test_recorded(self, name, message):
        with pytest.raises(FormatError, match=f'{name}, {message}'):
            read_almtp(FIXTURES / name, SPECIES)

    def test_number_of_species(self):
        assert 'The potential has 3 species, but the species list has 2 (Li, O)' in refusal(CONTENT, ['Li', 'O'])

    @pytest.mark.parametrize(
        ('old', 'new', 'message'),
        [
            (b'MTP\n', b'MPT\n', 'line 1: The first line is not `MTP`'),
            (b'version', b'\xffversion', 'byte 4: This is not ASCII text'),
            (b'RBChebyshev', b'RBTaylor', 'line 7: The radial basis `RBTaylor` is not supported, only RBChebyshev'),
            (b'min_dist = 7', b'min_dist = x7', 'line 8: `x7.183295513463532e-01` is not a finite number'),
            (b'min_dist = 7', b'min_dist = -7', 'line 9: `max_dist` is not above `min_dist`'),
            (b'max_dist = 5.000000000000000e+00', b'max_dist = 0.1', 'line 9: `max_dist` is not above `min_dist`'),
            (b'scaling = 5.408789293239545e-02', b'scaling = nan', 'line 4: `nan` is not a finite number'),
            (b'species_count = 3', b'species_count = 0', 'line 5: `species_count` is `0`, which is not a sensible'),
            (b'species_count = 3', b'species_count = 3.5', 'line 5: `species_count` is `3.5`'),
            (b'species_count = 3', b'species_count = 99999999999', 'line 5: `species_count` is `99999999999`'),
            (b'basis_size = 8', b'basis_size = 7', 'line 12: The radial coefficients are not 2 rows of 7'),
            (b'radial_funcs_count = 2', b'radial_funcs_count = 1', '`alpha_index_basic` points to moments or radial'),
            (b'\t\t0-1\n', b'\t\t1-0\n', 'line 12: The radial coefficients are for the types 0-0 to 2-2, expected 0-0'),
            (b'\t\t0-1\n', b'\t\t0-5\n', 'line 12: The radial coefficients are for the types'),
            (b'-01, -1.304021899176191e-01', b'-01', 'line 12: The radial coefficients are not 2 rows of 8 each'),
            (b'-1.304021899176191e-01', b'nan', 'line 15: `nan` is not a finite number'),
            (b'{-2.915881621933353e-01', b'-2.915881621933353e-01', 'line 15: .* is not understood'),
            (b'times_count = 14', b'times_count = 13', 'line 44: `alpha_index_times` holds 14 rows, expected 13'),
            (b'{0, 15, 1, 17}', b'{0, 15, 1, 18}', 'line 44: `alpha_index_times` points to moments'),
            (b'{0, 15, 1, 17}', b'{0, 17, 1, 15}', 'line 44: `alpha_index_times` points to moments'),
            (b'{0, 15, 1, 17}', b'{0, 15, 1, 3}', 'line 44: `alpha_index_times` points to moments'),
            (b'{0, 15, 1, 17}', b'{0, 15 1, 17}', 'line 44: `alpha_index_times` is not a list of rows of four'),
            (b'{0, 15, 1, 17}', b'{0, 15, -1, 17}', 'line 44: `alpha_index_times` is not a list of rows of four'),
            (b'moments = 9', b'moments = 8', 'line 46: `alpha_moment_mapping` holds 9 numbers, expected 8'),
            (b'16, 17}\n', b'16, 18}\n', 'line 46: `alpha_moment_mapping` points to moments'),
            (b'16, 17}\n', b'16.5, 17}\n', 'line 46: `alpha_moment_mapping` points to moments'),
            (b'species_coeffs', b'species_coefs', 'line 47: `species_coefs` is not a field of a potential'),
            (b'species_coeffs', b'moment_coeffs', 'line 48: `moment_coeffs` is given twice'),
            (b'species_coeffs = {', b'species_coeffs = {1, ', 'line 47: `species_coeffs` holds 4 numbers, expected 3'),
            (b'-1.546269498714713e+01}', b'-1.546269498714713e+01', 'line 48: The braces of a list are not closed'),
            (b'version = 1.1.0\n', b'', 'The file ends without `version`'),
            (b'version = 1.1.0\n', b'version = 2.0\n', 'line 2: Version `2.0` of the format is not'),
            (b'species_count = 3\n', b'', 'The file does not tell its `species_count`'),
        ],
    )  # fmt: skip
    def test_text(self, old, new, message):
        assert TEXT.count(old) == 1
        assert re.search(message, refusal(TEXT.replace(old, new)))

    @pytest.mark.parametrize(
        ('old', 'new', 'message'),
        [
            (b'#MVS_v1.1', b'#MVS_v2.0', 'byte 4665: `#MVS_v2.0` begins an active set of an unknown version'),
            (b'force_weight ', b'farce_weight ', 'byte 4712: `force_weight` of the active set is missing'),
            (b'force_weight 0.0', b'force_weight nan', '`force_weight` of the active set is missing or no number'),
            (b'\n#\n20 88\n', b'\n20 88\n', r"The mark '\\n#\\n' of the active set is missing"),
            (b'\n#\n20 88\n', b'\n#\n20\n', 'A row of the active set lacks its configuration and equation'),
            (b'\n#\n20 88\n', b'\n#\n99 88\n', 'The active set refers to more than its 28 configurations'),
            (b'\n27 93\n#\n', b'\n#\n', 'A row of the active set lacks its configuration and equation'),
            (
                b'\n#\nBEGIN_CFG\n Size\n    24',
                b'\n#\nBEGIN_CFG\n Size\n    23',
                r'not sound \(line 32 of them\): AtomData',
            ),
        ],
    )
    def test_active_set(self, old, new, message):
        assert CONTENT.count(old) == 1
        message_found = refusal(CONTENT.replace(old, new))
        assert message_found.startswith('pot.almtp, byte ')
        assert re.search(message, message_found)

    def test_active_set_of_an_untrained_potential(self):
        content = TEXT[: TEXT.index(b'\nspecies_coeffs')] + CONTENT[MARK:]
        assert 'There is an active set, but no coefficients' in refusal(content)

    def test_matrix_with_nan(self):
        start = CONTENT.index(b'weight_scaling 2\n#') + len(b'weight_scaling 2\n#')
        nan = np.array([np.nan]).tobytes()
        content = CONTENT[: start + 80] + nan + CONTENT[start + 88 :]
        assert (
            refusal(content)
            == f'pot.almtp, byte {start + 80}: The matrix A of the active set holds a value that is not finite.'
        )


class TestFuzz:
    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, MARK - 1))
    def test_truncated_text(self, length):
        """Truncated text must be refused, or be a potential that says that it is not trained."""
        try:
            potential = read_almtp(TEXT[:length], SPECIES)
        except FormatError as exception:
            assert exception.line is not None
            return
        assert not potential.is_trained

    @settings(max_examples=60, deadline=None)
    @given(st.integers(MARK + len(ACTIVE_SET_MARK) - 1, len(CONTENT.rstrip()) - 1))
    def test_truncated_active_set(self, length):
        """A truncated active set must be refused: its grades would be wrong."""
        message = refusal(CONTENT[:length])
        assert message.startswith('pot.almtp, byte ')

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, MARK), st.binary(max_size=8), st.integers(0, 8))
    def test_noise(self, position, noise, removed):
        """Noise must never lead to another error, nor to coefficients that are not finite."""
        try:
            potential = read_almtp(TEXT[:position] + noise + TEXT[position + removed :], SPECIES)
        except FormatError:
            return
        assert not potential.is_trained or np.isfinite(potential.parameters).all()

    @settings(max_examples=100, deadline=None)
    @given(st.permutations(TEXT.splitlines(keepends=True)))
    def test_shuffled(self, lines):
        """Lines in another order must be refused, or mean the same."""
        try:
            potential = read_almtp(b''.join(lines), SPECIES)
        except FormatError:
            return
        assert write_almtp(potential) == TEXT

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=200))
    def test_garbage(self, content):
        with pytest.raises(FormatError):
            read_almtp(io.BytesIO(content), SPECIES)

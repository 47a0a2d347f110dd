"""Test the node of a potential."""

import io
from dataclasses import replace

import numpy as np
import pytest
from aiida import orm
from aiida.common.exceptions import StoringNotAllowed

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.analysis.calibration import Calibration
from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from tests.mace_models.fixtures import needs_mace

SPECIES = ('Li', 'C', 'O')


@pytest.fixture(scope='module')
def content(fixtures):
    return (fixtures / 'mlip3' / '01_train_l08' / 'pot.almtp').read_bytes()


@pytest.fixture(scope='module')
def checkpoint(fixtures):
    return (fixtures / 'mlip3' / '01k_train_killed' / 'pot.almtp').read_bytes()


@pytest.fixture(scope='module')
def template(fixtures):
    return (fixtures / 'mtp' / 'templates' / '08.almtp').read_bytes()


def make(content, **kwargs):
    return PotentialData(io.BytesIO(content), 'pot.almtp', **{'species': SPECIES, **kwargs})


@pytest.mark.parametrize('store', [False, True])
def test_attributes(content, store):
    node = make(content)
    if store:
        node = orm.load_node(node.store().pk)
    assert isinstance(node, PotentialData)
    assert node.family == 'mtp'
    assert node.species == SPECIES
    assert node.cutoff == 5.0
    assert node.min_distance == pytest.approx(0.7183295513463532, rel=1e-12)
    assert node.level == 8
    assert node.n_parameters == 156
    assert node.is_trained
    assert node.selection_mode == 'nbh'
    assert node.get_content(mode='rb') == content


def test_template(template):
    node = make(template).store()
    assert not node.is_trained
    assert node.selection_mode is None
    assert node.n_parameters == 156
    assert node.get_mtp().species == SPECIES


def test_checkpoint_has_no_active_set(checkpoint):
    node = make(checkpoint).store()
    assert node.is_trained
    assert node.selection_mode is None


def test_round_trip(content):
    potential = read_almtp(content, SPECIES)
    node = orm.load_node(PotentialData.from_mtp(potential).store().pk)
    again = node.get_mtp()
    assert again.species == SPECIES
    np.testing.assert_array_equal(again.parameters, potential.parameters)
    np.testing.assert_array_equal(again.active_set.inverse, potential.active_set.inverse)
    assert node.filename == 'potential.almtp'


def test_same_potential_same_bytes(content):
    potential = read_almtp(content, SPECIES)
    one, two = (PotentialData.from_mtp(potential).store() for _ in range(2))
    assert one.get_content(mode='rb') == two.get_content(mode='rb')
    assert one.base.caching.get_hash() == two.base.caching.get_hash()


def test_clone(content):
    clone = make(content).store().clone().store()
    assert clone.get_mtp().n_parameters == 156


def test_queries(content, template):
    trained, untrained = make(content).store(), make(template).store()

    def found(**filters):
        filters = {f'attributes.{key}': value for key, value in filters.items()}
        pks = {'id': {'in': [trained.pk, untrained.pk]}}
        return orm.QueryBuilder().append(PotentialData, filters={**pks, **filters}).all(flat=True)

    assert found(is_trained=True, family='mtp') == [trained]
    assert found(species={'contains': ['Li']}, selection_mode='nbh') == [trained]
    assert len(found(level=8)) == 2


def test_other_family():
    node = PotentialData(io.BytesIO(b'weights'), 'm.model', family='mace', species=SPECIES, cutoff=6.0).store()
    assert (node.family, node.cutoff, node.is_trained, node.level) == ('mace', 6.0, True, None)
    with pytest.raises(ValueError, match='family `mace` cannot be read as a moment tensor potential'):
        node.get_mtp()


@needs_mace
def test_committee_keeps_its_members(mace_files, mace_potential):
    node = mace_potential(seeds=(1, 2), deviation_scale=2.5, version='0.3.16').store()
    assert node.get_members() == [mace_files(seed=seed).with_suffix('.pt').read_bytes() for seed in (1, 2)]
    assert node.get_pickles() == [mace_files(seed=seed).with_suffix('.model').read_bytes() for seed in (1, 2)]
    assert (node.selection_mode, node.graded_by, node.is_torchscript) == ('committee', 'atom_grade', True)
    assert (node.deviation_scale, node.dtype, node.version) == (2.5, 'float64', '0.3.16')


@needs_mace
def test_single_model_knows_no_grades(mace_potential):
    node = mace_potential().store()
    assert (node.selection_mode, node.graded_by, node.members) == (None, None, ('model_00.pt',))


@needs_mace
def test_pickled_model_is_no_torchscript(mace_files):
    content = mace_files().with_suffix('.model').read_bytes()
    node = PotentialData(io.BytesIO(content), 'm.model', family='mace', species=SPECIES, cutoff=4.0).store()
    assert not node.is_torchscript
    with pytest.raises(ValueError, match='member 0 is not in TorchScript'):
        PotentialData.from_mace([content], species=SPECIES, cutoff=4.0)


@needs_mace
def test_committee_that_lacks_a_member_is_refused(mace_potential):
    node = mace_potential(seeds=(1, 2))
    node.base.repository.delete_object('model_01.pt')
    with pytest.raises(StoringNotAllowed, match=r'The file `model_01\.pt` of a member'):
        node.store()


# -- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('share', [0.005, 0.2, 0.5, 0.9, 0.999])
def test_truncated(content, share):
    with pytest.raises(FormatError, match=r'pot\.almtp'):
        make(content[: int(share * len(content))])


def test_truncated_checkpoint(checkpoint):
    with pytest.raises(FormatError, match=r'pot\.almtp'):
        make(checkpoint[:-100])


def test_other_number_of_species(content):
    with pytest.raises(FormatError, match='has 3 species, but the species list has 2'):
        make(content, species=('Li', 'C'))


def test_unknown_family(content):
    with pytest.raises(ValueError, match='The family `gap` is none of mtp, mace'):
        make(content, family='gap')


def test_no_file():
    with pytest.raises(StoringNotAllowed, match='The potential file is missing'):
        PotentialData(species=SPECIES).store()


def test_file_replaced_by_half_of_it(content):
    node = make(content)
    node.set_file(io.BytesIO(content[: len(content) // 2]), 'pot.almtp')
    with pytest.raises(StoringNotAllowed, match=r'no complete file of MLIP-3: pot\.almtp'):
        node.store()


@pytest.mark.parametrize(
    ('key', 'value', 'found'),
    [('level', 10, '8'), ('cutoff', 6.0, r'5\.0'), ('selection_mode', 'cfg', "'nbh'"), ('is_trained', False, 'True')],
)
def test_attribute_disagrees_with_the_file(content, key, value, found):
    node = make(content)
    node.base.attributes.set(key, value)
    with pytest.raises(StoringNotAllowed, match=f'`{key}` is {value!r}, but .* says {found}'):
        node.store()


@pytest.mark.parametrize(
    ('species', 'reason'),
    [(('Li', 'C', 'C'), 'must name each element once'), (('Li', 'C', 'Xx'), "'Xx', which is no element")],
)
def test_species_that_are_none(content, species, reason):
    node = make(content)
    node.base.attributes.set('species', list(species))
    with pytest.raises(StoringNotAllowed, match=reason):
        node.store()


def test_other_family_without_cutoff():
    with pytest.raises(StoringNotAllowed, match='needs its cut-off'):
        PotentialData(io.BytesIO(b'weights'), 'm.model', family='mace', species=SPECIES).store()


CALIBRATION = Calibration('atom_grade', (0.5, 0.95), (1.0, 1 / 0.3), ((0.1, 0.2), (0.3, 0.5)), 40, 960, 'PBE')


def test_calibration_is_kept(content):
    node = make(content).store()
    calibrated = node.with_calibration(CALIBRATION).store()
    assert node.calibration is None
    assert 'calibration' not in node.base.attributes
    found = orm.load_node(calibrated.pk)
    assert found.calibration.edges == pytest.approx(CALIBRATION.edges)
    assert found.calibration.quantiles == CALIBRATION.quantiles
    assert found.get_content(mode='rb') == content
    assert found.uuid != node.uuid
    assert orm.QueryBuilder().append(PotentialData, filters={'attributes.calibration.method': 'PBE'}).count() >= 1


def test_wrong_calibrations_are_not_stored(content):
    node = make(content).with_calibration(replace(CALIBRATION, abscissa='frame_grade'))
    with pytest.raises(
        StoringNotAllowed, match='calibration is by `frame_grade`, but the potential knows `atom_grade`'
    ):
        node.store()
    node = make(content)
    node.base.attributes.set('calibration', {**CALIBRATION.to_dict(), 'edges': [2.0, 1.0]})
    with pytest.raises(StoringNotAllowed, match='must rise'):
        node.store()

"""All properties of crystals in one call."""

import pytest
from aiida.engine import run_get_node
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.report.pages import page_of, tables_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.workflows.crystal.atlas import AtlasWorkChain

PARTS = ('relax', 'eos', 'elastic', 'phonon')


@pytest.fixture
def build(emt):
    """Return a function that makes the inputs of the protocol `demo` for copper with EMT."""

    def factory(overrides=None, **given):
        given = {'structures': {'copper': FramesData.from_atoms([bulk('Cu')])}, **given}
        return AtlasWorkChain.get_builder_from_protocol(
            {'calculators': emt['code']},
            calculators={'emt': {'name': 'emt'}},
            protocol='demo',
            overrides=overrides,
            **given,
        )

    return factory


@pytest.mark.slow
def test_all_properties_of_a_crystal(build):
    outputs, node = run_get_node(build())
    assert node.is_finished_ok, node.exit_message
    assert set(outputs['properties']) == set(PARTS)
    found = {name: outputs['properties'][name]['crystals'][0]['models']['emt'] for name in PARTS}
    of_volume = found['eos']['fits']['vinet']['bulk_modulus_gpa']
    of_strain = found['elastic']['stiffness']['clamped']['moduli']['bulk_hill_gpa']
    assert of_volume == pytest.approx(of_strain, rel=0.01), 'two ways to the same number'
    volumes = [found[name]['volume_per_atom_angstrom3'] for name in PARTS]
    assert max(volumes) == pytest.approx(min(volumes), rel=1e-6)
    assert [table.name for table in tables_of(node)] == [
        'lattices', 'equations_of_state', 'moduli', 'stiffness', 'phonons', 'thermal',
    ]  # fmt: skip
    text = render_page(page_of([node]))
    for title in ('Atlas of crystals', 'Lattices', 'Equations of state', 'Elasticity', 'Phonons'):
        assert title in text


def test_properties_can_be_left_out(build):
    builder = build(
        {'eos': None, 'phonon': None, 'relax': {'minimum': {'fmax': 0.1}}, 'elastic': {'ions': ['relaxed']}}
    )
    inputs = builder._inputs(prune=True)
    assert set(inputs) & set(PARTS) == {'relax', 'elastic'}
    assert inputs['relax']['minimum']['fmax'] == 0.1
    assert inputs['elastic']['ions'] == ['relaxed']
    assert inputs['elastic']['magnitudes'] == [0.01], 'of the protocol demo'


def test_all_phases_where_none_is_named(build):
    assert len(build(structures=None).relax['crystals']) == 8
    assert build(structures=None, crystals=['LiF']).phonon['crystals'] == ['LiF']
    assert build().elastic['crystals'] == []


def test_refused(build):
    with pytest.raises(ValueError, match='the reference `dft`, which is not among'):
        run_get_node(build(reference='dft'))
    with pytest.raises(ValueError, match='Input `elastic` is wrong'):
        run_get_node(build({'elastic': {'magnitudes': [9.0]}}))
    with pytest.raises(ValueError, match='at least one of the inputs relax, eos, elastic, phonon is needed'):
        run_get_node(build(dict.fromkeys(PARTS)))

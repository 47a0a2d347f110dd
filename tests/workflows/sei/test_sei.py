"""From starts to a judged potential."""

import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm.utils.serialize import deserialize_unsafe, serialize

from aiida_seimlip.options.sei.results import SeiResults
from aiida_seimlip.workflows.protocols import merge
from aiida_seimlip.workflows.sei.sei import SeiWorkChain
from tests.workflows.sei.conftest import LJ, OVERRIDES

LITHIUM = {'sigma': 2.75, 'epsilon': 0.1, 'rc': 6.0, 'smooth': True}


def build(codes, overrides=None, **given):
    return SeiWorkChain.get_builder_from_protocol(codes, overrides=merge(OVERRIDES, overrides or {}), **given)


def prepared(builder):
    """Return the process of a builder, set up but not run."""
    process = instantiate_process(get_manager().get_runner(), builder)
    process.setup()
    return process


@pytest.mark.slow
def test_potentials_are_judged(codes, structures):
    outputs, node = run_get_node(build(codes, structures=structures))
    assert node.exit_status in (0, 400), node.exit_message
    results = SeiResults.model_validate(outputs['results'].get_dict())
    assert results.teacher == 'lj'
    assert results.is_converged == (node.exit_status == 0)
    assert results.starts == {'mixed': 'Ar24Ne8', 'pure': 'Ar32'}
    assert set(results.potentials) == {'campaign', 'level_8', 'without_pure'}
    grown, level_8, without = results.potentials.values()
    assert (grown.level, level_8.level, without.level) == (6, 8, 6)
    assert grown.n_training == level_8.n_training == results.n_labels
    assert without.n_training == results.n_labels - without.unseen.n_frames
    assert (grown.left_out, without.left_out) == (None, 'Ar32')
    assert without.unseen.force_ev_per_angstrom > 0
    assert set(grown.held_out.formulas) == {'Ar24Ne8', 'Ar32'}
    assert 2 <= grown.held_out.total.n_frames <= 4
    assert grown.held_out.total.force_ev_per_angstrom < 0.05
    assert set(outputs['potentials']) == {'level_8', 'without_pure'}
    assert outputs['campaign']['potential'].uuid == grown.uuid
    assert all(record.held_out.total is not None for record in results.potentials.values())


@pytest.mark.slow
def test_from_a_recipe_to_crystals(codes):
    """Atoms of lithium that a model packs, condenses and labels: all stages in one call."""
    lithium = {'calculator': {'name': 'lj', 'kwargs': LITHIUM}}
    stages = [{'kind': 'relax', 'fmax': 1.0, 'max_steps': 10}, {'kind': 'relax_cell', 'pressure': 1.0, 'max_steps': 10}]
    overrides = {
        'options': {
            'levels': [], 'left_out': [], 'small_crystals': ['Li-fcc'],
            'lattices': {'crystals': ['Li-fcc', 'LiF'], 'minimum': {'max_steps': 50}},
        },
        'starts': {
            'options': {'max_force': None, 'max_pressure': None},
            'condensation': {'parameters': {**lithium, 'condense': {'stages': stages, 'sample_every': 2}}},
        },
        'campaign': {
            'options': {'bootstrap': {'n_perturbed': 2}, 'untrained': {'min_dist': 1.5}},
            'reference': {'parameters': lithium},
        },
        'lattices': {'teacher': {'parameters': lithium}},
    }  # fmt: skip
    packing = {'volume_factor': 1.6, 'tolerances': [2.6, 2.4]}
    recipe = {'compositions': {'few': {'Li': 24}, 'more': {'Li': 30}}, 'neutral': False, 'packing': packing}
    outputs, node = run_get_node(build(codes, overrides, recipe=recipe))
    assert node.exit_status in (0, 400), node.exit_message
    results = SeiResults.model_validate(outputs['results'].get_dict())
    assert results.starts == {'few': 'Li24', 'more': 'Li30'}
    assert results.n_from_condensation > 0
    assert set(outputs['starts']) == {'few', 'more'}
    assert results.lattices_left_out == {'LiF': 'The potentials do not know F.'}
    (phase,) = results.lattices.crystals
    assert phase.name == 'Li-fcc'
    assert set(phase.models) == {'teacher', 'campaign', 'with_crystals'}
    assert phase.learned_by == {'campaign': False, 'with_crystals': True}
    assert phase.deviations['campaign']['teacher'].largest_axis < 20
    grown, with_crystals = results.potentials['campaign'], results.potentials['with_crystals']
    assert not any('Li16' in node.formulas for node in outputs['campaign']['training'].values())
    assert with_crystals.n_training == grown.n_training + 5


def test_refused(codes, structures):
    def refuse(message, **inputs):
        builder = build(codes, structures=structures)
        for name, value in inputs.items():
            builder[name] = value
        with pytest.raises(ValueError, match=message):
            run_get_node(builder)

    refuse('`starts` or the input `structures` is needed, but neither', structures={})
    refuse(r'`campaign\.options` allows 5 labels', campaign=campaign_with(codes, structures, max_labels=5))
    refuse(r'`lattices\.potential` is missing', options={'lattices': {}})


def test_composition_to_leave_out_is_a_start(codes, structures):
    with pytest.raises(ValueError, match='leaves out `nowhere`'):
        run_get_node(build(codes, {'options': {'left_out': ['nowhere']}}, structures=structures))


def test_campaign_that_the_starts_make_impossible(codes, structures):
    """A start was dropped, and with it an element: it is told, and not an exception after hours of condensation."""
    process = prepared(build(codes, structures=structures))
    process.ctx.structures = {'pure': structures['pure']}
    exit_code = process.run_campaign()
    assert exit_code.status == 310
    assert 'Ne' in exit_code.message
    assert process.outputs['results']['messages'] == [exit_code.message]


def test_context_can_be_written_down_after_a_training_failed(codes, structures, finished):
    process = prepared(build(codes, structures=structures))
    process.ctx.potentials = {'level_8': {'training': {}}}
    process.ctx.trainings = {'level_8': finished(310, 'no executable')}
    process.inspect_trainings()
    assert process.ctx.faults[0][0] == 'ERROR_TRAININGS_FAILED'
    assert 'no executable' in deserialize_unsafe(serialize(process.ctx.potentials))['level_8']['failure'].value


def campaign_with(codes, structures, **options):
    builder = build(codes, {'campaign': {'options': options}}, structures=structures)
    return builder._inputs(prune=True)['campaign']


def test_a_campaign_without_a_potential(codes, structures):
    """A teacher that labels nothing: what went wrong is told, and the results are there all the same."""
    calculator = {'name': 'tblite', 'kwargs': {'method': 'none'}}
    overrides = {'campaign': {'reference': {'parameters': {'calculator': calculator}}}}
    outputs, node = run_get_node(build(codes, overrides, structures=structures))
    assert node.exit_status == 310
    results = SeiResults.model_validate(outputs['results'].get_dict())
    assert not results.is_converged
    assert results.messages == [node.exit_message]
    assert set(results.potentials) == set()


def test_protocols_reach_the_workflows_inside(codes, structures):
    for name, description in SeiWorkChain.get_available_protocols().items():
        assert description
        inputs = SeiWorkChain.get_protocol_inputs(name)
        assert inputs['campaign']['options']['seed'] == inputs['seed']
        assert set(inputs['engines']) >= {'condensation', 'reference', 'training', 'teacher', 'relaxation'}
    paper = SeiWorkChain.get_protocol_inputs('paper')
    assert paper['campaign']['reference']['parameters']['encut'] == 520.0
    assert paper['campaign']['options']['untrained']['level'] == 16
    inputs = SeiWorkChain.get_protocol_inputs('laptop', {'campaign': {'engines': {'reference': 'replay'}}})
    assert inputs['campaign']['reference'] == {}
    builder = build(codes, {'options': {'seed': 11}}, structures=structures)
    assert builder.campaign['options']['seed'] == 11
    assert isinstance(builder.species, orm.List)
    assert builder.species.get_list() == ['Ne', 'Ar']
    assert builder.campaign['reference']['parameters']['calculator'] == LJ['calculator']

"""Crystals relaxed with several models."""

import os
import sys

import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.models import read_model
from aiida_seimlip.options.crystal.relaxation import RelaxationOptions
from aiida_seimlip.options.crystal.results import LatticeComparison
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.workflows.crystal.relaxation import RelaxationWorkChain

OPTIONS = {'crystals': ['Li-fcc', 'Li-bcc'], 'minimum': {'fmax': 0.001}, 'reference': 'teacher'}


def test_a_model_of_longer_lengths(lennard_jones):
    models = {'teacher': lennard_jones(), 'longer': lennard_jones(1.02)}
    options = {**OPTIONS, 'learned': {'longer': ['Li-bcc']}}
    outputs, node = run_get_node(RelaxationWorkChain, options=options, models=models)
    assert node.is_finished_ok, node.exit_message
    found = LatticeComparison.model_validate(outputs['properties'].get_dict())
    assert (found.reference, found.problems) == ('teacher', {})
    assert found.methods == {'teacher': 'lj', 'longer': 'lj'}
    fcc, bcc = found.crystals
    assert (fcc.learned_by, bcc.learned_by) == ({'longer': False}, {'longer': True})
    deviation = fcc.deviations['longer']['teacher']
    assert (deviation.a, deviation.b, deviation.c) == pytest.approx((2.0, 2.0, 2.0), abs=0.02)
    assert deviation.beta == pytest.approx(0.0, abs=1e-3)
    assert deviation.volume == pytest.approx(100 * (1.02**3 - 1), abs=0.06)
    assert set(fcc.deviations['teacher']) == set()  # nothing is measured
    a = bcc.models['teacher'].cellpar[0]
    assert bcc.deviations['teacher']['experiment'].a == pytest.approx(100 * (a / 3.51 - 1))
    for crystal in found.crystals:
        for record in crystal.models.values():
            assert record.is_converged
            assert record.keeps_symmetry
            assert record.highest_grade is None
    assert fcc.models['teacher'].energy_per_atom_ev == pytest.approx(fcc.models['longer'].energy_per_atom_ev, abs=1e-5)
    assert outputs['minima']['longer'].n_frames == 2


def test_a_relaxation_that_does_not_converge_is_told(lennard_jones):
    options = {**OPTIONS, 'crystals': ['Li-fcc'], 'minimum': {'max_steps': 1}}
    outputs, node = run_get_node(RelaxationWorkChain, options=options, models={'teacher': lennard_jones()})
    assert node.is_finished_ok
    (phase,) = LatticeComparison.model_validate(outputs['properties'].get_dict()).crystals
    assert not phase.models['teacher'].is_converged
    assert phase.models['teacher'].n_steps == 1
    assert 'did not fall below' in phase.models['teacher'].doubts[0]


def test_a_model_that_fails_costs_nothing_of_the_others(lennard_jones, code):
    emt = {'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'emt'}})}
    outputs, node = run_get_node(
        RelaxationWorkChain, options=OPTIONS, models={'teacher': lennard_jones(), 'wrong': emt}
    )
    assert node.exit_status == 400
    assert '`wrong`' in node.exit_message
    found = LatticeComparison.model_validate(outputs['properties'].get_dict())
    assert 'No EMT-potential for Li' in found.crystals[0].models['wrong'].failure
    assert found.crystals[0].models['teacher'].is_converged
    assert set(outputs['minima']) == {'teacher'}


def test_no_model_relaxes_anything(code):
    emt = {'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'emt'}})}
    _, node = run_get_node(RelaxationWorkChain, options={**OPTIONS, 'reference': None}, models={'wrong': emt})
    assert node.exit_status == 310
    assert 'No EMT-potential for Li' in node.exit_message


def test_potential_with_grades(code, load_potential):
    """Lithium carbonate with a potential that knows it: its minimum is near, and it extrapolates little."""
    mtp = {
        'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'mtp'}}),
        'potential': load_potential('shared/l08_nbh_40.almtp'),
    }  # fmt: skip
    options = {'crystals': ['Li2CO3-monoclinic'], 'minimum': {'fmax': 0.1, 'max_steps': 5}}
    outputs, node = run_get_node(RelaxationWorkChain, options=options, models={'mtp': mtp})
    assert node.is_finished_ok, node.exit_message
    (phase,) = LatticeComparison.model_validate(outputs['properties'].get_dict()).crystals
    assert phase.models['mtp'].highest_grade is not None
    assert phase.deviations['mtp']['experiment'].largest_axis < 5.0


def test_refused(lennard_jones, code, load_potential):
    def refuse(message, options=None, **models):
        with pytest.raises(ValueError, match=message):
            run_get_node(RelaxationWorkChain, options=options or {'crystals': ['Li-fcc']}, models=models)

    refuse('`models` is empty')
    refuse('stands for what was measured', experiment=lennard_jones())
    refuse(r'`models\.a\.code` is missing', a={'parameters': orm.Dict({'calculator': {'name': 'lj'}})})
    refuse(r'`models\.a\.colour` is not known', a={**lennard_jones(), 'colour': orm.Str('red')})
    refuse('there is no crystal `NaCl`', options={'crystals': ['NaCl']}, a=lennard_jones())
    mtp = {
        'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'mtp'}}),
        'potential': load_potential('shared/l08_nbh_40.almtp'),
    }  # fmt: skip
    refuse(r'`options` holds F, which the input `models\.a\.potential` does not know', {'crystals': ['LiF']}, a=mtp)


@pytest.mark.slow
@pytest.mark.skipif(
    'SEIMLIP_CALCULATORS_PYTHON' not in os.environ,
    reason='SEIMLIP_CALCULATORS_PYTHON names no interpreter with chgnet: the crystals are not relaxed with a teacher',
)
def test_crystals_at_the_minima_of_chgnet(code):
    """All phases stay what they are; the lattices are those that are known of this model."""
    known = {'LiF': 4.090, 'Li2O': 4.647, 'Li-bcc': 3.407, 'LiPF6': 5.029, 'Li2CO3-monoclinic': 8.387}
    model = {
        'code': code('seimlip.ase', os.environ['SEIMLIP_CALCULATORS_PYTHON'], description='With chgnet.'),
        'parameters': orm.Dict({'calculator': {'name': 'chgnet'}}),
    }  # fmt: skip
    outputs, node = run_get_node(RelaxationWorkChain, options={'crystals': list(CRYSTALS)}, models={'teacher': model})
    assert node.is_finished_ok, node.exit_message
    for phase in LatticeComparison.model_validate(outputs['properties'].get_dict()).crystals:
        record = phase.models['teacher']
        assert record.is_converged, phase.name
        assert record.keeps_symmetry, phase.name
        if phase.name in known:
            assert record.cellpar[0] == pytest.approx(known[phase.name], rel=0.004), phase.name


def test_a_structure_of_ones_own(lennard_jones):
    """The cell is that given, and a space group that is lost is told."""
    stretched = CRYSTALS['Li-bcc'].conventional()
    stretched.set_cell([2.6, 3.2, 3.6], scale_atoms=True)
    structures = {'stretched': FramesData.from_atoms([stretched])}
    outputs, node = run_get_node(
        RelaxationWorkChain, structures=structures, models={'lj': lennard_jones()}, options={'minimum': {'fmax': 0.001}}
    )
    assert node.is_finished_ok, node.exit_message
    (crystal,) = LatticeComparison.model_validate(outputs['properties'].get_dict()).crystals
    record = crystal.models['lj']
    assert crystal.space_group == 71
    assert record.space_group != 71
    assert any('The space group is' in doubt for doubt in record.doubts)
    assert record.energy_per_formula_ev == pytest.approx(record.energy_per_atom_ev)
    assert sorted(record.cellpar[:3]) == pytest.approx(
        sorted(outputs['minima']['lj'].get_frames().to_atoms()[0].cell.lengths())
    )


def test_extrapolation_is_no_lack_of_convergence(potential_trained):
    """A potential that meets what it has not learned says so; whether its relaxation converged is another matter."""
    crystal = FramesData.from_atoms([CRYSTALS['Li2CO3-hexagonal'].primitive()])
    results = orm.Dict({'indices': [0], 'notes': {}})
    found = {'minima': {'labelled': crystal, 'results': results}, 'potential': potential_trained}
    (frames,) = read_model(RelaxationOptions(), found, 1, lambda frame: 0)
    assert frames.grade > 2.0
    assert any('extrapolates' in doubt for doubt in frames.doubts)
    assert frames.is_converged


def test_symmetry_is_kept_where_that_is_asked(emt):
    """Body-centred copper is a saddle point of EMT: without its symmetry it becomes face-centred."""
    atoms = bulk('Cu', 'bcc', a=2.87, cubic=True)
    atoms.set_cell([2.87, 2.87, 2.876], scale_atoms=True)
    structures = {'copper': FramesData.from_atoms([atoms])}
    found = {}
    for keep in (False, True):
        minimum = {'fmax': 1e-4, 'max_steps': 300, 'keep_symmetry': keep}
        outputs, node = run_get_node(
            RelaxationWorkChain, structures=structures, models={'emt': emt},
            options={'minimum': minimum, 'symprec': 0.1},
        )  # fmt: skip
        assert node.is_finished_ok, node.exit_message
        (crystal,) = LatticeComparison.model_validate(outputs['properties'].get_dict()).crystals
        found[keep] = crystal.models['emt']
        assert crystal.space_group == 229
    assert (found[False].space_group, found[False].keeps_symmetry) == (225, False)
    assert (found[True].space_group, found[True].keeps_symmetry) == (229, True)
    assert found[False].energy_per_atom_ev < found[True].energy_per_atom_ev - 0.01
    assert found[True].cellpar[3:] == pytest.approx([90.0, 90.0, 90.0])


def test_a_slab_is_refused(emt):
    slab = bulk('Cu', cubic=True)
    slab.center(vacuum=6.0, axis=2)
    with pytest.raises(ValueError, match=r'`structures\.slab` is no crystal: there is a vacuum of .* along c'):
        run_get_node(
            RelaxationWorkChain, structures={'slab': FramesData.from_atoms([slab])}, models={'emt': emt}, options={}
        )

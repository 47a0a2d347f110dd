"""Builders of comparisons from protocols."""

import pytest

from aiida_seimlip.cli.run_process import explain_inputs
from aiida_seimlip.workflows.models.evaluate import EvaluateWorkChain
from aiida_seimlip.workflows.models.size_transfer import SizeTransferWorkChain

ASE = {'engines': {'dynamics': 'ase'}}


@pytest.mark.parametrize('protocol', ['demo', 'balanced', 'paper'])
@pytest.mark.parametrize('process', [EvaluateWorkChain, SizeTransferWorkChain])
def test_all_protocols_make_inputs_that_pass(code, structure_li2co3, potential_trained, process, protocol):
    codes = {'dynamics': code('seimlip.lammps'), 'potentials': code('seimlip.ase')}
    starts = {'cell': structure_li2co3.store()} if process is EvaluateWorkChain else structure_li2co3.store()
    builder = process.get_builder_from_protocol(
        codes, starts, {'grown': potential_trained.store()}, reference='teacher',
        calculators={'teacher': {'name': 'tblite'}}, protocol=protocol,
    )  # fmt: skip
    assert explain_inputs(builder) is None
    assert builder.potential.uuid == potential_trained.uuid
    assert builder.models['teacher']['code'].uuid == builder.models['grown']['code'].uuid


def test_ase_runs_a_potential_by_its_family(code, structure_li2co3, potential_trained):
    python = code('seimlip.ase')
    builder = EvaluateWorkChain.get_builder_from_protocol(
        {'dynamics': python, 'potentials': python}, {'cell': structure_li2co3.store()},
        {'grown': potential_trained.store()}, reference='teacher', calculators={'teacher': {'name': 'tblite'}},
        overrides=ASE,
    )  # fmt: skip
    assert explain_inputs(builder) is None
    assert builder.dynamics['parameters']['calculator']['name'] == 'mtp'


def test_frames_need_no_dynamics(code, frames_labelled, potential_trained):
    builder = EvaluateWorkChain.get_builder_from_protocol(
        {'potentials': code('seimlip.ase')}, potentials={'grown': potential_trained.store()}, reference='labels',
        frames={'held_out': frames_labelled.store()},
    )  # fmt: skip
    assert explain_inputs(builder) is None
    assert builder.options['sampling'] is None


def test_of_two_potentials_none_is_chosen(code, structure_li2co3, potential_trained, load_potential):
    codes = {'dynamics': code('seimlip.lammps'), 'potentials': code('seimlip.ase')}
    potentials = {'one': potential_trained.store(), 'other': load_potential('shared/l08_nbh_40.almtp').store()}
    given = (codes, {'cell': structure_li2co3.store()}, potentials)
    builder = EvaluateWorkChain.get_builder_from_protocol(*given, reference='one')
    assert 'potential' in explain_inputs(builder)
    builder = EvaluateWorkChain.get_builder_from_protocol(*given, reference='one', sampler=potentials['other'])
    assert explain_inputs(builder) is None

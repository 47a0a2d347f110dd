"""The CalcJob ``seimlip.lammps.probe``, with the embedded program and with one that is no LAMMPS."""

import pytest
from aiida.engine import run_get_node
from aiida.plugins import CalculationFactory

PROBE = 'seimlip.lammps.probe'


def test_files(generate_calc_job, code):
    job = generate_calc_job(PROBE, {'code': code('seimlip.lammps')})
    assert job.command_line == '-h'
    assert not list(job.folder.iterdir())
    assert job.calc_info.retrieve_list == ['help.txt', 'help.err']


def test_code_for_another_program_is_refused(generate_calc_job, code):
    with pytest.raises(ValueError, match=r'Input `code` is a code for `seimlip\.ase`'):
        generate_calc_job(PROBE, {'code': code('seimlip.ase')})


def test_embedded_program(code):
    outputs, node = run_get_node(CalculationFactory(PROBE), code=code('seimlip.lammps', 'seimlip-lmp'))
    assert node.is_finished_ok, node.exit_message
    results = outputs['results'].get_dict()
    assert results['dialects'] == ['mlip', 'mtp']
    assert 'seimlip-lmp' in results['version']
    assert 'MANYBODY' in results['packages']
    assert {'eam/alloy', 'mlip', 'mtp/extrapolation'} <= set(results['pair_styles'])


def test_program_that_is_not_lammps(code):
    outputs, node = run_get_node(CalculationFactory(PROBE), code=code('seimlip.lammps', '/bin/true'))
    assert node.exit_status == 310
    assert 'does not answer `-h` as LAMMPS does. It printed nothing.' in node.exit_message
    assert 'results' not in outputs

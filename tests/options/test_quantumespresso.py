"""How pw.x labels frames."""

import pytest

from aiida_seimlip.options.quantumespresso import PwLabelOptions, PwRecoveryOptions, known_keywords

FAMILY = {'potential_family': 'mine'}


def test_defaults():
    found = PwLabelOptions(**FAMILY).to_namelists()
    assert found['CONTROL'] == {'calculation': 'scf', 'tstress': True, 'tprnfor': True}
    assert (found['SYSTEM']['ecutwfc'], found['SYSTEM']['ecutrho']) == (90.0, 360.0)
    assert found['SYSTEM']['degauss'] * 13.605693 == pytest.approx(0.05)
    assert 'vdw_corr' not in found['SYSTEM']


def test_dispersion_and_fixed_occupations():
    options = PwLabelOptions(**FAMILY, dispersion='d3bj', smearing=None)
    system = options.to_namelists()['SYSTEM']
    assert (system['vdw_corr'], system['dftd3_version'], system['dftd3_threebody']) == ('dft-d3', 4, False)
    assert (system['occupations'], 'degauss' in system) == ('fixed', False)
    assert options.method_name == 'PBE+D3(BJ)/mine'


def test_low_cutoff_is_refused():
    message = PwLabelOptions.explain({**FAMILY, 'ecutwfc': 60}, 'parameters')
    assert message is not None
    assert '`ecutwfc` is 60 Ry' in message and 'off by GPa' in message
    assert PwLabelOptions.explain({**FAMILY, 'ecutwfc': 60, 'trust_cutoff': True}, 'parameters') is None
    assert PwLabelOptions.explain({**FAMILY, 'ecutwfc': 80}, 'parameters') is None


@pytest.mark.parametrize(
    ('namelists', 'words'),
    [
        ({'SYSTEM': {'nspi': 2}}, 'did you mean `nspin`'), ({'system': {'ECUTWFC': 60}}, 'use the option `ecutwfc`'),
        ({'IONS': {'ion_dynamics': 'bfgs'}}, 'no namelist of a single point'),
        ({'ELECTRONS': {'mixing_mode': "plain'\n/\n&SYSTEM ecutwfc=1"}}, 'no quote'),
        ({'ELECTRONS': {'scf_must_converge': False}}, 'has not converged is none'),
    ],
)  # fmt: skip
def test_keywords_that_are_refused(namelists, words):
    message = PwLabelOptions.explain({**FAMILY, 'namelists': namelists}, 'parameters')
    assert message is not None and words in message


def test_unlisted_keywords_are_taken():
    given = {**FAMILY, 'namelists': {'SYSTEM': {'a_new_one': 1}}, 'unlisted_keywords': ['a_new_one']}
    assert PwLabelOptions.from_node(given).to_namelists()['SYSTEM']['a_new_one'] == 1


def test_keywords_come_from_the_plugin():
    assert {'nspin', 'starting_magnetization', 'ecutwfc'} <= known_keywords()['SYSTEM']


def test_methods_differ_by_what_changes_labels():
    method = PwLabelOptions(**FAMILY).method()
    for same in ({'mixing_beta': 0.3}, {'electron_maxstep': 300}, {'parallelization': {'npool': 4}}):
        assert PwLabelOptions(**FAMILY, **same).method() == method
    for other in ({'ecutwfc': 100}, {'kspacing': 0.2}, {'sigma': 0.1}, {'dispersion': 'd3'}, {'conv_thr': 1e-8}):
        assert PwLabelOptions(**FAMILY, **other).method() != method


def test_each_step_may_be_named_once():
    with pytest.raises(ValueError, match='once'):
        PwRecoveryOptions(scf=['mixing', 'mixing'])

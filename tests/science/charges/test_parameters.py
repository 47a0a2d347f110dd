"""Files of parameters, right and wrong."""

import json

import pytest

from aiida_seimlip.science.charges.parameters import EXAMPLE, REAXFF_LI_C_O, QeqElement, QeqError, read_parameters


def write(path, content):
    path.write_text(content, encoding='utf-8')
    return path


def test_yaml(tmp_path):
    parameters = read_parameters(write(tmp_path / 'qeq.yaml', EXAMPLE))
    assert parameters.elements == {'Li': QeqElement(-6.4188, 30.0, 0.4668)}
    assert parameters.source == 'who published them'
    assert parameters.kernel == 'reaxff'


def test_json(tmp_path):
    path = write(tmp_path / 'qeq.json', json.dumps(REAXFF_LI_C_O.to_dict()))
    assert read_parameters(path) == REAXFF_LI_C_O


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('elements: {Li: {chi_ev: 1.0, eta_ev: 2.0, gamma_per_angstrom: 0.5}}', 'lack a `source`'),
        ('source: me\nelements: {Lx: {chi_ev: 1.0, eta_ev: 2.0, gamma_per_angstrom: 0.5}}', "'Lx'.*no chemical symbol"),
        ('source: me\nelements: {Li: {chi_ev: 1.0, eta_ev: 2.0}}', 'parameters of Li must be'),
        ('source: me\nelements: {Li: {chi_ev: 1.0, eta_ev: -2.0, gamma_per_angstrom: 0.5}}', 'of Li are wrong.*eta_ev'),
        ('source: me\nelements: {Li: {chi_ev: a, eta_ev: 2.0, gamma_per_angstrom: 0.5}}', "'a', which is no number"),
        ('source: me\nelements: {}\nkernal: gaussian', 'no key `kernal`'),
        ('source: me\nelements: {}\nkernel: slater', "'slater', but one of reaxff, gaussian"),
        ('- 1', 'look like this'),
        ('{', 'cannot be read'),
    ],
)
def test_wrong_file(tmp_path, content, message):
    with pytest.raises(QeqError, match=message):
        read_parameters(write(tmp_path / 'qeq.yaml', content))


def test_no_file(tmp_path):
    with pytest.raises(QeqError, match='cannot be read'):
        read_parameters(tmp_path / 'none.yaml')

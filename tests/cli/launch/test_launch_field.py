"""``aiida-seimlip launch field``: what is submitted, refused and said beforehand."""

from __future__ import annotations

import pytest

from tests.cli.launch.test_launch import submitted

__all__ = ('submitted',)


@pytest.fixture
def given(code, potential_trained, structure_li2co3):
    dynamics = f'dynamics={code("seimlip.lammps").full_label}'
    structure, potential = structure_li2co3.store(), potential_trained.store()
    return (
        'launch', 'field', '--structure', structure.pk, '--potential', potential.pk, '--code', dynamics,
        '--protocol', 'demo', '--field', '0', '0', '0.05', '--seed', 5,
    )  # fmt: skip


def test_field(run_command, submitted, given, tmp_path):
    run_command(*given, '--charge', 'Li=1', '--charge', 'C=4', '--charge', 'O=-2')
    options = submitted[0].options
    assert (options['charges'], options['fields'], options['seed']) == (
        {'Li': 1.0, 'C': 4.0, 'O': -2.0},
        [[0, 0, 0.05]],
        5,
    )
    run_command(*given, '--qeq')
    assert submitted[1].options['qeq']['average'] == 'label'
    path = tmp_path / 'qeq.yaml'
    element = '{chi_ev: 1.0, eta_ev: 20.0, gamma_per_angstrom: 0.5}'
    path.write_text(f'source: nobody\nelements: {{Li: {element}, C: {element}, O: {element}}}\n')
    run_command(*given, '--parameters-of-qeq', path)
    assert submitted[2].options['qeq']['parameters']['source'] == 'nobody'
    for more, words in (
        (('--charge', 'Li=1', '--qeq'), 'either --charge, or --qeq'), (('--charge', 'Li'), 'not a label or an element'),
        (('--charge', 'Li=1', '--charge', 'C=4', '--charge', 'O=2'), 'must be neutral'), ((), 'none is given'),
    ):  # fmt: skip
        assert words in ' '.join(run_command(*given, *more, fails=True).output.split())
    assert len(submitted) == 3
    output = run_command(*given, '--charge', 'Li=1', '--charge', 'C=4', '--charge', 'O=-2', '--dry-run').output
    assert 'without a field' in output
    assert 'in 0.05 V/Å' in output

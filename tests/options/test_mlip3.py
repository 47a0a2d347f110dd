"""Test the options of `mlp`."""

import pytest

from aiida_seimlip.options.mlip3 import Mlip3SelectOptions, Mlip3TrainOptions


def test_train_command_line():
    options = Mlip3TrainOptions(
        iteration_limit=100, no_mindist_update=True, extra_options={'threads': 2, 'quiet': False}
    )
    assert options.command_line() == [
        '--iteration_limit=100', '--tolerance=0.001', '--energy_weight=1.0', '--force_weight=0.01',
        '--stress_weight=0.001', '--weight_scaling=1', '--weight_scaling_forces=0', '--scale_by_force=0.0',
        '--init_random=false', '--no_mindist_update=true', '--al_mode=nbh', '--threads=2', '--quiet=false',
    ]  # fmt: skip


def test_select_command_line():
    assert Mlip3SelectOptions(swap_limit=5).command_line() == ['--swap_limit=5']


@pytest.mark.parametrize(
    ('content', 'text'),
    [
        ({'al_mode': 'neighbours'}, '`al_mode`'),
        ({'iteration_limit': 'abc'}, '`iteration_limit`'),
        ({'force_weight': -1}, '`force_weight`'),
        ({'treshold': 1}, '`treshold` is not a known option'),
        ({'extra_options': {'save_to': 'x'}}, 'the job sets `save_to` itself'),
        ({'extra_options': {'tolerance': 1}}, '`tolerance` has a place of its own among the options'),
        ({'extra_options': {'a b': 1}}, '`extra_options.a b'),
        ({'extra_options': {'note': 'a; touch b'}}, '`extra_options.note'),
        ({'extra_options': {'note': '$(touch b)'}}, '`extra_options.note'),
        ({'extra_options': {'note': 'a\nb'}}, '`extra_options.note'),
        ({'extra_options': {'threads': [1]}}, '`extra_options.threads'),
    ],
)
def test_train_refuses(content, text):
    assert text in Mlip3TrainOptions.explain(content, 'parameters')


def test_select_refuses():
    assert '`swap_limit` is -1' in Mlip3SelectOptions.explain({'swap_limit': -1}, 'parameters')

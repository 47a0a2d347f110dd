"""Tests for `science.features`."""

import json

import pytest

from aiida_seimlip.science.features import (
    MAX_LENGTH,
    MAX_VALUES,
    count_values,
    decode_features,
    encode_features,
    without_label_features,
)

TEXTS = [
    'Würfel', 'back\\slash', 'say "hi"', "it's", '{1 2}', '17', 'T', 'a=b', '1 2 3', ' x ', '_JSON {}', '\\n',
    'tab\there', '', 'new\nline', '"', '\\"', 'a\\', '\r\u2028', '鋰',
]  # fmt: skip


@pytest.mark.parametrize('text', TEXTS)
def test_round_trip(text):
    assert decode_features(encode_features({'name': text, text: 'value'})) == {'name': text, text: 'value'}


def test_values_become_texts():
    assert decode_features(encode_features({'index': 17, 'weight': 0.1, 'flag': True, 'none': None})) == {
        'index': '17', 'weight': '0.1', 'flag': 'True', 'none': 'None'
    }  # fmt: skip


def test_nothing():
    assert encode_features({}) == ''
    assert decode_features('') == {}


@pytest.mark.parametrize('features', [{'a\x00': 'b'}, {'a': '\x00b'}])
def test_null_character(features):
    with pytest.raises(ValueError, match='null character'):
        encode_features(features)


@pytest.mark.parametrize('text', ['W\udcfcrfel', '\ud800'])
def test_bytes_that_are_no_text(text):
    with pytest.raises(ValueError, match='which is no text'):
        encode_features({'name': text})


@pytest.mark.parametrize('packed', ['[1]', '{"a": 1}', '"a"', '{'])
def test_damaged(packed):
    with pytest.raises(ValueError):
        decode_features(packed)


def test_without_label_features():
    packed = [encode_features({'EFS_by': 'VASP', 'conf_id': '3'}), encode_features({'EFS_by': 'VASP'}), '']
    assert [decode_features(text) for text in without_label_features(packed)] == [{'conf_id': '3'}, {}, {}]


def test_count_values():
    packed = [
        json.dumps(
            {'config_type': 'bulk' if index % 3 else 'slab', 'index': str(index), 'note': 'x' * (MAX_LENGTH + 1)}
        )
        for index in range(MAX_VALUES + 1)
    ]
    assert count_values([*packed, '']) == {'config_type': {'bulk': 14, 'slab': 7}}

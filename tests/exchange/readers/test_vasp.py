"""Calculations of VASP as frames."""

import pytest

from aiida_seimlip.exchange.readers.found import ReadError, ReadOptions
from aiida_seimlip.exchange.readers.registry import read_frames
from tests.science.formats.vasp.vasp_files import Run, Step, outcar, vasprun


@pytest.fixture(params=['vasprun.xml', 'OUTCAR', 'renamed.xyz'])
def path(request, tmp_path):
    return tmp_path / request.param


def write(path, *steps, run=Run()):  # noqa: B008
    path.write_text((outcar if path.name == 'OUTCAR' else vasprun)(list(steps), run), encoding='latin-1')


def test_each_converged_calculation_is_a_frame(path):
    write(path, Step(), Step(n_electronic=60), Step(energy=-9.6))
    found = read_frames([path])
    assert found.frames.energies.tolist() == [-9.52, -9.6]
    assert [found.frames.features_of(index)['source_index'] for index in range(2)] == ['0', '2']
    assert found.frames.methods.tolist() == ['PBE', 'PBE']
    assert found.frames.energy_kinds.tolist() == ['free', 'free']
    assert any('reached NELM = 60' in note and count == 1 for note, count in found.tally.notes.items())


def test_nothing_has_converged(path):
    write(path, Step(n_electronic=60))
    with pytest.raises(ReadError, match=r'none of its calculations.*reached NELM = 60'):
        read_frames([path])


def test_method_that_the_file_does_not_tell(path):
    write(path, Step(), run=Run(titles=('US Li', 'US F')))
    told = read_frames([path]).frames.methods[0]
    options = ReadOptions(method='PW91')
    if told == 'VASP':
        assert read_frames([path], options).frames.methods.tolist() == ['PW91']
    else:
        with pytest.raises(ReadError, match=f'--method is `PW91`, but the files say `{told}`'):
            read_frames([path], options)


def test_two_nelm(fixtures):
    found = read_frames([fixtures / 'cases' / 'vasp5_two_nelm.vasprun.xml'])
    assert found.frames.is_labelled
    assert len(found.frames) == 3


def test_method_of_which_the_file_may_leave_out_a_part(tmp_path):
    """An OUTCAR of VASP 5 says PBE of r²SCAN as well: whoever knows better is right."""
    path = tmp_path / 'OUTCAR'
    write(path, Step())
    found = read_frames([path])
    assert found.frames.methods.tolist() == ['PBE']
    assert any('neither a meta-GGA' in note for note in found.tally.notes)
    assert read_frames([path], ReadOptions(method='r2SCAN')).frames.methods.tolist() == ['r2SCAN']
    write(path, Step(), run=Run(version='6.4.2'))
    with pytest.raises(ReadError, match='--method is `r2SCAN`, but the files say `PBE`'):
        read_frames([path], ReadOptions(method='r2SCAN'))

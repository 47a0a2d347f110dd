"""Surfaces from the command line."""

from __future__ import annotations

from tests.cli.launch.test_launch import submitted

__all__ = ('submitted',)


def test_surfaces_by_their_indices(run_command, submitted, code):
    python = code('seimlip.ase').full_label
    given = ('--crystal', 'LiF', '--model', 'emt', '--code', f'calculators={python}', '--protocol', 'demo')
    run_command('launch', 'surface', *given, '--miller', '1,0,0', '--miller', '-1,1,0')
    (builder,) = submitted
    assert builder.process_class.__name__ == 'SurfaceWorkChain'
    assert builder.options['miller'] == [[1, 0, 0], [-1, 1, 0]]
    assert builder.options['crystals'] == ['LiF']


def test_dry_run_counts_slabs(run_command, submitted, code):
    given = ('--crystal', 'LiF', '--model', 'emt', '--code', f'calculators={code("seimlip.ase").full_label}')
    output = run_command('launch', 'surface', *given, '--dry-run').output
    expected = '6 frames, ions clamped and relaxed, with emt'
    assert expected in output, 'three slabs each of (1 0 0) and (1 1 0), (1 1 1) is polar'
    assert not submitted


def test_wrong_indices(run_command, submitted, code):
    given = ('--crystal', 'LiF', '--model', 'emt', '--code', f'calculators={code("seimlip.ase").full_label}')
    result = run_command('launch', 'surface', *given, '--miller', '1,0', fails=True)
    assert result.exit_code == 2
    assert 'three whole numbers' in ' '.join(result.output.split())
    assert not submitted


INTERFACE = ('--film', 'Li-bcc', '--substrate', 'LiF', '--model', 'emt')


def test_an_interface_of_two_phases(run_command, submitted, code):
    given = (*INTERFACE, '--code', f'calculators={code("seimlip.ase").full_label}', '--protocol', 'demo')
    run_command('launch', 'interface', *given, '--film-miller', '1,1,0', '--film-miller', '0,0,1')
    (builder,) = submitted
    assert builder.process_class.__name__ == 'InterfaceWorkChain'
    options = builder.options.get_dict()
    assert (options['film'], options['substrate']) == ('Li-bcc', 'LiF')
    assert options['film_miller'] == [[1, 1, 0], [0, 0, 1]] and options['substrate_miller'] == [[0, 0, 1]]
    assert options['crystals'] == ['Li-bcc', 'LiF']


def test_dry_run_counts_interfaces(run_command, submitted, code):
    given = (*INTERFACE, '--code', f'calculators={code("seimlip.ase").full_label}', '--protocol', 'demo')
    output = ' '.join(run_command('launch', 'interface', *given, '--dry-run').output.split())
    assert 'relax 3 frames without vacuum with emt' in output, 'both crystals and the interface'
    assert 'relax 2 frames with vacuum with emt' in output
    assert 'with one model of 1' in output
    assert not submitted

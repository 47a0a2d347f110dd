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
    assert '6 frames, ions clamped, with emt' in output, 'three slabs each of (1 0 0) and (1 1 0), (1 1 1) is polar'
    assert '6 frames, ions relaxed, with emt' in output
    assert not submitted


def test_wrong_indices(run_command, submitted, code):
    given = ('--crystal', 'LiF', '--model', 'emt', '--code', f'calculators={code("seimlip.ase").full_label}')
    result = run_command('launch', 'surface', *given, '--miller', '1,0', fails=True)
    assert result.exit_code == 2
    assert 'three whole numbers' in ' '.join(result.output.split())
    assert not submitted

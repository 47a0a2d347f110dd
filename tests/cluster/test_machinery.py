"""The cluster itself: what the other tests of this folder rely on."""

from .services import is_listening


def test_computer_passes_the_checks_of_verdi(daemon, cluster_computer):
    from aiida.cmdline.commands.cmd_computer import computer_test
    from click.testing import CliRunner

    result = CliRunner().invoke(computer_test, [cluster_computer.label], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert 'all 6 tests succeeded' in result.output, result.output


def test_sshd_stops_and_starts(cluster):
    cluster.stop_sshd()
    assert not is_listening(cluster.port)
    cluster.start_sshd()
    assert is_listening(cluster.port)

"""The whole loop on the cluster: daemon, ssh, SLURM."""

import pytest

from .campaign import build_campaign, wait_for_end

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def campaign(cluster, _daemon, cluster_codes):
    """Return the process of a campaign that has ended, and whose working folders are gone."""
    from aiida.engine import submit

    if not _daemon.is_running:
        _daemon.start()
    node = submit(build_campaign(cluster_codes))
    wait_for_end(node, _daemon)
    cluster.empty_scratch()
    return node


def test_it_ends_with_all_outputs(campaign):
    assert campaign.exit_status in (0, 400), campaign.exit_message

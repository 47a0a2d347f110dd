"""Made-up campaigns for reports."""

import pytest

from aiida_seimlip.report.campaign.facts import CampaignReport
from tests.report.synthetic import make_campaign


@pytest.fixture(scope='session')
def campaign() -> CampaignReport:
    """Return a campaign that converged."""
    return make_campaign()

"""The runner of commands, and inputs of a campaign."""

from tests.cli.conftest import run_command
from tests.workflows.conftest import campaign_inputs, campaign_options

__all__ = ('campaign_inputs', 'campaign_options', 'run_command')

"""Campaigns at submission."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest


@pytest.fixture
def complaint() -> Callable[[Mapping[str, Any]], str | None]:
    """Return a function that returns what `submit` would say about inputs, None if it took them."""
    from aiida.engine.utils import instantiate_process
    from aiida.manage import get_manager

    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    def ask(inputs: Mapping[str, Any]) -> str | None:
        try:
            instantiate_process(get_manager().get_runner(), ActiveLearningWorkChain, **inputs)
        except ValueError as exception:
            return str(exception).split('\n', 1)[-1].removeprefix("Error occurred validating port 'inputs': ")
        return None

    return ask

"""Two simulated lenders taken to their gate record, for tests in several folders. Copy them, never harm them."""

import pytest
from trial import GAP, Trial, scorecard_is_the_truth, write

from shared import built_once


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """The lender with nothing wrong."""
    return Trial(built_once(tmp_path_factory, "sabotage", lambda root: write(root, gap=GAP).run_from_raw()))


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """A world without interactions: its candidate is a scorecard."""
    return Trial(built_once(tmp_path_factory, "scorecard", scorecard_is_the_truth))

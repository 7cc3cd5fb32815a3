"""What the tests of the attacks share."""

import pytest

from credit_risk.attacks import toolbox


@pytest.fixture
def art():
    """The Adversarial Robustness Toolbox is in the lock: where it is missing, the tests fail and say so."""
    toolbox._art("attacks.evasion")

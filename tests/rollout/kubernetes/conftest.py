"""The official client without the validator that it would load beside it, whose grammar of addresses takes a second."""

import sys

sys.modules["kubernetes_validate"] = None  # as where it is not installed: no test asks it through the client
import kubernetes  # noqa: E402, F401

del sys.modules["kubernetes_validate"]

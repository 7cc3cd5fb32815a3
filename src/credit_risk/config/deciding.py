"""Which parts of a config decide about applications, and whether two configs decide alike."""

import json
from collections.abc import Mapping
from typing import Any

from credit_risk.config.dotted import value_at
from credit_risk.config.schema import Config

DECIDED_BY = ("columns", "derived", "policy", "reasons", "outcome.exclusions")


def differences(own: Mapping[str, Any], config: Config) -> list[str]:
    """The parts of a scorer's own config, as JSON holds it, that decide otherwise than `config`; their order counts.

    A scorer whose columns stand in another order would take one column's numbers for another's.
    """
    now = config.as_dict()
    return [part for part in DECIDED_BY if json.dumps(value_at(own, part)) != json.dumps(value_at(now, part))]

"""reports/what-if.html: the aggregates, and the script that adds them up."""

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from credit_risk.config import Config
from credit_risk.report.figures import written
from credit_risk.report.templates import template

NO_CONTRASTS = "No contrast is declared under fairness.contrasts."


def page(config: Config, numbers: Mapping[str, Any]) -> str:
    """The page as text; equal aggregates give an equal page. No other script than its own runs in it."""
    script = files(__package__).joinpath("page.js").read_text(encoding="utf-8")
    policy = config.policy
    return template("what_if").render(
        title=config.project.title,
        numbers=numbers,
        confidence=written(config.evaluation.confidence, "percent", decimals=0),
        unavailable=config.fairness.unavailable or NO_CONTRASTS,
        most_margin=max(1.0, 2 * policy.margin),
        most_lgd=max(1.0, policy.lgd),
        aggregates=Markup(json.dumps(numbers, allow_nan=False).replace("<", "\\u003c")),  # noqa: S704  (inert, and escaped)
        script=Markup(script),  # noqa: S704  (the package's own)
        script_digest=b64encode(sha256(script.encode()).digest()).decode(),
    )

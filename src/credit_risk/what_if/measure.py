"""Reads the test rows and writes reports/what-if.html, with what it holds beside it as JSON."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json, write_text
from credit_risk.measures.fairness import Grouping
from credit_risk.modelling.assembly import load_current
from credit_risk.modelling.protected_split import ProtectedSplit
from credit_risk.what_if import aggregates, page
from credit_risk.what_if.grid import in_force
from credit_risk.what_if.rows import judged
from credit_risk.what_if.settings import WhatIfSettings


def run(config: Config, settings: WhatIfSettings, files: Files) -> None:
    """Write the page. Raises ScorerError if the scorer was assembled under another policy than the config's."""
    numbers = measured(config, settings, files)
    write_json(files.reports / "what-if.json", numbers)
    write_text(files.reports / "what-if.html", page.page(config, numbers))


def measured(config: Config, settings: WhatIfSettings, files: Files) -> dict[str, Any]:
    """What the page holds, of the test rows; of weighed ones a sample of the population, as the report counts them."""
    scorer = load_current(config, files.scorer)
    test = ProtectedSplit(config, files, "test", scorer)
    applicant, _ = pd.factorize(test.outcomes["group"])
    rows = judged(scorer, test.inputs, test.bad, applicant)
    groupings: Mapping[str, Grouping] = {} if config.fairness.unavailable else test.groupings
    doubts = int((test.decisions.outcome != rows.outcomes(in_force(config.policy))).sum())
    numbers = aggregates.of_rows(config, settings, rows, groupings)
    return numbers | {"scorer": scorer.digest, "in_doubt": doubts}

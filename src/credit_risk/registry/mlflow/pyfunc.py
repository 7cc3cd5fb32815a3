"""The scorer as MLflow loads it: this file is the model, the scorer its artefact, and nothing is unpickled.

MLflow runs it ("models from code"); it is imported by nobody. `mlflow models serve` answers what the service answers.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from credit_risk.scoring.scorer import Scorer


class Decider(PythonModel):  # type: ignore[misc]  # MLflow's types are not read
    """Decides a table of applications: one row each, with decision, PD, score, band, rule, reasons, prompts, faults."""

    def load_context(self, context: Any) -> None:
        """Load the scorer that lies among the model's artefacts."""
        self.scorer = Scorer.load(Path(context.artifacts["scorer"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """The decisions on the applications, in their order."""
        decisions = self.scorer.decide(model_input)
        rows = [decisions.record(row) for row in range(len(decisions))]
        return pd.DataFrame(rows, dtype=object)  # so that what is not there stays None, as the service says it


set_model(Decider())

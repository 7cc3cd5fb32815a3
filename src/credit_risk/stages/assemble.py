"""Put the fitted models together with the policy: the candidate and its challenger (DVC stage `assemble`)."""

from typing import get_args

from credit_risk.config import Config
from credit_risk.config.schema import Kind
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, read_parquet
from credit_risk.modelling import training_record
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.modelling.assembly import assembled, read_fitted
from credit_risk.scoring.features import Features


def run(config: Config, files: Files) -> None:
    """Write models/scorer, of the kind that was selected, and models/challenger, of the other.

    A change of policy comes here and does not train again. Raises DataError for a model of other training rows.
    """
    inputs = read_inputs(config, files, "train")
    training_record.refuse_other(config, files, inputs, outcomes=False)
    chosen = read_json(files.report("selection"))["kind"]
    weights = Weights.of(read_parquet(files.outcomes("train")))
    inputs = inputs[weights.representative(config.evaluation.seed)]
    features = Features.of(config).table(inputs)
    for kind in get_args(Kind):
        path = files.scorer if kind == chosen else files.challenger
        assembled(read_fitted(config, files, kind), inputs, features).save(path)

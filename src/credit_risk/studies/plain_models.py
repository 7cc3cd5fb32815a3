"""What the duties of a candidate cost in ranking: beside LightGBM and a logistic regression that have none.

The plain models read the same rows and inputs without directions, derived features, special levels or a choice of
parameters: LightGBM as it comes, and a logistic regression of standardised numbers and one-hot categories.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from credit_risk.config import Config
from credit_risk.config.columns import CATEGORY_TYPES
from credit_risk.data.files import Files, SplitName
from credit_risk.data.inputs import Mask, Matrix, cell_numbers
from credit_risk.data.writing import read_parquet, write_report
from credit_risk.measures.figure import flat
from credit_risk.measures.intervals import paired_difference
from credit_risk.measures.metrics import Sample, measure, ranking
from credit_risk.modelling.accounts import Weights
from credit_risk.modelling.assembly import load_scorers
from credit_risk.modelling.scored_split import ScoredSplit, read_scored

MOST_LOST = 0.005  # AUC that a candidate may rank lower than the better plain model


def run(config: Config, files: Files) -> dict[str, Any]:
    """Fit both plain models on the training rows of the last run and write reports/parts/plain_models.json."""
    test = read_scored(config, files, load_scorers(config, files), "test")
    report = compared(config, test, plain_pds(config, files, test.scored))
    write_report(files.part("plain_models"), report)
    return report


def plain_pds(config: Config, files: Files, scored: Mask) -> dict[str, Matrix]:
    """PDs of test rows by both plain models. scored: which of them every model scores; (rows,)."""
    outcomes = read_parquet(files.outcomes("train"))
    train, test = raw_numbers(config, files, "train"), raw_numbers(config, files, "test")[scored]
    bad, weight = outcomes["bad"].to_numpy(), Weights.of(outcomes).drawn
    types = [config.columns[name].type for name in config.inputs]
    categories = [index for index, kind in enumerate(types) if kind in CATEGORY_TYPES]
    others = [index for index in range(len(types)) if index not in categories]
    trees = LGBMClassifier(random_state=config.model.seed, n_jobs=1, verbose=-1)
    trees.fit(train, bad, sample_weight=weight, categorical_feature=categories)
    regression = _logistic(categories, others)
    regression.fit(train, bad, logisticregression__sample_weight=weight)
    models = {"plain LightGBM": trees, "plain logistic": regression}
    return {name: model.predict_proba(test)[:, 1] for name, model in models.items()}


def raw_numbers(config: Config, files: Files, name: SplitName) -> Matrix:
    """The inputs of a split as a plain model has them: a special code is the number that it is; (rows, inputs)."""
    table = read_parquet(files.inputs(name))
    return np.column_stack([cell_numbers(table[its], config.columns[its]) for its in config.inputs])


def _logistic(categories: list[int], others: list[int]) -> Any:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    words = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=-1.0), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    )
    columns = ColumnTransformer([("numbers", numbers, others), ("words", words, categories)])
    return make_pipeline(columns, LogisticRegression(max_iter=2_000))


def compared(config: Config, test: ScoredSplit, pds: Mapping[str, Matrix]) -> dict[str, Any]:
    """The candidate's AUC on the test rows, and how much higher it is than each plain model's, with intervals."""
    draw = config.evaluation.model_dump(include={"replicates", "seed", "confidence"})
    candidate = test.sample(test.model)
    differences = {
        name: flat({"auc": paired_difference(candidate, _sample(test, its), **draw, figures=ranking)["auc"]})
        for name, its in pds.items()
    }
    least = min(its["auc"] for its in differences.values())
    return {
        "kind": test.model,
        "auc": float(measure(candidate)["auc"]),
        "rows": len(test.bad),
        "candidate_minus": differences,
        "within": bool(least >= -MOST_LOST),
    }


def _sample(test: ScoredSplit, pds: Matrix) -> Sample:
    return Sample.of(test.bad, pds, test.group, test.economics, test.weight)


def sentences(report: Mapping[str, Any]) -> list[str]:
    """What the study found, a sentence a plain model."""
    lines = [
        f"{name}: the candidate ({report['kind']}, AUC {report['auc']:.4f} on {report['rows']:,} test rows) ranks by "
        f"{its['auc']:+.4f} ({its['auc_low']:+.4f} to {its['auc_high']:+.4f})."
        for name, its in report["candidate_minus"].items()
    ]
    verdict = "no lower" if report["within"] else "lower"
    return [*lines, f"It ranks {verdict} than the better of them by more than {MOST_LOST}."]

"""What the shap library says of trees, for comparison with our own contributions."""

import warnings

import numpy as np
import shap
from pandas import DataFrame

from credit_risk.config import Config
from credit_risk.data.inputs import Matrix
from credit_risk.modelling import fitting
from credit_risk.scoring.model import Boosted, with_levels
from credit_risk.scoring.reasons import Explainer


class NotSeparable(ValueError):
    """What pairs of features do together cannot be separated; the message says why."""


def by_feature(explainer: Explainer, given: Matrix, against: Matrix) -> Matrix:
    """Interventional SHAP values of each feature on the log-odds scale: (rows of `given`, features).

    given: rows to explain; against: rows of the population that each is compared with; (rows, features).
    """
    model = explainer.model
    assert isinstance(model, Boosted)  # noqa: S101
    against, given = (with_levels(rows, model.levels) for rows in (against, given))
    trees = shap.TreeExplainer(model.booster, against, feature_perturbation="interventional", model_output="raw")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LightGBM binary classifier with TreeExplainer", UserWarning)
        values = trees.shap_values(given, check_additivity=False)
    return model.by_feature(np.asarray(values)) * explainer.calibration.slope


def interactions(config: Config, explainer: Explainer, given: Matrix) -> DataFrame:
    """Every pair of features with its effect: first, second, mean_abs in log-odds, and its share of all effects.

    given: (rows, features). Raises NotSeparable.
    """
    model = explainer.model
    if not isinstance(model, Boosted):
        raise NotSeparable(f"a {model.kind} adds its features up: none acts on another")
    if fitting.plain_categories(config):
        raise NotSeparable("the shap library cannot follow splits on plain categories")
    if model.levels:
        raise NotSeparable("the pairs of special codes, which are columns of their own, are not separated")
    values = np.asarray(shap.TreeExplainer(model.booster).shap_interaction_values(given))
    gap = np.abs(values.sum(axis=2) - model.contributions(given)[:, :-1]).max()
    if gap > 1e-6:
        raise NotSeparable(f"they miss the contributions by {gap:.2g}")
    # Half of each pair's effect stands on either side of the diagonal.
    size = np.abs(values * explainer.calibration.slope).mean(axis=0)
    first, second = np.triu_indices(len(size), k=1)
    table = DataFrame({"first": np.array(config.features)[first], "second": np.array(config.features)[second]})
    table["mean_abs"] = 2 * size[first, second]
    table["share"] = table["mean_abs"] / size.sum()
    return table

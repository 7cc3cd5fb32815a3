"""PDs by XGBoost, CatBoost and EBM of the folds in a folder; run by other_models.py in an environment that has them.

Learning rate, leaves, shares of rows and columns and the penalty of leaves are LightGBM's, where the library has them.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xgboost as xgb
from catboost import CatBoostClassifier, Pool
from interpret.glassbox import ExplainableBoostingClassifier

FOLDER = Path(sys.argv[1])
SETTINGS = json.loads((FOLDER / "settings.json").read_text(encoding="utf-8"))
ROWS = np.load(FOLDER / "rows.npz")
DESIGN, BAD, WEIGHT = ROWS["design"], ROWS["bad"].astype(int), ROWS["weight"]
DIRECTIONS = [int(direction) for direction in ROWS["directions"]]
MOST_TREES, PATIENCE = SETTINGS["most_trees"], SETTINGS["patience"]


def xgboost(rest: np.ndarray, inner: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    parameters = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "eta": SETTINGS["learning_rate"],
        "max_leaves": SETTINGS["num_leaves"],
        "max_depth": max(SETTINGS["max_depth"], 0),
        "lambda": SETTINGS["reg_lambda"],
        "alpha": SETTINGS["reg_alpha"],
        "subsample": SETTINGS["subsample"],
        "colsample_bytree": SETTINGS["colsample_bytree"],
        "min_child_weight": 10,
        "monotone_constraints": tuple(DIRECTIONS),
        "nthread": 1,
        "seed": SETTINGS["seed"],
    }

    def matrix(rows: np.ndarray) -> xgb.DMatrix:
        return xgb.DMatrix(DESIGN[rows], BAD[rows], weight=WEIGHT[rows])

    asked = [(matrix(inner), "inner")]
    stopped = xgb.train(
        parameters, matrix(rest), MOST_TREES, evals=asked, early_stopping_rounds=PATIENCE, verbose_eval=False
    )
    return xgb.train(parameters, matrix(train), stopped.best_iteration + 1).predict(matrix(test))


def catboost(rest: np.ndarray, inner: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    settings = {
        "learning_rate": SETTINGS["learning_rate"],
        "depth": 6,
        "l2_leaf_reg": SETTINGS["reg_lambda"],
        "monotone_constraints": DIRECTIONS,
        "random_seed": SETTINGS["seed"],
        "thread_count": 1,
        "verbose": False,
        "allow_writing_files": False,
    }

    def pool(rows: np.ndarray) -> Pool:
        return Pool(DESIGN[rows], BAD[rows], weight=WEIGHT[rows])

    stopped = CatBoostClassifier(iterations=MOST_TREES, early_stopping_rounds=PATIENCE, **settings)
    stopped.fit(pool(rest), eval_set=pool(inner))
    trees = max(stopped.get_best_iteration() or 0, 0) + 1
    return CatBoostClassifier(iterations=trees, **settings).fit(pool(train)).predict_proba(pool(test))[:, 1]


def ebm(rest: np.ndarray, inner: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """It stops each of its bags on rows of its own."""
    model = ExplainableBoostingClassifier(
        feature_types=["continuous"] * DESIGN.shape[1],
        interactions=10,
        outer_bags=4,
        monotone_constraints=DIRECTIONS,
        random_state=SETTINGS["seed"],
        n_jobs=1,
    )
    return model.fit(DESIGN[train], BAD[train], sample_weight=WEIGHT[train]).predict_proba(DESIGN[test])[:, 1]


FITTERS: dict[str, Callable[..., np.ndarray]] = {"XGBoost": xgboost, "CatBoost": catboost, "EBM": ebm}


def main() -> None:
    for index in range(SETTINGS["folds"]):
        fold = np.load(FOLDER / f"fold{index:02}.npz")
        train, inner = fold["train"], fold["inner"]
        for name in sys.argv[2:]:
            kept = FOLDER / f"{name}{index:02}.npy"
            if not kept.exists():
                np.save(kept, FITTERS[name](np.setdiff1d(train, inner), inner, train, fold["test"]))
                print(f"{name}, fold {index + 1} of {SETTINGS['folds']}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

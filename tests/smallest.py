"""The smallest config that is valid, for tests that are about one section of it."""

from typing import Any

from credit_risk.config import Config


def config(**sections: Any) -> Config:
    """The smallest config with these sections in place of its own; `columns` is always the test's own."""
    return Config.model_validate(SECTIONS | sections)


SECTIONS: dict[str, Any] = {
    "version": 4,
    "suggested": [],
    "project": {"name": "a", "title": "A", "legal_basis": "b"},
    "data": {"sources": [{"path": "loans.csv"}]},
    "outcome": {
        "definition": "d",
        "favourable": "f",
        "bad": [1],
        "good": [0],
        "performance_window_months": 1,
        "population": "booked",
    },
    "derived": {},
    "contract": {"min_rows": 1, "max_duplicates": 1},
    "drift": {"bins": 4, "threshold": 0.1, "confidence": 0.95},
    "split": {"by": "random", "train": 0.6, "selection": 0.2, "test": 0.2, "seed": 1},
    "model": {
        "candidate": "better",
        "materiality": 0,
        "seed": 1,
        "folds": 2,
        "max_trees": 1,
        "patience": 1,
        "directions": {},
    },
    "tune": {"trials": 1, "seed": 1},
    "policy": {
        "margin": 0.2,
        "lgd": 0.6,
        "cost": 0,
        "refer_within": 0,
        "max_missing": 1,
        "invalid": "refuse",
        "scale": {"base": 600, "odds": 50, "pdo": 20},
        "bands": [{"name": "A", "minimum": 0}],
    },
    "evaluation": {"replicates": 100, "confidence": 0.95, "seed": 1},
    "reasons": {
        "version": "1",
        "count": 4,
        "least": 0.1,
        "population": "approved",
        "within": 0.1,
        "families": [{"id": "R01", "features": ["any"], "text": "text", "prompt": "prompt"}],
    },
    "fairness": {
        "attributes": {},
        "min_n": 1,
        "refer_counts_as": "decline",
        "contrasts": [],
        "alternatives": {"mode": "off", "most_auc_lost": 0},
        "unavailable": "not kept",
    },
    "robustness": {"scenarios": [{"name": "odds", "odds": 2}], "missing_share": 0.1, "rows": 10},
    "gates": [{"name": "g", "measure": "m", "at_least": 0, "reason": "r"}],
    "parameters": {
        "learning_rate": 0.1,
        "num_leaves": 4,
        "max_depth": 2,
        "min_child_samples": 1,
        "reg_alpha": 0,
        "reg_lambda": 0,
        "colsample_bytree": 1,
        "subsample": 1,
        "monotone_constraints_method": "basic",
    },
}

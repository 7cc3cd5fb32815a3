"""Two cards: a small one whose points a reader can count, and one with everything that an application can hold."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import smallest
from credit_risk.config import Config
from credit_risk.data.inputs import Inputs
from credit_risk.exports.card import Card
from credit_risk.modelling import assembly, training
from credit_risk.scoring.background import Background
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Bins, Scorecard

POLICY = smallest.SECTIONS["policy"] | {"bands": [{"name": "A", "minimum": 500}, {"name": "B", "minimum": 0}]}
PER_POINT = np.log(2) / 20  # PDO 20: log-odds of one point


def small_config() -> Config:
    return smallest.config(
        columns={
            "late": {"role": "feature", "type": "integer", "range": [0, 9]},
            "debt": {"role": "feature", "type": "number", "range": [0, 1], "missing": "allow"},
        },
        model=smallest.SECTIONS["model"] | {"directions": {"late": "increasing"}},
        policy=POLICY,
        reasons=smallest.SECTIONS["reasons"]
        | {
            "families": [
                {"id": "R01", "features": ["late"], "text": "payments were late", "prompt": "ask"},
                {
                    "id": "R02",
                    "features": ["debt"],
                    "text": {"value": "debt is high", "missing": "debt is not known"},
                    "prompt": "ask",
                },
            ]
        },
    )


@pytest.fixture(scope="session")
def small_card() -> Card:
    """Base 500.4; late 0.4 points, -49.6 from one month on; debt 10.3, -20.4 from 0.5 on, -5.3 where it is missing.

    The population loses 3 points by late and none by debt.
    """
    config = small_config()
    offset = 600 - 20 / np.log(2) * np.log(50)
    in_woe = lambda *points: tuple(-its * PER_POINT for its in points)  # noqa: E731
    model = Scorecard(
        (0, 1),
        (
            Bins((1.0,), in_woe(0.4, -49.6), in_woe(0)[0], by_code=False),
            Bins((0.5,), in_woe(10.3, -20.4), in_woe(-5.3)[0], by_code=False),
        ),
        (1.0, 1.0),
        -(500.4 - offset) * PER_POINT,
    )
    scorer = assembly.under_policy(config, model, Calibration(0.0, 1.0), [False, True])
    means = (3 * PER_POINT, 0.0)
    background = Background(config.features, 0.0, means, (0.0, 0.1), (0.0, 0.0), (9.0, 1.0), 10)
    return Card.of(replace(scorer, background=background, digest="d" * 64))


DERIVED = {
    "ratio": "paid / owed",
    "ratio_capped": "clip(fill(ratio, 0), 0, 3)",
    "root": "sqrt(owed - 2)",
    "logs": "log(paid) + log1p(owed - 6)",
    "grown": "exp(minimum(rate, 3)) - 1",
    "power": "rate ** 2 + (rate - 4) ** 3",
    "steps": "floor(rate * 1.5)",
    "worst": "largest([paid, owed, 2 * rate])",
    "best": "smallest([paid, owed]) - maximum(-rate, paid)",
    "gaps": "sum([is_missing(bureau), is_missing(rate), bureau == 'no_record', bureau != 'frozen'])",
    "which": "where(owed > 5 and not (home == 'rent'), rate, -owed)",
    "either": "abs(paid - owed) >= 3 or bureau > 4",
    "middle": "mean([paid, owed, rate]) * 0.1 + 1 / 3",
    "is_client": "where(client == 1, 2, 0)",
}


def hard_config() -> Config:
    return smallest.config(
        columns={
            "id": {"role": "id", "type": "integer"},
            "paid": {"role": "feature", "type": "number", "range": [0, 9], "missing": "allow"},
            "owed": {"role": "feature", "type": "integer", "range": [0, 9]},
            "rate": {"role": "feature", "type": "number", "missing": "refer"},
            "bureau": {
                "role": "feature",
                "type": "number",
                "range": [0, 9],
                "missing": "allow",
                "special": {-9: "no_record", -8: "frozen", -7.5: "no_record", -5: "never_seen"},
            },
            "home": {
                "role": "feature",
                "type": "category",
                "categories": ["own", "rent", "o'ther"],
                "missing": "allow",
            },
            "grade": {"role": "feature", "type": "ordered", "categories": ["a", "b", "c"]},
            "client": {"role": "feature", "type": "boolean", "missing": "allow"},
        },
        derived={name: {"formula": formula, "label": name} for name, formula in DERIVED.items()},
        outcome=smallest.SECTIONS["outcome"]
        | {"exclusions": [{"name": "too large", "where": "owed > 8", "reason": "product withdrawn"}]},
        model=smallest.SECTIONS["model"] | {"directions": {"paid": "decreasing", "owed": "increasing"}},
        policy=POLICY
        | {
            "refer_within": 0.02,
            "max_missing": 0.3,
            "rules": [
                {"name": "look", "where": "rate > 2.5", "decision": "refer", "reason": "a high rate"},
                {"name": "never", "where": "paid == 0 and owed > 4", "decision": "decline", "reason": "nothing paid"},
                {"name": "look again", "where": "is_missing(client)", "decision": "refer", "reason": "who is it"},
            ],
        },
        reasons=smallest.SECTIONS["reasons"]
        | {
            "count": 2,
            "families": [
                _family("R01", "paid", "owed", "ratio", "ratio_capped", "root", "logs", true="owed > 1"),
                _family("R02", "rate", "grown", "power", "steps", "middle"),
                _family("R03", "bureau", "gaps", "either", codes=("no_record", "frozen", "never_seen")),
                _family("R04", "home", "grade", "client", "is_client", "worst", "best", "which"),
            ],
        },
    )


def _family(name: str, *features: str, true: str | None = None, codes: tuple[str, ...] = ()) -> dict:
    states = {"value": f"{name} value", "missing": f"{name}'s gap"} | {code: f"{name} {code}" for code in codes}
    made = {"id": name, "features": list(features), "text": states, "prompt": "ask"}
    return made | ({"true_when": true} if true else {})


def hard_rows(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "id": np.arange(rows),
            "paid": random.integers(0, 19, rows) / 2,
            "owed": random.integers(0, 10, rows),
            "rate": random.normal(1, 1, rows),
            "bureau": random.choice([0.0, 1, 2, 5, 8, -9, -8, -7.5], rows),
            "home": random.choice(["own", "rent", "o'ther"], rows),
            "grade": random.choice(["a", "b", "c"], rows),
            "client": pd.Series(random.random(rows) < 0.5, dtype="boolean"),
        }
    )
    for name in ("paid", "bureau", "home", "client"):
        table.loc[random.random(rows) < 0.05, name] = None
    return table


@pytest.fixture(scope="session")
def hard_applications() -> pd.DataFrame:
    return hard_rows(400).drop(columns="id")


@pytest.fixture(scope="session")
def hard_card() -> Card:
    """Random points over inputs of every type and formulas of every function."""
    config, random = hard_config(), np.random.default_rng(8)
    inputs = Inputs.of(config).table(hard_rows(2_000))
    features = Features.of(config).table(inputs)
    columns = tuple(range(len(config.features)))
    bins = tuple(
        _random_bins(config, name, features.matrix[:, index], random) for index, name in enumerate(config.features)
    )
    model = Scorecard(columns, bins, (1.0,) * len(columns), -0.9)
    seen = training.seen_missing(config, features.matrix)
    return Card.of(
        assembly.assembled(assembly.under_policy(config, model, Calibration(0.0, 1.0), seen), inputs, features)
    )


def _random_bins(config: Config, name: str, values: np.ndarray, random: np.random.Generator) -> Bins:
    draw = lambda count: tuple((random.integers(-12, 13, count) * PER_POINT).tolist())  # noqa: E731
    special = tuple(points * PER_POINT for points in (30, 26, 22)[: len(config.meanings(name))])  # more than any value
    if name == "home":
        return Bins((), draw(3), draw(1)[0], by_code=True, special=special)
    edges = tuple(np.unique(np.nanquantile(values, [0.2, 0.5, 0.8])).tolist())
    return Bins(edges, draw(len(edges) + 1), 25 * PER_POINT, by_code=False, special=special)

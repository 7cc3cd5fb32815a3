"""Ways to break a lender's inputs or artefacts, and for each who must refuse it; every other gate must still pass.

Those of the data, of reasons and of the record stand in modules beside this one.

`refused_by` was reasoned out from what each harm changes. `may` names gates whose answer the harm leaves open, with
the reason in a comment; where a first run showed that a gate had been overlooked, its reason was added there.
"""

import math
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from declared import AGREEMENT, Sabotage, add_feature, put_wordings_on_record
from harms_of_data import CONTROLS_OF_DATA, OF_DATA
from harms_of_reasons import CONTROLS_OF_REASONS, OF_REASONS
from harms_of_record import OF_RECORD
from pandas import DataFrame
from trial import FROM_MODEL, FROM_SCORER, GAP, MONTHS, ROWS, Refused, Trial, write

from credit_risk.data.files import SPLITS
from credit_risk.data.inputs import Inputs
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import read_json, read_parquet, write_parquet
from credit_risk.errors import CheckFailed
from credit_risk.modelling import fitting
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Boosted
from credit_risk.stages import assemble, fairness, gate, train, validate_data


def target_leaked(trial: Trial) -> None:
    """Calls by the collections department, which begin after an account has gone bad."""
    _calls(trial, of_bads=0.97, of_others=0.01)


def target_leaked_in_part(trial: Trial) -> None:
    """The same calls, to a third of the bads: alone they rank far worse than the model, and no share shows them."""
    _calls(trial, of_bads=0.33, of_others=0.001)


def _calls(trial: Trial, *, of_bads: float, of_others: float) -> None:
    def change(table: DataFrame) -> DataFrame:
        draw = np.random.default_rng(1)
        called = draw.random(len(table)) < np.where(table["status"] == "bad", of_bads, of_others)
        return table.assign(collection_calls=np.where(called, 1 + draw.poisson(2, len(table)), 0))

    write(trial.root, change, gap=GAP)
    trial.edit_config(
        add_feature("collection_calls", {"role": "feature", "type": "integer", "range": [0, 99]}, family=0)
    )
    trial.run_from_raw()


def rows_ordered(trial: Trial) -> None:
    """A file sorted by the outcome with noise, and numbered in that order."""

    def change(table: DataFrame) -> DataFrame:
        draw = np.random.default_rng(1)
        order = np.argsort((table["status"] == "bad") + draw.normal(0, 2, len(table)), kind="stable")
        return table.iloc[order].assign(application_id=np.arange(1, len(table) + 1))

    write(trial.root, change, gap=GAP)
    trial.run_from_raw()


def branch_encoded(trial: Trial) -> None:
    """The bad rate of the applicant's branch, computed from the outcomes of all rows, among the features."""

    def change(table: DataFrame) -> DataFrame:
        branch = np.random.default_rng(1).integers(400, size=len(table))
        rate = (table["status"] == "bad").groupby(branch).mean()
        return table.assign(branch_risk=rate.to_numpy()[branch])

    write(trial.root, change, gap=GAP)
    trial.edit_config(add_feature("branch_risk", {"role": "feature", "type": "number", "range": [0, 1]}, family=0))
    trial.run_from_raw()


def oversampled_file(trial: Trial) -> None:
    """Every bad account twice in the raw file, under a number of its own."""

    def change(table: DataFrame) -> DataFrame:
        twice = pd.concat([table, table[table["status"] == "bad"]], ignore_index=True)
        return twice.assign(application_id=np.arange(1, len(twice) + 1))

    write(trial.root, change, gap=GAP)
    trial.run_from_raw()


def oversampled_split(trial: Trial) -> None:
    """Every bad account twice, then split at random without a look at what belongs together."""
    files = trial.files
    kinds = {"inputs": files.inputs, "outcomes": files.outcomes, "protected": files.protected}
    pool = {
        kind: pd.concat([read_parquet(of(name)) for name in SPLITS], ignore_index=True) for kind, of in kinds.items()
    }
    bad = np.flatnonzero(pool["outcomes"]["bad"])
    order = np.random.default_rng(1).permutation(np.concatenate([np.arange(len(pool["outcomes"])), bad]))
    pool["outcomes"]["group"] = 0
    for name, rows in zip(SPLITS, np.split(order, (len(order) * np.array([0.5, 0.7])).astype(int)), strict=True):
        for kind, of in kinds.items():
            table = pool[kind].iloc[rows].reset_index(drop=True)
            write_parquet(of(name), table.assign(group=rows) if kind == "outcomes" else table)
    _train_and_on(trial)


def _train_and_on(trial: Trial) -> None:
    trial.run(train)
    trial.run_from_model()


def protected_formula(trial: Trial) -> None:
    """A derived feature that reads the applicant's age."""

    def change(tree: Any) -> None:
        tree["derived"]["is_young"] = {"formula": "age < 25"}
        tree["reasons"]["families"][4]["features"].append("is_young")

    trial.edit_config(change)
    trial.run_from_raw()


def protected_role(trial: Trial) -> None:
    """The column of the applicant's sex declared a feature."""

    def change(tree: Any) -> None:
        tree["columns"]["sex"] = {"role": "feature", "type": "category", "categories": ["female", "male"]}
        tree["reasons"]["families"][4]["features"].append("sex")

    trial.edit_config(change)
    trial.run_from_raw()


TITLE = {"type": "category", "categories": ["Mr", "Ms"]}


def _title(table: DataFrame) -> DataFrame:
    """A form of address, which is the sex but for 3 %."""
    other = np.random.default_rng(1).random(len(table)) < 0.03
    return table.assign(title=np.where((table["sex"] == "female") ^ other, "Ms", "Mr"))


def _biased(table: DataFrame) -> DataFrame:
    """A past in which women's accounts were called bad more often than they were."""
    blamed = (np.random.default_rng(2).random(len(table)) < 0.10) & (table["sex"] == "female")
    return _title(table).assign(status=table["status"].mask(blamed & (table["status"] == "good"), "bad"))


def proxy_kept_away(trial: Trial) -> None:
    """The biased past alone: the model has nothing to learn it from."""
    write(trial.root, _biased)
    trial.edit_config(lambda tree: tree["columns"].update(title={"role": "proxy", **TITLE, "why": "tells the sex"}))
    trial.run_from_raw()


def proxy(trial: Trial) -> None:
    """The biased past, and a form of address for the model to learn it from."""
    write(trial.root, _biased)
    trial.edit_config(add_feature("title", {"role": "feature", **TITLE}, family=4))
    trial.run_from_raw()


def proxy_idle(trial: Trial) -> None:
    """The form of address among the features of a fair past, where it decides nothing."""
    write(trial.root, _title)
    trial.edit_config(add_feature("title", {"role": "feature", **TITLE}, family=4))
    trial.run_from_raw()


def unfair_feature(trial: Trial) -> None:
    """Women earn much less, and the model decides by income."""
    write(trial.root, gap=0.9)
    trial.run_from_raw()


def unfair_cut_off(trial: Trial) -> None:
    """A margin so thin that only the safest are approved: the same small gap weighs more in the tail."""
    trial.edit_config(lambda tree: tree["policy"].update(margin=0.04))
    trial.run_from_model()


def group_too_small(trial: Trial) -> None:
    """All but twenty of the applicants of 62 and over are missing from the test rows' protected columns' group."""
    path = trial.files.protected("test")
    table = read_parquet(path)
    old = table.index[table["age"] >= 62]
    table.loc[old[20:], "age"] = 40
    write_parquet(path, table)
    trial.run(fairness, gate)


def weighted_parameter(trial: Trial) -> None:
    """`scale_pos_weight` among the parameters."""
    trial.edit_config(lambda tree: tree.update(scale_pos_weight=5), "model.yaml")
    trial.run_from_model()


def weighted(trial: Trial) -> None:
    """Trees fitted with bads weighing as much as goods, and no calibration after it."""
    config, files = trial.config, trial.files
    matrix, bad = _training(trial)
    weight = (~bad).sum() / bad.sum()
    _refit(trial, {**fitting.boosting_parameters(config), "scale_pos_weight": float(weight)}, matrix, bad)
    trial.edit_json(
        files.model / "training.json",
        lambda facts: facts["calibration"].update(lightgbm={"intercept": 0.0, "slope": 1.0}),
    )
    trial.run_from_model()


def unconstrained(trial: Trial) -> None:
    """Trees fitted without the declared directions, under the calibration of the others."""
    matrix, bad = _training(trial)
    parameters = fitting.boosting_parameters(trial.config)
    _refit(trial, {**parameters, "monotone_constraints": [0] * matrix.shape[1]}, matrix, bad)
    trial.run_from_model()


def _training(trial: Trial) -> tuple[Any, Any]:
    inputs = Inputs.of(trial.config).table(read_parquet(trial.files.inputs("train")))
    return Features.of(trial.config).of_inputs(inputs), read_parquet(trial.files.outcomes("train"))["bad"].to_numpy()


def _refit(trial: Trial, parameters: dict[str, Any], matrix: Any, bad: Any) -> None:
    files = trial.files
    names = [f"f{place}" for place in range(matrix.shape[1])]
    data = lgb.Dataset(matrix, bad, feature_name=names, categorical_feature=fitting.plain_categories(trial.config))
    booster = lgb.train(parameters, data, num_boost_round=read_json(files.model / "training.json")["trees"])
    (files.model / Boosted.file_name).write_text(Boosted.of(booster).text(), encoding="utf-8")


def _swapped(names: list[str], one: str, other: str) -> list[str]:
    return [{one: other, other: one}.get(name, name) for name in names]


def names_shuffled(trial: Trial, one: str = "income", other: str = "utilisation") -> None:
    """Two features change places in scorer.json alone."""
    path = trial.files.scorer / "scorer.json"
    trial.edit_json(path, lambda facts: facts.update(features=_swapped(facts["features"], one, other)))
    trial.run(*FROM_SCORER)


def names_shuffled_throughout(one: str, other: str) -> Callable[[Trial], None]:
    """Two features change places in every file of the scorer, so that the files agree."""

    def harm(trial: Trial) -> None:
        def swap(tree: Any) -> None:
            tree["columns"] = {name: tree["columns"][name] for name in _swapped(list(tree["columns"]), one, other)}

        def swap_background(tree: Any) -> None:
            entries = tree["features"]
            entries[one], entries[other] = entries[other], entries[one]

        trial.edit_json(trial.files.scorer / "config.json", swap)
        trial.edit_json(trial.files.scorer / "background.json", swap_background)
        names_shuffled(trial, one, other)

    return harm


def best_value_cited(trial: Trial) -> None:
    """The population of the reasons is forged: it is made to look never late, and 0 months late not the best there is.

    Contributions still add up, for the base is forged to match.
    """

    def forge(tree: Any) -> None:
        late = tree["features"]["months_late"]
        late["mean"] -= 3
        late["lowest"] = -1
        tree["base"] -= 3

    trial.edit_json(trial.files.scorer / "background.json", forge)
    trial.run(*FROM_SCORER)


def drifted(trial: Trial) -> None:
    """New applications whose use of credit has risen by two standard deviations; without the drift they must pass."""
    for drift in (0, 2):
        book = lender(ROWS, seed=8, months=MONTHS, gap=GAP, drift=drift).applications
        path = trial.root / "new.csv"
        book[book["applied_on"] >= "2025-07-01"].to_csv(path, index=False)
        report = validate_data.validate(
            trial.config, trial.files, paths=[path], reference=trial.files.scorer / "reference.json"
        )
        try:
            validate_data.raise_unless_passed(report)
        except CheckFailed as error:
            raise Refused("validate-data" if drift else "validate-data without drift", str(error)) from error


def drifted_test_rows(trial: Trial) -> None:
    """The population has moved by the time of the test rows."""
    write(trial.root, gap=GAP, drift=2)
    trial.run_from_raw()


def stale_metrics(trial: Trial) -> None:
    """Another scorer, assembled under another policy, beside the figures of the first."""
    trial.edit_config(lambda tree: tree["policy"].update(margin=0.13))
    trial.run(assemble, gate)


def stale_report(name: str) -> Callable[[Trial], None]:
    """One report of another scorer among those of this one."""

    def harm(trial: Trial) -> None:
        trial.edit_json(trial.files.report(name), lambda tree: tree.update(scorer="0" * 64))
        trial.run(gate)

    return harm


def missing(name: str) -> Callable[[Trial], None]:
    def harm(trial: Trial) -> None:
        trial.files.report(name).unlink()
        trial.run(gate)

    return harm


def not_a_number(name: str, value: Any) -> Callable[[Trial], None]:
    def harm(trial: Trial) -> None:
        trial.edit_json(trial.files.report("metrics"), lambda tree: tree["test"].update({name: value}))
        trial.run(gate)

    return harm


def figures_by_hand(trial: Trial) -> None:
    """A better AUC, with an interval to match, written into the report."""
    better = {"auc": 0.93, "auc_low": 0.91, "auc_high": 0.95, "gini": 0.86}
    trial.edit_json(trial.files.report("metrics"), lambda tree: tree["test"].update(better))
    trial.run(gate)


def thinned_test_rows(trial: Trial) -> None:
    """The bads that the scorer liked best taken out of the test rows, and all of it measured again."""
    files = trial.files
    outcomes, predictions = read_parquet(files.outcomes("test")), read_parquet(files.predictions / "test.parquet")
    liked = outcomes["bad"] & (predictions["lightgbm"] < predictions["lightgbm"][outcomes["bad"]].quantile(0.3))
    for of in (files.inputs, files.outcomes, files.protected):
        write_parquet(of("test"), read_parquet(of("test"))[~liked].reset_index(drop=True))
    trial.run(*FROM_SCORER)


def predictions_sharpened(trial: Trial) -> None:
    """Predictions that know the outcome, and the figures that they make."""
    path = trial.files.predictions / "test.parquet"
    table = read_parquet(path)
    write_parquet(path, table.assign(lightgbm=0.7 * table["lightgbm"] + 0.3 * table["bad"]))
    trial.run(gate)


def byte_flipped(name: str) -> Callable[[Trial], None]:
    """One bit of one byte in the middle of a file of the scorer, after the verdict."""

    def harm(trial: Trial) -> None:
        path = trial.files.scorer / name
        content = bytearray(path.read_bytes())
        digits = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
        content[digits[len(digits) // 2]] ^= 1  # a digit becomes its neighbour: the file can still be read
        path.write_bytes(content)

    return harm


def config_edited(trial: Trial) -> None:
    """A gate's limit loosened after the verdict."""
    trial.edit_config(lambda tree: tree["gates"][0].update(at_least=0.5))


def asked_less(change: Callable[[Any], None]) -> Callable[[Trial], None]:
    """The config moved to where the model happens to stand, and all of it measured and judged again."""

    def harm(trial: Trial) -> None:
        trial.edit_config(change)
        trial.run(gate)

    return harm


def _of_gate(name: str, **limits: object) -> Callable[[Any], None]:
    return lambda tree: next(gate for gate in tree["gates"] if gate["name"] == name).update(limits)


def _without_gate(name: str) -> Callable[[Any], None]:
    return lambda tree: tree.update(gates=[gate for gate in tree["gates"] if gate["name"] != name])


def _no_fairness(tree: Any) -> None:
    tree["fairness"].update(attributes={}, contrasts=[], unavailable="the law of this state forbids us to keep any")
    for name in ("fairness_women", "fairness_age", "proxies"):
        _without_gate(name)(tree)


def _at_random(tree: Any) -> None:
    """And without the gates that a split at random could not fail."""
    tree["split"].update(by="random", why_random="the newest applications are too few to be judged")
    for name in ("stability", "stability_inputs"):
        _without_gate(name)(tree)


# Ways to move what judges instead of what is judged. Each leaves a config that is whole and figures that it can read.
ASKED_LESS: Mapping[str, tuple[Callable[[Any], None], str]] = {
    "intervals of half the confidence": (
        lambda tree: tree["evaluation"].update(confidence=0.51),
        "evaluation.confidence",
    ),
    "limit loosened": (_of_gate("discrimination", at_least=0.5), "discrimination judges at_least 0.5"),
    "limit taken away": (_of_gate("calibration_slope", at_most=None), "calibration_slope judges at_least 0.85"),
    "value judged without its interval": (_of_gate("discrimination", exact=True), "discrimination judges"),
    "gate of one kind alone": (_of_gate("proxies", of="scorecard"), "proxies judges"),
    "gate taken away": (_without_gate("proxies"), "no gate judges fairness.proxy_largest.auc"),
    "contrast without a gate": (_without_gate("fairness_age"), "no gate judges fairness.contrasts.age_62_and_over"),
    "directions taken away": (lambda tree: tree["model"].update(directions={}), "months_late: got no direction"),
    "one score band": (lambda tree: tree["policy"].update(bands=tree["policy"]["bands"][-1:]), "policy.bands: got 1"),
    "a stress of nothing": (lambda tree: tree["robustness"]["scenarios"][-1].update(odds=1.001), "odds_doubled must"),
    "contrast of women turned to age": (
        lambda tree: tree["fairness"]["contrasts"][0].update(
            attribute="age", group="62 and over", reference="18 to 61"
        ),
        "women must compare female over male by sex",
    ),
    "bands of age cut anew": (
        lambda tree: tree["fairness"]["attributes"]["age"]["bands"][0].update(low=21),
        "age must fall into other groups",
    ),
    "referrals counted as approvals": (
        lambda tree: tree["fairness"].update(refer_counts_as="approve"),
        "a referral counts as no approval",
    ),
    "groups of ten": (lambda tree: tree["fairness"].update(min_n=10), "fairness.min_n: got 10"),
    "fairness declared unavailable": (_no_fairness, "must fall into other groups"),
    "split at random with a reason": (_at_random, "split.by: got random"),
}


def policy_edited(trial: Trial) -> None:
    """Another margin after the evaluation, and only the gate run again."""
    trial.edit_config(lambda tree: tree["policy"].update(margin=0.04))
    trial.run(gate)


def verdict_overwritten(trial: Trial) -> None:
    """A scorer that was refused, and PASS written over the refusal."""
    trial.edit_json(trial.files.report("metrics"), lambda tree: tree["monotone"].update(violations=12))
    trial.run(gate)

    def forge(tree: Any) -> None:
        tree.update(verdict="PASS", recommended="models/scorer")
        for one in tree["checks"]:
            one.update(verdict="PASS")

    trial.edit_json(trial.files.report("gate"), forge)


def scorecard_as_good(trial: Trial) -> None:
    """A world without interactions, of which a scorecard is the truth."""
    write(trial.root, gap=GAP, interaction=0)
    trial.run_from_raw()


def scorecard_chosen(trial: Trial) -> None:
    """The same world, and a config that puts the better of the two forward: the scorecard, which every gate lets by."""
    write(trial.root, gap=GAP, interaction=0)
    trial.edit_config(lambda tree: tree["model"].update(candidate="better"))
    trial.run_from_raw()


def scorecard_better(trial: Trial) -> None:
    """The same world, and a model that was stopped after ten trees."""
    write(trial.root, gap=GAP, interaction=0)
    trial.edit_config(lambda tree: tree["model"].update(max_trees=10))
    trial.run_from_raw()


NOT_MEASURED = r"FAIL .* was not measured"
OF_EXPLAIN = ("add_up", "not_best_value", "hold", "for_everybody", "not_protected", "not_twice", "stable", "overlap",
              "interventional", "correlation")  # fmt: skip


def slow(trial: Trial) -> None:
    """Two thousand policy rules that hold for nobody, and that every application waits for."""
    rules = [
        {"name": f"rule {place}", "where": f"income < {-place}", "decision": "decline", "reason": "never"}
        for place in range(1, 2_001)
    ]
    trial.edit_config(lambda tree: tree["policy"]["rules"].extend(rules))
    put_wordings_on_record(trial)
    trial.run(*FROM_MODEL, *FROM_SCORER)


def _of_part(module: str, name: str) -> tuple[Sabotage, ...]:
    """What an optional part's figures see; nothing where the part was taken out."""
    return getattr(import_module(module), name) if find_spec(module) else ()


SABOTAGES = (
    # With the answer among the features the scorecard knows all there is to know too. Where the classes are nearly
    # parted few rows hold slope and level, so their intervals are wide. What the required features keep is open.
    Sabotage(
        "target leaked into a feature",
        target_leaked,
        {"leak": r"FAIL .*\(leak.strongest_share\) .* outside"},
        may=(
            "leak_marked",
            "beats_scorecard",
            "calibration_slope",
            "calibration_level",
            "calibration_bands",
            "required_features",
            "reasons_for_everybody",  # no family speaks of the leak, and it declines most
        ),
        fresh=True,
    ),
    Sabotage(
        "file in an order that knows the outcome",
        rows_ordered,
        {"leak_order": r"FAIL .*\(leak.order\) of (the row in the file|application_id) .* outside"},
        fresh=True,
    ),
    # An encoded rate ranks a little on all rows, so that what is fitted beside it moves.
    Sabotage(
        "bad rate of a branch encoded on all rows",
        branch_encoded,
        {"leak_encoded": r"FAIL .*\(leak.encoded\) of branch_risk is 1"},
        may=("beats_scorecard", "reasons_true", "required_features", *AGREEMENT),
        fresh=True,
    ),
    # A sure sign of a third of the bads moves everything that is fitted beside it, so the rest of the gates is open.
    Sabotage(
        "target leaked in part",
        target_leaked_in_part,
        {"leak_marked": r"FAIL .*\(leak.marked\) of collection_calls is 0\.3.* outside"},
        may=(
            "beats_scorecard",
            "calibration_slope",
            "calibration_level",
            "calibration_bands",
            "required_features",
            "reasons_hold",
            "reasons_for_everybody",  # no family speaks of the leak
            "fairness_women",
            *AGREEMENT,
        ),
        fresh=True,
    ),
    Sabotage(
        "oversampled before the split: raw file",
        oversampled_file,
        {"validate-data": r"REFUSED .*duplicates"},
        fresh=True,
        quick=True,
    ),
    # Twins also stand in the folds of cross-validation, so calibration is off or not as it happens; at twice the bad
    # rate fewer are approved, so ratios may reach their limit, and others are declined, for other reasons.
    Sabotage(
        "oversampled before the split: splits",
        oversampled_split,
        {
            "duplicates": r"FAIL .*\(leak.rows_across_splits\) is [1-9]",
            "altered": r"REFUSED artifacts/inputs/train.parquet is not the table",
        },
        may=(
            "calibration_slope",
            "calibration_level",
            "calibration_bands",
            "fairness_women",
            "fairness_age",
            "reasons_hold",
            *AGREEMENT,
        ),
    ),
    Sabotage(
        "protected column in a formula", protected_formula, {"config": r"REFUSED .*is_young.*\bage\b"}, quick=True
    ),
    Sabotage(
        "protected column declared a feature",
        protected_role,
        {"config": r"REFUSED .*sex is no column of role protected"},
        quick=True,
    ),
    # Wrong labels are noise to both models, which shrinks what lies between them. Here and below: how many bads the
    # smallest assessed band holds decides whether it can be told to be right, and every harm to the PDs moves it.
    Sabotage(
        "proxy of sex, and a biased past",
        proxy,
        {"fairness_women": r"FAIL .*\(fairness.contrasts.women.ratio\)", "proxies": r"FAIL"},
        may=("beats_scorecard", "reasons_stable", "calibration_bands"),
        fresh=True,
    ),
    Sabotage(
        "proxy of sex that decides nothing",
        proxy_idle,
        {"proxies": r"FAIL .*fairness.proxy_largest.auc.* outside"},
        fresh=True,
    ),
    # Income is in one family with the loan as its share, and with so much weight on it that family may not hold.
    Sabotage(
        "unfair feature",
        unfair_feature,
        {"fairness_women": r"FAIL .*\(fairness.contrasts.women.ratio\)"},
        may=("beats_scorecard", "reasons_stable", "reasons_hold", "calibration_bands"),
        fresh=True,
    ),
    # Who is declined for little has reasons that weigh little: their order, and what holds of them, is open. So is
    # whether so thin a margin earns anything under stress.
    Sabotage(
        "unfair cut-off",
        unfair_cut_off,
        {"fairness_women": r"FAIL .*\(fairness.contrasts.women.ratio\)"},
        may=("stress_profit", "fairness_age", "reasons_hold", "reasons_not_best_value", *AGREEMENT),
    ),
    Sabotage(
        "group too small",
        group_too_small,
        {
            "fairness_age": r"CANNOT SAY .*62 and over: 20 rows, and fairness.min_n asks for 100",
            "altered": r"REFUSED artifacts/protected/test.parquet is not the table",
        },
        quick=True,
    ),
    Sabotage(
        "scale_pos_weight among the parameters",
        weighted_parameter,
        {"config": r"REFUSED .*scale_pos_weight"},
        quick=True,
    ),
    # PDs far too high: few are approved, which moves fairness and reasons as a strict cut-off does. Other seeds are
    # grown without the weights.
    Sabotage(
        "scale_pos_weight without calibration",
        weighted,
        {"calibration_level": r"FAIL .*\(test.calibration_in_the_large\) is -", "calibration_bands": r"FAIL"},
        may=(
            "calibration_slope",
            "fairness_women",
            "stress_profit",
            "reasons_hold",
            "reasons_not_best_value",
            *AGREEMENT,
        ),
    ),
    # A factor may now be cited on the wrong side of the population; other seeds are grown with the constraints.
    Sabotage(
        "monotonicity broken",
        unconstrained,
        {"monotone": r"FAIL .*\(monotone.violations\) is [1-9]"},
        may=("reasons_hold", "reasons_not_best_value", *AGREEMENT),
    ),
    Sabotage(
        "feature names shuffled in scorer.json", names_shuffled, {"scorer": r"REFUSED .*other features"}, quick=True
    ),
    # Both files agree with one another, so only a comparison with the config that the tables were written by can tell.
    *(
        Sabotage(
            f"feature names shuffled throughout: {' and '.join(pair)}",
            names_shuffled_throughout(*pair),
            {"scorer": r"REFUSED .*(columns|features)"},
            quick=pair[0] == "income",  # the other goes through every stage
        )
        for pair in (("income", "utilisation"), ("employment", "purpose"))
    ),
    # The first reason is now lateness for nearly all, also for the most who were never late: it does not hold and no
    # other way of looking agrees. The overlap of lists and the correlation of all figures are open.
    Sabotage(
        "reasons cite a best value",
        best_value_cited,
        {
            "reasons_not_best_value": r"FAIL .*\(explain.reasons.at_best\)",
            "reasons_hold": r"FAIL",
            "reasons_stable": r"FAIL",
            "reasons_interventional": r"FAIL",
        },
        may=("reasons_overlap", "reasons_correlation", "reasons_for_everybody"),  # lateness is not true of all of them
    ),
    Sabotage(
        "drifted data",
        drifted,
        {
            "validate-data": r"REFUSED (?!.*(income|loan|purpose|term|employ|existing)).*"
            r"utilisation: drifted"
        },
        quick=True,
    ),
    # PD given the features is unchanged, but beyond what the trees have seen they cannot follow it; declines differ. So
    # far out nearly every account is bad, by the truth itself: that looks like a feature that makes sure of the bads.
    Sabotage(
        "drifted test rows",
        drifted_test_rows,
        {"stability": r"FAIL .*stability.score_psi", "stability_inputs": r"FAIL .*stability.csi_largest"},
        may=(
            "calibration_slope",
            "calibration_level",
            "calibration_bands",
            "fairness_women",
            "beats_scorecard",
            "discrimination",
            "stress_profit",
            "leak_marked",
            "leak_order",  # within the test rows risk rises with the days
            "reasons_hold",
            *AGREEMENT,
        ),
        fresh=True,
    ),
    Sabotage(
        "figures of another scorer",
        stale_metrics,
        {"stale": r"REFUSED reports/metrics.json measured another"},
        quick=True,
    ),
    *(
        Sabotage(
            f"{name}.json of another scorer",
            stale_report(name),
            {"stale": rf"REFUSED reports/{name}.json measured another scorer$"},
            quick=True,
        )
        for name in ("metrics", "fairness", "explain", "robustness", "latency")
    ),
    Sabotage(
        "metrics.json missing",
        missing("metrics"),
        {"gate": r"REFUSED reports/metrics.json: there is no such"},
        quick=True,
    ),
    Sabotage(
        "fairness.json missing",
        missing("fairness"),
        dict.fromkeys(("fairness_women", "fairness_age", "proxies"), NOT_MEASURED),
        quick=True,
    ),
    Sabotage(
        "explain.json missing",
        missing("explain"),
        dict.fromkeys((*(f"reasons_{name}" for name in OF_EXPLAIN), "required_features"), NOT_MEASURED),
        quick=True,
    ),
    Sabotage(
        "robustness.json missing",
        missing("robustness"),
        dict.fromkeys(("not_scored_by_accident", "nonsense_not_scored", "stress_profit"), NOT_MEASURED),
        quick=True,
    ),
    Sabotage("latency.json missing", missing("latency"), {"latency": NOT_MEASURED}, quick=True),
    Sabotage("NaN metric", not_a_number("auc", math.nan), {"discrimination": NOT_MEASURED}, quick=True),
    Sabotage(
        "NaN end of an interval",
        not_a_number("auc_low", math.nan),
        {"discrimination": r"CANNOT SAY .*no interval"},
        quick=True,
    ),
    Sabotage("metric written as a word", not_a_number("auc", "0.99"), {"discrimination": NOT_MEASURED}, quick=True),
    Sabotage(
        "scorer byte flipped: model.txt",
        byte_flipped("model.txt"),
        {
            "scorer": r"REFUSED models/scorer/model.txt is not the model",
            "stale": r"REFUSED .*another scorer",
            "digests": r"REFUSED the scorer changed",
        },
        quick=True,
    ),
    # These still load: what they say is not known to be wrong, only that it was not what was judged.
    *(
        Sabotage(
            f"scorer byte flipped: {name}",
            byte_flipped(name),
            {"stale": r"REFUSED .*another scorer", "digests": r"REFUSED the scorer changed"},
            may=("scorer",),
            quick=True,
        )
        for name in ("scorer.json", "config.json", "background.json", "reference.json")
    ),
    Sabotage(
        "config edited after the verdict",
        config_edited,
        {"digests": r"REFUSED the config changed", "floor": r"REFUSED .*discrimination judges at_least 0.5"},
        quick=True,
    ),
    # Figures of another config are stale besides; a gate that is gone or turned may say otherwise than before.
    *(
        Sabotage(
            name,
            asked_less(change),
            {"floor": rf"REFUSED .*{re.escape(sentence)}"},
            may=("stale", "record", "digests", "discrimination", "calibration_slope", "fairness_women", "fairness_age"),
            quick=name in ("intervals of half the confidence", "limit loosened", "fairness declared unavailable"),
        )
        for name, (change, sentence) in ASKED_LESS.items()
    ),
    Sabotage(
        "figures written by hand",
        figures_by_hand,
        {"altered": r"REFUSED reports/metrics.json was altered: test.auc is 0.93 there"},
        quick=True,
    ),
    Sabotage(
        "test rows thinned",
        thinned_test_rows,
        {"altered": r"REFUSED .*artifacts/inputs/test.parquet is not the table that `prepare` wrote"},
        may=("calibration_slope", "calibration_level", "calibration_bands"),  # bads are missing where PDs are low
    ),
    Sabotage(
        "predictions that know the outcome",
        predictions_sharpened,
        {"altered": r"REFUSED artifacts/predictions/test.parquet does not hold what models/scorer says"},
        quick=True,
    ),
    Sabotage(
        "policy edited, only the gate run again",
        policy_edited,
        {"stale": r"REFUSED .*policy"},
        quick=True,
    ),
    Sabotage(
        "verdict overwritten", verdict_overwritten, {"monotone": r"FAIL .*\(monotone.violations\) is 12"}, quick=True
    ),
    Sabotage("slow scorer", slow, {"latency": r"FAIL .*\(latency.approve.ratio\)"}),
    # Trees cut finer than bins, so the scorecard is nearly as good and not better: the interval may reach the limit.
    Sabotage(
        "challenger as good as the model",
        scorecard_as_good,
        {"beats_scorecard": r"(FAIL|CANNOT SAY) .*\(selection.beyond_materiality\) .* keep the scorecard"},
        fresh=True,
    ),
    # Trees cut short rank on the strongest features alone: what is left for the required ones and for the level of
    # agreement between explanations is open, and PDs of few trees are few.
    Sabotage(
        "challenger better than the model",
        scorecard_better,
        {"beats_scorecard": r"FAIL .*\(selection.beyond_materiality\) is -.* keep the scorecard"},
        may=("required_features", "reasons_hold", "fairness_women", "discrimination", "calibration_bands", *AGREEMENT),
        fresh=True,
    ),
    *OF_DATA,
    *OF_REASONS,
    *OF_RECORD,
    *_of_part("harms_of_validator", "OF_VALIDATOR"),
)

# Nothing is wrong with these: every gate must pass, or the refusals above prove nothing.
CONTROLS = (
    Sabotage("biased past, proxy kept away", proxy_kept_away, {}, may=("beats_scorecard",), fresh=True),
    Sabotage("challenger as good, the better one chosen", scorecard_chosen, {}, fresh=True),
    *CONTROLS_OF_DATA,
    *CONTROLS_OF_REASONS,
    *_of_part("harms_of_validator", "CONTROLS_OF_VALIDATOR"),
)

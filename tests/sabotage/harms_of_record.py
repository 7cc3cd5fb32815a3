"""Sabotages of what is on record: reports, tables, waivers, the floor, and what the champion was."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from declared import Sabotage, crown
from trial import Trial

from credit_risk.config import floor
from credit_risk.data.writing import read_parquet, write_json, write_parquet, write_text
from credit_risk.stages import gate
from identities_trial import sign_waiver

PERSON = "Ada Lovelace"


def edited_after(report: str, key: str) -> Callable[[Trial], None]:
    """A report that gains one key after the verdict: the gate is not run again."""
    return lambda trial: trial.edit_json(trial.files.report(report), lambda tree: tree.update({key: 1}))


def edited_before(report: str, *keys: str, value: float) -> Callable[[Trial], None]:
    """A figure that a gate reads written by hand into a report, and the gate run on it."""

    def harm(trial: Trial) -> None:
        def change(tree: Any) -> None:
            *folders, name = keys
            for key in folders:
                tree = tree[key]
            tree.update({f"{name}{end}": value for end in ("", "_low", "_high") if f"{name}{end}" in tree})

        trial.edit_json(trial.files.report(report), change, seal=False)
        trial.run(gate)

    return harm


def rows_by_hand(trial: Trial) -> None:
    """The digests of the prepared tables taken out of preparation.json."""
    trial.edit_json(trial.files.report("preparation"), lambda tree: tree["parts"]["test"].update(rows=1))
    trial.run(gate)


def outcomes_after_preparation(trial: Trial) -> None:
    """Every fifth bad of the test rows made a good account after `prepare`."""
    path = trial.files.outcomes("test")
    table = read_parquet(path)
    bads = table.index[table["bad"]][::5]
    table.loc[bads, "bad"] = False
    write_parquet(path, table)
    trial.run(gate)


def protected_after_preparation(trial: Trial) -> None:
    """The sex of every third woman of the test rows changed after `prepare`."""
    path = trial.files.protected("test")
    table = read_parquet(path)
    women = table.index[table["sex"] == "female"][::3]
    write_parquet(path, table.assign(sex=table["sex"].mask(table.index.isin(women), "male")))
    trial.run(gate)


def training_rows_thinned(trial: Trial) -> None:
    """Every tenth training row taken out after the training."""
    for of in (trial.files.inputs, trial.files.outcomes, trial.files.protected):
        table = read_parquet(of("train"))
        write_parquet(of("train"), table[table.index % 10 != 0].reset_index(drop=True))
    trial.run(gate)


def models_exchanged(trial: Trial) -> None:
    """Scorer and challenger change places after the verdict."""
    scorer, challenger = trial.files.scorer, trial.files.challenger
    aside = scorer.with_name("aside")
    scorer.rename(aside)
    challenger.rename(scorer)
    aside.rename(challenger)


def parameters_edited(trial: Trial) -> None:
    """Another learning rate in model.yaml after the training."""
    trial.edit_config(lambda tree: tree.update(learning_rate=0.2), "model.yaml")
    trial.run(gate)


def seed_edited(trial: Trial) -> None:
    """Another seed of the split, and nothing but the gate run again."""
    trial.edit_config(lambda tree: tree["split"].update(seed=8))
    trial.run(gate)


def undecided(trial: Trial) -> None:
    """What a draft filled in and nobody has decided."""
    trial.edit_config(lambda tree: tree.update(suggested=["policy.margin"]))
    trial.run(gate)


def without_floor(trial: Trial) -> None:
    """The policy floor deleted."""
    (trial.files.config.parent / floor.NAME).unlink()
    trial.run(gate)


def waive(trial: Trial, check: str, *, days: int = 30, person: str = PERSON) -> None:
    """Write a waiver of a check, and sign it with a key of Ada Lovelace."""
    path = trial.files.waivers / f"{check}.yaml"
    expires = datetime.now(UTC).date() + timedelta(days=days)
    reason = "the committee accepts it until the next rows are in"
    write_text(path, f"person: {person}\nrole: validator\ncheck: {check}\nreason: {reason}\nexpires: {expires}\n")
    sign_waiver(trial.root, path, PERSON)


def waiver_unsigned(trial: Trial) -> None:
    """A waiver by a name that somebody made up: nobody signed it."""
    waive(trial, "discrimination")
    (trial.files.waivers / "discrimination.yaml.sig").unlink()
    trial.run(gate)


def waiver_of_another(trial: Trial) -> None:
    """A waiver in one person's name, signed with another's key."""
    waive(trial, "discrimination", person="Grace Hopper")
    trial.run(gate)


def waiver_expired(trial: Trial) -> None:
    waive(trial, "discrimination", days=-1)
    trial.run(gate)


def waiver_without_end(trial: Trial) -> None:
    waive(trial, "discrimination", days=4_000)
    trial.run(gate)


def waiver_of_what_nobody_may(trial: Trial) -> None:
    """A signed waiver of a check that the floor lets nobody lift."""
    waive(trial, "monotone")
    trial.run(gate)


def waiver_of_another_check(trial: Trial) -> None:
    """A signed waiver of a check that is not there."""
    waive(trial, "discriminaton")
    trial.run(gate)


def waivers_by_the_dozen(trial: Trial) -> None:
    """More signed waivers than the floor allows at once, needed or not."""
    for check in ("discrimination", "calibration_slope", "calibration_level", "latency"):
        waive(trial, check)
    trial.run(gate)


def definition_of_bad(**outcome: Any) -> Callable[[Trial], None]:
    """Bad means another thing than to the champion."""

    def harm(trial: Trial) -> None:
        crown(trial)
        trial.edit_config(lambda tree: tree["outcome"].update(outcome))
        trial.run(gate)

    return harm


def other_draw(trial: Trial) -> None:
    """Everything again with another seed of the split: another draw, which nobody refuses and everybody sees."""
    crown(trial)
    trial.edit_config(lambda tree: tree["split"].update(seed=8))
    trial.run_from_raw()


def record_of_a_champion_halved(trial: Trial) -> None:
    """A champion's release whose config is no config: nothing could be compared with it."""
    crown(trial)
    write_json(trial.files.parts / "champion" / "models" / "scorer" / "config.json", [])
    trial.run(gate)


AFTER: Mapping[str, str] = {
    name: rf"REFUSED reports/{name}.json changed after the verdict"
    for name in ("preparation", "selection", "metrics", "fairness", "explain", "robustness", "latency")
}

BEFORE: Mapping[str, Callable[[Trial], None]] = {
    "fairness": edited_before("fairness", "contrasts", "women", "ratio", value=1.0),
    "explain": edited_before("explain", "reasons", "untrue", value=0.0),
    "robustness": edited_before("robustness", "scenarios", "odds_doubled", "held_profit", value=0.05),
    "selection": edited_before("selection", "beyond_materiality", value=0.01),
    "latency": edited_before("latency", "decline", "ratio", value=5.0),
}

OTHER_TABLES = r"REFUSED the tables were prepared under other columns, outcome or split"

OF_RECORD = (
    *(
        Sabotage(f"{name}.json edited after the verdict", edited_after(name, "note"), {"digests": said}, quick=True)
        for name, said in AFTER.items()
    ),
    *(
        Sabotage(
            f"{name}.json edited before the verdict",
            harm,
            {"altered": rf"REFUSED reports/{name}.json was altered: it is not as it was written"},
            quick=True,
        )
        for name, harm in BEFORE.items()
    ),
    Sabotage(
        "rows of preparation.json by hand",
        rows_by_hand,
        {"altered": r"REFUSED reports/preparation.json was altered: its counts of test rows"},
        quick=True,
    ),
    Sabotage(
        "outcomes edited after preparation",
        outcomes_after_preparation,
        {"altered": r"REFUSED .*artifacts/outcomes/test.parquet is not the table"},
        quick=True,
    ),
    Sabotage(
        "protected column edited after preparation",
        protected_after_preparation,
        {"altered": r"REFUSED .*artifacts/protected/test.parquet is not the table"},
        quick=True,
    ),
    Sabotage(
        "training rows thinned after the training",
        training_rows_thinned,
        {
            "altered": r"REFUSED .*artifacts/inputs/train.parquet is not the table",
            "record": r"REFUSED artifacts/model was trained on other inputs",
        },
        quick=True,
    ),
    Sabotage(
        "scorer and challenger exchanged",
        models_exchanged,
        {"digests": r"REFUSED the scorer changed", "stale": r"REFUSED .*measured another scorer"},
        may=("reasons_resampled",),
        quick=True,
    ),
    Sabotage(
        "parameters edited after the training",
        parameters_edited,
        {"record": r"REFUSED artifacts/model was trained on other parameters"},
        quick=True,
    ),
    Sabotage("seed of the split edited, only the gate run again", seed_edited, {"record": OTHER_TABLES}, quick=True),
    Sabotage("what nobody has decided", undecided, {"record": r"REFUSED not promotable: .*policy.margin"}, quick=True),
    Sabotage(
        "floor deleted", without_floor, {"record": r"REFUSED configs/policies/gate_floor.yaml is not there"}, quick=True
    ),
    Sabotage(
        "waiver by a made-up name",
        waiver_unsigned,
        {"gate": r"REFUSED .*nobody of identities.yaml signed it"},
        quick=True,
    ),
    Sabotage(
        "waiver in another's name",
        waiver_of_another,
        {"gate": r"REFUSED .*it is signed by Ada Lovelace; expected Grace Hopper"},
        quick=True,
    ),
    Sabotage(
        "waiver that has expired",
        waiver_expired,
        {"gate": r"REFUSED These waivers do not count.*it expired on"},
        quick=True,
    ),
    Sabotage(
        "waiver for eleven years",
        waiver_without_end,
        {"gate": r"REFUSED These waivers do not count.*at most 366 days"},
        quick=True,
    ),
    Sabotage(
        "waiver of what nobody may waive",
        waiver_of_what_nobody_may,
        {"floor": r"REFUSED monotone is waived, and the floor lets nobody waive it"},
        quick=True,
    ),
    Sabotage(
        "waiver of a check that is not there",
        waiver_of_another_check,
        {"gate": r"REFUSED These waivers do not count.*expected one gate by its name"},
        quick=True,
    ),
    Sabotage(
        "waivers by the dozen",
        waivers_by_the_dozen,
        {"floor": r"REFUSED waived checks: 4, and the floor allows 3"},
        quick=True,
    ),
    Sabotage(
        "bad defined in other words",
        definition_of_bad(definition="60 days late"),
        {"definition_of_bad": r"FAIL .*in outcome.definition", "record": OTHER_TABLES},
        quick=True,
    ),
    Sabotage(
        "bad by other codes",
        definition_of_bad(bad=["bad", "indeterminate"], indeterminate=[]),
        {"definition_of_bad": r"FAIL .*in outcome.bad, outcome.indeterminate", "record": OTHER_TABLES},
        quick=True,
    ),
    Sabotage(
        "shorter window for bad",
        definition_of_bad(performance_window_months=6),
        {"definition_of_bad": r"FAIL .*in outcome.performance_window_months", "record": OTHER_TABLES},
        quick=True,
    ),
    Sabotage(
        "half a champion",
        record_of_a_champion_halved,
        {"gate": r"REFUSED .*champion/models/scorer/config.json is no config of a scorer"},
        quick=True,
    ),
    Sabotage("another draw of the split", other_draw, {}, shown=r"split\.seed: 7 → 8"),
)

"""The scorer: the same bits after loading, a table like single applications, and nothing scored that must not be."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pandas import DataFrame

from credit_risk.config import Config
from credit_risk.config.columns import Exclusion
from credit_risk.config.schema import PolicyRule
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.errors import DataError, ScorerError
from credit_risk.scoring import decision
from credit_risk.scoring.decision import NO_RULE, Decisions
from credit_risk.scoring.scorer import Scorer

Trained = tuple[Config, Files]


@pytest.fixture(scope="module", params=["scorer", "challenger"])
def scorer(request: pytest.FixtureRequest, trained: Trained) -> Scorer:
    """Both kinds of scorer; each test runs with each."""
    return Scorer.load(getattr(trained[1], request.param))


@pytest.fixture
def copied(tmp_path: Path, trained: Trained) -> Path:
    """A scorer directory that a test may harm."""
    return Path(shutil.copytree(trained[1].scorer, tmp_path / "scorer"))


@pytest.fixture(scope="module")
def table(trained: Trained) -> DataFrame:
    return pd.read_parquet(trained[1].inputs("test")).head(300).reset_index(drop=True)


def application(table: DataFrame, row: int = 0, **changes: Any) -> dict[str, Any]:
    """One row as JSON would carry it: missing is null."""
    return {**json.loads(table.iloc[[row]].to_json(orient="records"))[0], **changes}


SOUND = {
    "employment": "4-7y",
    "income": 40_000.0,
    "purpose": "car",
    "loan_amount": 10_000.0,
    "term_months": 24,
    "utilisation": 0.3,
    "months_late": 0,
    "existing_customer": True,
}


def bits(decisions: Decisions) -> list[bytes]:
    return [
        np.ascontiguousarray(part).tobytes()
        for part in (decisions.pd, decisions.score, decisions.band, decisions.outcome, decisions.rule, decisions.unseen)
    ]


def said(decisions: Decisions, row: int = 0) -> str:
    return decision.OUTCOMES[decisions.outcome[row]]


def test_what_is_saved_and_loaded_decides_to_the_bit_alike(scorer: Scorer, table: DataFrame, tmp_path: Path):
    scorer.save(tmp_path / "again")
    again = Scorer.load(tmp_path / "again")
    assert again.digest == scorer.digest
    assert bits(again.decide(table)) == bits(scorer.decide(table))


def test_a_table_and_its_rows_one_by_one_are_decided_to_the_bit_alike(scorer: Scorer, table: DataFrame):
    rows = json.loads(table.to_json(orient="records", double_precision=15))
    exact = DataFrame(rows)[list(table)].astype({"income": float})
    whole, single = scorer.decide(exact), [scorer.decide(row) for row in rows]
    assert len(single) == 300
    assert exact["income"].isna().any()
    for name in ("pd", "score", "band", "outcome", "rule"):
        together = np.concatenate([getattr(one, name) for one in single])
        assert together.tobytes() == getattr(whole, name).tobytes(), name
    assert list(whole.table()["why"]) == [one.table()["why"][0] for one in single]


# What can stand in a request: sound, at the ends of a range, beyond it, of no type at all, or not there.
FIELDS = {
    "employment": st.sampled_from(["4-7y", "<1y", "never", 3, None]),
    "income": st.floats(0, 1e6) | st.sampled_from([0, -0.0, 5e-324, 1e308, math.inf, math.nan, None]),
    "purpose": st.sampled_from(["car", "home", "Car", None]),
    "loan_amount": st.floats(1, 1e7) | st.sampled_from([1, 0, -1, 1e9, None]),
    "term_months": st.integers(1, 480) | st.sampled_from([24.0, 24.5, None]),
    "utilisation": st.floats(0, 3) | st.sampled_from([-0.0, None, "0.3"]),
    "months_late": st.integers(0, 12) | st.sampled_from([None, True]),
    "existing_customer": st.booleans() | st.none(),
}
LIKELY = st.sampled_from([False, False, False, True])  # most fields are sound, or no application ever would be


@pytest.mark.parametrize("examples", [50, pytest.param(1_000, marks=pytest.mark.weekly)])
def test_an_application_is_decided_to_the_bit_as_among_others(scorer: Scorer, examples: int):
    scorers = (scorer, with_rules(scorer))

    @settings(max_examples=examples)
    @given(data=st.data())
    def alike(data: st.DataObject) -> None:
        odd = {name: data.draw(FIELDS[name]) if data.draw(LIKELY) else SOUND[name] for name in SOUND}
        for of in scorers:
            one = of.decide(odd)
            table = of.decide_inputs(np.vstack([one.inputs, of.decide(SOUND).inputs]))
            assert bits(one) == [part[: len(own)] for part, own in zip(bits(table), bits(one), strict=True)]
            assert one.explanation(0) == table.explanation(0)
            assert one.table()["why"][0] == table.table()["why"][0]
            assert one.faults.any[0] == table.faults.any[0]

    alike()


def with_rules(scorer: Scorer) -> Scorer:
    """The scorer with rules of which either, both or neither can hold for an application."""
    rules = [
        PolicyRule(name="long", where="term_months > 48", decision="refer", reason="too long"),
        PolicyRule(name="late", where="months_late >= 3 or income < 1000", decision="decline", reason="late"),
    ]
    policy = scorer.config.policy.model_copy(update={"rules": tuple(rules)})
    return replace(scorer, config=scorer.config.model_copy(update={"policy": policy}))


def test_a_large_table_is_decided_like_its_parts(scorer: Scorer, trained: Trained):
    large = pd.read_parquet(trained[1].inputs("test"))
    assert len(large) > 600  # enough for several threads
    parts = np.concatenate([scorer.decide(large[:300]).pd, scorer.decide(large[300:]).pd])
    assert scorer.decide(large).pd.tobytes() == parts.tobytes()


def test_a_sound_application_has_pd_score_band_and_decision(scorer: Scorer):
    decisions = scorer.decide(SOUND)
    assert 0 < decisions.pd[0] < 1
    assert_array_equal(decisions.score, decision.scores(decisions.pd, scorer.config.policy.scale))
    row = decisions.table().iloc[0]
    assert row["band"] in ("A", "B", "C")
    assert row["decision"] in ("approve", "refer", "decline")
    assert row["why"] == ""


def test_columns_count_by_name_and_protected_ones_not_at_all(scorer: Scorer, table: DataFrame):
    more = table.assign(sex="female", age=99, status="bad", application_id=1)
    assert bits(scorer.decide(more[more.columns[::-1]])) == bits(scorer.decide(table))
    assert bits(scorer.decide({**SOUND, "sex": "female", "age": 30})) == bits(scorer.decide(SOUND))


def test_a_table_without_a_column_is_refused_by_its_name(scorer: Scorer, table: DataFrame):
    with pytest.raises(DataError, match="the table lacks utilisation"):
        scorer.decide(table.drop(columns="utilisation"))


def test_a_table_without_rows_is_decided_too(scorer: Scorer, table: DataFrame):
    assert len(scorer.decide(table[:0]).table()) == 0


def not_scored(decisions: Decisions, row: int = 0) -> str:
    """That no PD was made up for an application; and what became of it."""
    assert np.isnan(decisions.pd[row])
    assert np.isnan(decisions.score[row])
    assert said(decisions, row) != "approve"
    assert decisions.why_not_scored(row)
    return said(decisions, row)


def test_an_empty_application_is_refused_and_names_every_field(scorer: Scorer):
    decisions = scorer.decide({})
    assert not_scored(decisions) == "refused"
    why = decisions.table()["why"][0]
    # income may be missing: it is no fault by itself.
    for name in set(SOUND) - {"income"}:
        assert f"{name}: missing" in why


def test_a_missing_field_is_refused_or_referred_as_its_column_says(scorer: Scorer):
    assert not_scored(scorer.decide({**SOUND, "utilisation": None})) == "refused"
    assert not_scored(scorer.decide({**SOUND, "months_late": None})) == "refer"
    assert not np.isnan(scorer.decide({**SOUND, "income": None}).pd[0])


def test_a_broken_field_is_refused(scorer: Scorer):
    for broken in (
        {"purpose": "boat"},
        {"employment": 3},
        {"term_months": 24.5},
        {"term_months": 0},
        {"utilisation": "0.3"},
        {"existing_customer": 1},
        {"income": float("inf")},
    ):
        assert not_scored(scorer.decide({**SOUND, **broken})) == "refused", broken


def test_a_broken_row_does_not_change_the_others(scorer: Scorer, table: DataFrame):
    broken = table.assign(purpose=table["purpose"].astype(str))
    broken.loc[0, "purpose"] = "boat"
    decisions = scorer.decide(broken)
    assert not_scored(decisions) == "refused"
    assert_array_equal(decisions.pd[1:], scorer.decide(table).pd[1:])


def test_a_feature_that_was_never_missing_in_training_may_not_be_missing_now(scorer: Scorer):
    strict = replace(scorer, seen_missing=(False,) * len(scorer.seen_missing))
    decisions = strict.decide({**SOUND, "income": None})
    assert not_scored(decisions) == "refer"
    assert decisions.table()["why"][0] == (
        "income: cannot be computed, and always could be in training; "
        "loan_to_income: cannot be computed, and always could be in training"
    )


EXCLUDED = {
    "decision": "refer",
    "pd": None,
    "score": None,
    "band": None,
    "rule": "long terms: product withdrawn",
    "reasons": [],
    "prompts": ["product withdrawn"],
    "faults": [],
}


@pytest.mark.parametrize("changes", [{}, {"months_late": 6}, {"utilisation": 9.0}, {"income": None}])
def test_an_excluded_application_is_referred_with_the_exclusions_reason(scorer: Scorer, changes: dict[str, Any]):
    """Alone and in a table, whatever a rule or the model would say: the model is not meant for it."""
    excluded = {**SOUND, **changes, "term_months": 97}
    assert scorer.decide(excluded).record() == EXCLUDED
    table = scorer.decide(DataFrame([{**SOUND, "term_months": 96}, *[excluded] * 5]))
    assert table.rule[0] == NO_RULE
    assert [table.record(row) for row in range(1, 6)] == [EXCLUDED] * 5
    assert set(table.table()["why"][1:]) == {"long terms: product withdrawn"}
    assert np.isnan(scorer.pds(table.inputs)[1:]).all()


def test_what_is_unfit_is_refused_before_it_is_excluded(scorer: Scorer):
    assert not_scored(scorer.decide({**SOUND, "term_months": 97, "purpose": "boat"})) == "refused"


def test_of_two_exclusions_the_first_speaks(scorer: Scorer):
    first = Exclusion(name="staff", where="loan_amount > 0", reason="decided by hand")
    outcome = scorer.config.outcome.model_copy(update={"exclusions": (first, *scorer.config.outcome.exclusions)})
    both = replace(scorer, config=scorer.config.model_copy(update={"outcome": outcome}))
    assert both.decide({**SOUND, "term_months": 97}).record()["rule"] == "staff: decided by hand"


def test_a_policy_rule_declines_with_its_reason_whatever_the_model_says(scorer: Scorer):
    row = scorer.decide({**SOUND, "months_late": 6}).table().iloc[0]
    assert (row["decision"], row["why"]) == ("decline", "very late: six months late or more")
    assert np.isfinite(row["pd"])
    assert scorer.decide({**SOUND, "months_late": 5}).rule[0] == NO_RULE


def test_a_policy_may_have_more_rules_than_a_byte_can_count(scorer: Scorer):
    rules = [
        PolicyRule(name=f"rule {place}", where=f"term_months > {500 - place}", decision="decline", reason="long")
        for place in range(480)
    ]
    policy = scorer.config.policy.model_copy(update={"rules": tuple(rules)})
    many = replace(scorer, config=scorer.config.model_copy(update={"policy": policy}))
    # 24 months are more than 500 - 477 and no more than 500 - 476.
    for one in (many.decide(SOUND), many.decide({**SOUND, "income": None})):
        assert one.table()["why"][0] == "rule 477: long"


def test_a_policy_rule_does_not_decide_on_what_is_refused(scorer: Scorer):
    assert not_scored(scorer.decide({**SOUND, "months_late": 6, "utilisation": None})) == "refused"


@pytest.mark.parametrize(
    ("decisions", "decided"),
    [
        (("refer", "decline"), ("decline", "second")),  # the strictest, wherever it stands
        (("decline", "refer"), ("decline", "first")),
        (("decline", "decline"), ("decline", "first")),  # the first of equals
    ],
)
def test_the_strictest_rule_decides(scorer: Scorer, decisions: tuple[str, str], decided: tuple[str, str]):
    policy = scorer.config.policy
    rules = [
        policy.rules[0].model_copy(
            update={"name": reason, "where": "income > 0", "decision": decision, "reason": reason}
        )
        for decision, reason in zip(decisions, ("first", "second"), strict=True)
    ]
    changed = scorer.config.model_copy(update={"policy": policy.model_copy(update={"rules": tuple(rules)})})
    row = replace(scorer, config=changed).decide(SOUND).table().iloc[0]
    assert (row["decision"], row["why"]) == (decided[0], f"{decided[1]}: {decided[1]}")


def test_a_rule_that_refers_does_not_lift_a_decline_of_the_model(scorer: Scorer):
    policy = scorer.config.policy
    rule = policy.rules[0].model_copy(update={"where": "income > 0", "decision": "refer", "reason": "look at it"})
    # With the smallest of margins the cut-off is near 0, so that the model declines.
    strict = policy.model_copy(update={"rules": (rule,), "margin": 0.0101, "refer_within": 0.0})
    decisions = replace(scorer, background=None, config=scorer.config.model_copy(update={"policy": strict})).decide(
        SOUND
    )
    assert (decisions.table().iloc[0]["decision"], decisions.rule[0]) == ("decline", NO_RULE)


def test_the_digest_is_that_of_the_directory_and_depends_on_every_file(copied: Path):
    seen = {Scorer.load(copied).digest}
    assert seen == {digest.of_directory(copied)}
    files = sorted(path for path in copied.rglob("*") if path.is_file())
    assert [path.name for path in files] == [
        "background.json",
        "config.json",
        "model.txt",
        "reference.json",
        "scorer.json",
    ]
    for path in files:
        path.write_text(path.read_text() + "\n")
        seen.add(digest.of_directory(copied))
    assert len(seen) == 6


def test_a_model_that_was_altered_is_refused_although_it_could_be_read(copied: Path):
    text = (copied / "model.txt").read_text()
    (copied / "model.txt").write_text(text.replace("leaf_value=-", "leaf_value=", 1))
    with pytest.raises(ScorerError, match=r"model.txt"):
        Scorer.load(copied)


def test_nothing_is_pickled_and_nothing_is_executed(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for path in copied.rglob("*"):
        text = path.read_text(encoding="utf-8")  # no binary file at all
        assert path.suffix in (".json", ".txt")
        assert "pickle" not in text
        assert "joblib" not in text
    for module, name in (("pickle", "load"), ("pickle", "loads"), ("pickle", "Unpickler"), ("joblib", "load")):
        monkeypatch.setattr(f"{module}.{name}", lambda *_, **__: pytest.fail("unpickled"))
    (copied / "setup.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    Scorer.load(copied).decide(SOUND)
    assert not (tmp_path / "executed").exists()


def test_a_formula_that_does_more_than_arithmetic_is_not_run(copied: Path, tmp_path: Path):
    target = tmp_path / "executed"
    edit(copied, "config.json", lambda raw: raw["derived"]["loan_to_income"].update(formula=f"open('{target}', 'w')"))
    with pytest.raises(ScorerError, match=r"config\.json"):
        Scorer.load(copied).decide(SOUND)
    assert not target.exists()


def edit(path: Path, name: str, change: Callable[[Any], Any]) -> None:
    raw = json.loads((path / name).read_text())
    change(raw)
    (path / name).write_text(json.dumps(raw))


@pytest.mark.parametrize("name", ["scorer.json", "model.txt", "config.json", "reference.json"])
def test_a_missing_file_is_named(copied: Path, name: str):
    (copied / name).unlink()
    with pytest.raises(ScorerError, match=f"{name} is missing"):
        Scorer.load(copied)


def test_a_directory_that_is_not_there_or_is_a_file_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(ScorerError, match=path.name):
            Scorer.load(path)


GARBLED = [b"", b"\xff\xfe", b"garbage", b"[]", b"null"]
FILES = ["scorer.json", "model.txt", "config.json", "reference.json"]


# An object, whatever it holds, is all that the scorer itself asks of the reference.
@pytest.mark.parametrize(
    ("name", "content"),
    [(name, content) for name in FILES for content in GARBLED]
    + [(name, content) for name in FILES[:3] for content in (b"{}", b'{"format": 1}')],
)
def test_a_garbled_file_is_named(copied: Path, name: str, content: bytes):
    (copied / name).write_bytes(content)
    with pytest.raises(ScorerError, match=name):
        Scorer.load(copied)


@pytest.mark.parametrize(
    "content", ["", "garbage", "[]", "{}", '{"columns": [0], "bins": [], "coefficients": [], "intercept": "x"}']
)
def test_a_garbled_scorecard_is_named(tmp_path: Path, trained: Trained, content: str):
    copied = Path(shutil.copytree(trained[1].challenger, tmp_path / "scorecard"))
    (copied / "scorecard.json").write_text(content)
    with pytest.raises(ScorerError, match=r"scorecard\.json"):
        Scorer.load(copied)


def test_a_model_cut_short_is_named(copied: Path):
    text = (copied / "model.txt").read_text()
    (copied / "model.txt").write_text(text[: len(text) // 2])
    with pytest.raises(ScorerError, match=r"model.txt"):
        Scorer.load(copied)


@pytest.mark.parametrize(
    "change",
    [
        {"calibration": {"intercept": 0.0}},
        {"calibration": {"intercept": "0", "slope": 1.0}},
        {"calibration": {"intercept": 0.0, "slope": -1.0}},
        {"calibration": None},
        {"seen_missing": [True]},
        {"seen_missing": None},
        {"features": None},
    ],
)
def test_facts_that_cannot_be_are_named(copied: Path, change: dict[str, Any]):
    edit(copied, "scorer.json", lambda raw: raw.update(change))
    with pytest.raises(ScorerError, match=r"scorer\.json"):
        Scorer.load(copied)


def test_another_format_is_refused_with_both_numbers(copied: Path):
    edit(copied, "scorer.json", lambda raw: raw.update(format=3))
    with pytest.raises(ScorerError, match=r"format 3, this version reads 1 and 2"):
        Scorer.load(copied)


def test_an_unknown_kind_is_refused_with_the_known_ones(copied: Path):
    edit(copied, "scorer.json", lambda raw: raw.update(kind="pickle"))
    with pytest.raises(ScorerError, match=r"'pickle' is unknown; known: lightgbm, scorecard"):
        Scorer.load(copied)


def test_features_that_differ_from_the_configs_are_refused(copied: Path):
    edit(copied, "scorer.json", lambda raw: raw["features"].reverse())
    with pytest.raises(ScorerError, match="names other features"):
        Scorer.load(copied)


def test_a_model_of_another_matrix_is_refused(copied: Path):
    """The config and the facts agree on one feature fewer; the trees read one more."""
    edit(copied, "scorer.json", lambda raw: (raw["features"].pop(), raw["seen_missing"].pop()))
    edit(copied, "config.json", lambda raw: (raw["derived"].clear(), raw["model"]["directions"].pop("loan_to_income")))
    with pytest.raises(ScorerError, match=r"model\.txt"):
        Scorer.load(copied)


def test_the_reference_holds_counts_and_no_row(trained: Trained, table: DataFrame):
    scorer = Scorer.load(trained[1].scorer)
    assert set(scorer.reference) == {"inputs", "score"}
    trained_rows = len(pd.read_parquet(trained[1].inputs("train")))
    assert set(scorer.reference["inputs"]["columns"]) == set(table)
    for one in scorer.reference["inputs"]["columns"].values():
        assert sum(one["counts"]) == trained_rows

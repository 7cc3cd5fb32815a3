"""Protected attributes: apart from the service, gone with the person, counted by group with a smallest cell."""

import json
import shutil
import sqlite3
from collections import Counter
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from book import decide, delivery, entry

from credit_risk.cli import main
from credit_risk.config.schema import Gate
from credit_risk.errors import DataError
from credit_risk.ledger.errors import LedgerRefused
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.replay import decision_pages
from credit_risk.monitoring.protected import protected_file, protected_store
from credit_risk.monitoring.protected.protected_store import ProtectedAttributes
from credit_risk.monitoring.windows import freezing, groups
from credit_risk.monitoring.windows.groups import NOT_SHOWN, GroupCounting, merged
from ledger_fixtures import KEY

ROOT = Path(__file__).parents[3]
LENDER = Path(__file__).parents[2] / "lender"
OWN_KEY = bytes(range(32))
DEPLOYED = "serving:\n  ledger: {url: sqlite:///build/ledger/ledger.db}\n"


@pytest.fixture
def store(ledger):
    decide(ledger, date(2026, 1, 10), [entry("Ada"), entry("Ben", "decline"), entry("Cid"), entry(None)])
    with ProtectedAttributes(ledger, OWN_KEY, busy_timeout_s=5) as store:
        yield store


def subject(ledger: Ledger, applicant: str) -> bytes:
    return ledger.secret.digest(b"subject", "applicant", applicant)


def add(store, tmp_path, config, rows) -> protected_file.AttributeTotals:
    return protected_file.add(store, delivery(tmp_path / "given.csv", rows), config)


def test_what_a_person_said_is_read_by_the_ledgers_digest(store, ledger, config, tmp_path):
    rows = [{"applicant": "Ada", "sex": "female", "age": 30}, {"applicant": "Ben", "sex": "male", "age": ""}]
    recorded = add(store, tmp_path, config, rows)
    assert recorded.as_dict() == {"read": 2, "added": 2, "changed": 0, "known": 0, "rejected": 0}
    assert store.of_subjects([subject(ledger, name) for name in ("Ada", "Ben", "Cid")]) == {
        subject(ledger, "Ada"): {"sex": "female", "age": "30"},
        subject(ledger, "Ben"): {"sex": "male"},
    }


def test_the_same_again_is_known_and_a_later_word_takes_its_place(store, ledger, config, tmp_path):
    add(store, tmp_path, config, [{"applicant": "Ada", "sex": "female"}])
    again = add(store, tmp_path, config, [{"applicant": "Ada", "sex": "female"}])
    assert (again.counts["known"], again.counts["added"]) == (1, 0)
    assert add(store, tmp_path, config, [{"applicant": "Ada", "sex": "male"}]).counts["changed"] == 1
    assert store.of_subjects([subject(ledger, "Ada")]) == {subject(ledger, "Ada"): {"sex": "male"}}


def test_each_rejected_row_has_its_number_and_reason_and_no_name(store, config, tmp_path):
    rows = [
        {"applicant": "Ada", "sex": "female"},
        {"applicant": "Eve", "sex": "female"},
        {"applicant": "Ben", "sex": "dragon"},
        {"applicant": "Ada", "sex": "male"},
        {"applicant": " ", "sex": "male"},
    ]
    recorded = add(store, tmp_path, config, rows)
    assert recorded.as_dict() == {"read": 5, "added": 1, "changed": 0, "known": 0, "rejected": 4}
    assert [number for number, _ in recorded.rejects] == [2, 3, 4, 5]
    reasons = " ".join(reason for _, reason in recorded.rejects)
    assert "holds no decision about this applicant" in reasons
    assert "'dragon' belongs to no group" in reasons
    assert "stands in row 1 too" in reasons
    assert "Eve" not in reasons


@pytest.mark.parametrize("columns", [{"applicant": "Ada"}, {"sex": "male"}, {"applicant": "Ada", "shoe_size": 38}])
def test_a_file_of_other_columns_records_nothing(store, config, tmp_path, columns):
    with pytest.raises(DataError, match=r"expected applicant, and of fairness\.attributes .* Nothing was recorded"):
        add(store, tmp_path, config, [columns])


def test_erasing_a_person_destroys_what_they_said(store, ledger, config, tmp_path):
    add(store, tmp_path, config, [{"applicant": name, "sex": "female"} for name in ("Ada", "Ben")])
    ledger.erase("Ada", by="Kim Lee")
    assert list(store.of_subjects([subject(ledger, "Ada"), subject(ledger, "Ben")])) == [subject(ledger, "Ben")]
    assert store.forget_erased() == 1
    assert store.forget_erased() == 0
    assert add(store, tmp_path, config, [{"applicant": "Ada", "sex": "female"}]).counts["rejected"] == 1


def test_neither_key_alone_opens_it(store, ledger, config, tmp_path, monkeypatch):
    add(store, tmp_path, config, [{"applicant": "Ada", "sex": "female"}])
    closed = []
    monkeypatch.setattr(ProtectedAttributes, "close", lambda refused: closed.append(refused.store.close()))
    with pytest.raises(LedgerRefused, match="CREDIT_RISK_PROTECTED_KEY is not the key"):
        ProtectedAttributes(ledger, bytes(32), busy_timeout_s=5)
    assert len(closed) == 1  # no connection is left open
    monkeypatch.undo()
    with store.store.core() as connection:
        (sealed,) = connection.exec_driver_sql("SELECT sealed FROM protected_1").one()
    inner = protected_store.unseal(protected_store.AESGCM(OWN_KEY), bytes(sealed), subject(ledger, "Ada"))
    assert inner is not None
    assert b"female" not in inner  # under the person's key still


def test_they_stand_in_no_file_that_the_service_writes(config, tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(url, key=KEY) as ledger:
        decide(ledger, date(2026, 1, 10), [entry("Ada")])
        with ProtectedAttributes(ledger, OWN_KEY, busy_timeout_s=5) as store:
            add(store, tmp_path, config, [{"applicant": "Ada", "sex": "female"}])
    tables = {
        path.name: {name for (name,) in sqlite3.connect(path).execute("SELECT name FROM sqlite_master")}
        for path in tmp_path.glob("*.db")
    }
    assert "protected_1" in tables["protected.db"]
    assert "protected_1" not in tables["ledger.db"]


@pytest.mark.parametrize(
    ("groups_", "smallest", "shown"),
    [
        ({"a": 50, "b": 50}, 10, {"a": 50, "b": 50}),
        ({"a": 50, "b": 9, "not known": 20}, 10, {"a": 50, NOT_SHOWN: 29}),
        ({"a": 50, "b": 30, "c": 9}, 10, {"a": 50, NOT_SHOWN: 39}),  # 9 alone would be the smallest cell itself
        ({"a": 50, "not known": 3}, 10, {NOT_SHOWN: 53}),
        ({"a": 5, "b": 3}, 10, {NOT_SHOWN: 8}),
        ({}, 10, {}),
    ],
)
def test_no_cell_is_smaller_than_the_smallest(groups_, smallest, shown):
    counted = merged({name: Counter(approve=n) for name, n in groups_.items()}, smallest)
    assert {name: counts.total() for name, counts in counted.items()} == shown


def counting(config, sexes: dict[bytes, str]) -> GroupCounting:
    return GroupCounting(config.fairness, lambda subjects: {at: {"sex": sexes[at]} for at in subjects if at in sexes})


def test_decisions_are_counted_by_group_and_contrasts_judged_by_their_gates(config):
    """Of 1000 women 60 % are approved, of 1000 men 90 %: a ratio of two thirds, below four fifths."""
    whose = ("2026-01", "s")
    sexes = {bytes([at // 256, at % 256]): "female" if at < 1000 else "male" for at in range(2000)}
    decisions = [
        (whose, "approve" if (at < 600 or at >= 1100) else "decline", subject_) for at, subject_ in enumerate(sexes)
    ]
    counted = counting(config, sexes)
    counted.add(decisions)
    record = {"month": "2026-01", "scorer": "s", "groups": counted.record(whose, 50)}
    assert record["groups"]["sex"] == {
        "female": {"approve": 600, "decline": 400},
        "male": {"approve": 900, "decline": 100},
    }
    four_fifths = Gate(name="w", measure="fairness.contrasts.women.ratio", at_least=0.8, at_most=1.25, reason="rule")
    measured = groups.measure([record], config.model_copy(update={"gates": (four_fifths,)}))
    women = next(each for each in measured["contrasts"] if each["name"] == "women")
    assert women["ratio"]["value"] == pytest.approx(2 / 3)
    assert (women["limits"][0], women["verdict"], measured["verdict"]) == (0.8, "OUT", "OUT")
    ages = next(each for each in measured["contrasts"] if each["name"] == "age_62_and_over")
    assert (ages["verdict"], ages["ratio"]["why"]) == (
        "CANNOT SAY",
        "62 and over: nobody of this group is shown; 25 to 61: nobody of this group is shown",
    )
    ungated = groups.measure([record], config.model_copy(update={"gates": ()}))
    assert ungated["verdict"] == "CANNOT SAY"  # no limit, no verdict


def test_without_attributes_it_is_said_that_nothing_is_known(config):
    measured = groups.measure([{"month": "2026-01", "groups": None}, {"month": "2026-02"}], config)
    assert (measured["verdict"], measured["why"]) == ("CANNOT SAY", groups.NO_GROUPS)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository with a ledger of three decisions of January 2026, whose keys the environment has."""
    shutil.copytree(LENDER, tmp_path / "configs")
    (tmp_path / "configs" / "deploy").mkdir()
    (tmp_path / "configs" / "deploy" / "local.yaml").write_text(DEPLOYED, encoding="utf-8")
    shutil.copy(ROOT / "configs" / "monitoring.yaml", tmp_path / "configs")
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    monkeypatch.setenv("CREDIT_RISK_PROTECTED_KEY", OWN_KEY.hex())
    with Ledger.open(f"sqlite:///{tmp_path / 'build' / 'ledger' / 'ledger.db'}", key=KEY) as ledger:
        decide(ledger, date(2026, 1, 10), [entry(name) for name in ("Ada", "Ben", "Cid")])
    return tmp_path


def test_the_command_records_and_lists_rejects(root, capsys):
    file = delivery(root / "given.csv", [{"applicant": "Ada", "sex": "female"}, {"applicant": "Eve", "sex": "male"}])
    assert main(["protected", "add", str(file), "--root", str(root), "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"read": 2, "added": 1, "changed": 0, "known": 0, "rejected": 1}
    assert pd.read_csv(root / "given.csv.rejects.csv")["row"].tolist() == [2]
    good = delivery(root / "good.csv", [{"applicant": "Ada", "sex": "female"}])
    assert main(["protected", "add", str(good), "--root", str(root)]) == 0


def test_without_its_key_nothing_is_recorded_and_nothing_is_frozen_beside_what_is(root, monkeypatch, capsys, config):
    file = delivery(root / "given.csv", [{"applicant": "Ada", "sex": "female"}])
    assert main(["protected", "add", str(file), "--root", str(root)]) == 0
    monkeypatch.delenv("CREDIT_RISK_PROTECTED_KEY")
    assert main(["protected", "add", str(file), "--root", str(root)]) == 2
    assert "CREDIT_RISK_PROTECTED_KEY is not set" in capsys.readouterr().err
    with Ledger.open(f"sqlite:///{root / 'build' / 'ledger' / 'ledger.db'}", key=KEY) as ledger:
        opening = groups.counting(ledger, config.fairness, {}, busy_timeout_s=5)
        with pytest.raises(LedgerRefused, match="CREDIT_RISK_PROTECTED_KEY is not set"), opening:
            pass


def test_freezing_counts_the_groups_of_a_month(ledger, store, config, tmp_path):
    add(store, tmp_path, config, [{"applicant": "Ada", "sex": "female"}, {"applicant": "Ben", "sex": "male"}])
    counted = freezing.Counting({}, date(2026, 2, 1), GroupCounting(config.fairness, store.of_subjects))
    subjects = {"Ada": subject(ledger, "Ada"), "Ben": subject(ledger, "Ben"), "Cid": subject(ledger, "Cid")}
    for page in decision_pages(ledger):
        for decision in page:
            counted.add(decision, subjects.get(decision.applicant or ""))
    (record,) = counted.records(1)
    assert record["groups"]["sex"] == {
        "female": {"approve": 1},
        "male": {"decline": 1},
        NOT_SHOWN: {"approve": 2},
    }


def test_where_nothing_was_recorded_no_key_is_needed(ledger, config):
    with groups.counting(ledger, config.fairness, {}, busy_timeout_s=5) as counted:
        assert counted is None

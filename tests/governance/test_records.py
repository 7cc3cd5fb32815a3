"""What persons put on record, and their answers to controls: who, why, until when, and what an altered chain shows."""

import json
from datetime import UTC, date, datetime

import pytest

from credit_risk.data.writing import write_text
from credit_risk.errors import UsageError
from credit_risk.governance.attestation import attest
from credit_risk.governance.records import FILE, RecordRefused, Records, RecordsBroken, last
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignatureRefused, SignedBy

WHY = "all three forms were read"
BY = "Ada Berg <account:ada>"
TODAY = date(2026, 11, 30)
POLICY = """\
version: 1
framework: house
title: House rules
reviewed: 2026-11-25
controls:
  - {id: forms, requirement: no, source: rule 1, dated: 2026-07-21, secondary: true,
     person: {question: read?, months: 6}}
  - {id: none, requirement: no, source: rule 2, dated: 2026-07-21, secondary: true, not_assessed: nobody looks}
"""


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    signing.private_key(tmp_path, {})
    write_text(tmp_path / "configs" / "policies" / "house.yaml", POLICY)
    return Records(tmp_path, SignedBy(public_key="build/signing/signing.pub"))


def test_an_entry_says_who_what_why_and_when(kept):
    before = datetime.now(UTC)
    kept.add("attest", "forms", by=BY, reason=WHY, met=True)
    kept.add("attest", "forms", by=BY, reason="one more form was read", met=False)
    first, second = kept.read()
    assert (first.kind, first.about, first.by, first.reason, first.facts) == ("attest", "forms", BY, WHY, {"met": True})
    assert first.at >= before.replace(microsecond=0)
    assert last(kept.read(), "attest", "forms") == second
    assert last(kept.read(), "attest", "other") is None


def test_nothing_is_on_record_before_the_first_entry(kept):
    assert kept.read() == []


@pytest.mark.parametrize(("by", "reason"), [("the team", WHY), ("Ada", WHY), (BY, "looked"), (BY, "")])
def test_nobody_and_no_reason_are_refused(kept, by, reason):
    with pytest.raises(RecordRefused):
        kept.add("attest", "forms", by=by, reason=reason)
    assert kept.read() == []


def test_an_entry_that_was_edited_breaks_the_record(kept):
    kept.add("attest", "forms", by=BY, reason=WHY, met=False)
    kept.add("attest", "forms", by=BY, reason=WHY, met=False)
    path = kept.root / FILE
    path.write_text(path.read_text().replace('"met": false', '"met": true', 1))
    with pytest.raises(RecordsBroken, match="entry 1 is not what was recorded"):
        kept.read()
    with pytest.raises(RecordsBroken):  # nor is it signed along with the next entry
        kept.add("attest", "forms", by=BY, reason=WHY)


@pytest.mark.parametrize("file", [FILE, FILE.with_suffix(".head.json")])
def test_a_file_that_was_removed_breaks_the_record(kept, file):
    kept.add("attest", "forms", by=BY, reason=WHY)
    (kept.root / file).unlink()
    with pytest.raises(RecordsBroken):
        kept.read()


def test_an_end_that_was_cut_off_breaks_the_record(kept):
    for _ in range(2):
        kept.add("attest", "forms", by=BY, reason=WHY)
    path = kept.root / FILE
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    with pytest.raises(RecordsBroken, match="the end was cut off"):
        kept.read()


def test_without_the_key_that_counts_nothing_is_written(kept, monkeypatch):
    signing.make_keys(kept.root / "another.key")
    monkeypatch.setenv(signing.VARIABLE, str(kept.root / "another.key"))
    with pytest.raises(SignatureRefused):
        kept.add("attest", "forms", by=BY, reason=WHY)
    assert not (kept.root / FILE).exists()


def test_an_entry_of_another_form_breaks_the_record(kept):
    kept.chain.append({"what": "something"}, (kept.signed_by, kept.root))
    with pytest.raises(RecordsBroken, match="another form"):
        kept.read()


def test_an_answer_holds_until_its_day(kept):
    entry = attest("forms", kept, by=BY, reason=WHY, until=date(2027, 5, 30), met=True, today=TODAY)
    assert entry.facts == {"met": True, "until": "2027-05-30"}
    assert json.loads((kept.root / FILE).read_text())["about"] == "forms"


@pytest.mark.parametrize("until", [date(2027, 5, 31), date(2026, 11, 29)])
def test_an_answer_for_longer_than_the_policy_lets_or_for_the_past_is_refused(kept, until):
    with pytest.raises(RecordRefused, match="expected a day from 2026-11-30 to 2027-05-30"):
        attest("forms", kept, by=BY, reason=WHY, until=until, met=True, today=TODAY)


@pytest.mark.parametrize("control", ["none", "unknown"])
def test_a_control_that_asks_nobody_takes_no_answer(kept, control):
    with pytest.raises(UsageError, match=f"no control {control!r}"):
        attest(control, kept, by=BY, reason=WHY, until=TODAY, met=True, today=TODAY)

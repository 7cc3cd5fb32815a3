"""What may serve, before the service starts and while it runs: today's gate record and the registry's statement."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from admission_trial import PROJECT, check, record, statement, waiver
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json, write_text
from credit_risk.errors import CheckFailed
from credit_risk.scoring import signing
from credit_risk.scoring.signed_chain import BEGINNING, SignedFacts
from credit_risk.serving import engine, web
from credit_risk.serving.admission import Admission, AdmissionWatch, ServedVersion
from credit_risk.serving.clients import access
from credit_risk.serving.settings import Serving

SIGNED = {"public_key": "build/signing/signing.pub"}
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
VARIABLES = {"CREDIT_RISK_LEDGER_KEY": "5e" * 32}
TODAY = datetime.now(UTC).date()
LAPSED = [check(), check("calibration", "FAIL")]


@pytest.fixture
def own(root, tmp_path, monkeypatch) -> Files:
    """A root of its own with the trained scorer and a development key."""
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    files = Files(shutil.copytree(root, tmp_path / "served"))
    signing.private_key(files.root, {})
    return files


def judged(files: Files, **changes) -> tuple[str, str]:
    """Write and sign a gate's record; the digests of scorer and record."""
    scorer = digest.of_directory(files.scorer)
    write_json(files.report("gate"), record(scorer, **changes))
    signing.sign_release(files, signing.private_key(files.root, {}))
    return scorer, digest.of_file(files.report("gate"))


def settings_for(files: Files, **changes) -> Serving:
    ledger = {"url": f"sqlite:///{files.root / 'ledger.db'}"}
    return Serving.model_validate({"access": {"mode": "off"}, "signed_by": SIGNED, "ledger": ledger} | changes)


def start(files: Files, **changes):
    return engine.start(files.root, settings_for(files, **changes), VARIABLES)


STATED = {"statement": {"source": "models/live.json"}}


def test_a_scorer_that_passed_serves(own):
    judged(own)
    started = start(own)
    assert started.gate == "PASS"
    started.close()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"checks": LAPSED, "waivers": [waiver(TODAY - timedelta(days=1))]},
            "by Rita Vogel does not count: it expired",
        ),
        ({"checks": LAPSED}, "FAIL calibration"),
        ({"checks": [check(low=0.6)]}, "CANNOT SAY discrimination"),
        ({"stale": ["reports/metrics.json measured another scorer"]}, "measured another scorer"),
        ({"digests": {"scorer": "another"}}, "of another scorer"),
        ({"verdict": "FAIL"}, "the gate says FAIL"),
    ],
)
def test_a_signed_record_whose_word_is_pass_is_judged_again(own, changes, sentence):
    judged(own, **changes)
    with pytest.raises(CheckFailed, match=rf"may not serve:\n(.*\n)*.*{sentence}(.*\n)*Run `make run`"):
        start(own)


def test_where_it_is_only_reported_it_serves_and_says_so(own):
    judged(own, checks=LAPSED)
    started = start(own, gate="reported")
    assert started.gate == "FAIL"
    started.close()


def test_a_version_that_the_statement_names_serves(own):
    write_text(own.live_statement, str(statement(own.root, judged(own))))
    start(own, **STATED).close()


def test_a_version_without_a_statement_does_not(own):
    judged(own)
    with pytest.raises(
        CheckFailed, match=r"statement of what may be live at models/live.json does not count: .*No such"
    ):
        start(own, **STATED)


def test_an_older_release_signed_by_the_same_key_is_refused(own):
    write_text(own.live_statement, str(statement(own.root, ("another scorer", "another record"))))
    judged(own)
    with pytest.raises(CheckFailed, match=r"does not let scorer \w{12} with this gate record be live.*1 \(champion\)"):
        start(own, **STATED)


def test_the_same_scorer_under_another_gate_record_is_refused(own):
    scorer, _ = judged(own)
    write_text(own.live_statement, str(statement(own.root, (scorer, "another record"))))
    with pytest.raises(CheckFailed, match="with this gate record be live"):
        start(own, **STATED)


def test_a_statement_put_back_is_refused_once_a_younger_one_was_seen(own):
    version, kept = judged(own), {"statement": {"source": "models/live.json", "seen": "seen"}}
    now = datetime.now(UTC)
    old, young = (statement(own.root, version, at=now - timedelta(hours=hours)) for hours in (2, 1))
    for signed in (old, young):
        write_text(own.live_statement, str(signed))
        start(own, **kept).close()
    write_text(own.live_statement, str(old))
    with pytest.raises(CheckFailed, match="was seen before"):
        start(own, **kept)
    (own.root / "seen").write_text("nonsense\n")
    with pytest.raises(CheckFailed, match="does not count"):
        start(own, **kept)


@pytest.fixture
def admission(own):
    """Judges at a moment that a test sets, with a statement of NOW."""
    version = judged(own)
    write_text(own.live_statement, str(statement(own.root, version, at=NOW)))

    def at(moment=NOW, **changes) -> Admission:
        served = ServedVersion(PROJECT, *version, json.loads(own.report("gate").read_text()))
        found = settings_for(own, **({"statement": {"source": "models/live.json"}} | changes))
        return Admission(served, found, own.root, lambda: moment)

    return at


def test_an_older_statement_is_refused_or_alarms_as_the_settings_say(admission):
    late = NOW + timedelta(hours=25)
    source = {"source": "models/live.json", "max_age_hours": 24.0}
    assert admission(NOW + timedelta(hours=23), statement=source).look() == ([], [])
    refusals, alarms = admission(late, statement=source).look()
    assert "is 25 hours old, and 24 are allowed" in refusals[0]
    assert "`credit-risk registry statement`" in refusals[0]  # part: registry
    assert alarms == []
    refusals, alarms = admission(late, statement=source | {"when_older": "alarm"}).look()
    assert refusals == []
    assert "is 25 hours old" in alarms[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda own, version: own.live_statement.write_text("{}"), "expected signed facts"),
        (lambda own, version: own.live_statement.write_text("[" * 100_000), "expected signed facts"),
        (lambda own, version: own.live_statement.write_bytes(b"\xff"), "does not count"),
        (
            lambda own, version: write_text(
                own.live_statement, own.live_statement.read_text().replace("champion", "champian")
            ),
            "is not what was signed",
        ),
        (
            lambda own, version: write_text(
                own.live_statement, str(statement(own.root, version, at=NOW, project="another"))
            ),
            "is of project 'another'",
        ),
        (
            lambda own, version: write_text(
                own.live_statement, str(statement(own.root, version, at=NOW + timedelta(hours=1)))
            ),
            "it is dated 2026-11-29T13",
        ),
    ],
)
def test_a_statement_that_is_altered_or_of_something_else_is_refused(admission, own, change, sentence):
    judge = admission()
    assert judge.look() == ([], [])
    change(own, (judge.served.scorer, judge.served.gate_record))
    refusals, _ = judge.look()
    assert sentence in refusals[0]


def test_a_head_signed_by_the_same_key_is_no_statement(admission, own):
    facts = {"chain": "audit.jsonl", "head": str(BEGINNING), "unverified": []}
    write_text(own.live_statement, str(SignedFacts.sign(facts, settings_for(own).signed_by, own.root)))
    assert "it is no statement of what may be live" in admission().look()[0][0]


def test_a_source_that_cannot_be_reached_alarms_while_a_verified_statement_is_young(admission, own):
    judge = admission()
    judge.look()
    own.live_statement.unlink()
    refusals, alarms = judge.look()
    assert refusals == []
    assert "No such file" in alarms[0]
    assert "No such file" in admission().look()[0][0]  # nothing was verified yet: refused


def test_a_younger_statement_that_cannot_be_remembered_is_refused_and_not_unreachable(admission, own):
    judge = admission(statement={"source": "models/live.json", "seen": "seen"})
    assert judge.look() == ([], [])
    version = judged(own)
    write_text(own.live_statement, str(statement(own.root, version, at=NOW + timedelta(minutes=1))))
    (own.root / "seen").unlink()
    (own.root / "seen").mkdir()
    refusals, alarms = judge.look()
    assert alarms == []
    assert "does not count" in refusals[0]
    assert "seen cannot be written" in refusals[0] or "Is a directory" in refusals[0]


def test_what_cannot_be_judged_while_it_serves_is_a_lapse(admission, monkeypatch):
    ended = []
    judge = admission(on_lapse="stop")
    watch = AdmissionWatch(judge, lambda: ended.append(1))
    monkeypatch.setattr(Admission, "look", lambda self: 1 / 0)
    watch.look()
    watch.close()
    assert "could not be judged: ZeroDivisionError" in watch.lapses[0]
    assert ended == [1]


def test_a_waiver_that_expires_while_it_serves_is_told_and_by_policy_ends_it(own, admission, caplog):
    judged(own, checks=LAPSED, waivers=[waiver(NOW.date())])
    ended = []
    judge = admission(NOW, statement=None)
    watch = AdmissionWatch(judge, lambda: ended.append(1))
    watch.look()
    assert (watch.lapses, ended) == ((), [])
    judge.clock = lambda: NOW + timedelta(days=1)
    watch.look()
    assert "it expired on 2026-11-29" in watch.lapses[0]
    assert "while it serves: the waiver of calibration" in caplog.text
    assert ended == []
    watch.close()
    judge = admission(NOW + timedelta(days=1), statement=None, on_lapse="stop")
    watch = AdmissionWatch(judge, lambda: ended.append(1))
    watch.look()
    assert ended == [1]
    watch.close()


def test_health_and_metrics_tell_of_a_lapse_and_decisions_go_on(own, application):
    judged(own)
    settings = settings_for(own)
    service = []

    def made() -> web.Service:
        guard = access.guard(settings.access, own.root)
        service.append(web.Service.of(settings, engine.start(own.root, settings, VARIABLES), guard))
        return service[0]

    with TestClient(web.application(made)) as client:
        assert "lapses" not in client.get("/health").json()
        assert "credit_risk_admission_lapses 0.0" in client.get("/metrics").text
        service[0].watch.admission.clock = lambda: datetime.now(UTC)
        service[0].watch.admission.served.record["stale"].append("reports/metrics.json measured another scorer")
        service[0].watch.look()
        health = client.get("/health")
        assert (health.status_code, health.json()["lapses"]) == (200, ["reports/metrics.json measured another scorer"])
        assert "credit_risk_admission_lapses 1.0" in client.get("/metrics").text
        assert client.post("/decide", json=application).status_code == 200

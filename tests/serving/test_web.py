"""The API as a client sees it: decisions with reasons, recorded first; refusals that name every fault."""

import asyncio
import json
import math
import resource
import shutil
import sqlite3
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from admission_trial import record
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json
from credit_risk.errors import CheckFailed
from credit_risk.ledger.commit.event_loop_commit import EventLoopCommit
from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving import engine, readiness, web
from credit_risk.serving.clients.key_file import add_key
from credit_risk.serving.settings import Serving
from tools import PATIENCE

SENT = {"content-type": "application/json"}


def test_a_decision_is_the_scorers_own_to_the_last_digit(client, root, application):
    reply = client.post("/decide", json=application).json()
    record = Scorer.load(root / "models" / "scorer").decide(application).record()
    assert (reply["decision"], reply["pd"], reply["score"]) == ("approve", record["pd"], record["score"])
    assert reply["reasons"] == []


def test_a_decline_comes_with_its_reasons(client, risky):
    reply = client.post("/decide", json=risky).json()
    assert reply["decision"] == "decline"
    assert 1 <= len(reply["reasons"]) <= 4
    first = reply["reasons"][0]
    assert first["text"] in {"payments were late", "utilisation of credit lines is high", "income is low for the loan"}
    assert first["contribution"] > 0
    assert reply["prompts"] == []


def test_a_policy_rule_that_declines_gives_its_own_reason(client, application):
    reply = client.post("/decide", json=application | {"months_late": 7}).json()
    assert reply["decision"] == "decline"
    assert reply["rule"] == "very late: six months late or more"
    assert [reason["text"] for reason in reply["reasons"]] == ["six months late or more"]


def test_what_a_person_must_look_at_is_a_referral_without_a_number(client, application):
    reply = client.post("/decide", json=application | {"months_late": None}).json()
    assert reply["decision"] == "refer"
    assert (reply["pd"], reply["score"], reply["band"]) == (None, None, None)
    assert reply["faults"] == ["months_late: missing, expected a whole number from 0 to 24"]
    assert reply["reasons"] == []


def test_explained_contributions_add_up_to_the_log_odds_of_the_pd(client, application, risky):
    for one in (application, risky):
        reply = client.post("/decide?explain=true", json=one).json()
        log_odds = reply["base_log_odds"] + sum(row["log_odds"] for row in reply["contributions"])
        assert log_odds == pytest.approx(math.log(reply["pd"] / (1 - reply["pd"])), abs=1e-9)
    assert "contributions" not in client.post("/decide", json=application).json()


def test_the_decision_stands_in_the_ledger_before_it_is_answered(client, application):
    reply = client.post("/decide", json=application, headers={"X-Applicant-Id": "person 7"}).json()
    record = client.get(f"/decisions/{reply['decision_id']}").json()
    assert record["inputs"] == application
    assert record["applicant"] == "person 7"
    assert record["decided"]["pd"] == reply["pd"]
    assert record["by"]["scorer"] == reply["model"]["scorer"]


def test_a_retry_gets_the_first_decision_and_another_body_a_conflict(client, application):
    headers = {"Idempotency-Key": "try-1"}
    first = client.post("/decide", json=application, headers=headers)
    again = client.post("/decide", json=application, headers=headers)
    assert first.json() | {"repeated": True} == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.post("/decide", json=application | {"income": 1.0}, headers=headers)
    assert other.status_code == 409
    assert first.json()["decision_id"] in other.json()["detail"]


def test_a_key_is_for_one_person_and_for_single_applications(client, application):
    headers = {"Idempotency-Key": "try-1", "X-Applicant-Id": "a"}
    assert client.post("/decide", json=application, headers=headers).status_code == 200
    assert client.post("/decide", json=application, headers=headers | {"X-Applicant-Id": "b"}).status_code == 409
    batch = client.post("/decide/batch", json={"applications": [application]}, headers={"Idempotency-Key": "try-2"})
    assert batch.status_code == 422


def test_a_retry_says_whose_decision_it_gets_when_the_scorer_has_changed(serve, application, monkeypatch):
    headers = {"Idempotency-Key": "try-1"}
    first = serve().post("/decide", json=application, headers=headers).json()
    digests = engine.digests
    monkeypatch.setattr(engine, "digests", lambda path, scorer: replace(digests(path, scorer), scorer="another"))
    client = serve()
    again = client.post("/decide?explain=true", json=application, headers=headers).json()
    assert again["model"]["scorer"] == first["model"]["scorer"]
    assert "contributions" not in again
    assert client.post("/decide", json=application).json()["model"]["scorer"] == "another"


@pytest.mark.parametrize("body", [b'{"\\ud800": 1}', b'{"purpose": "\\ud800"}', b'{"\\ud800": 1, "\\ud800": 2}'])
def test_half_a_character_is_told_back_as_something_that_can_be_read(client, body):
    assert client.post("/decide", content=body, headers=SENT).status_code in (400, 422)


def test_a_batch_is_decided_as_its_applications_alone(client, application, risky):
    batch = {"applications": [application, risky], "applicants": ["a", "b"]}
    replies = client.post("/decide/batch", json=batch).json()["decisions"]
    for one, reply in zip((application, risky), replies, strict=True):
        alone = client.post("/decide", json=one).json()
        assert {key: reply[key] for key in ("decision", "pd", "score", "band", "reasons")} == {
            key: alone[key] for key in ("decision", "pd", "score", "band", "reasons")
        }
    assert client.get(f"/decisions/{replies[1]['decision_id']}").json()["applicant"] == "b"


@pytest.mark.parametrize("together", [False, True])
def test_inputs_that_an_application_lacked_are_counted_by_field_and_by_decision(client, application, together):
    without = {name: value for name, value in application.items() if name not in ("income", "months_late")}
    applications = [application, application | {"income": None}, without]
    for one in [{"applications": applications}] if together else applications:
        assert client.post("/decide/batch" if together else "/decide", json=one).status_code == 200
    metrics = client.get("/metrics").text
    assert 'credit_risk_missing_inputs_total{field="income"} 2.0' in metrics
    assert 'credit_risk_missing_inputs_total{field="months_late"} 1.0' in metrics
    assert "credit_risk_decisions_lacking_inputs_total 2.0" in metrics


def test_a_refused_application_is_a_problem_and_no_decision(client, application):
    answer = client.post("/decide", json=application | {"income": "much", "sex": "female"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == [
        {"field": "sex", "got": None, "expected": "no such field"},
        {"field": "income", "got": "much", "expected": "a number from 0 to 10,000,000"},
    ]
    metrics = client.get("/metrics").text
    assert 'credit_risk_refused_inputs_total{field="income",rule="type"} 1.0' in metrics
    assert 'credit_risk_refused_inputs_total{field="",rule="unknown field"} 1.0' in metrics
    assert "credit_risk_decisions_total{" not in metrics


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, 415),
        ({"content": b"{}"}, 415),
        ({"content": b"{", "headers": SENT}, 400),
        ({"content": b"[" * 60_000, "headers": SENT}, 400),
        ({"content": b" " * 70_000, "headers": SENT}, 413),
        ({"content": iter([b" " * 40_000] * 2), "headers": SENT}, 413),
        ({"content": b"{}", "headers": SENT | {"Idempotency-Key": "x" * 201}}, 422),
        ({"content": b"{}", "headers": SENT | {"X-Applicant-Id": ""}}, 422),
        ({"content": b"{}", "headers": SENT, "params": {"explain": "yes"}}, 422),
    ],
)
def test_what_is_no_request_gets_its_own_status(client, sent, status):
    answer = client.post("/decide", **sent)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_unknown_places_ids_and_methods_are_problems_too(client):
    assert client.get("/nothing/here").status_code == 404
    assert client.get("/decisions/none").status_code == 404
    answer = client.get("/decide")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["status"] == 405


def test_every_answer_forbids_what_a_browser_might_do_with_it(client, application):
    for answer in (client.get("/"), client.get("/model"), client.post("/decide", json=application), client.get("/no")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_what_cannot_be_recorded_is_not_answered(client, application, monkeypatch):
    def gone(*_, **__):
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(Ledger, "write", gone)
    answer = client.post("/decide", json=application)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "pd" not in answer.json()
    assert "disk" not in answer.text  # the reason is for the log
    assert client.post("/decide/batch", json={"applications": [application]}).status_code == 503
    monkeypatch.undo()
    assert client.post("/decide", json=application).status_code == 200


def test_a_decision_that_was_altered_in_the_database_is_not_given_to_a_retry_either(client, application, tmp_path):
    sent = {"json": application, "headers": {"Idempotency-Key": "k-1"}}
    first = client.post("/decide", **sent).json()
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute("DROP TRIGGER entries_no_update")
        database.execute("UPDATE entries SET facts = replace(facts, 'approve', 'decline')")
    for answer in (client.post("/decide", **sent), client.get(f"/decisions/{first['decision_id']}")):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "not as it was recorded" in answer.text


@pytest.mark.parametrize("path", ["/decide", "/decide/batch"])
def test_a_decision_that_the_database_ignores_without_an_error_is_not_answered(client, application, tmp_path, path):
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        for table in ("entries", "keys"):
            database.execute(f"CREATE TRIGGER ignores_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END")
    body = application if path == "/decide" else {"applications": [application, application]}
    answer = client.post(path, json=body)
    assert (answer.status_code, "decision_id" in answer.text) == (503, False)
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        for table in ("entries", "keys"):
            database.execute(f"DROP TRIGGER ignores_{table}")
    assert client.post(path, json=body).status_code == 200


def test_in_a_batch_the_problem_of_one_stands_in_its_place(client, application, monkeypatch):
    append = Ledger.append

    def one_gone(self, entries):
        return [LedgerUnavailable("its key was altered"), *append(self, entries[1:])]

    monkeypatch.setattr(Ledger, "append", one_gone)
    answer = client.post("/decide/batch", json={"applications": [application, application]})
    first, second = answer.json()["decisions"]
    assert first["problem"]["status"] == 503
    assert second["decision"] == "approve"


def test_readiness_is_the_ledgers_too(client, monkeypatch):
    assert client.get("/health").json()["status"] == "ready"

    def gone(self):
        raise LedgerUnavailable("no such file")

    monkeypatch.setattr(Ledger, "ready", gone)
    assert client.get("/health").status_code == 503


def test_beyond_what_may_be_in_flight_a_request_is_sent_away_at_once(serve, application, monkeypatch):
    client = serve(limits={"in_flight": 1})
    inside, let_go = threading.Event(), threading.Event()
    record = EventLoopCommit.record

    async def slow(self, entry):
        inside.set()
        assert await asyncio.to_thread(let_go.wait, PATIENCE)
        return await record(self, entry)

    monkeypatch.setattr(EventLoopCommit, "record", slow)
    answers = []
    first = threading.Thread(target=lambda: answers.append(client.post("/decide", json=application)))
    first.start()
    assert inside.wait(PATIENCE)
    shed = client.post("/decide", json=application)
    let_go.set()
    first.join(PATIENCE)
    assert (shed.status_code, shed.headers["retry-after"]) == (503, "1")
    assert answers[0].status_code == 200


def test_a_client_that_asks_too_often_is_told_when_to_come_back(serve, application):
    client = serve(limits={"per_client_per_second": 0.1, "burst": 2})
    statuses = [client.post("/decide", json=application).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert client.post("/decide", json=application).headers["retry-after"] == "10"


def test_a_batch_costs_its_applications_and_what_it_takes_to_read_it(serve, application):
    client = serve(limits={"per_client_per_second": 0.1, "burst": 10})
    batch = {"applications": [application] * 6}
    assert [client.post("/decide/batch", json=batch).status_code for _ in range(2)] == [200, 429]
    assert client.post("/decide", json=application).status_code == 200
    client = serve(limits={"per_client_per_second": 0.1, "burst": 10, "body_bytes": 1_000})
    refused = b'{"applications": [' + b" " * 6_000 + b"]}"
    assert [client.post("/decide/batch", content=refused, headers=SENT).status_code for _ in range(2)] == [422, 429]


@pytest.mark.parametrize("name", ["X-Applicant-Id", "Idempotency-Key"])
def test_a_header_that_stands_twice_is_refused_as_nobody_knows_which_counts(client, application, name):
    for second in ("a", "b"):
        answer = client.post("/decide", json=application, headers=[(name, "a"), (name, second)])
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)
    twice = client.post("/decide?explain=true&explain=false", json=application)
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (422, "explain")


@pytest.mark.parametrize("name", ["X-API-Key", "Authorization", "X-Authorization"])
def test_a_key_that_stands_twice_lets_nobody_in(serve, tmp_path, application, name):
    key = add_key(tmp_path / "keys.json", "branch", ["decide"], 1)
    client = serve(access={"mode": "keys", "keys_file": "keys.json"})
    value = key if name == "X-API-Key" else f"Bearer {key}"
    assert client.post("/decide", json=application, headers=[(name, value)]).status_code == 200
    assert client.post("/decide", json=application, headers=[(name, value), (name, value)]).status_code == 400


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "GZIP"])
def test_a_compressed_body_is_refused_as_one(client, coding):
    answer = client.post("/decide", content=b"\x1f\x8b", headers=SENT | {"content-encoding": coding})
    assert answer.status_code == 415
    assert "Content-Encoding" in answer.json()["detail"]


def test_health_writes_now_and_then_and_says_when_that_fails(serve, monkeypatch):
    client = serve(limits={"probe_seconds": 3_600})
    probes = []
    monkeypatch.setattr(engine.DecisionEngine, "probe", lambda _: probes.append(1))
    assert [client.get("/health").status_code for _ in range(3)] == [200] * 3
    assert len(probes) == 1
    client = serve(limits={"probe_seconds": 0.000001})

    def full(self):
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(engine.DecisionEngine, "probe", full)
    assert client.get("/health").status_code == 503
    monkeypatch.undo()
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_text("5e")])
def test_the_probe_sees_a_master_key_that_is_gone_or_none(root, tmp_path, spoil):
    """What runs has it in memory and no start would: health says so while there is still a ledger that opens."""
    path, url = tmp_path / "ledger.key", f"sqlite:///{tmp_path / 'ledger.db'}"
    sections = {"ledger": {"url": url, "key_file": str(path)}, "access": {"mode": "off"}, "gate": "reported"}
    started = engine.opened(root, Serving.model_validate(sections), {})
    started.probe()
    kept = path.read_bytes()
    spoil(path)
    with pytest.raises(LedgerUnavailable, match=r"ledger\.key"):
        started.probe()
    path.unlink(missing_ok=True)
    path.write_bytes(kept)
    path.chmod(0o600)
    started.probe()
    started.close()


def test_the_probe_sees_a_disk_that_has_room_for_the_probe_alone(root, tmp_path):
    """No file may become larger than the ledger and 64 KiB: what the probe writes, and no decision's transaction."""
    settings = Serving.model_validate(
        {"ledger": {"url": f"sqlite:///{tmp_path / 'ledger.db'}"}, "access": {"mode": "off"}, "gate": "reported"}
    )
    started = engine.opened(root, settings, {"CREDIT_RISK_LEDGER_KEY": "5e" * 32})
    largest = max(path.stat().st_size for path in tmp_path.iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 65_536, limits[1]))
    try:
        with pytest.raises(LedgerUnavailable, match="File too large"):
            started.probe()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    started.probe()
    assert {path.name for path in tmp_path.iterdir()} == {"ledger.db", "ledger.db-shm", "ledger.db-wal"}
    started.close()


def test_the_probe_is_a_durable_write_that_changes_nothing(root, tmp_path):
    settings = Serving.model_validate(
        {"ledger": {"url": f"sqlite:///{tmp_path / 'ledger.db'}"}, "access": {"mode": "off"}, "gate": "reported"}
    )
    started = engine.start(root, settings, {"CREDIT_RISK_LEDGER_KEY": "5e" * 32})
    before, log = started.ledger.head(), tmp_path / "ledger.db-wal"
    written = log.read_bytes()
    started.probe()
    assert started.ledger.head() == before
    assert verify(started.ledger).holds
    assert log.read_bytes() != written
    started.close()


def test_a_ledger_that_does_not_answer_is_503_for_all_who_ask_and_keeps_one_thread(client, monkeypatch):
    monkeypatch.setattr(readiness, "WITHIN", 0.05)
    hanging, let_go = [], threading.Event()

    def hang(self):
        hanging.append(threading.current_thread())
        let_go.wait(PATIENCE)

    monkeypatch.setattr(Ledger, "ready", hang)
    assert [client.get("/health").status_code for _ in range(5)] == [503] * 5
    assert len(hanging) == 1
    let_go.set()


@pytest.mark.parametrize("identifier", ["%00", "a%00b", "%0a", "ü", "x" * 65, "'", "%25"])
def test_what_is_no_id_of_a_decision_is_404_and_asks_no_database(client, monkeypatch, identifier):
    monkeypatch.setattr(Ledger, "get", lambda *_: pytest.fail("the database was asked"))
    assert client.get(f"/decisions/{identifier}").status_code == 404


def test_metrics_count_decisions_and_name_no_value_of_an_applicant(client, application):
    client.post("/decide", json=application | {"loan_amount": 1234.5}, headers={"X-Applicant-Id": "person-7"})
    text = client.get("/metrics").text
    assert 'credit_risk_decisions_total{outcome="approve"' in text
    assert 'credit_risk_latency_seconds_count{outcome="approve"} 1.0' in text
    assert "1234.5" not in text
    assert "person" not in text


def test_logs_and_problems_hold_no_personal_data(client, application, caplog):
    client.post("/decide", json=application | {"loan_amount": -7777.5}, headers={"X-Applicant-Id": "person-7"})
    client.post("/decide", json=application | {"income": 1234.5}, headers={"X-Applicant-Id": "person-7"})
    for secret in ("7777", "1234.5", "person-7"):
        assert secret not in caplog.text


def test_the_model_behind_the_decisions_is_told_by_digest(client, root):
    told = client.get("/model").json()
    assert told["scorer"] == Scorer.load(root / "models" / "scorer").digest
    assert told["gate"] == "nothing (there is no record)"
    assert "sex" not in json.dumps(told)


def test_the_page_can_be_switched_off(serve):
    assert serve().get("/").headers["content-type"].startswith("text/html")
    assert serve(page=False).get("/").status_code == 404


def test_a_scorer_that_the_gate_does_not_let_pass_is_not_served(root, tmp_path):
    signing.make_keys(tmp_path / "signing.key")
    served = Files(shutil.copytree(root, tmp_path / "served"))
    write_json(served.report("gate"), record(digest.of_directory(served.scorer), verdict="FAIL"))
    signing.sign_release(served, tmp_path / "signing.key")
    signed_by = {"public_key": str(tmp_path / "signing.pub")}
    settings = Serving.model_validate({"access": {"mode": "off"}, "signed_by": signed_by})
    with pytest.raises(CheckFailed, match="the gate says FAIL"):
        engine.start(served.root, settings, {})


def test_a_scorer_that_is_not_signed_or_was_altered_is_not_served(root, tmp_path):
    signing.make_keys(tmp_path / "signing.key")
    served = Files(shutil.copytree(root, tmp_path / "served"))
    write_json(served.report("gate"), {"verdict": "PASS"})
    signed_by = {"public_key": str(tmp_path / "signing.pub")}
    ledger = {"url": f"sqlite:///{tmp_path / 'ledger.db'}"}
    told = {"access": {"mode": "off"}, "gate": "reported", "signed_by": signed_by, "ledger": ledger}
    settings, environment = Serving.model_validate(told), {"CREDIT_RISK_LEDGER_KEY": "5e" * 32}
    with pytest.raises(signing.SignatureRefused, match="is not signed"):
        engine.start(served.root, settings, environment)
    signing.sign_release(served, tmp_path / "signing.key")
    engine.start(served.root, settings, environment).close()
    with served.report("gate").open("a") as file:
        file.write(" ")
    with pytest.raises(signing.SignatureRefused, match=r"gate.json: it is not what was signed"):
        engine.start(served.root, settings, environment)


def test_what_is_exchanged_while_the_signature_is_checked_is_not_served(root, tmp_path, monkeypatch):
    """Verified bytes are served bytes: another scorer at the same path, a moment later, is not looked at."""
    signing.make_keys(tmp_path / "signing.key")
    served = Files(shutil.copytree(root, tmp_path / "served"))
    scorer = Scorer.load(served.scorer)
    write_json(served.report("gate"), record(scorer.digest))
    signing.sign_release(served, tmp_path / "signing.key")
    verify = signing.verify_release

    def verified_then_exchanged(*arguments):
        verify(*arguments)
        calibration = served.scorer / "scorer.json"
        facts = json.loads(calibration.read_text())
        facts["calibration"]["intercept"] -= 2.0
        calibration.write_text(json.dumps(facts))
        write_json(served.report("gate"), {"verdict": "PASS", "digests": {"scorer": "another"}})

    monkeypatch.setattr(signing, "verify_release", verified_then_exchanged)
    ledger = {"url": f"sqlite:///{tmp_path / 'ledger.db'}"}
    signed_by = {"public_key": str(tmp_path / "signing.pub")}
    settings = Serving.model_validate({"access": {"mode": "off"}, "signed_by": signed_by, "ledger": ledger})
    started = engine.start(served.root, settings, {"CREDIT_RISK_LEDGER_KEY": "5e" * 32})
    assert (started.scorer.digest, started.by.scorer, started.gate) == (scorer.digest, scorer.digest, "PASS")
    assert started.scorer.calibration == scorer.calibration
    started.close()


def test_before_it_has_started_the_service_says_so():
    client = TestClient(web.application(SimpleNamespace))  # entered by nobody: it never starts
    assert client.get("/health").status_code == 503


def test_a_person_is_the_same_by_every_way_a_reference_comes(client, application, tmp_path):
    """UTF-8 and percent-encoded in a header, composed or not, and in a batch: erased together, found together."""
    for sent in ("M\u00fcller-7".encode(), "Mu\u0308ller-7".encode(), b"M%C3%BCller-7"):
        assert client.post("/decide", json=application, headers={"X-Applicant-Id": sent}).status_code == 200
    batch = {"applications": [application] * 2, "applicants": ["M\u00fcller-7", "Mu\u0308ller-7"]}
    assert client.post("/decide/batch", json=batch).status_code == 200
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", key=bytes.fromhex("5e" * 32)) as ledger:
        assert len(list(ledger.decisions_about("M\u00fcller-7"))) == 5
        assert ledger.erase("Mu\u0308ller-7", by="Kim Lee") == 5


@pytest.mark.parametrize("sent", [b"M%FCller-7", b"100%", b"a%00b", b"%E2%80%8Ba"])
def test_a_header_whose_person_would_be_a_guess_is_refused(client, application, sent):
    refused = client.post("/decide", json=application, headers={"X-Applicant-Id": sent})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "X-Applicant-Id")

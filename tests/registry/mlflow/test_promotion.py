"""Moves: on which evidence, by whom; what stood on which day, how two versions differ, what one byte does."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from credit_risk.data.files import Files
from credit_risk.data.writing import read_parquet, write_text
from credit_risk.errors import UsageError
from credit_risk.registry import as_of
from credit_risk.registry.errors import RegistryBroken, RegistryMoved
from credit_risk.registry.lifecycle import MoveRefused, standing
from credit_risk.registry.mlflow import promotion
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from exchange_trial import exchange
from identities_trial import sign_waiver
from judged import judge
from registry_trial import WHY, assemble_again, kept_files, register, registry, repository

__all__ = ["exchange"]

CHECKER = {"by": "Ada Berg", "reason": WHY}


def live(opened, version: int) -> None:
    promotion.move(opened, "nominate", str(version), **CHECKER)
    promotion.move(opened, "promote", "challenger", **CHECKER)


@pytest.fixture(scope="module")
def replaced(tmp_path_factory, trained, empty_registry):
    """A repository with two versions, one after the other champion; `kept` beside it is as it was then."""
    files = repository(tmp_path_factory.mktemp("replaced") / "repository", tmp_path_factory, trained[1], empty_registry)
    with registry(files) as opened:
        register(opened, files)
        live(opened, 1)
        assemble_again(files, lgd=0.75)
        register(opened, files)
        live(opened, 2)
    shutil.copytree(files.root, files.root.with_name("kept"))
    return files


@pytest.fixture
def two(replaced):
    """Its registry, as it was then. MLflow keeps whole paths and open databases, so those are filled again in place."""
    kept = replaced.root.with_name("kept") / "registry"
    shutil.copytree(kept, replaced.root / "registry", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.db*"))
    for database in kept.glob("*.db"):
        with (
            closing(sqlite3.connect(database)) as before,
            closing(sqlite3.connect(replaced.root / "registry" / database.name)) as now,
        ):
            before.backup(now)
    with registry(replaced) as opened:
        yield opened


def aliases(opened) -> dict[str, str]:
    found = opened.tracking._client.get_registered_model(opened.tracking.name).aliases
    return {alias: str(version) for alias, version in found.items()}


def test_a_scorer_becomes_challenger_then_champion_and_mlflows_aliases_follow(opened, registered):
    registered()
    promotion.move(opened, "nominate", "1", **CHECKER)
    assert aliases(opened) == {"challenger": "1"}
    event = promotion.move(opened, "promote", "challenger", **CHECKER)
    assert aliases(opened) == {"champion": "1"}
    assert event.facts["verdict"] == "PASS"
    assert event.facts["gate_record"] == opened.events()[0].facts["gate_record"]


def test_a_rollback_takes_one_move_and_no_second_person(two):
    assert aliases(two) == {"champion": "2"}
    event = promotion.roll_back(two, by="Kim Lee", reason="score shift after the release")
    assert (event.move, event.version, event.facts) == ("rollback", 1, {"from": 2})
    assert aliases(two) == {"champion": "1"}
    with pytest.raises(MoveRefused, match="no champion before"):
        promotion.roll_back(two, by="Kim Lee", reason="once more for luck")


def test_what_the_gate_refused_is_never_promoted(opened, files, registered):
    judge(files, auc_low=0.45, auc_high=0.55)
    registered()
    with pytest.raises(MoveRefused, match=r"version 1 may not move on:\n  FAIL discrimination: AUC"):
        promotion.move(opened, "nominate", "1", **CHECKER)
    assert standing(opened.events()).roles == {1: "candidate"}


def waived(files: Files) -> None:
    """A waiver of the check that fails, until a month from now."""
    until = datetime.now(UTC).date() + timedelta(days=30)
    write_text(
        files.waivers / "auc.yaml",
        f"{{person: Rita Vogel, role: head of model risk, check: discrimination, expires: {until}, "
        "reason: the pilot of this product has too few rows}",
    )
    sign_waiver(files.root, files.waivers / "auc.yaml", "Rita Vogel")
    judge(files, auc_low=0.45, auc_high=0.55)


def test_a_waiver_lets_it_pass_until_the_waiver_expires(opened, files, registered):
    waived(files)
    assert registered().facts["waivers"][0]["person"] == "Rita Vogel"
    later = datetime.now(UTC).date() + timedelta(days=31)
    with pytest.raises(MoveRefused, match="the waiver of discrimination by Rita Vogel does not count: it expired on"):
        promotion.move(opened, "nominate", "1", **CHECKER, today=later)
    event = promotion.move(opened, "nominate", "1", **CHECKER)
    assert event.facts["waivers"][0]["check"] == "discrimination"


def test_of_two_moves_on_the_same_history_one_wins(opened, files, registered):
    registered()
    events = opened.events()
    facts = promotion.evidence(opened, 1, events, datetime.now(UTC).date())
    opened.move("nominate", 1, events, **CHECKER, facts=facts)
    with pytest.raises(RegistryMoved):
        opened.move("nominate", 1, events, by="Rita Vogel", reason=WHY, facts=facts)
    assert [event.by for event in opened.events()] == ["Kim Lee", "Ada Berg"]


def test_any_day_tells_which_scorer_was_live_by_whom_and_why(two):
    events = two.events()
    first, second = (event.at for event in events if event.move == "promote")
    assert as_of.as_of(events, first - timedelta(microseconds=1))["champion"] is None
    then = as_of.as_of(events, second - timedelta(microseconds=1))
    assert (then["champion"], then["by"], then["why"], then["registered_by"]) == (1, "Ada Berg", WHY, "Kim Lee")
    assert then["since"] == first.isoformat()
    assert (then["verdict"], then["scorer"]) == ("PASS", events[0].scorer)
    assert as_of.as_of(events, second)["champion"] == 2
    promotion.roll_back(two, **CHECKER)
    now = as_of.as_of(two.events(), as_of.moment("2999-01-01"))
    assert (now["champion"], now["move"]) == (1, "rollback")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-25", datetime(2026, 11, 25, 23, 59, 59, 999999, UTC)),
        ("2026-11-25T14:30", datetime(2026, 11, 25, 14, 30, tzinfo=UTC)),
        ("2026-11-25T14:30+02:00", datetime(2026, 11, 25, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_day_means_its_end_and_a_moment_itself(text, moment):
    assert as_of.moment(text) == moment


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01"])
def test_what_is_no_date_is_said(text):
    with pytest.raises(UsageError, match="is no date"):
        as_of.moment(text)


def test_a_difference_names_what_changed_and_nothing_else(two):
    found = promotion.differences(two, "1", "2")
    assert set(found["config"]) == {"policy.lgd"}
    assert found["config"]["policy.lgd"][1] == 0.75
    assert found["checks"] == {}
    assert {"config", "scorer"} <= set(found["origin"])
    assert promotion.differences(two, "2", "champion") == {"scorer": {}, "config": {}, "checks": {}, "origin": {}}


def test_a_fetched_version_can_be_served(two, replaced, tmp_path):
    two.fetch(1, two.events(), tmp_path / "release")
    release = Files(tmp_path / "release")
    by = signing.SignedBy(public_key=str(replaced.root / "build/signing/signing.pub"))
    signing.verify_release(release, by)
    scorer = Scorer.load(release.scorer)
    assert scorer.digest == two.events()[0].scorer
    scorer.decide(read_parquet(replaced.inputs("test")).head(3))
    assert json.loads(release.report("gate").read_bytes())["digests"]["scorer"] == scorer.digest


@pytest.mark.parametrize(
    ("name", "said"), [("scorer/model.txt", "scorer"), ("gate.json", "gate.json"), ("scorer.sig", "rest")]
)
def test_what_was_altered_is_named(opened, registered, name, said):
    registered()
    path = kept_files(opened, 1) / "artifacts" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(RegistryBroken, match=rf"altered since it was registered: .*{said}"):
        promotion.move(opened, "nominate", "1", **CHECKER)
    assert len(opened.events()) == 1


def test_a_passing_record_put_in_the_place_of_the_failing_one_is_no_evidence(opened, files, registered):
    judge(files, auc_low=0.45, auc_high=0.55)
    registered()
    judge(files)  # the gate lets this very scorer pass, by other figures than were registered
    put_in = kept_files(opened, 1) / "artifacts" / "gate.json"
    shutil.copyfile(files.report("gate"), put_in)
    with pytest.raises(RegistryBroken, match=r"version 1 is altered since it was registered: gate\.json\."):
        promotion.evidence(opened, 1, opened.events(), datetime.now(UTC).date())
    put_in.unlink()
    with pytest.raises(RegistryBroken, match=r"version 1 is altered since it was registered: gate\.json\."):
        opened.gate_record(1, opened.events())


def test_the_version_that_was_verified_is_the_one_that_is_fetched(opened, registered, exchange, tmp_path):
    """Another scorer among MLflow's files, a moment later, does not come along."""
    scorer = registered().scorer
    exchanged = exchange(kept_files(opened, 1) / "artifacts" / "scorer")
    opened.fetch(1, opened.events(), tmp_path / "release")
    assert exchanged
    assert Scorer.load(Files(tmp_path / "release").scorer).digest == scorer


def test_a_file_that_is_gone_is_refused(opened, registered):
    registered()
    shutil.rmtree(kept_files(opened, 1) / "artifacts" / "scorer")
    with pytest.raises(RegistryBroken, match="altered since"):
        opened.verify(1, opened.events())


def test_a_signer_who_does_not_count_any_more_moves_nothing(opened, files, registered, tmp_path):
    registered()
    signing.make_keys(tmp_path / "new.key")
    by = signing.SignedBy(public_key=str(tmp_path / "new.pub"))
    with registry(files, signed_by=by) as other, pytest.raises(RegistryBroken, match="signed statement does not count"):
        promotion.move(other, "nominate", "1", **CHECKER)


def test_a_history_that_was_cut_off_is_noticed(two):
    with two.history._engine.connect() as connection:
        for table in ("registry_moves", "registry_statements"):
            connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE seq = 6")
        connection.commit()
    with pytest.raises(RegistryBroken, match="once reached entry 6"):
        two.events()


def test_a_retired_scorer_is_out_and_may_come_back_the_whole_way(opened, registered):
    registered()
    promotion.move(opened, "retire", "1", by="Kim Lee", reason="superseded before it lived")
    assert standing(opened.events()).roles == {1: "retired"}
    live(opened, 1)
    assert standing(opened.events()).champion == 1

"""Stage gate: the record speaks about exactly these files, and `check` opens for nothing else."""

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pandas import DataFrame

from credit_risk.cli import main
from credit_risk.config import Config, floor, identities, load, wordings
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, read_parquet, write_json, write_parquet, write_text
from credit_risk.errors import CheckFailed, ConfigError, CreditRiskError, DataError, NotFound, UsageError
from credit_risk.measures.verdict.gate import WITH_WAIVERS
from credit_risk.measures.verdict.waiver import WaiverRefused
from credit_risk.modelling import evidence
from credit_risk.scoring.signed_chain import link
from credit_risk.stages import gate
from identities_trial import commit, sign_waiver
from measured import measure

Judged = tuple[Config, Files]


@pytest.fixture(scope="module")
def measured_once(trained: Judged, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Figures that pass, of exactly this scorer, and a file of code. Copy it, never write into it."""
    files = Files(shutil.copytree(trained[1].root, tmp_path_factory.mktemp("measured") / "root"))
    write_text(files.root / gate.CODE / "scoring" / "model.py", "x = 1\n")
    measure(files)
    return files


@pytest.fixture
def measured(trained: Judged, measured_once: Files, tmp_path: Path) -> Judged:
    return trained[0], Files(shutil.copytree(measured_once.root, tmp_path / "copy"))


@pytest.fixture
def judged(measured: Judged) -> Judged:
    gate.run(*measured)
    return measured


def blocked(files: Files, match: str) -> None:
    with pytest.raises(CheckFailed, match=match) as caught:
        gate.check(files)
    assert caught.value.exit_code == 1


def edit(files: Files, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """A report that says something else, sealed again, as whoever knows of the seal would leave it."""
    raw = read_json(files.report(name))
    change(raw)
    files.report(name).write_text(json.dumps(evidence.sealed(raw)))


def test_what_passes_is_recommended_and_let_through(judged: Judged):
    _, files = judged
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["recommended"], record["stale"]) == ("PASS", "models/scorer", [])
    assert [(one["name"], one["verdict"]) for one in record["checks"]] == [
        ("discrimination", "PASS"),
        ("monotone", "PASS"),
    ]
    assert gate.check(files)["recommended"] == "models/scorer"
    assert record["digests"]["scorer"] == digest.of_directory(files.scorer)


def test_judging_twice_gives_the_same_record(judged: Judged):
    config, files = judged
    before = files.report("gate").read_bytes()
    gate.run(config, files)
    assert files.report("gate").read_bytes() == before


@pytest.mark.parametrize(
    ("test", "verdict"), [({"auc_low": 0.45, "auc_high": 0.55}, "FAIL"), ({"auc_low": 0.55}, "CANNOT SAY")]
)
def test_what_does_not_pass_is_recorded_without_an_error_and_blocked_by_the_check(
    measured: Judged, test: dict[str, float], verdict: str
):
    config, files = measured
    measure(files, **test)
    gate.run(config, files)
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["recommended"]) == (verdict, None)
    blocked(files, rf"{verdict} discrimination: .*\(test.auc\)")


@pytest.mark.parametrize("name", ["scorer", "challenger"])
def test_figures_of_another_scorer_fail(measured: Judged, name: str):
    config, files = measured
    edit(files, "metrics", lambda raw: raw.update({name: "0" * 64}))
    gate.run(config, files)
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["recommended"]) == ("FAIL", None)
    assert record["stale"] == [f"reports/metrics.json measured another {name}"]
    blocked(files, f"measured another {name}")


def test_what_a_program_suggested_and_nobody_decided_keeps_the_gate_shut(measured: Judged):
    _, files = measured
    text = files.config.read_text(encoding="utf-8")
    write_text(files.config, text.replace("suggested: []", "suggested: [policy.lgd]"))
    gate.run(load(files.config), files)
    record = read_json(files.report("gate"))
    assert {one["verdict"] for one in record["checks"]} == {"PASS"}
    assert (record["verdict"], record["recommended"]) == ("FAIL", None)
    assert len(record["stale"]) == 1
    assert record["stale"][0].endswith("in the config: policy.lgd")
    blocked(files, "nobody has decided what a program suggested")


def test_wordings_that_nobody_has_read_keep_the_gate_shut(measured: Judged):
    config, files = measured
    draft = config.model_copy(update={"reasons": config.reasons.model_copy(update={"version": "0-draft"})})
    assert any("whose version is a draft" in line for line in gate.record(draft, files, TODAY)["stale"])
    assert draft.notice.startswith("TRIAL: nobody has decided the wordings of reasons")


def test_wordings_that_are_not_on_record_keep_the_gate_shut(measured: Judged):
    config, files = measured
    assert gate.record(config, files, TODAY)["stale"] == []
    (files.config.parent / wordings.FILE).unlink()
    assert gate.record(config, files, TODAY)["stale"] == [
        "wordings '1' are not on record: `credit-risk wordings` writes them there"
    ]


def test_figures_that_name_no_scorer_fail(measured: Judged):
    config, files = measured
    edit(files, "metrics", lambda raw: raw.pop("scorer"))
    gate.run(config, files)
    assert read_json(files.report("gate"))["verdict"] == "FAIL"


def test_without_figures_nothing_is_judged_and_the_sentence_says_what_to_run(measured: Judged):
    config, files = measured
    files.report("metrics").unlink()
    with pytest.raises(CreditRiskError, match=r"metrics.json: there is no such file.*dvc repro"):
        gate.run(config, files)
    assert not files.report("gate").exists()


@pytest.mark.parametrize("text", ["", "garbage", "[]", "null", "3"])
def test_garbled_figures_are_refused_in_a_sentence(measured: Judged, text: str):
    config, files = measured
    files.report("metrics").write_text(text)
    with pytest.raises(CreditRiskError, match=r"metrics.json"):
        gate.run(config, files)


def test_without_a_record_the_check_says_what_to_run(measured: Judged):
    with pytest.raises(NotFound, match=r"gate.json: there is no such file. Nothing was judged yet"):
        gate.check(measured[1])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("scorer", "models/scorer/reference.json"),
        ("challenger", "models/challenger/scorecard.json"),
        ("data", "artifacts/inputs/test.parquet"),
        ("data", "artifacts/outcomes/train.parquet"),
        ("config", "configs/credit.yaml"),
        ("config", "configs/model.yaml"),
        ("code", "src/credit_risk/scoring/model.py"),
    ],
)
def test_what_changed_after_the_verdict_is_named(judged: Judged, name: str, path: str):
    _, files = judged
    with (files.root / path).open("a") as stream:
        stream.write("\n")
    blocked(files, f"the {name} changed after the verdict")


def test_how_decisions_are_served_is_no_part_of_the_verdict_and_any_other_new_config_is(judged: Judged):
    _, files = judged
    write_text(files.root / "configs" / "deploy" / "local.yaml", "serving: {workers: 2}\n")
    gate.check(files)
    write_text(files.root / "configs" / "policies" / "deploy.yaml", "a: 1\n")
    blocked(files, "the config changed after the verdict")


def test_code_that_was_added_or_taken_away_is_a_change(judged: Judged):
    _, files = judged
    added = files.root / gate.CODE / "modelling" / "deep" / "more.py"
    write_text(added, "")
    blocked(files, "the code changed")
    added.unlink()
    gate.check(files)
    (files.root / gate.CODE / "scoring" / "model.py").unlink()
    blocked(files, "the code changed")


def test_a_scorer_that_is_gone_is_a_change(judged: Judged):
    _, files = judged
    for path in files.scorer.iterdir():
        path.unlink()
    files.scorer.rmdir()
    blocked(files, "the scorer changed after the verdict")


@pytest.mark.parametrize("text", ["", "garbage", "[]", "null", "3", "{}", '{"verdict": "PASS"}'])
def test_a_garbled_record_is_not_let_through(judged: Judged, text: str):
    _, files = judged
    files.report("gate").write_text(text)
    blocked(files, "gate.json")


def refused(config: Config, files: Files) -> None:
    measure(files, auc_low=0.45, auc_high=0.55)
    gate.run(config, files)


def test_turning_the_verdict_over_does_not_open_the_gate(measured: Judged):
    refused(*measured)
    edit(measured[1], "gate", lambda raw: raw.update(verdict="PASS", recommended="models/scorer"))
    blocked(measured[1], "discrimination")


def test_turning_every_verdict_over_does_not_open_the_gate(measured: Judged):
    refused(*measured)

    def forge(raw: dict[str, Any]) -> None:
        raw.update(verdict="PASS", recommended="models/scorer")
        for one in raw["checks"]:
            one["verdict"] = "PASS"

    edit(measured[1], "gate", forge)
    blocked(measured[1], "discrimination")


def test_taking_the_checks_away_does_not_open_the_gate(measured: Judged):
    refused(*measured)
    edit(measured[1], "gate", lambda raw: raw.update(verdict="PASS", recommended="models/scorer", checks=[]))
    blocked(measured[1], "discrimination")


def test_figures_that_changed_after_the_verdict_do_not_open_the_gate(judged: Judged):
    _, files = judged
    measure(files, auc_low=0.45, auc_high=0.55)
    blocked(files, "discrimination")


TODAY, LAST_DAY, NEXT_DAY = date(2026, 3, 14), date(2026, 6, 30), date(2026, 7, 1)
WAIVER = {
    "person": "Ada Lovelace",
    "role": "validator",
    "check": "discrimination",
    "reason": "the portfolio is small and grows",
    "expires": "2026-06-30",
    "scorer": None,
}
LOW = {"auc_low": 0.45, "auc_high": 0.55}


def waive(files: Files, **changes: Any) -> None:
    lines = [f"{key}: {json.dumps(value)}" for key, value in (WAIVER | changes).items()]
    write_text(files.waivers / "one.yaml", "\n".join(lines) + "\n")
    sign_waiver(files.root, files.waivers / "one.yaml", WAIVER["person"])


def shown(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The waivers of a record without the identities, each of which is a key's fingerprint."""
    used = [dict(waiver) for waiver in record["waivers"]]
    assert all(waiver.pop("identity").startswith("key:SHA256:") for waiver in used)
    return used


def judge(config: Config, files: Files, today: date = TODAY) -> dict[str, Any]:
    """Write the record of a day, as `run` does on its own day."""
    record = gate.record(config, files, today)
    write_json(files.report("gate"), record)
    return record


def test_a_waiver_lets_exactly_its_check_pass_and_is_recorded(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    waive(files)
    record = judge(config, files)
    assert (record["verdict"], record["recommended"]) == (WITH_WAIVERS, "models/scorer")
    assert [one["verdict"] for one in record["checks"]] == ["FAIL", "PASS"]
    assert shown(record) == [WAIVER]
    assert gate.check(files, TODAY) == record


def test_a_waiver_counts_only_once_it_is_committed(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    waive(files)
    assert judge(config, files)["verdict"] == WITH_WAIVERS
    git = ["git", "-C", str(files.root), "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run([*git, "rm", "-q", "--cached", "-r", str(files.waivers)], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "take it back"], check=True)
    with pytest.raises(ConfigError, match="a waiver counts when it is committed"):
        judge(config, files)
    (files.root / ".gitignore").write_text("configs/waivers\n")  # what git ignores, its status does not name
    with pytest.raises(ConfigError, match="a waiver counts when it is committed"):
        judge(config, files)
    commit(files.root)
    assert judge(config, files)["verdict"] == WITH_WAIVERS
    with (files.waivers / "one.yaml").open("a") as stream:
        stream.write("# another word, written after it was signed\n")
    with pytest.raises(ConfigError, match="commit it first"):
        judge(config, files)


def test_a_waiver_counts_for_nothing_where_git_cannot_say_what_is_committed(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    waive(files)
    shutil.rmtree(files.root / ".git")
    with pytest.raises(ConfigError, match="a waiver counts when it is committed"):
        judge(config, files)


def test_a_waiver_of_somebody_whom_no_commit_names_does_not_count(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    waive(files)
    path = files.root / identities.FILE
    path.write_text(path.read_text() + "# one line more, which nobody has seen\n")
    with pytest.raises(UsageError, match=r"identities\.yaml is not as git has it committed"):
        judge(config, files)


def test_a_waiver_that_is_none_is_told_what_is_wrong_with_it_in_words(measured: Judged):
    config, files = measured
    waive(files, person="")
    with pytest.raises(ConfigError) as caught:
        judge(config, files)
    assert "person: " in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_a_waiver_counts_only_as_its_person_signed_it(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    waive(files)
    assert judge(config, files)["verdict"] == WITH_WAIVERS
    file, signature = files.waivers / "one.yaml", files.waivers / "one.yaml.sig"
    signed = signature.read_bytes()
    signature.unlink()
    commit(files.root)
    with pytest.raises(ConfigError, match=r"nobody of identities\.yaml signed it; expected Ada Lovelace.*ssh-keygen"):
        judge(config, files)
    signature.write_bytes(signed)
    file.write_bytes(file.read_bytes() + b"# longer\n")
    commit(files.root)
    with pytest.raises(ConfigError, match=r"nobody of identities\.yaml signed it"):
        judge(config, files)
    sign_waiver(files.root, file, "Grace Hopper")
    with pytest.raises(ConfigError, match="it is signed by Grace Hopper; expected Ada Lovelace"):
        judge(config, files)
    (files.root / identities.FILE).unlink()
    with pytest.raises(NotFound, match="who may sign and approve"):
        judge(config, files)


def test_a_waiver_does_not_say_itself_who_signed_it(measured: Judged):
    config, files = measured
    waive(files, identity="key:SHA256:mine")
    with pytest.raises(ConfigError, match="identity: "):
        judge(config, files)


def test_a_waiver_lets_no_other_check_pass(measured: Judged):
    config, files = measured
    measure(files, violations=1, **LOW)
    waive(files)
    record = judge(config, files)
    assert (record["verdict"], record["recommended"], shown(record)) == ("FAIL", None, [WAIVER])
    with pytest.raises(CheckFailed, match="FAIL monotone") as caught:
        gate.check(files, TODAY)
    assert "discrimination" not in str(caught.value)


def test_a_waiver_that_nothing_needs_is_not_recorded(measured: Judged):
    config, files = measured
    waive(files)
    assert judge(config, files)["waivers"] == []


def test_a_waiver_holds_for_the_scorer_it_was_given_for(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    waive(files, scorer=digest.of_directory(files.scorer))
    assert judge(config, files)["verdict"] == WITH_WAIVERS
    waive(files, scorer="0" * 64)
    record = judge(config, files)
    assert (record["verdict"], record["waivers"]) == ("FAIL", [])
    with pytest.raises(CheckFailed, match="FAIL discrimination"):
        gate.check(files, TODAY)


def test_a_waiver_expires_at_the_check_after_its_last_day(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    waive(files)
    judge(config, files)
    gate.check(files, LAST_DAY)
    with pytest.raises(WaiverRefused, match="discrimination: it expired on 2026-06-30, today is 2026-07-01"):
        gate.check(files, NEXT_DAY)


def test_no_waiver_makes_figures_of_another_scorer_count(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    edit(files, "metrics", lambda raw: raw.update(scorer="0" * 64))
    waive(files)
    record = judge(config, files)
    assert (record["verdict"], record["recommended"]) == ("FAIL", None)
    with pytest.raises(CheckFailed, match="measured another scorer"):
        gate.check(files, TODAY)


def test_a_waiver_that_comes_or_goes_after_the_verdict_is_a_change(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    judge(config, files)
    waive(files)
    with pytest.raises(CheckFailed, match="the config changed after the verdict"):
        gate.check(files, TODAY)
    judge(config, files)
    for name in ("one.yaml", "one.yaml.sig"):
        (files.waivers / name).unlink()
    with pytest.raises(CheckFailed, match="the config changed after the verdict") as caught:
        gate.check(files, TODAY)
    assert "FAIL discrimination" in str(caught.value)


def test_a_waiver_written_into_the_record_alone_opens_nothing(measured: Judged):
    refused(*measured)
    edit(measured[1], "gate", lambda raw: raw.update(verdict="PASS", recommended="models/scorer", waivers=[WAIVER]))
    blocked(measured[1], "FAIL discrimination")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"garbage",
        b"[]",
        b"null",
        b"person: [",
        b"\xff\xfe\x00",
        b"person: Ada Lovelace\n",
        b"person: Ada Lovelace\nperson: Grace Hopper\n",
        b"person: Ada Lovelace\nrole: r\ncheck: '*'\nreason: one two three four five\nexpires: soon\n",
        b"person: Ada Lovelace\nrole: r\ncheck: x\nreason: one two three four five\nexpires: 2026-12-31\nall: true\n",
    ],
)
def test_a_garbled_waiver_is_an_error_although_nothing_needs_it(measured: Judged, text: bytes):
    config, files = measured
    waive(files)
    (files.waivers / "two.yaml").write_bytes(text)
    with pytest.raises(ConfigError, match=r"two\.yaml: "):
        gate.run(config, files)
    assert not files.report("gate").exists()


def test_a_waiver_that_names_nobody_is_an_error_although_nothing_needs_it(measured: Judged):
    config, files = measured
    waive(files, person="team", expires="9999-12-31")
    with pytest.raises(ConfigError, match="it is signed by Ada Lovelace; expected team"):
        gate.run(config, files)
    assert not files.report("gate").exists()


@pytest.mark.parametrize("name", ["fairness", "explain", "robustness"])
@pytest.mark.parametrize("of", [{"scorer": "0" * 64}, {"scorer": None}, {}])
def test_a_report_of_another_scorer_or_of_none_is_stale(measured: Judged, name: str, of: dict[str, Any]):
    config, files = measured
    evidence.write(files, name, of)
    gate.run(config, files)
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["recommended"]) == ("FAIL", None)
    assert record["stale"] == [f"reports/{name}.json measured another scorer"]
    blocked(files, f"reports/{name}.json measured another scorer")


@pytest.mark.parametrize("name", ["fairness", "explain", "robustness"])
@pytest.mark.parametrize("text", ["", "garbage", "[]", "null"])
def test_a_garbled_report_is_refused_in_a_sentence(measured: Judged, name: str, text: str):
    config, files = measured
    files.report(name).write_text(text)
    with pytest.raises(DataError, match=rf"{name}\.json holds no figures; the file was altered"):
        gate.run(config, files)


@pytest.fixture
def with_fairness_gate(measured: Judged) -> Judged:
    _, files = measured
    with files.config.open("a", encoding="utf-8") as stream:
        stream.write("  - {name: women, measure: fairness.contrasts.women.ratio, at_least: 0.8, reason: four fifths}\n")
    return load(files.config), files


def compare_women(files: Files, ratio: float | None, low: float | None, high: float | None) -> None:
    figures = {"ratio": ratio, "ratio_low": low, "ratio_high": high}
    report = {"scorer": digest.of_directory(files.scorer), "contrasts": {"women": figures}}
    evidence.write(files, "fairness", report)


def test_a_fairness_gate_fails_where_fairness_was_not_measured(with_fairness_gate: Judged):
    config, files = with_fairness_gate
    gate.run(config, files)
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["recommended"], record["stale"]) == ("FAIL", None, [])
    assert [one["verdict"] for one in record["checks"]] == ["PASS", "PASS", "FAIL"]
    blocked(
        files, r"FAIL women: .*\(fairness.contrasts.women.ratio\) was not measured, and a missing measure does not pass"
    )


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [((0.95, 0.9, 1.0), "PASS"), ((0.85, 0.75, 0.95), "CANNOT SAY"), ((0.7, 0.65, 0.75), "FAIL")],
)
def test_a_gate_reads_the_fairness_report_under_its_name(
    with_fairness_gate: Judged, figures: tuple[float, float, float], verdict: str
):
    config, files = with_fairness_gate
    compare_women(files, *figures)
    gate.run(config, files)
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["checks"][2]["verdict"]) == (verdict, verdict)
    assert record["checks"][2]["value"] == figures[0]


def test_what_the_fairness_report_does_not_know_cannot_be_said_and_has_its_reason(with_fairness_gate: Judged):
    config, files = with_fairness_gate
    compare_women(files, None, None, None)
    edit(files, "fairness", lambda raw: raw.update(unknown={"contrasts.women.ratio": "12 rows, 50 are needed"}))
    gate.run(config, files)
    blocked(files, r"CANNOT SAY women: .*\(fairness.contrasts.women.ratio\) is not known: 12 rows, 50 are needed")


def test_a_report_cannot_stand_in_for_the_figures_of_another(measured: Judged):
    """What evaluate did not measure is not taken from a report that happens to hold a figure of that name."""
    config, files = measured
    edit(files, "metrics", lambda raw: raw.pop("test"))
    figures = {"auc": 0.9, "auc_low": 0.88, "auc_high": 0.92}
    evidence.write(files, "explain", {"scorer": digest.of_directory(files.scorer), "test": figures})
    gate.run(config, files)
    blocked(files, r"FAIL discrimination: .*\(test.auc\) was not measured")


@pytest.mark.parametrize("name", ["two.yml", "two.json", "two", "later/two.yaml"])
def test_a_file_among_the_waivers_that_would_be_passed_over_is_an_error(measured: Judged, name: str):
    config, files = measured
    write_text(files.waivers / "README.md", "Who may waive what.\n")
    gate.run(config, files)
    (files.waivers / name).parent.mkdir(exist_ok=True)
    write_text(files.waivers / name, "check: discrimination\n")
    with pytest.raises(ConfigError, match=r"a waiver is a file waivers/NAME\.yaml; this one would be passed over"):
        gate.run(config, files)


@pytest.fixture
def with_part_gate(measured: Judged) -> Judged:
    """A gate on a figure of an optional part, as docs/attacks.md has them."""
    _, files = measured
    with files.config.open("a", encoding="utf-8") as stream:
        stream.write("  - {name: stands, measure: attacks.robustness.score, at_least: 0.7, reason: cheap flips}\n")
    return load(files.config), files


def attack(files: Files, scorer: str | None = None, **figures: Any) -> None:
    score = {"score": 0.8, "score_low": 0.75, "score_high": 0.85, **figures}
    measured_of = scorer or digest.of_directory(files.scorer)
    report = {"scorer": measured_of, "robustness": score, "unknown": {}}
    evidence.write(files, "attacks", report, part=load(files.config))


def test_a_gate_on_an_optional_part_fails_until_it_was_run_and_names_what_to_run(with_part_gate: Judged):
    config, files = with_part_gate
    gate.run(config, files)
    why = (
        r"was not measured, and a missing measure does not pass: reports/parts/attacks.json is not there, `make attack"
    )
    blocked(files, rf"FAIL stands: .*\(attacks.robustness.score\) {why}s` writes it")
    (sentence,), _ = gate.unmeasured(config, files)
    assert sentence.endswith(
        "attacks.robustness.score; reports/parts/attacks.json is not there, `make attacks` writes it."
    )


def test_a_run_on_other_files_says_nothing_of_what_is_measured(with_part_gate: Judged):
    config, files = with_part_gate
    write_json(files.report("preparation"), {"inputs_digest": {"data/of-the-template.csv": "aa"}})
    assert gate.unmeasured(config, files) == ([], [])
    write_json(files.report("preparation"), {"inputs_digest": {its.path: "aa" for its in config.data.sources}})
    assert len(gate.unmeasured(config, files)[0]) == 1


def test_a_misspelled_measure_is_a_fault_at_its_line_and_a_name_of_ones_own_is_none(measured: Judged):
    config, files = measured
    contrast = config.fairness.contrasts[0].name
    write_json(files.report("fairness"), {"contrasts": {contrast: {"ratio": 0.9}}, "unknown": {}})
    write_json(files.report("explain"), {"unknown": {"resampling.top_reason": "it is no scorecard"}})
    figures = read_json(files.report("metrics"))
    write_json(files.report("metrics"), figures | {"differences": {"logistic": {"auc": 0.01}}})

    def faults(measure: str, of: str | None = None) -> list[tuple[tuple[Any, ...], str]]:
        return gate.unmeasured(replace_gate(config, measure, of), files)[1]

    assert faults("test.acu") == [(("gates", 0, "measure"), "no run measures test.acu; did you mean test.auc?")]
    assert "contrasts" in faults(f"fairness.contrasts.{contrast}.rtio")[0][1]
    assert faults("test.auc") == []
    assert faults("test.acu", of="scorecard") == faults("test.acu")  # whatever kind the run's candidate is of
    assert "did you mean explain.resampling.top_reason?" in faults("explain.resampling.top_reson", "scorecard")[0][1]
    assert faults("explain.resampling.top_reason", of="scorecard") == []  # the report says why it is not known
    assert faults("challengers.lightgbm.auc", of="scorecard") == []  # of a kind that this run has none of
    assert "did you mean comparison.differences.auc?" in faults("comparison.diferences.auc")[0][1]
    assert faults("comparison.differences.auc") == faults("comparison.baseline_scored_candidate_not") == []
    new = config.fairness.contrasts[0].model_copy(update={"name": f"{contrast}s"})
    fairness = config.fairness.model_copy(update={"contrasts": (*config.fairness.contrasts, new)})
    declared = replace_gate(config.model_copy(update={"fairness": fairness}), f"fairness.contrasts.{contrast}s.ratio")
    sentences, none = gate.unmeasured(declared, files)
    assert (len(sentences), none) == (1, [])  # declared since the run
    write_json(files.report("preparation"), {"inputs_digest": {"data/of-the-template.csv": "aa"}})
    assert len(faults("test.acu")) == 1  # whatever the data
    assert faults(f"fairness.contrasts.{contrast}.rtio") == []  # of other data


def test_a_misspelled_measure_is_named_before_the_floor_misses_it(measured: Judged, capsys: pytest.CaptureFixture[str]):
    _, files = measured
    assert main(["config", "--root", str(files.root)]) == 0
    text = files.config.read_text(encoding="utf-8")
    files.config.write_text(text.replace("measure: test.auc", "measure: test.acu", 1), encoding="utf-8")
    capsys.readouterr()
    assert main(["config", "--root", str(files.root)]) == 2
    assert "measure: no run measures test.acu; did you mean test.auc?" in capsys.readouterr().err


def replace_gate(config: Config, measure: str, of: str | None = None) -> Config:
    first = config.gates[0].model_copy(update={"measure": measure, "of": of})
    return config.model_copy(update={"gates": (first, *config.gates[1:])})


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [({}, "PASS"), ({"score_low": 0.6}, "CANNOT SAY"), ({"score": 0.5, "score_low": 0.4, "score_high": 0.6}, "FAIL")],
)
def test_a_gate_reads_an_optional_parts_report_under_its_name(
    with_part_gate: Judged, figures: dict[str, float], verdict: str
):
    config, files = with_part_gate
    attack(files, **figures)
    gate.run(config, files)
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["checks"][2]["verdict"]) == (verdict, verdict)
    assert record["run"][-1]["report"] == "parts/attacks"


def test_an_optional_parts_report_of_another_scorer_is_stale_where_a_gate_reads_it_and_no_matter_elsewhere(
    with_part_gate: Judged,
):
    config, files = with_part_gate
    attack(files, scorer="0" * 64)
    gate.run(config, files)
    assert read_json(files.report("gate"))["stale"] == ["reports/parts/attacks.json measured another scorer"]
    none_reads_it = config.model_copy(update={"gates": config.gates[:-1]})
    assert gate.record(none_reads_it, files, date(2026, 1, 1))["stale"] == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda files: rewrite(files.predictions / "test.parquet"), "predictions"),
        (lambda files: rewrite(files.inputs("train")), "prepared tables"),
        (lambda files: in_config(files, "min_n: 50", "min_n: 49"), "settings"),
    ],
)
def test_an_optional_parts_report_is_stale_where_what_it_was_measured_on_has_changed(
    with_part_gate: Judged, change: Callable[[Files], None], what: str
):
    """No run makes it anew, so it names all that it was measured on."""
    _, files = with_part_gate
    attack(files)
    assert not [said for said in judge(load(files.config), files)["stale"] if "attacks" in said]
    change(files)
    (said,) = (said for said in judge(load(files.config), files)["stale"] if "attacks" in said)
    assert said == f"reports/parts/attacks.json was not measured on the {what} as they are: run `make attacks` again"


def test_a_limit_may_be_declared_after_an_optional_part_was_run(with_part_gate: Judged):
    _, files = with_part_gate
    attack(files)
    in_config(files, "robustness.score, at_least: 0.7", "robustness.score, at_least: 0.72")
    assert judge(load(files.config), files)["verdict"] == "PASS"


@pytest.mark.parametrize("name", ["metrics", "fairness", "explain", "robustness", "attacks"])
@pytest.mark.parametrize("change", [{"note": 1}, {"unknown": {"a": "b"}}, {evidence.SEAL: None}])
def test_a_report_edited_by_hand_before_the_verdict_is_named(with_part_gate: Judged, name: str, change: dict[str, Any]):
    config, files = with_part_gate
    attack(files)
    if name not in ("metrics", "attacks"):
        evidence.write(files, name, {"scorer": digest.of_directory(files.scorer), "contrasts": {}})
    assert judge(config, files)["stale"] == []
    path = gate.path_of(files, name)
    path.write_text(json.dumps(read_json(path) | change))
    (said,) = judge(config, files)["stale"]
    assert said.startswith(f"{path.relative_to(files.root)} was altered: it is not as it was written, run ")


def test_a_report_that_is_only_laid_out_otherwise_is_no_other(measured: Judged):
    config, files = measured
    files.report("metrics").write_text(json.dumps(read_json(files.report("metrics"))))
    assert judge(config, files)["verdict"] == "PASS"


def rewrite(path: Path) -> None:
    """Any other content."""
    table = read_parquet(path) if path.is_file() else DataFrame({"row": [1]})
    write_parquet(path, table.iloc[::-1])


def in_config(files: Files, before: str, after: str) -> None:
    text = files.config.read_text(encoding="utf-8")
    assert before in text
    write_text(files.config, text.replace(before, after))


@pytest.mark.parametrize("part", digest.JUDGES)
def test_a_comment_in_code_that_makes_or_judges_a_scorer_voids_the_verdict(judged: Judged, part: str):
    _, files = judged
    path = files.root / gate.CODE / part
    write_text(path if path.suffix else path / "model.py", "# a comment\n")
    blocked(files, "the code changed after the verdict")


@pytest.mark.parametrize("part", ["rollout", "report", "governance", "studies", "cli.py"])
def test_a_comment_in_any_other_code_does_not(judged: Judged, part: str):
    _, files = judged
    path = files.root / gate.CODE / part
    write_text(path if path.suffix else path / "model.py", "# a comment\n")
    gate.check(files)


def test_figures_of_a_model_of_other_training_rows_fail_and_so_do_those_that_do_not_say(measured: Judged):
    config, files = measured
    edit(files, "metrics", lambda raw: raw["trained_on"].update(outcomes="0" * 64))
    gate.run(config, files)
    blocked(files, "trained on other outcomes than the training outcomes are now")
    edit(files, "metrics", lambda raw: raw.pop("trained_on"))
    gate.run(config, files)
    blocked(files, "does not record what it was trained on")


def edit_floor(files: Files, before: str, after: str) -> None:
    path = files.config.parent / floor.NAME
    text = path.read_text(encoding="utf-8")
    assert before in text
    write_text(path, text.replace(before, after))


def test_without_a_floor_the_gate_is_shut(measured: Judged):
    config, files = measured
    (files.config.parent / floor.NAME).unlink()
    record = judge(config, files)
    assert (record["verdict"], record["stale"]) == ("FAIL", [gate.NO_FLOOR])
    blocked(files, "gate_floor.yaml is not there")


def test_limits_that_are_loosened_below_the_floor_shut_the_gate_with_both_lines(measured: Judged):
    _, files = measured
    text = files.config.read_text(encoding="utf-8")
    write_text(files.config, text.replace("at_least: 0.6,", "at_least: 0.5,"))
    record = judge(load(files.config), files)
    assert {check["verdict"] for check in record["checks"]} == {"PASS"}
    assert (record["verdict"], record["recommended"]) == ("FAIL", None)
    asked = "discrimination judges at_least 0.5, by its interval, expected at_least 0.6, by its interval or stricter"
    assert record["stale"] == [
        f"credit.yaml line {text[: text.index('  - {name: discrimination')].count(chr(10)) + 1}: gates.0: {asked} "
        "(gate_floor.yaml line 9: checks.0: the floor)"
    ]


def test_a_floor_that_rises_after_the_verdict_shuts_the_gate(judged: Judged):
    _, files = judged
    edit_floor(files, "at_least: 0.6", "at_least: 0.7")
    blocked(files, "the config changed after the verdict\n.*gate_floor.yaml line 9")


def test_what_the_floor_lets_nobody_waive_stays_shut(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    waive(files)
    assert judge(config, files)["verdict"] == WITH_WAIVERS
    edit_floor(files, "{measure: test.auc, at_least: 0.6}", "{measure: test.auc, at_least: 0.6, waivable: false}")
    record = judge(config, files)
    assert (record["verdict"], record["stale"]) == (
        "FAIL",
        ["discrimination is waived, and the floor lets nobody waive it"],
    )


def test_more_waivers_than_the_floor_allows_shut_the_gate(measured: Judged):
    config, files = measured
    measure(files, **LOW)
    waive(files)
    edit_floor(files, "most_waivers: 2", "most_waivers: 0")
    assert judge(config, files)["stale"] == ["waived checks: 1, and the floor allows 0 at most"]


def test_a_waiver_that_lets_nothing_pass_now_is_on_record_and_counts_all_the_same(measured: Judged):
    config, files = measured
    waive(files)
    record = judge(config, files)
    assert (record["verdict"], record["waivers"]) == ("PASS", [])
    assert [each["check"] for each in record["waivers_not_needed"]] == ["discrimination"]
    edit_floor(files, "most_waivers: 2", "most_waivers: 0")
    assert judge(config, files)["stale"] == ["waived checks: 1, and the floor allows 0 at most"]


def test_contrasts_that_no_gate_judges_stand_beside_the_verdict_with_figure_and_reason(measured: Judged):
    config, files = measured
    ratio = {"women": {"ratio": 0.832, "ratio_low": 0.768, "ratio_high": 0.896}}
    evidence.write(files, "fairness", {"scorer": digest.of_directory(files.scorer), "contrasts": ratio})
    record = judge(config, files)
    assert record["verdict"] == "PASS"
    assert record["not_judged"] == [
        {
            "contrast": "women",
            "sentence": "women is not judged: approval ratio 0.832 (0.768 to 0.896); a small made-up lender.",
        },
        {
            "contrast": "age_62_and_over",
            "sentence": "age_62_and_over is not judged: approval ratio not known; a small made-up lender.",
        },
    ]
    edit_floor(files, "women: a small made-up lender, ", "")
    record = judge(config, files)
    assert record["verdict"] == "FAIL"
    assert "women is declared, and no gate judges fairness.contrasts.women: add a gate" in record["stale"][0]


def test_figures_written_by_hand_are_named(measured: Judged):
    config, files = measured
    measure(files, auc=0.93, auc_low=0.91, auc_high=0.95)
    (line,) = gate.record(config, files, TODAY)["stale"]
    assert line.startswith(
        "reports/metrics.json was altered: test.auc is 0.93 there, and predictions and outcomes make 0."
    )


def test_predictions_that_are_not_the_scorer_s_are_named(measured: Judged):
    config, files = measured
    path = files.predictions / "test.parquet"
    table = read_parquet(path)
    kind = table.columns[-1]
    write_parquet(path, table.assign(**{kind: table["bad"].astype(float) * 0.9 + 0.05}))
    (line,) = gate.record(config, files, TODAY)["stale"]
    assert line.startswith("artifacts/predictions/test.parquet does not hold what models/scorer says of the test rows")
    write_parquet(path, table.iloc[:-1])
    (line,) = gate.record(config, files, TODAY)["stale"]
    assert line.startswith("artifacts/predictions/test.parquet does not hold the rows and outcomes")
    path.unlink()
    (line,) = gate.record(config, files, TODAY)["stale"]
    assert line.startswith("the headline figures cannot be computed again")


@pytest.mark.parametrize("kind", ["inputs", "outcomes", "protected"])
def test_prepared_tables_that_were_thinned_are_named(measured: Judged, kind: str):
    config, files = measured
    path = getattr(files, kind)("test")
    table = read_parquet(path)
    write_parquet(path, table.iloc[len(table) // 2 :])
    stale = gate.record(config, files, TODAY)["stale"]
    assert f"artifacts/{kind}/test.parquet is not the table that `prepare` wrote: it was altered since" in stale
    assert (
        "reports/metrics.json was not measured on the prepared tables as they are: run its stage again" in stale
    ) == (kind != "protected")


def test_tables_of_which_nobody_recorded_anything_are_not_believed(measured: Judged):
    config, files = measured
    files.report("preparation").write_text("{}")
    assert gate.record(config, files, TODAY)["stale"] == [
        "reports/preparation.json does not say what was prepared: run `dvc repro --force prepare`"
    ]


def test_the_record_chains_the_reports_and_names_one_that_was_edited_after_the_verdict(judged: Judged):
    _, files = judged
    run = read_json(files.report("gate"))["run"]
    assert [entry["report"] for entry in run] == ["preparation", "metrics", "selection"]
    assert run[1]["hash"] == link(bytes.fromhex(run[0]["hash"]), f"reports/metrics.json {run[1]['sha256']}").hex()
    edit(files, "metrics", lambda raw: raw.update(note="nothing that a gate reads"))
    blocked(files, "reports/metrics.json changed after the verdict")


def test_a_record_from_before_there_was_a_chain_is_judged_by_what_it_has(judged: Judged):
    _, files = judged
    edit(files, "gate", lambda raw: raw.pop("run"))
    blocked(files, "is not what the figures say")  # and so it is made anew


def crown(files: Files) -> Files:
    """The scorer and its record, as they are, become the champion's release."""
    champion = Files(files.parts / "champion")
    shutil.copytree(files.scorer, champion.scorer)
    champion.report("gate").parent.mkdir(parents=True)
    shutil.copy(files.report("gate"), champion.report("gate"))
    return champion


def test_without_a_champion_the_record_says_how_to_fetch_one(judged: Judged):
    changed = read_json(judged[1].report("gate"))["changed"]
    assert changed["champion"] is None
    assert changed["sentence"].startswith("No champion lies in reports/parts/champion")


def test_what_changed_since_the_champion_is_on_record_key_by_key(judged: Judged):
    config, files = judged
    crown(files)
    record = judge(config, files)
    assert (record["changed"]["settings"], record["changed"]["facts"]) == ([], [])
    assert record["verdict"] == "PASS"
    assert record["checks"][-1]["sentence"].endswith("(changed.outcome) is the champion's.")
    write_text(files.config, files.config.read_text(encoding="utf-8").replace("min_n: 50", "min_n: 60"))
    changed = judge(load(files.config), files)["changed"]
    assert changed["settings"] == [{"kind": "group", "key": "fairness.min_n", "old": "50", "new": "60"}]
    assert changed["champion"] == digest.of_directory(files.scorer)
    assert changed["sentence"].endswith("1 key of the config, 0 facts of rows and decisions.")


def test_other_rows_and_another_mix_of_decisions_are_facts_that_changed(judged: Judged):
    config, files = judged
    champion = crown(files)
    facts = read_json(champion.report("gate"))
    assert facts["facts"]["train rows"] == len(read_parquet(files.outcomes("train")))
    write_json(champion.report("gate"), facts | {"facts": facts["facts"] | {"bad rate": 0.5, "approve": 0.7}})
    changed = judge(config, files)["changed"]["facts"]
    assert [(each["fact"], each["old"]) for each in changed] == [("bad rate", 0.5), ("approve", 0.7)]


def test_tables_that_were_prepared_under_another_split_are_refused(judged: Judged):
    _, files = judged
    write_text(
        files.config, files.config.read_text(encoding="utf-8").replace("test: 0.3, seed: 7", "test: 0.3, seed: 8")
    )
    judge(load(files.config), files)
    blocked(files, "the tables were prepared under other columns, outcome or split than the config's now")


def test_counts_of_rows_that_are_not_those_of_the_table_are_named(judged: Judged):
    config, files = judged
    edit(files, "preparation", lambda raw: raw["parts"]["test"].update(bads=1))
    judge(config, files)
    blocked(files, "reports/preparation.json was altered: its counts of test rows are not those of the table")


def test_the_bad_rate_of_each_group_is_a_fact(judged: Judged):
    groups = {"female": {"bad_rate": 0.1, "rows": 400}, "male": {"bad_rate": None, "rows": 3}}
    config, files = judged
    write_json(files.report("fairness"), {"attributes": {"sex": {"groups": groups}}, "contrasts": {}})
    facts = judge(config, files)["facts"]
    assert {name: value for name, value in facts.items() if "sex" in name} == {
        "bad rate of sex: female": 0.1,
        "rows of sex: female": 400.0,
    }


def test_a_key_that_is_newer_than_the_champion_has_its_default_and_did_not_change(judged: Judged):
    config, files = judged
    before = crown(files).scorer / "config.json"
    tree = read_json(before)
    for column in tree["columns"].values():
        del column["known_at"]
    write_json(before, tree)
    assert judge(config, files)["changed"]["settings"] == []


def test_bad_defined_anew_takes_a_named_approval(judged: Judged):
    config, files = judged
    champion = crown(files)
    before = read_json(champion.scorer / "config.json")
    before["outcome"]["bad"] = ["bad", "late"]
    write_json(champion.scorer / "config.json", before)
    record = judge(config, files)
    assert record["verdict"] == "FAIL"
    assert record["checks"][-1]["sentence"] == (
        "The definition of a bad account (changed.outcome) differs from the champion's in outcome.bad."
    )
    waive(files, check="definition_of_bad")
    record = judge(config, files)
    assert record["verdict"] == WITH_WAIVERS
    assert shown(record)[0]["check"] == "definition_of_bad"
    gate.check(files, TODAY)


def test_half_a_champion_is_refused_with_the_command_that_fetches_it(judged: Judged):
    config, files = judged
    (crown(files).scorer / "config.json").write_text("[]")
    with pytest.raises(DataError, match="fetch the champion again"):
        judge(config, files)


@pytest.mark.parametrize(
    "resplits",
    [{"trained_on": {"rows": "a"}, "kind": "scorecard"}, {"trained_on": {"rows": "b"}, "kind": "lightgbm"}, {}],
)
def test_figures_of_other_splits_must_be_of_this_runs_rows_and_candidate(resplits):
    assert gate.not_of_this_run({"trained_on": {"rows": "a"}, "kind": "lightgbm"}, {"rows": "a"}, "lightgbm") == []
    [sentence] = gate.not_of_this_run(resplits, {"rows": "a"}, "lightgbm")
    assert "run `dvc repro stability`" in sentence

"""Reports edited, sealed anew, judged anew or recorded anew: each is named, by the witness that still knows."""

import subprocess
from pathlib import Path

import pytest

from credit_risk.compliance import dataset_facts
from credit_risk.data import digest, provenance
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json, write_text
from credit_risk.governance.report_seals import Witnesses, runs
from credit_risk.modelling import evidence

SAID = "reports/fairness.json"
LOCK = """\
schema: '2.0'
stages:
  fairness:
    cmd: credit-risk fairness
    deps:
    - path: src/a.py
      md5: {code}
    outs:
    - path: {file}
      md5: {md5}
  latency:
    cmd: credit-risk latency
    outs:
    - path: reports/latency.json
      md5: {times}
"""


def git(root, *arguments):
    who = ["-c", "user.name=Ana Torres", "-c", "user.email=ana@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", root, *who, *arguments], check=True, capture_output=True)


def run(files, *, code="c1"):
    """Judge the reports as they are, and put the run on record in dvc.lock, as a runner does that commits nothing."""
    write_json(files.report("gate"), {"run": evidence.chain(files, ("fairness", "latency"))})
    md5, times = (dataset_facts.file_md5(files.report(name)) for name in ("fairness", "latency"))
    write_text(files.root / "dvc.lock", LOCK.format(code=code, file=SAID, md5=md5, times=times))


def record(files, *, code="c1"):
    """The same, and commit all."""
    run(files, code=code)
    git(files.root, "add", "--all")
    git(files.root, "commit", "--allow-empty", "-m", "a run")


@pytest.fixture
def files(tmp_path):
    """A repository with one honest run: a ratio of 0.7, and a time of 5."""
    files = Files(tmp_path)
    write_json(files.report("preparation"), {"rows": 9})
    write_json(files.report("fairness"), evidence.sealed({"ratio": 0.7}))
    write_json(files.report("latency"), evidence.sealed({"ms": 5}))
    git(tmp_path, "init", "-q")
    record(files)
    return files


def faults(files, name="fairness"):
    return list(Witnesses.read(files).examined(name).faults)


def sealed_anew(files, name="fairness", **figures):
    write_json(files.report(name), evidence.sealed(figures))


def test_an_honest_run_is_named_by_its_verdict_and_its_commit(files):
    report = Witnesses.read(files).examined("fairness")
    chained = {entry["report"]: entry["hash"] for entry in read_json(files.report("gate"))["run"]}
    assert report.faults == ()
    assert (report.run, report.author, report.sha256) == (
        chained["fairness"],
        "Ana Torres",
        digest.of_file(files.report("fairness")),
    )
    assert report.commit == provenance.commit(files.root)
    assert [faults(files, name) for name in ("preparation", "latency")] == [[], []]


def test_an_edit_by_hand_breaks_the_seal_whatever_was_recorded_anew(files):
    write_json(files.report("fairness"), read_json(files.report("fairness")) | {"ratio": 0.9})
    record(files, code="c2")
    assert faults(files) == [f"{SAID} was altered: its seal is not that of its content"]


@pytest.mark.parametrize("content", ["", "[]", "garbage", '{"ratio": 0.7}'])
def test_a_report_that_carries_no_seal_was_altered(files, content):
    files.report("fairness").write_text(content)
    assert f"{SAID} was altered: its seal is not that of its content" in faults(files)


def test_what_is_sealed_anew_after_the_verdict_is_not_what_it_was_reached_on(files):
    sealed_anew(files, ratio=0.9)
    assert faults(files) == [
        f"{SAID} is not the report that the verdict was reached on: it was written anew since",
        f"{SAID} is not what the stage fairness wrote, as dvc.lock recorded it",
        f"{SAID} is not what the stage fairness wrote from the same inputs in commit "
        f"{provenance.commit(files.root)[:12]} by Ana Torres",
    ]
    report = Witnesses.read(files).examined("fairness")
    assert (report.run, report.commit, report.author) == (None, None, None)


def test_what_is_sealed_judged_and_recorded_anew_differs_from_the_same_run_in_history(files):
    honest = provenance.commit(files.root)
    sealed_anew(files, ratio=0.9)
    record(files)
    record(files)  # a second lie does not make the first true
    assert faults(files) == [
        f"{SAID} is not what the stage fairness wrote from the same inputs in commit {honest[:12]} by Ana Torres"
    ]


def test_a_run_of_other_code_may_find_other_figures(files):
    sealed_anew(files, ratio=0.9)
    record(files, code="c2")
    assert faults(files) == []


def test_a_run_with_other_libraries_may_find_other_figures(files):
    write_text(files.root / "requirements" / "dev.txt", "numpy==2.0.0\n")
    sealed_anew(files, ratio=0.9)
    record(files)
    assert faults(files) == []
    honest = provenance.commit(files.root)
    sealed_anew(files, ratio=0.95)
    record(files)
    assert faults(files) == [
        f"{SAID} is not what the stage fairness wrote from the same inputs in commit {honest[:12]} by Ana Torres"
    ]


def test_times_are_other_ones_in_each_run(files):
    sealed_anew(files, "latency", ms=6)
    record(files)
    assert faults(files, "latency") == []


def test_a_runner_that_makes_reports_anew_and_commits_none_has_no_fault_and_an_edited_report_there_is_named(files):
    committed = provenance.commit(files.root)
    sealed_anew(files, ratio=0.7)
    sealed_anew(files, "latency", ms=6)
    run(files)
    fairness, latency = (Witnesses.read(files).examined(name) for name in ("fairness", "latency"))
    assert (fairness.faults, fairness.commit) == ((), committed)  # the same figures are the committed file
    assert (latency.faults, latency.commit) == ((), None)  # other times stand in no commit, and that is no fault
    assert None not in (fairness.run, latency.run)
    write_json(files.report("latency"), read_json(files.report("latency")) | {"ms": 1})
    sealed_anew(files, ratio=0.9)
    altered = "reports/latency.json was altered: its seal is not that of its content"
    assert faults(files, "latency")[0] == altered
    assert "as dvc.lock recorded it" in faults(files)[1]
    run(files)  # judged and recorded anew on the runner, too
    assert faults(files, "latency") == [altered]
    assert faults(files) == [
        f"{SAID} is not what the stage fairness wrote from the same inputs in commit {committed[:12]} by Ana Torres"
    ]


def test_a_chain_whose_entry_was_exchanged_is_named_at_each_report(files):
    sealed_anew(files, ratio=0.9)
    gate = read_json(files.report("gate"))
    gate["run"][1]["sha256"] = digest.of_file(files.report("fairness"))
    write_json(files.report("gate"), gate)
    rewritten = "the run in reports/gate.json was rewritten: its entries do not follow one another"
    assert faults(files)[0] == faults(files, "preparation")[0] == rewritten
    assert Witnesses.read(files).examined("preparation").run is None


@pytest.mark.parametrize("run", [[3], "x", 7, [{"report": "fairness"}], {"a": 1}])
def test_a_chain_that_is_none_was_rewritten(files, run):
    write_json(files.report("gate"), {"run": run})
    assert faults(files)[0].startswith("the run in reports/gate.json was rewritten")


def test_without_verdict_lock_or_repository_the_seal_alone_is_held(tmp_path):
    files = Files(tmp_path)
    sealed_anew(files, ratio=0.7)
    report = Witnesses.read(files).examined("fairness")
    assert (report.faults, report.run, report.commit) == ((), None, None)


def test_stages_are_read_off_a_lock_by_what_they_were_made_of():
    first, other = (runs(LOCK.format(code=code, file=SAID, md5="m", times="t")) for code in ("c1", "c2"))
    assert [*first] == ["fairness", "latency"]
    assert first["fairness"].outputs == {SAID: "m"}
    assert first["fairness"].made_of != other["fairness"].made_of
    assert first["latency"] == other["latency"]
    assert runs("") == runs("garbage\n  half") == {}


def test_the_repositorys_own_lock_names_every_report_of_a_stage():
    lock = (Path(__file__).parents[2] / "dvc.lock").read_text(encoding="utf-8")
    assert runs(lock)["fairness"].outputs.keys() >= {SAID}

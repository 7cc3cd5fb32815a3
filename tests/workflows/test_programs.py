"""The programs in .ci/ by themselves: what they decide, and what they say."""

import json
import os
import runpy
import subprocess
import sys
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from runner import ROOT, git, read

CI = ROOT / ".ci"


def program(name: str) -> dict[str, object]:
    """The functions of a program, which is not run."""
    return runpy.run_path(str(CI / name))


# The plan


def plan(event, *paths, image=True):
    return program("plan")["plan"](event, list(paths) or None, image=image)


def test_a_pull_request_of_documents_runs_no_test():
    made = plan("pull_request", "docs/data.md", "README.md")
    assert made == {"jobs": ["code"], "pythons": ["3.11"], "documents": True}


def test_a_pull_request_runs_one_python_and_no_workflow_test():
    made = plan("pull_request", "docs/data.md", "src/credit_risk/cli/__init__.py")
    assert made == {"jobs": ["code", "test", "pipeline", "image"], "pythons": ["3.11"], "documents": False}


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".ci/plan", "Makefile", "tests/workflows/runner.py"])
def test_a_change_of_workflows_runs_their_tests(path):
    assert "workflows" in plan("pull_request", path)["jobs"]


@pytest.mark.parametrize(("event", "paths"), [("merge_group", ["docs/x.md"]), ("schedule", []), ("pull_request", [])])
def test_what_is_no_pull_request_or_whose_files_nobody_knows_runs_everything(event, paths):
    made = plan(event, *paths)
    assert made["jobs"] == ["code", "test", "pipeline", "image", "workflows"]
    assert made["documents"] is False
    assert made["pythons"] == (["3.11"] if event == "pull_request" else ["3.11", "3.12", "3.13"])


def test_without_a_dockerfile_there_is_no_image_to_plan():
    assert "image" not in plan("merge_group", image=False)["jobs"]


def test_the_files_of_a_pull_request_are_those_that_the_merge_changes(tmp_path):
    changed = program("plan")["changed"]
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for name in ("base", "theirs"):
        (tmp_path / name).touch()
        git(tmp_path, "add", name)
        git(tmp_path, "commit", "--quiet", "--message", name)
    git(tmp_path, "switch", "--quiet", "--create", "feature", "HEAD^")
    (tmp_path / "ours").touch()
    git(tmp_path, "add", "ours")
    git(tmp_path, "commit", "--quiet", "--message", "ours")
    git(tmp_path, "switch", "--quiet", "main")
    git(tmp_path, "merge", "--quiet", "--no-ff", "--message", "merge", "feature")
    assert changed(tmp_path) == ["ours"]


# The required check


def bad(needs, jobs=("code", "test", "image")):
    told = {name: {"result": result, "outputs": {}} for name, result in needs.items()}
    if "plan" in told:
        told["plan"]["outputs"] = {"jobs": json.dumps(list(jobs))}
    return program("all_succeeded.py")["bad_jobs"](told)


GOOD = {"plan": "success", "code": "success", "test": "success", "image": "success"}


def test_success_of_all_that_was_planned_is_success():
    assert bad(GOOD) == {}
    assert bad(GOOD | {"workflows": "skipped"}) == {}
    assert bad(GOOD | {"image": "skipped"}, jobs=("code", "test")) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"plan": "failure"},
        {"test": "cancelled"},
        {"image": "failure"},
        {"code": ""},
        {"test": "skipped"},
        {"workflows": "success"},  # it was not planned: then the plan was not read
    ],
)
def test_anything_else_is_no_success(change):
    assert bad(GOOD | change)


def test_a_plan_that_is_not_there_or_plans_nothing_is_no_success():
    assert bad({"code": "success", "test": "success"})
    assert bad({"plan": "success"}, jobs=())
    assert bad({"plan": "success", "code": "success"}, jobs=("code", "test"))
    needs = {"NEEDS": json.dumps({"plan": {"result": "failure", "outputs": {}}})}
    done = subprocess.run([sys.executable, CI / "all_succeeded.py"], env=needs, check=False, capture_output=True)
    assert done.returncode == 1


def test_failed_jobs_are_linked_with_their_first_error(tmp_path):
    answers = {
        "jobs?per_page": {"jobs": [{"id": 7, "name": "Code", "html_url": "https://x/7", "conclusion": "failure"}]},
        "annotations": [{"annotation_level": "failure", "path": "a.py", "start_line": 3, "message": "E501 long\nx"}],
    }
    stand_in = tmp_path / "gh"
    stand_in.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"for words, answer in {answers!r}.items():\n"
        "    if words in sys.argv[2]:\n        print(json.dumps(answer))\n",
        encoding="utf-8",
    )
    stand_in.chmod(0o755)
    told = {"plan": {"result": "success", "outputs": {"jobs": '["code"]'}}, "code": {"result": "failure"}}
    environment = {"NEEDS": json.dumps(told), "GITHUB_STEP_SUMMARY": str(tmp_path / "page")}
    environment |= {"GITHUB_REPOSITORY": "acme/credit-risk", "GITHUB_RUN_ID": "1", "PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, CI / "all_succeeded.py"], env=environment, check=False, capture_output=True)
    assert done.returncode == 1
    assert "| [Code](https://x/7) | `a.py:3` E501 long |" in (tmp_path / "page").read_text(encoding="utf-8")


# Data


@pytest.fixture
def source(tmp_path):
    """Run data_source.py in a repository with this DVC config; its outputs, its summary and how it ended."""

    def run(remote, **environment):
        (tmp_path / ".ci").mkdir(exist_ok=True)
        (tmp_path / ".ci/data_source.py").write_bytes((CI / "data_source.py").read_bytes())
        (tmp_path / ".dvc").mkdir(exist_ok=True)
        config = f"[core]\n    remote = x\n['remote \"x\"']\n    url = {remote}\n" if remote else "[core]\n"
        (tmp_path / ".dvc/config").write_text(config, encoding="utf-8")
        (tmp_path / "summary").write_text("", encoding="utf-8")
        told = {"ROLE": "", "LENDER": "allowed", "GITHUB_REPOSITORY": "acme/credit-risk"}
        told |= {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
        command = [sys.executable, tmp_path / ".ci/data_source.py"]
        done = subprocess.run(command, env=told | environment, capture_output=True, text=True, check=False)
        outputs = dict(line.split("=") for line in done.stdout.splitlines())
        return outputs, (tmp_path / "summary").read_text(encoding="utf-8"), done

    return run


S3 = "s3://bucket/credit-risk"
OWN = {"source": "own", "assume": "false"}
LENDER = {"source": "lender", "assume": "false"}


@pytest.mark.parametrize("remote", [None, "https://data.example.org/credit-risk"])
def test_open_data_need_no_role(source, remote):
    assert source(remote)[:2] == (OWN, "")


def test_own_data_are_read_with_the_role(source):
    assert source(S3, ROLE="arn:aws:iam::1:role/x")[0] == {"source": "own", "assume": "true"}
    assert source(S3, ROLE="arn:aws:iam::1:role/x", HEAD="acme/credit-risk")[0] == {"source": "own", "assume": "true"}


def test_a_pull_request_of_another_repository_gets_no_role(source):
    outputs, summary, _ = source(S3, ROLE="arn:aws:iam::1:role/x", HEAD="somebody/credit-risk")
    assert outputs == LENDER
    assert "the simulated lender" in summary


@pytest.mark.parametrize("remote", [S3, "../../credit-risk-data"])
def test_data_out_of_reach_become_the_simulated_lenders_or_stop_the_job(source, remote):
    outputs, summary, _ = source(remote)
    assert outputs == LENDER
    assert remote in summary
    outputs, _, done = source(remote, LENDER="never")
    assert (outputs, done.returncode) == ({}, 1)
    assert "This needs the repository's own data" in done.stderr


def test_a_remote_that_lies_on_the_machine_is_read(source, tmp_path):
    (tmp_path / "store").mkdir()
    assert source("../store")[0] == OWN


def test_the_image_is_tried_with_the_simulated_lender_whatever_the_data(source):
    assert source(None, LENDER="always")[0] == LENDER


def test_the_simulated_lender_replaces_nothing_on_a_desk(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
    command = [sys.executable, CI / "simulated_lender.py"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


# The gate


@pytest.mark.parametrize(
    ("result", "source", "verdict", "required", "passes"),
    [
        ("success", "own", "PASS", True, True),
        ("success", "own", "FAIL", False, True),
        ("success", "own", "FAIL", True, False),
        ("success", "own", "UNKNOWN", True, False),
        ("success", "lender", "PASS", False, True),
        ("success", "lender", "PASS", True, False),  # a verdict about somebody else's model
        ("skipped", "", "", True, True),  # documents only
        ("failure", "own", "PASS", False, False),
        ("success", "own", "", False, False),
    ],
)
def test_the_model_gate(result, source, verdict, required, passes):
    outcome = program("model_gate.py")["outcome"]
    assert outcome(result, source, verdict, required=required)[1] is passes


CONFIG = """columns:
  discrimination: {role: feature}
gates:
  - name: discrimination
    measure: test.auc
  - {name: monotone, measure: monotone.violations}
"""


def test_gates_that_do_not_pass_are_annotated_at_their_lines():
    checks = [("discrimination", "FAIL"), ("monotone", "UNKNOWN"), ("digest", "FAIL"), ("other", "PASS")]
    gate = {"checks": [{"name": name, "verdict": verdict, "sentence": "100 %"} for name, verdict in checks]}
    lines = program("gate_annotations.py")["annotations"](gate, CONFIG)
    assert [line.split(",")[1] for line in lines] == ["line=4", "line=6", "line=1"]
    assert lines[0].endswith("title=Gate discrimination::FAIL: 100 %25")


def test_committed_reports_that_a_run_does_not_confirm_are_annotated():
    changed = ["reports/fairness.json", "reports/latency.json", "reports/gate.json", "reports/plots/roc.csv"]
    (line,) = program("gate_annotations.py")["unconfirmed"](changed)
    assert line.startswith("::warning file=reports/fairness.json,title=Not what this run measured::")


# The comment


def settings(old, new, path="configs/credit.yaml"):
    """Kind, key and texts of what differs."""
    functions = program("settings_changes.py")
    found = functions["differences"](path, old, new)
    return [(kind, key, functions["shown"](was), functions["shown"](now)) for kind, key, was, now in found]


@pytest.mark.parametrize(
    ("old", "new", "row"),
    [
        ("gates: [{name: a, most: 7}]", "gates: [{name: a, most: 6}]", "threshold gates[a].most 7 6"),
        ("gates: [{name: a, at_least: 0.7}]", "gates: []", "threshold gates[a].at_least 0.7 not there"),
        ("policy: {margin: 0.2}", "policy: {margin: 0.3}", "cut-off policy.margin 0.2 0.3"),
        ("fairness: {min_n: 100}", "fairness: {min_n: 10}", "group fairness.min_n 100 10"),
        ("columns: {X: {role: protected}}", "columns: {X: {role: feature}}", "group columns.X.role protected feature"),
        ("split: {seed: 1}", "split: {seed: 2}", "seed split.seed 1 2"),
        ("split: {test: 0.2}", "split: {test: 0.1}", "split split.test 0.2 0.1"),
        (
            "outcome: {exclusions: []}",
            "outcome: {exclusions: [{name: a}]}",
            "exclusion outcome.exclusions[a].name not there a",
        ),
        ("outcome: {bad: 1}", "outcome: {bad: 0}", "outcome outcome.bad 1 0"),
        (
            "reasons: {list: [{id: R, text: a}]}",
            "reasons: {list: [{id: R, text: b}]}",
            "wording reasons.list[R].text a b",
        ),
        ("drift: {bins: 10}", "drift: {bins: 5}", "other drift.bins 10 5"),
        ("outcomes: 1", "outcomes: true", "other outcomes 1 true"),
    ],
)
def test_a_setting_that_changes_is_named_with_its_kind(old, new, row):
    assert row in [" ".join(each) for each in settings(old, new)]


def test_a_new_waiver_is_shown_key_by_key():
    rows = settings(None, "person: Ada Berg\ncheck: fair\n", path="configs/waivers/fair.yaml")
    assert rows == [
        ("waiver", r"waivers/fair.yaml: person", "not there", "Ada Berg"),
        ("waiver", r"waivers/fair.yaml: check", "not there", "fair"),
    ]


def test_equal_settings_differ_in_nothing_though_comments_do():
    assert settings("policy: {margin: 0.2} # a", "policy:\n  margin: 0.2\n") == []


@pytest.mark.parametrize("text", ["a: [", "a: &x [1]\nb: *x\n", "x" * 500_001, "- 1\n--- \n- 2\n"])
def test_a_file_that_cannot_be_read_key_by_key_is_still_said_to_change(text):
    ((_, key, _, now),) = settings("a: 1", text)
    assert key == "configs/credit.yaml"
    assert now.startswith("changed, and is ")


def test_policy_stands_first_and_nothing_is_cut_off_in_silence():
    functions = program("settings_changes.py")
    rows = [("other", "drift.bins", 10, 5), ("threshold", "gates[<b>a].at_least", 0.7, 0.6)]
    lines = functions["table"](rows * 50).splitlines()
    assert lines[4].startswith("| threshold | gates\\[&lt;b&gt;a\\].at")
    assert lines[-1] == "**And 20 more.**"
    assert functions["table"]([]) == "No key below `configs/` changes in this pull request.\n"


@pytest.fixture
def repository(tmp_path):
    """A repository with a base whose record names the scorer `aaa`, a change on it, and this program."""
    root = tmp_path / "repository"
    for folder in (".ci", "reports", "models"):
        (root / folder).mkdir(parents=True)
    (root / ".ci/against_base.py").write_bytes((CI / "against_base.py").read_bytes())
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", str(root))
    for digest in ("aaa", "bbb"):
        (root / "reports/gate.json").write_text(json.dumps({"digests": {"scorer": digest}}), encoding="utf-8")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", digest)

    def run(digest, **environment):
        (root / "reports/gate.json").write_text(json.dumps({"digests": {"scorer": digest}}), encoding="utf-8")
        told = os.environ | {"SOURCE": "own"} | environment
        subprocess.run([sys.executable, root / ".ci/against_base.py"], env=told, check=True, capture_output=True)
        return json.loads((root / "reports/change.json").read_text(encoding="utf-8"))

    return run


def test_the_scorer_of_the_base_is_not_made_again_to_find_that_it_is_the_same(repository):
    change = repository("aaa")
    assert (change["source"], change["same_scorer"], change["why"]) == ("own", True, None)
    assert len(change["base"]) == 40


def test_a_base_that_cannot_be_compared_is_written_down_with_its_reason(repository):
    change = repository("ccc", SOURCE="lender")
    assert (change["source"], change["same_scorer"]) == ("lender", False)
    assert change["why"].startswith("the base branch's scorer was not compared: ")
    assert "record" not in change
    assert "rev-parse" in repository("ccc", BASE="nowhere")["why"]


# Vulnerabilities


VULNERABLE = [
    {
        "name": "diskcache",
        "version": "5.6.3",
        "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2025-69872"], "fix_versions": []}],
    }
]
TODAY = date(2026, 11, 29)


def audited(until=date(2027, 1, 1), package="diskcache", dependencies=VULNERABLE):
    functions = program("audit.py")
    waiver = functions["Waiver"]("CVE-2025-69872", package, "@acme/platform", "no fix", until)
    return functions["problems"](dependencies, [waiver], TODAY)


def test_a_vulnerability_that_somebody_bears_for_a_while_fails_nothing_and_is_named():
    red, said = audited()
    assert red == []
    assert "accepted by @acme/platform until 2027-01-01" in said[0]


def test_a_waiver_that_has_expired_is_red():
    assert "expired on 2026-11-28" in audited(until=date(2026, 11, 28))[0][0]
    assert audited(until=TODAY)[0] == []


def test_a_vulnerability_that_nobody_bears_is_red():
    red, said = audited(package="jinja2")
    assert red == ["diskcache 5.6.3: PYSEC-1, mended in no version"]
    assert said == ["waiver CVE-2025-69872 of jinja2 is used by nothing: take it out"]


def test_a_waiver_without_an_owner_is_no_waiver():
    waivers = program("audit.py")["waivers"]
    assert waivers((CI / "advisories.toml").read_text(encoding="utf-8"))
    with pytest.raises(TypeError):
        waivers('[[waiver]]\nid = "CVE-1"\npackage = "x"\nreason = "y"\nuntil = 2027-01-01\n')


def test_a_pull_request_is_searched_for_secrets_commit_by_commit(tmp_path, monkeypatch):
    """What it adds and takes out again counts, and what its base held already does not."""
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for name, text in (("old.py", "1"), ("new.py", "2"), ("new.py", None)):
        (tmp_path / name).write_text(text) if text else (tmp_path / name).unlink()
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "--quiet", "--message", name)
    functions = program("secrets_history.py")
    added = functions["blobs"]("HEAD~2")
    assert list(added.values()) == ["new.py"]
    assert functions["contents"](list(added)) == [b"2"]
    assert sorted(functions["blobs"]("").values()) == ["new.py", "old.py"]
    assert functions["blobs"]("no-such-commit") == functions["blobs"]("")


# Tests


def test_every_test_is_in_exactly_one_shard_and_of_one_kind():
    functions = program("shard.py")
    every = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))
    for count in (1, 2, 3):
        parts = functions["shards"](ROOT, count, {})
        assert sorted(file for part in parts for file in part) == every
        assert all(parts)
    assert sorted(functions["kind"](ROOT, "unit") + functions["kind"](ROOT, "integration")) == every


def test_shards_are_about_as_long(tmp_path):
    for folder, tests in (("a", 8), ("b", 5), ("c", 4)):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        text = "def test_x(): ...\n" * tests
        (tmp_path / "tests" / folder / f"test_{folder}.py").write_text(text, encoding="utf-8")
    shards = program("shard.py")["shards"]
    assert shards(tmp_path, 2, {}) == [["tests/a/test_a.py"], ["tests/b/test_b.py", "tests/c/test_c.py"]]
    assert shards(tmp_path, 2, {"tests/c": 100})[0] == ["tests/c/test_c.py"]


REPORT = """<testsuites><testsuite>
<testcase classname="tests.data.reading.test_tables" name="test_good" time="2.5"/>
<testcase classname="tests.data.reading.test_tables" name="test_bad" time="0.5">
<failure message="assert 1 == 2&#10;more">tests/data/reading/test_tables.py:7: in test_bad
src/x.py:9: AssertionError</failure></testcase>
</testsuite></testsuites>"""


def test_failures_are_annotated_at_their_lines_and_the_slowest_named():
    functions = program("test_summary.py")
    cases = list(ET.fromstring(REPORT).iter("testcase"))
    assert functions["annotations"](cases, ROOT) == [
        "::error file=tests/data/reading/test_tables.py,line=7,title=test_bad::assert 1 == 2%0Amore"
    ]
    assert functions["slowest"](cases, 1).splitlines()[-1] == "| 2.5 | tests.data.reading.test_tables.test_good |"


# Operations


@pytest.mark.parametrize(("code", "drifted", "ends"), [(0, "false", 0), (1, "true", 0), (2, None, 2), (139, None, 139)])
def test_only_drift_is_called_drift(tmp_path, code, drifted, ends):
    stand_in = tmp_path / ".venv/bin/credit-risk"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    stand_in.chmod(0o755)
    outputs = tmp_path / "outputs"
    outputs.touch()
    environment = os.environ | {"DATASET": "x.csv", "GITHUB_OUTPUT": str(outputs)}
    done = subprocess.run([CI / "drift"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == ends
    assert outputs.read_text(encoding="utf-8") == (f"drifted={drifted}\n" if drifted else "")


@pytest.mark.parametrize(("ends", "runs"), [(0, 3), (7, 1)])
def test_beside_other_work_a_command_is_run_so_often_and_the_first_red_ends_it(tmp_path, ends, runs):
    command = f"wc -w </proc/$PPID/task/$PPID/children >>{tmp_path / 'loads'}; exit {ends}"
    done = subprocess.run([CI / "under-load", "sh", "-c", command], capture_output=True, check=False)
    assert done.returncode == ends
    # The command itself, four loops and a writer are the children of the program.
    assert (tmp_path / "loads").read_text(encoding="utf-8").split() == ["6"] * runs


@pytest.mark.parametrize(
    ("ref", "branches", "code"),
    [
        ("main", ("main",), 0),
        ("develop", ("main", "develop"), 0),
        ("feature", ("main", "develop"), 1),
        ("", ("", ""), 1),
    ],
)
def test_only_named_branches_deploy(ref, branches, code):
    environment = os.environ | {"GITHUB_REF": f"refs/heads/{ref}"}
    assert subprocess.run([CI / "only-from", *branches], env=environment, check=False).returncode == code


@pytest.mark.parametrize(("version", "root", "deploys"), [("", "/srv", False), ("3", "", False), ("3", "/srv", True)])
def test_what_is_not_deployed_is_said(tmp_path, version, root, deploys):
    page = tmp_path / "page"
    page.touch()
    environment = os.environ | {"VERSION": version, "DEPLOY_ROOT": root, "ENVIRONMENT": "staging"}
    environment |= {"GITHUB_STEP_SUMMARY": str(page)}
    done = subprocess.run([CI / "deploys"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"deploy={str(deploys).lower()}\n"
    silent = deploys or not version  # nobody asked for a deployment
    assert page.read_text(encoding="utf-8").startswith("" if silent else "Nothing was deployed to staging, because")


def test_every_schedule_has_its_workflows_and_every_called_workflow_its_schedule():
    due, file = program("due.py"), read(ROOT / ".github/workflows/schedules.yml")
    assert {entry["cron"] for entry in file["on"]["schedule"]} == set(due["DUE"])
    assert {name for names in due["DUE"].values() for name in names} == set(file["jobs"]) - {"due"}
    assert due["due"]("17 1 * * *", "all") == (["ci", "drift-monitor", "repo-settings"], [])
    assert due["due"]("17 1 * * *", "ci retrain") == (["ci"], ["drift-monitor", "repo-settings"])


def test_coverage_below_its_floor_is_red(tmp_path):
    repository = tmp_path / "repository"
    (repository / ".ci").mkdir(parents=True)
    (repository / ".ci/coverage-floor").write_bytes((CI / "coverage-floor").read_bytes())
    (repository / ".ci/coverage-floor").chmod(0o755)
    (repository / "code.py").write_text(
        "def f(x):\n    if x:\n        return 1\n    return 2\nf(1)\n", encoding="utf-8"
    )
    data = repository / "shards/tests-3.11-1/coverage"
    data.mkdir(parents=True)
    command = [sys.executable, "-m", "coverage", "run", f"--data-file={data / 'data'}", "code.py"]
    subprocess.run(command, cwd=repository, check=True)
    environment = os.environ | {"GITHUB_STEP_SUMMARY": str(tmp_path / "page")}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for floor, code in (("80", 0), ("81", 1)):  # four of five lines
        done = subprocess.run(
            [".ci/coverage-floor", "shards"], cwd=repository, env=environment | {"FLOOR": floor}, check=False
        )
        assert done.returncode == code
    assert "**80 %**" in (tmp_path / "page").read_text(encoding="utf-8")


BRANCHES = {"protected_branches": True, "custom_branch_policies": False}
REVIEWERS = {"id": 7, "type": "required_reviewers", "prevent_self_review": True, "reviewers": [{"type": "Team"}]}
PRODUCTION = {
    "name": "production",
    "deployment_branch_policy": BRANCHES,
    "protection_rules": [{"id": 8, "type": "branch_policy"}, REVIEWERS],
}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, None),
        ({"name": "another"}, None),
        ({"deployment_branch_policy": None}, "environment production/deployment_branch_policy: wanted"),
        ({"deployment_branch_policy": BRANCHES | {"protected_branches": False}}, "/protected_branches: wanted true"),
        ({"protection_rules": []}, "required_reviewers: wanted"),
        ({"protection_rules": [REVIEWERS | {"prevent_self_review": False}]}, "/prevent_self_review: wanted true"),
    ],
)
def test_an_environment_that_was_opened_by_hand_is_named(monkeypatch, changes, sentence):
    monkeypatch.chdir(ROOT)
    found = program("rulesets.py")["of_environments"]({"environments": [PRODUCTION | changes]})
    assert [sentence in line for line in found] == ([True] if sentence else [])


# Pictures


def test_a_picture_begins_at_nothing_and_holds_its_level():
    chart = program("picture.py")["chart"]
    assert chart("income: PSI", [("2026-03", 0.1), ("2026-04", 0.3)], level=0.5).splitlines() == [
        "```mermaid",
        "xychart-beta",
        '    title "income: PSI"',
        '    x-axis ["2026-03", "2026-04"]',
        "    y-axis 0 --> 0.5500",
        "    bar [0.1000, 0.3000]",
        "    line [0.5000, 0.5000]",
        "```",
    ]


def test_a_picture_has_an_axis_where_nothing_has_moved():
    assert "y-axis 0 --> 1.0000" in program("picture.py")["chart"]("age: PSI", [("2026-04", 0.0)], level=None)


def test_a_name_that_would_end_a_picture_is_only_a_name():
    """A lender's column may be called anything; what Mermaid and Markdown read as their own becomes a blank."""
    drawn = program("picture.py")["chart"]('a"]\n```\n#x;', [('"', 0.1)], level=None).splitlines()
    assert drawn[2:4] == ['    title "a ] x"', '    x-axis ["no name"]']
    assert [line for line in drawn if line.startswith("```")] == ["```mermaid", "```"]


def test_a_picture_shows_as_many_months_as_can_be_read():
    points = [(str(month), 0.1) for month in range(30)]
    drawn = program("picture.py")["chart"]("age", points, level=None)
    assert '"20"' in drawn
    assert '"19"' not in drawn
    assert program("picture.py")["blocks"]([0.0, 0.1, 0.2] * 10) == "█" + "▁▅█" * 3


def test_blocks_of_nothing_are_low():
    assert program("picture.py")["blocks"]([0.0, 0.0]) == "▁▁"

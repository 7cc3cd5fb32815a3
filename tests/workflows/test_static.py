"""What can be said of the workflows without running them: pins, stubs, timeouts, and one list of checks."""

import json
import re
import runpy
import subprocess
import tomllib
from dataclasses import replace

import hosted
import layers
import minutes
import outcomes
import pytest
from runner import ROOT, STUBS, USES, read, uses, yaml_files

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PLAYED_BY_ACT = {"actions/checkout"}
PIN = re.compile(r"[0-9a-f]{40}")


def loose(found):
    """Uses that are not the full commit with the version behind it."""
    return [
        f"{use.file}: {use.action}"
        for use in found
        if not (PIN.fullmatch(use.ref) and re.match(r"# v\d+\.\d+\.\d+", use.comment))
    ]


def steps(path):
    found = read(path)
    if "runs" in found:
        return found["runs"]["steps"]
    return [step for job in found["jobs"].values() for step in job.get("steps", [])]


def unknown_inputs(action, given):
    stub = STUBS / action / "action.yml"
    return set(given) - set(read(stub)["inputs"]) if stub.is_file() else {"no stub"}


def test_every_action_is_pinned_by_its_commit_with_its_version():
    assert uses()
    assert loose(uses()) == []


@pytest.mark.parametrize("ref", ["v7", "main # v7.0.1", f"{'a' * 39} # v7.0.1", "a" * 40])
def test_a_loose_pin_is_found(ref, tmp_path):
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/x.yml").write_text(f"      - uses: actions/cache@{ref}\n")
    assert loose(uses(tmp_path)) == [".github/workflows/x.yml: actions/cache"]


def test_every_use_of_an_action_has_one_and_the_same_commit():
    pins = {(use.repository, use.ref, use.comment) for use in uses()}
    assert len(pins) == len({repository for repository, _, _ in pins})


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_third_party_action_has_a_stub_that_knows_its_inputs(path):
    wrong = {}
    for step in steps(path):
        action, _, _ = step.get("uses", "./").partition("@")
        if action.startswith("./") or action in PLAYED_BY_ACT:
            continue
        if unknown := unknown_inputs(action, step.get("with", {})):
            wrong[action] = unknown
    assert wrong == {}


def test_an_input_that_a_stub_does_not_know_is_found():
    assert unknown_inputs("actions/cache", {"path": ".venv", "keys": "x"}) == {"keys"}
    assert unknown_inputs("nobody/nothing", {}) == {"no stub"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_is_permitted_but_by_a_job_that_says_why(path):
    text = path.read_text(encoding="utf-8")
    assert read(path)["permissions"] == {}
    granted = re.findall(r"^ {6}[a-z-]+: (?:read|write)\b(.*)$", text, re.MULTILINE)
    assert len(granted) == sum(len(job["permissions"]) for job in read(path)["jobs"].values())
    assert all(re.match(r" # \w", comment) for comment in granted)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_has_an_end_and_leaves_no_credentials(path):
    for name, job in read(path)["jobs"].items():
        assert "uses" in job or job["timeout-minutes"] <= 120, name
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_make_ci_and_the_required_checks_are_one_list():
    """`make verdict` is in CI alone: it reads the fork's own config and data, which `make ci` leaves to `make run`."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    checks = re.search(r"^CHECKS := ([a-z -]+)$", makefile, re.MULTILINE).group(1).split()
    recipe = re.search(r"^ci: setup ##.*\n((?:\t.*\n)+)", makefile, re.MULTILINE).group(1).splitlines()
    assert [line.rsplit(maxsplit=1)[1] for line in recipe] == ["$(CHECKS)", "test"]
    local = {*checks, "test"}
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    required = set(jobs["ci-ok"]["needs"])
    assert required == set(jobs) - {"ci-ok", "model-gate"}, "a job that ci-ok does not need could fail unseen"
    runs = [step["run"] for job in jobs.values() for step in job.get("steps", []) if "run" in step]
    named = {target for run in runs if (target := re.fullmatch(r"make ([a-z-]+)", run))}
    targets = {target.group(1) for target in named} | ({"test"} if '.ci/test "$SHARD" 2' in runs else set())
    assert targets - {"verdict", "review", "scorer", "docs", "test-workflows"} == local


@pytest.mark.parametrize("target", ["verdict", "scorer"])
@pytest.mark.parametrize(("setting", "forced"), [("CI=true", True), ("ANEW=1", True), ("CI=", False)])
def test_no_runner_believes_a_report_that_lies_in_the_commit(target, setting, forced):
    """An edited report whose digest was edited in dvc.lock too is up to date for DVC: only running its stage tells."""
    command = ["make", "--dry-run", "--always-make", target, setting]
    recipe = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (repro,) = [line for line in recipe.splitlines() if "dvc repro" in line]
    assert ("--force" in repro) is forced


def test_workflows_run_stages_by_the_targets_that_believe_no_report():
    for path in WORKFLOWS:
        assert "dvc repro" not in path.read_text(encoding="utf-8"), path.name


def test_every_job_of_ci_can_be_planned_and_says_so():
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    plan = runpy.run_path(str(ROOT / ".ci/plan"))["plan"]
    everything = plan("schedule", None, image=True)["jobs"]
    assert {*everything, "plan", "ci-ok", "model-gate"} == set(jobs)
    for name in set(everything) - {"code"}:  # which runs on every change
        assert jobs[name]["if"] == f"contains(fromJSON(needs.plan.outputs.jobs || '[]'), '{name}')"


def test_hooks_call_targets_of_make_that_exist():
    makefile = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "Makefile", *ROOT.glob("make/*.mk")))
    hooks = [hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert hooks
    for hook in hooks:
        assert re.search(rf"^{hook['entry'].removeprefix('make ')}:", makefile, re.MULTILINE), hook["id"]


def test_the_required_check_of_the_ruleset_is_the_one_that_ci_has():
    rules = read(ROOT / ".github/rulesets/main.json")["rules"]
    checks = next(rule["parameters"] for rule in rules if rule["type"] == "required_status_checks")
    names = {job["name"] for job in read(ROOT / ".github/workflows/ci.yml")["jobs"].values()}
    required = {check["context"] for check in checks["required_status_checks"]}
    assert required == {"CI", "Model gate"} <= names
    actions_app = 15368  # a check of the same name by anything else does not count
    assert {check["integration_id"] for check in checks["required_status_checks"]} == {actions_app}


def test_trivy_knows_every_lock_by_its_name():
    """Trivy 0.76 reads 362 and 112 packages of the two with these patterns, and none without."""
    patterns = [pattern.removeprefix("pip:") for pattern in read(ROOT / ".github/trivy.yaml")["scan"]["file-patterns"]]
    locks = [f"requirements/{path.name}" for path in (ROOT / "requirements").glob("*.txt")]
    assert len(locks) >= 2
    assert [lock for lock in locks if not any(re.fullmatch(pattern, lock) for pattern in patterns)] == []


def test_every_path_has_an_owner():
    lines = (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines()
    assert next(line.split()[0] for line in lines if line and not line.startswith("#")) == "*"


def test_a_line_of_a_workflow_is_read_as_a_use():
    assert USES.search("      - uses: github/codeql-action/init@abc # v1.0.0")["action"] == "github/codeql-action/init"


def test_the_page_shows_the_workflows_as_they_are():
    text = layers.PAGE.read_text(encoding="utf-8")
    assert layers.page(text) == text, "run: python tests/workflows/layers.py"


def test_every_workflow_has_a_layer_and_every_exception_a_job():
    assert {name for names in layers.layers().values() for name in names} == {path.stem for path in WORKFLOWS}
    jobs = {(path.stem, job) for path in WORKFLOWS for job in read(path)["jobs"]}
    assert set(layers.ONLY_ON_GITHUB) <= jobs


def test_the_page_says_what_is_green_where_and_names_tests_that_are_there():
    text = outcomes.PAGE.read_text(encoding="utf-8")
    assert outcomes.page(text) == text, "run: python tests/workflows/outcomes.py"
    assert outcomes.jobs_on_request() <= set(outcomes.OUTCOMES), "a job of a pull request whose outcome nobody says"
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for (workflow, job), cells in outcomes.OUTCOMES.items():
        path = ROOT / f".github/workflows/{workflow}.yml"
        assert not path.is_file() or job in read(path)["jobs"], (workflow, job)
        assert len(cells) == len(outcomes.WHERE)
        for outcome, test in cells:
            assert outcome.startswith(("green", "skipped", "red", "off until enabled", "as the first")), outcome
            gone = test == outcomes.FORK and not (ROOT / "tests/fork").is_dir()
            assert not test or gone or f"def {test}(" in tests, test


def test_the_cost_of_a_pull_request_is_what_yaml_and_measured_times_give():
    measured = json.loads(minutes.MEASURED.read_text(encoding="utf-8"))
    assert set(minutes.needed()) <= set(measured["seconds"]), "run: python tests/workflows/minutes.py --measure"
    text = minutes.PAGE.read_text(encoding="utf-8")
    assert minutes.page(text, measured) == text, "run: python tests/workflows/minutes.py"


def test_each_job_is_billed_in_whole_minutes_as_often_as_it_runs():
    job = minutes.Job("ci", "test", times=3, counts=1, commands=("a", "b"))
    assert minutes.minutes(job, {"a": 40.0, "b": 20.0}) == 3
    assert minutes.minutes(job, {"a": 40.0, "b": 20.1}) == 6
    assert minutes.minutes(replace(job, counts=2), {"a": 1.0, "b": 0.0}) == 6
    with pytest.raises(KeyError):
        minutes.minutes(job, {"a": 40.0})


def test_a_shard_is_billed_for_its_part_of_all_tests():
    job = minutes.Job("ci", "test", times=2, counts=1, commands=('.ci/test "$SHARD" 2',))
    assert minutes.minutes(job, {"make coverage": 240.0}) == 4
    assert minutes.minutes(job, {"make coverage": 242.0}) == 6


def test_what_tests_need_is_on_a_hosted_runner_or_is_installed_there():
    """What the image lacks, as a plain list; `make test-runner` shows the same on such a machine."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("*.py")))
    asked = set(re.findall(r"needed\([^\n]*(?:apt-get install|Debian package) ([\w-]+)", sources))
    installed = set(re.findall(r"wanted\+=\(([\w-]+)\)", (ROOT / ".ci/packages").read_text(encoding="utf-8")))
    assert "postgresql" in asked
    assert asked - set(hosted.PACKAGES) <= installed
    assert installed == set(hosted.ABSENT.values())
    assert not installed & set(hosted.PACKAGES)


def test_every_job_of_a_pull_request_is_expected_on_such_a_machine():
    for workflow, jobs in hosted.EXPECTED.items():
        assert set(jobs) == set(read(ROOT / ".github/workflows" / workflow)["jobs"]) - {"codeql"}  # GitHub's own


def test_a_change_of_an_optional_part_starts_its_removal():
    parts = tomllib.loads((ROOT / "parts.toml").read_text(encoding="utf-8"))
    sources = {path for part in parts.values() for path in part["paths"] if path.startswith("src/")}
    started = read(ROOT / ".github/workflows/removal.yml")["on"]["pull_request"]["paths"]
    assert {path.removesuffix("/**") for path in started if path.startswith("src/")} == sources
    assert "parts.toml" in started


def test_what_starts_on_a_pull_request_is_counted():
    asked = {path.stem for path in WORKFLOWS if "pull_request" in read(path)["on"]}
    assert asked == {*minutes.ASKED, *minutes.SELDOM}
    usual, documents = ({(job.workflow, job.name) for job in minutes.jobs(paths)} for paths in minutes.KINDS.values())
    assert {("ci", "pipeline"), ("security", "codeql"), ("pr-report", "comment")} <= usual
    assert ("ci", "workflows") not in usual
    assert documents == {("ci", name) for name in ("plan", "code", "model-gate", "ci-ok")} | {("pr-report", "comment")}


def test_a_pull_request_stays_within_its_minutes():
    seconds = json.loads(minutes.MEASURED.read_text(encoding="utf-8"))["seconds"]
    usual, documents = (
        sum(minutes.minutes(job, seconds) for job in minutes.jobs(paths)) for paths in minutes.KINDS.values()
    )
    assert usual <= 30
    assert documents <= 8

"""Workflows executed by act: what is green, and what goes red for which reason; test_pipeline_runs trains as well."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from runner import ROOT, Clone, Run

PULL = {"action": "opened", "pull_request": {"number": 3, "title": "A change", "head": {"repo": {"fork": False}}}}
FORK = {"action": "opened", "pull_request": {"number": 3, "title": "A change", "head": {"repo": {"fork": True}}}}
TARGETS = "[lint, format-check, types, imports, config, workflows-lint]"
KEY = "AKIA" + "QYLPMN5HFIQR7XYA"  # two halves, so that it is no finding in this file
HEAD = {"sha": "a" * 40, "branch": "feature", "owner": "somebody"}


def code(clone: Clone, target: str) -> Run:
    clone.replace(".github/workflows/ci.yml", TARGETS, f"[{target}]")
    return clone.act("pull_request", "ci.yml", PULL, job="code")


def test_the_contract_holds_for_a_pull_request_of_a_fork_without_secrets(clone):
    run = clone.act("pull_request", "ci.yml", FORK, job="data")
    assert run.jobs == {"plan": "success", "data": "success"}, str(run)
    assert run.called("aws-actions/configure-aws-credentials") == []
    assert run.called("gh") == []
    assert "4,000 rows" in run.log


def test_data_that_break_the_contract_stop_the_pipeline(clone):
    clone.replace("configs/credit.yaml", "min_rows: 100", "min_rows: 100_000")
    run = clone.act("pull_request", "ci.yml", PULL, job="pipeline")
    assert run.jobs == {"plan": "success", "data": "failure"}, str(run)
    assert run.failed_steps == ["data: .venv/bin/credit-risk validate-data"]


def test_a_plan_that_fails_fails_the_required_check_though_all_else_is_skipped(clone):
    clone.write(".ci/plan", "#!/usr/bin/env bash\nexit 1\n")
    run = clone.act("pull_request", "ci.yml", PULL)
    assert run.jobs == {"plan": "failure", "ci-ok": "failure"}, str(run)


def test_a_test_that_fails_fails_its_job(clone):
    clone.write("tests/test_short.py", "def test_it():\n    assert 1 == 2\n")
    run = clone.act("pull_request", "ci.yml", PULL, job="test")
    assert run.jobs == {"plan": "success", "test": "failure"}, str(run)
    assert "1 failed" in run.log


def test_tests_leave_their_coverage_for_every_python(clone):
    run = clone.act("pull_request", "ci.yml", PULL, job="test")
    assert run.jobs == {"plan": "success", "test": "success"}, str(run)
    folders = sorted(path.name for path in run.artifacts.iterdir())
    assert folders == ["coverage-3.11", "coverage-3.12", "coverage-3.13"]
    assert (run.artifacts / "coverage-3.11/coverage.xml").is_file()


def test_windows_lints_install_nothing_but_the_locked_ruff(clone):
    run = clone.act("pull_request", "ci.yml", PULL, job="windows")
    assert "Requirement already satisfied: ruff==" in run.log, str(run)


@pytest.mark.parametrize("needs", [{}, {"plan": "failure"}, {"plan": "success", "test": "cancelled"},
                                   {"plan": "success", "image": "failure"}, {"plan": "success", "code": ""},
                                   {"plan": "success", "test": "skipped"}, {"test": "success"}])  # fmt: skip
def test_anything_but_success_of_all_is_no_success(needs):
    assert _all_succeeded(needs, image="false") == 1


def test_the_image_may_be_skipped_only_where_there_is_none():
    needs = {"plan": "success", "test": "success", "image": "skipped"}
    assert (_all_succeeded(needs, image="false"), _all_succeeded(needs, image="true")) == (0, 1)


def _all_succeeded(needs: dict[str, str], image: str) -> int:
    told = {name: {"result": result, "outputs": {"image": image}} for name, result in needs.items()}
    command = [sys.executable, ROOT / ".ci/all_succeeded.py"]
    return subprocess.run(command, env={"NEEDS": json.dumps(told)}, check=False, capture_output=True).returncode


def test_an_action_that_is_not_pinned_is_refused(clone):
    clone.replace(".github/workflows/scorecard.yml", "2d1146689b8cda280b9bc96326124645441f03bc # v2.4.4", "v2.4.4")
    run = code(clone, "workflows-lint")
    assert run.jobs == {"plan": "success", "code": "failure"}, str(run)
    assert "unpinned-uses" in run.log


def test_a_title_that_would_be_run_is_refused(clone):
    planted = "run: echo ${{ github.event.pull_request.title }}\n        env:"
    clone.replace(".github/workflows/ci.yml", "run: python3 .ci/all_succeeded.py\n        env:", planted)
    run = code(clone, "workflows-lint")
    assert run.jobs == {"plan": "success", "code": "failure"}, str(run)
    assert "pull_request.title" in run.log


def test_the_workflows_as_they_are_pass_their_lints(clone):
    assert code(clone, "workflows-lint").jobs == {"plan": "success", "code": "success"}


def test_nothing_secret_is_in_the_repository(clone):
    run = clone.act("pull_request", "security.yml", PULL, job="secrets")
    assert run.jobs == {"secrets": "success"}, str(run)  # pragma: allowlist secret


def test_a_planted_key_stops_the_risk_model_pipeline_at_its_first_job(clone):
    clone.write("src/credit_risk/keys.py", f'AWS = "{KEY}"\n')
    run = clone.act("push", "risk-model-pipeline.yml", {"ref": "refs/heads/main"})
    assert run.jobs == {"security-scan": "failure"}, str(run)
    assert "AWS Access Key" in run.log
    assert KEY not in run.log


@pytest.mark.parametrize(("payload", "uploads"), [(PULL, 1), (FORK, 0)])
def test_findings_are_uploaded_but_not_from_forks(clone, payload, uploads):
    run = clone.act("pull_request", "security.yml", payload, job="zizmor")
    assert run.jobs == {"zizmor": "success"}, str(run)
    assert len(run.called("github/codeql-action/upload-sarif")) == uploads


@pytest.fixture
def advisories() -> Iterator[tuple[str, dict[str, str]]]:
    """A loopback OSV server and the advisories it knows, by package."""
    known: dict[str, str] = {}

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            found = [{"id": known[asked], "summary": "Planted.", "affected": []}] if asked in known else []
            body = json.dumps({"vulns": found} if found else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", known
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("known", "result"), [({}, "success"), ({"jinja2": "GHSA-planted"}, "failure")])
def test_a_vulnerable_package_in_the_lock_is_refused(clone, advisories, known, result):
    url, served = advisories
    served.update(known)
    run = clone.act("pull_request", "security.yml", PULL, job="audit", OSV_URL=url)
    assert run.jobs == {"audit": result}, str(run)
    assert ("GHSA-planted" in run.log) == bool(known)


def test_an_advisory_service_that_cannot_be_reached_is_no_pass(clone):
    run = clone.act("pull_request", "security.yml", PULL, job="audit", OSV_URL="http://127.0.0.1:9")
    assert run.jobs == {"audit": "failure"}, str(run)


RUN = "https://github.com/acme/credit-risk/actions/runs/5"


def report(clone: Clone, gate: object, event: str = "pull_request", **head: str) -> Run:
    """pr-report after a run of CI whose artifact holds this gate record."""
    told = HEAD | head
    if gate is not None:
        folder = clone.room / "artifacts" / "reports"
        folder.mkdir(parents=True)
        (folder / "gate.json").write_text(gate if isinstance(gate, str) else json.dumps(gate))
        (folder / "metrics.json").write_text(json.dumps({"test": {"auc": 0.5}}))
    clone.answers["pulls"] = "17"
    run = {"id": 5, "html_url": RUN, "event": event, "head_sha": told["sha"], "head_branch": told["branch"]}
    run["head_repository"] = {"owner": {"login": told["owner"]}}
    return clone.act("workflow_run", "pr-report.yml", {"action": "completed", "workflow_run": run})


GATE = {"verdict": "FAIL", "checks": [{"name": "discrimination", "verdict": "FAIL", "sentence": "Too low."}]}


def test_the_pull_request_that_github_names_gets_the_comment(clone):
    run = report(clone, GATE)
    assert run.jobs == {"comment": "success"}, str(run)
    (comment,) = run.called("marocchino/sticky-pull-request-comment")
    assert comment["inputs"] == {"header": "pipeline", "number": "17", "path": "build/comment.md"}
    (asked,) = run.called("gh")
    assert "head=somebody:feature" in asked["arguments"]
    assert "## Promotion gate: FAIL" in comment["text"]
    assert f"[this run]({RUN}#artifacts)" in comment["text"]


@pytest.mark.parametrize("gate", [None, "", "[]", {"verdict": "SHIP IT", "checks": []}])
def test_an_artifact_that_is_no_report_is_not_commented(clone, gate):
    run = report(clone, gate)
    assert run.jobs == {"comment": "failure"}, str(run)
    assert run.called("marocchino/sticky-pull-request-comment") == []


def test_a_branch_name_that_would_be_a_command_is_only_a_name(clone):
    name = "x$(touch${IFS}pwned)`touch${IFS}pwned`;touch${IFS}pwned"
    run = report(clone, GATE, branch=name)
    (asked,) = run.called("gh")
    assert f"head=somebody:{name}" in asked["arguments"]
    assert list(clone.room.rglob("pwned")) == []


def test_a_run_that_was_no_pull_request_is_not_reported(clone):
    assert report(clone, GATE, event="push").jobs == {}


def live(clone: Clone, **changes: object) -> Run:
    wanted = json.loads((ROOT / ".github/rulesets/main.json").read_text()) | {"id": 4} | changes
    clone.answers["rulesets/4"] = json.dumps(wanted)
    clone.answers["rulesets"] = json.dumps([{"name": "main", "id": 4}])
    return clone.act("schedule", "repo-settings.yml")


def test_settings_that_are_those_in_the_repository_are_green(clone):
    assert live(clone).jobs == {"rulesets": "success"}


@pytest.mark.parametrize("change", [{"enforcement": "disabled"}, {"rules": []}])
def test_settings_that_were_changed_by_hand_go_red(clone, change):
    run = live(clone, **change)
    assert run.jobs == {"rulesets": "failure"}, str(run)
    assert f"main/{next(iter(change))}" in run.log, str(run)


@pytest.mark.parametrize(("workflow", "event"), [("retrain.yml", "schedule"), ("drift-monitor.yml", "schedule")])
def test_without_its_variables_an_operation_is_skipped_and_writes_nothing(clone, workflow, event):
    run = clone.act(event, workflow)
    assert (run.jobs, run.calls) == ({}, [])


@pytest.mark.parametrize(("open_", "verbs"), [("", ["list", "create", "create"]), ("12", ["list", "comment"])])
def test_one_issue_is_opened_and_then_commented_on(clone, open_, verbs):
    clone.answers["issue list"] = open_
    told = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/credit-risk", "GITHUB_RUN_ID": "9"}
    (clone.room / "log").write_text("")
    subprocess.run([ROOT / ".ci/one-issue", "drift", "Drift"], env=clone.environment() | told, check=True)
    calls = [json.loads(line)["arguments"] for line in (clone.room / "log").read_text().splitlines()]
    assert [arguments[1] for arguments in calls] == verbs


@pytest.mark.parametrize(
    ("workflow", "jobs"), [("scorecard.yml", {"scorecard": "success"}), ("security.yml", {"codeql": "success"})]
)
def test_what_only_github_can_run_is_wired(clone, workflow, jobs):
    run = clone.act("push", workflow, {"ref": "refs/heads/main"}, job=next(iter(jobs)))
    assert run.jobs == jobs, str(run)

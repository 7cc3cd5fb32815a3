"""Workflows executed by act: what is green, and what goes red for which reason; test_pipeline_runs trains as well."""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from runner import REPOSITORY, ROOT, Clone, Run, uses

from tools import borrow_environment

REPOSITORY_EVENT = {"full_name": REPOSITORY, "visibility": "public", "default_branch": "main"}


def pull(head: str = REPOSITORY, **repository: object) -> dict[str, object]:
    """The event of a pull request whose branch lies in `head`."""
    request = {"number": 3, "title": "A change", "head": {"repo": {"full_name": head, "fork": True}}}
    return {"action": "opened", "pull_request": request, "repository": REPOSITORY_EVENT | repository}


PULL, FORK = pull(), pull("somebody/credit-risk")
TARGETS = ("lint", "format-check", "types", "imports", "config", "workflows-lint", "secrets")
KEY = "AKIA" + "QYLPMN5HFIQR7XYA"  # two halves, so that it is no finding in this file
HEAD = {"sha": "a" * 40, "branch": "feature", "owner": "somebody"}
SUMMARY_OF_LENDER = "Data: **the simulated lender** with its own config"
PIPELINE = "Data contract, pipeline and gates"


def code(clone: Clone, target: str) -> Run:
    """The job `code` with one of its checks."""
    clone.replace(
        ".github/workflows/ci.yml", "ZIZMOR_FORMAT: github", "ZIZMOR_FORMAT: plain"
    )  # act shows no annotation
    for other in TARGETS:
        if other != target:
            clone.replace(".github/workflows/ci.yml", f"run: make {other}\n", 'run: "true"\n')
    return clone.act("pull_request", "ci.yml", PULL, job="code")


def judged(clone: Clone, verdict: str) -> None:
    """Instead of training for a minute the pipeline ends with this verdict."""
    record = json.dumps(
        {"verdict": verdict, "checks": [{"name": "discrimination", "verdict": verdict, "sentence": "."}]}
    )
    clone.write("gate.json", record)
    clone.replace(".github/workflows/ci.yml", "run: make verdict\n", "run: cp gate.json reports/gate.json\n")
    clone.replace(".github/workflows/ci.yml", "run: make review\n", 'run: "true"\n')


def test_the_contract_holds_for_a_pull_request_of_a_fork_without_secrets(clone):
    judged(clone, "PASS")
    run = clone.act("pull_request", "ci.yml", FORK, job="pipeline")
    assert run.jobs == {"plan": "success", "pipeline": "success"}, str(run)
    assert run.called("aws-actions/configure-aws-credentials") == []
    assert run.called("gh") == []
    assert "4,000 rows" in run.log


def test_a_fork_whose_remote_no_runner_reaches_has_its_pipeline_on_the_simulated_lender(clone):
    """As a fork's first steps leave it: another config, data of its own, and a remote beside the repository."""
    judged(clone, "PASS")
    clone.write(".dvc/config", "[core]\n    remote = storage\n['remote \"storage\"']\n    url = ../../fork-data\n")
    clone.write("data.dvc", f"outs:\n- md5: {'0' * 32}.dir\n  hash: md5\n  path: data\n")
    clone.replace("configs/credit.yaml", "simulated-lender", "own-lender")
    run = clone.act("pull_request", "ci.yml", PULL, job="pipeline")
    assert run.jobs == {"plan": "success", "pipeline": "success"}, str(run)
    assert SUMMARY_OF_LENDER in run.summary
    assert "../../fork-data lies beside the repository" in run.summary
    assert "4,000 rows" in run.log


def test_data_that_break_the_contract_stop_the_pipeline(clone):
    clone.replace("configs/credit.yaml", "min_rows: 100", "min_rows: 100_000")
    run = clone.act("pull_request", "ci.yml", PULL, job="pipeline")
    assert run.jobs == {"plan": "success", "pipeline": "failure"}, str(run)
    assert run.failed_steps == ["pipeline: .venv/bin/credit-risk validate-data"]


@pytest.mark.parametrize(
    ("verdict", "variables", "result"),
    [
        ("PASS", {"MODEL_GATE": "required"}, "success"),
        ("FAIL", {}, "success"),
        ("FAIL", {"MODEL_GATE": "required"}, "failure"),
    ],
)
def test_the_verdict_is_a_check_of_its_own(clone, verdict, variables, result):
    judged(clone, verdict)
    run = clone.act("pull_request", "ci.yml", PULL, job="model-gate", variables=variables)
    assert run.jobs == {"plan": "success", "pipeline": "success", "model-gate": result}, str(run)
    assert f"The gate says {verdict}" in run.summary
    assert ("Not promotable yet" in run.summary) == (verdict == "FAIL" and not variables)


def test_a_plan_that_fails_fails_the_required_check_though_all_else_is_skipped(clone):
    clone.write(".ci/plan", "#!/usr/bin/env bash\nexit 1\n")
    run = clone.act("pull_request", "ci.yml", PULL)
    assert run.jobs == {"plan": "failure", "ci-ok": "failure", "model-gate": "failure"}, str(run)


def test_a_test_that_fails_fails_its_job(clone):
    clone.write("tests/test_short.py", "def test_it():\n    assert 1 == 2\n")
    run = clone.act("pull_request", "ci.yml", PULL, job="test")
    assert run.jobs == {"plan": "success", "test": "failure"}, str(run)
    assert "1 failed" in run.log


def test_tests_leave_their_coverage_and_their_report(clone):
    run = clone.act("pull_request", "ci.yml", PULL, job="test")
    assert run.jobs == {"plan": "success", "test": "success"}, str(run)
    (folder,) = run.artifacts.iterdir()  # the other shard has no test here
    assert folder.name.startswith("tests-3.11-")
    assert (folder / "junit.xml").is_file()
    assert (folder / "coverage.xml").is_file()
    assert "| seconds | slowest tests |" in run.summary


def test_the_merge_queue_tests_every_python(clone):
    run = clone.act("merge_group", "ci.yml", {"merge_group": {"head_sha": "a" * 40}}, job="test")
    assert run.jobs == {"plan": "success", "test": "success"}, str(run)
    assert {path.name.split("-")[1] for path in run.artifacts.iterdir()} == {"3.11", "3.12", "3.13"}


def test_lints_on_other_systems_install_nothing_but_the_locked_ruff(clone):
    clone.replace(".github/workflows/portable.yml", "run: .ci/test-without-make", 'run: "true"')
    run = clone.act("workflow_dispatch", "portable.yml")
    assert run.jobs == {"portable": "success"}, str(run)
    assert "Requirement already satisfied: ruff==" in run.log, str(run)


def test_an_action_that_is_not_pinned_is_refused(clone):
    use = next(use for use in uses() if use.action == "ossf/scorecard-action")
    loose = use.comment.removeprefix("# ")
    clone.replace(".github/workflows/scorecard.yml", f"{use.ref} {use.comment}", loose)
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
    run = code(clone, "secrets")
    assert run.jobs == {"plan": "success", "code": "success"}, str(run)


def test_a_planted_key_stops_the_risk_model_pipeline_at_its_first_job(clone):
    clone.write("src/credit_risk/keys.py", f'AWS = "{KEY}"\n')
    run = clone.act("push", "risk-model-pipeline.yml", {"ref": "refs/heads/main"})
    assert run.jobs == {"security-scan": "failure"}, str(run)
    assert "AWS Access Key" in run.log
    assert KEY not in run.log


def checks(
    clone: Clone,
    payload: dict[str, object],
    *,
    steps: tuple[str, ...] = (),
    event: str = "pull_request",
    variables: dict[str, str] | None = None,
    **environment: str,
) -> Run:
    """The small checks of security, with only these of the make targets that take long or ask the network."""
    for target in ("secrets", "secrets-history", "audit", "sbom", "workflows-online"):
        if target not in steps:
            clone.replace(
                ".github/workflows/security.yml",
                f"run: make {target}\n",
                "run: mkdir -p build && touch build/sbom.json\n",
            )
    return clone.act(event, "security.yml", payload, job="checks", variables=variables, **environment)


@pytest.mark.parametrize(
    ("payload", "variables", "uploads"),
    [
        (PULL, {}, 2),
        (FORK, {}, 0),
        (pull(visibility="private"), {}, 0),
        (pull(visibility="private"), {"CODE_SECURITY": "true"}, 2),
    ],
)
def test_findings_are_uploaded_where_code_scanning_takes_them(clone, payload, variables, uploads):
    """A team's own fork is a fork to GitHub, too: its own pull requests are known by the full name."""
    run = checks(clone, payload, variables=variables)
    assert run.jobs == {"checks": "success"}, str(run)
    assert len(run.called("github/codeql-action/upload-sarif")) == uploads
    assert ("Nothing was sent to code scanning" in run.summary) == (uploads == 0)
    scan = run.called("aquasecurity/trivy-action")[0]["inputs"]
    assert (scan["exit-code"], scan["trivy-config"]) == ("1", ".github/trivy.yaml")


def test_a_secret_that_was_taken_out_again_is_still_in_the_history(clone):
    clone.write("src/credit_risk/keys.py", f'AWS = "{KEY}"\n')
    clone.commit()
    (clone.root / "src/credit_risk/keys.py").unlink()
    run = checks(clone, {"ref": "refs/heads/main"}, steps=("secrets-history",), event="push")
    assert run.jobs == {"checks": "failure"}, str(run)
    assert run.failed_steps == ["checks: make secrets-history"]
    assert "src/credit_risk/keys.py:1" in run.log


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
    run = checks(clone, PULL, steps=("audit",), OSV_URL=url)
    assert run.jobs == {"checks": result}, str(run)
    assert ("GHSA-planted" in run.log) == bool(known)


def test_an_advisory_service_that_cannot_be_reached_is_no_pass(clone):
    run = checks(clone, PULL, steps=("audit",), OSV_URL="http://127.0.0.1:9")
    assert run.jobs == {"checks": "failure"}, str(run)


TOY = """[project]
name = "credit-risk"
version = "0"
requires-python = ">=3.11"
dependencies = ["toy"]
optional-dependencies = {dev = [], serving = []}
"""


@pytest.fixture
def index() -> Iterator[str]:
    """A loopback package index with three versions of one package, the last uploaded this hour."""
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H:00:00Z")
    days = {"1.0": "2020-01-01T00:00:00Z", "2.0": "2024-01-01T00:00:00Z", "3.0": hour}
    files = [
        {
            "filename": f"toy-{version}-py3-none-any.whl",
            "url": f"toy-{version}-py3-none-any.whl",
            "hashes": {"sha256": version[0] * 64},
            "upload-time": day,
            "core-metadata": True,
        }
        for version, day in days.items()
    ]
    page = json.dumps({"meta": {"api-version": "1.1"}, "name": "toy", "files": files})

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            version = self.path.partition("toy-")[2].partition("-")[0]
            body = f"Metadata-Version: 2.1\nName: toy\nVersion: {version}\n" if version else page
            self.send_response(200)
            self.send_header("Content-Type", "text/plain" if version else "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("app", [{}, {"APP_CLIENT_ID": "Iv1"}])
def test_newer_versions_become_a_pull_request_once_they_are_a_week_old(clone, index, app):
    """Also where no App is named: then it is opened with the default token."""
    clone.write("pyproject.toml", TOY)
    for lock in ("dev", "serving"):
        clone.write(f"requirements/{lock}.txt", f"toy==1.0 --hash=sha256:{'1' * 64}\n")
    shutil.rmtree(clone.room / "cache/.venv")
    borrow_environment(clone.room / "cache/.venv", clone.root)
    keep = '      - run: cp -r requirements "$STUB_ARTIFACTS"\n      # A pull request that'
    clone.replace(".github/workflows/lock.yml", "      # A pull request that", keep)
    secret = {"APP_KEY": "pem"} if app else {}
    run = clone.act("workflow_dispatch", "lock.yml", {}, variables=app, secrets=secret, UV_DEFAULT_INDEX=index)
    assert run.jobs == {"lock": "success"}, str(run)
    for lock in ("dev", "serving"):
        assert f"toy==2.0 \\\n    --hash=sha256:{'2' * 64}" in (run.artifacts / f"requirements/{lock}.txt").read_text()
    (pull,) = run.called("peter-evans/create-pull-request")
    assert (pull["inputs"]["branch"], pull["inputs"]["add-paths"]) == ("lock/update", "requirements")
    assert len(run.called("actions/create-github-app-token")) == len(app)


def test_a_package_index_that_cannot_be_reached_opens_no_pull_request(clone):
    run = clone.act("workflow_dispatch", "lock.yml", {}, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple")
    assert run.jobs == {"lock": "failure"}, str(run)
    assert run.called("peter-evans/create-pull-request") == []


RUN = "https://github.com/acme/credit-risk/actions/runs/5"


SETTINGS = "policy: {margin: 0.2}\n"


def report(
    clone: Clone,
    gate: object,
    event: str = "pull_request",
    conclusion: str = "success",
    settings: tuple[str, str] = (SETTINGS, SETTINGS),
    **head: str,
) -> Run:
    """pr-report after a run of CI whose artifact holds this gate record, with the config before and after."""
    told = HEAD | head
    if gate is not None:
        folder = clone.room / "artifacts" / "reports"
        folder.mkdir(parents=True)
        (folder / "gate.json").write_text(gate if isinstance(gate, str) else json.dumps(gate))
        (folder / "change.json").write_text(json.dumps({"source": "own", "same_scorer": True}))
    sides = {told["sha"]: settings[1], "b" * 40: settings[0]}
    clone.answers["pulls"] = f"17 {'c' * 40}"
    clone.answers[f"compare/{'c' * 40}...{told['sha']}"] = json.dumps({"merge_base_commit": {"sha": "b" * 40}})
    for commit, text in sides.items():
        blob = hashlib.sha1(text.encode()).hexdigest()
        tree = [{"path": "configs/credit.yaml", "sha": blob}, {"path": "src/x.py", "sha": commit}]
        clone.answers[f"trees/{commit}"] = json.dumps({"truncated": False, "tree": tree})
        clone.answers[f"blobs/{blob}"] = json.dumps({"content": base64.b64encode(text.encode()).decode()})
    run = {
        "id": 5,
        "html_url": RUN,
        "event": event,
        "conclusion": conclusion,
        "head_sha": told["sha"],
        "head_branch": told["branch"],
    }
    run["head_repository"] = {"owner": {"login": told["owner"]}}
    return clone.act("workflow_run", "pr-report.yml", {"action": "completed", "workflow_run": run})


GATE = {"verdict": "FAIL", "checks": [{"name": "discrimination", "verdict": "FAIL", "sentence": "Too low."}]}


def test_the_pull_request_that_github_names_gets_the_comment(clone):
    run = report(clone, GATE)
    assert run.jobs == {"comment": "success"}, str(run)
    (comment,) = run.called("marocchino/sticky-pull-request-comment")
    assert comment["inputs"] == {"header": "pipeline", "number": "17", "path": "build/comment.md"}
    asked = run.called("gh")[0]
    assert "head=somebody:feature" in asked["arguments"]
    assert "## Promotion gate: FAIL" in comment["text"]
    assert f"[this run]({RUN}#artifacts)" in comment["text"]
    assert comment["text"].startswith(
        f"Commit {HEAD['sha']}, [CI]({RUN}): success.\n\nNo key below `configs/` changes in this pull request.\n\n"
        "Data: the repository's own.\n\nApprovals: the scorer is the base branch's, bit for bit. "
    )


def test_a_policy_that_a_pull_request_changes_stands_above_its_figures(clone):
    run = report(clone, GATE, settings=(SETTINGS, "policy: {margin: 0.3}\n"))
    assert run.jobs == {"comment": "success"}, str(run)
    text = run.called("marocchino/sticky-pull-request-comment")[0]["text"]
    assert "| cut-off | policy.margin | 0.2 | 0.3 |" in text
    assert text.index("policy.margin") < text.index("Approvals:") < text.index("## Promotion gate")


def test_settings_that_github_does_not_tell_are_said_to_be_unknown(clone):
    clone.answers["trees/"] = ""
    run = report(clone, GATE)
    assert run.jobs == {"comment": "failure"}, str(run)
    (comment,) = run.called("marocchino/sticky-pull-request-comment")
    assert "**Not known which settings this pull request changes**" in comment["text"]
    assert "## Promotion gate: FAIL" in comment["text"]


@pytest.mark.parametrize("gate", ["", "[]", {"verdict": "SHIP IT", "checks": []}])
def test_an_artifact_that_is_no_report_is_not_shown_and_leaves_no_older_verdict(clone, gate):
    run = report(clone, gate)
    assert run.jobs == {"comment": "failure"}, str(run)
    (comment,) = run.called("marocchino/sticky-pull-request-comment")
    assert "SHIP IT" not in comment["text"]
    assert f"No verdict for {HEAD['sha']}" in comment["text"]


def test_a_run_that_stopped_before_the_pipeline_leaves_no_older_verdict(clone):
    run = report(clone, None, conclusion="failure")
    assert run.jobs == {"comment": "success"}, str(run)
    (comment,) = run.called("marocchino/sticky-pull-request-comment")
    assert f"**No verdict for {HEAD['sha']}.**" in comment["text"]


def test_a_run_that_was_cancelled_is_not_reported(clone):
    assert report(clone, GATE, conclusion="cancelled").jobs == {}


def test_a_branch_name_that_would_be_a_command_is_only_a_name(clone):
    name = "x$(touch${IFS}pwned)`touch${IFS}pwned`;touch${IFS}pwned"
    run = report(clone, GATE, branch=name)
    assert f"head=somebody:{name}" in run.called("gh")[0]["arguments"]
    assert list(clone.room.rglob("pwned")) == []


def test_a_run_that_was_no_pull_request_is_not_reported(clone):
    assert report(clone, GATE, event="push").jobs == {}


def live(clone: Clone, **changes: object) -> Run:
    wanted = json.loads((ROOT / ".github/rulesets/main.json").read_text()) | {"id": 4} | changes
    clone.answers["rulesets/4"] = json.dumps(wanted)
    clone.answers["rulesets/5"] = (ROOT / ".github/rulesets/tags.json").read_text()
    clone.answers["rulesets"] = json.dumps([{"name": "main", "id": 4}, {"name": "release tags", "id": 5}])
    clone.answers["environments"] = '{"environments": []}'
    return clone.act("workflow_dispatch", "repo-settings.yml")


def test_settings_that_are_those_in_the_repository_are_green(clone):
    assert live(clone).jobs == {"rulesets": "success"}


@pytest.mark.parametrize("change", [{"enforcement": "disabled"}, {"rules": []}])
def test_settings_that_were_changed_by_hand_go_red(clone, change):
    run = live(clone, **change)
    assert run.jobs == {"rulesets": "failure"}, str(run)
    assert f"main/{next(iter(change))}" in run.log, str(run)


@pytest.mark.parametrize(
    ("workflow", "event"), [("retrain.yml", "workflow_dispatch"), ("drift-monitor.yml", "workflow_dispatch")]
)
def test_without_its_variables_an_operation_does_nothing_and_says_why(clone, workflow, event):
    run = clone.act(event, workflow)
    assert (run.jobs, run.calls) == ({"off": "success"}, [])
    assert "because" in run.summary


@pytest.mark.parametrize(("open_", "verbs"), [("", ["list", "create", "create"]), ("12", ["list", "comment"])])
def test_one_issue_is_opened_and_then_commented_on(clone, open_, verbs):
    calls = issue_calls(clone, open_, ".ci/one-issue", "drift", "Drift")
    assert [arguments[1] for arguments in calls] == verbs


DRIFTED = {"rows": 900, "threshold": 0.1, "verdict": "FAIL", "moved": "above 5"}


def test_the_issue_names_the_three_columns_that_moved_most(clone, tmp_path):
    psis = {"income": 0.4, "age": 0.05, "utilisation": 0.3, "purpose": 0.1234}
    columns = [{"column": name, "psi": psi, "low": psi / 2, "high": 2 * psi, **DRIFTED} for name, psi in psis.items()]
    (tmp_path / "drift.json").write_text(json.dumps({"drift": {"columns": columns}}))
    command = [sys.executable, ROOT / ".ci/worst_drift.py", tmp_path / "drift.json"]
    answer = subprocess.run(command, check=True, capture_output=True)
    lines = answer.stdout.decode().splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["- income", "- utilisation", "- purpose"]
    assert lines[2] == "- purpose: PSI 0.123 (0.062 to 0.247), 900 rows, FAIL; most in above 5"
    assert lines[3:] == [
        "",
        "`█▆▃`",
        "",
        "```mermaid",
        "xychart-beta",
        '    title "PSI (line: the limit)"',
        '    x-axis ["income", "utilisation", "purpose"]',
        "    y-axis 0 --> 0.4400",
        "    bar [0.4000, 0.3000, 0.1234]",
        "    line [0.1000, 0.1000, 0.1000]",
        "```",
    ]
    (tmp_path / "worst.md").write_bytes(answer.stdout)
    arguments = issue_calls(clone, "", ".ci/one-issue", "drift", "Drift", tmp_path / "worst.md")[-1]
    assert "- purpose: PSI 0.123" in arguments[arguments.index("--body") + 1]


@pytest.mark.parametrize(("open_", "verbs"), [("", ["list"]), ("12", ["list", "close"])])
def test_an_open_issue_is_closed_when_it_is_over(clone, open_, verbs):
    assert [arguments[1] for arguments in issue_calls(clone, open_, ".ci/no-issue", "drift")] == verbs


def issue_calls(clone, open_, script, *arguments):
    """What a script has asked GitHub for. open_: the number of the open issue, empty for none."""
    clone.answers["issue list"] = open_
    told = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/credit-risk", "GITHUB_RUN_ID": "9"}
    (clone.room / "log").write_text("")
    subprocess.run([ROOT / script, *arguments], env=clone.environment() | told, check=True)
    return [json.loads(line)["arguments"] for line in (clone.room / "log").read_text().splitlines()]


@pytest.mark.parametrize(
    ("workflow", "jobs"), [("scorecard.yml", {"scorecard": "success"}), ("security.yml", {"codeql": "success"})]
)
def test_what_only_github_can_run_is_wired(clone, workflow, jobs):
    run = clone.act("push", workflow, {"ref": "refs/heads/main", "repository": REPOSITORY_EVENT}, job=next(iter(jobs)))
    assert run.jobs == jobs, str(run)
    assert run.called("ossf/scorecard-action") or run.called("github/codeql-action/analyze")


@pytest.mark.parametrize("repository", [{"fork": True}, {"visibility": "private"}])
def test_scorecard_is_skipped_with_a_sentence_where_it_cannot_be(clone, repository):
    event = {"ref": "refs/heads/main", "repository": REPOSITORY_EVENT | repository}
    run = clone.act("push", "scorecard.yml", event)
    assert run.jobs == {"scorecard": "success"}, str(run)
    assert "Scorecard was not asked." in run.summary
    assert run.called("ossf/scorecard-action") == []


def test_a_private_repository_without_code_security_runs_no_codeql(clone):
    event = {"ref": "refs/heads/main", "repository": REPOSITORY_EVENT | {"visibility": "private"}}
    assert clone.act("push", "security.yml", event, job="codeql").jobs == {}


def test_nothing_that_is_scheduled_runs_before_somebody_switches_it_on(clone):
    run = clone.act("schedule", "schedules.yml", {"schedule": "17 1 * * *"})
    assert run.jobs == {"due": "success"}, str(run)
    assert "Not switched on: ci, drift-monitor, repo-settings." in run.summary


def test_what_is_due_and_switched_on_runs(clone):
    clone.answers |= {"rulesets": "[]", "environments": '{"environments": []}'}
    on = {"SCHEDULES": "repo-settings retrain"}
    run = clone.act("schedule", "schedules.yml", {"schedule": "17 1 * * *"}, variables=on)
    assert run.jobs == {"due": "success", "rulesets": "failure"}, str(run)  # none is in force there
    assert "Not switched on: ci, drift-monitor." in run.summary

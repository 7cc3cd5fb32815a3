"""Git, GitHub and the coverage report as sources: what they hold, and what is not there is not made up."""

import json
import subprocess
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from credit_risk.operations.delivery import collecting, gate_history, github

SINCE = datetime(2026, 6, 1, tzinfo=UTC)
RUN = {
    "name": "CI",
    "status": "completed",
    "conclusion": "success",
    "run_started_at": "2026-06-02T10:00:00Z",
    "updated_at": "2026-06-02T10:05:00Z",
}


def git(root, *words, at="2026-06-02T00:00:00Z"):
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True, text=True, env=dates)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """Three verdicts: one before June, one that fails, one that passes; and a commit about something else."""
    git(tmp_path, "init", "-q")
    (tmp_path / "reports").mkdir()
    for month, verdict, each in (("05", "PASS", "PASS"), ("06", "FAIL", "FAIL"), ("07", "PASS", "PASS")):
        checks = [{"name": "auc", "verdict": each}, {"name": "ks", "verdict": "PASS"}]
        (tmp_path / "reports" / "gate.json").write_text(json.dumps({"verdict": verdict, "checks": checks, "at": month}))
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "run", at=f"2026-{month}-02T00:00:00Z")
    git(tmp_path, "commit", "-qm", "else", "--allow-empty")
    return tmp_path


def test_each_commit_of_the_record_in_the_window_is_a_verdict(repository):
    verdicts = gate_history.read(repository, SINCE)
    assert [(each.verdict, each.blocking) for each in verdicts] == [("FAIL", ("auc",)), ("PASS", ())]


def test_a_repository_without_a_record_is_no_source_and_one_with_a_quiet_window_is(repository, tmp_path_factory):
    assert gate_history.read(repository, datetime(2027, 1, 1, tzinfo=UTC)) == []
    assert gate_history.read(tmp_path_factory.mktemp("elsewhere"), SINCE) is None


def test_when_a_commit_was_made_and_none_for_one_that_is_not_here(repository):
    head = git(repository, "rev-parse", "HEAD")
    assert gate_history.commit_time(repository, head) == datetime(2026, 6, 2, tzinfo=UTC)
    assert gate_history.commit_time(repository, "0" * 40) is None
    assert gate_history.commit_time(repository, None) is None


def test_coverage_is_read_and_what_is_no_report_is_none(tmp_path):
    path = tmp_path / "coverage.xml"
    assert collecting.coverage(path) is None
    path.write_text("<coverage line-rate='0.93'/>")
    assert collecting.coverage(path) == 0.93
    path.write_text("<coverage")
    assert collecting.coverage(path) is None


@pytest.fixture
def api():
    """A GitHub that answers with `pages`; it notes what it was asked and by whom."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, self.headers["Authorization"]))
            body = json.dumps(self.server.pages[len(self.server.asked) - 1]).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        server.asked, server.pages = [], []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def variables(server, **other):
    address = f"http://127.0.0.1:{server.server_address[1]}"
    return {"GH_TOKEN": "word", "GITHUB_REPOSITORY": "a/b", "GITHUB_API_URL": address} | other


def test_runs_come_page_by_page_until_a_page_is_not_full(api):
    api.pages = [{"workflow_runs": [RUN] * 100}, {"workflow_runs": [RUN | {"conclusion": "failure"}]}]
    runs = github.runs(variables(api), SINCE)
    assert (len(runs), runs[0].seconds, runs[0].succeeded, runs[-1].succeeded) == (101, 300, True, False)
    assert api.asked[1] == ("/repos/a/b/actions/runs?per_page=100&page=2&created=%3E%3D2026-06-01", "Bearer word")


def test_a_run_that_goes_on_is_left_out_and_a_cancelled_one_says_nothing(api):
    api.pages = [{"workflow_runs": [RUN | {"status": "in_progress"}, RUN | {"conclusion": "cancelled"}]}]
    (run,) = github.runs(variables(api), SINCE)
    assert run.succeeded is None


@pytest.mark.parametrize("answer", [{"message": "Bad credentials"}, [], {"workflow_runs": None}])
def test_an_answer_without_runs_is_said(api, answer):
    api.pages = [answer]
    with pytest.raises(github.NotAnswered, match="did not say which runs"):
        github.runs(variables(api), SINCE)


def test_without_a_token_nobody_is_asked_and_no_token_goes_to_an_open_address(api):
    with pytest.raises(github.NotAnswered, match="GH_TOKEN and GITHUB_REPOSITORY"):
        github.runs({"GITHUB_REPOSITORY": "a/b"}, SINCE)
    with pytest.raises(github.NotAnswered, match="no https address"):
        github.runs(variables(api, GITHUB_API_URL="http://example.org"), SINCE)
    assert api.asked == []

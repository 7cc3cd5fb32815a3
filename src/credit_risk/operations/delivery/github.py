"""The runs of workflows, as GitHub's API tells them to whoever has a token."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from credit_risk.errors import CreditRiskError

API = "https://api.github.com"
A_PAGE, PAGES, WITHIN_S = 100, 10, 20.0
CONCLUDED = {"success": True, "failure": False, "timed_out": False, "startup_failure": False}  # others say nothing


class NotAnswered(CreditRiskError, ConnectionError):
    """GitHub's API gives no runs."""


@dataclass(frozen=True)
class WorkflowRun:
    """A run that came to an end. succeeded: None for one that was cancelled, skipped or waits for nobody."""

    name: str
    begun: datetime
    seconds: float
    succeeded: bool | None


def runs(variables: Mapping[str, str], since: datetime) -> list[WorkflowRun]:
    """The runs that ended, of workflows of this repository, created since then: the newest thousand.

    variables: GH_TOKEN or GITHUB_TOKEN, GITHUB_REPOSITORY, and GITHUB_API_URL of an own server. Raises NotAnswered.
    """
    token, repository = variables.get("GH_TOKEN") or variables.get("GITHUB_TOKEN"), variables.get("GITHUB_REPOSITORY")
    if not token or not repository:
        raise NotAnswered("GitHub was not asked: GH_TOKEN and GITHUB_REPOSITORY are not both set")
    ended: list[WorkflowRun] = []
    for page in range(1, PAGES + 1):
        query = urllib.parse.urlencode({"per_page": A_PAGE, "page": page, "created": f">={since:%Y-%m-%d}"})
        url = f"{variables.get('GITHUB_API_URL', API)}/repos/{repository}/actions/runs?{query}"
        listed = _get(url, token)
        ended += [run for raw in listed if (run := _run(raw))]
        if len(listed) < A_PAGE:
            break
    return ended


def _get(url: str, token: str) -> list[Mapping[str, Any]]:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise NotAnswered(f"GitHub was not asked: {url.partition('?')[0]} is no https address, and has the token")
    request = urllib.request.Request(url, headers={"Accept": "application/vnd.github+json"})  # noqa: S310
    request.add_unredirected_header("Authorization", f"Bearer {token}")  # a redirect elsewhere shall not have it
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:  # noqa: S310
            listed = list(json.load(answer)["workflow_runs"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NotAnswered(f"GitHub did not say which runs there were ({type(error).__name__}: {error})") from None
    return listed


def _run(raw: Mapping[str, Any]) -> WorkflowRun | None:
    """A run, if it has ended and says when it began."""
    if raw.get("status") != "completed" or not raw.get("run_started_at"):
        return None
    begun, ended = (datetime.fromisoformat(raw[name]) for name in ("run_started_at", "updated_at"))
    return WorkflowRun(str(raw.get("name")), begun, (ended - begun).total_seconds(), CONCLUDED.get(raw["conclusion"]))

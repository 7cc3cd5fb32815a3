"""What a change does to the model, for its reviewer: approvals, the gate's record and what differs, as Markdown.

The reports may come from a fork's pull request, so nothing in them is believed but numbers and plain text: files are
small, not links, and JSON; a figure is a finite number or is not shown; text is escaped.
"""

import json
import re
from pathlib import Path
from typing import Any

from credit_risk.errors import CreditRiskError, UsageError
from credit_risk.report import change
from credit_risk.report.gate_output import cell, markdown

MOST_BYTES = 2_000_000
MOST_CHECKS = 200
VERDICTS = ("PASS", "FAIL", "CANNOT SAY")


class UntrustedReport(CreditRiskError, ValueError):
    """A report is not what our pipeline writes, so nothing of it is shown."""

    def __init__(self, path: Path, got: str) -> None:
        super().__init__(
            f"{path.name}: {got}. Expected the file that `make run` writes; let the pipeline write it again."
        )


def review(after: Path, before: Path | None = None, *, page: str | None = None) -> str:
    """The gate's record in `after`; with `before`, the base branch's reports, what the change does to decisions.

    page: where the run keeps its report page with the pictures. Pictures themselves are the sender's, and only linked.
    """
    record = _gate(after / "gate.json")
    lines = [markdown(record)]
    if page is not None:
        lines.append(f"Plots and tables: `index.html` in the artifact `reports` of [this run]({_url(page)}).\n")
    if before is None:
        return "\n".join(lines)
    changed = _object(after / "change.json") if (after / "change.json").exists() else {}
    lines = [change.data(changed), "", change.approvals(changed), "", *lines]
    lines += ["### Against the base branch's scorer, on the same rows", "", *change.differences(changed)]
    lines += ["", "### Checks that changed", "", *_changed(before, record, own=changed.get("source") == "own")]
    return "\n".join([*lines, "", *change.charts(after / "plots")]).rstrip("\n") + "\n"


def _url(page: str) -> str:
    if not re.fullmatch(r"https://[\w.-]+(:\d+)?/[\w./#-]+", page):
        raise UsageError(f"--page: expected an https address of letters, digits and . / # - alone, got {page[:100]!r}")
    return page


def _changed(before: Path, record: dict[str, Any], *, own: bool) -> list[str]:
    """A check that disappeared counts: taking a check out is the quietest way to pass."""
    if not own:
        return ["Not known: the base branch's record speaks about other data than this run's."]
    old, new = _verdicts(_gate(before / "gate.json")), _verdicts(record)
    names = [*old, *(name for name in new if name not in old)]
    pairs = [(name, old.get(name, "not there"), new.get(name, "not there")) for name in names]
    return [f"- {cell(name)}: {cell(was)} → {cell(now)}" for name, was, now in pairs if was != now] or ["None."]


def _verdicts(record: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in record["checks"]}


def _gate(path: Path) -> dict[str, Any]:
    """Verdict and checks, nothing else: a waiver or a note would be a text of the sender's choice."""
    record = _object(path)
    checks = record.get("checks")
    if record.get("verdict") not in VERDICTS or not isinstance(checks, list) or len(checks) > MOST_CHECKS:
        raise UntrustedReport(path, f"a verdict other than {', '.join(VERDICTS)}, or no list of at most {MOST_CHECKS}")
    return {"verdict": record["verdict"], "checks": [_check(path, check) for check in checks]}


def _check(path: Path, check: object) -> dict[str, str]:
    if not isinstance(check, dict) or check.get("verdict") not in VERDICTS:
        raise UntrustedReport(path, "a check without a verdict")
    texts = {key: check.get(key) for key in ("name", "verdict", "sentence")}
    if not all(isinstance(text, str) and len(text) <= 1000 for text in texts.values()):
        raise UntrustedReport(path, "a check whose name or sentence is no text of at most 1000 characters")
    return {key: str(text) for key, text in texts.items()}


def _object(path: Path) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise UntrustedReport(path, f"no file of at most {MOST_BYTES} bytes")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UntrustedReport(path, "no JSON") from error
    if not isinstance(content, dict):
        raise UntrustedReport(path, "no JSON object")
    return content

"""What a change does to the model, for its reviewer: approvals, the gate's record and what differs, as Markdown.

The reports may come from a fork's pull request, so nothing in them is believed but numbers and plain text: files are
small, not links, and JSON; a figure is a finite number or is not shown; text is escaped.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from credit_risk.errors import CreditRiskError, UsageError
from credit_risk.measures.verdict.gate import Outcome, Verdict
from credit_risk.report import change
from credit_risk.report.gate_output import cell, markdown
from credit_risk.scoring.signed_chain import object_of

MOST_BYTES = 2_000_000
MOST_CHECKS = 200
VERDICTS = get_args(Verdict)
OUTCOMES = get_args(Outcome)
MOST_WAIVERS, MOST_CHANGES = 50, 500
OF_WAIVER = ("check", "person", "role", "reason", "expires")


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
    """Verdict, checks and waivers, each text short and without markup; nothing else of the sender's choice."""
    record = _object(path)
    checks = record.get("checks")
    if record.get("verdict") not in OUTCOMES or not isinstance(checks, list) or len(checks) > MOST_CHECKS:
        raise UntrustedReport(path, f"a verdict other than {', '.join(OUTCOMES)}, or no list of at most {MOST_CHECKS}")
    waivers = {kind: record.get(kind, []) for kind in ("waivers", "waivers_not_needed")}
    return {
        "verdict": record["verdict"],
        "checks": [_check(path, check) for check in checks],
        **{kind: _waivers(path, given) for kind, given in waivers.items()},
        "changed": _changed_settings(path, record.get("changed")),
    }


def _changed_settings(path: Path, changed: object) -> dict[str, Any]:
    """What the record says of the champion: its sentence and each key; facts only as numbers."""
    if changed is None:
        return {}
    if not isinstance(changed, dict) or not all(isinstance(changed.get(name), list) for name in ("settings", "facts")):
        raise UntrustedReport(path, "a change since the champion without settings and facts")
    entries = [*changed["settings"], *changed["facts"]]
    if len(entries) > MOST_CHANGES or not all(isinstance(each, dict) for each in entries):
        raise UntrustedReport(path, f"more than {MOST_CHANGES} changes since the champion, or one that is none")
    return {
        **_texts(path, changed, ("sentence",), "a change"),
        "settings": [_texts(path, each, ("kind", "key", "old", "new"), "a setting") for each in changed["settings"]],
        "facts": [
            _texts(path, each, ("fact",), "a fact") | {side: change.number(each.get(side)) for side in ("old", "new")}
            for each in changed["facts"]
        ],
    }


def _waivers(path: Path, given: object) -> list[dict[str, str]]:
    if not isinstance(given, list) or len(given) > MOST_WAIVERS or not all(isinstance(each, dict) for each in given):
        raise UntrustedReport(path, f"no list of at most {MOST_WAIVERS} waivers")
    return [_texts(path, waiver, OF_WAIVER, "a waiver") for waiver in given]


def _check(path: Path, check: object) -> dict[str, str]:
    if not isinstance(check, dict) or check.get("verdict") not in VERDICTS:
        raise UntrustedReport(path, "a check without a verdict")
    return _texts(path, check, ("name", "verdict", "sentence"), "a check")


def _texts(path: Path, entry: dict[str, Any], keys: Sequence[str], what: str) -> dict[str, str]:
    texts = {key: entry.get(key) for key in keys}
    if not all(isinstance(text, str) and len(text) <= 1000 for text in texts.values()):
        raise UntrustedReport(path, f"{what} of which {' or '.join(keys)} is no text of at most 1000 characters")
    return {key: str(text) for key, text in texts.items()}


def _object(path: Path) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise UntrustedReport(path, f"no file of at most {MOST_BYTES} bytes")
    try:
        return object_of(path.read_bytes())
    except ValueError as error:
        raise UntrustedReport(path, "no JSON object") from error

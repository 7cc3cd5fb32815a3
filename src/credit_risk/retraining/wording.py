"""What a retraining decided and found, in sentences: for the screen, and as Markdown for a pull request."""

from collections.abc import Mapping
from typing import Any

from credit_risk.measures.verdict.gate import LETS_THROUGH
from credit_risk.report.gate_output import cell
from credit_risk.report.gate_output import markdown as of_record

Report = Mapping[str, Any]

HEADS = {
    "NOT DUE": "No training is due.",
    "WAIT": "A training is due, and has to wait.",
    "REFUSED": "A training is due, and may not be.",
    "TRAINED BEFORE": "The same evidence was trained from before.",
    "TRAIN": "A training is due.",
}


def passed(report: Report) -> bool:
    """Whether a candidate came of it that earned its place."""
    return bool(report["candidate"]) and report["candidate"]["verdict"] in LETS_THROUGH


def is_no(report: Report) -> bool:
    """Whether the answer is no: a training that may not be, or a candidate that did not pass."""
    return report["answer"] == "REFUSED" or ("comparison" in report and not passed(report))


def objections(report: Report) -> list[str]:
    """Why not, a sentence each."""
    if report["answer"] == "REFUSED":
        return list(report["reasons"])
    blocking = [check for check in report["comparison"]["checks"] if check["verdict"] != "PASS"]
    sentences = [f"{check['verdict']} {check['name']}: {check['sentence']}" for check in blocking]
    return sentences if report["comparison"]["checks"] else list(report["comparison"]["notes"])


def lines(report: Report) -> list[str]:
    """The decision with its reasons, then the candidate."""
    sentences = [HEADS[report["answer"]], *(f"  {reason}" for reason in report["reasons"])]
    version = report["version"]
    past, newest = version["past"], version["newest"]
    sentences.append(
        f"Accounts until {version['as_of']}: {past['rows']:,} to learn from ({past['bads']:,} bad), "
        f"{newest['rows']:,} to compare on ({newest['bads']:,} bad). {version['declined']:,} declined applications of "
        "the window have no outcome, and nothing is known of them."
    )
    if report["candidate"]:
        its = report["candidate"]
        name = f"Candidate {its['candidate'][:12]}" if its["candidate"] else "No candidate"
        sentences.append(f"{name}: {its['verdict']}, {its['cpu_seconds']:,} s of processor time.")
    if "registered" in report:
        sentences.append(f"Registered as version {report['registered']}, a candidate: nothing was moved.")
    return sentences


def markdown(report: Report) -> str:
    """The decision and, if there is one, the record of the comparison as a pull request shows it."""
    head, *rest = lines(report)
    text = [f"# Retraining: {cell(head)}", "", *(f"- {cell(line.strip())}" for line in rest), ""]
    text += ["| trigger | finding | |", "|---|---|---|"]
    text += [f"| {cell(t['name'])} | {cell(t['finding'])} | {cell(t['sentence'])} |" for t in report["triggers"]]
    text += ["", f"Data version `{report['version']['digest']}`, evidence `{report['evidence']}`.", ""]
    return "\n".join(text) + ("\n" + of_record(report["comparison"]) if "comparison" in report else "")

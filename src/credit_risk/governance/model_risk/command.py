"""`credit-risk inventory`, `finding` and `opinion`: who answers for the model, what speaks against it, who agreed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option, Typer

from credit_risk.command_line import (
    AUDIT,
    HERE,
    Environment,
    Json,
    Root,
    add,
    before_the_verb,
    counted,
    environment_file,
    say,
    verbs,
)

if TYPE_CHECKING:
    from credit_risk.governance.records import Kind, Records
    from credit_risk.registry.settings import RegistrySettings

FINDING_HELP = "Open, answer, verify and close findings about the model, on the signed record."
FINDING_MORE = """
An overdue severe finding closes the gate for promotion where `registry.governance` is `required`; `make ci` goes on.

example:
  credit-risk finding open --severity high --owner "Kim Lee" --due 2027-01-31 --reason "no holdout of branches"
"""
OPINION_MORE = """
The audits of the inventory's frameworks run first and stand on record with the opinion. Each --condition becomes a
finding of severity high, due on --due, owned by the model's owner.

example:
  credit-risk opinion --view approve --reason "recomputed, challenged and within its limits"
"""
By = Annotated[str | None, Option("--by", help="Who does it (default: whose identity this is).")]
Reason = Annotated[str, Option("--reason", help="What and why, as a sentence.")]
Evidence = Annotated[list[Path] | None, Option(help="A file that shows it, kept by digest; may be repeated.")]
Id = Annotated[str, Argument(help="The finding's id, as F1.")]
Day = Annotated[datetime, Option(formats=["%Y-%m-%d"], help="The day by which it must be closed.")]


def add_commands(app: Typer) -> None:
    """Add the commands of model risk management."""
    add(app, "inventory", _inventory, group=AUDIT)
    add(app, "opinion", _opinion, group=AUDIT, more=OPINION_MORE)
    finding = verbs(app, "finding", help=FINDING_HELP, group=AUDIT, more=FINDING_MORE)
    finding.callback()(_finding)
    for name, run in (("open", _open), ("answer", _answer), ("verify", _verify), ("close", _close), ("list", _list)):
        add(finding, name, run)


def _finding(context: Context, root: Root = HERE, environment: Environment = None) -> None:  # noqa: ARG001
    before_the_verb(context)


def _inventory(root: Root = HERE, environment: Environment = None, json: Json = False) -> None:
    """Show the model's entry, its tier, the class of the change since the champion, and what a promotion waits for."""
    from credit_risk.data.files import Files
    from credit_risk.data.writing import json_text
    from credit_risk.governance.model_risk import inventory, standing

    today = datetime.now(UTC).date()
    its = standing.of_model(Files(root), inventory.load(root), _settings(root, environment).signed_by, today)
    if json:
        say(json_text(its))
        return
    changed, waits = its["change"], its["waits_for"]
    say(f"{its['model']}: tier {its['tier']}; change since the champion: {changed['name']}, {changed['because']}.")
    say("\n".join(["A promotion waits for:", *(f"  {reason}" for reason in waits)]) if waits else "Nothing is missing.")


def _open(
    reason: Reason,
    severity: Annotated[str, Option(help="severe, high, medium or low.")],
    owner: Annotated[str, Option(help="Who sees to it: first and last name.")],
    due: Day,
    evidence: Evidence = None,
    by: By = None,
    root: Root = HERE,
    environment: Environment = None,
) -> None:
    """Open a finding, with its severity, owner and last day."""
    from credit_risk.governance.model_risk import findings

    records, who = _records(root, environment, by, judges=False)
    findings.refuse_opening(severity, owner, due.date(), datetime.now(UTC).date())
    name = findings.next_id(findings.register(records.read()))
    facts = {"severity": severity, "owner": owner, "due": due.date().isoformat(), "evidence": _digests(evidence)}
    records.add("open", name, by=who, reason=reason, **facts)
    say(f"{name} is open, due on {due.date()}; commit the record.")


def _answer(
    finding: Id,
    reason: Reason,
    evidence: Evidence = None,
    by: By = None,
    root: Root = HERE,
    environment: Environment = None,
) -> None:
    """Say what was done about a finding."""
    _step("answer", finding, reason, by, root, environment, evidence=_digests(evidence))


def _verify(
    finding: Id,
    reason: Reason,
    not_done: Annotated[bool, Option("--not-done", help="It is not done: the finding is open again.")] = False,
    evidence: Evidence = None,
    by: By = None,
    root: Root = HERE,
    environment: Environment = None,
) -> None:
    """Say whether the answer holds; somebody else than who answered."""
    _step("verify", finding, reason, by, root, environment, evidence=_digests(evidence), holds=not not_done)


def _close(finding: Id, reason: Reason, by: By = None, root: Root = HERE, environment: Environment = None) -> None:
    """Close a finding whose answer was verified."""
    _step("close", finding, reason, by, root, environment)


def _list(root: Root = HERE, environment: Environment = None, json: Json = False) -> None:
    """List every finding as it stands; exit code 1 where a severe one is overdue."""
    from credit_risk.data.writing import json_text
    from credit_risk.errors import CheckFailed
    from credit_risk.governance.model_risk import standing
    from credit_risk.governance.records import Records

    entries = Records(root, _settings(root, environment).signed_by).read()
    its = standing.of_findings(entries, datetime.now(UTC).date())
    lines = ["{id} {severity} {state}, due {due}, {owner}: {text}".format(**finding) for finding in its["findings"]]
    say(json_text(its["findings"]) if json else "\n".join(lines) or "No finding was opened.")
    if reasons := its["overdue_and_severe"]:
        raise CheckFailed("\n".join(reasons))


def _opinion(
    view: Annotated[str, Option(help="approve, conditions or reject.")],
    reason: Reason,
    condition: Annotated[list[str] | None, Option(help="What must be done; may be repeated.")] = None,
    due: Annotated[datetime | None, Option(formats=["%Y-%m-%d"], help="The day by which conditions are met.")] = None,
    by: By = None,
    root: Root = HERE,
    environment: Environment = None,
) -> None:
    """Give the validator's opinion of models/scorer, for its digest alone."""
    from credit_risk.governance.model_risk import giving_opinion

    records, who = _records(root, environment, by, judges=True)
    entry = giving_opinion.give(
        root,
        environment_file(root, environment),
        records,
        view=view,
        conditions=condition or [],
        due=due.date() if due else None,
        by=who,
        reason=reason,
    )
    findings = entry.facts["conditions"]
    opened = f", opened as {counted(len(findings), 'finding')} ({', '.join(findings)})" if findings else ""
    say(f"{entry.facts['view']}{opened}: scorer {entry.about[:12]}, by {entry.by}; commit the record.")


def _step(
    kind: "Kind", finding: str, reason: str, by: str | None, root: Path, environment: str | None, **facts: Any
) -> None:
    from credit_risk.governance.model_risk import findings

    records, who = _records(root, environment, by, judges=kind != "answer")
    known = findings.register(records.read())
    findings.refuse_step(kind, known, finding, who)
    state = findings.after(known[finding], records.add(kind, finding, by=who, reason=reason, **facts)).state
    say(f"{finding} is {state}; commit the record.")


def _records(root: Path, environment: str | None, by: str | None, *, judges: bool) -> "tuple[Records, str]":
    """The records, and the signature of whoever runs this. judges: it takes a person who may approve."""
    from credit_risk.governance.records import Records
    from credit_risk.registry import acting

    settings = _settings(root, environment)
    if judges:
        who = acting.permitted("approve", environment_file(root, environment), root, by, settings)
    else:
        who = acting.signed_by(root, by, settings.four_eyes)
    return Records(root, settings.signed_by), who


def _settings(root: Path, environment: str | None) -> "RegistrySettings":
    from credit_risk.registry.settings import load

    return load(environment_file(root, environment), root)


def _digests(paths: list[Path] | None) -> list[str]:
    """Each file by its name and SHA-256. Raises NotFound for one that is not there."""
    from credit_risk.data import digest
    from credit_risk.errors import NotFound

    for path in paths or []:
        if not path.is_file():
            raise NotFound(path, "Evidence is a file that is there.")
    return [f"{path.name} {digest.of_file(path)}" for path in paths or []]

"""`credit-risk audit`, `attest` and `compliance`, and `lineage` with the way back from one decision."""

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option, Typer

from credit_risk.command_line import (
    AUDIT,
    HERE,
    ConfigFile,
    Environment,
    Json,
    Root,
    add,
    before_the_verb,
    counted,
    environment_file,
    say,
    show,
    verbs,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credit_risk.governance.audit_log import ReadSource
    from credit_risk.governance.records import Entered

AUDIT_MORE = """
Without a framework: all that the inventory names, each into reports/audits. What persons and stores owe, and what
nobody assesses, is FAIL; it ends the command with exit code 1 where `registry.governance` of the environment is
`required`, and is only shown elsewhere.

examples:
  credit-risk audit --model-path models/scorer --regulatory-framework equal_credit_opportunity_act
  credit-risk audit --environment production

exit codes: 0 every control is met, 1 one is not or cannot be shown
"""
ATTEST_MORE = """
The answer stands in governance/records.jsonl, signed with the registry's key; commit it. It holds at most as long as
the control's policy says.

example:
  credit-risk attest --control ecoa-forms --until 2027-06-30 --reason "all forms were read; none asks for a basis"
"""
LOG_HELP = "Verify, and ask, what persons did to models and records: moves, findings, rollouts, erasures, waivers."
LOG_MORE = """
examples:
  credit-risk audit-log verify --environment production
  credit-risk audit-log query --who "Kim Lee" --since 2026-11-01
"""
COMPLIANCE_MORE = """
data_retention: no row of a person is older than the policy's term, and with --environment no decision either.
right_to_be_forgotten: rows say whose they are, and an erasure is tried on a ledger made for it and searched for.

example:
  credit-risk compliance --dataset data/uci_credit_default.csv --check-types data_retention,right_to_be_forgotten

exit codes: 0 every check passed, 1 one did not or could not be looked at
"""
LINEAGE_MORE = """
examples:
  credit-risk lineage --openlineage build/openlineage.json --picture build/lineage.svg
  credit-risk lineage --openlineage https://catalogue.example
  credit-risk lineage --decision 01a21098-f168-7765-8a58-0b9fc0816889

exit codes: 0 every digest holds; 1 a file, or a link from decision to approval, is not what was recorded
"""


def add_commands(app: Typer) -> None:
    """Add the commands that a supervisor or auditor asks for."""
    add(app, "audit", _audit, group=AUDIT, more=AUDIT_MORE)
    add(app, "attest", _attest, group=AUDIT, more=ATTEST_MORE)
    add(app, "compliance", _compliance, group=AUDIT, more=COMPLIANCE_MORE)
    audit_log = verbs(app, "audit-log", help=LOG_HELP, group=AUDIT, more=LOG_MORE)
    audit_log.callback()(_log)
    add(audit_log, "verify", _verify_log)
    add(audit_log, "query", _query_log)
    add(app, "lineage", _lineage, group=AUDIT, more=LINEAGE_MORE)


def _audit(
    regulatory_framework: Annotated[
        str | None,
        Option(
            help="A framework of configs/policies, by its file or by its name (ecoa, equal_credit_opportunity_act)."
        ),
    ] = None,
    root: Root = HERE,
    config: ConfigFile = None,
    environment: Environment = None,
    model_path: Annotated[Path | None, Option(help="The scorer directory (default: models/scorer).")] = None,
    output: Annotated[Path | None, Option(help="Where the JSON record goes (default: reports/audit.json).")] = None,
    json: Json = False,
) -> None:
    """Hold a scorer and its repository against a regulatory framework, each verdict linked to its evidence."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text, write_json
    from credit_risk.errors import CheckFailed
    from credit_risk.governance import audit
    from credit_risk.governance.model_risk import inventory

    settings, files = opened(root, config)
    site, required, answers = _site(root, environment)
    if regulatory_framework:
        paths = {regulatory_framework: output or files.report("audit")}
    else:
        paths = {name: files.reports / "audits" / f"{name}.json" for name in inventory.load(root).frameworks}
    applies, faults = inventory.applies_if_there(root), []
    for name, path in paths.items():
        record = audit.audit(
            model_path or files.scorer, name, files, settings, site=site, answers=answers, applies=applies
        )
        write_json(path, record)
        if json:
            say(json_text(record))
        else:
            show(audit.render(record))
        try:
            audit.raise_unless_passed(record, path, missing=required)
        except CheckFailed as fault:
            faults.append(str(fault))
    if faults:
        raise CheckFailed("\n".join(faults))


def _site(root: Path, environment: str | None) -> "tuple[Path | None, bool, list[Entered]]":
    """The environment's file, whether it asks for every answer, and the answers on record; none without the file.

    Where none is named and the local one is not there, stores cannot be looked at, and nothing is asked of anybody.
    """
    from credit_risk.governance.records import Records
    from credit_risk.registry.settings import load

    path = environment_file(root, environment)
    if environment is None and not path.is_file():
        return None, False, []
    settings = load(path, root)
    return path, settings.governance == "required", Records(root, settings.signed_by).read()


def _attest(
    control: Annotated[str, Option(help="The control's id, as it stands in configs/policies.")],
    reason: Annotated[str, Option("--reason", help="What was looked at and seen, as a sentence.")],
    until: Annotated[datetime, Option(formats=["%Y-%m-%d"], help="The last day on which the answer holds.")],
    not_met: Annotated[bool, Option("--not-met", help="The requirement is not met.")] = False,
    by: Annotated[str | None, Option("--by", help="Who says so (default: whose identity this is).")] = None,
    root: Root = HERE,
    environment: Environment = None,
) -> None:
    """Answer a control that only a person can answer, by name and until a day."""
    from credit_risk.governance import attestation
    from credit_risk.governance.records import FILE, Records
    from credit_risk.registry import acting
    from credit_risk.registry.settings import load

    settings = load(environment_file(root, environment), root)
    entry = attestation.attest(
        control,
        Records(root, settings.signed_by),
        by=acting.permitted("approve", environment_file(root, environment), root, by, settings),
        reason=reason,
        until=until.date(),
        met=not not_met,
        today=datetime.now(UTC).date(),
    )
    say(
        f"{control}: {'met' if entry.facts['met'] else 'not met'}, says {entry.by} until {until.date()}; commit {FILE}."
    )


def _compliance(
    root: Root = HERE,
    config: ConfigFile = None,
    environment: Environment = None,
    dataset: Annotated[Path | None, Option(help="The file to check (default: the config's own).")] = None,
    privacy_policy: Annotated[Path | None, Option(help="The policy (default: configs/policies/gdpr.yaml).")] = None,
    check_types: Annotated[
        str, Option(help="Checks by name, with commas between.")
    ] = "data_retention,right_to_be_forgotten",
    model_path: Annotated[Path | None, Option(help="The scorer directory (default: models/scorer).")] = None,
    json: Json = False,
) -> None:
    """Hold a data set, and what was decided, against a privacy policy: how long it is kept, who can be forgotten."""
    from credit_risk.compliance import policies
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text
    from credit_risk.governance import dataset_checks
    from credit_risk.governance.repository_checks import Scope
    from credit_risk.governance.scorer_policy import ScorerPolicy
    from credit_risk.scoring.scorer import Scorer

    settings, files = opened(root, config)
    path = privacy_policy or files.policies / "gdpr.yaml"
    site = environment_file(root, environment) if environment else None
    policy, scorer = policies.read(path, ScorerPolicy), Scorer.load(model_path or files.scorer)
    around = Scope(files, settings, policy, scorer, site, datetime.now(UTC).date(), os.environ)
    names = [name.strip() for name in check_types.split(",") if name.strip()]
    checks = dataset_checks.check(names, dataset_checks.scope_of(path, around, dataset))
    say(
        json_text(dataset_checks.as_dict(checks))
        if json
        else "\n".join(f"{'PASS' if each.passed else 'FAIL'} {each.check}: {each.sentence}." for each in checks)
    )
    dataset_checks.raise_unless_passed(checks)


def _lineage(
    root: Root = HERE,
    config: ConfigFile = None,
    environment: Environment = None,
    output: Annotated[Path | None, Option(help="Where the record goes (default: reports/data_lineage.json).")] = None,
    openlineage: Annotated[
        str | None,
        Option(metavar="FILE|URL", help="As OpenLineage run events too: into a file, or sent to a catalogue."),
    ] = None,
    picture: Annotated[Path | None, Option(metavar="FILE", help="Draw it too, as SVG.")] = None,
    decision: Annotated[
        str | None, Option(metavar="ID", help="Trace one decision back instead: scorer, data, approval.")
    ] = None,
    json: Json = False,
) -> None:
    """Show where the scorer comes from, each step by its digest; or, of one decision, why and by whose approval."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text, write_json, write_text
    from credit_risk.governance import lineage, lineage_picture, stores
    from credit_risk.registry.history import events_if_there
    from credit_risk.registry.settings import load as load_registry

    settings = environment_file(root, environment)
    if decision is not None:
        _trace(decision, root, config, settings)
        return
    checked, files = opened(root, config)
    path = output or files.report("data_lineage")
    record = lineage.record(checked, files, datetime.now(UTC))
    with ExitStack() as stack:
        events = events_if_there(load_registry(settings, root), root, checked.project.name)
        ledger = stores.ledger_if_there(settings, root, os.environ)
        if ledger is not None:
            stack.enter_context(ledger)
        record |= lineage.afterwards(record["scorer"] or "", events, ledger)
    write_json(path, record)
    if openlineage:
        _hand_on(record, openlineage)
    if picture:
        write_text(picture, lineage_picture.svg(record))
    if json:
        say(json_text(record))
    else:
        say(
            f"{counted(len(record['transformations']), 'step')} from {', '.join(record['raw'])} "
            f"to scorer {(record['scorer'] or 'none')[:12]}: {path}"
        )
    lineage.raise_unless_verified(record, path)


def _hand_on(record: "Mapping[str, Any]", target: str) -> None:
    """Send lineage to a catalogue by its URL, or write it into a file, as OpenLineage has it."""
    from credit_risk.data.writing import json_text, write_text
    from credit_risk.governance import lineage

    if target.startswith(("https://", "http://")):
        say(f"{target} took {counted(lineage.send(record, target, os.environ.get(lineage.VARIABLE)), 'event')}.")
    else:
        write_text(Path(target), json_text(lineage.openlineage(record)) + "\n")


def _trace(decision: str, root: Path, config: Path | None, settings: Path) -> None:
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text
    from credit_risk.governance import decision_lineage, stores
    from credit_risk.registry import settings as registry_settings
    from credit_risk.registry.versions import open_versions

    name = opened(root, config)[0].project.name
    with (
        stores.ledger(settings, root, os.environ) as ledger,
        open_versions(name, registry_settings.load(settings, root), root) as registry,
    ):
        trace, checks = decision_lineage.why(decision, ledger, registry)
    say(json_text(trace | {"checked": checks.sound}))
    checks.raise_unless_all_hold()


def _log(context: Context, root: Root = HERE, environment: Environment = None) -> None:  # noqa: ARG001
    before_the_verb(context)


def _verify_log(root: Root = HERE, environment: Environment = None, json: Json = False) -> None:
    """Verify every chain that keeps what was done; exit code 1 names what does not hold."""
    from credit_risk.data.writing import json_text
    from credit_risk.governance import audit_log

    sources = audit_log.sources(environment_file(root, environment), root, os.environ)
    if json:
        say(json_text([{**vars(source), "events": len(source.events)} for source in sources]))
    audit_log.raise_unless_all_hold(sources)
    for source in () if json else sources:
        say(f"{source.name}: {_count_of(source)}.")


def _count_of(source: "ReadSource") -> str:
    events = counted(len(source.events), "event holds", "events, all hold")
    return events if source.there else "nothing is there yet"


def _query_log(
    root: Root = HERE,
    environment: Environment = None,
    who: Annotated[str, Option(help="Part of a person's name.")] = "",
    what: Annotated[str, Option(help="Part of what was done, or where: promote, finding, erasure, registry.")] = "",
    since: Annotated[datetime | None, Option(formats=["%Y-%m-%d"], help="From this day on (UTC).")] = None,
    json: Json = False,
) -> None:
    """Show what was done, by whom and why, the oldest first; everything is verified before."""
    from credit_risk.data.writing import json_text
    from credit_risk.governance import audit_log

    sources = audit_log.sources(environment_file(root, environment), root, os.environ)
    audit_log.raise_unless_all_hold(sources)
    events = audit_log.query(sources, who=who, what=what, since=since.replace(tzinfo=UTC) if since else None)
    lines = [
        f"{event.at:%Y-%m-%d %H:%M} {event.source} {event.what}, by {event.by or 'not recorded'}: {event.why}"
        if event.at
        else f"{event.source} {event.what}, by {event.by}: {event.why}"
        for event in events
    ]
    say(json_text([event.as_dict() for event in events]) if json else "\n".join(lines) or "Nothing of the kind.")

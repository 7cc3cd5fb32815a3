"""`credit-risk audit`, and `credit-risk lineage` with the way back from one decision."""

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import AUDIT, HERE, ConfigFile, Environment, Json, Root, add, environment_file, say, show

AUDIT_MORE = """
example:
  credit-risk audit --model-path models/scorer --regulatory-framework equal_credit_opportunity_act

exit codes: 0 every control is met, 1 one is not or cannot be shown
"""
LINEAGE_MORE = """
examples:
  credit-risk lineage --openlineage build/openlineage.json --picture build/lineage.svg
  credit-risk lineage --decision 01a21098-f168-7765-8a58-0b9fc0816889

exit codes: 0 every digest holds; 1 a file, or a link from decision to approval, is not what was recorded
"""


def add_commands(app: Typer) -> None:
    """Add the commands that a supervisor or auditor asks for."""
    add(app, "audit", _audit, group=AUDIT, more=AUDIT_MORE)
    add(app, "lineage", _lineage, group=AUDIT, more=LINEAGE_MORE)


def _audit(
    regulatory_framework: Annotated[
        str,
        Option(
            help="A framework of configs/policies, by its file or by its name (ecoa, equal_credit_opportunity_act)."
        ),
    ],
    root: Root = HERE,
    config: ConfigFile = None,
    model_path: Annotated[Path | None, Option(help="The scorer directory (default: models/scorer).")] = None,
    output: Annotated[Path | None, Option(help="Where the JSON record goes (default: reports/audit.json).")] = None,
    json: Json = False,
) -> None:
    """Hold a scorer against a regulatory framework, each verdict linked to its evidence."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text, write_json
    from credit_risk.governance import audit

    settings, files = opened(root, config)
    path = output or files.report("audit")
    record = audit.audit(model_path or files.scorer, regulatory_framework, files, settings)
    write_json(path, record)
    if json:
        say(json_text(record))
    else:
        show(audit.render(record))
    audit.raise_unless_passed(record, path)


def _lineage(
    root: Root = HERE,
    config: ConfigFile = None,
    environment: Environment = None,
    output: Annotated[Path | None, Option(help="Where the record goes (default: reports/data_lineage.json).")] = None,
    openlineage: Annotated[Path | None, Option(metavar="FILE", help="Write it as OpenLineage run events too.")] = None,
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
        write_text(openlineage, json_text(lineage.openlineage(record)) + "\n")
    if picture:
        write_text(picture, lineage_picture.svg(record))
    if json:
        say(json_text(record))
    else:
        say(
            f"{len(record['transformations'])} steps from {', '.join(record['raw'])} "
            f"to scorer {(record['scorer'] or 'none')[:12]}: {path}"
        )
    lineage.raise_unless_verified(record, path)


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

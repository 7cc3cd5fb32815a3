"""The sub-commands of this room: `credit-risk audit`, and `credit-risk lineage` with the way back from one decision."""

import argparse
import json
import os
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from rich.console import Console

from credit_risk.command_line import Commands, command
from credit_risk.config import load
from credit_risk.config.environment import DEFAULT
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json, write_text

WHAT = "hold a scorer against a regulatory framework, each verdict linked to its evidence"
LINEAGE = "where the scorer comes from, each step by its digest; or, of one decision, why and by whose approval"
WHENCE = """
examples:
  credit-risk lineage --openlineage build/openlineage.json --picture build/lineage.svg
  credit-risk lineage --decision 01a21098-f168-7765-8a58-0b9fc0816889

exit codes: 0 every digest holds; 1 a file, or a link from decision to approval, is not what was recorded
"""
EXAMPLE = "credit-risk audit --model-path models/scorer --regulatory-framework equal_credit_opportunity_act"


def register(commands: Commands) -> None:
    """Add the sub-command to the one command line."""
    codes = "exit codes: 0 every control is met, 1 one is not or cannot be shown"
    audit = command(commands, "audit", WHAT, _audit, epilog=f"example:\n  {EXAMPLE}\n\n{codes}")
    audit.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    audit.add_argument("--config", type=Path, help="the config (default: configs/credit.yaml below the root)")
    audit.add_argument("--model-path", type=Path, help="the scorer directory (default: models/scorer)")
    audit.add_argument(
        "--regulatory-framework", required=True, help="a framework of configs/policies, as ecoa; case does not matter"
    )
    audit.add_argument("--output", type=Path, help="where the JSON record goes (default: reports/audit.json)")
    _lineage(commands)


def _lineage(commands: Commands) -> None:
    lineage = command(commands, "lineage", LINEAGE, _traced, epilog=WHENCE)
    lineage.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    lineage.add_argument("--config", type=Path, help="the config (default: configs/credit.yaml below the root)")
    lineage.add_argument("--output", type=Path, help="where the record goes (default: reports/data_lineage.json)")
    lineage.add_argument("--openlineage", type=Path, metavar="FILE", help="write it as OpenLineage run events too")
    lineage.add_argument("--picture", type=Path, metavar="FILE", help="draw it too, as SVG")
    lineage.add_argument("--decision", metavar="ID", help="trace one decision back instead: scorer, data, approval")
    lineage.add_argument(
        "--settings", type=Path, help="the environment of --decision (default: configs/deploy/local.yaml)"
    )


def _traced(options: argparse.Namespace) -> None:
    if options.decision:
        _why(options)
        return
    lineage = import_module("credit_risk.governance.lineage")
    files = Files(options.root)
    output = options.output or files.report("data_lineage")
    path = options.settings or options.root / DEFAULT
    found = lineage.record(load(options.config or files.config), files, datetime.now(UTC))
    with ExitStack() as opened:
        places = import_module("credit_risk.governance.stores")
        events = places.events(path, options.root)
        ledger = places.ledger_if_there(path, options.root, os.environ)
        if ledger is not None:
            opened.enter_context(ledger)
        found |= lineage.afterwards(found["scorer"] or "", events, ledger)
    write_json(output, found)
    if options.openlineage:
        write_text(options.openlineage, json.dumps(lineage.openlineage(found), indent=2) + "\n")
    if options.picture:
        write_text(options.picture, import_module("credit_risk.governance.lineage_picture").svg(found))
    _say(
        f"{len(found['transformations'])} steps from {', '.join(found['raw'])} "
        f"to scorer {(found['scorer'] or 'none')[:12]}: {output}"
    )
    lineage.raise_unless_verified(found, output)


def _why(options: argparse.Namespace) -> None:
    module = import_module("credit_risk.governance.decision_lineage")
    places = import_module("credit_risk.governance.stores")
    versions = import_module("credit_risk.registry.versions")
    settings = import_module("credit_risk.registry.settings")
    path = options.settings or options.root / DEFAULT
    name = load(options.config or Files(options.root).config).project.name
    with (
        places.ledger(path, options.root, os.environ) as ledger,
        versions.open_versions(name, settings.load(path, options.root), options.root) as registry,
    ):
        found, checks = module.why(options.decision, ledger, registry)
    _say(json.dumps(found | {"checked": checks.held}, indent=2, ensure_ascii=False))
    checks.raise_unless_all_hold()


def _say(text: str) -> None:
    Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(text)


def _audit(options: argparse.Namespace) -> None:
    audit = import_module("credit_risk.governance.audit")  # late: `--help` need not wait for the models
    files = Files(options.root)
    output = options.output or files.report("audit")
    config = load(options.config or files.config)
    record = audit.audit(options.model_path or files.scorer, options.regulatory_framework, files, config)
    write_json(output, record)
    Console(highlight=False).print(audit.render(record))
    audit.raise_unless_passed(record, output)

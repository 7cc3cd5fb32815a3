"""The sub-command of this room: `credit-risk audit` writes reports/audit.json."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

WHAT = "hold a scorer against a regulatory framework, each verdict linked to its evidence"
EXAMPLE = "credit-risk audit --model-path models/scorer --regulatory-framework equal_credit_opportunity_act"


def register(commands: Commands) -> None:
    """Add the sub-command to the one command line."""
    command = commands.add_parser(
        "audit",
        help=WHAT,
        description=WHAT[0].upper() + WHAT[1:] + ".",
        epilog=f"example:\n  {EXAMPLE}\n\nexit codes: 0 every control is met, 1 one is not or cannot be shown",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    command.add_argument("--config", type=Path, help="the config (default: configs/credit.yaml below the root)")
    command.add_argument("--model-path", type=Path, help="the scorer directory (default: models/scorer)")
    command.add_argument(
        "--regulatory-framework", required=True, help="a framework of configs/policies, as ecoa; case does not matter"
    )
    command.add_argument("--output", type=Path, help="where the JSON record goes (default: reports/audit.json)")
    command.set_defaults(run=_command)


def _command(options: argparse.Namespace) -> None:
    audit = import_module("credit_risk.governance.audit")  # late: `--help` need not wait for the models
    files = Files(options.root)
    output = options.output or files.report("audit")
    config = load(options.config or files.config)
    record = audit.audit(options.model_path or files.scorer, options.regulatory_framework, files, config)
    write_json(output, record)
    Console(highlight=False).print(audit.render(record))
    audit.raise_unless_passed(record, output)

"""The sub-command of this room: `credit-risk attacks` writes reports/parts/attacks.json."""

import argparse
from importlib import import_module
from pathlib import Path

from credit_risk.command_line import Commands, command
from credit_risk.config import load
from credit_risk.data.files import Files

WHAT = "attack the scorer: cheap flips of declined applicants, and membership inference"


def register(commands: Commands) -> None:
    """Add the sub-command to the one command line."""
    attacks = command(commands, "attacks", WHAT, _attack)
    attacks.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    attacks.add_argument("--config", type=Path, help="the config (default: configs/credit.yaml below the root)")
    attacks.add_argument(
        "--robustness-at-least", type=float, help="exit 1 unless the whole interval reaches this; 0.7 is usual"
    )
    attacks.add_argument(
        "--privacy-at-least", type=float, help="exit 1 unless the whole interval reaches this; 0.8 is usual"
    )


def _attack(options: argparse.Namespace) -> None:
    measure = import_module("credit_risk.attacks.measure")  # late: `--help` need not wait for the models
    files = Files(options.root)
    measure.run(load(options.config or files.config), files)
    floors = {"robustness.score": options.robustness_at_least, "privacy.score": options.privacy_at_least}
    measure.check(files, {name: floor for name, floor in floors.items() if floor is not None})

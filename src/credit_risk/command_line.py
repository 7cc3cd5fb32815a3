"""How every sub-command of `credit-risk` is begun, so that all helps look alike; the rooms add their own flags."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

Run: TypeAlias = Callable[[argparse.Namespace], None]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def command(
    commands: Commands, name: str, what: str, run: Run, *, epilog: str | None = None, more: str = ""
) -> argparse.ArgumentParser:
    """A sub-command, or a verb of one: `what` is its line in the list and, as a sentence, the start of its help."""
    sentence = what[0].upper() + what[1:] + ("" if what.endswith("?") else ".")
    parser = commands.add_parser(
        name,
        help=what,
        description=sentence + more,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser

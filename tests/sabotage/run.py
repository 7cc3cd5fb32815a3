"""Prove that the gates close: tests/sabotage/run.py [--quick] [--seeds N] [NAME ...]

Builds a simulated lender that passes every gate, breaks copies of it in every way that sabotages.py lists, and shows
who refused each and why. Exit code 1 if the untouched lender is refused, if a sabotage passes, or if another gate
than the declared ones refuses it. With --seeds it shows instead who refuses N other draws of the untouched lender:
chance may leave a gate unable to say, but a FAIL of what nobody harmed is a false one.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # small fits on busy cores wait on one another; the trees are the same

from declared import unseen
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sabotages import CONTROLS, SABOTAGES, Sabotage
from trial import GAP, SEED, Refusals, Trial, outcome, write, wrong


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    chosen = [one for one in SABOTAGES if _is_chosen(one, options)]
    controls = [one for one in CONTROLS if _is_chosen(one, options)]
    if options.seeds:
        return other_draws(options.seeds)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        started = time.monotonic()
        whole = write(Path(folder, "untouched"), gap=GAP)
        refused = outcome(whole, Trial.run_from_raw)
        if refused:
            print("The untouched lender is refused, so nothing can be shown:")
            print("\n".join(f"  {name}: {said}" for name, said in refused.items()))
            return 1
        print(f"untouched lender: all {len(whole.config.gates)} gates pass, {time.monotonic() - started:.0f} s")
        table = Table("sabotage", "caught by", "what it says", "s", show_lines=True)
        problems = [one for each in (*controls, *chosen) for one in attempt(each, whole, Path(folder), table)]
        console.print(table)
    print(f"{len(chosen)} sabotages, {len(controls)} controls, {time.monotonic() - started:.0f} s")
    print("\n".join(problems) if problems else "All were refused by the gates that had to, and by no other.")
    return 1 if problems else 0


def other_draws(count: int) -> int:
    """Run the untouched lender with other seeds and print who refuses each; 1 if any gate says FAIL."""
    passing, failing = 0, 0
    for seed in range(SEED + 1, SEED + 1 + count):
        with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
            refused = outcome(write(Path(folder, "untouched"), seed=seed, gap=GAP), Trial.run_from_raw)
        passing += not refused
        failing += any(not sentence.startswith("CANNOT SAY") for sentence in refused.values())
        lines = [f"    {name}: {' '.join(said.split())[:200]}" for name, said in refused.items()]
        print(f"seed {seed}: {'refused' if refused else 'passes'}", *lines, sep="\n", flush=True)
    print(f"{passing} of {count} other draws of the untouched lender pass, {failing} are refused by a FAIL")
    return 1 if failing else 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--quick", action="store_true", help="only those that need no model to be fitted")
    top.add_argument("--seeds", type=int, default=0, metavar="N", help="other draws of the untouched lender alone")
    top.add_argument("names", nargs="*", metavar="NAME", help="only those whose name holds one of these words")
    return top


def _is_chosen(one: Sabotage, options: argparse.Namespace) -> bool:
    named = not options.names or any(word in one.name for word in options.names)
    return named and (one.quick or not options.quick)


def attempt(one: Sabotage, whole: Trial, folder: Path, table: Table) -> list[str]:
    """Try one, add its line to the table, and say what was not as declared."""
    started = time.monotonic()
    root = folder / "harmed"
    trial = Trial(root) if one.fresh else whole.copy(root)
    found = outcome(trial, one.harm)
    problems = wrong(found, one.refused_by, one.may) + unseen(one, trial)
    if root.exists():
        shutil.rmtree(root)
    print(f"{'NOT AS DECLARED' if problems else 'ok':15} {one.name}", file=sys.stderr)
    print("".join(f"{' ':15} {problem}\n" for problem in problems), end="", file=sys.stderr, flush=True)
    _show(one, found, problems, table, time.monotonic() - started)
    needed = f" (known, needed: {one.open})" if one.open else ""
    return [f"{one.name}: {problem}{needed}" for problem in problems]


def _show(one: Sabotage, found: Refusals, problems: Sequence[str], table: Table, seconds: float) -> None:
    lines = {name: found[name] for name in one.refused_by if name in found}
    names = "\n".join(lines) or ("nobody, as it must be" if not one.refused_by and not problems else "NOBODY")
    beside = [name for name in found if name in one.may]
    said = "\n".join(" ".join(text.split())[:300] for text in lines.values())
    said += f"\nbeside it: {', '.join(beside)}" if beside else ""
    said += "".join(f"\nNOT AS DECLARED: {problem}" for problem in problems)
    style = "red" if problems else ""
    table.add_row(Text(one.name), Text(names, style=style), Text(said.strip(), style=style), f"{seconds:.0f}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

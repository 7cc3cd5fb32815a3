"""Draw docs/pictures from the tables of reports/: scripts/draw_docs.py [--check]

Each picture is the one of reports/index.html, in fixed colours. With --check nothing is written, and the exit code is 1
if a picture is not what the tables of reports/ would give.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.report import plots_explain, plots_fairness, plots_robustness
from credit_risk.report.standalone_svg import standalone

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
DRAWN = {
    "fairness": (
        "groups",
        "sweep",
        "frontier",  # part: alternatives
    ),
    "explain": ("families", "importance", "summary", "interactions"),
    "robustness": ("stress",),
}


def pictures(root: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every picture; what the last run could not measure is said and left out."""
    files = Files(root)
    found = {
        "fairness": plots_fairness.figures(files),
        "explain": plots_explain.figures(load(files.config), files),
        "robustness": plots_robustness.figures(files),
    }
    for part, names in DRAWN.items():
        for name in names:
            picture = found[part][name]
            if picture.svg is None:
                print(f"{part}-{name} is left out: {picture.missing}", file=sys.stderr)
                continue
            yield f"{part}-{name}.svg", standalone(str(picture.svg))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a picture is out of date")
    check = parser.parse_args(arguments).check
    drawn = dict(pictures(ROOT))
    if not check:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, text in drawn.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    there = {path.name: path.read_text(encoding="utf-8") for part in DRAWN for path in FOLDER.glob(f"{part}-*.svg")}
    wrong = sorted(name for name in drawn.keys() | there.keys() if drawn.get(name) != there.get(name))
    print("\n".join(f"docs/pictures/{name} is not what reports/ gives; draw again" for name in wrong) or "as drawn")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

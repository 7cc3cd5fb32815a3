"""Draw docs/pictures from the tables of reports/: scripts/draw_docs.py [--check]

Each picture is the one of reports/index.html, in fixed colours. With --check nothing is written, and the exit code is 1
if a picture is not what the tables of reports/ would give.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.stages import plots_explain, plots_fairness, plots_robustness

ROOT = Path(__file__).parents[1]
ZOOM = 1.5
FOLDER = ROOT / "docs" / "pictures"
PAGE = ROOT / "src" / "credit_risk" / "stages" / "page.html.j2"
DRAWN = {
    "fairness": ("groups", "sweep", "frontier"),
    "explain": ("families", "importance", "summary", "interactions"),
    "robustness": ("stress",),
}


def pictures(root: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every picture. Raises SystemExit for one that cannot be drawn."""
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
                raise SystemExit(f"{part} {name} cannot be drawn: {picture.missing}. Run `dvc repro` first.")
            yield f"{part}-{name}.svg", standalone(str(picture.svg))


def colours() -> dict[str, str]:
    """The light colours of the page by the name of their variable: the first that its style sheet gives."""
    found = re.findall(r"--p-(\w+): (#\w+)", PAGE.read_text(encoding="utf-8"))
    return dict(reversed(found))


def standalone(svg: str) -> str:
    """A picture of the page as a file of its own: colours written out, and a ground, so that a dark reader shows it."""
    named = colours()
    for name, colour in named.items():
        svg = svg.replace(f"var(--p-{name})", colour)
    head, body = svg.split(">", 1)
    _, _, width, height = re.findall(r"[\d.]+", head[head.index("viewBox") :])
    size = f'width="{float(width) * ZOOM:.0f}" height="{float(height) * ZOOM:.0f}"'
    head = head.replace("<svg", f'<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" {size}', 1)
    ground = f'<rect width="100%" height="100%" fill="{named["paper"]}"/>'
    return f"{head}>\n{ground}{body.rstrip()}\n"


def main(arguments: list[str]) -> int:
    drawn = dict(pictures(ROOT))
    if "--check" not in arguments:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, text in drawn.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.svg")}
    wrong = sorted(name for name in drawn.keys() | there.keys() if drawn.get(name) != there.get(name))
    print("\n".join(f"docs/pictures/{name} is not what reports/ gives; draw again" for name in wrong) or "as drawn")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

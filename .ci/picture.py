"""Pictures for a text on GitHub, which draws what Mermaid's words describe, so nothing is uploaded.

A row of blocks says the same where nothing draws, as in an e-mail.
"""

import re
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
LATEST = 10  # points of a picture: the months of more would run into each other
MEANS_SOMETHING = re.compile(r'["#;`\s]+')  # to Mermaid or to Markdown, within quotes


def chart(title: str, points: Sequence[tuple[str, float]], *, level: float | None) -> str:
    """Bars that begin at 0, in the order of the points, and a line at a level if there is one.

    `xychart-beta` is what Mermaid since 10.7 calls it, and later versions take still.
    """
    points = points[-LATEST:]
    highest = max([value for _, value in points] + ([] if level is None else [level]))
    lines = [
        "xychart-beta",
        f"    title {_text(title)}",
        f"    x-axis [{', '.join(_text(name) for name, _ in points)}]",
        f"    y-axis 0 --> {_number(1.1 * highest or 1.0)}",
        f"    bar [{', '.join(_number(value) for _, value in points)}]",
    ]
    if level is not None:
        lines.append(f"    line [{', '.join([_number(level)] * len(points))}]")
    return "\n".join(["```mermaid", *lines, "```"])


def blocks(values: Sequence[float]) -> str:
    """A block for each of the latest values, as high as it is among them; the lowest is 0."""
    values = values[-LATEST:]
    highest = max(values, default=0.0) or 1.0
    return "".join(BLOCKS[round((len(BLOCKS) - 1) * value / highest)] for value in values)


def _text(words: str) -> str:
    return f'"{MEANS_SOMETHING.sub(" ", words).strip() or "no name"}"'


def _number(value: float) -> str:
    """As Mermaid reads one: no exponent."""
    return f"{value:.4f}"

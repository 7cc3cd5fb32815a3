"""A picture of the report page as a file of its own, for documents that no style sheet reaches."""

import re
from pathlib import Path

ZOOM = 1.5
PAGE = Path(__file__).with_name("page.html.j2")


def colours() -> dict[str, str]:
    """The light colours of the page by the name of their variable: the first that its style sheet gives."""
    colours_by_variable = re.findall(r"--p-(\w+): (#\w+)", PAGE.read_text(encoding="utf-8"))
    return dict(reversed(colours_by_variable))


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

"""Notices as files: HTML, many to a file with a page each, and PDF by typst from the same facts."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from credit_risk.data.writing import replacing, write_text
from credit_risk.notices.notice import Notice

TYPST = Path(__file__).with_name("notice.typ")
FORGOTTEN_AFTER = 10  # documents, beyond which typst's cache lets go of what it laid out


def html(notices: Sequence[Notice]) -> str:
    """A page each. Every text is escaped; no script, nothing from elsewhere."""
    return _template().render(notices=notices)


@cache
def _template() -> Template:
    loader = PackageLoader("credit_risk.notices", ".")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("notice.html.j2")


def write_html(path: Path, notices: Sequence[Notice]) -> None:
    write_text(path, html(notices))


def write_pdf(path: Path, notices: Sequence[Notice]) -> None:
    """A page each, by typst; texts go in as data, so that nothing in them is markup."""
    import typst  # noqa: PLC0415  (late: 30 MB that HTML alone does without)

    facts = json.dumps([asdict(notice) for notice in notices], default=str, ensure_ascii=False)
    fonts = _fonts()
    with replacing(path) as unfinished:
        unfinished.write_bytes(typst.compile(str(TYPST), font_paths=fonts, sys_inputs={"notices": facts}))
    for _ in range(FORGOTTEN_AFTER + 1):  # or a long run holds ten files' layouts: 270 MB for each thousand pages
        typst.compile(b"", font_paths=fonts)


@cache
def _fonts() -> Any:
    import typst  # noqa: PLC0415

    return typst.Fonts()

"""reports/pipeline.html: the picture, and behind each box what the stage reads, writes and waits for."""

import os
from collections.abc import Sequence
from pathlib import Path

from credit_risk.config import Config
from credit_risk.pipeline_page import picture
from credit_risk.pipeline_page.state import PipelineStage
from credit_risk.report.templates import template

DOCS = "docs/pipeline.md"
WORDS = {
    "up to date": "all it read and wrote is as it was when it ran",
    "stale": "something is not as it was, and `dvc repro` runs it",
    "waits": "a stage before it is stale: it runs if that one then writes something else",
    "never ran": "dvc.lock does not know it",
}


def page(config: Config, root: Path, folder: Path, stages: Sequence[PipelineStage]) -> str:
    """The page as text. folder: where it will lie, for its links."""
    headings = (root / DOCS).read_text(encoding="utf-8").splitlines() if (root / DOCS).is_file() else []

    def link(path: str) -> str:
        """A path as the page links it; nothing where there is no such file."""
        return Path(os.path.relpath(root / path, folder)).as_posix() if (root / path).exists() else ""

    return template("pipeline_page").render(
        title=config.project.title,
        drawing=picture.drawing(stages),
        box={"width": picture.WIDTH, "height": picture.HEIGHT},
        stages=stages,
        counts={state: sum(stage.state == state for stage in stages) for state in WORDS},
        words=WORDS,
        link=link,
        docs={stage.name: f"{link(DOCS)}#{stage.name}" for stage in stages if f"## {stage.name}" in headings},
    )

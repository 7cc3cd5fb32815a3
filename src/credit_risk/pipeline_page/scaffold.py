"""A new stage that runs: module, test, command, dvc.yaml's entry and the heading in the docs, all of one name."""

import re
from dataclasses import dataclass
from pathlib import Path

from credit_risk.data.writing import write_text
from credit_risk.errors import NotFound, UsageError

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 30  # letters of a name: the lines that it stands in are then no longer than the linter allows
LEAST, MOST = 20, 100  # characters of what a stage is for: dvc.yaml says it in one breath
FIX = "Run the command in the repository's root."

MODULE = '''"""{purpose} (DVC stage `{name}`)."""

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import read_parquet, write_report


def run(config: Config, files: Files) -> None:
    """Write reports/{name}.json: rows and bads of the test as yet. Put in what you measure."""
    bad = read_parquet(files.outcomes("test"), columns=["bad"])["bad"]
    figures = {{"project": config.project.name, "rows": len(bad), "bads": int(bad.sum())}}
    write_report(files.report("{name}"), figures)
'''
TEST = '''"""The stage `{name}`."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from credit_risk.data.files import Files
from credit_risk.data.writing import write_parquet
from credit_risk.errors import NotFound
from credit_risk.stages import {module}

CONFIG = SimpleNamespace(project=SimpleNamespace(name="lender"))  # all of the config that the stage reads


def test_it_writes_what_it_measured(tmp_path):
    files = Files(tmp_path)
    write_parquet(files.outcomes("test"), pd.DataFrame({{"bad": [True, False, False]}}))
    {module}.run(CONFIG, files)
    written = json.loads(files.report("{name}").read_text())
    assert written == {{"project": "lender", "rows": 3, "bads": 1}}


def test_without_the_stage_before_it_says_so(tmp_path):
    with pytest.raises(NotFound, match="has not run"):
        {module}.run(CONFIG, Files(tmp_path))
'''
ENTRY = """  {name}:
    desc: {purpose}
    cmd: credit-risk {name}
    deps: [artifacts/outcomes, src/credit_risk/config, src/credit_risk/errors.py, src/credit_risk/data, \
src/credit_risk/stages/{module}.py]
    params: [{{configs/credit.yaml: [data, outcome, columns, derived, project.name]}}]
    outs: [reports/{name}.json: {{cache: false}}]

"""
HEADING = """
## {name}

{purpose}: `reports/{name}.json`.
"""
ADDED = """    "{name}": (
        GATES,
        "{purpose}.",
    ),
"""


@dataclass(frozen=True)
class NewFile:
    """A file as it shall be; before: as it is, None where there is none."""

    path: Path
    text: str


def new_stage(root: Path, name: str, purpose: str) -> list[NewFile]:
    """All files of a new stage, none written yet. Raises UsageError for a name or purpose that cannot be; NotFound."""
    purpose = purpose.strip().rstrip(".")
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        expected = f"in lower-case words with hyphens, as `validate-data`, of at most {LONGEST} letters"
        raise UsageError(f"a stage is named {expected}; got {name!r}.")
    if (
        not LEAST <= len(purpose) <= MOST
        or not purpose[0].isupper()
        or re.search(r"[:#\"'\\{}\[\]&*!|>%@`\n]", purpose)
    ):
        raise UsageError(f"--purpose is a plain sentence of {LEAST} to {MOST} letters that begins with a capital one.")
    words = {"name": name, "module": name.replace("-", "_"), "purpose": purpose}
    module = root / "src" / "credit_risk" / "stages" / f"{words['module']}.py"
    test = root / "tests" / "stages" / f"test_{words['module']}.py"
    command, pipeline, docs = module.with_name("command.py"), root / "dvc.yaml", root / "docs" / "pipeline.md"
    texts = {path: _text(path) for path in (command, pipeline, docs)}
    if module.exists() or test.exists() or f'"{name}"' in texts[command] or f"\n  {name}:\n" in texts[pipeline]:
        raise UsageError(f"there is a stage, module, test or command {name} already.")
    return [
        NewFile(module, MODULE.format(**words)),
        NewFile(test, TEST.format(**words)),
        NewFile(command, _with_command(texts[command], words)),
        NewFile(pipeline, _with_entry(texts[pipeline], words)),
        NewFile(docs, texts[docs].rstrip("\n") + "\n" + HEADING.format(**words)),
    ]


def write(files: list[NewFile]) -> None:
    for file in files:
        write_text(file.path, file.text)


def _with_command(text: str, words: dict[str, str]) -> str:
    """Behind the last entry of the table of stages."""
    behind = re.search(r"^    \"report\": \(.*\),\n", text, flags=re.MULTILINE)
    if behind is None:
        raise UsageError("src/credit_risk/stages/command.py has no line `report`, behind which the new command goes.")
    return text[: behind.end()] + ADDED.format(**words) + text[behind.end() :]


def _with_entry(text: str, words: dict[str, str]) -> str:
    """At the end of the stages."""
    behind = re.search(r"^(?!stages:)[a-z]+:", text, flags=re.MULTILINE)
    end = behind.start() if behind else len(text)
    return text[:end].rstrip("\n") + "\n\n" + ENTRY.format(**words) + text[end:]


def _text(path: Path) -> str:
    if not path.is_file():
        raise NotFound(path, FIX)
    return path.read_text(encoding="utf-8")

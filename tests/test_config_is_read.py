"""A key that nothing reads lies to the fork's owner: he edits it, and nothing happens.

The whole small pipeline runs with every read of a config field recorded. The checker
(config/checks.py) does not count as a reader: it only says that the value could be used.
"""

import logging
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, get_args

import pandas as pd
import pytest
from ruamel.yaml import YAML

import credit_risk
from credit_risk import cli
from credit_risk.config import Config
from credit_risk.config.schema import Section
from credit_risk.data.simulate import lender

PACKAGE = Path(credit_risk.__file__).parent
CONFIG = PACKAGE / "config"
SCHEMA = str(CONFIG / "schema.py")
TESTS = Path(__file__).parent
STAGES = YAML(typ="safe").load(TESTS.parent / "dvc.yaml")["stages"]


def sections_below(kind: Any) -> set[type[Section]]:
    """Every Section class that a type leads to."""
    if isinstance(kind, type) and issubclass(kind, Section):
        return {kind}.union(*(sections_below(one.annotation) for one in kind.model_fields.values()))
    return set().union(*map(sections_below, get_args(kind)))


@dataclass
class Reads:
    """Which fields were read (class and name), and which sections of the config that the command was given."""

    fields: set[tuple[str, str]] = field(default_factory=set)
    sections: set[str] = field(default_factory=set)
    given: Config | None = None

    def note(self, section: Section, name: str, frame: FrameType | None) -> None:
        # A property of the schema reads on behalf of whoever asked for it.
        while frame is not None and frame.f_code.co_filename == SCHEMA:
            frame = frame.f_back
        if frame is None:
            return
        reader = Path(frame.f_code.co_filename)
        if not reader.is_relative_to(PACKAGE) or reader.is_relative_to(CONFIG):
            return
        self.fields.add((type(section).__name__, name))
        if section is self.given:
            self.sections.add(name)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    """Records every read of a config field while the test runs."""
    recorded = Reads()

    def read(self: Section, name: str) -> Any:
        if name in type(self).__pydantic_fields__:
            recorded.note(self, name, sys._getframe(1))
        return object.__getattribute__(self, name)

    monkeypatch.setattr(Section, "__getattribute__", read, raising=False)
    return recorded


def _yaml(path: Path, change: Any) -> None:
    yaml = YAML()
    tree = yaml.load(path)
    change(tree)
    yaml.dump(tree, path)


def _out_of_one_table(tree: Any) -> None:
    """A lender with two files and a random split although there is a date: keys that the first lender leaves out."""
    tree["data"]["sources"].append({"path": "data/terms.csv", "join_on": "application_id"})
    tree["split"] |= {"by": "random", "why_random": "the rows were drawn at one day"}


def write_lender(root: Path, rows: int = 2_000) -> Path:
    (root / "data").mkdir(parents=True)
    shutil.copytree(TESTS / "lender", root / "configs")
    lender(rows, seed=7).applications.to_csv(root / "data" / "applications.csv", index=False)
    return root


def write_lender_of_two_files(root: Path) -> Path:
    write_lender(root)
    _yaml(root / "configs" / "credit.yaml", _out_of_one_table)
    whole = pd.read_csv(root / "data" / "applications.csv", dtype=str, keep_default_na=False)
    whole.drop_duplicates("application_id")[["application_id", "term_months"]].to_csv(
        root / "data" / "terms.csv", index=False
    )
    whole.drop(columns="term_months").to_csv(root / "data" / "applications.csv", index=False)
    return root

"""A key that nothing reads lies to the fork's owner: he edits it, and nothing happens.

The whole small pipeline runs with every read of a config field recorded.
"""

import logging
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, get_args

import pandas as pd
import pytest
from matplotlib.figure import Figure
from pydantic import BaseModel
from ruamel.yaml import YAML

import credit_risk
from credit_risk import cli, config
from credit_risk.config import Config
from credit_risk.config.fairness import Alternatives
from credit_risk.config.schema import Attacks, Tune
from credit_risk.config.section import Section
from credit_risk.data import repository
from credit_risk.data.simulated_lender import lender
from credit_risk.modelling import resplits
from credit_risk.stages import latency

PACKAGE = Path(credit_risk.__file__).parent
CONFIG = PACKAGE / "config"
SCHEMA = {str(CONFIG / name) for name in ("schema.py", "columns.py", "fairness.py")}
TESTS = Path(__file__).parent
pytestmark = pytest.mark.slow

STAGES = YAML(typ="safe", pure=True).load(TESTS.parent / "dvc.yaml")["stages"]


def sections_below(kind: Any) -> set[type[Section]]:
    """Every Section class that a type leads to."""
    if isinstance(kind, type) and issubclass(kind, Section):
        return {kind}.union(*(sections_below(one.annotation) for one in kind.model_fields.values()))
    return set().union(*map(sections_below, get_args(kind)))


@dataclass
class Reads:
    """Which fields were read (class and name), and which keys of its config a command read, by command.

    Keys are written as in dvc.yaml: `policy`, and `policy.margin` below it.
    """

    fields: set[tuple[str, str]] = field(default_factory=set)
    keys: dict[str, set[str]] = field(default_factory=dict)
    command: str = ""
    given: Config | None = None
    children: Mapping[int, str] = field(default_factory=dict)  # names of the given config's sections, by id

    def note(self, section: Section, name: str, frame: FrameType | None) -> None:
        """Count a read if this package asked for it, its config/ left out; whoever stands between is skipped.

        Between may stand a property of the schema, which reads on behalf of its caller, or the template
        engine; the checker (config/checks) only says that a value could be used, and does not count.
        """
        read, key, keys = (
            (type(section).__name__, name),
            self._key(section, name),
            self.keys.setdefault(self.command, set()),
        )
        if read in self.fields and (key is None or key in keys):
            return  # nothing would be added, as by most reads; who asks takes long to see
        while frame is not None and (
            frame.f_code.co_filename in SCHEMA or not frame.f_code.co_filename.startswith(str(PACKAGE))
        ):
            frame = frame.f_back
        if frame is None or Path(frame.f_code.co_filename).is_relative_to(CONFIG):
            return
        self.fields.add(read)
        if key is not None:
            keys.add(key)

    def _key(self, section: Section, name: str) -> str | None:
        """A key of the given config. A scorer brings one of its own: what is read there came through models/scorer."""
        if section is self.given:
            return name
        parent = self.children.get(id(section))
        return parent and f"{parent}.{name}"

    def run(self, *arguments: str) -> None:
        """Run a command in this process; its answer may be no, but it must have done its work."""
        self.command = arguments[0]
        self.keys.setdefault(self.command, set())
        assert cli.main(arguments) in (0, 1), arguments


def watch(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Record every read of a config field from here on."""
    reads = Reads()

    def read(self: Section, name: str) -> Any:
        if name in type(self).__pydantic_fields__:
            reads.note(self, name, sys._getframe(1))
        return object.__getattribute__(self, name)

    def dump(self: Section, **options: Any) -> dict[str, Any]:
        # A section that is handed on whole under its own names (LightGBM's parameters) is read whole. The config
        # itself is only dumped to be kept, and that reads nothing.
        values = BaseModel.model_dump(self, **options)
        if not isinstance(self, Config):
            for name in values:
                reads.note(self, name, sys._getframe(1))
        return values

    def load(path: Path) -> Config:
        reads.given = config.load(path)
        reads.children = {id(value): name for name, value in vars(reads.given).items() if isinstance(value, Section)}
        return reads.given

    monkeypatch.setattr(Section, "__getattribute__", read, raising=False)
    monkeypatch.setattr(Section, "model_dump", dump)
    monkeypatch.setattr(repository, "load", load)
    return reads


def write_lender(root: Path, rows: int = 2_000) -> Path:
    """The simulated lender with one contract rule, its config and data below a root."""
    (root / "data").mkdir(parents=True)
    shutil.copytree(TESTS / "lender", root / "configs")
    policies = root / "configs" / "policies"
    own = shutil.ignore_patterns("gate_floor.yaml")
    shutil.copytree(TESTS.parent / "configs" / "policies", policies, ignore=own, dirs_exist_ok=True)
    edit(root, contract=add_a_rule, evaluation=be_quick, model=be_quick, tune=be_quick)
    if (PACKAGE / "attacks").is_dir():
        edit(root, attacks=be_quick)
    lender(rows, seed=7).applications.to_csv(root / "data" / "applications.csv", index=False)
    return root


def write_lender_of_two_files(root: Path) -> Path:
    """The same lender with two files and a random split: keys that the first one leaves out."""
    write_lender(root)
    edit(root, data=add_a_source, split=split_at_random)
    applications = root / "data" / "applications.csv"
    whole = pd.read_csv(applications, dtype=str, keep_default_na=False)
    terms = whole[["application_id", "term_months"]].drop_duplicates("application_id")
    table = terms.to_csv(index=False, sep=";")
    (root / "data" / "terms.csv").write_text(f"Terms of all loans\n{table}Total\n", encoding="cp1252")
    whole.drop(columns="term_months").to_csv(applications, index=False)
    return root


def edit(root: Path, **changes: Callable[[dict[str, Any]], None]) -> None:
    """Change sections of the config below a root."""
    path, yaml = root / "configs" / "credit.yaml", YAML()
    tree = yaml.load(path)
    for section, change in changes.items():
        change(tree[section])
    yaml.dump(tree, path)


def add_a_rule(contract: dict[str, Any]) -> None:
    contract["rules"] = [
        {"name": "loan", "must": "loan_amount > 0", "allowed": 0.1, "reason": "nobody borrows nothing"}
    ]


def be_quick(section: dict[str, Any]) -> None:
    section |= {
        key: value
        for key, value in {"replicates": 100, "max_trees": 40, "trials": 1, "rows": 60}.items()
        if key in section
    }


def add_a_source(data: dict[str, Any]) -> None:
    written = {"delimiter": ";", "quote": "'", "encoding": "cp1252", "decimal": ",", "thousands": "."}
    lines = {"header_line": 2, "footer_lines": 1}
    data["sources"].append({"path": "data/terms.csv", "join_on": "application_id", **written, **lines})


def write_lender_in_a_database(root: Path) -> Path:
    """The same lender with a source that is the answer to a query."""
    write_lender(root, rows=200)
    edit(root, data=ask_a_database)
    return root


def ask_a_database(data: dict[str, Any]) -> None:
    data["sources"] = [{"path": "data/loans.parquet", "query": "SELECT 1 AS application_id", "database": "LENDER"}]


def split_at_random(split: dict[str, Any]) -> None:
    split |= {"by": "random", "why_random": "the rows were drawn on one day"}


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reads]:
    """What every command of the pipeline read, from raw data to report, and the commands around it."""
    root = str(write_lender(tmp_path_factory.mktemp("read") / "one"))
    other = str(write_lender_of_two_files(tmp_path_factory.mktemp("read") / "two"))
    handlers, level = logging.root.handlers[:], logging.root.level
    with pytest.MonkeyPatch.context() as monkeypatch:
        recorded = watch(monkeypatch)
        # What is read does not depend on how often, nor on a picture once it was drawn.
        monkeypatch.setattr(resplits, "FEWEST", 1)
        monkeypatch.setattr(latency, "ROUNDS", 1)
        monkeypatch.setattr(Figure, "savefig", lambda _, stream, **__: stream.write("<svg></svg>"))
        for stage in STAGES:
            recorded.run(stage, "--root", root)
        data = f"{root}/data/applications.csv"
        recorded.run("validate-data", "--root", root, "--dataset", data)
        recorded.run("validate-data", "--root", root, "--compliance", "gdpr,sox")  # part: compliance
        recorded.run("summary", "--root", root)
        # of the part: batch
        trial = tmp_path_factory.mktemp("environments") / "trial.yaml"
        trial.write_text("serving: {access: {mode: off}, gate: reported}\n")
        where = ["--root", root, "--environment", str(trial)]
        recorded.run("score", *where, "--input", data, "--output", f"{root}/decisions.csv")
        # end of part
        if (PACKAGE / "tuning").is_dir():
            recorded.run("tune", "--root", root)
        if (PACKAGE / "attacks").is_dir():  # a room that a fork may take away, with its section of the config
            recorded.run("attacks", "--root", root)
        # of the part: extracts
        in_database = str(write_lender_in_a_database(tmp_path_factory.mktemp("read") / "three"))
        monkeypatch.setenv("LENDER", "sqlite://")
        recorded.run("extract", "--root", in_database)
        # end of part
        recorded.run("validate-data", "--root", other)
        recorded.run("prepare", "--root", other)
        yield recorded
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def of_parts_that_are_gone() -> set[tuple[str, str]]:
    """The keys of a section that only an optional part reads, where a fork has taken that part out."""
    sections = {
        "attacks": ("Config", "attacks", Attacks),
        "tuning": ("Config", "tune", Tune),
        "alternatives": ("Fairness", "alternatives", Alternatives),
    }
    gone = [section for part, section in sections.items() if not (PACKAGE / part).is_dir()]
    keys = {(section.__name__, name) for _, _, section in gone for name in section.model_fields}
    return keys | {(owner, name) for owner, name, _ in gone}


def test_every_key_of_the_config_is_read(reads):
    keys = {(section.__name__, name) for section in sections_below(Config) for name in section.model_fields}
    # `version` has one allowed value: editing it is refused, so it cannot be edited in vain.
    unread = keys - reads.fields - {("Config", "version")} - of_parts_that_are_gone()
    assert unread == set(), f"nothing reads these keys of the config: {sorted(unread)}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_runs_again_when_a_section_that_it_reads_is_edited(reads, stage):
    """A key that a stage reads but does not name under params (whole, or its section) would be edited in vain."""
    if {"configs", "configs/credit.yaml"} & set(STAGES[stage]["deps"]):
        return
    named = {
        name
        for entry in STAGES[stage].get("params", ())
        for path, names in entry.items()
        for name in (names if path == "configs/credit.yaml" else ["parameters"])
    }
    read = reads.keys[stage] - {"version"}
    # `policy` stands for all below it; where a stage read `policy.margin`, naming that is enough.
    finer = {key.split(".")[0] for key in read if "." in key}
    unnamed = {key for key in read - finer if key not in named and key.split(".")[0] not in named}
    assert unnamed == set(), f"{stage} reads {sorted(unnamed)} and dvc.yaml does not say so"


def read_by(code: str, file: Path, **names: Any) -> Any:
    """Run an expression as if it stood in this file."""
    return eval(compile(code, str(file), "eval"), names)


@pytest.mark.parametrize(
    ("file", "expression", "counted"),
    [
        (PACKAGE / "stages" / "train.py", "config.tune.trials", {("Config", "tune"), ("Tune", "trials")}),
        (PACKAGE / "stages" / "train.py", "config.only('id') and 0", {("Config", "columns"), ("Column", "role")}),
        (PACKAGE / "stages" / "train.py", "config.as_dict()", set()),
        (
            PACKAGE / "stages" / "train.py",
            "config.tune.model_dump(include={'seed'})",
            {("Config", "tune"), ("Tune", "seed")},
        ),
        (CONFIG / "checks" / "__init__.py", "config.tune.trials", set()),
        (CONFIG / "checks" / "__init__.py", "config.features", set()),
        (Path(__file__), "config.tune.trials", set()),
    ],
)
def test_a_read_counts_where_it_is_used_and_nowhere_else(tmp_path, monkeypatch, file, expression, counted):
    lender_config = config.load(write_lender(tmp_path / "lender", rows=200) / "configs" / "credit.yaml")
    recorded = watch(monkeypatch)
    read_by(expression, file, config=lender_config)
    assert recorded.fields == counted

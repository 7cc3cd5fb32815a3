"""A simulated lender's folder that may be harmed, and what stands between its scorer and promotion."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pandas import DataFrame
from ruamel.yaml import YAML

from credit_risk.config import Config, floor, load
from credit_risk.data.files import Files
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import read_json
from credit_risk.errors import ConfigError, CreditRiskError, ScorerError
from credit_risk.modelling import evidence
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import (
    assemble,
    evaluate,
    explain,
    fairness,
    gate,
    latency,
    prepare,
    robustness,
    select,
    train,
    validate_data,
)

TESTS = Path(__file__).parents[1]
ROWS, MONTHS, SEED = 40_000, 60, 7
GAP = 0.2  # of the untouched lender: women earn a little less, and approvals still pass the four-fifths rule

FROM_RAW = (validate_data, prepare, train)
FROM_MODEL = (select, assemble)
FROM_SCORER = (evaluate, fairness, explain, robustness, latency, gate)

Refusals = dict[str, str]


class Refused(Exception):
    """A stage before the gate would not go on."""

    def __init__(self, by: str, sentence: str) -> None:
        self.by, self.sentence = by, sentence
        super().__init__(f"{by}: {sentence}")


@dataclass(frozen=True)
class Trial:
    """One lender's folder: configs, data and whatever the stages have made of them."""

    root: Path

    @property
    def files(self) -> Files:
        return Files(self.root)

    @property
    def config(self) -> Config:
        try:
            return load(self.files.config)
        except ConfigError as error:
            raise Refused("config", str(error)) from error

    @property
    def raw(self) -> Path:
        return self.root / "data" / "applications.csv"

    def copy(self, root: Path) -> "Trial":
        shutil.copytree(self.root, root)
        return Trial(root)

    def run(self, *stages: ModuleType) -> None:
        """Raises Refused, naming who refuses: `scorer` and `config` for a file of theirs, else the stage."""
        config = self.config
        for stage in stages:
            try:
                stage.run(config, self.files)
            except ScorerError as error:
                raise Refused("scorer", str(error)) from error
            except CreditRiskError as error:
                raise Refused(_name(stage), str(error)) from error
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                raise Refused(f"crash in {_name(stage)}", f"{type(error).__name__}: {error}") from error

    def run_from_raw(self) -> None:
        self.run(*FROM_RAW, *FROM_MODEL, *FROM_SCORER)

    def run_from_model(self) -> None:
        self.run(*FROM_MODEL, *FROM_SCORER)

    def edit_config(self, change: Callable[[Any], None], name: str = "credit.yaml") -> None:
        yaml, path = YAML(), self.root / "configs" / name
        tree = yaml.load(path)
        change(tree)
        yaml.dump(tree, path)

    def edit_json(self, path: Path, change: Callable[[Any], None], *, seal: bool = True) -> None:
        """Not through our own writer, which would turn NaN into null. seal: a report's seal is made anew."""
        tree = read_json(path)
        change(tree)
        if seal and evidence.SEAL in tree:
            tree[evidence.SEAL] = evidence.sealed(tree)[evidence.SEAL]
        path.write_text(json.dumps(tree, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _name(stage: ModuleType) -> str:
    return stage.__name__.rpartition(".")[2].replace("_", "-")


def write(
    root: Path, change: Callable[[DataFrame], DataFrame] = DataFrame.copy, *, seed: int = SEED, **doses: float
) -> Trial:
    """A lender's configs and raw data; `change` edits the table before it is written."""
    trial = Trial(root)
    trial.raw.parent.mkdir(parents=True)
    shutil.copytree(TESTS / "lender", root / "configs")
    own = YAML().load(Path(__file__).with_name("lender.yaml"))
    # Three bare predictions and room for a busy machine; arrays of one row alone cost five.
    next(gate for gate in own["gates"] if gate["name"] == "latency")["at_most"] = 4  # part: fast-path
    trial.edit_config(lambda tree: tree.update(own))
    shutil.copy(Path(__file__).with_name("gate_floor.yaml"), trial.files.config.parent / floor.NAME)
    change(lender(ROWS, seed=seed, months=MONTHS, **doses).applications).to_csv(trial.raw, index=False)
    return trial


def refusals(trial: Trial) -> Refusals:
    """Who does not let this scorer through now, each with verdict and sentence: what promotion would be told.

    Names are those of the config's gates, and: `scorer` for one that does not load, `digests` for what changed after
    the verdict, `altered` for files that no stage wrote so, `stale` for figures of another scorer, `gate` where there
    is nothing to judge by.
    """
    found: Refusals = {}
    for path in (trial.files.scorer, trial.files.challenger):
        try:
            Scorer.load(path)
        except ScorerError as error:
            found["scorer"] = f"REFUSED {_without(trial, error)}"
    try:
        gate.check(trial.files)
    except CreditRiskError as error:
        found |= _told(_without(trial, error))
    return found


def _without(trial: Trial, error: Exception) -> str:
    return str(error).replace(f"{trial.root}/", "")


LINE = re.compile(r"(?P<verdict>FAIL|CANNOT SAY) (?P<gate>\w+): (?P<sentence>.*)")


def _kind_of(line: str) -> str:
    if "the floor" in line:
        return "floor"
    if line.endswith("changed after the verdict"):
        return "digests"
    if "was altered" in line or "was not measured on" in line:
        return "altered"
    return "stale" if "measured another" in line or "assembled under other" in line else "record"


def _told(text: str) -> Refusals:
    head, *lines = text.split("\n  ")
    if not lines:
        return {"gate": f"REFUSED {head}"}
    found: Refusals = {}
    for line in lines:
        if of_gate := LINE.fullmatch(line):
            found[of_gate["gate"]] = f"{of_gate['verdict']} {of_gate['sentence']}"
        else:
            by = _kind_of(line)
            found[by] = f"{found[by]}; {line}" if by in found else f"REFUSED {line}"
    return found


def outcome(trial: Trial, harm: Callable[[Trial], None]) -> Refusals:
    """Who refuses the trial after it was harmed; before the gate the first that does is the only one."""
    try:
        harm(trial)
    except Refused as refused:
        return {refused.by: f"REFUSED {_without(trial, Exception(refused.sentence))}"}
    return refusals(trial)


def wrong(found: Mapping[str, str], expected: Mapping[str, str], may: tuple[str, ...]) -> list[str]:
    """What is not as declared: a gate that had to refuse and did not, or not for its reason, or one too many."""
    problems = []
    for name, pattern in expected.items():
        if name not in found:
            problems.append(f"{name} lets it pass")
        elif not re.match(pattern, found[name], re.DOTALL):
            problems.append(f"{name} refuses for another reason than {pattern!r}: {found[name]}")
    others = set(found) - set(expected) - set(may)
    return problems + [f"{name} refuses too: {found[name]}" for name in sorted(others)]


def scorecard_is_the_truth(root: Path) -> Trial:
    """A world without interactions, of which a scorecard is the truth, to its gate record."""
    trial = write(root, gap=GAP, interaction=0)
    trial.edit_config(lambda tree: tree["model"].update(candidate="better"))
    trial.run_from_raw()
    return trial

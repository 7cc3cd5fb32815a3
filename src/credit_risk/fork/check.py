"""What a fork has still to do before its model decides about anybody, each with the command or file that mends it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pandas import DataFrame

from credit_risk.config import Config, load
from credit_risk.config.schema import DRAFT
from credit_risk.data.files import Files
from credit_risk.data.reading import tables
from credit_risk.errors import ConfigError, CreditRiskError
from credit_risk.fork.data_remote import default_remote, remote_address, sample_files
from credit_risk.fork.init import SAMPLE
from credit_risk.measures.fairness import grouped
from credit_risk.modelling.protected_split import ages
from credit_risk.stages import dictionary, gate, validate_data

Urgency = Literal["must", "look"]

LEFTOVERS = {  # what the template says in a fork's name, by file: the words by which they are known, and the command
    ".github/CODEOWNERS": ("@acme/", "put your teams in: sed -i 's/@acme/@YOUR-ORG/' .github/CODEOWNERS"),
    "SECURITY.md": ("A fork answers for itself: replace", "say where to report a weakness: edit SECURITY.md"),
    "NOTICE": ("the credit-risk contributors", "add your own copyright line above it: edit NOTICE"),
    "README.md": ("Credit card default, Taiwan 2005", "say what your model is for: edit README.md"),
}
VARIABLES = {  # a repository variable of the workflows, and what it switches on
    "DVC_ROLE": "the role by which CI reads your DVC remote (with AWS_REGION); else it takes the simulated lender",
    "AWS_REGION": "where that remote lies",
    "MODEL_GATE": "`required` makes the gate's verdict block merges, after main's first PASS",
    "SCHEDULES": "the scheduled workflows that run, by name, or `all`",
    "CODE_SECURITY": "`true` where a private repository has code scanning",
    # of the part: registry
    "SIGNING": "`key` signs releases with the secret SIGNING_KEY, `keyless` by this workflow; private ones must say",
    # end of part
    "ATTEST": "`true` attests the releases of a private repository",  # part: registry
    "IMAGE_REGISTRY": "where images are pushed; unset, none is",
    # of the part: mlflow
    "REGISTRY_ENVIRONMENT": "the environment whose registry takes what main trains; unset, one of the runner alone",
    # end of part
    "DECISIONS_STORE": "where batch-score puts its decisions; unset, it decides nothing",  # part: batch-runs
    "RETRAIN_TRAINING_DATA": "old rows for retrain (with RETRAIN_VALIDATION_DATA and RETRAIN_TEST_DATA)",
    "RETRAIN_VALIDATION_DATA": "newer rows for retrain",
    "RETRAIN_TEST_DATA": "matured rows on which champion and challenger are compared",
    # of the part: retraining
    "RETRAIN_ENVIRONMENT": "the environment whose ledger retrain reads (with the secret LEDGER_KEY)",
    # end of part
    "DRIFT_DATASET": "new applications that drift-monitor holds against the training rows",
    # of the part: monitoring
    "MONITOR_ENVIRONMENT": "the environment whose ledger drift-monitor reads (with the secret LEDGER_KEY)",
    # end of part
    "DEPLOY_ROOT": "where the release lies on the machines that serve; unset, deploy only rehearses",  # part: rollout
    "APP_CLIENT_ID": "the App whose pull requests (of retrain and lock) start CI (with the secret APP_KEY)",
    "TRAINING_RUNNER": "the labels of the runner that trains, as a JSON list; unset, GitHub's own",
}


@dataclass(frozen=True)
class Left:
    """One thing left to do. must: nothing should be decided before; look: it cannot be seen from here."""

    urgency: Urgency
    what: str
    command: str


def left(files: Files, path: Path) -> list[Left]:
    """Everything that is left to do, the urgent first; the config's own problems come before what rests on it."""
    of_template = [*_leftovers(files.root), *_variables(files.root)]
    try:
        config = load(path)
    except ConfigError as error:
        return [Left("must", problem, f"edit {path.name}") for problem in error.problems] + of_template
    steps = [*_config(config), *_data(config, files), *_sample(config, files), *of_template]
    return sorted(steps, key=lambda step: step.urgency == "look")


def _config(config: Config) -> Iterator[Left]:
    for key in config.suggested:
        yield Left(
            "must", f"{key}: a program suggested what stands there", "decide it; then take it out of `suggested`"
        )
    if config.project.name == SAMPLE:
        yield Left(
            "must", "configs/credit.yaml is the sample's", "credit-risk init --data FILE --target COLUMN --bad VALUE"
        )
    if config.reasons.version == DRAFT:
        yield Left(
            "must",
            "nobody has read the wordings of reasons",
            f"read them, then replace `version: {DRAFT}` under `reasons`",
        )
    if not config.reasons.required:
        yield Left(
            "look", "no feature is required by the business", "name under reasons.required what the model must look at"
        )
    if not config.fairness.contrasts:
        yield Left(
            "look",
            "no approvals are compared between groups",
            "declare fairness.attributes and fairness.contrasts, if there are any",
        )


def _data(config: Config, files: Files) -> Iterator[Left]:
    remote = default_remote(files.root)
    if remote and "://" not in (address := remote_address(files.root, remote)):
        yield Left(
            "look",
            f"DVC's remote {remote} is a folder ({address}): no runner reaches it, CI has the simulated lender",
            f".venv/bin/dvc remote modify {remote} url s3://YOUR-BUCKET/credit-risk",
        )
    if remote is None:
        yield Left(
            "must",
            "DVC has no default remote: your data have no home",
            ".venv/bin/dvc remote add -d storage s3://YOUR-BUCKET/credit-risk",
        )
    try:
        reading = tables.inspect_sources(config, files.root)
        table = reading.table
        for problem in validate_data.validate(config, files, reading=reading).problems:
            yield Left("must", problem, "credit-risk validate-data (then mend the data, or the config)")
        yield from _groups(config, table)
        if dictionary.page(config, table) != _dictionary(files):
            yield Left("must", "reports/dictionary.md is not of these data and this config", "make run")
    except CreditRiskError as error:
        yield Left("must", str(error), "make data, or .venv/bin/dvc add data")


def _sample(config: Config, files: Files) -> Iterator[Left]:
    """What is left of the sample where the config is not the sample's any more."""
    if config.project.name == SAMPLE:
        return
    for name in sample_files(files.root):
        yield Left("must", f"data/{name} is the sample's", f"rm data/{name}, then .venv/bin/dvc add data")
    if not gate.of_these_data(config, files):
        yield Left("must", "the figures in reports/ are the sample's", "make run")
    scorer = gate.object_of(files.scorer / "config.json") or {}
    if scorer.get("project", {}).get("name") == SAMPLE:
        yield Left("must", "models/scorer decides as the sample's config says", "make run")


def _dictionary(files: Files) -> str:
    return files.dictionary.read_text(encoding="utf-8") if files.dictionary.is_file() else ""


def _groups(config: Config, table: DataFrame) -> Iterator[Left]:
    """Groups that are compared and too small for it: the test rows will hold about this many of them."""
    for name, attribute in config.fairness.attributes.items():
        compared = [contrast for contrast in config.fairness.contrasts if contrast.attribute == name]
        groups = dict.fromkeys(group for contrast in compared for group in (contrast.group, contrast.reference))
        values, day = table[name], config.only("date")
        grouping = grouped(name, ages(values, table[day]) if day and values.dtype.kind == "M" else values, attribute)
        for group in groups:
            expected = int(grouping.rows(group).sum() * config.split.test)
            if expected < config.fairness.min_n:
                what = f"{name} {group}: about {expected} test rows, fairness.min_n asks for {config.fairness.min_n}"
                yield Left(
                    "must",
                    what,
                    f"merge groups under fairness.attributes.{name}, take its contrast out, or collect more",
                )


def _leftovers(root: Path) -> Iterator[Left]:
    for name, (words, command) in LEFTOVERS.items():
        path = root / name
        if path.is_file() and words in path.read_text(encoding="utf-8"):
            yield Left("must", f"{name} still says {words!r}", command)


def _variables(root: Path) -> Iterator[Left]:
    used = variables(root)
    for name in sorted(used):
        yield Left(
            "look",
            f"{name}: {VARIABLES.get(name, 'read by ' + ', '.join(sorted(used[name])))}",
            f"gh variable set {name} --body VALUE",
        )


def variables(root: Path) -> Mapping[str, set[str]]:
    """The repository variables that workflows read, and which do."""
    readers: dict[str, set[str]] = {}
    for path in sorted((root / ".github" / "workflows").glob("*.yml")):
        for name in re.findall(r"\bvars\.([A-Z_]+)", path.read_text(encoding="utf-8")):
            readers.setdefault(name, set()).add(path.stem)
    return readers

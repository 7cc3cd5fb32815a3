"""JSON Schemas of the configs, from the classes that check them: editors complete keys by them, and mark wrong ones.

A schema knows keys, types and ranges of one file. What holds between keys (a formula's names, a gate's measure) is
checked by `credit-risk config` alone.
"""

from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

from credit_risk.data.writing import write_json

FOLDER: Final = Path("build") / "schemas"
MODELINE: Final = "# yaml-language-server: $schema="


class Described(NamedTuple):
    """A kind of config: the name of its schema, the files it describes (below configs/), the class that reads them."""

    name: str
    pattern: str
    kind: str


# The first that fits a file describes it.
CONFIGS: Final = (
    Described("credit", "credit.yaml", "config.schema:Config"),
    Described("model", "model.yaml", "config.schema:Parameters"),
    Described("gate_floor", "policies/gate_floor.yaml", "config.floor:Floor"),
    Described("attack_floors", "policies/attack_floors.yaml", "attacks.floors:AttackFloors"),  # part: attacks
    Described("identities", "policies/identities.yaml", "registry.acting:Believed"),  # part: registry
    Described("tiers", "policies/model_tiers.yaml", "governance.model_risk.inventory:TierPolicy"),  # part: governance
    Described("inventory", "model-inventory.yaml", "governance.model_risk.inventory:Inventory"),  # part: governance
    Described("data_policy", "policies/gdpr.yaml", "compliance.policies:DataPolicy"),  # part: compliance
    Described("data_policy", "policies/sox.yaml", "compliance.policies:DataPolicy"),  # part: compliance
    Described("policy", "policies/*.yaml", "governance.scorer_policy:ScorerPolicy"),  # part: governance
    Described("environment", "deploy/*.yaml", "rollout.settings:Environment"),  # part: rollout
    Described("batch", "batch.yaml", "batch_runs.settings:BatchPolicy"),  # part: batch-runs
    Described("documents", "documents.yaml", "documents.settings:Documents"),  # part: documents
    Described("macro", "macro.yaml", "validator.settings:Macro"),  # part: validator
    Described("monitoring", "monitoring.yaml", "monitoring.settings:MonitoringSettings"),  # part: monitoring
    Described("notices", "notices.yaml", "notices.settings:Notices"),  # part: notices
    Described("retraining", "retraining.yaml", "retraining.settings:RetrainingSettings"),  # part: retraining
    Described("simulation", "simulation.yaml", "simulation.settings:YearSettings"),  # part: simulation
    Described("what-if", "what-if.yaml", "what_if.settings:WhatIfSettings"),  # part: what-if
)


def write(root: Path) -> dict[str, Described]:
    """Write the schema of every config that is there; returns what describes each, by its path below configs/."""
    paths = sorted(path.relative_to(root / "configs").as_posix() for path in (root / "configs").rglob("*.yaml"))
    configs = {config: described for config in paths if (described := described_by(config))}
    for described in set(configs.values()):
        write_json(root / FOLDER / f"{described.name}.json", schema(described.kind))
    return configs


def described_by(config: str) -> Described | None:
    """What describes a config; None where nothing does."""
    return next((described for described in CONFIGS if fnmatch(config, described.pattern)), None)


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a class. An environment may have some sections alone; model.yaml is a file of its own."""
    module, _, name = kind.partition(":")
    made: dict[str, Any] = getattr(import_module(f"credit_risk.{module}"), name).model_json_schema()
    if name == "Environment":
        made.pop("required")
    if name == "Config":
        made["properties"].pop("parameters")
        made["required"].remove("parameters")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def modeline(config: str, described: Described) -> str:
    """The first line of a config, by which editors find its schema."""
    up = "../" * len(PurePosixPath(config).parts)
    return f"{MODELINE}{up}{FOLDER.as_posix()}/{described.name}.json"


def is_named(path: Path, line: str) -> bool:
    """Whether a config begins with the line that names its schema; a comment may follow it."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.partition("  #")[0].rstrip() == line

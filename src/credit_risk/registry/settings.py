"""Where the registry is, in one environment: the `registry:` section of configs/deploy/NAME.yaml."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from credit_risk.config import environment
from credit_risk.config.environment import url_below
from credit_risk.config.section import Section, Text
from credit_risk.config.yaml_positions import Loc
from credit_risk.scoring.signing import SignedBy, is_development

FourEyes = Literal["identities", "names"]
STAGING = "staging"  # where what persons still owe is reported, and stops nothing
# Where MLflow was taken out these stay readable, and nothing reads them.
RESERVED = ("registry.tracking", "registry.artifacts") if find_spec(f"{__package__}.mlflow") is None else ()


class RegistrySettings(Section):
    """tracking: MLflow's SQLite file, PostgreSQL, or a server's URL. artifacts: where SQLite and PostgreSQL keep files.

    history: the moves, in SQLite or PostgreSQL. signed_by: whose signature a scorer must carry to be moved, and the
    statement of what may be live, which each move writes to the file `statement` for services to read.
    governance: `required` promotes only what findings, opinion, inventory and controls let through (where the part is
    there); `reported` only says what is missing, on a developer's machine or in staging.
    four_eyes: who moves a version or deploys it is proved by an identity of configs/policies/identities.yaml; `names`
    believes what is typed, on one developer's machine.
    A password stands in no URL here: PGPASSWORD, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD hold it.
    """

    tracking: Text
    artifacts: Text | None = None
    history: Text
    signed_by: SignedBy
    statement: Text | None = None
    four_eyes: FourEyes = "identities"
    governance: Literal["required", "reported"] = "required"


def load(path: Path, root: Path) -> RegistrySettings:
    """Read the section; relative files lie below the root. Raises ConfigError, NotFound.

    What only a developer's machine may do is refused in every other environment.
    """
    section = environment.read(path, "registry", RegistrySettings)
    if not environment.is_developers(path):
        faults = developers_alone(section, environment.name_of(path), root)
        environment.refuse(path, ((("registry", *loc), fault) for loc, fault in faults))
    urls = {"tracking": url_below(root, section.tracking), "history": url_below(root, section.history)}
    if section.artifacts and "://" not in section.artifacts:
        urls["artifacts"] = (root / section.artifacts).absolute().as_uri()
    return section.model_copy(update=urls)


def developers_alone(section: RegistrySettings, name: str, root: Path | None = None) -> Iterator[tuple[Loc, str]]:
    """What no registry but a developer's may be set to; each fault with its key. root: to look at the key's file."""
    if section.four_eyes != "identities":
        yield ("four_eyes",), f"a name that is typed proves nobody in {name}: expected identities"
    if section.signed_by.public_key and is_development(root, section.signed_by.public_key):
        own = "expected a key of your own (docs/signatures.md)"
        yield ("signed_by", "public_key"), f"anybody on a developer's machine could sign moves in {name}: {own}"
    if section.governance != "required" and name != STAGING:
        yield ("governance",), f"what is missing would be promoted in {name}: expected required"

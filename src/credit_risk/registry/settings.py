"""Where the registry is, in one environment: the `registry:` section of configs/deploy/NAME.yaml."""

from pathlib import Path
from typing import Literal

from credit_risk.config import environment
from credit_risk.config.environment import url_below
from credit_risk.config.section import Section, Text
from credit_risk.scoring.signing import SignedBy

FourEyes = Literal["identities", "names"]


class RegistrySettings(Section):
    """tracking: MLflow's SQLite file, PostgreSQL, or a server's URL. artifacts: where SQLite and PostgreSQL keep files.

    history: the moves, in SQLite or PostgreSQL. signed_by: whose signature a scorer must carry to be moved, and the
    statement of what may be live, which each move writes to the file `statement` for services to read.
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


def load(path: Path, root: Path) -> RegistrySettings:
    """Read the section; relative files lie below the root. Raises ConfigError, NotFound."""
    section = environment.read(path, "registry", RegistrySettings)
    urls = {"tracking": url_below(root, section.tracking), "history": url_below(root, section.history)}
    if section.artifacts and "://" not in section.artifacts:
        urls["artifacts"] = (root / section.artifacts).absolute().as_uri()
    return section.model_copy(update=urls)

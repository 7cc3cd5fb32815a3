"""Where the local target keeps its files, below build/delivery, and the roots that its colours serve."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, replacing, write_directory, write_json
from credit_risk.errors import NotFound
from credit_risk.registry.settings import below
from credit_risk.rollout.local.replicas import Replica, replicas
from credit_risk.rollout.local.router import Router
from credit_risk.rollout.settings import Environment, Scaling
from credit_risk.rollout.split import COLOURS, Colour

MARK = Path("models") / "scorer" / "scorer.json"


@dataclass(frozen=True)
class Place:
    """The files of one target of one repository. within: a folder of its own, for a target that is not this machine."""

    root: Path
    within: str = ""

    @property
    def run(self) -> Path:
        return self.root / "build" / "delivery" / self.within

    @property
    def router(self) -> Router:
        return Router(self.run)

    @property
    def wanted_file(self) -> Path:
        """Which colours are to run, each with the version that it serves: the supervisor sees to it."""
        return self.run / "wanted.json"

    @property
    def processes(self) -> Path:
        """What the supervisor knows of its processes."""
        return self.run / "processes.json"

    def release(self, colour: Colour) -> Path:
        """The root that a colour serves: models/scorer, reports/gate.json and both signatures."""
        return self.run / "colours" / colour

    def settings(self, colour: Colour) -> Path:
        return self.run / f"{colour}.yaml"

    def log(self, name: str) -> Path:
        return self.run / f"{name}.log"

    def wanted(self) -> dict[Colour, str]:
        """Colour to version, of those that are to run."""
        found = read_json(self.wanted_file) if self.wanted_file.is_file() else {}
        return {colour: found[colour] for colour in COLOURS if colour in found}

    def want(self, wanted: Mapping[Colour, str]) -> None:
        write_json(self.wanted_file, {str(colour): version for colour, version in wanted.items()})

    @property
    def scale_file(self) -> Path:
        """How many replicas each colour has, and since when (see scaling.Scaled)."""
        return self.run / "scale.json"

    def scale(self, scaling: Scaling) -> int:
        """Replicas of each colour that runs: what was scaled to last, within the limits of today."""
        last = read_json(self.scale_file)["replicas"] if self.scale_file.is_file() else scaling.min_replicas
        return max(scaling.min_replicas, min(int(last), scaling.max_replicas))

    def replicas(self, scaling: Scaling) -> list[Replica]:
        """All that are to run."""
        return [one for colour in self.wanted() for one in replicas(colour, self.scale(scaling))]


HERE = "here-"


def here(place: Place) -> str:
    """The version of the release that lies in this repository, registered or not. Raises NotFound without a scorer."""
    scorer = Files(place.root).scorer
    if not scorer.is_dir():
        raise NotFound(scorer, "There is nothing to serve: run `make run`.")
    return HERE + (digest.of_directory(scorer) or "")[:12]


def copy_release(files: Files, to: Path) -> None:
    """The release of this repository as a root of its own: a new run changes nothing of what is served."""

    def fill(folder: Path) -> None:
        for path in (files.scorer, files.scorer_signature, files.report("gate"), files.gate_signature):
            if not path.exists():
                continue  # an unsigned one is refused by the service, for its own reason
            target = folder / path.relative_to(files.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if path.is_dir() else shutil.copyfile)(path, target)

    write_directory(to, fill, mark=str(MARK))


def write_settings(place: Place, environment: Environment, colour: Colour) -> None:
    """The service's settings of a colour: those of the environment, with one ledger and one file of keys for both."""
    serving = environment.serving.model_dump(mode="json", exclude_none=True)
    root = place.root
    serving["ledger"]["url"] = below(root, serving["ledger"]["url"])
    _absolute(serving["ledger"], "key_file", root)
    _absolute(serving["access"], "keys_file", root)
    if isinstance(serving["access"].get("jwt"), dict) and "://" not in serving["access"]["jwt"]["jwks"]:
        _absolute(serving["access"]["jwt"], "jwks", root)
    _absolute(serving.get("signed_by", {}), "public_key", root)
    with replacing(place.settings(colour)) as unfinished, unfinished.open("w", encoding="utf-8") as stream:
        YAML(typ="safe").dump({"serving": serving}, stream)


def _absolute(section: dict[str, Any], name: str, root: Path) -> None:
    if name in section:
        section[name] = str((root / section[name]).absolute())

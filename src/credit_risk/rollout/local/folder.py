"""What the local target keeps in its folder beside the releases: router, which colours run, how many replicas."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from credit_risk.config.environment import url_below
from credit_risk.data.writing import read_json, replacing, write_json
from credit_risk.rollout.colours import COLOURS, Colour
from credit_risk.rollout.local.replicas import Replica, replicas
from credit_risk.rollout.local.router import HaproxyRouter
from credit_risk.rollout.record.folder import RolloutFolder
from credit_risk.rollout.settings import Environment, Scaling


class LocalFolder(RolloutFolder):
    """The files of the rollouts on this machine."""

    @property
    def router(self) -> HaproxyRouter:
        return HaproxyRouter(self.run)

    @property
    def supervisor_lock(self) -> Path:
        """Locked while a supervisor runs."""
        return self.run / "supervisor.lock"

    @property
    def versions_file(self) -> Path:
        """Which colours shall run, each with the version that it serves: the supervisor sees to it."""
        return self.run / "wanted.json"

    @property
    def processes(self) -> Path:
        """What the supervisor knows of its processes."""
        return self.run / "processes.json"

    @property
    def scale_file(self) -> Path:
        """How many replicas each colour has, and since when (see scaling)."""
        return self.run / "scale.json"

    @property
    def alarms(self) -> Path:
        """What Prometheus and Alertmanager read and keep."""
        return (self.run / "alarms").absolute()

    @property
    def generations_file(self) -> Path:
        """How often each replica was to start anew, by its name; the supervisor sees to it."""
        return self.run / "generations.json"

    def generations(self) -> dict[str, int]:
        return dict(read_json(self.generations_file)) if self.generations_file.is_file() else {}

    def restart(self, replica: Replica) -> int:
        """Let a replica start anew with the version it has; which generation of it that will be."""
        generation = self.generations().get(replica.name, 0) + 1
        write_json(self.generations_file, self.generations() | {replica.name: generation})
        return generation

    def settings(self, colour: Colour) -> Path:
        """The settings of the service of a colour (see write_settings)."""
        return self.run / f"{colour}.yaml"

    def log(self, name: str) -> Path:
        return self.run / f"{name}.log"

    def versions(self) -> dict[Colour, str]:
        """Colour to version, of those that shall run."""
        written = read_json(self.versions_file) if self.versions_file.is_file() else {}
        return {colour: written[colour] for colour in COLOURS if colour in written}

    def write_versions(self, versions: Mapping[Colour, str]) -> None:
        write_json(self.versions_file, {str(colour): version for colour, version in versions.items()})

    def scale(self, scaling: Scaling) -> int:
        """Replicas of each colour that runs: what was scaled to last, within the limits of today."""
        last = read_json(self.scale_file)["replicas"] if self.scale_file.is_file() else scaling.min_replicas
        return max(scaling.min_replicas, min(int(last), scaling.max_replicas))

    def replicas(self, scaling: Scaling) -> list[Replica]:
        """All that shall run."""
        return [replica for colour in self.versions() for replica in replicas(colour, self.scale(scaling))]


def write_settings(folder: LocalFolder, environment: Environment, colour: Colour) -> None:
    """The service's settings of a colour: those of the environment, with one ledger and one file of keys for both."""
    serving = environment.serving.model_dump(mode="json", exclude_none=True)
    root = folder.root
    serving["ledger"]["url"] = url_below(root, serving["ledger"]["url"])
    _absolute(serving["ledger"], "key_file", root)
    _absolute(serving["access"], "keys_file", root)
    if isinstance(serving["access"].get("jwt"), dict) and "://" not in serving["access"]["jwt"]["jwks"]:
        _absolute(serving["access"]["jwt"], "jwks", root)
    _absolute(serving.get("signed_by", {}), "public_key", root)
    if serving.get("statement"):  # each colour has a statement of its own, in its release
        serving["statement"]["seen"] = str((folder.run / f"statements-{colour}").absolute())
    with replacing(folder.settings(colour)) as unfinished, unfinished.open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump({"environment": environment.environment, "serving": serving}, stream)


def _absolute(section: dict[str, Any], name: str, root: Path) -> None:
    if name in section:
        section[name] = str((root / section[name]).absolute())

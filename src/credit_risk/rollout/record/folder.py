"""Where rollouts keep their files, below build/delivery, and the roots that the colours serve."""

from dataclasses import dataclass
from pathlib import Path

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_directory
from credit_risk.errors import NotFound
from credit_risk.rollout.colours import Colour
from credit_risk.rollout.settings import Environment
from credit_risk.scoring.release_files import copy_release_files, verified_scorer
from credit_risk.scoring.scorer import Scorer

MARK = Path("models") / "scorer" / "scorer.json"
HERE = "here-"


@dataclass(frozen=True)
class RolloutFolder:
    """The files of one target of one repository. within: a folder of its own, for a target that is not this machine."""

    root: Path
    within: str = ""

    @classmethod
    def of(cls, root: Path, environment: Environment) -> "RolloutFolder":
        """Rollouts in a cluster have files of their own: what is up on this machine is another matter."""
        return cls(root, environment.environment if environment.kubernetes else "")

    @property
    def run(self) -> Path:
        return self.root / "build" / "delivery" / self.within

    def release(self, colour: Colour) -> Path:
        """The root that a colour serves: models/scorer, reports/gate.json and both signatures."""
        return self.run / "colours" / colour

    @property
    def replica_plan(self) -> Path:
        """From when until when there shall be at least how many replicas, where somebody foresaw it."""
        return self.run / "replica-plan.json"

    def signed_scorer(self, colour: Colour, environment: Environment) -> Scorer:
        """The scorer of a colour's release, from the bytes that were verified just now. Raises SignatureRefused."""
        return verified_scorer(Files(self.release(colour)).scorer, environment.registry.signed_by, self.root)


def version_here(root: Path) -> str:
    """The version of the release that lies in a repository, registered or not. Raises NotFound without a scorer."""
    scorer = Files(root).scorer
    if not scorer.is_dir():
        raise NotFound(scorer, "There is nothing to serve: run `make run`.")
    return HERE + (digest.of_directory(scorer) or "")[:12]


def copy_release(files: Files, to: Path) -> None:
    """The release of this repository as a root of its own: a new run changes nothing of what is served."""
    write_directory(to, lambda folder: copy_release_files(files, folder), mark=str(MARK))

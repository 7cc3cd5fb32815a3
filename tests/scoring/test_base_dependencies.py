"""What decides needs the base dependencies alone: a service without the pipeline extra loads a scorer and decides."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from credit_risk.config import Config
from credit_risk.data.files import Files

SCORING = Path(__file__).parents[2] / "src" / "credit_risk" / "scoring"

# As if nothing of the names in argv were installed; what asks for one of them in a `try` goes without.
SCRIPT = """
import sys
refused = set(sys.argv[1].split(","))

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} is no base dependency", name=name)

sys.meta_path.insert(0, NotInstalled())
"""

DECIDE = """
from pathlib import Path
from credit_risk.scoring.scorer import Scorer

scorer = Scorer.load(Path(sys.argv[2]))
sound = {"employment": "4-7y", "income": 40_000.0, "purpose": "car", "loan_amount": 10_000.0, "term_months": 24}
sound |= {"utilisation": 0.3, "months_late": 0, "existing_customer": True}
for application in (sound, sound | {"income": None}, sound | {"income": "x"}, sound | {"utilisation": 2.9}):
    print(scorer.decide(application).record()["decision"])
"""

IMPORT = """
import importlib
for name in sys.argv[2].split(","):
    importlib.import_module(f"credit_risk.scoring.{name}")
"""


def needed(*names: str) -> set[str]:
    """These distributions and all that they need, without their extras."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonical(waiting.pop())
        if name not in seen:
            seen.add(name)
            waiting += of_base(name)
    return seen


def of_base(name: str) -> list[str]:
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requires(name) or () if "extra ==" not in line]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def not_base() -> str:
    """The importable packages that are installed here and that no base dependency needs."""
    base = needed("credit-risk")
    return ",".join(
        name
        for name, distributions in packages_distributions().items()
        if not {canonical(distribution) for distribution in distributions} & base
    )


def run(script: str, argument: str) -> list[str]:
    command = [sys.executable, "-c", SCRIPT + script, not_base(), argument]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_what_is_refused_here_holds_the_pipelines_own_dependencies():
    assert {"sklearn", "pyarrow", "matplotlib", "pandera", "cryptography", "bentoml"} <= set(not_base().split(","))
    assert not {"numpy", "pandas", "lightgbm", "pydantic"} & set(not_base().split(","))


@pytest.mark.slow
def test_every_module_of_scoring_is_imported_without_the_extras():
    run(IMPORT, ",".join(path.stem for path in SCORING.glob("*.py") if path.stem != "__init__"))


@pytest.mark.parametrize("kind", ["scorer", "challenger"])
def test_a_scorer_is_loaded_and_decides_without_the_extras(trained: tuple[Config, Files], kind: str):
    decided = run(DECIDE, str(getattr(trained[1], kind)))
    assert len(decided) == 4
    assert decided[2] == "refused"

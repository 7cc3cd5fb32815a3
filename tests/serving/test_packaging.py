"""What is packed for serving: few imports, a lock of its own, and an image that a linter finds no fault in."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_text
from credit_risk.scoring import signing
from credit_risk.serving import settings
from exchange_trial import exchange
from image import lay_out_release

__all__ = ["exchange"]

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = (
    "dvc",
    "fairlearn",
    "matplotlib",
    "optuna",  # part: tuning
    "pandera",
    "pyarrow",
    "sklearn",
    "shap",
    "threadpoolctl",
)
# Imported where they are installed, and not missed where they are not: by pandas, not by us.
OPTIONAL = {"pyarrow", "matplotlib"}


def names(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in re.findall(r"^([^ #\n]\S*==\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        requirement = Requirement(line)
        found.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    return found


def imported(statement: str, *, without: tuple[str, ...] = ()) -> set[str]:
    """The top-level modules that a fresh Python holds after a statement; `without`: as if those were not installed."""
    probe = f"import sys; sys.modules.update(dict.fromkeys({without!r})); {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_service_starts_without_what_only_makes_scorers():
    alone = "from credit_risk.serving.lightgbm_alone import import_lightgbm_alone; import_lightgbm_alone()"
    held = imported(f"{alone}; import credit_risk.serving.web")
    assert "lightgbm" in held
    assert held & set(PIPELINE) - OPTIONAL == set()


def test_the_master_which_only_minds_the_workers_loads_nothing_that_decides():
    assert imported("import credit_risk.serving.bento") & {"lightgbm", "pandas", "sqlalchemy", *PIPELINE} == set()


def test_an_environment_is_read_without_what_decides_and_without_the_ledgers_database():
    """So that commands which only look at an environment start soon."""
    assert imported("import credit_risk.serving.settings") & {"lightgbm", "sqlalchemy", "alembic"} == set()


@pytest.mark.parametrize(
    "module", ["credit_risk.serving.bento, credit_risk.serving.web", "credit_risk.cli; credit_risk.cli.commands()"]
)
def test_it_starts_where_nothing_of_the_pipeline_is_installed(module):
    imported(f"import {module}", without=PIPELINE)


def test_the_serving_lock_has_what_serving_asks_for_and_nothing_of_the_pipeline():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["serving"]]
    locked = names("requirements/serving.txt")
    assert {canonicalize_name(Requirement(one).name) for one in asked} <= set(locked)
    pipeline = {canonicalize_name(Requirement(one).name) for one in project["optional-dependencies"]["pipeline"]}
    assert set(locked) & pipeline == set()


def test_both_locks_name_the_same_versions():
    everything = names("requirements/dev.txt")
    apart = {name for name, versions in names("requirements/serving.txt").items() if versions != everything.get(name)}
    assert apart == set(), "run `make lock`"


def test_the_containers_settings_ask_for_keys_and_a_passed_gate():
    found = settings.load(ROOT / "configs" / "deploy" / "container.yaml")
    assert (found.access.mode, found.gate, found.ledger.key_file) == ("keys", "required", None)
    assert found.ledger.url.startswith("sqlite:////var/lib/credit-risk/")


@pytest.fixture
def signed(root, tmp_path):
    """A repository whose scorer and gate record are signed, with the key beside it."""
    files = Files(shutil.copytree(root, tmp_path / "repository"))
    write_text(files.report("gate"), '{"verdict": "PASS"}')
    signing.make_keys(tmp_path / "signing.key")
    signing.sign_release(files, tmp_path / "signing.key")
    return files


def test_image_and_bento_hold_the_scorer_that_was_verified(signed, tmp_path, exchange):
    before = digest.of_directory(signed.scorer)
    exchanged = exchange(signed.scorer)
    lay_out_release(signed.root, tmp_path / "signing.pub", tmp_path / "built")
    assert exchanged
    assert digest.of_directory(Files(tmp_path / "built").scorer) == before != digest.of_directory(signed.scorer)


def test_nothing_is_built_of_a_scorer_that_nobody_signed(signed, tmp_path):
    signed.gate_signature.unlink()
    with pytest.raises(SystemExit, match=r"gate.json is not signed"):
        lay_out_release(signed.root, tmp_path / "signing.pub", tmp_path / "built")
    assert not (tmp_path / "built").exists()


def test_image_and_bento_take_their_release_from_what_was_verified():
    """No other line of either copies a scorer or the gate's record of it."""
    dockerfile, bento = ((ROOT / name).read_text() for name in ("Dockerfile", "tools/bento.py"))
    assert "COPY build/image/release/ ./" in dockerfile
    assert not re.search(r"^COPY (?:models|reports)", dockerfile, re.MULTILINE)
    assert "lay_out_release(" in bento
    assert '"models/' not in bento.partition("BENTOFILE")[0]


def test_hadolint_finds_no_fault_in_the_dockerfile():
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([linter, ROOT / "Dockerfile"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_nobodys_and_takes_no_data():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert dockerfile.startswith("# ")
    assert "\nUSER 10001\n" in dockerfile
    assert "\nHEALTHCHECK " in dockerfile
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert ignored[0] == "*"
    assert not any("data" in line or "artifacts" in line for line in ignored)

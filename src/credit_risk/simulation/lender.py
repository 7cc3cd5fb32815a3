"""The simulated lender's own repository, and its first champion: made, judged and signed like any."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from credit_risk.data.files import Files
from credit_risk.data.writing import write_csv
from credit_risk.errors import NotFound
from credit_risk.retraining import candidate
from credit_risk.scoring import signing
from credit_risk.simulation import world
from credit_risk.simulation.processes import PORTS, Processes
from credit_risk.simulation.settings import YearSettings
from credit_risk.stages import gate

DATA = Path("data") / "applications.csv"
LEDGER = {"url": "sqlite:///build/ledger/ledger.db", "key_file": "build/ledger/ledger.key"}
SERVING: dict[str, Any] = {
    "ledger": LEDGER,
    "access": {"mode": "off"},
    "gate": "required",
    "signed_by": {"public_key": "build/signing/signing.pub"},
}
# Of so few applications a month little can be proved: what a candidate that learned of a drift changes is borne.
TOLERANCES = {
    "error_rate": 0.3,
    "slow_answers": 1.0,
    "refused_inputs": 0.3,
    "missing_inputs": 0.5,
    "approval_rate": 0.5,
    "score_psi": 5.0,
}
PROTECTED = Path("build") / "protected.csv"


def make(repository: Path, settings: YearSettings, seed: int, root: Path, processes: Processes | None) -> Files:
    """A root with the lender's configs, the year before as its data, and a champion that its gates let through.

    repository: where the configs of the lender and of this part lie. processes: the service's, whose registry then has
    the champion. Raises CheckFailed where the gates do not.
    """
    source = repository / settings.lender
    if not source.is_dir():
        raise NotFound(source, "configs/simulation.yaml names the lender's configs as `lender`.")
    files = Files(root)
    shutil.copytree(source, files.config.parent)
    for name in ("monitoring.yaml", "retraining.yaml"):
        shutil.copy(repository / "configs" / name, files.config.parent / name)
    (root / "src").symlink_to((repository / "src").resolve(), target_is_directory=True)
    files.parts.mkdir(parents=True)
    _edit(files.config, lambda tree: _own_rules(tree, settings))
    _edit(files.config.parent / "retraining.yaml", lambda tree: _own_retraining(tree, settings))
    (files.config.parent / "deploy").mkdir()
    with (files.config.parent / "deploy" / "local.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump(environment(repository, processes), stream)
    write_csv(root / DATA, world.history(settings, seed).applications)
    candidate.fit(files)
    candidate.run(files, candidate.MEASURED)
    sign(files, root)
    if processes:
        begin_registry(processes)
    return files


def environment(repository: Path, processes: Processes | None) -> Any:
    """The lender's environment: the repository's own local one, on free ports, with quick steps, calling the pager."""
    if processes is None:
        return {"environment": "local", "serving": SERVING}
    tree, port = YAML().load(repository / "configs" / "deploy" / "local.yaml"), processes.port
    kept = processes.root.absolute() / "build" / "registry"
    tree["serving"] = SERVING | {"limits": tree["serving"]["limits"]}
    tree["registry"] = {
        "tracking": f"sqlite:///{kept / 'mlflow.db'}",
        "artifacts": str(kept / "artifacts"),
        "history": f"sqlite:///{kept / 'history.db'}",
        "signed_by": SERVING["signed_by"] | {"public_key": str(processes.root / "build" / "signing" / "signing.pub")},
        "four_eyes": "names",
        "governance": "reported",  # a made-up lender has no inventory and nobody who would write one
    }
    tree["scaling"] |= {"min_replicas": 2, "max_replicas": 2}
    tree["router"] |= {"port": port, "blue_port": port + 1, "green_port": port + 3}
    tree["monitoring"] |= {"webhook": processes.pager.url, "scrape_s": 2}
    tree["monitoring"] |= {"prometheus_port": port + PORTS - 2, "alertmanager_port": port + PORTS - 1}
    tree["rollout"] |= {
        "steps": [50, 100],
        "step_s": 1,
        "ready_s": 600,
        "bake_s": 1,
        "low_volume": {"below_per_day": 1, "steps": [100]},
    }
    tree["rollout"]["analysis"]["tolerances"] |= TOLERANCES
    return tree


def begin_registry(processes: Processes) -> None:
    """The first champion in the registry, from New Year on."""
    day, why = date(world.YEAR, 1, 1), "the first champion of the year"
    processes.run(day, "register", "--by", "Kim Lee", "--reason", why)
    for move in ("nominate", "promote"):
        processes.run(day, f"registry {move}", "1", "--by", "Ada Berg", "--reason", why)


def sign(files: Files, root: Path) -> None:
    """Sign a scorer and its gate's record with the lender's key. Raises CheckFailed unless the gate lets it through."""
    gate.check(files)
    signing.sign_release(files, signing.private_key(root))


def promote(files: Files, made: Files) -> None:
    """Put a candidate in the champion's place, as a person decides: scorer, signatures and reports."""
    for folder in (files.root / "models", files.reports):
        shutil.rmtree(folder)
        shutil.copytree(made.root / folder.name, folder)
    files.parts.mkdir(parents=True, exist_ok=True)


def _edit(path: Path, change: Any) -> None:
    yaml = YAML()
    tree = yaml.load(path)
    change(tree)
    yaml.dump(tree, path)


def _own_rules(tree: Any, settings: YearSettings) -> None:
    tree["outcome"]["performance_window_months"] = settings.performance_window_months
    tree["outcome"]["observed_until"] = date(world.YEAR, 1, 1)
    tree["model"]["candidate"] = "better"
    not_worse = {"measure": "comparison.differences.auc", "at_least": settings.not_worse}
    tree["gates"].append({"name": "not_worse", **not_worse, "reason": "the successor ranks about as well"})


def _own_retraining(tree: Any, settings: YearSettings) -> None:
    tree["plan"] |= {"approved_by": "Ada Berg", "until": f"{world.YEAR + 1}-12-31"}
    tree["triggers"]["most_bad_rate"] = settings.most_bad_rate
    tree["data"] |= {"protected": PROTECTED.as_posix(), "raw": True}
    tree["data"] |= {"least_newest": 200, "least_newest_bads": 20, "newest_months": 2}

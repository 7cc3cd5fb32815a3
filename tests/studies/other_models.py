"""The table of other kinds of model in docs/pipeline.md: tests/studies/other_models.py [REPETITIONS]

XGBoost, CatBoost and EBM are fitted in an environment of their own below build/other-models: they are no dependency of
anything here. What was fitted stays there, so that a run which was stopped goes on where it was.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from credit_risk.config import Config
from credit_risk.data.repository import opened
from credit_risk.data.writing import between_marks, write_text
from credit_risk.modelling.resplits import Rows
from credit_risk.studies import other_models
from credit_risk.studies.other_models import Fold

LIBRARIES = Path("requirements/other-models.in")
FITTERS = ("XGBoost", "CatBoost", "EBM")


def theirs(root: Path, config: Config, rows: Rows, cut: list[Fold]) -> dict[str, np.ndarray]:
    """PDs by the other libraries; their environment is made at the first call."""
    python = root / "build" / "other-models" / "environment" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", root / LIBRARIES], check=True)
    folder = exchanged(root / "build" / "other-models", config, rows, cut)
    subprocess.run([python, Path(__file__).with_name("fit_other_models.py"), folder, *FITTERS], check=True)
    pds = {name: np.full((1 + cut[-1].repetition, len(rows.bad)), np.nan) for name in FITTERS}
    for name, its in pds.items():
        for index, fold in enumerate(cut):
            its[fold.repetition, fold.test] = np.load(folder / f"{name}{index:02}.npy")
    return pds


def exchanged(below: Path, config: Config, rows: Rows, cut: list[Fold]) -> Path:
    """A folder with rows, folds and settings, called by their digest: other ones never meet what these gave."""
    design, directions = other_models.design(config, rows.matrix)
    weight = rows.weights.drawn / rows.weights.drawn.mean()
    settings = {**config.parameters.model_dump(), "seed": config.model.seed, "folds": len(cut)}
    settings |= {"most_trees": config.model.max_trees, "patience": config.model.patience}
    text, taken = json.dumps([settings, directions]), hashlib.sha256()
    for values in (design, rows.bad, weight, *(part for fold in cut for part in (fold.train, fold.inner))):
        taken.update(np.ascontiguousarray(values).tobytes())
    taken.update(text.encode())
    folder = below / taken.hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "rows.npz", design=design, directions=directions, bad=rows.bad, weight=weight)
    for index, fold in enumerate(cut):
        np.savez(folder / f"fold{index:02}.npz", train=fold.train, inner=fold.inner, test=fold.test)
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def main() -> int:
    root, repetitions = Path(), int(sys.argv[1]) if len(sys.argv) > 1 else 3
    config, files = opened(root, None)
    rows = Rows.read(config, files)
    cut = other_models.folds(config, rows, repetitions)
    pds = other_models.of_this_project(config, rows, cut) | theirs(root, config, rows, cut)
    auc = other_models.areas(rows, cut, other_models.blended(pds))
    generated = other_models.table(auc, config.evaluation.confidence)
    page = root / other_models.PAGE
    text = between_marks(page.read_text(encoding="utf-8"), other_models.BEGIN, other_models.END, generated)
    write_text(page, text)
    print(generated)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""A second opinion on the validator's figures: tests/validator/second_opinion.py [ROOT]

The same tests of the same rows by riskvalidation, an independent library, in an environment of its own below
build/second-opinion: it is no dependency of anything here. Exit code 1 where the two differ by more than rounding. The
AUC's interval is not compared: the library takes it on the AUC's own scale, and the report on that of its log-odds.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

LIBRARY = "riskvalidation==1.0.1"
RELATIVE = 1e-4  # reports keep six digits of a PD, and a p-value follows it more steeply
BINS = 0.02  # of a Hosmer-Lemeshow p: rows with equal PDs may fall into the bin before or after


def ours(root: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float]]:
    """The grades and the scored rows that were tested, and what was said of them. Raises FileNotFoundError."""
    numbers = json.loads((root / "reports/parts/validator.json").read_text(encoding="utf-8"))
    metrics = json.loads((root / "reports/metrics.json").read_text(encoding="utf-8"))
    grades = pd.read_csv(root / "reports/validator/grades.csv").query("rows > 0")
    kept = pd.read_parquet(root / "artifacts/predictions/test.parquet")
    rows = pd.DataFrame({"pd": kept[numbers["kind"]], "bad": kept["bad"].astype(int)}).dropna()
    said = {f"{grade.name}: Jeffreys p": grade.jeffreys_p for grade in grades.itertuples(index=False)}
    said |= {f"{grade.name}: binomial p": grade.binomial_p for grade in grades.itertuples(index=False)}
    return grades, rows, said | {"AUC": metrics["test"]["auc"], "Hosmer-Lemeshow p": numbers["hosmer_lemeshow_p"]}


def theirs(folder: Path, grades: pd.DataFrame, rows: pd.DataFrame) -> dict[str, float]:
    """What the library says of the same; its environment is made at the first call."""
    python = folder / "environment" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", LIBRARY], check=True)
    grades.to_csv(folder / "grades.csv", index=False)
    rows.to_csv(folder / "rows.csv", index=False)
    ask = Path(__file__).with_name("ask_riskvalidation.py")
    return dict(json.loads(subprocess.run([python, ask, folder], check=True, capture_output=True).stdout))


def differing(said: Mapping[str, float], again: Mapping[str, float]) -> list[str]:
    """The figures on which the two do not agree within rounding, or that only one of them has."""
    allowed = {
        name: BINS if name.startswith("Hosmer") else RELATIVE * max(abs(value), 1e-3) for name, value in said.items()
    }
    return [
        name
        for name in sorted({*said, *again})
        if name not in said or name not in again or abs(said[name] - again[name]) > allowed[name]
    ]


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder = root / "build" / "second-opinion"
    folder.mkdir(parents=True, exist_ok=True)
    grades, rows, said = ours(root)
    again = theirs(folder, grades, rows)
    for name, value in said.items():
        print(f"{name:24} {value:.6g}  {again.get(name, float('nan')):.6g}")
    wrong = differing(said, again)
    print(f"Not the same: {', '.join(wrong)}" if wrong else f"{len(said)} figures are those of {LIBRARY}.")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

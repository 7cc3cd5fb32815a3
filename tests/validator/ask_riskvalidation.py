"""What riskvalidation says of grades and rows, as JSON; run by second_opinion.py in an environment that has it."""

import csv
import json
import sys
from pathlib import Path

from riskvalidation.validation.calibration import pd_binomial, pd_hosmer_lemeshow, pd_jeffreys
from riskvalidation.validation.discrimination import disc_auc


def rows_of(name: str) -> list[dict[str, str]]:
    with Path(sys.argv[1], name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    said: dict[str, float | None] = {}
    for grade in rows_of("grades.csv"):
        counts = int(grade["rows"]), int(grade["bads"]), float(grade["mean_pd"])
        said[f"{grade['name']}: Jeffreys p"] = pd_jeffreys(*counts).p_value
        said[f"{grade['name']}: binomial p"] = pd_binomial(*counts).p_value
    pds, bads = zip(*((float(row["pd"]), int(row["bad"])) for row in rows_of("rows.csv")), strict=True)
    said["AUC"] = disc_auc(pds, bads).metric
    said["Hosmer-Lemeshow p"] = pd_hosmer_lemeshow(bads, pds).p_value
    print(json.dumps(said))


if __name__ == "__main__":
    main()

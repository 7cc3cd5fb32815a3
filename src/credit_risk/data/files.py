"""Where everything lies, below one root: stages are handed these paths and know no others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SplitName = Literal["train", "selection", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "selection", "test")


@dataclass(frozen=True)
class Files:
    """The repository's files; tests and trials give a root of their own."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "configs" / "credit.yaml"

    @property
    def policies(self) -> Path:
        return self.root / "configs" / "policies"

    @property
    def waivers(self) -> Path:
        """Signed exceptions to single gates, a file each (see measures.verdict.waiver)."""
        return self.root / "configs" / "waivers"

    @property
    def table(self) -> Path:
        """Every declared column of the data, joined and typed, as `validate-data` read and passed it."""
        return self.root / "artifacts" / "table.parquet"

    def inputs(self, split: SplitName) -> Path:
        """What the applications of a split carried: all that a model may be shown."""
        return self.root / "artifacts" / "inputs" / f"{split}.parquet"

    def outcomes(self, split: SplitName) -> Path:
        """What became of them: columns row, key (who it is, as a digest), file_row, group, bad and, if any, date."""
        return self.root / "artifacts" / "outcomes" / f"{split}.parquet"

    def protected(self, split: SplitName) -> Path:
        """Protected columns and proxies, for the measurement of fairness alone."""
        return self.root / "artifacts" / "protected" / f"{split}.parquet"

    @property
    def model(self) -> Path:
        """The fitted models, before any policy: model.txt, scorecard.json, logistic.json, calibration.json."""
        return self.root / "artifacts" / "model"

    @property
    def scorer(self) -> Path:
        """The candidate, whatever its kind (see stages.select): the only one that can be promoted."""
        return self.root / "models" / "scorer"

    @property
    def scorer_signature(self) -> Path:
        return self.root / "models" / "scorer.sig"

    @property
    def gate_signature(self) -> Path:
        """Of the gate's record: what it says of the scorer must not be altered after it was said."""
        return self.root / "models" / "gate.sig"

    @property
    def live_statement(self) -> Path:
        """What the registry stated last of the versions that may be live, signed (see scoring.live_statement)."""
        return self.root / "models" / "live.json"

    @property
    def challenger(self) -> Path:
        """The model that was not chosen, LightGBM or scorecard, under the same policy."""
        return self.root / "models" / "challenger"

    @property
    def predictions(self) -> Path:
        """PDs of model and challengers on the test rows, in the order of outcomes("test")."""
        return self.root / "artifacts" / "predictions"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def plots(self) -> Path:
        """Tables behind every picture, as CSV."""
        return self.reports / "plots"

    def report(self, name: str) -> Path:
        """A stage's figures, as JSON: validation, preparation, metrics, gate …"""
        return self.reports / f"{name}.json"

    @property
    def parts(self) -> Path:
        """What optional parts measured. The folder is always there, so that DVC sees a report that comes or goes."""
        return self.reports / "parts"

    def part(self, name: str) -> Path:
        """The figures of an optional part, as JSON; `make NAME` writes them, and tables into the folder of its name."""
        return self.parts / f"{name}.json"

    @property
    def dictionary(self) -> Path:
        """The data dictionary, as Markdown."""
        return self.reports / "dictionary.md"

    @property
    def page(self) -> Path:
        return self.reports / "index.html"

"""The pictures of the report: each from its table, or the reason why there is none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

from credit_risk.config import Config
from credit_risk.config.dotted import lookup
from credit_risk.data.files import Files
from credit_risk.report import plots
from credit_risk.report.artefacts import Picture, drawn, read_table
from credit_risk.report.figures import labels, model_label, rivals, written
from credit_risk.scoring import decision


@dataclass(frozen=True)
class Pictures:
    """The pictures, each from its own table; one that cannot be drawn says why instead."""

    config: Config
    files: Files
    metrics: Mapping[str, Any]

    def all(self) -> dict[str, Any]:
        """Every picture by name; `effects` is a list of them, the strongest feature first."""
        draws = (self.roc, self.ks, self.calibration, self.gains, self.scores, self.profit, self.boosting)
        singles = [draw() for draw in draws]
        return {picture.name: picture for picture in singles} | {"effects": list(self.effects())}

    def roc(self) -> Picture:
        names = {self.metrics.get("kind"): "test"}
        names |= {kind: f"challengers.{kind}" for kind in rivals(self.metrics)}
        labels = [f"{written(lookup(self.metrics, f'{name}.auc'))} {model_label(kind)}" for kind, name in names.items()]
        title = f"AUC of the candidate and its challengers: {', '.join(labels)}"
        return self._draw("roc", title, ("model", "false_positive_rate", "true_positive_rate"), plots.roc)

    def ks(self) -> Picture:
        table, why = read_table(self.files.plots / "ks.csv", ("score", "goods", "bads"))
        if table is None:
            return Picture("ks", "Where goods and bads part", None, why)
        gap, value = plots.widest(table)["score"], written(lookup(self.metrics, "test.ks"))
        return _drawn("ks", f"Goods and bads part most near {gap:.0f} points: KS {value}", table, plots.ks)

    def calibration(self) -> Picture:
        needed = ("model", "mean_pd", "bad_rate", "low", "high", "rows")
        table, why = read_table(self.files.plots / "calibration.csv", needed)
        if table is None:
            return Picture("calibration", "PDs against bad rates", None, why)
        table = table[table["model"] == self.metrics.get("kind")]
        if table.empty:
            why = "calibration.csv holds no row of the candidate"
            return Picture("calibration", "PDs against bad rates", None, why)
        meets = int(((table["low"] <= table["mean_pd"]) & (table["mean_pd"] <= table["high"])).sum())
        title = f"The mean PD lies inside the bad rate’s interval in {meets} of {len(table)} bins"
        return _drawn("calibration", title, table, plots.calibration, plots.TALL)

    def gains(self) -> Picture:
        table, why = read_table(self.files.plots / "gains.csv", ("band", "bad_rate", "low", "high"))
        if table is None:
            return Picture("gains", "Bad rate by score band", None, why)
        table = table.dropna(subset=["bad_rate", "low", "high"])
        falling = bool((np.diff(table["bad_rate"]) <= 0).all())
        title = f"The bad rate {'falls' if falling else 'DOES NOT FALL STEADILY'} from the riskiest band to the safest"
        return _drawn("gains", title, table, plots.gains)

    def scores(self) -> Picture:
        table, why = read_table(self.files.plots / "scores.csv", ("goods", "bads"))
        title = "Goods score higher than bads; the overlap is what no cut-off parts"
        if table is None:
            return Picture("scores", title, None, why)
        axis = "low" if "low" in table else "score"
        cut_off = lookup(self.metrics, "information.cut_off")
        at = None if cut_off is None else float(decision.scores(np.array([cut_off]), self.config.policy.scale)[0])
        return _drawn("scores", title, table, partial(plots.scores, axis=axis, cut_off=at))

    def profit(self) -> Picture:
        table, why = read_table(self.files.plots / "profit.csv", ("cut_off", "profit", "approval_rate"))
        if table is None:
            return Picture("profit", "Profit by cut-off", None, why)
        cut_off = lookup(self.metrics, "information.cut_off")
        best = float(table["cut_off"].to_numpy()[table["profit"].argmax()])
        title = (
            f"The economics put the cut-off at a PD of {written(cut_off, 'percent')}; "
            f"on these rows the curve is highest at {written(best, 'percent')}"
        )
        return _drawn("profit", title, table, partial(plots.profit, cut_off=cut_off), plots.TALL)

    def boosting(self) -> Picture:
        table, why = read_table(self.files.model / "boosting.csv", ("trees", "log_loss", "spread"))
        if table is None:
            return Picture("boosting", "Where boosting stopped", None, why)
        best = int(table["trees"].to_numpy()[table["log_loss"].argmin()])
        return _drawn("boosting", f"Held-out loss is lowest at {best:,} trees", table, plots.boosting)

    def effects(self) -> Iterator[dict[str, Any]]:
        """A small picture a feature, with what was declared of it."""
        table, why = read_table(self.files.plots / "effects.csv", ("feature", "value", "mean_pd", "low", "high"))
        if table is None:
            yield {"declared": True, "finding": "", "picture": Picture("effects", "Effects of the features", None, why)}
            return
        ends = table[["mean_pd", "low", "high"]].to_numpy()
        margin = 0.06 * float(np.nanmax(ends) - np.nanmin(ends))
        bounds = (max(float(np.nanmin(ends)) - margin, 0), float(np.nanmax(ends)) + margin)
        directions, names = self.config.model.directions, labels(self.config)
        for number, name in enumerate(table["feature"].unique()):
            curve = table[table["feature"] == name].dropna(subset=["mean_pd"])
            words = bool(self.config.categories(name))
            if not words:
                curve = curve.assign(value=pd.to_numeric(curve["value"])).sort_values("value")
            draw = partial(plots.effect, bounds=bounds, words=words)
            yield {
                "declared": name in directions,
                "finding": _direction(directions.get(name), curve["mean_pd"].to_numpy()),
                "picture": _drawn(f"effect{number}", names.get(name, name), curve, draw, plots.SMALL),
            }

    def _draw(self, name: str, title: str, needed: Sequence[str], draw: Any) -> Picture:
        table, why = read_table(self.files.plots / f"{name}.csv", needed)
        return Picture(name, title, None, why) if table is None else _drawn(name, title, table, draw)


FLAT = 1e-9  # a step of the PD that is rounding


def _drawn(name: str, title: str, table: DataFrame, draw: Any, size: tuple[float, float] = plots.NORMAL) -> Picture:
    columns = ", ".join(str(column).replace("_", " ") for column in table if column not in ("model", "feature"))
    alt = f"Chart. {title}. It shows {columns}."
    return drawn(name, title, partial(draw, table=table), size, alt=alt)


def _direction(declared: str | None, pd_values: Any) -> str:
    """What was declared for a feature, and whether its curve keeps to it."""
    if declared is None:
        return ""
    steps = np.diff(pd_values) * (1 if declared == "increasing" else -1)
    kept = "and does" if (steps >= -FLAT).all() else "but does NOT everywhere"
    if (np.abs(steps) <= FLAT).all():
        kept = "but does NOT move it"
    return f"Declared to {'raise' if declared == 'increasing' else 'lower'} the PD, {kept}"

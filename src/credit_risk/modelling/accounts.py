"""Which applications a model may be built or measured on: those whose outcome is known, and good or bad."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.data import split
from credit_risk.data.files import Files, SplitName
from credit_risk.data.inputs import Inputs, Mask, Matrix, word_of
from credit_risk.data.writing import read_parquet
from credit_risk.errors import DataError
from credit_risk.scoring.features import Features


def read_inputs(config: Config, files: Files, name: SplitName) -> Matrix:
    """The applications of a split as numbers: (rows, inputs), see data.inputs."""
    return Inputs.of(config).table(read_parquet(files.inputs(name)))


@dataclass(frozen=True, eq=False)
class Weights:
    """What rows count for: `drawn` when a model is fitted to them, `population` when it is measured; (rows,) each.

    They differ where bads and goods were drawn at different rates, that is by one factor a class.
    """

    drawn: Matrix
    population: Matrix

    @classmethod
    def of(cls, outcomes: pd.DataFrame) -> "Weights":
        """Those of a table of outcomes; 1 each where the config declares neither weights nor a population's rate."""
        ones = np.ones(len(outcomes))
        return cls(*(outcomes[name].to_numpy() if name in outcomes else ones for name in WEIGHTS))

    def shift(self, bad: Mask) -> float:
        """What takes log-odds among the rows as drawn to log-odds in the population; 0 where the two are the same."""
        factor = self.population / self.drawn
        return float(np.log(factor[bad].mean() / factor[~bad].mean()))

    def representative(self, seed: int) -> Mask:
        """Rows that are a sample of the population, each kept with a chance in proportion to its weight; else all.

        For what counts rows or applicants and knows no weights.
        """
        weight = self.population
        return np.asarray(np.random.default_rng(seed).random(len(weight)) * weight.max() < weight)

    def take(self, rows: Mask | split.Labels) -> "Weights":
        return Weights(self.drawn[rows], self.population[rows])


WEIGHTS = ("weight", "population_weight")  # columns of artifacts/outcomes, in the order of Weights


@dataclass(frozen=True, eq=False)
class Accounts:
    """Applications with a known outcome.

    table: as read, its index the row in the file. inputs: (rows, inputs), see data.inputs. bad: (rows,).
    left_out: how many rows of the file are not here, by reason; left_out_bad_rate: of those whose outcome is known.
    """

    table: pd.DataFrame
    inputs: Matrix
    bad: Mask
    weights: Weights
    left_out: Mapping[str, int]
    left_out_bad_rate: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def keys(self) -> split.Keys:
        """Equal for rows that are equal in every input."""
        return split.row_keys(self.inputs)

    def identity(self, config: Config) -> split.Keys:
        """What decides, with the seed, into which part a row falls: a digest of who it is."""
        return split.identity_keys(self.table[list(config.identity)])

    def applicants(self, config: Config) -> split.Labels:
        """The group of each row: one applicant's rows belong together, and copies if the config declares them."""
        applicant = config.only("applicant")
        return split.groups(
            self.keys,
            self.table[applicant] if applicant else None,
            equal_together=config.split.equal_rows == "together",
        )

    def take(self, rows: Mask) -> "Accounts":
        weights = self.weights.take(rows)
        return replace(self, table=self.table[rows], inputs=self.inputs[rows], bad=self.bad[rows], weights=weights)


def modelled(config: Config, raw: pd.DataFrame) -> Accounts:
    """The rows a model may be built on, and how many were left out for which reason.

    Raises DataError for a word in the target column that the config does not know.
    """
    bad = outcome_of(config, raw)
    inputs = Inputs.of(config)
    matrix = inputs.table(raw)
    columns = Features.of(config).columns(matrix) if config.outcome.exclusions else {}
    reasons = {
        "outcome not known": np.isnan(bad) & ~_indeterminate(config, raw),
        "outcome indeterminate": _indeterminate(config, raw),
        **_immature(config, raw),
        **{
            f"excluded: {exclusion.name} ({exclusion.reason})": config.formula(exclusion.where).holds(columns)
            for exclusion in config.outcome.exclusions
        },
        "cannot be scored under the missing and range policy": inputs.faults(matrix).any,
    }
    left = np.ones(len(raw), dtype=bool)
    counts, rates = {}, {}
    for reason, mask in reasons.items():
        counts[reason] = int((mask & left).sum())
        if (known := bad[mask & left & ~np.isnan(bad)]).size:
            rates[reason] = float(known.mean())
        left &= ~mask
    if not left.any():
        raise DataError(f"no row is left to build a model on: {counts}.")
    # The index stays: it is the number of the row in the file, which names a row that has no id.
    accounts = raw[left]
    return Accounts(accounts, matrix[left], bad[left] == 1, weighed(config, accounts, bad[left] == 1), counts, rates)


def weighed(config: Config, accounts: pd.DataFrame, bad: Mask) -> Weights:
    """What accounts count for: their weight in the file, and what they stand for at the population's bad rate."""
    column, rate = config.data.weight, config.outcome.population_bad_rate
    drawn = accounts[column].to_numpy(dtype=np.float64) if column else np.ones(len(accounts))
    if rate is None:
        return Weights(drawn, drawn)
    observed = float(np.average(bad, weights=drawn))
    return Weights(drawn, drawn * np.where(bad, rate / observed, (1 - rate) / (1 - observed)))


def _immature(config: Config, raw: pd.DataFrame) -> dict[str, Mask]:
    """Accounts whose performance window had not ended when outcomes were looked up, under the reason that names it.

    Some of them will still go bad: counted as good they would flatter every figure. None without observed_until.
    """
    outcome, date = config.outcome, config.only("date")
    if outcome.observed_until is None or date is None:
        return {}
    ends = raw[date] + pd.DateOffset(months=outcome.performance_window_months)
    reason = f"younger than {outcome.performance_window_months} months on {outcome.observed_until}"
    return {reason: np.asarray(ends > pd.Timestamp(outcome.observed_until))}


def outcome_words(config: Config, raw: pd.DataFrame) -> list[dict[str, object]]:
    """Every word of the target column, how many rows say it, and what it became; a cell without a word is null."""
    words = raw[config.only("target")].map(word_of, na_action="ignore")
    meanings = {
        word_of(word): meaning
        for meaning in ("bad", "good", "indeterminate")
        for word in getattr(config.outcome, meaning)
    }
    counted: list[dict[str, object]] = [
        {"word": str(word), "rows": int(rows), "became": meanings.get(str(word), "refused")}
        for word, rows in words.value_counts().items()
    ]
    missing = int(words.isna().sum())
    if missing:
        counted.append({"word": None, "rows": missing, "became": "not known"})
    return counted


def outcome_of(config: Config, raw: pd.DataFrame) -> Matrix:
    """1 for bad, 0 for good, NaN where the outcome is indeterminate or not known; (rows,)."""
    target = config.only("target")
    words = raw[target].map(word_of, na_action="ignore")
    codes = dict.fromkeys(map(word_of, config.outcome.good), 0.0) | dict.fromkeys(map(word_of, config.outcome.bad), 1.0)
    known = {*codes, *map(word_of, config.outcome.indeterminate)}
    if strange := sorted(set(words.dropna().unique()) - known):
        raise DataError(
            f"{target} holds {', '.join(map(repr, strange[:5]))}; the config knows {', '.join(sorted(known))}. "
            "Say under `outcome:` which of good, bad and indeterminate each value is."
        )
    return np.asarray(words.map(codes).to_numpy(dtype=np.float64, na_value=np.nan))


def _indeterminate(config: Config, raw: pd.DataFrame) -> Mask:
    words = raw[config.only("target")].map(word_of, na_action="ignore")
    return np.asarray(words.isin([word_of(value) for value in config.outcome.indeterminate]))

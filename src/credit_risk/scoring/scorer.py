"""The scorer: one directory that holds all a decision needs, and the one `decide()` that everything calls.

    scorer.json      format, kind of model, features, calibration
    model.txt        LightGBM's text, or scorecard.json
    config.json      the config it was assembled from: the only one that is read at run time
    background.json  whom declines are compared with, for their reasons (aggregates)
    reference.json   frozen bins and counts of inputs and scores in training (aggregates, no applicant's row)

Nothing in it is executed when it is loaded. Its digest is SHA-256 over the sorted lines `path sha256`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.formulas import Formula
from credit_risk.data import digest
from credit_risk.data.inputs import Faults, Inputs, Mask, Matrix
from credit_risk.data.writing import write_directory, write_json
from credit_risk.errors import ScorerError
from credit_risk.scoring import decision
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.decision import NO_RULE, Decisions, Names, Plain, Told
from credit_risk.scoring.features import Features, FeatureTable
from credit_risk.scoring.model import Model
from credit_risk.scoring.reasons import Background, Explainer
from credit_risk.scoring.scorer_files import FORMAT, altered, facts_of, model_of, object_of
from credit_risk.scoring.single_application import One, Value, holds, value_of

MARK = "scorer.json"  # the file by which a directory is known for a scorer


DECIDED_BY = ("columns", "derived", "policy")


def differences(own: Mapping[str, Any], config: Config) -> list[str]:
    """The parts of a scorer's own config, as JSON holds it, that decide otherwise than `config`; their order counts.

    A scorer whose columns stand in another order would take one column's numbers for another's.
    """
    now = config.as_dict()
    return [part for part in DECIDED_BY if json.dumps(own.get(part)) != json.dumps(now[part])]


@dataclass(frozen=True)
class Scorer:
    """A calibrated model with the policy it decides by."""

    config: Config
    model: Model
    calibration: Calibration
    seen_missing: tuple[bool, ...]
    reference: Mapping[str, Any]
    background: Background | None
    digest: str

    @classmethod
    def load(cls, path: Path) -> "Scorer":
        """Read a scorer directory. Raises ScorerError naming a file that is missing, garbled or of another format."""
        facts = facts_of(path)
        fitted = model_of(path, facts)
        with altered(path, "config.json"):
            config = Config.from_dict(object_of(path, "config.json"))
            Features.of(config)  # formulas that do not parse show here and not at the first decision
            if tuple(facts["features"]) != config.features:
                raise ValueError("it names other features than scorer.json")
        with altered(path, "scorer.json"):
            calibration = Calibration(**facts["calibration"])
            seen_missing = tuple(facts["seen_missing"])
            if not (calibration.slope > 0 and np.isfinite(calibration.intercept)):
                raise ValueError(f"the calibration is {facts['calibration']}")
            if len(seen_missing) != len(config.features):
                raise ValueError("seen_missing and features differ in length")
        with altered(path, fitted.file_name):
            fitted.margin(np.zeros((1, len(config.features))))  # a model of another matrix shows here too
        with altered(path, "background.json"):
            background = Background.from_dict(object_of(path, "background.json"), config.features)
        return cls(
            config,
            fitted,
            calibration,
            seen_missing,
            object_of(path, "reference.json"),
            background,
            digest.of_directory(path),
        )

    def refuse_other(self, config: Config, path: Path) -> None:
        """Raise ScorerError if this scorer was assembled under other columns, features or policy than `config`."""
        if other := differences(self.config.as_dict(), config):
            raise ScorerError(
                f"{path} was assembled under other {' and '.join(other)} than the config's now. "
                "Assemble it again with `dvc repro assemble`."
            )

    def save(self, path: Path) -> None:
        """Write the directory; it replaces an older one whole or not at all."""

        def fill(directory: Path) -> None:
            (directory / self.model.file_name).write_text(self.model.text(), encoding="utf-8")
            facts = {
                "format": FORMAT,
                "model_digest": digest.of_file(directory / self.model.file_name),
                "kind": self.model.kind,
                "features": self.config.features,
                "calibration": self.calibration.as_dict(),
                "seen_missing": self.seen_missing,
            }
            write_json(directory / "scorer.json", facts)
            # Not sorted: the order of columns and derived features is the order of the model's matrix.
            config = json.dumps(self.config.as_dict(), indent=2, ensure_ascii=False) + "\n"
            (directory / "config.json").write_text(config, encoding="utf-8")
            write_json(directory / "reference.json", self.reference)
            if self.background:
                write_json(directory / "background.json", self.background.as_dict())

        write_directory(path, fill, mark=MARK)

    def decide(self, applications: pd.DataFrame | Mapping[str, Any], *, reasons: bool = True) -> Decisions:
        """Decide a table of applications, or one application as field → value: the same code, the same bits.

        An application that cannot be scored is refused or referred as the config says; no PD is made up for it.
        Without `reasons` declines carry none, and the few whose reasons are in doubt stay declines: for simulation,
        never for an applicant.
        """
        if isinstance(applications, Mapping):
            return self.decide_inputs(self._inputs.one(applications), reasons=reasons)
        return self.decide_inputs(self._inputs.table(applications), reasons=reasons)

    def decide_inputs(self, inputs: Matrix, *, reasons: bool = True, features: FeatureTable | None = None) -> Decisions:
        """Decide applications that are numbers already: (rows, inputs), see data.inputs.

        features: of the same rows, where the caller has computed them already.
        """
        if len(inputs) == 1 and (decided := self._plainly(inputs, reasons=reasons)):
            return decided
        policy = self.config.policy
        faults, columns, matrix, unseen, pd = self._scored(inputs, features)
        score = decision.scores(pd, policy.scale)
        rule, outcome = self._policy(columns, decision.outcomes(pd, policy))
        outcome[faults.refused], rule[faults.refused] = decision.REFUSED, NO_RULE
        told = self._told(matrix, outcome, rule, pd) if reasons and self.background else None
        return Decisions(
            pd,
            score,
            decision.bands(score, policy),
            outcome,
            rule,
            inputs,
            faults,
            unseen,
            self._names,
            told,
        )

    def _plainly(self, inputs: Matrix, *, reasons: bool) -> Decisions | None:
        """A single sound application by plain numbers: the same bits in a fifth of the time that arrays of one need.

        None where anything is out of the ordinary; arrays then decide.
        """
        columns = self._one.columns(inputs[0].tolist())
        row = columns and self._one.row(columns)
        if not columns or not row:
            return None
        pd = self.calibration.pd_of(self.model.margin_of(row))
        if not 0 < pd < 1:
            return None
        score = self._plain.score(pd)
        chosen, outcome = self._strictest(columns, self._plain.outcome(pd))
        codes, rule, pds = np.array([outcome], np.int8), np.array([chosen], np.int16), np.array([pd])
        told = None
        if reasons and self.background:
            silent = outcome == decision.APPROVE or chosen != NO_RULE
            told = self._untold if silent else self._told_of(row, codes)
        band = np.array([self._plain.band(score)], np.int8)
        return Decisions(pds, np.array([score]), band, codes, rule, inputs, *self._nothing_wrong, self._names, told)

    def _strictest(self, columns: Mapping[str, float], outcome: int) -> tuple[int, int]:
        """Which policy rule decides an application, and its outcome after that (see _policy)."""
        chosen = NO_RULE
        for place, (value, code) in enumerate(self._plain_rules):
            stricter = outcome < code or (outcome == code and chosen == NO_RULE)
            if stricter and holds(value(columns)):
                chosen, outcome = place, code
        return chosen, outcome

    def _scored(
        self, inputs: Matrix, features: FeatureTable | None = None
    ) -> tuple[Faults, Mapping[str, Matrix], Matrix, Mask, Matrix]:
        faults, features = self._inputs.faults(inputs), features or self._features.table(inputs)
        columns, matrix = features.columns, features.matrix
        faulty = faults.any
        unseen = np.isnan(matrix) & self._never_missing
        pd = self.calibration.pd(self.model.margin(matrix))
        pd[faulty | unseen.any(axis=1)] = np.nan
        unseen &= ~faulty[:, None]
        return faults, columns, matrix, unseen, pd

    def pds(self, inputs: Matrix) -> Matrix:
        """PDs alone, without decisions and reasons: for tests that move inputs thousands of times."""
        return self._scored(inputs)[-1]

    def contributions(self, inputs: Matrix) -> tuple[float, Matrix]:
        """The population's log-odds of bad, and what each reason family adds to them: one row an application.

        The two add up to the log-odds of the PD, for approvals too; meant for applications that could be scored.
        """
        found = self.explainer.explain(self._features.matrix(self._features.columns(inputs)))
        return found.base, self.explainer.by_family(found.contributions)

    def _told(self, matrix: Matrix, outcome: decision.Codes, rule: decision.Rules, pd: Matrix) -> Told:
        """The reasons of what the model itself declines or refers; a decline in doubt becomes a referral."""
        spoke = ((outcome == decision.DECLINE) | (outcome == decision.REFER)) & (rule == NO_RULE) & ~np.isnan(pd)
        rows = np.flatnonzero(spoke)
        found = self.explainer.explain(matrix[rows]) if len(rows) else None
        if found:
            outcome[rows[found.in_doubt]] = decision.REFER
        place = np.full(len(pd), -1)
        place[rows] = np.arange(len(rows))
        return Told(found, place, self.config.policy.rules, self.config.reasons)

    def _told_of(self, row: Sequence[float], outcome: decision.Codes) -> Told:
        """The same for one application that the model itself declines or refers."""
        found = self.explainer.explain(np.array([row]))
        if found.in_doubt[0]:
            outcome[0] = decision.REFER
        return Told(found, np.zeros(1, np.intp), self.config.policy.rules, self.config.reasons)

    @cached_property
    def explainer(self) -> Explainer:
        """What finds the reasons. Raises ScorerError for a scorer that was put together without a background."""
        if self.background is None:
            raise ScorerError(
                "this scorer has no background to compare declines with. Assemble it with `dvc repro assemble`."
            )
        return Explainer.of(self.config, self.config.reasons, self.model, self.calibration, self.background)

    def _policy(self, columns: Mapping[str, Matrix], outcome: decision.Codes) -> tuple[decision.Rules, decision.Codes]:
        """Which policy rule decides each row, and the outcomes after that: the strictest wins, the first of equals."""
        rule = np.full(len(outcome), NO_RULE, dtype=np.int16)
        for place, (formula, code) in enumerate(self._rules):
            stricter = (outcome < code) | ((outcome == code) & (rule == NO_RULE))
            decided: Mask = formula.holds(columns) & stricter
            rule[decided] = place
            outcome[decided] = code
        return rule, outcome

    @cached_property
    def _inputs(self) -> Inputs:
        return Inputs.of(self.config)

    @cached_property
    def _features(self) -> Features:
        return Features.of(self.config)

    @cached_property
    def _never_missing(self) -> Mask:
        return ~np.array(self.seen_missing, dtype=bool)

    @cached_property
    def _rules(self) -> list[tuple[Formula, int]]:
        codes = {"decline": decision.DECLINE, "refer": decision.REFER}
        return [(self.config.formula(rule.where), codes[rule.decision]) for rule in self.config.policy.rules]

    @cached_property
    def _one(self) -> One:
        return One.of(self._inputs, self._features, self.seen_missing)

    @cached_property
    def _plain(self) -> Plain:
        return Plain.of(self.config.policy)

    @cached_property
    def _plain_rules(self) -> list[tuple[Value, int]]:
        return [(value_of(formula), code) for formula, code in self._rules]

    @cached_property
    def _nothing_wrong(self) -> tuple[Faults, Mask]:
        """The faults and unseen features of a sound application; many decisions share them."""
        row, cells = _none(1), _none(1, len(self._inputs.names))
        return Faults(row, row, cells, cells), _none(1, len(self.config.features))

    @cached_property
    def _untold(self) -> Told:
        return Told(None, np.full(1, -1), self.config.policy.rules, self.config.reasons)

    @cached_property
    def _names(self) -> Names:
        policy = self.config.policy
        return Names(
            self._inputs,
            self.config.features,
            [band.name for band in policy.bands],
            [f"{rule.name}: {rule.reason}" for rule in policy.rules],
        )


def _none(*shape: int) -> Mask:
    mask = np.zeros(shape, dtype=bool)
    mask.setflags(write=False)
    return mask

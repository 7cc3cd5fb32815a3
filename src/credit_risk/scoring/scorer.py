"""The scorer: one directory that holds all a decision needs, and the one `decide()` that everything calls.

    scorer.json      format, kind of model, features, calibration
    model.txt        LightGBM's text, or scorecard.json
    config.json      the config it was assembled from: the only one that is read at run time
    background.json  whom declines are compared with, for their reasons (aggregates)
    reference.json   frozen bins and counts of inputs and scores in training (aggregates, no applicant's row)

Nothing in it is executed when it is loaded. Its digest is SHA-256 over the sorted lines `path sha256`.

Format 2 lets exclusions act, checks that each reason is true of the applicant, words it by the state of what it is
about, and knows special codes. A directory of format 1 decides as it always did, for replay, backfill and verification.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.deciding import differences
from credit_risk.config.formulas import Formula
from credit_risk.config.tags import tags
from credit_risk.data import digest
from credit_risk.data.inputs import Faults, Inputs, Mask, Matrix
from credit_risk.data.writing import write_directory, write_json
from credit_risk.errors import ScorerError
from credit_risk.scoring import decision
from credit_risk.scoring.background import Background
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.decision import NO_RULE, DecisionReasons, Decisions, Vocabulary
from credit_risk.scoring.fast_path.single_application import SingleApplication  # part: fast-path
from credit_risk.scoring.fast_path.trees_by_row import FEW_ROWS, row_by_row  # part: fast-path
from credit_risk.scoring.features import Features, FeatureTable, never_seen
from credit_risk.scoring.model import RiskModel
from credit_risk.scoring.reasons import Explainer
from credit_risk.scoring.scorer_files import FIRST, FORMAT, altered, config_of, facts_of, model_of, object_of

MARK = "scorer.json"  # the file by which a directory is known for a scorer


@dataclass(frozen=True)
class Scorer:
    """A calibrated model with the policy it decides by.

    refit: of one that was fitted to all rows after a test, the digest of its twin, which was tested, and its rows.
    """

    config: Config
    model: RiskModel
    calibration: Calibration
    seen_missing: tuple[bool, ...]
    reference: Mapping[str, Any]
    background: Background | None
    digest: str
    format: int = FORMAT
    refit: Mapping[str, Any] | None = None

    @classmethod
    def load(cls, path: Path) -> "Scorer":
        """Read a scorer directory. Raises ScorerError naming a file that is missing, garbled or of another format."""
        facts = facts_of(path)
        with altered(path, "config.json"):
            config = config_of(object_of(path, "config.json"), facts["format"])
            Features.of(config)  # formulas that do not parse show here and not at the first decision
            if tuple(facts["features"]) != config.features:
                raise ValueError("it names other features than scorer.json")
        with altered(path, "scorer.json"):
            calibration = Calibration(**facts["calibration"])
            seen_missing = tuple(facts["seen_missing"])
            if not (calibration.slope > 0 and np.isfinite(calibration.intercept)):
                raise ValueError(f"the calibration is {facts['calibration']}")
            if len(seen_missing) != len(config.features) + len(config.levels):
                raise ValueError("seen_missing and the features with their special codes differ in length")
        fitted = model_of(path, facts, config.levels)
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
            facts["format"],
            facts.get("refit"),
        )

    def refuse_other(self, config: Config, path: Path) -> None:
        """Raise ScorerError if this scorer was assembled under other columns, features or policy than `config`."""
        if differing := differences(self.config.as_dict(), config):
            raise ScorerError(
                f"{path} was assembled under other {' and '.join(differing)} than the config's now. "
                "Assemble it again with `dvc repro assemble`."
            )

    def save(self, path: Path) -> None:
        """Write the directory; it replaces an older one whole or not at all."""

        def fill(directory: Path) -> None:
            (directory / self.model.file_name).write_text(self.model.text(), encoding="utf-8")
            facts = {
                "format": self.format,
                "model_digest": digest.of_file(directory / self.model.file_name),
                "kind": self.model.kind,
                "features": self.config.features,
                "calibration": self.calibration.as_dict(),
                "seen_missing": self.seen_missing,
                **({"refit": self.refit} if self.refit else {}),
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
        """Decide a table of applications, or one application as field → value.

        An application gets the same bits alone and in a table. One that cannot be scored is refused or referred as the
        config says; no PD is made up for it.
        Without `reasons` declines carry none, and the few whose reasons are in doubt stay declines: for simulation,
        never for an applicant.
        """
        if isinstance(applications, Mapping):
            return self.decide_inputs(self._inputs.single_row(applications), reasons=reasons)
        return self.decide_inputs(self._inputs.table(applications), reasons=reasons)

    def decide_inputs(self, inputs: Matrix, *, reasons: bool = True, features: FeatureTable | None = None) -> Decisions:
        """Decide applications that are numbers already: (rows, inputs), see data.inputs.

        features: of the same rows, where the caller has computed them already.
        """
        # of the part: fast-path
        if len(inputs) == 1 and (decisions := self._single.decide(inputs, reasons=reasons)) is not None:
            return decisions  # the same bits, though not by the same code
        if len(inputs) <= FEW_ROWS:
            return self._row_by_row._decide_columns(inputs, features, reasons=reasons)
        # end of part
        return self._decide_columns(inputs, features, reasons=reasons)

    def _decide_columns(self, inputs: Matrix, features: FeatureTable | None = None, *, reasons: bool) -> Decisions:
        policy = self.config.policy
        faults, columns, matrix, unseen, pd, excluded = self._scored(inputs, features)
        score = decision.scores(pd, policy.scale)
        rule, outcome = self._policy(columns, decision.outcomes(pd, policy))
        by_exclusion = excluded != NO_RULE
        outcome[by_exclusion], rule[by_exclusion] = decision.REFER, excluded[by_exclusion]
        outcome[faults.refused], rule[faults.refused] = decision.REFUSED, NO_RULE
        return Decisions(
            pd,
            score,
            decision.bands(score, policy),
            outcome,
            rule,
            inputs,
            faults,
            unseen,
            self._vocabulary,
            self._add_reasons(matrix, columns, outcome, rule, pd) if reasons and self.background else None,
        )

    def _scored(
        self, inputs: Matrix, features: FeatureTable | None = None
    ) -> tuple[Faults, Mapping[str, Matrix], Matrix, Mask, Matrix, decision.Rules]:
        faults, features = self._inputs.faults(inputs), features or self._features.table(inputs)
        columns, matrix = features.columns, features.matrix
        faulty = faults.any
        unseen = self._unseen(matrix)
        pd = self.calibration.pd(self.model.margin(matrix))
        excluded = self._excluded(columns, len(matrix))
        not_scored = faulty | (excluded != NO_RULE)
        pd[not_scored | unseen.any(axis=1)] = np.nan
        unseen &= ~not_scored[:, None]
        return faults, columns, matrix, unseen, pd, excluded

    def _excluded(self, columns: Mapping[str, Matrix], rows: int) -> decision.Rules:
        """Which exclusion each row falls under, the first of several, as an index in `config.rules`."""
        excluded = np.full(rows, NO_RULE, dtype=np.int16)
        for index, formula in self._exclusions:
            excluded[formula.holds(columns) & (excluded == NO_RULE)] = index
        return excluded

    def _unseen(self, matrix: Matrix) -> Mask:
        """Features that are missing, or have a special code, as none was in training. (rows, features)."""
        never, of_codes = self._never_seen
        missing = np.isnan(matrix)
        unseen = missing & never
        for feature, by_tag in of_codes:
            unseen[:, feature] = missing[:, feature] & by_tag[tags(matrix[:, feature])]
        return unseen

    def pds(self, inputs: Matrix) -> Matrix:
        """PDs alone, without decisions and reasons: for tests that move inputs thousands of times.

        inputs: (rows, inputs), see data.inputs. Returns (rows,), NaN for what cannot be scored.
        """
        return self._scored(inputs)[4]

    def contributions(self, inputs: Matrix) -> tuple[float, Matrix]:
        """The population's log-odds of bad, and what each reason family adds to them: (rows, families).

        The two add up to the log-odds of the PD, for approvals too; meant for applications that could be scored.
        inputs: (rows, inputs), see data.inputs.
        """
        explanations = self.explainer.explain(self._features.of_inputs(inputs))
        return explanations.base, self.explainer.by_family(explanations.contributions)

    def _add_reasons(
        self, matrix: Matrix, columns: Mapping[str, Matrix], outcome: decision.Codes, rule: decision.Rules, pd: Matrix
    ) -> DecisionReasons:
        """Reasons for rows that the model, and no policy rule, declined or referred.

        Changes `outcome` in place: a decline whose reasons are in doubt becomes a referral.
        matrix: (rows, features); columns by name, outcome, rule, pd: (rows,) each.
        """
        by_model = np.isin(outcome, (decision.DECLINE, decision.REFER)) & (rule == NO_RULE) & ~np.isnan(pd)
        rows = np.flatnonzero(by_model)
        is_true = self.explainer.truth_of(columns, rows)
        explanations = self.explainer.explain(matrix[rows], is_true) if len(rows) else None
        if explanations:
            outcome[rows[explanations.in_doubt]] = decision.REFER
        index = np.full(len(pd), -1)
        index[rows] = np.arange(len(rows))
        return DecisionReasons(explanations, index, self.config.rules, self.config.reasons, nulls=self.explainer.nulls)

    @cached_property
    def explainer(self) -> Explainer:
        """What finds the reasons. Raises ScorerError for a scorer that was put together without a background."""
        if self.background is None:
            raise ScorerError(
                "this scorer has no background to compare declines with. Assemble it with `dvc repro assemble`."
            )
        return Explainer.of(
            self.config, self.config.reasons, self.model, self.calibration, self.background, nulls=self.format == FIRST
        )

    def _policy(self, columns: Mapping[str, Matrix], outcome: decision.Codes) -> tuple[decision.Rules, decision.Codes]:
        """Which policy rule decides each row, and the outcomes after that: the strictest wins, the first of equals."""
        rule = np.full(len(outcome), NO_RULE, dtype=np.int16)
        for index, (formula, demanded) in enumerate(self._rules):
            stricter = (outcome < demanded) | ((outcome == demanded) & (rule == NO_RULE))
            decided: Mask = formula.holds(columns) & stricter
            rule[decided] = index
            outcome[decided] = demanded
        return rule, outcome

    @cached_property
    def _inputs(self) -> Inputs:
        return Inputs.of(self.config)

    @cached_property
    def _features(self) -> Features:
        return Features.of(self.config)

    @cached_property
    def _never_seen(self) -> tuple[Mask, list[tuple[int, Mask]]]:
        """Features that never were missing, and for those with special codes whether never, by tag (0: missing)."""
        return never_seen(self.config, self.seen_missing)

    @cached_property
    def _rules(self) -> list[tuple[Formula, int]]:
        return decision.policy_rules(self.config)

    @cached_property
    def _exclusions(self) -> list[tuple[int, Formula]]:
        return decision.exclusions(self.config)

    # of the part: fast-path
    @cached_property
    def _single(self) -> SingleApplication:
        explainer = self.explainer if self.background else None
        return SingleApplication.of(
            self.config,
            self.model,
            calibration=self.calibration,
            seen_missing=self.seen_missing,
            explainer=explainer,
            vocabulary=self._vocabulary,
        )

    @cached_property
    def _row_by_row(self) -> "Scorer":
        """The same scorer with a model that goes row by row: faster for few."""
        model = row_by_row(self.model)
        return self if model is self.model else replace(self, model=model)

    # end of part

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        policy = self.config.policy
        return Vocabulary(
            self._inputs,
            self.config.features,
            [band.name for band in policy.bands],
            [f"{rule.name}: {rule.reason}" for rule in self.config.rules],
        )

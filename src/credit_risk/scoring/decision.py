"""From a probability of default to a decision: score, band, what the lender's economics say, and how it is described.

`Decisions` holds many decisions as arrays; `Decision` describes one, and everything that describes a decision elsewhere
(the service's reply and OpenAPI, batch columns, MLflow's schema, the ledger's entry) derives from its fields.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Annotated, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, array
from pandas.api.extensions import ExtensionArray
from pydantic import BaseModel

from credit_risk.config import Config
from credit_risk.config.formulas import Formula
from credit_risk.config.schema import Policy, PolicyRule, Reasons, Scale
from credit_risk.data.inputs import Faults, Indices, Inputs, Mask, Matrix
from credit_risk.data.rounding import at_decimals
from credit_risk.errors import ScorerError
from credit_risk.scoring.reasons import Explanation, Explanations, Reason, of_rule, reason_as_stated

Codes = NDArray[np.int8]
Rules = NDArray[np.int16]  # a policy may have more than 127 rules

OutcomeWord: TypeAlias = Literal["approve", "refer", "decline", "refused"]
OUTCOMES: tuple[OutcomeWord, ...] = get_args(OutcomeWord)
APPROVE, REFER, DECLINE, REFUSED = range(4)
NO_RULE = -1
PD_DECIMALS = 10  # as a decision states them: in the bits beyond, exp and log differ from processor to processor
SCORE_DECIMALS = 6


def cut_off(policy: Policy) -> float:
    """The PD at which an account earns nothing: below it approving pays, above it declining does.

    Approving earns (1 - PD) * margin - PD * lgd - cost, a share of the exposure; this is its root.
    """
    return (policy.margin - policy.cost) / (policy.margin + policy.lgd)


def score_terms(scale: Scale) -> tuple[float, float]:
    """Offset and factor of score = offset + factor * ln(odds of good): 487.123 and 28.8539 for 600 at 50:1, PDO 20."""
    factor = scale.pdo / log(2)
    return scale.base - factor * log(scale.odds), factor


def points(pd: Any, offset: float, factor: float) -> Any:
    """Score points of one PD or of an array of them, with the terms of `score_terms`."""
    return offset + factor * (np.log1p(-pd) - np.log(pd))


def scores(pd: Matrix, scale: Scale) -> Matrix:
    """Score points: more is safer, `scale.pdo` points more double the odds of good.

    pd: (rows,), 0 to 1. Returns points, (rows,): inf for a PD of 0, -inf for 1, NaN where the PD is NaN.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(points(pd, *score_terms(scale)))


def band_minima(policy: Policy) -> list[float]:
    """The least score of each band, from the worst band to the best."""
    return [band.minimum for band in reversed(policy.bands)]


def bands(score: Matrix, policy: Policy) -> Codes:
    """The index of each score's band in the config's list; a score below the last's minimum, or NaN, has the last.

    score: points, (rows,). Returns (rows,).
    """
    minima = band_minima(policy)
    from_worst = np.maximum(np.searchsorted(minima, np.nan_to_num(score, nan=-np.inf), side="right") - 1, 0)
    return (len(minima) - 1 - from_worst).astype(np.int8)


def referral_zone(policy: Policy) -> tuple[float, float]:
    """The PDs from and up to which a person decides; both are the cut-off where nobody is referred for nearness."""
    limit = cut_off(policy)
    return limit - policy.refer_within, limit + policy.refer_within


def outcomes(pd: Matrix, policy: Policy) -> Codes:
    """Approve below the cut-off, decline above it, refer within `refer_within` of it; a PD that is not known refers.

    pd: (rows,), 0 to 1 or NaN. Returns APPROVE, REFER or DECLINE, (rows,).
    """
    lower, upper = referral_zone(policy)
    between = DECLINE if policy.refer_within == 0 else REFER
    decided = np.where(pd < lower, APPROVE, np.where(pd > upper, DECLINE, between))
    return np.where(np.isnan(pd), REFER, decided).astype(np.int8)


def policy_rules(config: Config) -> list[tuple[Formula, int]]:
    """The policy's rules, parsed, each with the outcome it demands."""
    codes = {"decline": DECLINE, "refer": REFER}
    return [(config.formula(rule.where), codes[rule.decision]) for rule in config.policy.rules]


def exclusions(config: Config) -> list[tuple[int, Formula]]:
    """Whom the model is not meant for: the index of each exclusion among `config.rules`, and its formula."""
    first = len(config.policy.rules)
    return [(first + index, config.formula(rule.where)) for index, rule in enumerate(config.rules[first:])]


@dataclass(frozen=True)
class Decisions:
    """What was decided for each application, and why: all arrays have one entry a row.

    pd: (rows,), 0 to 1; score: points, (rows,); both NaN where the application could not be scored. band: index in the
    config's bands, outcome: index in OUTCOMES, rule: index in `config.rules` of what decided, NO_RULE where the PD
    did; (rows,) each. inputs: (rows, inputs), as data.inputs gives them. unseen: (rows, features), true for features
    that are missing here and never were in training. reasons: None for decisions made without them.
    """

    pd: Matrix
    score: Matrix
    band: Codes
    outcome: Codes
    rule: Rules
    inputs: Matrix
    faults: Faults
    unseen: Mask
    vocabulary: "Vocabulary"
    reasons: "DecisionReasons | None" = None

    def __len__(self) -> int:
        return len(self.pd)

    @property
    def approved(self) -> Mask:
        return np.asarray(self.outcome == APPROVE)

    @property
    def scored(self) -> Mask:
        return ~np.isnan(self.pd)

    def explanation(self, row: int) -> Explanation:
        """The reasons of a decline, the prompts and doubt of a referral; empty where nothing spoke against."""
        if self.reasons is None:
            raise ScorerError("these decisions were made without a background to compare declines with.")
        return self.reasons.explanation(row, int(self.rule[row]))

    def why_not_scored(self, row: int) -> list[str]:
        """Why no model scored this application; empty if one did."""
        sentences = self.vocabulary.inputs.sentences(self.inputs, self.faults, row)
        unseen = [name for name, missing in zip(self.vocabulary.features, self.unseen[row], strict=True) if missing]
        codes = self.vocabulary.inputs.codes_of(self.inputs[row])
        return sentences + [
            f"{name}: {codes[name]}, which nobody was in training"
            if name in codes
            else f"{name}: cannot be computed, and always could be in training"
            for name in unseen
        ]

    def record(self, row: int = 0) -> dict[str, Any]:
        """One decision by the names of Decision's fields, as plain values that JSON can hold."""
        return {name: source.row(self, row) for name, source in sources().items()}

    def table(self) -> DataFrame:
        """One row an application: the columns of `batch_columns`, and last `why`: reasons, a rule, or faulty data."""
        columns = {name: source.column(self) for name, source in sources().items() if source.column}
        return DataFrame({name: columns[name] for name in batch_columns()[:-1]} | {WHY: self._why()})

    def _why(self) -> ExtensionArray:
        sentences = [*self.vocabulary.rules, ""]  # the last answers for NO_RULE
        sentence = self.rule.astype(np.intp)
        for row in np.flatnonzero(~self.scored):
            sentence[row] = len(sentences)
            # A rule that decided is the reason, also of an application that could not be scored.
            by_rule = [self.vocabulary.rules[self.rule[row]]] if self.rule[row] != NO_RULE else []
            sentences.append("; ".join(by_rule + self.why_not_scored(int(row))))
        if self.reasons is not None:
            rows, texts, which = self.reasons.declines(self.outcome)
            sentence[rows] = len(sentences) + which
            sentences += texts
        return _words(sentences, np.where(sentence == NO_RULE, len(self.vocabulary.rules), sentence))


def _words(words: Sequence[str | None], codes: NDArray[np.integer]) -> ExtensionArray:
    """The word behind each code, the last one for -1: words are looked up, not made, a row."""
    return array(words, dtype="str").take(codes)


@dataclass(frozen=True)
class Vocabulary:
    """The words behind the codes of Decisions: names of inputs, features and bands, and each rule's name and reason."""

    inputs: Inputs
    features: Sequence[str]
    bands: Sequence[str]
    rules: Sequence[str]


@dataclass(frozen=True)
class DecisionReasons:
    """The explanations of the rows that the model itself declines or refers.

    index: of each row's explanation, -1 for a row without one; (rows,). explanations: None where no row has one.
    rules: the config's, whose own reason explains what they decided. nulls: as in format 1, see Reason.as_dict.
    """

    explanations: Explanations | None
    index: Indices
    rules: Sequence[PolicyRule]
    settings: Reasons
    nulls: bool = False

    def declines(self, outcome: Codes) -> tuple[Indices, list[str], Indices]:
        """The rows that the model declined, every list of reasons that occurs, and which of them each row has."""
        if self.explanations is None:
            return np.array([], dtype=np.intp), [], np.array([], dtype=np.intp)
        rows = np.flatnonzero((self.index >= 0) & (outcome == DECLINE))
        lists, which = np.unique(self.explanations.wording[self.index[rows]], axis=0, return_inverse=True)
        wordings = self.explanations.explainer.wordings
        texts = [
            "; ".join(f"{wordings[index].id} {wordings[index].text}" for index in cited if index >= 0)
            for cited in lists
        ]
        return rows, texts, which

    def explanation(self, row: int, rule: int) -> Explanation:
        """The explanation of one row, which the policy rule of this index decided (NO_RULE: none)."""
        if rule != NO_RULE:
            return of_rule(self.rules[rule], self.settings)
        index = int(self.index[row])
        return Explanation(()) if self.explanations is None or index < 0 else self.explanations.row(index)


@dataclass(frozen=True)
class FieldSource:
    """Where a field of Decision comes from: a row of Decisions, and all its rows as a column of a batch file.

    column is None for what a batch file does not hold by itself: its column `why` says it in words.
    """

    row: Callable[[Decisions, int], Any]
    column: Callable[[Decisions], Any] | None = None


def _number(values: Matrix, row: int, decimals: int) -> float | None:
    value = float(values[row])
    return None if math.isnan(value) else at_decimals(value, decimals)


def _band(decisions: Decisions, row: int) -> str | None:
    return None if math.isnan(decisions.pd[row]) else decisions.vocabulary.bands[decisions.band[row]]


def _band_column(decisions: Decisions) -> ExtensionArray:
    return _words([*decisions.vocabulary.bands, None], np.where(decisions.scored, decisions.band, -1))


def _rule(decisions: Decisions, row: int) -> str | None:
    rule = int(decisions.rule[row])
    return None if rule == NO_RULE else decisions.vocabulary.rules[rule]


def _reasons(decisions: Decisions, row: int) -> list[dict[str, Any]]:
    if decisions.outcome[row] != DECLINE or decisions.reasons is None:
        return []
    nulls = decisions.reasons.nulls
    return [reason.as_dict(nulls=nulls) for reason in decisions.explanation(row).reasons]


def _prompts(decisions: Decisions, row: int) -> list[str]:
    if decisions.outcome[row] != REFER or decisions.reasons is None:
        return []
    return list(decisions.explanation(row).prompts)


def _faults(decisions: Decisions, row: int) -> list[str]:
    return decisions.why_not_scored(row) if math.isnan(decisions.pd[row]) else []


class Decision(BaseModel):
    """One decision as the API answers it, the ledger keeps it and MLflow's model returns it, in this order.

    decision: `refused` where the application cannot be decided at all. pd: probability of default within the
    performance window, 0 to 1, to ten decimals. score: points, more is safer, to six decimals. pd, score and band are
    None where the application could not be scored, and `faults` or `rule` says why. rule: the policy rule that decided,
    or the exclusion for which a person decides. reasons belong to declines, prompts (with a doubt, if there is one) to
    referrals.
    """

    decision: Annotated[
        OutcomeWord,
        FieldSource(
            lambda decisions, row: OUTCOMES[decisions.outcome[row]],
            lambda decisions: _words(OUTCOMES, decisions.outcome),
        ),
    ]
    pd: Annotated[
        float | None,
        FieldSource(
            lambda decisions, row: _number(decisions.pd, row, PD_DECIMALS),
            lambda decisions: decisions.pd.round(PD_DECIMALS),
        ),
    ]
    score: Annotated[
        float | None,
        FieldSource(
            lambda decisions, row: _number(decisions.score, row, SCORE_DECIMALS),
            lambda decisions: decisions.score.round(SCORE_DECIMALS),
        ),
    ]
    band: Annotated[str | None, FieldSource(_band, _band_column)]
    rule: Annotated[str | None, FieldSource(_rule)]
    reasons: Annotated[tuple[Reason, ...], FieldSource(_reasons)]
    prompts: Annotated[tuple[str, ...], FieldSource(_prompts)]
    faults: Annotated[tuple[str, ...], FieldSource(_faults)]


def as_stated(record: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded decision with its numbers to the decimals that decisions state; records from before had every bit."""
    stated = dict(record)
    for name, decimals in (("pd", PD_DECIMALS), ("score", SCORE_DECIMALS)):
        if isinstance(number := stated.get(name), float):
            stated[name] = at_decimals(number, decimals)
    if reasons := stated.get("reasons"):
        stated["reasons"] = [reason_as_stated(reason) for reason in reasons]
    return stated


WHY = "why"  # the column of a batch file that says in words what Decision's rule, reasons and faults say


@cache
def sources() -> dict[str, FieldSource]:
    """Where each field of Decision comes from, in the order of the fields."""
    return {
        name: next(part for part in field.metadata if isinstance(part, FieldSource))
        for name, field in Decision.model_fields.items()
    }


@cache
def batch_columns() -> tuple[str, ...]:
    """What a batch file says of each application: figures first, then the decision, last `why`."""
    by_itself = [name for name, source in sources().items() if source.column]
    return *sorted(by_itself, key=lambda name: name == "decision"), WHY


@cache
def field_schemas() -> Mapping[str, dict[str, Any]]:
    """JSON Schema of each field of Decision; a reason stands as a reference, see `reason_field_schemas`."""
    return _properties(Decision.model_json_schema(ref_template="#/components/schemas/{model}"))


@cache
def reason_field_schemas() -> Mapping[str, dict[str, Any]]:
    """JSON Schema of each field of a Reason."""
    return _properties(Decision.model_json_schema()["$defs"]["Reason"])


def _properties(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: _short(of_field) for name, of_field in schema["properties"].items()}


def _short(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same as pydantic's schema, without titles and with one list of types in place of alternatives."""
    if "anyOf" in schema:
        types = [alternative["type"] for alternative in schema["anyOf"]]
        return {"type": [name for name in types if name != "integer" or "number" not in types]}
    if "enum" in schema:
        return {"enum": schema["enum"]}
    if "items" in schema:
        return {"type": "array", "items": _short(schema["items"])}
    return {name: schema[name] for name in ("$ref", "type") if name in schema}

"""What the config may hold: one frozen tree, no unknown key, every value typed.

`configs/credit.yaml` is the file a fork edits; `configs/model.yaml` beside it holds the
model parameters, which a search may write. Both are read once (`load`), checked as one tree
and passed on explicitly.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from credit_risk.config.columns import INPUT_ROLES, Column, Contract, Data, Derived, Outcome
from credit_risk.config.fairness import Fairness
from credit_risk.config.formulas import Coded, Formula, Known, parse
from credit_risk.config.migration import migrated
from credit_risk.config.open_decisions import trial_notice
from credit_risk.config.section import Section, Share, Text

Kind = Literal["lightgbm", "scorecard"]  # models that can be promoted

STATES = VALUE, MISSING = "value", "missing"  # of a feature, beside its special codes


ByState = Text | Annotated[Mapping[str, Text], Field(min_length=1)]
POPULATIONS = {"approved": "applications that were just accepted", "all": "all applications"}
DRAFT = "0-draft"  # the version of wordings that nobody has read


class Project(Section):
    """Whose model this is, as every report and record names it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: Text
    legal_basis: Text
    notice: str = ""


class Drift(Section):
    """How the population stability index (PSI) is taken and when it is too high."""

    bins: Annotated[int, Field(ge=2, le=50)]
    threshold: Annotated[float, Field(gt=0)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]


class Split(Section):
    """Which rows train the model, which choose between models, which are for the report alone.

    equal_rows: whether rows equal in every input are copies that stay together, or each an applicant of its own.
    identity: the columns that say which application a row is, where no id does; a row's part follows from them alone.
    tolerance: by how much the share of the rows in a part of a random split may differ from what is declared.
    max_removed: the largest share of the older rows that a split by time may leave out for the applicants of the test.
    """

    by: Literal["time", "random"]
    train: Annotated[float, Field(gt=0, lt=1)]
    selection: Annotated[float, Field(gt=0, lt=1)]
    test: Annotated[float, Field(gt=0, lt=1)]
    seed: int
    identity: tuple[Text, ...] = ()
    tolerance: Share = 0.02
    equal_rows: Literal["own", "together"] = "own"
    max_removed: Share = 0.5
    why_random: str | None = None


class Model(Section):
    """How models are fitted, and which becomes the candidate; the tuned parameters stand in configs/model.yaml.

    candidate: `better` is LightGBM only if it ranks better than the scorecard by more than `materiality`.
    materiality: difference in AUC that is worth a model which is harder to explain.
    """

    candidate: Literal["better", "lightgbm", "scorecard"]
    materiality: Annotated[float, Field(ge=0, lt=0.5)]
    seed: int
    folds: Annotated[int, Field(ge=2, le=20)]
    max_trees: Annotated[int, Field(gt=0)]
    patience: Annotated[int, Field(gt=0)]
    directions: Mapping[str, Literal["increasing", "decreasing"]]


class Parameters(Section):
    """LightGBM's own parameters, under its own names (configs/model.yaml)."""

    learning_rate: Annotated[float, Field(gt=0, le=1)]
    num_leaves: Annotated[int, Field(ge=2, le=1024)]
    max_depth: int
    min_child_samples: Annotated[int, Field(ge=1)]
    reg_alpha: Annotated[float, Field(ge=0)]
    reg_lambda: Annotated[float, Field(ge=0)]
    colsample_bytree: Annotated[float, Field(gt=0, le=1)]
    subsample: Annotated[float, Field(gt=0, le=1)]
    monotone_constraints_method: Literal["basic", "intermediate"]


class Tune(Section):
    """How far the search for better parameters goes, where there is that part."""

    trials: Annotated[int, Field(gt=0)]
    seed: int


class Scale(Section):
    """Score points: `base` points at odds of `odds` good to one bad; `pdo` points double the odds."""

    base: float
    odds: Annotated[float, Field(gt=0)]
    pdo: Annotated[float, Field(gt=0)]


class Band(Section):
    """A score band; it holds every score from `from` up to the next better band."""

    name: Text
    minimum: float


class PolicyRule(Section):
    """A rule of credit policy: where it holds, its decision counts if it is stricter than what the PD says."""

    name: Text
    where: Text
    decision: Literal["decline", "refer"]
    reason: Text


class Policy(Section):
    """The lender's economics and what follows from them: cut-off, referral, score scale and bands.

    margin, lgd and cost are shares of the exposure: earned on a good account, lost on a
    bad one, spent on each account that is opened.
    """

    margin: Annotated[float, Field(gt=0)]
    lgd: Annotated[float, Field(gt=0)]
    cost: Annotated[float, Field(ge=0)]
    refer_within: Annotated[float, Field(ge=0, lt=1)]
    max_missing: Share
    invalid: Literal["refuse", "refer"]
    scale: Scale
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]
    rules: tuple[PolicyRule, ...] = ()


class Evaluation(Section):
    """How the figures of the report are taken."""

    replicates: Annotated[int, Field(ge=100, le=100_000)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    seed: int
    segments: tuple[str, ...] = ()


class Family(Section):
    """One reason that can stand in an adverse-action notice, and the features that speak for it.

    text is for the applicant, prompt for the colleague who reviews a referral. Either is one text, for a feature that
    has a value, or one for each state: value, missing, and what each special code means. {population} in it is whom
    applicants are compared with. true_when: a formula over the application that says of whom the text is true, or one
    for each state; a state without one is true by itself. None stands in scorers of format 1 alone.
    """

    id: Annotated[str, Field(pattern=r"^R[0-9]{2,3}$")]
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    text: ByState
    prompt: ByState
    true_when: ByState | None = None


class Reasons(Section):
    """How the principal reasons of a decline are found and worded; the version changes with any wording.

    Contributions are measured against a population: `approved` are the training rows whose PD lies at most
    `within` below the cut-off, `all` are all training rows. A family that carries less than `least` of all that
    speaks for bad is no principal reason.
    """

    version: Text
    count: Annotated[int, Field(ge=1, le=10)]
    least: Share
    population: Literal["approved", "all"]
    within: Annotated[float, Field(gt=0, le=1)]
    required: tuple[str, ...] = ()
    families: Annotated[tuple[Family, ...], Field(min_length=1)]

    @property
    def compared_with(self) -> str:
        """Whom applicants are compared with, in the words of a notice."""
        return POPULATIONS[self.population]

    def wordings(self, family: Family) -> dict[str, tuple[str, str]]:
        """Text and prompt of a family for each state that it has a text for; that of a value first."""
        text, prompt = by_state(family.text), by_state(family.prompt)
        states = sorted(text, key=lambda state: state != VALUE)
        of_states = {state: (text[state], prompt.get(state, prompt.get(VALUE, text[state]))) for state in states}
        return {state: (self._filled(its), self._filled(asks)) for state, (its, asks) in of_states.items()}

    def _filled(self, words: str) -> str:
        return words.replace("{population}", self.compared_with)


def by_state(text: ByState) -> Mapping[str, str]:
    """A text by state; one text alone is that of a value."""
    return {VALUE: text} if isinstance(text, str) else text


class Scenario(Section):
    """A stress: columns set by formula over the application, or the odds of bad multiplied for everybody."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    columns: Mapping[str, str] = {}
    odds: Annotated[float, Field(gt=0)] = 1.0


class Robustness(Section):
    """How the decisions are stressed; gaps and nonsense are put into at most `rows` applications."""

    scenarios: Annotated[tuple[Scenario, ...], Field(min_length=1)]
    missing_share: Share
    rows: Annotated[int, Field(gt=0)]


class Attacks(Section):
    """What somebody could change about an application to be approved, and what a standard step of it costs them."""

    plausible: Mapping[str, Annotated[float, Field(gt=0)]]
    budget: Annotated[float, Field(gt=0)]
    rows: Annotated[int, Field(gt=0)]


class Gate(Section):
    """One check between a model and its promotion: a measure, its limits and why they stand there.

    of: the kind of candidate that it is judged for; without it, for each. advice: what to do if it does not pass.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    measure: Text
    at_least: float | None = None
    at_most: float | None = None
    exact: bool = False
    reason: Text
    advice: str | None = None
    of: Kind | None = None


class Config(Section):
    """The whole config, checked: the one argument that says what is particular to this lender.

    suggested: keys that a draft filled in and no person has decided; the gate stays shut for them.
    """

    version: Literal[4]
    suggested: tuple[Text, ...]
    project: Project
    data: Data
    outcome: Outcome
    columns: Mapping[str, Column]
    derived: Mapping[str, Derived]
    contract: Contract
    drift: Drift
    split: Split
    model: Model
    tune: Tune | None = None
    policy: Policy
    evaluation: Evaluation
    reasons: Reasons
    fairness: Fairness
    robustness: Robustness
    attacks: Attacks | None = None
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]
    parameters: Parameters

    @property
    def notice(self) -> str:
        """What every report, page and description of this model opens with."""
        return " ".join(filter(None, (trial_notice(self.undecided), self.project.notice)))

    @property
    def undecided(self) -> tuple[str, ...]:
        """What no person has decided or read: until then nothing is promoted, and nobody decided outside a trial."""
        unread = ("the wordings of reasons, whose version is a draft",) if self.reasons.version == DRAFT else ()
        return (*self.suggested, *unread)

    @property
    def rules(self) -> tuple[PolicyRule, ...]:
        """What decides before the model: the policy's rules, then the exclusions, which refer and outrank all rules."""
        excluded = (
            PolicyRule(name=exclusion.name, where=exclusion.where, decision="refer", reason=exclusion.reason)
            for exclusion in self.outcome.exclusions
        )
        return (*self.policy.rules, *excluded)

    def named(self, *roles: str) -> tuple[str, ...]:
        """The columns of these roles, in the order of the config."""
        return tuple(name for name, column in self.columns.items() if column.role in roles)

    def only(self, role: str) -> str | None:
        """The one column of a role that at most one column may have."""
        return next(iter(self.named(role)), None)

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that say which application a row is: the id, or else those of split.identity."""
        return self.split.identity or self.named("id")

    @property
    def inputs(self) -> tuple[str, ...]:
        """What an application carries: the columns the model or a formula may read."""
        return self.named(*INPUT_ROLES)

    @property
    def features(self) -> tuple[str, ...]:
        """What the model reads, in the order of its matrix: feature columns, then derived features."""
        return (*self.named("feature"), *self.derived)

    @property
    def directions(self) -> tuple[int, ...]:
        """+1, -1 or 0 for each feature, in the order of `features`: how the PD must move with it."""
        sign = {"increasing": 1, "decreasing": -1}
        return tuple(sign.get(self.model.directions.get(name, ""), 0) for name in self.features)

    def categories(self, name: str) -> tuple[str, ...] | None:
        """The categories of a column, None for a column of numbers or a derived feature."""
        return self.columns[name].categories if name in self.columns else None

    def meanings(self, name: str) -> tuple[str, ...]:
        """What the special codes of a feature mean; none of a derived one, which is missing where its columns are."""
        return self.columns[name].meanings if name in self.columns else ()

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """Each special code of a feature, as the feature's index in `features` and the code's tag (see config.tags)."""
        return tuple(
            (index, tag + 1) for index, name in enumerate(self.features) for tag in range(len(self.meanings(name)))
        )

    @property
    def kinds_of_inputs(self) -> dict[str, Known]:
        """What formulas over the columns of an application may name, before anything is derived from them."""
        return {
            name: self.categories(name) or (Coded(codes) if (codes := self.meanings(name)) else None)
            for name in self.inputs
        }

    @property
    def kinds(self) -> dict[str, Known]:
        """What formulas over an application may name (see config.formulas.parse)."""
        return self.kinds_of_inputs | dict.fromkeys(self.derived)

    @property
    def own_gates(self) -> tuple[Gate, ...]:
        """The gates that one scorer's own figures answer; a comparison needs a baseline too."""
        return tuple(gate for gate in self.gates if not gate.measure.startswith("comparison."))

    def formula(self, text: str) -> Formula:
        """A rule or exclusion over inputs and derived features, ready to evaluate."""
        return parse(text, self.kinds)

    def columns_of(self, name: str) -> frozenset[str]:
        """The columns of an application that a feature, or a formula's input, is made of."""
        if name not in self.derived:
            return frozenset((name,))
        return frozenset().union(*map(self.columns_of, self.derivations()[name].inputs))

    def states(self, name: str) -> tuple[str, ...]:
        """In which states a feature can be when its reason is given: value, missing, its special codes."""
        sources = [self.columns[column] for column in self.columns_of(name)]
        codes = name in self.derived and any(column.special for column in sources)
        may_lack = codes or any(column.missing == "allow" for column in sources)
        return (VALUE, *((MISSING,) if may_lack else ()), *self.meanings(name))

    def derivations(self) -> dict[str, Formula]:
        """The derived features in order; each may read the columns and the features before it."""
        known = self.kinds_of_inputs
        formulas = {}
        for name, derived in self.derived.items():
            formulas[name] = parse(derived.formula, known)
            known[name] = None
        return formulas

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """The config as `as_dict` wrote it, for a scorer's own copy; it was checked when it was written.

        The copy of an older scorer is of an older format and is brought to today's, so that it can be rolled back to.
        """
        return cls.model_validate(migrated(raw))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON can hold them."""
        return self.model_dump(mode="json")

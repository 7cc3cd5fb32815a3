"""The model inventory, configs/model-inventory.yaml: who answers for the model, what for, and how much hangs on it.

The tier follows from declared rules (configs/policies/model_tiers.yaml) and is written down by nobody; what a tier and
a class of change demand stands there too. What is missing is named, and blocks a promotion.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations, pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from pandas import DateOffset, Timestamp
from pydantic import Field

from credit_risk.compliance import policies
from credit_risk.config import Config, environment
from credit_risk.config.names import is_person, same_person
from credit_risk.config.section import Count, Section, Text
from credit_risk.config.yaml_positions import Loc
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.errors import CreditRiskError, NotFound
from credit_risk.governance.scorer_policy import ScorerPolicy

FILE = Path("configs") / "model-inventory.yaml"
TIERS = Path("configs") / "policies" / "model_tiers.yaml"
ChangeClass: TypeAlias = Literal["none", "config", "recalibration", "retraining", "redevelopment"]
CHANGE_CLASSES: tuple[ChangeClass, ...] = get_args(ChangeClass)
NotNegative = Annotated[float, Field(ge=0)]


class Materiality(Section):
    """How much hangs on the model. exposure: what is lent on its word in a year, in the lender's currency."""

    exposure: NotNegative
    decisions_a_year: NotNegative
    automated: bool


class Approval(Section):
    """Who let the model be used, on which day and until when; empty until somebody has."""

    by: str = ""
    on: date | None = None
    until: date | None = None


class Dependency(Section):
    """What the model cannot do without, and who answers for it."""

    name: Text
    owner: Text


class VendorData(Section):
    """Columns that somebody else delivers. looked_through: when their quality and lawful use were last looked into."""

    vendor: Text
    columns: tuple[Text, ...]
    contract_until: date
    looked_through: date


class Inventory(Section):
    """The entry of one model. applies: what holds of this lender, as eu or us; frameworks: those it is audited by.

    review_after: classes of change, and `severe_finding`, after which an earlier approval counts no more.
    """

    version: Literal[1]
    model: Text
    owner: str = ""
    developer: str = ""
    validator: str = ""
    intended_use: str = ""
    population: str = ""
    applies: tuple[Text, ...] = ()
    frameworks: Annotated[tuple[Text, ...], Field(min_length=1)]
    materiality: Materiality
    approval: Approval = Approval()
    review_after: tuple[ChangeClass | Literal["severe_finding"], ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    vendor_data: tuple[VendorData, ...] = ()


class Tier(Section):
    """Models with this exposure or so many decisions a year, and what they need. parts: reports on their scorer."""

    tier: Count
    exposure: NotNegative
    decisions_a_year: NotNegative
    review_months: Count
    approver: Text
    parts: tuple[Text, ...] = ()


class ChangeNeeds(Section):
    """What a class of change needs before promotion: the validator's opinion of this scorer, an approval after it."""

    opinion: bool
    approval: bool


class TierPolicy(Section):
    """Tiers from the most material down, and the needs of every class of change."""

    version: Literal[1]
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    changes: Mapping[ChangeClass, ChangeNeeds]


def load(root: Path) -> Inventory:
    """Raises NotFound without the file, ConfigError with every fault in its form.

    A framework, or what holds of the lender, that no policy knows is one: its controls would be asked of nobody.
    """
    if not (root / FILE).is_file():
        raise NotFound(root / FILE, "It says who answers for the model: see docs/governance.md.")
    inventory = environment.whole(root / FILE, Inventory)
    named = policies.known(root / "configs" / "policies", ScorerPolicy)
    controls = (control for path in set(named.values()) for control in policies.read(path, ScorerPolicy).controls)
    known = {"frameworks": set(named), "applies": {word for control in controls for word in control.applies_to}}
    environment.refuse(
        root / FILE,
        (
            ((key,), f"no policy knows {word!r}; known: {', '.join(sorted(words))}")
            for key, words in known.items()
            for word in getattr(inventory, key)
            if word.lower().replace("-", "_") not in words
        ),
    )
    return inventory


def load_tiers(root: Path) -> TierPolicy:
    """Raises NotFound, ConfigError; a class of change without needs is one, and a tier out of its order."""
    if not (root / TIERS).is_file():
        raise NotFound(root / TIERS, "It says what a tier demands: see docs/governance.md.")
    policy = environment.whole(root / TIERS, TierPolicy)
    lacking = [name for name in CHANGE_CLASSES if name not in policy.changes]
    faults: list[tuple[Loc, str]] = [(("changes",), f"{name} has no needs") for name in lacking]
    for index, (above, below) in enumerate(pairwise(policy.tiers), 1):
        falls = above.exposure > below.exposure and above.decisions_a_year > below.decisions_a_year
        if not falls or below.tier <= above.tier:
            sentence = f"tier {below.tier} stands below tier {above.tier}: expected a higher number and lower limits"
            faults.append((("tiers", index), sentence))
    environment.refuse(root / TIERS, faults)
    return policy


def applies_if_there(root: Path) -> Sequence[str] | None:
    """What holds of this lender; None where there is no inventory, and then every control is asked."""
    return load(root).applies if (root / FILE).is_file() else None


def tier_of(inventory: Inventory, policy: TierPolicy) -> Tier:
    """The first tier one of whose limits the model reaches; the last one for whatever lies below them all."""
    its = inventory.materiality
    reached = (
        tier
        for tier in policy.tiers
        if its.exposure >= tier.exposure or (its.automated and its.decisions_a_year >= tier.decisions_a_year)
    )
    return next(reached, policy.tiers[-1])


def faults(inventory: Inventory, tier: Tier, config: Config, today: date) -> list[str]:
    """Everything that the entry lacks, or that has expired, a sentence each."""
    return [
        *_of_persons(inventory),
        *([] if inventory.intended_use.strip() else ["intended_use is empty"]),
        *([] if inventory.population.strip() else ["population is empty"]),
        *_of_materiality(inventory),
        *([] if inventory.model == config.project.name else [f"it is the entry of {inventory.model!r}"]),
        *_of_approval(inventory, tier, today),
        *_of_vendors(inventory, config, tier, today),
    ]


def faults_of_parts(tier: Tier, files: Files, scorer: str) -> list[str]:
    """The reports of optional parts that the tier asks for and that are not there, or are about another scorer."""
    return [fault for part in tier.parts if (fault := _fault_of_part(part, files.part(part), scorer))]


def _fault_of_part(part: str, path: Path, scorer: str) -> str | None:
    try:
        about = read_json(path).get("scorer")
    except (CreditRiskError, AttributeError):
        return f"reports/parts/{part}.json is not there: make {part}"
    return None if about == scorer else f"reports/parts/{part}.json is about another scorer: make {part}"


def _of_persons(inventory: Inventory) -> Iterator[str]:
    persons = {"owner": inventory.owner, "developer": inventory.developer, "validator": inventory.validator}
    for role, name in persons.items():
        if not is_person(name):
            yield f"{role} is {name!r}, expected a first and a last name"
    for (role, name), (second, its) in combinations(persons.items(), 2):
        if is_person(name) and same_person(name, its):
            yield f"{role} and {second} are one person, {name}"


def _of_materiality(inventory: Inventory) -> Iterator[str]:
    """What nobody has written yet would make it the least material model of all."""
    if not inventory.materiality.exposure:
        yield "materiality.exposure is 0, and the tier follows from it"
    if inventory.materiality.automated and not inventory.materiality.decisions_a_year:
        yield "materiality.decisions_a_year is 0, and it decides by itself"


def _of_approval(inventory: Inventory, tier: Tier, today: date) -> Iterator[str]:
    approval = inventory.approval
    if not is_person(approval.by) or approval.on is None or approval.until is None:
        yield f"nobody has approved its use: tier {tier.tier} is approved by {tier.approver}"
        return
    if same_person(approval.by, inventory.developer):
        yield f"{approval.by} developed it and approved its use"
    latest = (Timestamp(approval.on) + DateOffset(months=tier.review_months)).date()
    if approval.until > latest:
        yield f"the approval holds until {approval.until}; tier {tier.tier} is reviewed by {latest}"
    if not approval.on <= today <= approval.until:
        yield f"the approval holds from {approval.on} to {approval.until}, and today is {today}"


def _of_vendors(inventory: Inventory, config: Config, tier: Tier, today: date) -> Iterator[str]:
    for data in inventory.vendor_data:
        if unknown := [name for name in data.columns if name not in config.columns]:
            yield f"{data.vendor} delivers {', '.join(unknown)}, which the config does not know"
        if data.contract_until < today:
            yield f"the contract with {data.vendor} ended on {data.contract_until}"
        if (Timestamp(data.looked_through) + DateOffset(months=tier.review_months)).date() < today:
            yield f"the data of {data.vendor} were last looked through on {data.looked_through}"
    for dependency in inventory.dependencies:
        if not is_person(dependency.owner):
            yield f"nobody answers for {dependency.name}: its owner is {dependency.owner!r}"

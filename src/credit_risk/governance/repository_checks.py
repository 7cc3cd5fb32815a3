"""What can be computed of the repository and its stores: ledger, registry, signatures, data controls, an erasure tried.

A control names such a check under `by`. What a check needs and does not find makes it fail: an environment that nobody
named, a ledger that is not there, a key that is missing.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import select

from credit_risk.command_line import counted
from credit_risk.config import Config
from credit_risk.config.names import same_person
from credit_risk.data.files import Files
from credit_risk.errors import CreditRiskError, UsageError
from credit_risk.governance import lineage, stores
from credit_risk.governance.model_risk import findings, inventory
from credit_risk.governance.records import Records
from credit_risk.governance.scorer_policy import ScorerPolicy
from credit_risk.ledger import verification
from credit_risk.ledger.database.schema import keys
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger
from credit_risk.measures.verdict.gate import Verdict
from credit_risk.registry import settings as registry_settings
from credit_risk.registry.history import events_if_there
from credit_risk.registry.lifecycle import CHECKED, HistoryEvent, registered
from credit_risk.registry.settings import RegistrySettings
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.requests import examples
from credit_risk.stages import validate_data

PURGE = "credit_risk.retention.purge"
TERM = "credit_risk.retention.term"
NO_ENVIRONMENT = "no environment is named (--environment), so its stores cannot be looked at"


@dataclass(frozen=True)
class Scope:
    """What is looked at. site: the environment's file; None where nobody named one."""

    files: Files
    config: Config
    policy: ScorerPolicy
    scorer: Scorer
    site: Path | None
    today: date
    variables: Mapping[str, str]

    def settings(self) -> RegistrySettings:
        """The environment's registry. Raises UsageError where no environment is named."""
        return registry_settings.load(self._named(), self.files.root)

    def ledger(self) -> Ledger:
        """The environment's ledger, to be read. Raises what opening raises."""
        return stores.ledger(self._named(), self.files.root, self.variables)

    def events(self) -> list[HistoryEvent]:
        """The registry's moves. Raises UsageError where it has none yet."""
        events = events_if_there(self.settings(), self.files.root, self.config.project.name)
        if events is None:
            raise UsageError("the registry has no history yet")
        return events

    def _named(self) -> Path:
        if self.site is None:
            raise UsageError(NO_ENVIRONMENT)
        return self.site


@dataclass(frozen=True)
class RepositoryAnswer:
    """What a check came to, and the file that its answer stands on, below the root."""

    verdict: Verdict
    sentence: str
    path: Path


def answer(name: str, scope: Scope) -> RepositoryAnswer:
    """The answer of a check by its name. What it needs and cannot have is a FAIL, and so is an unknown name."""
    if name not in CHECKS:
        sentence = f"there is no check {name!r}; known: {', '.join(CHECKS)}"
        return RepositoryAnswer("FAIL", sentence, scope.files.config)
    check, evidence = CHECKS[name]
    path = scope.site or scope.files.config if evidence is None else scope.files.root / evidence
    try:
        fault, sentence = check(scope)
    except CreditRiskError as error:
        return RepositoryAnswer("FAIL", " ".join(str(error).split()), path)
    return RepositoryAnswer("FAIL" if fault else "PASS", fault or sentence, path)


CheckResult = tuple[str | None, str]
"""What speaks against it, None if nothing does; and what was seen."""


def _data_controls(scope: Scope) -> CheckResult:
    framework = scope.policy.framework
    report = validate_data.validate(scope.config, scope.files, frameworks=(framework,), rules=False)
    failed = [f"{its.id}: {its.sentence}" for its in report.compliance if its.verdict == "FAIL"]
    return "; ".join(failed) or None, f"all {len(report.compliance)} data controls of {framework} hold"


def _ledger_holds(scope: Scope) -> CheckResult:
    with scope.ledger() as ledger:
        verified = verification.verify(ledger)
    return (
        None if verified.holds else "; ".join(verified.faults)
    ), f"{counted(verified.entries, 'entry', 'entries')} in an unbroken chain"


def _decisions_go_on_time(scope: Scope) -> CheckResult:
    if find_spec("credit_risk.retention") is None:
        return "the part `retention` was taken out, so nothing forgets on time", ""
    months = scope.policy.statements.get("retention_months")
    if not isinstance(months, int):
        return "statements.retention_months is not there", ""
    purge, term = import_module(PURGE), import_module(TERM)
    day = term.first_kept(scope.today, months)
    with scope.ledger() as ledger:
        on_hold = {hold.key for hold in ledger.holds().values()}
        late = [key for key in purge.due(ledger, day) if key.number not in on_hold]
    fault = (
        f"{counted(len(late), 'key')} of decisions before {day} not destroyed: credit-risk ledger purge"
        if late
        else None
    )
    return fault, f"no decision from before {day} can be read, but those on hold"


def _erasure_works(scope: Scope) -> CheckResult:
    """Two persons are recorded in a ledger made for it, one is erased, and every file is searched for their key."""
    with tempfile.TemporaryDirectory(prefix="credit-risk-erasure-") as folder:
        url = f"sqlite:///{folder}/drill.db"
        application = examples.application(scope.scorer.config)
        decided = scope.scorer.decide(application).record()
        by = DecidedBy(scope.scorer.digest, "", "", "")
        with Ledger.open(url, key=os.urandom(32)) as ledger:
            for person in ("drill-erased", "drill-kept"):
                ledger.append([Entry(application, decided, by, applicant=person)])
            with ledger.store.core() as connection:
                first = connection.execute(select(keys.c.wrapped).order_by(keys.c.number)).scalars().first()
            ledger.erase("drill-erased", by="the check of erasure")
            gone = list(ledger.decisions_about("drill-erased"))
            kept = list(ledger.decisions_about("drill-kept"))
        left = [path.name for path in Path(folder).iterdir() if first and first in path.read_bytes()]
    faults = [f"the key of an erased person still stands in {name}" for name in left]
    faults += ["an erased person's decision can be read"] if any(record.inputs is not None for record in gone) else []
    faults += [] if kept and kept[0].inputs == application else ["the erasure took another person's decision along"]
    return "; ".join(faults) or None, "a person was erased from a ledger: their key stands in no file of it any more"


def _registry_holds(scope: Scope) -> CheckResult:
    events = scope.events()
    return None, f"{counted(len(events), 'move')} in an unbroken chain, and the last one is signed for"


def _four_eyes(scope: Scope) -> CheckResult:
    if scope.settings().four_eyes != "identities":
        return "registry.four_eyes: names believes whatever name is typed; expected identities", ""
    events = scope.events()
    alone = [
        f"version {event.version} was registered and moved ({event.move}) by one person"
        for event in events
        if event.move in CHECKED and same_person(event.by, registered(events, event.version).by)
    ]
    return "; ".join(alone) or None, f"none of {counted(len(events), 'move')} was checked by who made what it moved"


def _registered(scope: Scope) -> CheckResult:
    mine = [event for event in scope.events() if event.move == "register" and event.scorer == scope.scorer.digest]
    fault = None if mine else f"scorer {scope.scorer.digest[:12]} is in no registration of the registry's history"
    return fault, f"scorer {scope.scorer.digest[:12]} is registered"


def _signed(scope: Scope) -> CheckResult:
    signing.verify_release(scope.files, scope.settings().signed_by)
    return None, "scorer and gate record are, to the byte, what was signed with the key of this environment"


def _traced(scope: Scope) -> CheckResult:
    ran = lineage.stages(scope.files)
    changed = lineage.changed(scope.files, ran)
    return "; ".join(
        changed[:5]
    ) or None, f"every file that {counted(len(ran), 'step')} read or wrote is what was recorded"


def _inventory_whole(scope: Scope) -> CheckResult:
    entry, tiers = inventory.load(scope.files.root), inventory.load_tiers(scope.files.root)
    tier = inventory.tier_of(entry, tiers)
    faults = inventory.faults(entry, tier, scope.config, scope.today)
    faults += inventory.faults_of_parts(tier, scope.files, scope.scorer.digest)
    return "; ".join(faults) or None, f"the entry is whole, and the model is of tier {tier.tier}"


def _findings_on_time(scope: Scope) -> CheckResult:
    known = findings.register(Records(scope.files.root, scope.settings().signed_by).read())
    overdue = [finding.id for finding in known.values() if finding.is_overdue(scope.today)]
    fault = f"findings are overdue: {', '.join(overdue)}" if overdue else None
    return fault, f"none of {counted(len(known), 'finding')} is overdue"


CHECKS: Mapping[str, tuple[Callable[[Scope], CheckResult], str | None]] = {
    "data_controls": (_data_controls, "data.dvc"),
    "ledger_holds": (_ledger_holds, None),
    "decisions_go_on_time": (_decisions_go_on_time, None),
    "erasure_works": (_erasure_works, "models/scorer/config.json"),
    "registry_holds": (_registry_holds, None),
    "four_eyes": (_four_eyes, None),
    "registered": (_registered, None),
    "signed": (_signed, "models/scorer.sig"),
    "traced": (_traced, "dvc.lock"),
    "inventory_whole": (_inventory_whole, "configs/model-inventory.yaml"),
    "findings_on_time": (_findings_on_time, "governance/records.jsonl"),
}
"""Each check with the file that its answer stands on; None stands for the environment's file."""

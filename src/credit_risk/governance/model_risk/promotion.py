"""What a promotion waits for besides the gate: inventory, opinion, findings. Asked by registry.conditions, by name."""

from datetime import date
from pathlib import Path

from credit_risk.config import load
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.errors import CreditRiskError
from credit_risk.governance.model_risk import change, findings, inventory, opinion
from credit_risk.governance.model_risk.inventory import Inventory, TierPolicy
from credit_risk.governance.records import Entered, Records, last
from credit_risk.modelling import champion
from credit_risk.scoring.signing import SignedBy


def refusals(root: Path, signed_by: SignedBy, scorer: str, today: date) -> list[str]:
    """Why a scorer, by its digest, may not be promoted today, a sentence each; empty if it may.

    What cannot be read is a reason. The scorer of the repository must be the one that is promoted: what is said of it
    is computed from its files.
    """
    try:
        return _refusals(Files(root), Records(root, signed_by), scorer, today)
    except CreditRiskError as error:
        return [str(error)]


def _refusals(files: Files, records: Records, scorer: str, today: date) -> list[str]:
    if digest.of_directory(files.scorer) != scorer:
        return [f"models/scorer is not scorer {scorer[:12]}, so nobody can say how far it is from the champion"]
    config = load(files.config)
    entry, policy, entries = inventory.load(files.root), inventory.load_tiers(files.root), records.read()
    tier = inventory.tier_of(entry, policy)
    known = findings.register(entries)
    reasons = [f"inventory: {fault}" for fault in inventory.faults(entry, tier, config, today)]
    reasons += inventory.faults_of_parts(tier, files, scorer)
    reasons += findings.blocking(known, today)
    released = champion.release(files)
    changed = change.since(released.scorer if released.root.is_dir() else None, files.scorer)
    reasons += of_change(changed, entry, policy, entries, scorer)
    return reasons


def of_change(
    changed: change.ModelChange, entry: Inventory, policy: TierPolicy, entries: list[Entered], scorer: str
) -> list[str]:
    """What the class of the change asks for and is not there: an opinion of this scorer, an approval after it."""
    needs, reasons = policy.changes[changed.name], []
    if needs.opinion and (fault := opinion.fault(entries, scorer)):
        reasons.append(f"{changed.name} ({changed.because}): {fault}")
    given = last(entries, "opinion", scorer)
    day = entry.approval.on
    renewed = given is not None and day is not None and day >= given.at.date()
    if (needs.approval or changed.name in entry.review_after) and not renewed:
        reasons.append(f"{changed.name} ({changed.because}): its use must be approved again, after the opinion")
    severe = [finding for finding in findings.register(entries).values() if finding.severity == "severe"]
    opened = [item.at.date() for item in entries if item.kind == "open" and item.about in {f.id for f in severe}]
    if "severe_finding" in entry.review_after and opened and (day is None or day < max(opened)):
        reasons.append(f"a severe finding was opened on {max(opened)}: its use must be approved again")
    return reasons

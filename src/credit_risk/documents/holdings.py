"""What a bundle of evidence holds, by what it answers: files and folders of the repository, and what is computed."""

from collections.abc import Mapping
from typing import Final

HISTORY: Final = "registry/history.json"
AUDIT_LOG: Final = "records/audit-log.json"
FINDINGS: Final = "records/findings.json"
INVENTORY: Final = "records/inventory.json"
ROLES: Final = "records/roles.json"
AUDITS: Final = "reports/audits"
LINEAGE: Final = "reports/data_lineage.json"
# Computed when the bundle is made, from registry, records, ledger and policies; never copied.
COMPUTED: Final = (HISTORY, AUDIT_LOG, FINDINGS, INVENTORY, ROLES, AUDITS, LINEAGE)
SEALING: Final = ("manifest.json", "manifest.sig", "signing.pub", "verify.py")  # written last, in every bundle
CONTENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "The scorer, the gate's record of it, and their signatures": (
        *("models/scorer", "models/scorer.sig", "models/challenger", "reports/gate.json", "models/gate.sig"),
    ),
    "Figures of every stage": (
        *(
            f"reports/{name}.json"
            for name in (
                *("validation", "preparation", "selection", "metrics", "splits", "fairness", "explain", "robustness"),
                "latency",
            )
        ),
        *("reports/plots", "reports/fairness", "reports/explain", "reports/robustness", "reports/stability"),
        "reports/dictionary.md",
    ),
    "Reports of optional parts": (
        "reports/parts",
        "reports/validator",  # part: validator
        "reports/monitoring.json",  # part: monitoring
        "reports/monitoring.html",  # part: monitoring
    ),
    "Lineage: what was made from what": (LINEAGE, "dvc.lock", "dvc.yaml", "data.dvc"),
    "Audits by framework": (AUDITS,),
    "Policies, inventory and settings": (
        *("configs/credit.yaml", "configs/model.yaml", "configs/wordings.yaml", "configs/documents.yaml"),
        *("configs/deploy", "configs/policies"),
        "configs/model-inventory.yaml",  # part: governance
        "configs/macro.yaml",  # part: validator
        "configs/monitoring.yaml",  # part: monitoring
        "configs/retraining.yaml",  # part: retraining
        "configs/notices.yaml",  # part: notices
    ),
    "The model's tier, findings, and who may do what": (
        INVENTORY,
        FINDINGS,
        ROLES,  # part: roles
    ),
    "What persons put on record: findings, opinions, answers": ("governance",),
    "Waivers": ("configs/waivers",),
    "Who did what, when and why; the registry's moves, and what may be live": (
        *(AUDIT_LOG, HISTORY, "models/live.json"),
    ),
    "Packages: the bill of materials, and whose data and code it is": (
        *("build/sbom.json", "requirements/serving.txt", "NOTICE", "LICENSE"),
    ),
    "How it works, and what changed": ("docs", "CHANGELOG.md", "SECURITY.md"),
}


def holds(path: str) -> bool:
    """Whether a bundle has this file or folder, or a folder above it, among its contents."""
    names = ["documents", *SEALING, *(name for names in CONTENTS.values() for name in names)]
    return any(path == name or path.startswith(f"{name}/") for name in names)

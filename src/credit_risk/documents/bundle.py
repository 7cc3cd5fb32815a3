"""A release's evidence as one signed folder: documents, reports, gate record, policies, records, lineage, scorer.

What is not there is on the list `absent`, in the manifest and on the index page: a third party sees what they lack.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from credit_risk.data import digest
from credit_risk.data.writing import write_directory, write_json, write_text
from credit_risk.documents import pages
from credit_risk.errors import NotFound, UsageError
from credit_risk.registry.lifecycle import HistoryEvent, standing
from credit_risk.scoring import signing

MARK = "manifest.json"
HISTORY = "registry/history.json"  # written here, from the registry
VERIFIER = Path(__file__).with_name("verify.py")
# What goes in, by what it answers; a folder goes whole.
CONTENTS: Mapping[str, tuple[str, ...]] = {
    "The scorer, the gate's record of it, and their signatures": (
        *("models/scorer", "models/scorer.sig", "reports/gate.json", "models/gate.sig"),
    ),
    "Figures of every stage": tuple(
        f"reports/{name}.json"
        for name in (
            *("validation", "preparation", "selection", "metrics", "splits", "fairness", "explain", "robustness"),
            "latency",
        )
    ),
    "Reports of optional parts": ("reports/parts",),
    "Lineage: what was made from what": ("reports/data_lineage.json", "dvc.lock", "dvc.yaml", "data.dvc"),
    "Audits by framework": ("reports/audits",),
    "Policies, inventory and settings": (
        "configs/credit.yaml",
        "configs/policies",
        "configs/model-inventory.yaml",  # part: governance
    ),
    "What persons put on record: findings, opinions, answers": ("governance",),
    "Waivers": ("configs/waivers",),
    "The registry's moves and what may be live": (HISTORY, "models/live.json"),
    "Packages: the bill of materials": ("build/sbom.json", "requirements/serving.txt"),
}


def write(root: Path, folder: Path, key: Path, at: datetime, history: Sequence[HistoryEvent]) -> dict[str, Any]:
    """Write, list and sign the bundle, whole or not at all; returns the manifest.

    key: the private key's file. history: every move of the registry, none where nothing was ever registered.
    """

    def fill(bundle: Path) -> None:
        documents = pages.write(root, bundle / "documents")
        if history:
            roles = {str(version): role for version, role in standing(history).roles.items()}
            write_json(bundle / HISTORY, {"roles": roles, "moves": [move.as_json() for move in history]})
        names = [name for names in CONTENTS.values() for name in names]
        absent = [name for name in names if not (history if name == HISTORY else _copied(root / name, bundle / name))]
        index = page(
            "index.html.j2",
            title="Evidence of a release",
            at=at.isoformat(timespec="seconds"),
            scorer=digest.of_directory(root / "models" / "scorer"),
            documents=[path.name for path in documents.paths],
            contents={heading: [(name, name in absent) for name in names] for heading, names in CONTENTS.items()},
            owed=[*documents.missing, *documents.unread],
        )
        write_text(bundle / "index.html", index)
        manifest.update(seal(bundle, key, {"at": at.isoformat(), "absent": absent, "not_written": documents.missing}))

    manifest: dict[str, Any] = {}
    write_directory(folder, fill, mark=MARK)
    return manifest


def seal(folder: Path, key: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """List every file of a folder by SHA-256 beside these facts, sign the list, and put the verifier to it.

    Raises NotFound without the key, UsageError for one that cannot sign.
    """
    private = _private(key)
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    (folder / "signing.pub").write_bytes(private.public_key().public_bytes(*form))
    shutil.copyfile(VERIFIER, folder / "verify.py")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): digest.of_file(path) for path in paths}
    manifest = {**facts, "files": files}
    write_json(folder / MARK, manifest)
    # As `openssl dgst -sha256 -verify` reads it.
    signed = private.sign((folder / MARK).read_bytes(), ec.ECDSA(hashes.SHA256()))
    (folder / "manifest.sig").write_bytes(signed)
    return manifest


def _private(key: Path) -> ec.EllipticCurvePrivateKey:
    if not key.is_file():
        raise NotFound(key, f"{signing.VARIABLE} names the private key's file.")
    word = os.environ.get(signing.OPENED_BY)
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), word.encode() if word else None)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{key} is no private key that can sign ({error}).") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise UsageError(f"{key} is no private key of an elliptic curve.")
    return private


def page(name: str, **values: Any) -> str:
    """A page of this package, in the report's form."""
    loader = ChoiceLoader([PackageLoader(f"credit_risk.{package}", ".") for package in ("documents", "report")])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template(name).render(**values)


def _copied(source: Path, target: Path) -> bool:
    """Copy a file or folder; whether it was there."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
        return True
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return source.is_file()

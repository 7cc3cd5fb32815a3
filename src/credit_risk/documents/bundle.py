"""A release's evidence as one signed folder: documents, reports, gate record, policies, records, lineage, scorer.

What is not there is on the list `absent`, in the manifest and on the index page: a third party sees what they lack.
"""

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from credit_risk.data import digest
from credit_risk.data.writing import write_directory, write_json, write_text
from credit_risk.documents import pages, settings
from credit_risk.documents.holdings import COMPUTED, CONTENTS
from credit_risk.documents.questions import answered
from credit_risk.errors import NotFound, UsageError
from credit_risk.scoring import signing

MARK = "manifest.json"
VERIFIER = Path(__file__).with_name("verify.py")


def write(root: Path, folder: Path, key: Path, at: datetime, computed: Mapping[str, Any]) -> dict[str, Any]:
    """Write, list and sign the bundle, whole or not at all; returns the manifest.

    key: the private key's file. computed: each file that is no copy, by its path in the bundle (documents.computed).
    """

    def fill(bundle: Path) -> None:
        documents = pages.write(root, bundle / "documents")
        for path, facts in computed.items():
            write_json(bundle / path, facts)
        names = [name for names in CONTENTS.values() for name in names]
        absent = [name for name in names if not _gathered(name, root, bundle)]
        questions = answered(settings.load(root).questions, bundle)
        index = page(
            "index.html.j2",
            title="Evidence of a release",
            at=at.isoformat(timespec="seconds"),
            scorer=digest.of_directory(root / "models" / "scorer"),
            documents=[path.name for path in documents.paths],
            contents={heading: [(name, name in absent) for name in names] for heading, names in CONTENTS.items()},
            owed=[*(settings.TEXTS.as_posix() + f"/{name}.md" for name in documents.missing), *documents.unread],
            questions=questions,
        )
        write_text(bundle / "index.html", index)
        facts = {"at": at.isoformat(), "absent": absent, "not_written": documents.missing}
        facts["questions"] = {
            state: [question.text for question in questions if question.state == state]
            for state in ("answered", "owed", "partly", "open")
        }
        manifest.update(seal(bundle, key, facts))

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


def _gathered(name: str, root: Path, bundle: Path) -> bool:
    """Copy a file or folder of the repository, or leave it to what was computed; whether it is there now."""
    source, target = root / name, bundle / name
    if name in COMPUTED:
        return target.exists()
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
        return True
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return source.is_file()

"""A release as one folder: signed scorer and gate record, bill of materials with model and data, how it was built.

models/scorer, models/scorer.sig, reports/gate.json, models/gate.sig   what `credit-risk serve --root` takes
sbom.json          CycloneDX: the packages that decide, the model and the data it was made from
provenance.json    an in-toto statement in the form of SLSA's provenance, over every file of the release
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion

from credit_risk.config import Config
from credit_risk.data import digest, provenance
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_directory, write_json, write_text
from credit_risk.errors import CheckFailed, NotFound
from credit_risk.scoring import signing
from credit_risk.scoring.release_files import copy_release_files, verified_release
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import gate

PACKAGE = "credit-risk"
PROJECT = Path(__file__).parents[3] / "pyproject.toml"
MARK = "provenance.json"
LOCK = "requirements/serving.txt"
BUILD_TYPE = "urn:credit-risk:release:1"  # what resolvedDependencies and externalParameters mean here


def version(project: Path = PROJECT) -> str:
    """The version of the code that runs: by its pyproject.toml, or as installed where it runs without one.

    What is installed for editing keeps the version of the day when it was installed.
    """
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version(PACKAGE)


@dataclass(frozen=True)
class Built:
    """Where, when and by which version of the code a release was built. environment: GitHub's variables, if any."""

    environment: Mapping[str, str]
    at: datetime
    version: str = field(default_factory=version)


def bundle(config: Config, files: Files, by: signing.SignedBy, sbom: Path, to: Path, *, built: Built) -> None:
    """Write the release folder, whole or not at all.

    by: who must have signed it. sbom: the packages' bill of materials, as `make sbom` writes it.
    Raises CheckFailed if the gate does not let the scorer pass, SignatureRefused if it is not signed, NotFound.
    """
    record = gate.check(files)
    with verified_release(files, by) as verified:
        if not sbom.is_file():
            raise NotFound(sbom, "It lists the packages: run `make sbom`.")
        raw = {source.path: digest.of_file(files.root / source.path) for source in config.data.sources}
        scorer = Scorer.load(verified.scorer)
        if scorer.digest != record["digests"]["scorer"] or read_json(verified.report("gate")) != record:
            raise CheckFailed("The scorer or its gate record was exchanged while this was built. Build it again.")

        def fill(folder: Path) -> None:
            copy_release_files(verified, folder)
            packages = sbom.read_text(encoding="utf-8")
            write_text(folder / "sbom.json", materials(packages, scorer, record["digests"], raw, built.version))
            write_json(folder / MARK, statement(config, files, folder, raw, built))

        write_directory(to, fill, mark=MARK)


def materials(
    packages: str, scorer: Scorer, digests: Mapping[str, str], raw: Mapping[str, str], code_version: str
) -> str:
    """The packages' bill of materials (CycloneDX JSON) with our code, the model and the data added to it."""
    bom = Bom.from_json(json.loads(packages))  # type: ignore[attr-defined]
    code = Component(type=ComponentType.APPLICATION, name=PACKAGE, version=code_version, bom_ref=f"code:{code_version}")
    model = Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=scorer.config.project.name,
        version=scorer.digest[:12],
        description=f"{scorer.config.project.title}: {scorer.model.kind}, {len(scorer.config.features)} features",
        hashes=[_sha256(scorer.digest)],
        properties=[Property(name=f"credit-risk:{name}", value=value) for name, value in sorted(digests.items())],
        bom_ref=f"model:{scorer.digest}",
    )
    data = [
        Component(type=ComponentType.DATA, name=path, hashes=[_sha256(sha256)], bom_ref=f"data:{sha256}")
        for path, sha256 in raw.items()
    ]
    bom.components |= {code, model, *data}
    bom.register_dependency(model, [code, *data])
    return str(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)) + "\n"


def statement(config: Config, files: Files, folder: Path, raw: Mapping[str, str], built: Built) -> dict[str, Any]:
    """Who built what from what: an in-toto statement v1 with SLSA's provenance v1 as its predicate."""
    subjects = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": path.relative_to(folder).as_posix(), "digest": {"sha256": digest.of_file(path)}}
            for path in subjects
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "project": config.project.name,
                    "ref": built.environment.get("GITHUB_REF", ""),
                    "version": built.version,
                },
                "internalParameters": {"uncommitted": list(provenance.uncommitted(files.root, "src", "configs"))},
                "resolvedDependencies": _built_from(files, raw, built.environment),
            },
            "runDetails": _run(built),
        },
    }


def _built_from(files: Files, raw: Mapping[str, str], environment: Mapping[str, str]) -> list[dict[str, Any]]:
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    commit = provenance.commit(files.root)
    source = {
        "uri": f"git+{server}/{repository}" if repository else "git+file:.",
        "digest": {"gitCommit": commit or ""},
    }
    paths = ["dvc.lock", LOCK, files.config.relative_to(files.root).as_posix()]
    named = {path: digest.of_file(files.root / path) for path in paths if (files.root / path).is_file()}
    return [source, *({"name": path, "digest": {"sha256": sha256}} for path, sha256 in {**named, **raw}.items())]


def _run(built: Built) -> dict[str, Any]:
    """GitHub's run, or this machine, which vouches for nothing."""
    environment = built.environment
    builder, run = environment.get("GITHUB_WORKFLOW_REF"), environment.get("GITHUB_RUN_ID")
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    where = {"invocationId": f"{server}/{repository}/actions/runs/{run}"} if run else {}
    return {
        "builder": {"id": f"{server}/{builder}" if builder else "urn:credit-risk:by-hand"},
        "metadata": where | {"finishedOn": built.at.isoformat(timespec="seconds")},
    }


def _sha256(value: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=value)

"""A release: what is in it is valid, complete and signed; what the gate stops or nobody signed is no release."""

import json
import tomllib
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion

from credit_risk.config import load
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import InTheWay
from credit_risk.errors import CheckFailed, NotFound
from credit_risk.registry.release import Built, bundle, version
from credit_risk.scoring import signing
from exchange_trial import exchange
from judged import judge

__all__ = ["exchange"]

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
BY = signing.SignedBy(public_key="build/signing/signing.pub")
PACKAGES = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "components": [{"type": "library", "name": "lightgbm", "version": "4.7.0", "bom-ref": "lightgbm"}],
}
GITHUB = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/credit-risk",
    "GITHUB_WORKFLOW_REF": "acme/credit-risk/.github/workflows/release.yml@refs/tags/v1",
    "GITHUB_RUN_ID": "7",
    "GITHUB_REF": "refs/tags/v1",
}


@pytest.fixture
def release(files, tmp_path):
    """Lays a release out and gives its folder."""
    sbom = tmp_path / "sbom.json"
    sbom.write_text(json.dumps(PACKAGES))

    def lay_out(environment=GITHUB, sbom: Path = sbom) -> Path:
        to = tmp_path / "release"
        bundle(load(files.config), files, BY, sbom, to, built=Built(environment, NOON))
        return to

    return lay_out


def test_a_release_holds_what_a_service_takes_and_verifies_on_its_own(release, files):
    place = Files(release())
    signing.verify_release(place, signing.SignedBy(public_key=str(files.root / "build/signing/signing.pub")))
    assert digest.of_directory(place.scorer) == digest.of_directory(files.scorer)


def test_the_bill_of_materials_is_valid_and_names_packages_model_and_data(release, files):
    # Here alone: it builds grammars for seconds when it is imported, and every worker collects this file.
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    text = (release() / "sbom.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parts = {part["type"]: part for part in json.loads(text)["components"]}
    scorer = digest.of_directory(files.scorer)
    assert parts["library"]["name"] == "lightgbm"
    assert parts["machine-learning-model"]["hashes"] == [{"alg": "SHA-256", "content": scorer}]
    assert parts["data"]["name"] == "data/applications.csv"
    assert parts["data"]["hashes"][0]["content"] == digest.of_file(files.root / "data/applications.csv")
    made_of = {one["ref"]: one.get("dependsOn", []) for one in json.loads(text)["dependencies"]}
    assert set(made_of[f"model:{scorer}"]) == {parts["data"]["bom-ref"], parts["application"]["bom-ref"]}


def test_the_version_is_that_of_the_project_in_both_documents(release):
    place = release()
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (code,) = (
        part for part in json.loads((place / "sbom.json").read_text())["components"] if part["type"] == "application"
    )
    assert (code["name"], code["version"]) == (project["name"], project["version"])
    build = json.loads((place / "provenance.json").read_text())["predicate"]["buildDefinition"]
    assert build["externalParameters"]["version"] == project["version"]


def test_the_provenance_names_every_file_its_origin_and_its_builder(release, files):
    place = release()
    told = json.loads((place / "provenance.json").read_text())
    assert (told["_type"], told["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    subjects = {one["name"]: one["digest"]["sha256"] for one in told["subject"]}
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()} - {"provenance.json"}
    assert set(subjects) == there
    assert all(digest.of_file(place / name) == sha256 for name, sha256 in subjects.items())
    build, run = told["predicate"]["buildDefinition"], told["predicate"]["runDetails"]
    named = {one.get("name"): one["digest"] for one in build["resolvedDependencies"]}
    assert named["data/applications.csv"] == {"sha256": digest.of_file(files.root / "data/applications.csv")}
    assert named["configs/credit.yaml"] == {"sha256": digest.of_file(files.config)}
    assert build["resolvedDependencies"][0]["uri"] == "git+https://github.com/acme/credit-risk"
    assert run["builder"]["id"] == f"https://github.com/{GITHUB['GITHUB_WORKFLOW_REF']}"
    assert run["metadata"]["invocationId"] == "https://github.com/acme/credit-risk/actions/runs/7"


def test_without_its_project_file_the_version_is_that_of_the_installed_package(tmp_path):
    assert version(tmp_path / "pyproject.toml") == metadata.version("credit-risk")


def test_a_release_by_hand_vouches_for_no_builder(release):
    told = json.loads((release({}) / "provenance.json").read_text())["predicate"]["runDetails"]
    assert told["builder"]["id"] == "urn:credit-risk:by-hand"
    assert told["metadata"] == {"finishedOn": "2026-11-25T12:00:00+00:00"}


def test_the_scorer_that_was_verified_is_the_one_of_the_release(release, files, exchange):
    before = digest.of_directory(files.scorer)
    exchanged = exchange(files.scorer)
    assert digest.of_directory(Files(release()).scorer) == before
    assert exchanged


def test_what_the_gate_stops_is_no_release(release, files, tmp_path):
    judge(files, auc_low=0.45, auc_high=0.55)
    with pytest.raises(CheckFailed, match="FAIL discrimination"):
        release()
    assert not (tmp_path / "release").exists()


def test_what_is_not_signed_is_no_release(release, files, tmp_path):
    files.gate_signature.unlink()
    with pytest.raises(signing.SignatureRefused, match=r"gate.json is not signed"):
        release()
    assert not (tmp_path / "release").exists()


def test_without_the_packages_there_is_no_release(release, tmp_path):
    with pytest.raises(NotFound, match="make sbom"):
        release(sbom=tmp_path / "none.json")


def test_a_release_replaces_an_older_one_and_nothing_else(release, tmp_path):
    release()
    release()
    (tmp_path / "release" / "provenance.json").unlink()
    with pytest.raises(InTheWay):
        release()

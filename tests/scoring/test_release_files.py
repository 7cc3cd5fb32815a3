"""A release is four files, and who copies one copies these and nothing else; what is verified is what is used."""

import ast
import shutil
from pathlib import Path

import pytest

import credit_risk
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json
from credit_risk.errors import CheckFailed, NotFound
from credit_risk.scoring import signing
from credit_risk.scoring.release_files import copy_release_files, release_files, sign_judged, verified_scorer
from credit_risk.scoring.signing import SignatureRefused, SignedBy
from exchange_trial import approve_nearly_everybody, exchange

__all__ = ["exchange"]

BY = SignedBy(public_key="signing.pub")
# Whoever decides for others, and where a scorer is loaded there: from bytes that were verified, or in a trial.
DECIDING = ("batch", "registry", "rollout", "serving")
LOADING = {
    "batch/dask_engine.py",  # part: dask: a worker, a folder of its own, and only what has the verified scorer's digest
    "batch/signed.py",  # in a trial, which asks for no signature
    "registry/mlflow/promotion.py",  # a copy that was fetched, and verified with it
    "registry/mlflow/pyfunc.py",  # MLflow's own server, which knows nothing of signatures
    "registry/mlflow/register.py",
    "registry/mlflow/signature_validation.py",  # a copy that was fetched, and verified with it
    "registry/release.py",
    "serving/engine.py",
}


def names(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_release_is_scorer_and_gate_record_each_with_its_signature(tmp_path):
    paths = [path.relative_to(tmp_path).as_posix() for path in release_files(Files(tmp_path))]
    assert paths == ["models/scorer", "models/scorer.sig", "reports/gate.json", "models/gate.sig"]


def test_what_there_is_of_it_is_copied_and_nothing_else(tmp_path):
    files = Files(tmp_path / "from")
    for path in (files.scorer / "scorer.json", files.report("gate"), files.gate_signature, files.report("metrics")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    copy_release_files(files, tmp_path / "to")
    assert names(tmp_path / "to") == ["models/gate.sig", "models/scorer/scorer.json", "reports/gate.json"]


@pytest.mark.parametrize("changed", ["nothing", "scorer", "record"])
def test_only_what_was_judged_is_signed(trained, tmp_path, changed):
    files = Files(tmp_path)
    shutil.copytree(trained[1].scorer, files.scorer)
    record = {"verdict": "PASS", "digest": digest.of_directory(files.scorer)}
    write_json(files.report("gate"), record if changed != "record" else {**record, "verdict": "FAIL"})
    signing.make_keys(tmp_path / "signing.key")
    if changed == "scorer":
        approve_nearly_everybody(files.scorer)
    if changed == "nothing":
        assert sign_judged(files, record, tmp_path / "signing.key") == [files.scorer_signature, files.gate_signature]
        signing.verify_release(files, BY)
        assert sign_judged(files, record, tmp_path / "signing.key") == []
    else:
        with pytest.raises(CheckFailed, match="nothing was signed"):
            sign_judged(files, record, tmp_path / "signing.key")
        assert not files.scorer_signature.exists()


@pytest.fixture
def signed(trained, tmp_path):
    """A scorer and its signature beside it, below a root with the public key."""
    signing.make_keys(tmp_path / "signing.key")
    path = shutil.copytree(trained[1].scorer, tmp_path / "elsewhere" / "champion")
    signing.sign(path, path.with_name("champion.sig"), tmp_path / "signing.key")
    return path


def test_a_signed_scorer_is_loaded_and_one_that_was_altered_or_is_not_signed_is_refused(signed, tmp_path):
    assert verified_scorer(signed, BY, tmp_path).digest == digest.of_directory(signed)
    approve_nearly_everybody(signed)
    with pytest.raises(SignatureRefused, match=rf"{signed}: it is not what was signed: scorer.json was altered"):
        verified_scorer(signed, BY, tmp_path)
    signed.with_name("champion.sig").unlink()
    with pytest.raises(SignatureRefused, match=rf"{signed} is not signed \({signed}.sig is missing\)"):
        verified_scorer(signed, BY, tmp_path)
    with pytest.raises(NotFound, match="no scorer to decide with"):
        verified_scorer(tmp_path / "nowhere", BY, tmp_path)


def test_the_scorer_that_was_verified_is_the_one_that_is_loaded(signed, tmp_path, exchange):
    before = digest.of_directory(signed)
    exchanged = exchange(signed)
    assert verified_scorer(signed, BY, tmp_path).digest == before
    assert exchanged
    assert digest.of_directory(signed) != before


def test_whoever_decides_for_others_loads_no_scorer_from_a_path_that_anybody_may_write():
    package = Path(credit_risk.__file__).parent
    files = [path for part in DECIDING for path in (package / part).rglob("*.py")]
    loading = {path.relative_to(package).as_posix() for path in files if "Scorer.load" in calls(path)}
    assert loading <= LOADING


def calls(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}

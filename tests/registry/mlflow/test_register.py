"""Registering: what MLflow holds afterwards, the same decisions from it, and nothing half-done whatever breaks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest

from credit_risk.config import load
from credit_risk.data import digest
from credit_risk.data.inputs import Inputs
from credit_risk.data.writing import read_json, read_parquet
from credit_risk.errors import CheckFailed, NotFound, UsageError
from credit_risk.registry.errors import RegistryUnavailable
from credit_risk.registry.history import History
from credit_risk.registry.lifecycle import MoveRefused
from credit_risk.registry.mlflow import packing, schemas
from credit_risk.registry.mlflow import register as module
from credit_risk.registry.mlflow.registry import Registry
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from exchange_trial import exchange
from judged import judge
from registry_trial import assemble_again, kept_files, registry

__all__ = ["exchange"]


def run_of(opened: Registry):
    client = mlflow.MlflowClient(opened.tracking.url, opened.tracking.url)
    version = client.search_model_versions(f"name = '{opened.tracking.name}'")[0]
    return client, version, client.get_run(version.run_id)


def test_a_registration_holds_parameters_figures_data_record_and_origin(opened, files, registered):
    event = registered(run_name="third quarter", tags={"environment": "staging"})
    client, version, run = run_of(opened)
    scorer = digest.of_directory(files.scorer)
    assert (event.version, event.move, event.scorer, event.by) == (1, "register", scorer, "Kim Lee")
    assert run.info.run_name == "third quarter"
    assert run.info.status == "FINISHED"
    assert run.data.params["policy.lgd"] == str(load(files.config).policy.lgd)
    assert run.data.params["policy.bands.A.minimum"] == str(load(files.config).policy.bands[0].minimum)
    figures = read_json(files.report("metrics"))
    assert run.data.metrics == {f"test.{name}": value for name, value in figures["test"].items()} | {
        "monotone.violations": 0
    }
    assert {one.dataset.name for one in run.inputs.dataset_inputs} == {"applications", "train", "selection", "test"}
    raw = next(one.dataset for one in run.inputs.dataset_inputs if one.dataset.name == "applications")
    assert json.loads(raw.profile)["sha256"] == digest.of_file(files.root / "data" / "applications.csv")
    assert run.data.tags["environment"] == "staging"
    for tags in (run.data.tags, version.tags):
        assert tags["scorer"] == tags["digest.scorer"] == scorer
        assert tags["gate_record"] == digest.of_file(files.report("gate"))
    assert {one.path for one in client.list_artifacts(version.run_id)} == {"reports", "scorer"}
    assert event.facts["raw"] == {"data/applications.csv": digest.of_file(files.root / "data/applications.csv")}
    assert event.facts["digests"] == json.loads(files.report("gate").read_bytes())["digests"]


def test_what_was_exported_of_the_scorer_stands_in_its_record_by_digest(opened, files, registered):
    folder, scorer = files.reports / "exports", digest.of_directory(files.scorer)
    folder.mkdir()
    (folder / "scorecard.sql").write_text("SELECT 1")
    record = {"scorer": scorer, "files": {"scorecard.sql": {"sha256": digest.of_file(folder / "scorecard.sql")}}}
    (folder / "exports.json").write_text(json.dumps(record))
    event = registered()
    assert event.facts["exports"] == {"scorecard.sql": digest.of_file(folder / "scorecard.sql")}
    client, version, _ = run_of(opened)
    logged = [one.path for one in client.list_artifacts(version.run_id, "reports/exports")]
    assert sorted(logged) == ["reports/exports/exports.json", "reports/exports/scorecard.sql"]
    for changed in ({"scorer": "other"}, {"files": {}}):
        (folder / "exports.json").write_text(json.dumps(record | changed))
        with pytest.raises(CheckFailed, match="does not hold what was exported of this scorer"):
            module.exported(files, scorer)


def test_nothing_registered_is_a_pickle(opened, registered):
    registered()
    _, version, _ = run_of(opened)
    names = [path.name for path in Path(version.source.removeprefix("file://")).rglob("*") if path.is_file()]
    assert {"model.txt", "scorer.json", "scorer.sig", "gate.json", "gate.sig", "MLmodel"} <= set(names)
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_what_mlflow_loads_decides_as_the_scorer_does(opened, files, registered):
    registered()
    scorer = Scorer.load(files.scorer)
    applications = read_parquet(files.inputs("test")).head(200).to_dict("records")
    rows = packing.table(schemas.declared(scorer.config), applications)
    _, version, _ = run_of(opened)
    answered = mlflow.pyfunc.load_model(version.source).predict(rows)
    decisions = scorer.decide(rows)
    assert answered.to_dict("records") == [decisions.record(row) for row in range(len(rows))]
    assert np.array_equal(answered["pd"].astype(float), decisions.table()["pd"], equal_nan=True)


def test_the_packed_code_alone_decides(files, tmp_path):
    code = packing.what_decides(tmp_path / "credit_risk")
    script = (
        "import sys, credit_risk; from pathlib import Path; from credit_risk.scoring.scorer import Scorer\n"
        "print(credit_risk.__file__, Scorer.load(Path(sys.argv[1])).decide({'income': 'x'}).record()['decision'])"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", script, str(files.scorer)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(code / "__init__.py"), "refused"], done.stderr


def test_the_example_is_made_up_and_fits_the_schema(files):
    scorer = Scorer.load(files.scorer)
    schema = schemas.declared(scorer.config)
    made = next(iter(module.examples.applications(scorer.config, seed=1, reference=scorer.reference)))
    row = Inputs.of(scorer.config).single_row(made)
    assert np.array_equal(Inputs.of(scorer.config).table(packing.table(schema, [made])), row, equal_nan=True)


def test_the_requirements_are_pinned_and_name_what_decides():
    found = packing.requirements()
    assert "lightgbm==4.7.0" in found
    assert all("==" in one for one in found)
    assert not [one for one in found if one.startswith(("dvc", "shap", "fairlearn", "pytest"))]


def test_the_same_scorer_with_the_same_record_is_registered_once(opened, registered):
    first = registered()
    assert registered(by="Ada Berg") == first
    assert len(opened.events()) == 1
    assert len(opened.tracking.versions()) == 1


def test_another_scorer_is_another_version(opened, files, registered):
    registered()
    assemble_again(files, lgd=0.75)
    assert registered().version == 2
    assert [one.version for one in opened.events()] == [1, 2]


def test_a_scorer_that_the_gate_refused_is_registered_for_the_record(files, registered):
    judge(files, auc_low=0.45, auc_high=0.55)
    assert registered().facts["verdict"] == "FAIL"


def test_a_record_that_is_not_of_these_files_is_refused(opened, files, registered):
    record = json.loads(files.report("gate").read_bytes())
    files.report("gate").write_text(json.dumps(record | {"verdict": "FAIL"}))
    with pytest.raises(CheckFailed, match="changed after the verdict"):
        registered()
    assert opened.events() == []


def test_without_a_record_nothing_is_registered(files, registered):
    files.report("gate").unlink()
    with pytest.raises(NotFound, match="Nothing was judged"):
        registered()


def test_what_is_not_signed_is_not_registered(opened, files, registered):
    files.gate_signature.unlink()
    with pytest.raises(signing.SignatureRefused, match=r"gate.json is not signed"):
        registered()
    assert opened.tracking.versions() == []


def test_a_registration_is_a_persons(opened, registered):
    with pytest.raises(MoveRefused, match="first and a last name"):
        registered(by="admin")
    assert opened.tracking.versions() == []


@pytest.mark.parametrize("name", ["scorer", "verdict", "digest.data"])
def test_our_own_tags_cannot_be_set(registered, name):
    with pytest.raises(UsageError, match=f"{name} is set by the registration itself"):
        registered(tags={name: "mine"})


@pytest.mark.parametrize(("text", "error"), [(None, NotFound), ("{", UsageError), ("[]", UsageError)])
def test_figures_that_are_none_are_said(tmp_path, registered, text, error):
    path = tmp_path / "figures.json"
    if text:
        path.write_text(text)
    with pytest.raises(error, match=r"figures.json"):
        registered(metrics=path)


@pytest.mark.parametrize("place", ["create_model_version", "log_artifacts", "log_batch", "log_inputs"])
def test_a_registration_that_breaks_leaves_no_version_and_can_be_tried_again(opened, registered, monkeypatch, place):
    def broken(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(opened.tracking._client, place, broken)
        with pytest.raises(RegistryUnavailable, match=r"No space left.*try the same command again"):
            registered()
    assert opened.events() == []
    assert opened.tracking.versions() == []
    client = opened.tracking._client
    experiment = client.get_experiment_by_name(opened.tracking.name).experiment_id
    assert [run.info.status for run in client.search_runs([experiment])] == ["FAILED"]
    assert registered().version == 1


class Killed(BaseException):
    """What no code of ours catches, as SIGKILL."""


def test_a_version_whose_registration_was_killed_before_the_history_said_so_is_taken_by_the_next(
    opened, registered, monkeypatch
):
    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(History, "append", killed)
        with pytest.raises(Killed):
            registered()
    assert len(opened.tracking.versions()) == 1
    assert opened.events() == []
    assert registered().version == 1
    assert len(opened.tracking.versions()) == 1
    opened.verify(1, opened.events())


def test_a_run_that_a_killed_registration_left_open_is_closed_by_the_next(opened, registered, monkeypatch):
    client = opened.tracking._client

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(client, "log_artifacts", killed)
        patched.setattr(opened.tracking.__class__, "_give_up", lambda *_: None)
        with pytest.raises(Killed):
            registered()
    experiment = client.get_experiment_by_name(opened.tracking.name).experiment_id
    assert [run.info.status for run in client.search_runs([experiment])] == ["RUNNING"]
    assert registered().version == 1
    assert sorted(run.info.status for run in client.search_runs([experiment])) == ["FINISHED", "KILLED"]


def test_an_mlflow_that_is_not_there_is_said(files, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with (
        pytest.raises(RegistryUnavailable, match=r"MLflow at http://127.0.0.1:9 cannot be used"),
        registry(files, tracking="http://kim:" + "word@127.0.0.1:9"),
    ):
        pass


def test_an_mlflow_that_goes_after_a_move_is_told_later(opened, registered, monkeypatch, caplog):
    def broken(*_, **__):
        raise OSError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(opened.tracking._client, "set_registered_model_tag", broken)
        assert registered().version == 1
    assert "The move stands" in caplog.text
    assert opened.sync().roles == {1: "candidate"}
    assert opened.tracking.head() == str(opened.history.head())


def test_the_scorer_that_was_verified_is_the_one_that_is_registered(opened, files, registered, exchange):
    before = digest.of_directory(files.scorer)
    exchanged = exchange(files.scorer)
    assert registered().scorer == before
    assert exchanged
    assert digest.of_directory(kept_files(opened, 1) / "artifacts" / "scorer") == before

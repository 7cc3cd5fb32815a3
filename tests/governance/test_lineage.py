"""Lineage: read off dvc.lock, held against the files, told as JSON, OpenLineage and a picture."""

import json
import shutil
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.compliance import dataset_facts
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.errors import CheckFailed, ConfigError, NotFound
from credit_risk.governance import command, lineage, lineage_picture
from credit_risk.registry.lifecycle import HistoryEvent
from smallest import config

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
COLUMNS = {"x": {"role": "feature", "type": "number"}, "y": {"role": "input_only", "type": "number"}}
DERIVED = {"twice": {"formula": "2 * x"}, "more": {"formula": "twice + y"}}


@pytest.fixture
def ran(tmp_path) -> Files:
    """A run of two stages: prepare reads data/loans.csv, assemble makes the scorer of what prepare wrote."""
    files = Files(tmp_path)
    texts = {
        "data/loans.csv": "x,bad\n1,0\n",
        "artifacts/inputs/train.parquet": "rows",
        "models/scorer/scorer.json": "{}",
        "src/credit_risk/stages/prepare.py": "code",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    stages = {
        "prepare": (["data", "src/credit_risk/stages"], ["artifacts/inputs"]),
        "assemble": (["artifacts/inputs/train.parquet"], ["models/scorer"]),
    }
    lock = {
        name: {
            "cmd": f"credit-risk {name}",
            "deps": [one(tmp_path, dep) for dep in deps],
            "outs": [one(tmp_path, out) for out in outs],
        }
        for name, (deps, outs) in stages.items()
    }
    write(tmp_path / "dvc.lock", {"schema": "2.0", "stages": lock})
    write(
        tmp_path / "dvc.yaml",
        {"stages": {"prepare": {"cmd": "c", "desc": "Outcome and split"}, "assemble": {"cmd": "c"}}},
    )
    return files


def one(root: Path, name: str) -> dict[str, str]:
    path = root / name
    return {"path": name, "md5": dataset_facts.dvc_md5(path) if path.is_dir() else dataset_facts.file_md5(path)}


def write(path: Path, content: object) -> None:
    with path.open("w") as stream:
        YAML().dump(content, stream)


@pytest.fixture
def record(ran):
    shutil.copy(ran.root / "data/loans.csv", ran.root / "loans.csv")  # where the smallest config looks
    return lambda: lineage.record(config(columns=COLUMNS, derived=DERIVED), ran, NOON)


def test_the_steps_stand_in_their_order_with_what_they_read_and_wrote(ran):
    prepare, assemble = lineage.stages(ran)
    assert (prepare.name, prepare.command, prepare.description) == (
        "prepare",
        "credit-risk prepare",
        "Outcome and split",
    )
    assert (list(prepare.inputs), list(prepare.outputs), list(prepare.code)) == (
        ["data"],
        ["artifacts/inputs"],
        ["src/credit_risk/stages"],
    )
    assert (assemble.description, list(assemble.outputs)) == ("", ["models/scorer"])


def test_the_record_names_raw_and_processed_data_by_their_digests(ran, record):
    found = record()
    assert found["features"] == {"x": ["x"], "twice": ["x"], "more": ["x", "y"]}
    assert found["raw"] == {"loans.csv": digest.of_file(ran.root / "loans.csv")}
    assert set(found["processed"]) == {"artifacts/inputs", "models/scorer"}
    assert found["scorer"] == digest.of_directory(ran.scorer)
    assert (found["time"], found["verified"], found["changed_since"]) == ("2026-11-25T12:00:00+00:00", True, [])
    lineage.raise_unless_verified(found, Path("x.json"))


@pytest.mark.parametrize(
    "name",
    [
        "data/loans.csv",
        "artifacts/inputs/train.parquet",
        "models/scorer/scorer.json",
        "src/credit_risk/stages/prepare.py",
    ],
)
def test_what_has_changed_since_the_run_is_named(ran, record, name):
    (ran.root / name).write_text("another")
    found = record()
    assert not found["verified"]
    assert any(name.startswith(sentence.partition(":")[0]) for sentence in found["changed_since"])
    with pytest.raises(CheckFailed, match="is not what was recorded"):
        lineage.raise_unless_verified(found, Path("x.json"))


def test_what_is_gone_is_named(ran, record):
    shutil.rmtree(ran.scorer)
    assert record()["changed_since"] == ["models/scorer: is missing"]


def test_compiled_python_is_no_change(ran, record):
    cache = ran.root / "src/credit_risk/stages/__pycache__"
    cache.mkdir()
    (cache / "prepare.pyc").write_text("compiled")
    assert record()["verified"]


def test_without_a_run_there_is_nothing_to_tell(ran):
    (ran.root / "dvc.lock").write_text("schema: '2.0'\n")
    with pytest.raises(ConfigError, match="names no stage"):
        lineage.stages(ran)
    (ran.root / "dvc.lock").write_text("[")
    with pytest.raises(ConfigError):
        lineage.stages(ran)
    (ran.root / "dvc.lock").unlink()
    with pytest.raises(NotFound, match="make run"):
        lineage.stages(ran)


def test_openlineage_has_an_event_for_each_step_and_the_same_run_the_same_name(record):
    first, second = lineage.openlineage(record())
    assert (first["job"]["name"], first["eventType"], first["job"]["namespace"]) == ("prepare", "COMPLETE", "a")
    assert [one["name"] for one in first["inputs"]] == ["data"]
    assert first["outputs"][0]["facets"]["version"]["datasetVersion"].endswith(".dir")
    assert first["job"]["facets"]["documentation"]["description"] == "Outcome and split"
    assert first["run"]["runId"] != second["run"]["runId"]
    assert lineage.openlineage(record())[0]["run"] == first["run"]
    json.dumps([first, second])


class Catalogue(BaseHTTPRequestHandler):
    """Takes what is sent to it, or refuses all."""

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.taken.append((self.path, self.headers.get("Authorization"), json.loads(self.rfile.read(length))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        """Nothing on the screen."""


@pytest.fixture
def catalogue():
    with ThreadingHTTPServer(("127.0.0.1", 0), Catalogue) as server:
        server.taken, server.status = [], 201
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


def test_a_catalogue_gets_every_event_with_its_key(record, catalogue):
    url = f"http://127.0.0.1:{catalogue.server_port}"
    assert lineage.send(record(), url, "s3cret") == 2
    assert [(path, key) for path, key, _ in catalogue.taken] == [("/api/v1/lineage", "Bearer s3cret")] * 2
    assert [event for *_, event in catalogue.taken] == json.loads(json.dumps(lineage.openlineage(record())))
    lineage.send(record(), url, None)
    assert catalogue.taken[-1][1] is None


def test_the_command_sends_to_a_url_and_writes_to_a_file(record, catalogue, capsys, tmp_path):
    url = f"http://127.0.0.1:{catalogue.server_port}"
    command._hand_on(record(), url)
    assert capsys.readouterr().out == f"{url} took 2 events.\n"
    command._hand_on(record(), str(tmp_path / "ol.json"))
    assert json.loads((tmp_path / "ol.json").read_text()) == [event for *_, event in catalogue.taken]


def test_a_catalogue_that_refuses_or_is_not_there_is_an_error_in_words(record, catalogue):
    url = f"http://127.0.0.1:{catalogue.server_port}"
    catalogue.status = 403
    with pytest.raises(lineage.NotTaken, match=r"does not take the lineage: 403"):
        lineage.send(record(), url, None)
    assert len(catalogue.taken) == 1
    with pytest.raises(lineage.NotTaken, match="does not take the lineage"):
        lineage.send(record(), "http://127.0.0.1:9", None)


def test_what_became_of_the_scorer_is_told_or_said_to_be_unknown():
    events = [
        HistoryEvent(1, NOON, "register", 1, "5c", "Kim Lee", "a try", {}),
        HistoryEvent(2, NOON, "register", 2, "6d", "Kim Lee", "a try", {}),
    ]
    found = lineage.afterwards("5c", events, None)
    assert [one["version"] for one in found["registry"]] == [1]
    assert found["decisions"] is None
    assert lineage.afterwards("5c", None, None)["registry"] is None


def test_the_picture_goes_from_the_raw_data_to_the_decisions(record):
    found = record() | {"registry": [{"move": "promote", "version": 3}], "decisions": {"count": 1200}}
    found["raw"] = {"data/loans.csv": "0123456789abcdef"}
    graph = lineage_picture.of(found | {"transformations": [*found["transformations"], GATE]})
    assert set(graph.edges) == {
        ("raw data", "prepare"),
        ("prepare", "assemble"),
        ("assemble", "scorer"),
        ("assemble", "gate"),
        ("scorer", "registry"),
        ("gate", "registry"),
        ("registry", "decisions"),
    }
    assert graph.nodes["raw data"]["digest"] == "0123456789"
    assert lineage_picture.layout(graph)["raw data"] == (0, 0)
    drawn = lineage_picture.svg(found | {"transformations": [*found["transformations"], GATE]})
    assert drawn.startswith("<svg")
    for word in ("raw data", "prepare", "promote 3", "1,200"):
        assert word in drawn


GATE = {
    "name": "gate",
    "inputs": {"models/scorer": "", "reports/metrics.json": ""},
    "outputs": {"reports/gate.json": ""},
}


def test_the_command_writes_record_events_and_picture_and_says_what_changed(ran, capsys):
    write_lender_config(ran)
    where = ("--root", str(ran.root), "--output", str(ran.root / "build" / "lineage.json"))
    extra = ("--openlineage", str(ran.root / "ol.json"), "--picture", str(ran.root / "lineage.svg"))
    assert main(["lineage", *where, *extra]) == 0
    assert "2 steps from data/applications.csv" in capsys.readouterr().out
    assert len(json.loads((ran.root / "ol.json").read_text())) == 2
    assert (ran.root / "lineage.svg").read_text().startswith("<svg")
    (ran.root / "data" / "loans.csv").write_text("another")
    assert main(["lineage", *where]) == 1
    assert "data: is not what was recorded" in capsys.readouterr().err
    assert json.loads((ran.root / "build" / "lineage.json").read_text())["registry"] is None


def write_lender_config(files: Files) -> None:
    shutil.copytree(Path(__file__).parents[1] / "lender", files.root / "configs")
    (files.root / "configs" / "deploy").mkdir()
    settings = """
serving: {access: {mode: off}, gate: reported}
registry:
  {tracking: sqlite:///m.db, history: sqlite:///h.db, signed_by: {public_key: a.pub}, four_eyes: names,
   governance: reported}
"""
    (files.root / "configs" / "deploy" / "local.yaml").write_text(settings)

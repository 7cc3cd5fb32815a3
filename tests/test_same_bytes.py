"""tools/same_bytes.py: what it compares. That the bytes are the same it shows itself, in minutes that no test has."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.slow

TOOL = Path(__file__).parents[1] / "tools" / "same_bytes.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("same_bytes", TOOL)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_file_that_differs_from_the_first_run_is_named(tool):
    runs = {
        "as it is": {"models/scorer/scorer.json": "a", "reports/metrics.json": "b"},
        "one thread": {"models/scorer/scorer.json": "a", "reports/metrics.json": "c"},
        "no vectors": {"models/scorer/scorer.json": "a", "reports/metrics.json": "b", "reports/more.csv": "d"},
        "the same": {"models/scorer/scorer.json": "a", "reports/metrics.json": "b"},
    }
    assert tool.differences(runs) == [
        "one thread: reports/metrics.json differs from as it is",
        "no vectors: reports/more.csv differs from as it is",
    ]


def test_digests_cover_models_predictions_and_reports_and_change_with_a_byte(tool, tmp_path):
    written = ["artifacts/model/model.txt", "artifacts/predictions/test.parquet", "models/scorer/scorer.json"]
    written += ["models/challenger/scorer.json", "reports/metrics.json", "reports/plots/roc.csv"]
    for name in [*written, "artifacts/inputs/test.parquet"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    before = tool.digests_of(tmp_path)
    assert sorted(before) == sorted(written)
    (tmp_path / "reports" / "plots" / "roc.csv").write_text("y")
    after = tool.digests_of(tmp_path)
    assert [name for name in before if before[name] != after[name]] == ["reports/plots/roc.csv"]


def test_each_run_is_denied_something_else_and_the_first_nothing(tool):
    environments = list(tool.processors().values())
    assert environments[0] == {}
    assert len({tuple(sorted(environment.items())) for environment in environments}) == len(environments)


def test_every_stage_that_decides_or_measures_runs_but_the_timings(tool):
    stages = YAML(typ="safe", pure=True).load(TOOL.parents[1] / "dvc.yaml")["stages"]
    before = {"validate-data", "dictionary", "prepare", "latency"}
    assert [stage for stage in stages if stage not in before] == [*tool.MODELS, *tool.FIGURES]

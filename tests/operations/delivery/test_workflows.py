"""`pipeline-metrics`, executed by act after a run that failed."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "workflows"))

from runner import clone, pristine

__all__ = ["clone", "pristine"]


def test_a_run_that_failed_is_followed_by_the_metrics(clone):
    run = clone.act("workflow_run", "pipeline-metrics.yml", {"workflow_run": {"conclusion": "failure"}})
    assert run.jobs == {"collect": "success"}, str(run)
    figures = json.loads((run.artifacts / "pipeline-metrics" / "metrics.json").read_text())
    assert figures["metrics"]["deployment_frequency"]["value"] is None  # no rollout was begun on a runner
    assert "no record" in run.summary

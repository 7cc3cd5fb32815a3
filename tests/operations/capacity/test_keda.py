# the whole file goes with part: rollout-kubernetes
"""A plan as a component of KEDA's triggers, built by kustomize on the overlay of an environment."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jsonschema_rs import Draft7Validator
from ruamel.yaml import YAML

from credit_risk.operations.capacity import planning
from credit_risk.operations.capacity.plan import PlannedHour, ReplicaPlan
from credit_risk.rollout.kubernetes import manifests
from credit_risk.rollout.settings import KubernetesSettings, validate_environment_config

ROLLOUT = Path(__file__).parents[2] / "rollout"
SCHEMA = ROLLOUT / "kubernetes" / "schemas" / "ScaledObject.json"


def test_the_component_adds_to_the_triggers_that_the_overlay_has(tmp_path):
    production = validate_environment_config(ROLLOUT / "environments" / "production.yaml")
    cluster = KubernetesSettings(namespace="lending", image="registry.example/credit-risk")
    production = production.model_copy(update={"kubernetes": cluster})
    for part in ("base", "components"):
        shared = ROLLOUT.parent.parent / "configs" / "kubernetes" / part
        shutil.copytree(shared, tmp_path / "configs" / "kubernetes" / part)
    overlay = manifests.write(tmp_path, production)
    hours = [
        PlannedHour(datetime(2026, 6, 30, 22, tzinfo=UTC) + timedelta(hours=hour), replicas, 1.0)
        for hour, replicas in enumerate((2, 3))
    ]
    planning._handed_over(tmp_path, production, ReplicaPlan(tuple(hours), ""))
    own = tmp_path / "own"
    own.mkdir()
    components = f"[../{overlay.relative_to(tmp_path)}/keda, ../{planning.KEDA}]"
    (own / "kustomization.yaml").write_text(
        f"resources: [../{overlay.relative_to(tmp_path)}]\ncomponents: {components}\n"
    )
    kubectl = Path(sys.executable).with_name("kubectl")
    text = subprocess.run([kubectl, "kustomize", own], check=True, capture_output=True, text=True).stdout
    scaled = [each for each in YAML(typ="safe", pure=True).load_all(text) if each["kind"] == "ScaledObject"]
    assert [[trigger["type"] for trigger in each["spec"]["triggers"]] for each in scaled] == [
        ["prometheus", "cron"]
    ] * 2
    schema = Draft7Validator(json.loads(SCHEMA.read_text()))
    assert [error.message for each in scaled for error in schema.iter_errors(each)] == []

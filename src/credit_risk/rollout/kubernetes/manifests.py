"""The overlay of an environment for Kubernetes, written from its typed config: nothing in it is typed a second time.

configs/kubernetes/base and components hold what every environment shares; overlays/NAME is written here.
"""

import io
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from credit_risk.data.writing import write_text
from credit_risk.errors import CheckFailed
from credit_risk.rollout.alarms.files import rules
from credit_risk.rollout.colours import COLOURS, Colour
from credit_risk.rollout.kubernetes import argo
from credit_risk.rollout.settings import Environment, Rollout

OVERLAYS = Path("configs") / "kubernetes" / "overlays"
HEAD = "# Written by `credit-risk manifests --environment {0}` from configs/deploy/{0}.yaml; edits are lost.\n"
NAME = "credit-risk"
PROMETHEUS = "http://prometheus.monitoring:9090"  # a placeholder, as the hosts in configs/deploy are
PROBE_S = 2  # the startup probe's period in base/colour/deployment.yaml


class Stale(CheckFailed, ValueError):
    """Manifests on disk are not what the config says."""


def write(root: Path, environment: Environment) -> Path:
    """Write the overlay, and return its folder."""
    folder = root / OVERLAYS / environment.environment
    for path, text in render(environment).items():
        write_text(folder / path, text)
    return folder


def check(root: Path, environment: Environment) -> None:
    """Raise Stale with the name of each file that is not what the config says, or that it does not know."""
    folder, rendered = root / OVERLAYS / environment.environment, render(environment)
    written = {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    if stale := sorted(path for path in {*rendered, *written} if rendered.get(path) != written.get(path)):
        command = f"credit-risk manifests --environment {environment.environment}"
        raise Stale(f"{folder}: stale: {', '.join(stale)}. `{command}` writes them.")


def render(environment: Environment) -> dict[str, str]:
    """The files of the overlay, by their path in it: the overlay, and a component for each tool that may be there."""
    files: dict[str, Any] = {
        "kustomization.yaml": _overlay(environment),
        "serving.yaml": {
            "environment": environment.environment,
            "serving": environment.serving.model_dump(mode="json", exclude_none=True),
        },
        "deployment.yaml": _deployment(environment),
        "autoscaler.yaml": _autoscaler(environment),
        "argo-rollouts/kustomization.yaml": _component("argo-rollouts", {"rollout.yaml": {"kind": "Rollout"}})
        | {"resources": ["analysis.yaml"]},
        "argo-rollouts/analysis.yaml": argo.template(environment.rollout, NAME),
        "argo-rollouts/rollout.yaml": _rollout(environment),
        "keda/kustomization.yaml": _component("keda", {f"{colour}.yaml": _scaled(colour) for colour in COLOURS}),
        **{f"keda/{colour}.yaml": _scaling(environment, colour) for colour in COLOURS},
        "service-monitor/kustomization.yaml": _component("service-monitor", {"every.yaml": {"kind": "ServiceMonitor"}})
        | {"resources": ["alerts.yaml"]},
        "service-monitor/alerts.yaml": _of("monitoring.coreos.com/v1", "PrometheusRule", rules(environment)),
        "service-monitor/every.yaml": [_add("/spec/endpoints/0/interval", _seconds(environment.monitoring.scrape_s))],
    }
    return {path: HEAD.format(environment.environment) + _yaml(content) for path, content in files.items()}


def _overlay(environment: Environment) -> dict[str, Any]:
    where = environment.kubernetes
    kinds = {"deployment.yaml": {"kind": "Deployment"}, "autoscaler.yaml": {"kind": "HorizontalPodAutoscaler"}}
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": _namespace(environment),
        "resources": ["../../base"],
        "components": ["../../components/gateway"],
        "images": [{"name": NAME, "newName": where.image}] if where else [],
        "configMapGenerator": [{"name": f"{NAME}-settings", "files": ["serving.yaml"]}],
        "patches": _patches(kinds),
    }


def _component(name: str, patches: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What an environment adds to a component of all. patches: file to what it changes."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "components": [f"../../../components/{name}"],
        "patches": _patches(patches),
    }


def _patches(patches: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    return [{"path": path, "target": dict(target)} for path, target in patches.items()]


def _namespace(environment: Environment) -> str:
    return environment.kubernetes.namespace if environment.kubernetes else NAME


def _deployment(environment: Environment) -> dict[str, Any]:
    """Requests are limits: what is requested is there, and the autoscaler's percentage is of the same number."""
    compute, security = environment.compute, environment.security
    given = {"cpu": f"{compute.cpu:g}", "memory": f"{round(compute.memory_gb * 1000)}M"}
    service = {
        "name": "service",
        "resources": {"requests": given, "limits": given},
        "securityContext": {"readOnlyRootFilesystem": security.read_only_files},
        "startupProbe": {"failureThreshold": math.ceil(environment.rollout.ready_s / PROBE_S)},
    }
    pod = {"securityContext": {"runAsNonRoot": security.run_as_non_root}, "containers": [service]}
    return _of("apps/v1", "Deployment", {"template": {"spec": pod}})


def _autoscaler(environment: Environment) -> dict[str, Any]:
    scaling = environment.scaling
    target = {"type": "Utilization", "averageUtilization": scaling.target_cpu_percent}
    spec = {
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": math.ceil(scaling.cool_down_s)}},
    }
    return _of("autoscaling/v2", "HorizontalPodAutoscaler", spec)


def _scaled(colour: Colour) -> dict[str, str]:
    return {"kind": "ScaledObject", "name": f"{NAME}-{colour}"}


def _scaling(environment: Environment, colour: Colour) -> dict[str, Any]:
    """The requests that are expected keep the fewest replicas, each with its share; more requests add some."""
    scaling = environment.scaling
    labels = f'namespace="{_namespace(environment)}",colour="{colour}"'
    share = environment.monitoring.expected_per_second / scaling.min_replicas
    window = _seconds(max(60.0, 4 * environment.monitoring.scrape_s))  # a rate needs two scrapes, of which one may fail
    prometheus = {
        "serverAddress": PROMETHEUS,
        "query": f"sum(rate(credit_risk_latency_seconds_count{{{labels}}}[{window}]))",
        "threshold": f"{share:g}",
    }
    spec = {
        "minReplicaCount": scaling.min_replicas,
        "maxReplicaCount": scaling.max_replicas,
        "cooldownPeriod": math.ceil(scaling.cool_down_s),
        "triggers": [{"type": "prometheus", "metadata": prometheus}],
    }
    return _of("keda.sh/v1alpha1", "ScaledObject", spec, f"{NAME}-{colour}")


def _rollout(environment: Environment) -> dict[str, Any]:
    """Each step is a weight and an analysis that lasts as long; then the bake, with the old pods still there."""
    rollout = environment.rollout
    split = {"argoproj-labs/gatewayAPI": {"httpRoute": NAME, "namespace": _namespace(environment)}}
    canary = {
        "steps": [part for percent in rollout.steps for part in _step(rollout, percent)],
        "trafficRouting": {"plugins": split},
    }
    spec = {"progressDeadlineSeconds": math.ceil(rollout.ready_s), "strategy": {"canary": canary}}
    return _of("argoproj.io/v1alpha1", "Rollout", spec)


def _step(rollout: Rollout, percent: int) -> list[dict[str, Any]]:
    approval: list[dict[str, Any]] = [{"pause": {}}] if percent in rollout.approvals else []
    if percent == 100:  # nobody is left to compare with
        return [*approval, {"setWeight": percent}, {"pause": {"duration": _seconds(rollout.bake_s)}}]
    arguments = [
        {"name": "candidate-hash", "valueFrom": {"podTemplateHashValue": "Latest"}},
        {"name": "live-hash", "valueFrom": {"podTemplateHashValue": "Stable"}},
        {"name": "window", "value": _seconds(rollout.step_s)},
        {"name": "prometheus", "value": PROMETHEUS},
    ]
    analysis = {"templates": [{"templateName": NAME}], "args": arguments}
    return [*approval, {"setWeight": percent}, {"analysis": analysis}]


def _of(version: str, kind: str, spec: Mapping[str, Any], name: str = NAME) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def _add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def _seconds(seconds: float) -> str:
    return f"{math.ceil(seconds)}s"


def _yaml(content: Any) -> str:
    yaml: Any = YAML(typ="safe", pure=True)
    text = io.StringIO()
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output, yaml.width = False, False, sys.maxsize
    yaml.representer.ignore_aliases = lambda _: True
    yaml.dump(content, text)
    return text.getvalue()

"""The manifests build, every document fits its schema, and what must never stand in one is looked for in each."""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from jsonschema_rs import Draft7Validator
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.rollout.alarms import alerts, files
from credit_risk.rollout.kubernetes import manifests, target
from credit_risk.rollout.settings import validate_environment_config
from credit_risk.serving.settings import load as load_serving

HERE = Path(__file__).parents[1]
SHARED = HERE.parent.parent / "configs" / "kubernetes"
SCHEMAS = Path(__file__).with_name("schemas")
KUBECTL = Path(sys.executable).with_name("kubectl")
CUSTOM = ("argoproj.io/", "gateway.networking.k8s.io/", "keda.sh/", "monitoring.coreos.com/")
WRITTEN = {"/tmp", "/var/lib/credit-risk"}  # a copy that is verified, and which statements were seen
NAMES = ("staging", "production")
TOOLS = ("argo-rollouts", "keda", "service-monitor")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A repository with the shared manifests, and environments of its own."""
    root = tmp_path_factory.mktemp("repository")
    for part in ("base", "components"):
        shutil.copytree(SHARED / part, root / "configs" / "kubernetes" / part)
    (root / "configs" / "deploy").mkdir()
    for name in NAMES:
        shutil.copy(HERE / "environments" / f"{name}.yaml", root / "configs" / "deploy")
        assert main(["manifests", "--root", str(root), "--environment", name]) == 0
    return root


@pytest.fixture(scope="module")
def built(root):
    """A function: the documents of an environment, with a tool's component or without."""
    known = {}

    def build(name="production", tool=""):
        folder = root / "configs" / "kubernetes" / "own" / f"{name}-{tool}"
        if folder not in known:
            folder.mkdir(parents=True)
            overlay = f"../../overlays/{name}"
            own = f"resources: [{overlay}]\n" + (f"components: [{overlay}/{tool}]\n" if tool else "")
            (folder / "kustomization.yaml").write_text(own)
            text = subprocess.run([KUBECTL, "kustomize", folder], check=True, capture_output=True, text=True).stdout
            known[folder] = list(YAML(typ="safe", pure=True).load_all(text))
        return known[folder]

    return build


def misfits(document, schemas=SCHEMAS):
    """What does not fit the schema of its kind. Raises where there is none: a kind that is not known is no pass."""
    if document["apiVersion"].startswith(CUSTOM):
        schema = json.loads((schemas / f"{document['kind']}.json").read_text())
        return [error.message for error in Draft7Validator(schema).iter_errors(document)]
    # Here alone: its import takes seconds, and every worker collects this file.
    import kubernetes_validate  # noqa: PLC0415
    from kubernetes_validate.utils import SchemaNotFoundError  # noqa: PLC0415

    try:
        kubernetes_validate.validate(document, "1.37", strict=True)
    except kubernetes_validate.ValidationError as error:
        return [error.message]
    except SchemaNotFoundError as error:
        raise LookupError(document["kind"]) from error
    return []


def of(documents, kind, name=None):
    return [one for one in documents if one["kind"] == kind and name in (None, one["metadata"]["name"])]


def pods(documents):
    return [one["spec"]["template"]["spec"] for one in of(documents, "Deployment")]


def containers(documents):
    return [container for pod in pods(documents) for container in pod["containers"]]


@cache  # a tool's component leaves most of the documents as they are
def misfits_of(text):
    return misfits(json.loads(text))


@pytest.mark.parametrize("tool", ["", *TOOLS])
@pytest.mark.parametrize("name", NAMES)
def test_every_document_fits_the_schema_of_its_kind(built, name, tool):
    documents = built(name, tool)
    assert len(documents) >= 13
    found = {f"{one['kind']} {one['metadata']['name']}": misfits_of(json.dumps(one)) for one in documents}
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_each_schema_is_of_a_kind_that_is_there(built):
    kinds = {one["kind"] for tool in TOOLS for one in built("production", tool) if one["apiVersion"].startswith(CUSTOM)}
    assert kinds == {path.stem for path in SCHEMAS.glob("*.json")}


@pytest.mark.parametrize(
    ("tool", "kind", "where"),
    [
        ("", "Deployment", "spec"),
        ("", "NetworkPolicy", "spec"),
        ("", "HTTPRoute", "spec"),
        ("", "Gateway", "spec"),
        ("keda", "ScaledObject", "spec"),
        ("argo-rollouts", "Rollout", "spec"),
        ("argo-rollouts", "AnalysisTemplate", "spec"),
        ("service-monitor", "ServiceMonitor", "spec"),
        ("service-monitor", "PrometheusRule", "spec"),
    ],
)
def test_a_field_that_no_schema_knows_is_a_misfit(built, tool, kind, where):
    document = of(built("production", tool), kind)[0]
    assert misfits(document) == []
    assert "replicsa" in misfits(document | {where: document[where] | {"replicsa": 3}})[0]


def test_a_wrong_type_is_a_misfit(built):
    document = of(built(), "Deployment")[0]
    assert misfits(document | {"spec": document["spec"] | {"replicas": "three"}}) != []


def test_a_kind_that_is_not_known_fails(built):
    with pytest.raises(LookupError, match="Deploiment"):
        misfits(of(built(), "Deployment")[0] | {"kind": "Deploiment"})


def test_a_custom_kind_without_a_schema_fails(built, tmp_path):
    with pytest.raises(FileNotFoundError):
        misfits(of(built(), "HTTPRoute")[0], schemas=tmp_path)
    with pytest.raises(LookupError, match="Novelty"):
        misfits({"apiVersion": "example.org/v1", "kind": "Novelty", "metadata": {"name": "one"}})


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_as_root_or_may_write_or_become_more(built, name):
    assert len(containers(built(name))) == 2
    for pod in pods(built(name)):
        secure = pod["securityContext"]
        assert (secure["runAsNonRoot"], secure["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
        assert secure["runAsUser"] > 0
        assert pod["automountServiceAccountToken"] is False
    for container in containers(built(name)):
        secure = container["securityContext"]
        assert secure["readOnlyRootFilesystem"] is True
        assert secure["allowPrivilegeEscalation"] is False
        assert secure["capabilities"] == {"drop": ["ALL"]}
        assert {one["mountPath"] for one in container["volumeMounts"] if not one.get("readOnly")} == WRITTEN


def test_a_container_asks_for_what_the_config_says_and_has_it_as_its_limit(built):
    for name, given in (("staging", {"cpu": "1", "memory": "2000M"}), ("production", {"cpu": "2", "memory": "4000M"})):
        for container in containers(built(name)):
            assert container["resources"] == {"requests": given, "limits": given}


def test_a_container_is_started_again_for_itself_and_out_of_traffic_for_its_ledger(built):
    for container in containers(built()):
        paths = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
        assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/health"}
        probe = container["startupProbe"]
        assert probe["failureThreshold"] * probe["periodSeconds"] == 120  # ready_s
        assert probe["periodSeconds"] == manifests.PROBE_S


@pytest.mark.parametrize("name", NAMES)
def test_secrets_come_by_reference_alone(built, name):
    for container in containers(built(name)):
        assert all(set(one) == {"name", "valueFrom"} for one in container["env"])
        assert all("secretKeyRef" in one["valueFrom"] for one in container["env"])
    assert of(built(name), "Secret") == []


def test_the_network_denies_what_is_not_named(built):
    denied, named = of(built(), "NetworkPolicy", "deny-by-default")[0], of(built(), "NetworkPolicy", "credit-risk")[0]
    assert denied["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert named["spec"]["policyTypes"] == ["Ingress", "Egress"]
    for rule in named["spec"]["ingress"]:
        assert rule["from"]
        assert [one["port"] for one in rule["ports"]] == [target.PORT]
    assert all(rule["ports"] for rule in named["spec"]["egress"])


@pytest.mark.parametrize("name", NAMES)
def test_a_disruption_leaves_one_where_there_are_two_and_blocks_none_where_there_is_one(built, name):
    documents = built(name)
    least = {"staging": 1, "production": 2}[name]
    for colour in ("blue", "green"):
        budget = of(documents, "PodDisruptionBudget", f"credit-risk-{colour}")[0]["spec"]
        scaler = of(documents, "HorizontalPodAutoscaler", f"credit-risk-{colour}")[0]["spec"]
        assert scaler["minReplicas"] == least
        assert budget["maxUnavailable"] == 1
        assert "minAvailable" not in budget
        assert budget["selector"]["matchLabels"]["colour"] == colour
        assert scaler["scaleTargetRef"]["name"] == f"credit-risk-{colour}"


def test_colours_names_and_ports_are_those_that_a_rollout_asks_for(built):
    documents = built()
    for colour in ("blue", "green"):
        deployment = of(documents, "Deployment", f"credit-risk-{colour}")[0]["spec"]
        labels = {"app.kubernetes.io/name": target.NAME, "colour": colour}
        assert deployment["template"]["metadata"]["labels"] == labels
        assert of(documents, "Service", f"credit-risk-{colour}")[0]["spec"]["selector"] == labels
        assert "replicas" not in deployment
    assert {one["name"] for one in containers(documents)} == {target.CONTAINER}
    assert target._shares(of(documents, "HTTPRoute")[0]) == {"blue": 100, "green": 0}
    assert of(documents, "Gateway")[0]["metadata"]["name"] == "credit-risk"


def test_whoever_deploys_may_do_what_a_rollout_does_and_no_more(built):
    rules = of(built(), "Role")[0]["rules"]
    may = {resource: rule["verbs"] for rule in rules for resource in rule["resources"]}
    assert may == {
        "deployments": ["get", "patch"],
        "pods": ["list"],
        "pods/proxy": ["get", "create"],
        "httproutes": ["get", "patch"],
    }


def test_the_service_reads_the_settings_of_its_environment(built, root, tmp_path):
    found = of(built(), "ConfigMap")[0]["data"]["serving.yaml"]
    (tmp_path / "serving.yaml").write_text(found)
    expected = validate_environment_config(root / "configs" / "deploy" / "production.yaml").serving
    assert load_serving(tmp_path / "serving.yaml") == expected


def test_argo_takes_the_steps_waits_for_a_word_and_bakes(built):
    documents = built("production", "argo-rollouts")
    canary = of(documents, "Rollout")[0]["spec"]["strategy"]["canary"]
    steps = canary["steps"]
    assert [one["setWeight"] for one in steps if "setWeight" in one] == [1, 5, 10, 25, 50, 100]
    assert sum("analysis" in one for one in steps) == 5
    assert steps[steps.index({"setWeight": 50}) - 1] == {"pause": {}}
    assert [one for one in steps if "pause" in one] == [{"pause": {}}, {"pause": {"duration": "86400s"}}]
    analysis = of(documents, "AnalysisTemplate")[0]
    asked = next(one["analysis"] for one in steps if "analysis" in one)
    assert asked["templates"] == [{"templateName": analysis["metadata"]["name"]}]
    assert {one["name"] for one in asked["args"]} == {one["name"] for one in analysis["spec"]["args"]}
    assert canary["trafficRouting"]["plugins"]["argoproj-labs/gatewayAPI"]["httpRoute"] == "credit-risk"
    assert of(documents, "HorizontalPodAutoscaler")[0]["spec"]["scaleTargetRef"]["kind"] == "Rollout"
    assert {one["spec"]["selector"]["colour"] for one in of(documents, "Service")} == {"blue"}


def test_keda_takes_the_place_of_the_autoscalers(built):
    documents = built("production", "keda")
    assert of(documents, "HorizontalPodAutoscaler") == []
    for colour in ("blue", "green"):
        spec = of(documents, "ScaledObject", f"credit-risk-{colour}")[0]["spec"]
        assert (spec["minReplicaCount"], spec["maxReplicaCount"], spec["cooldownPeriod"]) == (2, 8, 300)
        assert spec["triggers"][0]["metadata"]["threshold"] == "25"  # 50 a second are expected, of 2 replicas
        assert f'colour="{colour}"' in spec["triggers"][0]["metadata"]["query"]


def test_the_cluster_is_alarmed_by_the_alerts_of_the_environment_under_the_job_that_they_name(built):
    documents = built("production", "service-monitor")
    environment = validate_environment_config(HERE / "environments" / "production.yaml", "production")
    (rule,) = of(documents, "PrometheusRule")
    assert rule["spec"] == files.rules(environment)
    label = of(documents, "ServiceMonitor")[0]["spec"]["jobLabel"]
    services = of(documents, "Service")
    assert len(services) == 2
    assert {f'job="{service["metadata"]["labels"][label]}"' for service in services} == {alerts.JOB}


def test_metrics_are_read_as_often_as_the_config_says(built):
    spec = of(built("production", "service-monitor"), "ServiceMonitor")[0]["spec"]
    assert spec["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "15s"}]


def test_the_image_and_the_namespace_come_from_the_config(root, tmp_path):
    path = tmp_path / "configs" / "deploy" / "production.yaml"
    path.parent.mkdir(parents=True)
    own = (root / "configs" / "deploy" / "production.yaml").read_text()
    path.write_text(own + "kubernetes: {context: one, namespace: lending, image: registry.example/credit-risk}\n")
    files = manifests.render(validate_environment_config(path))
    overlay = YAML(typ="safe", pure=True).load(files["kustomization.yaml"])
    assert overlay["namespace"] == "lending"
    assert overlay["images"] == [{"name": "credit-risk", "newName": "registry.example/credit-risk"}]
    assert 'namespace="lending"' in files["keda/blue.yaml"]
    assert "namespace: lending" in files["argo-rollouts/rollout.yaml"]


def test_what_is_stale_unknown_or_missing_is_named(root, tmp_path, capsys):
    shutil.copytree(root, tmp_path / "again")
    words = ["manifests", "--root", str(tmp_path / "again"), "--environment", "staging", "--check"]
    assert main(words) == 0
    overlay = tmp_path / "again" / manifests.OVERLAYS / "staging"
    (overlay / "autoscaler.yaml").write_text("")
    (overlay / "keda" / "green.yaml").unlink()
    (overlay / "more.yaml").write_text("")
    assert main(words) == 1
    assert "stale: autoscaler.yaml, keda/green.yaml, more.yaml." in capsys.readouterr().err.replace("\n", " ")


def test_a_change_of_the_config_makes_manifests_stale(root, tmp_path, capsys):
    shutil.copytree(root, tmp_path / "again")
    config = tmp_path / "again" / "configs" / "deploy" / "production.yaml"
    config.write_text(config.read_text().replace("max_replicas: 8", "max_replicas: 9"))
    assert main(["manifests", "--root", str(tmp_path / "again"), "--environment", "production", "--check"]) == 1
    assert "stale: autoscaler.yaml, keda/blue.yaml, keda/green.yaml." in capsys.readouterr().err.replace("\n", " ")

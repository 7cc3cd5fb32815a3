"""The Kubernetes target: colours are Deployments, traffic is split by an HTTPRoute, and the API server is all it asks.

The weights split requests and not applicants: whoever asks twice may meet both colours while a rollout lasts.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, ApiException, AppsV1Api, Configuration, CoreV1Api, CustomObjectsApi
from kubernetes.config import ConfigException
from rich.console import Group
from urllib3.exceptions import HTTPError

from credit_risk.errors import UsageError
from credit_risk.rollout import ledger_history, smoke
from credit_risk.rollout.colours import COLOURS, Colour, opposite
from credit_risk.rollout.engine import NotReached, RolloutRefused
from credit_risk.rollout.evidence import counts
from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.rollout.evidence.shadow import Shadow
from credit_risk.rollout.record.folder import HERE, RolloutFolder
from credit_risk.rollout.settings import Environment, KubernetesSettings
from credit_risk.rollout.status import rollout_facts, rollout_lines

VERSION = "credit-risk/version"  # the annotation that says what a Deployment and its pods serve
NAME = "credit-risk"
CONTAINER = "service"
PORT = 3000
ROUTES = {"group": "gateway.networking.k8s.io", "version": "v1", "plural": "httproutes"}
WITHIN = 10.0  # seconds for one answer
NEVER = (400, 404, 422)  # what the API server will not do however often it is tried
MANIFESTS = "configs/kubernetes says what must be there (docs/operations.md)"
# The API server takes the usual header for itself and hands it to no pod.
BEARER = "X-Authorization"


def connected(context: str | None) -> ApiClient:
    """The API server of a context of the kubeconfig, or of the cluster that this runs in. Raises UsageError."""
    settings = Configuration()
    try:
        if context is None:
            config.load_incluster_config(client_configuration=settings)
        else:
            file = os.environ.get("KUBECONFIG")
            config.load_kube_config(file, context, client_configuration=settings)
    except ConfigException as error:
        raise UsageError(f"kubernetes.context: {error}") from None
    settings.retries = False  # the engine tries again, and meanwhile says that it waits
    return ApiClient(settings)


@dataclass(frozen=True)
class ClusterTarget:
    """Colours and traffic of one namespace. health: the path that must answer before a candidate is tried."""

    folder: RolloutFolder
    environment: Environment
    where: KubernetesSettings
    api: ApiClient
    health: str = "/health"

    def live(self) -> tuple[Colour, str]:
        """The colour that the route sends everybody, and its version. Raises RolloutRefused where there is no such."""
        shares = _shares(self._route())
        for colour in COLOURS:
            if shares[colour] and not shares[opposite(colour)]:
                return colour, _version(self._deployment(colour))
        raise RolloutRefused(f"no colour has all requests: {self.where.route} gives {shares}.")

    def shadow(self, live: Colour, candidate: Colour) -> Shadow:
        return ledger_history.compared(self.folder, self.environment, live, candidate)

    def start(self, colour: Colour, version: str) -> None:
        """Its Deployment with this version, and as many replicas as the live colour has, since it may take over all.

        One that runs the version already is left alone: from then on its number is the autoscaler's.
        """
        deployment = self._deployment(colour)
        if _version(deployment) == version and deployment.spec.replicas:
            return
        scaling = self.environment.scaling
        beside = self._deployment(opposite(colour)).spec.replicas or 0
        image = {"name": CONTAINER, "image": self._image(version)}
        pod = {"metadata": {"annotations": {VERSION: version}}, "spec": {"containers": [image]}}
        replicas = min(max(beside, scaling.min_replicas), scaling.max_replicas)
        self._patch(
            colour, {"metadata": {"annotations": {VERSION: version}}, "spec": {"replicas": replicas, "template": pod}}
        )

    def _image(self, version: str) -> str:
        digest = self.where.digests.get(version)
        return f"{self.where.image}@{digest}" if digest else f"{self.where.image}:{version}"

    def ready(self, colour: Colour, version: str) -> bool:
        """Whether all its pods are of this version and once were available, and all but one of the least are now.

        The disruption budget may take one at any time, and one that the autoscaler has just added is not missed.
        """
        deployment = self._deployment(colour)
        status = deployment.status
        reasons = {condition.type: condition.reason for condition in status.conditions or ()}
        return (
            _version(deployment) == version
            and (status.observed_generation or 0) >= deployment.metadata.generation
            and bool(deployment.spec.replicas)
            and status.replicas == status.updated_replicas
            and reasons.get("Progressing") == "NewReplicaSetAvailable"
            and (status.available_replicas or 0) >= max(1, self.environment.scaling.min_replicas - 1)
        )

    def smoke(self, colour: Colour, rollout: str) -> list[str]:
        """Made-up applications to each pod of the colour."""
        headers = smoke.headers(self.environment, rollout, bearer=BEARER)
        pods = self._pods(colour)
        if not pods:
            raise NotReached(f"no pod of {colour} is ready.")
        scorer = self.folder.signed_scorer(colour, self.environment)
        return [
            f"{pod}: {sentence}"
            for pod in pods
            for sentence in smoke.wrong(scorer, partial(self._ask, pod), headers, self.health)
        ]

    def move(self, candidate: Colour, percent: int, salt: int) -> None:  # noqa: ARG002  (a route has no buckets)
        """Set the weights, and believe them once a gateway says that it has them."""
        route = self._route()
        shares: dict[Colour, int] = {candidate: percent, opposite(candidate): 100 - percent}
        if _shares(route) != shares:
            route = self._split(route, shares)
        if not _taken(route):
            raise NotReached(f"no gateway has taken {self.where.route} as it is now: {shares}.")

    def counts(self, slow_above_ms: float) -> Mapping[Colour, Mapping[str, Counts]]:
        """What each ready pod says of itself; what the gateway answered itself is not in it."""
        return {colour: {pod: self._counted(pod, slow_above_ms) for pod in self._pods(colour)} for colour in COLOURS}

    def _counted(self, pod: str, slow_above_ms: float) -> Counts:
        status, text = self._ask(pod, "/metrics", {}, None)
        if status != 200:
            raise NotReached(f"/metrics of {pod} answers {status}; a step is not judged meanwhile.")
        requests, errors = counts.answers(text.decode())
        return replace(counts.counts(text.decode(), slow_above_ms), requests=requests, errors=errors)

    def stop(self, colour: Colour) -> None:
        """No replica: an autoscaler of the HPA's kind leaves that as it is."""
        if self._deployment(colour).spec.replicas != 0:
            self._patch(colour, {"spec": {"replicas": 0}})

    def restart(self, colour: Colour) -> None:
        """Ask for all its pods anew, one after the other, as `kubectl rollout restart` does."""
        at = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat(timespec="seconds")}
        self._patch(colour, {"spec": {"template": {"metadata": {"annotations": at}}}})

    def require_running(self) -> None:
        """Raise where the cluster does not answer, or lacks a colour."""
        for colour in COLOURS:
            self.ready(colour, "")

    def foreign_live(self) -> tuple[Colour, str]:
        """The live version was perhaps brought there from elsewhere, and the shadow compares with its scorer."""
        colour, version = self.live()
        if not (version.startswith(HERE) or version.isdecimal()):
            raise RolloutRefused(f"{colour} serves {version!r}, which is no version of the registry: tag images by it.")
        return colour, version

    def overview(self) -> Group:
        """How the rollout stands, and which colour is live. Raises NotReached where the cluster does not answer."""
        try:
            live = "{} with version {} has all requests".format(*self.live())
        except RolloutRefused as error:  # as in the middle of a rollout
            live = str(error)
        return Group(*rollout_lines(self.folder), live)

    def facts(self) -> dict[str, Any]:
        """The same as values."""
        try:
            colour, version = self.live()
        except RolloutRefused as error:
            return {"live": None, "cause": str(error), "rollout": rollout_facts(self.folder)}
        return {"live": {"colour": colour, "version": version}, "rollout": rollout_facts(self.folder)}

    def _deployment(self, colour: Colour) -> Any:
        with _asking(name := _named(colour)):
            return AppsV1Api(self.api).read_namespaced_deployment(name, self.where.namespace, _request_timeout=WITHIN)

    def _patch(self, colour: Colour, changes: Mapping[str, Any]) -> None:
        with _asking(name := _named(colour)):
            AppsV1Api(self.api).patch_namespaced_deployment(
                name, self.where.namespace, changes, field_manager=NAME, _request_timeout=WITHIN
            )

    def _route(self) -> dict[str, Any]:
        with _asking(self.where.route):
            route: dict[str, Any] = CustomObjectsApi(self.api).get_namespaced_custom_object(
                **ROUTES, namespace=self.where.namespace, name=self.where.route, _request_timeout=WITHIN
            )
        return route

    def _split(self, route: Mapping[str, Any], shares: Mapping[Colour, int]) -> dict[str, Any]:
        """The route as the API server has it afterwards. The version is sent too: what others changed is not undone."""
        of = {_named(colour): share for colour, share in shares.items()}
        rules = [
            rule | {"backendRefs": [ref | {"weight": of.get(ref["name"], 0)} for ref in rule["backendRefs"]]}
            for rule in route["spec"]["rules"]
        ]
        changes = {"metadata": {"resourceVersion": route["metadata"]["resourceVersion"]}, "spec": {"rules": rules}}
        with _asking(self.where.route):
            CustomObjectsApi(self.api).patch_namespaced_custom_object(
                **ROUTES,
                namespace=self.where.namespace,
                name=self.where.route,
                body=changes,
                field_manager=NAME,
                _content_type="application/merge-patch+json",  # a route knows no other
                _request_timeout=WITHIN,
            )
        return self._route()

    def _pods(self, colour: Colour) -> list[str]:
        """The names of those that take traffic."""
        chosen = f"app.kubernetes.io/name={NAME},colour={colour}"
        with _asking(f"the pods of {colour}"):
            pods = CoreV1Api(self.api).list_namespaced_pod(
                self.where.namespace, label_selector=chosen, _request_timeout=WITHIN
            )
        return [
            pod.metadata.name
            for pod in pods.items
            if pod.metadata.deletion_timestamp is None
            and any(
                condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or ()
            )
        ]

    def _ask(
        self, pod: str, path: str, headers: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        """Through the API server, so that whoever deploys needs no way into the cluster's network."""
        proxy = "/api/v1/namespaces/{namespace}/pods/{pod}/proxy/{path}"
        with _asking(pod):
            try:
                answer = self.api.call_api(
                    proxy,
                    "GET" if body is None else "POST",
                    {"namespace": self.where.namespace, "pod": f"{pod}:{PORT}", "path": path.removeprefix("/")},
                    header_params=dict(headers),
                    body=body,
                    auth_settings=["BearerToken"],
                    _preload_content=False,
                    _request_timeout=WITHIN,
                )
            except ApiException as error:
                if not _of_the_service(error):
                    raise NotReached(f"{pod} cannot be asked: {error.status} {error.reason}") from None
                return error.status, error.body.encode()
            return answer.status, answer.data


def connect(environment: Environment, folder: RolloutFolder, health: str) -> ClusterTarget:
    """The target of an environment (see targets.part_of). Raises UsageError without a cluster."""
    where = environment.kubernetes
    if where is None:
        raise UsageError(f"{environment.environment} names no cluster (its section kubernetes).")
    return ClusterTarget(folder, environment, where, connected(where.context), health)


def _named(colour: Colour) -> str:
    return f"{NAME}-{colour}"


def _version(deployment: Any) -> str:
    """What it serves: as a rollout wrote it there, else by the tag of the image that it was made with."""
    noted = (deployment.metadata.annotations or {}).get(VERSION)
    if noted:
        return str(noted)
    image = next(
        container.image for container in deployment.spec.template.spec.containers if container.name == CONTAINER
    )
    return str(image).rpartition(":")[2]


def _shares(route: Mapping[str, Any]) -> dict[Colour, int]:
    """The weight of each colour. Raises RolloutRefused where the rules of the route differ, or leave a colour out."""
    by_rule = []
    for rule in route["spec"]["rules"]:
        weights = {ref["name"]: ref.get("weight", 1) for ref in rule.get("backendRefs", ())}
        by_rule.append({colour: weights.get(_named(colour), -1) for colour in COLOURS})
    if not by_rule or any(shares != by_rule[0] for shares in by_rule) or -1 in by_rule[0].values():
        raise RolloutRefused(f"each rule of the route must name both colours, with the same weights; got {by_rule}.")
    return by_rule[0]


def _taken(route: Mapping[str, Any]) -> bool:
    """Whether a gateway has accepted the route in its present form."""
    parents = route.get("status", {}).get("parents", ())
    conditions = [condition for parent in parents for condition in parent.get("conditions", ())]
    return any(
        condition["type"] == "Accepted"
        and condition["status"] == "True"
        and condition.get("observedGeneration", 0) >= route["metadata"]["generation"]
        for condition in conditions
    )


def _of_the_service(error: ApiException) -> bool:
    """Whether the service itself answered so (RFC 9457), and not the API server."""
    try:
        problem = json.loads(error.body or "")
    except ValueError:
        return False
    return isinstance(problem, dict) and "title" in problem


@contextmanager
def _asking(what: str) -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        answer = f"{what}: the API server answers {error.status} {error.reason}"
        if error.status in NEVER:
            raise RolloutRefused(f"{answer}. {MANIFESTS}.") from None
        raise NotReached(answer) from None
    except HTTPError as error:
        raise NotReached(f"{what}: the API server does not answer ({error})") from None

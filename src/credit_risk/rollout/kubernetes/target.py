"""The Kubernetes target: colours are Deployments, traffic is split by an HTTPRoute, and the API server is all it asks.

The weights split requests and not applicants: whoever asks twice may meet both colours while a rollout lasts.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, ApiException, AppsV1Api, Configuration, CoreV1Api, CustomObjectsApi
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from credit_risk.errors import UsageError
from credit_risk.rollout import counts, ledger_history, smoke
from credit_risk.rollout.analysis import Counts
from credit_risk.rollout.engine import NotReached, RolloutRefused
from credit_risk.rollout.folder import Place
from credit_risk.rollout.settings import Environment, Kubernetes
from credit_risk.rollout.shadow import Shadow
from credit_risk.rollout.split import COLOURS, Colour, other

VERSION = "credit-risk/version"  # the annotation that says what a Deployment and its pods serve
NAME = "credit-risk"
CONTAINER = "service"
PORT = 3000
ROUTES = {"group": "gateway.networking.k8s.io", "version": "v1", "plural": "httproutes"}
WITHIN = 10.0  # seconds for one answer
NEVER = (400, 404, 422)  # what the API server will not do however often it is asked
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
    settings.retries = False  # the engine asks again, and meanwhile says that it waits
    return ApiClient(settings)


@dataclass(frozen=True)
class Cluster:
    """Colours and traffic of one namespace. health: the path that must answer before a candidate is tried."""

    place: Place
    environment: Environment
    where: Kubernetes
    api: ApiClient
    health: str = "/health"

    def live(self) -> tuple[Colour, str]:
        """The colour that the route sends everybody, and its version. Raises RolloutRefused where there is no such."""
        shares = _shares(self._route())
        for colour in COLOURS:
            if shares[colour] and not shares[other(colour)]:
                return colour, _version(self._deployment(colour))
        raise RolloutRefused(f"no colour has all requests: {self.where.route} gives {shares}.")

    def shadow(self, live: Colour, candidate: Colour) -> Shadow:
        return ledger_history.compared(self.place, self.environment, live, candidate)

    def start(self, colour: Colour, version: str) -> None:
        """Its Deployment with this version, and as many replicas as the other colour has, since it may take over all.

        One that runs the version already is left alone: from then on its number is the autoscaler's.
        """
        found = self._deployment(colour)
        if _version(found) == version and found.spec.replicas:
            return
        scaling = self.environment.scaling
        beside = self._deployment(other(colour)).spec.replicas or 0
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
        found = self._deployment(colour)
        status = found.status
        why = {one.type: one.reason for one in status.conditions or ()}
        return (
            _version(found) == version
            and (status.observed_generation or 0) >= found.metadata.generation
            and bool(found.spec.replicas)
            and status.replicas == status.updated_replicas
            and why.get("Progressing") == "NewReplicaSetAvailable"
            and (status.available_replicas or 0) >= max(1, self.environment.scaling.min_replicas - 1)
        )

    def smoke(self, colour: Colour, rollout: str) -> list[str]:
        """Made-up applications to each pod of the colour."""
        asking = smoke.headers(self.environment, rollout, bearer=BEARER)
        pods = self._pods(colour)
        if not pods:
            raise NotReached(f"no pod of {colour} is ready.")
        found = {pod: smoke.wrong(self.place, colour, partial(self._ask, pod), asking, self.health) for pod in pods}
        return [f"{pod}: {sentence}" for pod, sentences in found.items() for sentence in sentences]

    def move(self, candidate: Colour, percent: int, salt: int) -> None:  # noqa: ARG002  (a route has no buckets)
        """Set the weights, and believe them once a gateway says that it has them."""
        route = self._route()
        wanted: dict[Colour, int] = {candidate: percent, other(candidate): 100 - percent}
        if _shares(route) != wanted:
            route = self._split(route, wanted)
        if not _taken(route):
            raise NotReached(f"no gateway has taken {self.where.route} as it is now: {wanted}.")

    def counts(self) -> Mapping[Colour, Mapping[str, Counts]]:
        """What each ready pod says of itself; what the gateway answered in a pod's place is not in it."""
        slow = self.environment.rollout.analysis.slow_above_ms
        return {colour: {pod: self._counted(pod, slow) for pod in self._pods(colour)} for colour in COLOURS}

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

    def _deployment(self, colour: Colour) -> Any:
        with _asked(name := _named(colour)):
            return AppsV1Api(self.api).read_namespaced_deployment(name, self.where.namespace, _request_timeout=WITHIN)

    def _patch(self, colour: Colour, changes: Mapping[str, Any]) -> None:
        with _asked(name := _named(colour)):
            AppsV1Api(self.api).patch_namespaced_deployment(
                name, self.where.namespace, changes, field_manager=NAME, _request_timeout=WITHIN
            )

    def _route(self) -> dict[str, Any]:
        with _asked(self.where.route):
            found: dict[str, Any] = CustomObjectsApi(self.api).get_namespaced_custom_object(
                **ROUTES, namespace=self.where.namespace, name=self.where.route, _request_timeout=WITHIN
            )
        return found

    def _split(self, route: Mapping[str, Any], shares: Mapping[Colour, int]) -> dict[str, Any]:
        """The route as the API server has it afterwards. The version is sent too: what others changed is not undone."""
        of = {_named(colour): share for colour, share in shares.items()}
        rules = [
            rule | {"backendRefs": [ref | {"weight": of.get(ref["name"], 0)} for ref in rule["backendRefs"]]}
            for rule in route["spec"]["rules"]
        ]
        changes = {"metadata": {"resourceVersion": route["metadata"]["resourceVersion"]}, "spec": {"rules": rules}}
        with _asked(self.where.route):
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
        with _asked(f"the pods of {colour}"):
            found = CoreV1Api(self.api).list_namespaced_pod(
                self.where.namespace, label_selector=chosen, _request_timeout=WITHIN
            )
        return [
            pod.metadata.name
            for pod in found.items
            if pod.metadata.deletion_timestamp is None
            and any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions or ())
        ]

    def _ask(
        self, pod: str, path: str, headers: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        """Through the API server, so that whoever deploys needs no way into the cluster's network."""
        proxy = "/api/v1/namespaces/{namespace}/pods/{pod}/proxy/{path}"
        with _asked(pod):
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


def _named(colour: Colour) -> str:
    return f"{NAME}-{colour}"


def _version(deployment: Any) -> str:
    """What it serves: as a rollout wrote it there, else by the tag of the image that it was made with."""
    noted = (deployment.metadata.annotations or {}).get(VERSION)
    if noted:
        return str(noted)
    image = next(one.image for one in deployment.spec.template.spec.containers if one.name == CONTAINER)
    return str(image).rpartition(":")[2]


def _shares(route: Mapping[str, Any]) -> dict[Colour, int]:
    """The weight of each colour. Raises RolloutRefused where the rules of the route differ, or leave a colour out."""
    found = []
    for rule in route["spec"]["rules"]:
        weights = {ref["name"]: ref.get("weight", 1) for ref in rule.get("backendRefs", ())}
        found.append({colour: weights.get(_named(colour), -1) for colour in COLOURS})
    if not found or any(one != found[0] for one in found) or -1 in found[0].values():
        raise RolloutRefused(f"each rule of the route must name both colours, with the same weights; got {found}.")
    return found[0]


def _taken(route: Mapping[str, Any]) -> bool:
    """Whether a gateway has accepted the route in its present form."""
    conditions = [one for parent in route.get("status", {}).get("parents", ()) for one in parent.get("conditions", ())]
    return any(
        one["type"] == "Accepted"
        and one["status"] == "True"
        and one.get("observedGeneration", 0) >= route["metadata"]["generation"]
        for one in conditions
    )


def _of_the_service(error: ApiException) -> bool:
    """Whether the service itself answered so (RFC 9457), and not the API server in its place."""
    try:
        found = json.loads(error.body or "")
    except ValueError:
        return False
    return isinstance(found, dict) and "title" in found


@contextmanager
def _asked(what: str) -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        told = f"{what}: the API server answers {error.status} {error.reason}"
        if error.status in NEVER:
            raise RolloutRefused(f"{told}. {MANIFESTS}.") from None
        raise NotReached(told) from None
    except HTTPError as error:
        raise NotReached(f"{what}: the API server does not answer ({error})") from None

"""A small API server on this machine: two Deployments with pods, a route, and the way through to the pods.

It keeps objects as JSON and answers what delivery/cluster.py asks, as Kubernetes does it: merge patches for a route,
strategic ones for a Deployment, a token for everything, no `Authorization` for a pod. Its Deployment controller and its
gateway act at once unless they are told to wait; applicants come by the weights of the route.
"""

import copy
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from prometheus_client import CollectorRegistry

from credit_risk.serving.prometheus import ServiceMetrics

TOKEN = "a-token-of-the-test"
NAMESPACE = "lending"
IMAGE = "registry.example/credit-risk"
GATEWAY = "/apis/gateway.networking.k8s.io/v1"
COLOURS = ("blue", "green")
Decide = Callable[[Mapping[str, Any], Mapping[str, str]], tuple[int, Any]]


class Refused(Exception):
    """An answer that is none of 200."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def deployment(colour: str, version: str, replicas: int) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "credit-risk", "colour": colour}
    service = {"name": "service", "image": f"{IMAGE}:{version}", "args": ["serve"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"credit-risk-{colour}", "generation": 1, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [service, {"name": "beside", "image": "proxy:1"}]},
            },
        },
        "status": {},
    }


def route() -> dict[str, Any]:
    weights = {"blue": 100, "green": 0}
    refs = [{"name": f"credit-risk-{colour}", "port": 80, "weight": weight} for colour, weight in weights.items()]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "credit-risk", "generation": 1, "resourceVersion": "1"},
        "spec": {"rules": [{"timeouts": {"request": "15s"}, "backendRefs": refs}]},
        "status": {},
    }


@dataclass
class Pod:
    """One replica: what it serves and what it did."""

    name: str
    version: str
    measures: ServiceMetrics = field(default_factory=lambda: ServiceMetrics("0" * 64, CollectorRegistry()))
    ready: bool = True


@dataclass
class Api:
    """The objects, and what may go wrong.

    down: nobody answers; slow: no new pod gets ready; deaf: no gateway takes a route; errors: of a version, the share
    of its answers.
    """

    decide: Decide
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    pods: dict[str, list[Pod]] = field(default_factory=lambda: {colour: [] for colour in COLOURS})
    errors: dict[str, float] = field(default_factory=dict)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    to_pods: list[dict[str, str]] = field(default_factory=list)
    now: float = 1_700_000_000.0
    down: bool = False
    slow: bool = False
    deaf: bool = False
    outages: int = 0
    made: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        for colour, replicas in (("blue", 2), ("green", 0)):
            self.objects[f"credit-risk-{colour}"] = deployment(colour, "1", replicas)
        self.objects["credit-risk"] = route()
        self.settle()

    def settle(self) -> None:
        """What the controllers of Deployments and of the gateway do."""
        for colour in COLOURS:
            self._roll(colour)
        found = self.objects["credit-risk"]
        if not self.deaf:
            accepted = {"type": "Accepted", "status": "True", "observedGeneration": found["metadata"]["generation"]}
            found["status"] = {"parents": [{"conditions": [accepted]}]}

    def _roll(self, colour: str) -> None:
        found = self.objects[f"credit-risk-{colour}"]
        version = self.served(colour)
        wanted, pods = found["spec"]["replicas"], self.pods[colour]
        if self.slow and wanted:
            found["status"] = {"observedGeneration": found["metadata"]["generation"], "replicas": len(pods)}
            return
        pods[:] = [one for one in pods if one.version == version][:wanted]
        while len(pods) < wanted:
            self.made += 1
            pods.append(Pod(f"credit-risk-{colour}-{self.made}", version))
        ready = sum(one.ready for one in pods)
        found["status"] = {
            "observedGeneration": found["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(pods),
            "availableReplicas": ready,
            "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}],
        }

    def served(self, colour: str) -> str:
        image = self.objects[f"credit-risk-{colour}"]["spec"]["template"]["spec"]["containers"][0]["image"]
        return str(image).rpartition(":")[2]

    @property
    def weights(self) -> dict[str, int]:
        refs = self.objects["credit-risk"]["spec"]["rules"][0]["backendRefs"]
        return {ref["name"].removeprefix("credit-risk-"): ref["weight"] for ref in refs}

    @property
    def runs(self) -> dict[str, str]:
        return {colour: self.served(colour) for colour in COLOURS if self.pods[colour]}

    def pass_(self, seconds: float = 1.0, per_second: int = 400) -> None:
        """Time with applicants: seven of ten are approved, and those that are to fail get a 503."""
        with self.lock:
            self.now += seconds
            for colour, weight in self.weights.items():
                requests = round(seconds * per_second * weight / 100)
                pods = [one for one in self.pods[colour] if one.ready]
                if requests and not pods:
                    self.outages += 1
                for number in range(requests if pods else 0):
                    self._answer(pods[number % len(pods)], number)

    def _answer(self, pod: Pod, number: int) -> None:
        if number % 100 < 100 * self.errors.get(pod.version, 0):
            pod.measures.problems.labels("503").inc()
        else:
            outcome = "approve" if number % 10 < 7 else "decline"
            pod.measures.count_decision(outcome, 0.004, 400.0 + number % 4 * 100, ())

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Status and content, text or JSON."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        with self.lock:
            self.requests.append((method, unquote(path), headers.get("content-type", "")))
            if headers.get("authorization") != f"Bearer {TOKEN}":
                raise Refused(401, "Unauthorized")
            self.settle()
            parts = [unquote(part) for part in path.split("/")]
            if "proxy" in parts:
                return self._proxied(parts, method, headers, body)
            if parts[-1] == "pods":
                return 200, self._listed(query["labelSelector"][0])
            name = parts[-1]
            root = GATEWAY if parts[-2] == "httproutes" else "/apis/apps/v1"
            if not path.startswith(f"{root}/namespaces/{NAMESPACE}/") or name not in self.objects:
                raise Refused(404, "Not Found")
            if method == "PATCH":
                self._patch(name, headers["content-type"], json.loads(body), query)
                self.settle()
            return 200, copy.deepcopy(self.objects[name])

    def _patch(self, name: str, kind: str, changes: dict[str, Any], query: Mapping[str, list[str]]) -> None:
        found = self.objects[name]
        merges = "merge" if found["kind"] == "HTTPRoute" else "strategic-merge"
        if kind != f"application/{merges}-patch+json":
            raise Refused(415, "Unsupported Media Type")
        assert query["fieldManager"] == ["credit-risk"]
        seen = changes.get("metadata", {}).pop("resourceVersion", None)
        if seen not in (None, found["metadata"].get("resourceVersion")):
            raise Refused(409, "Conflict")
        after = merged(found, changes, by_name=merges == "strategic-merge")
        if after["spec"] != found["spec"]:
            after["metadata"]["generation"] += 1
        after["metadata"]["resourceVersion"] = str(int(found["metadata"].get("resourceVersion", 0)) + 1)
        self.objects[name] = after

    def _listed(self, selector: str) -> dict[str, Any]:
        colour = dict(one.split("=") for one in selector.split(","))["colour"]
        items = [
            {
                "metadata": {"name": one.name},
                "status": {"conditions": [{"type": "Ready", "status": str(one.ready)}]},
            }
            for one in self.pods[colour]
        ]
        return {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items}

    def _proxied(self, parts: list[str], method: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        name, _, port = parts[parts.index("proxy") - 1].partition(":")
        pod = next((one for pods in self.pods.values() for one in pods if one.name == name), None)
        if pod is None or port != "3000":
            raise Refused(404, "Not Found")
        path = "/".join(parts[parts.index("proxy") + 1 :])
        seen = {name: value for name, value in headers.items() if name != "authorization"}
        if method == "GET":
            return 200, pod.measures.text().decode() if path == "metrics" else {"status": "ready"}
        assert path == "decide"
        self.to_pods.append(seen | {"pod": name})
        return self.decide(json.loads(body), seen | {"version": pod.version})


def merged(old: Any, changes: Any, *, by_name: bool) -> Any:
    """A merge patch; with `by_name` lists of named things are merged thing by thing, as a strategic patch does."""
    if isinstance(old, dict) and isinstance(changes, dict):
        after = {key: merged(old.get(key), value, by_name=by_name) for key, value in changes.items()}
        return {**old, **after}
    if by_name and isinstance(old, list) and isinstance(changes, list):
        named = {one["name"]: one for one in changes}
        return [merged(one, named.get(one["name"], {}), by_name=True) for one in old]
    return copy.deepcopy(changes)


@contextmanager
def serving(api: Api) -> Iterator[int]:
    """The port where it answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if api.down:
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, content = api.answer(self.command, self.path, headers, body)
            except Refused as refused:
                status = refused.status
                content = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": str(refused)}
            text = content if isinstance(content, str) else json.dumps(content)
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_PATCH = do_POST = do_GET  # noqa: N815  (the base class names them)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_kubeconfig(path: Path, port: int) -> None:
    """One context, `lab`, with the token."""
    cluster = {"name": "lab", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    user = {"name": "lab", "user": {"token": TOKEN}}
    context = {"name": "lab", "context": {"cluster": "lab", "user": "lab"}}
    parts = {"clusters": [cluster], "users": [user], "contexts": [context], "current-context": "lab"}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **parts}))


@contextmanager
def passing(api: Api, every: float = 0.05, speed: float = 10.0) -> Iterator[None]:
    """Applicants who come while a command runs, in time that goes `speed` times as fast."""
    ended = threading.Event()

    def come() -> None:
        while not ended.wait(every):
            api.pass_(every * speed)

    thread = threading.Thread(target=come)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

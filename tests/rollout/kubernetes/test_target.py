"""Rollouts through the official client and real HTTP, against a small API server (cluster_trial.py), and what the
target does when that server, a pod or the controller fails. No real cluster has any part in it."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from credit_risk.cli import main
from credit_risk.data.files import Files
from credit_risk.errors import UsageError
from credit_risk.rollout import deployment
from credit_risk.rollout.colours import opposite
from credit_risk.rollout.engine import NotReached, Releases, RolloutEngine, RolloutRefused
from credit_risk.rollout.kubernetes.target import ClusterTarget, connected
from credit_risk.rollout.record.folder import RolloutFolder, copy_release, version_here
from credit_risk.rollout.record.state import RolloutRecord
from credit_risk.rollout.settings import KubernetesSettings, validate_environment_config
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from registry_trial import empty_registry, files
from rollout.kubernetes.cluster_trial import IMAGE, NAMESPACE, Api, passing, serving, write_kubeconfig
from rollout_trial import ADA, ANALYSIS, KEY, TOLERANCES, go_on, write_environment

__all__ = ["empty_registry", "files"]

WHERE = KubernetesSettings(context="lab", namespace=NAMESPACE, image=IMAGE)
WHO = {"by": "Kim Lee", "reason": "third quarter was added"}
STEPS = (10, 50, 100)


class Killed(BaseException):
    """The controller is gone, at once."""


@dataclass(frozen=True)
class Mortal(ClusterTarget):
    """Dies when it has made so many patches, before anybody hears of the last."""

    deaths: tuple = ()
    patches: list = None

    def _patch(self, colour, changes):
        super()._patch(colour, changes)
        self._note()

    def _split(self, route, shares):
        super()._split(route, shares)
        self._note()
        return self._route()

    def _note(self):
        self.patches.append(1)
        if len(self.patches) in self.deaths:
            raise Killed


@pytest.fixture(scope="session")
def scorer(trained):
    return Scorer.load(trained[1].scorer)


@pytest.fixture
def api(scorer):
    """The pods decide as the scorer does, but for version 9, whose scores are one higher."""

    def decide(application, seen):
        found = json.loads(json.dumps(scorer.decide(application).record()))
        if seen["version"] == "9" and found["score"] is not None:
            found["score"] += 1
        return 200, found

    return Api(decide)


@pytest.fixture
def port(api, tmp_path, monkeypatch):
    with serving(api) as port:
        write_kubeconfig(tmp_path / "kubeconfig", port)
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
        yield port


@pytest.fixture
def target(port, environment, trained, tmp_path):
    """The namespace, with the release of both colours fetched already."""
    rollout = environment.rollout
    tolerances = rollout.analysis.tolerances.model_copy(update=TOLERANCES)
    analysis = rollout.analysis.model_copy(update=ANALYSIS | {"interval_s": 1.0, "tolerances": tolerances})
    found = environment.model_copy(
        update={
            "kubernetes": WHERE,
            "scaling": environment.scaling.model_copy(update={"min_replicas": 2}),
            "rollout": rollout.model_copy(update={"step_s": 3.0, "bake_s": 5.0, "ready_s": 10.0, "analysis": analysis}),
        }
    )
    folder = RolloutFolder(tmp_path / "root", "production")
    key = folder.root / signing.DEVELOPMENT
    signing.make_keys(key)
    for colour in ("blue", "green"):
        copy_release(trained[1], folder.release(colour))
        release = Files(folder.release(colour))
        signing.sign(release.scorer, release.scorer_signature, key)
    client = connected("lab")
    yield ClusterTarget(folder, found, WHERE, client)
    client.rest_client.pool_manager.clear()


@pytest.fixture
def engine(target, api):
    told = []

    def promoted(version, by, reason):
        told.append(("promoted", version))

    def returned(version, by, reason):
        told.append(("returned", version))

    releases = Releases(lambda *_: None, promoted, returned)
    made = RolloutEngine(
        RolloutRecord(target.folder.run), target, releases, target.environment.rollout, lambda: api.now
    )
    made.told = told
    return made


def patched(api):
    return [path.rpartition("/")[2] for method, path, _ in api.requests if method == "PATCH"]


def test_a_sound_candidate_takes_every_step_and_has_all_in_the_end(engine, api):
    engine.begin("2", "canary", STEPS, **WHO)
    seen = []
    go_on(engine, api, until=lambda state: seen.append(api.weights["green"]) or state.ended)
    assert sorted(set(seen)) == [0, 10, 50, 100]
    assert seen == sorted(seen)
    assert engine.record.load().phase == "done"
    assert (api.runs, api.outages, engine.told) == ({"green": "2"}, 0, [("promoted", "2")])
    assert engine.target.live() == ("green", "2")
    found = api.objects["credit-risk-green"]["spec"]["template"]
    assert [one["image"] for one in found["spec"]["containers"]] == [f"{IMAGE}:2", "proxy:1"]
    assert found["metadata"]["annotations"] == {"credit-risk/version": "2"}


def test_the_next_rollout_goes_the_other_way(engine, api):
    for version, colour in (("2", "green"), ("3", "blue")):
        engine.begin(version, "canary", STEPS, **WHO)
        assert go_on(engine, api).phase == "done"
        assert (api.runs, engine.target.live()) == ({colour: version}, (colour, version))
    assert api.outages == 0


def test_a_candidate_that_fails_requests_is_rolled_back_and_ends(engine, api):
    api.errors["2"] = 0.5
    engine.begin("2", "canary", STEPS, **WHO)
    state = go_on(engine, api)
    assert state.phase == "rolled back"
    assert "error_rate" in state.cause
    assert (api.weights, api.runs, engine.told) == ({"blue": 100, "green": 0}, {"blue": "1"}, [("returned", "2")])
    assert api.outages == 0


def test_a_candidate_that_decides_otherwise_meets_nobody(engine, api):
    engine.begin("9", "canary", STEPS, **WHO)
    state = go_on(engine, api)
    assert state.phase == "rolled back"
    assert "smoke decisions are not the scorer's: credit-risk-green-" in state.cause
    assert "application 0: score (other values)" in state.cause
    assert patched(api).count("credit-risk") == 0  # the route was never touched


def test_smoke_decisions_are_asked_of_each_pod_in_the_name_of_the_rollout(target, api, monkeypatch):
    monkeypatch.setenv("CREDIT_RISK_SMOKE_KEY", "secret")
    target.start("green", "2")
    assert target.smoke("green", "r-1") == []
    pods = [one["pod"] for one in api.to_pods]
    assert {pod: pods.count(pod) for pod in pods} == {one.name: 20 for one in api.pods["green"]}
    assert {one["x-applicant-id"] for one in api.to_pods} == {"smoke-r-1"}
    assert {one["x-authorization"] for one in api.to_pods} == {"Bearer secret"}


def test_a_problem_of_the_service_is_a_wrong_decision_and_one_of_the_api_server_is_none(target, api):
    target.start("green", "2")
    api.decide = lambda *_: (401, {"title": "Who are you?", "status": 401})
    assert "application 0: decision" in (wrong := target.smoke("green", "r-1"))[0]
    assert "(Who are you?)" in wrong[0]
    api.decide = lambda *_: (503, {"kind": "Status", "reason": "ServiceUnavailable"})
    with pytest.raises(NotReached, match=r"credit-risk-green-\d+ cannot be asked: 503"):
        target.smoke("green", "r-1")


def test_what_can_be_done_twice_is_done_once(target, api):
    for _ in range(3):
        target.start("green", "2")
        target.move("green", 10, 7)
        assert target.ready("green", "2")
    assert patched(api) == ["credit-risk-green", "credit-risk"]
    for _ in range(3):
        target.stop("green")
    assert patched(api)[2:] == ["credit-risk-green"]
    assert api.runs == {"blue": "1"}


def test_a_candidate_starts_with_as_many_replicas_as_the_other_has(target, api):
    api.objects["credit-risk-blue"]["spec"]["replicas"] = 3
    target.start("green", "2")
    assert len(api.pods["green"]) == 3


def test_what_the_autoscaler_does_is_left_alone_and_makes_nothing_unready(target, api):
    target.start("green", "2")
    api.settle()
    api.objects["credit-risk-green"]["spec"]["replicas"] = 4
    api.settle()
    for pod in api.pods["green"][2:]:
        pod.ready = False
    target.start("green", "2")
    assert len(api.pods["green"]) == 4
    assert target.ready("green", "2")
    for pod in api.pods["green"]:
        pod.ready = False
    assert not target.ready("green", "2")


def test_ready_means_this_version_rolled_out(target, api):
    target.start("green", "2")
    assert target.ready("green", "2")
    assert not target.ready("green", "3")
    api.slow = True
    target.start("green", "3")
    assert not target.ready("green", "3")
    api.slow = False
    assert target.ready("green", "3")


def test_a_candidate_that_never_gets_ready_is_rolled_back(engine, api):
    engine.begin("2", "canary", STEPS, **WHO)
    go_on(engine, api, until=lambda state: state.phase == "start")
    api.slow = True
    state = go_on(engine, api, until=lambda state: state.phase == "rolling back")
    assert state.cause == "the candidate was not ready within 10 s"
    api.slow = False
    assert go_on(engine, api).phase == "rolled back"
    assert (api.runs, api.outages) == ({"blue": "1"}, 0)


def test_pods_that_are_out_of_traffic_roll_a_candidate_back(engine, api):
    engine.begin("2", "canary", STEPS, **WHO)
    go_on(engine, api, until=lambda state: state.percent == 10)
    for pod in api.pods["green"]:
        pod.ready = False
    assert "out of traffic" in go_on(engine, api).cause
    assert api.runs == {"blue": "1"}


def test_a_restart_is_asked_for_as_kubectl_does_and_changes_no_version(target, api):
    before = target.live()
    target.restart("blue")
    pod = api.objects["credit-risk-blue"]["spec"]["template"]["metadata"]["annotations"]
    assert datetime.fromisoformat(pod["kubectl.kubernetes.io/restartedAt"]).tzinfo is not None
    assert target.live() == before


def test_counts_are_those_of_each_pod_with_faults_among_its_requests(target, api):
    api.errors["1"] = 0.25
    api.pass_(per_second=400)
    found = target.counts(50)
    assert set(found) == {"blue", "green"}
    assert found["green"] == {}
    assert set(found["blue"]) == {one.name for one in api.pods["blue"]}
    assert sum(one.requests for one in found["blue"].values()) == 400
    assert sum(one.errors for one in found["blue"].values()) == 100
    assert sum(one.decisions for one in found["blue"].values()) == 300
    api.pods["blue"][0].ready = False
    assert set(target.counts(50)["blue"]) == {api.pods["blue"][1].name}


@pytest.mark.parametrize("phase", ["fetch", "start", "traffic", "bake", "retire"])
def test_while_the_api_is_down_a_rollout_holds_and_then_goes_on(engine, api, phase):
    engine.begin("2", "canary", STEPS, **WHO)
    if phase != "fetch":
        go_on(engine, api, until=lambda state: state.phase == phase)
    before = engine.record.load()
    api.down = True
    for _ in range(5):
        held = engine.tick()
        assert (held.phase, held.step) == (before.phase, before.step)
        assert "the API server does not answer" in held.message
        api.pass_()
    api.down = False
    assert go_on(engine, api).phase == "done"
    assert (api.runs, api.outages) == ({"green": "2"}, 0)


def test_where_nobody_listens_is_not_reached_and_a_wrong_token_is_neither(target, port, tmp_path):
    write_kubeconfig(tmp_path / "kubeconfig", 1)
    with pytest.raises(NotReached, match="does not answer"):
        replace(target, api=connected("lab")).live()
    write_kubeconfig(tmp_path / "kubeconfig", port)
    (tmp_path / "kubeconfig").write_text((tmp_path / "kubeconfig").read_text().replace("a-token", "no-token"))
    with pytest.raises(NotReached, match="401 Unauthorized"):
        replace(target, api=connected("lab")).live()


def test_a_context_that_is_not_there_is_said(port):
    with pytest.raises(UsageError, match=r"kubernetes.context: .*absent"):
        connected("absent")


def test_what_is_not_there_ends_and_is_not_asked_for_again(target, api):
    del api.objects["credit-risk-green"], api.objects["credit-risk"]
    api.settle = lambda: None
    with pytest.raises(RolloutRefused, match=r"404 Not Found. configs/kubernetes says what must be there"):
        target.live()
    with pytest.raises(RolloutRefused, match="credit-risk-green"):
        target.start("green", "2")


def test_a_route_that_another_has_changed_meanwhile_is_not_overwritten(target, api):
    route = target._route()
    api.objects["credit-risk"]["metadata"]["resourceVersion"] = "77"
    with pytest.raises(NotReached, match="409"):
        target._split(route, {"blue": 50, "green": 50})
    assert api.weights == {"blue": 100, "green": 0}


def test_weights_count_once_a_gateway_has_taken_them(target, api):
    api.deaf = True
    with pytest.raises(NotReached, match="no gateway has taken"):
        target.move("green", 10, 7)
    api.deaf = False
    target.move("green", 10, 7)
    assert (api.weights, patched(api)) == ({"blue": 90, "green": 10}, ["credit-risk"])


@pytest.mark.parametrize("weights", [(50, 50), (0, 0)])
def test_nothing_is_live_while_no_colour_has_all(target, api, weights):
    refs = api.objects["credit-risk"]["spec"]["rules"][0]["backendRefs"]
    for ref, weight in zip(refs, weights, strict=True):
        ref["weight"] = weight
    with pytest.raises(RolloutRefused, match="no colour has all requests"):
        target.live()


def test_a_route_without_both_colours_is_refused(target, api):
    api.objects["credit-risk"]["spec"]["rules"][0]["backendRefs"].pop()
    with pytest.raises(RolloutRefused, match="must name both colours"):
        target.live()


def test_an_image_by_its_digest_keeps_its_version(target, api):
    digest = "sha256:" + "ab" * 32
    pinned = replace(target, where=WHERE.model_copy(update={"digests": {"2": digest}}))
    pinned.start("green", "2")
    image = api.objects["credit-risk-green"]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"{IMAGE}@{digest}"
    assert pinned.ready("green", "2")


def test_a_controller_that_dies_between_patch_and_save_comes_to_the_same_end(engine, api, target):
    whole = mortal(engine, target)
    whole.begin("2", "canary", STEPS, **WHO)
    assert go_on(whole, api).phase == "done"
    patches = len(whole.target.patches)
    assert patches == 5  # start, three weights, stop
    for death in range(1, patches + 1):
        live, version = target.live()
        again = mortal(engine, target, death)
        again.begin(str(int(version) + 1), "canary", STEPS, **WHO)
        with pytest.raises(Killed):
            go_on(again, api)
        api.pass_(5)
        assert go_on(again, api).phase == "done"
        assert (api.runs, api.outages) == ({opposite(live): str(int(version) + 1)}, 0)
        assert len(again.target.patches) == patches  # what was done before the death is not done again


def mortal(engine, target, *deaths):
    of = {name: getattr(target, name) for name in ("folder", "environment", "where", "api", "health")}
    return replace(engine, target=Mortal(**of, deaths=deaths, patches=[]))


@pytest.fixture
def repository(files, port):
    """A signed repository whose local environment is the cluster, with its release live there."""
    write_environment(files.root)
    path = files.root / "configs" / "deploy" / "local.yaml"
    path.write_text(
        path.read_text() + f"kubernetes: {{context: lab, namespace: {NAMESPACE}, image: {IMAGE}}}\n", encoding="utf-8"
    )
    return ["--root", str(files.root)]


def test_the_commands_drive_the_cluster_and_leave_this_machine_alone(repository, files, api, monkeypatch, capsys):
    version = version_here(files.root)
    own = Scorer.load(files.scorer)
    api.decide = lambda application, _: (200, json.loads(json.dumps(own.decide(application).record())))
    for colour in ("blue", "green"):
        containers = api.objects[f"credit-risk-{colour}"]["spec"]["template"]["spec"]["containers"]
        containers[0]["image"] = f"{IMAGE}:{version}"
    with passing(api):
        assert main(["deploy", *repository, "--model-version", "here", "--strategy", "canary", *ADA]) == 0
        assert api.weights == {"blue": 0, "green": 100}
        assert api.runs == {"green": version}
        assert main(["status", *repository]) == 0
        assert f"green with version {version} has all requests" in capsys.readouterr().out
        assert main(["rollback", *repository, *ADA]) == 0
    assert (api.weights, api.runs, api.outages) == ({"blue": 100, "green": 0}, {"blue": version}, 0)
    run = files.root / "build" / "delivery"
    assert sorted(path.name for path in run.iterdir()) == ["local"]  # a folder of its own


def half_way(root, api, version):
    """A rollout whose controller is gone while both colours have traffic."""
    own = Scorer.load(Files(root).scorer)
    api.decide = lambda application, _: (200, json.loads(json.dumps(own.decide(application).record())))
    for colour in ("blue", "green"):
        containers = api.objects[f"credit-risk-{colour}"]["spec"]["template"]["spec"]["containers"]
        containers[0]["image"] = f"{IMAGE}:{version}"
    path = root / "configs" / "deploy" / "local.yaml"
    site = deployment.Site(root, validate_environment_config(path), path)
    site.engine.releases.fetch(version, "blue", "", "")
    site.engine.begin(version, "canary", (20, 100), **WHO)
    while site.engine.tick().percent != 20 or api.weights["green"] != 20:
        api.pass_()


@pytest.mark.parametrize(("verb", "ends"), [("resume", (0, (0, 100))), ("abort", (1, (100, 0)))])
def test_who_comes_after_a_dead_controller_goes_on_or_back(repository, files, api, verb, ends):
    code, weights = ends
    half_way(files.root, api, version_here(files.root))
    assert sorted(api.runs) == ["blue", "green"]
    with passing(api):
        assert main(["deploy", verb, *repository, *ADA]) == code
    assert (api.weights["blue"], api.weights["green"]) == weights
    assert len(api.runs) == 1


def test_a_command_without_the_cluster_says_so_and_moves_nothing(repository, api, capsys):
    api.down = True
    assert main(["deploy", *repository, "--model-version", "here", *ADA]) == 2
    assert "the API server does not answer" in capsys.readouterr().err
    assert patched(api) == []


def test_status_of_a_cluster_that_does_not_answer_is_no_status(repository, api, capsys):
    assert main(["status", *repository]) == 0
    api.down = True
    assert main(["status", *repository]) == 2
    assert "the API server does not answer" in capsys.readouterr().err


def test_a_live_version_that_the_registry_cannot_know_is_refused(repository, api, capsys):
    for colour in ("blue", "green"):
        containers = api.objects[f"credit-risk-{colour}"]["spec"]["template"]["spec"]["containers"]
        containers[0]["image"] = f"{IMAGE}:latest"
    assert main(["deploy", *repository, "--model-version", "here", *ADA]) == 1
    assert "blue serves 'latest'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["up"], ["supervise"], ["scale"]])
def test_what_is_for_one_machine_is_refused_for_a_cluster(repository, api, capsys, words):
    assert main([*words, *repository]) == 2
    assert "is a cluster, which starts, ends and scales its replicas itself" in capsys.readouterr().err
    assert patched(api) == []


def test_who_is_nobody_is_refused_before_anything_is_said_of_steps(repository, api, capsys):
    assert main(["deploy", *repository, "--model-version", "here", "--by", "Ada", "--reason", "a good reason"]) == 2
    told = capsys.readouterr()
    assert "expected a first and a last name" in told.err
    assert told.out == ""

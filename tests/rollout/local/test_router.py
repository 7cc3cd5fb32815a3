"""HAProxy with the rendered configuration: real requests through a real router, each replica being an echo."""

import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from credit_risk.rollout.local.bucket import bucket
from credit_risk.rollout.local.router import HaproxyRouter, RouterUnavailable, all_replicas, rendered
from credit_risk.rollout.local.split import TrafficSplit
from credit_risk.rollout.settings import Environment
from tools import HAPROXY, PATIENCE, free_ports, needed

ECHO = Path(__file__).with_name("echo.py")


@dataclass
class Running:
    router: HaproxyRouter
    url: str
    haproxy: subprocess.Popen
    echoes: dict
    client: httpx.Client
    environment: Environment
    started: list

    def ask(self, applicant="7", path="/decide", **headers):
        sent = {"X-Applicant-Id": applicant} | headers
        return self.client.post(f"{self.url}{path}", content=b"{}", headers={k: v for k, v in sent.items() if v})

    def again(self):
        """Kill the router and start another in its place."""
        self.haproxy.kill()
        self.haproxy.wait(PATIENCE)
        begun = subprocess.Popen([HAPROXY, "-db", "-f", self.router.config], stderr=subprocess.DEVNULL)
        self.started.append(begun)
        self.haproxy = begun
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(RouterUnavailable):
                self.router.servers()
                return
            time.sleep(0.05)
        raise AssertionError("the router does not start")

    def colour(self, *arguments, **headers):
        """Which colour answered."""
        return self.ask(*arguments, **headers).text.split("-")[0]

    def wait(self, **up):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(RouterUnavailable):
                servers = self.router.servers()
                if all(servers[name.replace("_", "-")].up is wanted for name, wanted in up.items()):
                    return
            time.sleep(0.05)
        raise AssertionError(self.router.servers())


def on_ports(environment, trusted=("127.0.0.1/32",)):
    port, blue, green = free_ports(3, beside=2)
    router = environment.router.model_copy(update={"port": port, "blue_port": blue, "green_port": green})
    security = environment.security.model_copy(update={"trusted_networks": trusted})
    scaling = environment.scaling.model_copy(update={"max_replicas": 2})
    return environment.model_copy(update={"router": router, "security": security, "scaling": scaling})


@pytest.fixture
def start(environment, tmp_path):
    """A function that starts router and echoes; what it started is ended."""
    started, clients = [], []

    def begin(trusted=("127.0.0.1/32",), green_status="200", names=("blue-1", "green-1")):
        needed(HAPROXY, "haproxy (Debian package haproxy)")
        mine = on_ports(environment, trusted)
        router = HaproxyRouter(tmp_path / "run")
        router.write(mine, names)
        echoes = {
            one.name: subprocess.Popen(
                [sys.executable, ECHO, str(one.port(mine)), one.name, green_status if one.colour == "green" else "200"]
            )
            for one in all_replicas(mine)
            if one.name in names
        }
        haproxy = subprocess.Popen([HAPROXY, "-db", "-f", router.config], stderr=subprocess.DEVNULL)
        started.extend([haproxy, *echoes.values()])
        url = f"http://127.0.0.1:{mine.router.port}"
        found = Running(router, url, haproxy, echoes, httpx.Client(timeout=PATIENCE), mine, started)
        clients.append(found.client)
        found.wait(**{name.replace("-", "_"): True for name in names})
        return found

    yield begin
    for client in clients:
        client.close()
    for process in started:
        process.kill()
        process.wait(PATIENCE)


def test_each_applicant_goes_where_their_bucket_says(start):
    running = start()
    running.router.move(split := TrafficSplit.of("green", 30, 41))
    assert running.router.routed() == split
    for number in range(100):
        expected = "green" if bucket(f"applicant-{number}", 41) < 3_000 else "blue"
        assert running.colour(f"applicant-{number}") == expected


def test_without_an_applicant_the_key_of_the_request_decides(start):
    running = start()
    running.router.move(TrafficSplit.of("green", 50, 41))
    for key in ("a", "b", "c", "d", "e", "f"):
        expected = "green" if bucket(key, 41) < 5_000 else "blue"
        said = {running.colour("", **{"Idempotency-Key": key}) for _ in range(3)}
        assert said == {expected}


def test_without_either_about_the_share_goes_there(start):
    running = start()
    running.router.move(TrafficSplit.of("green", 50, 41))
    greens = sum(running.ask("").text.startswith("green") for _ in range(200))
    assert 60 < greens < 140


def test_a_trusted_network_picks_the_colour_and_the_service_never_sees_how(start):
    running = start()
    assert running.ask(**{"X-Canary": "green"}).text.startswith("green-1 None")
    assert running.ask(**{"X-Canary": "blue"}).text.startswith("blue-1 None")


def test_others_cannot_pick(start):
    running = start(trusted=("192.0.2.0/24",))
    assert running.ask(**{"X-Canary": "green"}).text.startswith("blue-1 None")


def test_with_no_trusted_network_nobody_can_pick(start):
    assert start(trusted=()).ask(**{"X-Canary": "green"}).text.startswith("blue-1 None")


def test_a_decision_without_a_key_gets_one_and_a_batch_none(start):
    running = start()
    assert len(running.ask().text.split()[2]) == 36
    assert running.ask(**{"Idempotency-Key": "mine"}).text.split()[2] == "mine"
    assert running.ask(path="/decide/batch").text.split()[2] == "None"


def test_a_colour_that_is_killed_loses_no_request(start):
    running = start()
    running.router.move(TrafficSplit.of("green", 50, 41))
    running.echoes["green-1"].kill()
    running.echoes["green-1"].wait(PATIENCE)
    assert {running.ask(str(number)).status_code for number in range(200)} == {200}
    running.wait(green_1=False)


def test_replicas_share_their_colours_applicants_and_one_that_is_killed_loses_none(start):
    running = start(names=("blue-1", "blue-2", "green-1"))
    answered = Counter(running.ask(str(number)).text.split()[0] for number in range(100))
    assert answered == {"blue-1": 50, "blue-2": 50}
    running.echoes["blue-1"].kill()
    running.echoes["blue-1"].wait(PATIENCE)
    assert {running.ask(str(number)).text.split()[0] for number in range(100)} == {"blue-2"}


def test_a_replica_goes_into_service_and_out_of_it_without_a_reload(start):
    running = start(names=("blue-1", "blue-2", "green-1"))
    assert f"Pid: {running.haproxy.pid}\n" in running.router.ask("show info")
    running.router.serve(running.environment, {"blue-1", "green-1"})
    assert {running.ask().text.split()[0] for _ in range(20)} == {"blue-1"}
    assert running.router.servers()["blue-2"].out_of_service
    running.router.serve(running.environment, {"blue-1", "blue-2", "green-1"})
    assert not running.router.servers()["blue-2"].up, "it has not been asked yet"
    running.wait(blue_2=True)
    assert {running.ask().text.split()[0] for _ in range(20)} == {"blue-1", "blue-2"}
    assert f"Pid: {running.haproxy.pid}\n" in running.router.ask("show info"), "the same process all along"


def test_a_router_that_starts_again_knows_who_is_in_service(start):
    running = start(names=("blue-1", "blue-2", "green-1"))
    running.router.serve(running.environment, {"blue-2", "green-1"})
    running.again()
    assert {running.ask().text.split()[0] for _ in range(20)} == {"blue-2"}


def test_failures_are_counted_for_the_colour_that_failed(start):
    running = start(green_status="500")
    running.router.move(TrafficSplit.of("green", 50, 41))
    # On a machine with much to do a check of green may come late, and blue takes its share for a while.
    asked, expected, deadline = 0, 0, time.monotonic() + PATIENCE
    while asked < 50 or expected <= 10:
        asked += 1
        expected += running.ask(str(asked)).status_code == 500
        assert time.monotonic() < deadline, f"{expected} of {asked} failed"
    servers = running.router.servers()
    assert servers["green-1"].failed == expected
    assert (servers["green-1"].requests, servers["blue-1"].requests) == (expected, asked - expected)
    assert servers["blue-1"].failed == 0


def test_a_router_that_was_killed_comes_back_with_the_split(start):
    running = start()
    running.router.move(split := TrafficSplit.of("blue", 5, 41))
    running.again()
    running.wait(blue_1=True, green_1=True)
    assert running.router.routed() == split


def test_a_replica_is_up_once_it_was_asked_and_not_because_the_router_is_new(environment, tmp_path, monkeypatch):
    router = HaproxyRouter(tmp_path)
    stats = (
        "# pxname,svname,status,check_status,stot,hrsp_5xx,econ,eresp",
        "blue,blue-1,UP,INI,0,0,0,0",
        "green,green-1,UP,L7OK,0,0,0,0",
        "green,green-2,UP 1/2,* L4CON,0,0,0,0",
    )
    monkeypatch.setattr(HaproxyRouter, "ask", lambda router, command: "\n".join(stats))
    assert {name: server.up for name, server in router.servers().items()} == {
        "blue-1": False,
        "green-1": True,
        "green-2": True,
    }


def test_a_split_that_the_router_was_not_told_is_in_the_file_and_followed_later(start):
    running = start()
    running.router._write_map(split := TrafficSplit.of("green", 25, 41))  # as of a controller that was killed here
    assert running.router.routed() != split
    running.router.move(split)
    assert running.router.routed() == split


def test_a_router_that_is_not_there_is_said(environment, tmp_path):
    router = HaproxyRouter(tmp_path)
    router.write(environment, ())
    with pytest.raises(RouterUnavailable, match="does not answer"):
        router.move(TrafficSplit.of("green", 5, 1))
    assert router.split() == TrafficSplit.of("green", 5, 1)


def test_a_new_configuration_leaves_the_split(environment, tmp_path):
    router = HaproxyRouter(tmp_path)
    router.write(environment, ())
    assert router.split() == TrafficSplit(0, 0, 0)
    router._write_map(TrafficSplit.of("green", 5, 1))
    router.write(environment, ())
    assert router.split() == TrafficSplit.of("green", 5, 1)


def test_a_folder_with_a_long_name_has_its_socket_elsewhere(environment, tmp_path):
    near, far = HaproxyRouter(tmp_path / "run"), HaproxyRouter(tmp_path / ("long" * 30))
    far.write(environment, ())
    assert len(str(far.socket)) < 107
    assert far.socket.parent.stat().st_mode & 0o077 == 0
    assert f"stats socket {far.socket} " in far.config.read_text()
    assert near.socket != far.socket != HaproxyRouter(tmp_path / ("other" * 30)).socket


def test_the_configuration_has_what_keeps_requests_whole(environment, tmp_path):
    text = rendered(environment, HaproxyRouter(tmp_path), {"blue-1", "green-1"})
    assert "option idle-close-on-response" in text
    assert text.count(" backup\n") == 2
    assert text.count(" backup disabled\n") == 2 * (environment.scaling.max_replicas - 1)

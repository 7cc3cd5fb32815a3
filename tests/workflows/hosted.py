"""CI and security under act on a machine that is not this one: python tests/workflows/hosted.py (`make test-runner`).

A container of Debian's packages has what GitHub documents of its image and what these workflows use of it, and nothing
else: an ordinary user with sudo, git, make, a compiler and Python; no HAProxy, no PostgreSQL, no strace, no browser, no
environment and no cache. There the commit that is checked out here is set up from the package index and tested by the
workflows as they are, but for the image (podman in podman) and for what TRIMMED names. It takes half an hour; --job
and --tests make it shorter. Exit code 1 unless every job that was asked for succeeded.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from runner import ROOT, STUBS, Run, git, uses

from image import debian_base, lacking, podman_command
from install import PIP, pip_settings
from tools import VENV

NAME = "localhost/credit-risk-runner:bookworm"
# Of what GitHub lists for its Ubuntu image, what the workflows, the Makefile and the tests take for granted.
PACKAGES = (
    *("ca-certificates", "curl", "gcc", "git", "jq", "libc6-dev", "libgomp1", "make", "procps", "python3"),
    *("python3-venv", "sudo", "tzdata"),
)
# What is not on that image, or is there and must not be relied on, and the package that brings it (.ci/packages).
ABSENT = {
    "haproxy": "haproxy",
    "initdb": "postgresql",
    "strace": "strace",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "chromium": "chromium",
    "google-chrome": "chromium",
    "java": "default-jre-headless",  # part: exports
    "datefudge": "datefudge",  # part: simulation
}
USER = 1001
LIMITS = ("--network=host", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")
WORK = "/home/runner/work"
EXPECTED = {
    "ci.yml": ("plan", "code", "test", "workflows", "pipeline", "model-gate", "image", "ci-ok"),
    "security.yml": ("checks",),
}
TRIMMED = {  # what needs GitHub, or a container in a container
    "ci.yml": {'run: sudo env "PATH=$PATH" make image\n': "run: sudo true\n", "  queue: max\n": ""},
    "security.yml": {},
}
GH = "#!/bin/sh\nexit 0\n"  # the one program of the image that asks GitHub
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def base(mirror: str) -> None:
    """The runner's image, made once: Debian's packages, a user who may become root, and nothing of ours."""
    user = (
        f"useradd --uid {USER} --create-home --shell /bin/bash runner && "
        "echo 'runner ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/runner && "
        "ln -sf python3 /usr/bin/python"
    )
    debian_base(mirror, NAME, PACKAGES, then=user)


def repository(room: Path, workflow: str, tests: str, without: list[str]) -> None:
    """The commit that is checked out here, as a pull request whose changes nobody knows: everything is planned."""
    root = room / "repository"
    git(ROOT, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(root))
    git(root, "remote", "set-url", "origin", "https://github.com/acme/credit-risk.git")
    changes = TRIMMED[workflow] | {f"run: make {target}\n": 'run: "true"\n' for target in without}
    path = root / ".github/workflows" / workflow
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        text = text.replace(old, new)
    if tests:  # a part of them reaches a part of the lines
        text = text.replace('.ci/test "$SHARD" 2', f'[ "$SHARD" = 2 ] || make coverage TESTS="{tests}"')
        text = text.replace("FLOOR: ", "FLOOR: 0 # ")
    path.write_text(text, encoding="utf-8")
    git(root, "commit", "--quiet", "--all", "--allow-empty", "--message", "For a container")


def act(room: Path, workflow: str, job: str) -> list[str]:
    """The command inside the container."""
    command = ["act", "pull_request", "--json", "-C", f"{WORK}/repository", "-W", f".github/workflows/{workflow}"]
    command += ["-e", f"{WORK}/event.json", "--no-cache-server", "--action-cache-path", f"{WORK}/act"]
    command += ["-P", "ubuntu-24.04=-self-hosted", *(["-j", job] if job else [])]
    for repository_, ref in sorted({(use.repository, use.ref) for use in uses(room / "repository")}):
        if repository_ != "actions/checkout":
            command += ["--local-repository", f"{repository_}@{ref}={WORK}/stubs/{repository_}"]
    return command


def run(room: Path, workflow: str, job: str) -> Run:
    """Execute a workflow in a fresh container; what it said goes to build/runner/WORKFLOW.log."""
    repository_of = {"full_name": "acme/credit-risk", "visibility": "private", "default_branch": "main"}
    head = {"repo": {"full_name": "acme/credit-risk", "fork": False}}
    event = {"repository": repository_of, "pull_request": {"number": 1, "title": "First", "head": head}}
    (room / "event.json").write_text(json.dumps(event), encoding="utf-8")
    (room / "log").touch()
    for name in ("artifacts", "bin", "act"):
        (room / name).mkdir(exist_ok=True)
    (room / "bin" / "gh").write_text(GH, encoding="utf-8")
    shutil.copy(VENV / "bin" / "act", room / "bin" / "act")
    (room / "bin" / "gh").chmod(0o755)
    shutil.copytree(STUBS, room / "stubs", dirs_exist_ok=True)
    subprocess.run(["chown", "--recursive", str(USER), str(room)], check=True)
    told = reached_packages()
    flags = [f"--volume={path}:{path}:ro" for path in sorted(paths_in(told))]
    told |= {"PATH": f"{WORK}/bin:/usr/local/bin:/usr/bin:/bin", "STUBS": f"{WORK}/stubs", "STUB_LOG": f"{WORK}/log"}
    told |= {"STUB_ARTIFACTS": f"{WORK}/artifacts", "STUB_CACHE": f"{WORK}/nothing", "CREDIT_RISK_UNDER_ACT": "1"}
    told |= {"HOME": "/home/runner", "LANG": "C.UTF-8", "GIT_PAGER": "cat"}
    flags += [f"--env={name}={value}" for name, value in told.items()]
    flags += [f"--volume={room}:{WORK}", f"--user={USER}", f"--workdir={WORK}", *LIMITS, "--shm-size=2g", "--rm"]
    done = subprocess.run(
        podman_command("run", *flags, NAME, *act(room, workflow, job)), capture_output=True, text=True, check=False
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    calls = [json.loads(line) for line in (room / "log").read_text(encoding="utf-8").splitlines()]
    found = Run(events, calls, room / "artifacts", done.stderr)
    kept = ROOT / "build" / "runner" / f"{workflow}.log"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(f"{found.log}\n{done.stderr}", encoding="utf-8")
    return found


def reached_packages() -> dict[str, str]:
    """By what this machine installs packages: pip's settings, proxies, certificates; as environment variables."""
    listing = subprocess.run([*PIP, "config", "list"], check=True, capture_output=True, text=True).stdout
    settings = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in pip_settings(listing).items()}
    proxies = {name: value for name, value in os.environ.items() if name.upper() in PROXIES}
    return settings | proxies | {name: os.environ[name] for name in ("SSL_CERT_FILE", "OSV_URL") if name in os.environ}


def paths_in(settings: dict[str, str]) -> set[str]:
    """Files and folders of this machine that settings name; an index in a folder has its files beside `simple`."""
    named = {path for value in settings.values() for path in re.findall(r"(?:^|[ ,]|file://)(/[^ ,]+)", value)}
    return {path.removesuffix("/simple") for path in named if Path(path).exists()}


def clean() -> list[str]:
    """Programs that the image must not have and has: then it is not the machine that is meant."""
    look = 'for name in "$@"; do PATH=$PATH:/usr/sbin command -v "$name" || true; done; ls -d ~/.cache || true'
    command = podman_command("run", "--rm", *LIMITS, f"--user={USER}", "--env=HOME=/home/runner", NAME)
    command += ["bash", "-c", look, "look", *ABSENT]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--workflow", choices=sorted(EXPECTED), help="this one alone")
    options.add_argument("--job", default="", help="this job alone, with those that it needs")
    options.add_argument("--tests", default="", help="these tests instead of all")
    options.add_argument("--without", nargs="*", default=[], help="make targets that this machine's network cannot do")
    options.add_argument("--mirror", default="http://deb.debian.org/debian", help="Debian's packages")
    asked = options.parse_args()
    lacking("podman", "runc", "debootstrap")
    base(asked.mirror)
    if there := clean():
        sys.exit(f"{NAME} has what no job may rely on: {', '.join(there)}. Remove the image (podman rmi {NAME}).")
    red = 0
    for workflow in [asked.workflow] if asked.workflow else sorted(EXPECTED):
        with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
            repository(Path(folder), workflow, asked.tests, asked.without)
            found = run(Path(folder), workflow, asked.job)
        for name, result in sorted(found.jobs.items()):
            print(f"{workflow} {name}: {result}", flush=True)
        missing = [] if asked.job else sorted(set(EXPECTED[workflow]) - set(found.jobs))
        failed = [name for name, result in found.jobs.items() if result != "success"]
        if missing or failed or not found.jobs:
            print(f"not run: {', '.join(missing) or 'none'}; failed steps: {', '.join(found.failed_steps) or 'none'}")
            print(f"what it said: build/runner/{workflow}.log\n{str(found)[-1500:]}")
            red = 1
    return red


if __name__ == "__main__":
    raise SystemExit(main())

"""Build the container image with podman and try it as it will run: scripts/image.py --help (`make image`).

The wheels are fetched here, by this machine's pip and its settings (proxy, private index, offline folder), so that no
credential and no index enters the image, and its build needs no network.
"""

import argparse
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from credit_risk.data.files import Files
from credit_risk.errors import CreditRiskError
from credit_risk.scoring.release_files import copy_release_files, verified_release
from credit_risk.scoring.signing import SignedBy

ROOT = Path(__file__).resolve().parent.parent
IMAGE = ROOT / "build" / "image"
WHEELS = IMAGE / "wheels"
BASE = "localhost/credit-risk-base:bookworm"
TOOLS = {"podman": "podman", "runc": "runc"}
READY_WITHIN = 120  # seconds
UID = 10001
# runc with cgroupfs and the host's network also runs where there is neither systemd nor a bridge.
PODMAN = ["podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs"]
PACKAGES = ("python3", "python3-venv", "ca-certificates", "libgomp1")
GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
LOCKED_UP = [
    "--read-only",
    "--tmpfs=/tmp:rw,noexec,nosuid,size=64m",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    f"--user={UID}",
    "--network=host",
    "--ulimit=nofile=4096:4096",  # podman's own numbers may be beyond what a machine lets it set
    "--ulimit=nproc=1024:1024",
    "--no-healthcheck",  # podman leaves the repetition to systemd; the image's own check is run once, by hand
]
SETTINGS = ["--environment", "/var/lib/credit-risk/trial.yaml"]


def run(*command: str, **options: Any) -> str:
    """What a command prints; its failure ends all with what it said."""
    done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, **options)
    if done.returncode:
        sys.exit(f"exit code {done.returncode}: {' '.join(command)}\n{done.stdout}")
    return done.stdout.strip()


def podman_command(*arguments: str) -> list[str]:
    return [*PODMAN, *arguments]


def podman(*arguments: str) -> str:
    return run(*podman_command(*arguments))


def lacking(*tools: str) -> None:
    """Exit with what to install, if any of these programs is missing."""
    missing = [tool for tool in tools if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if missing:
        sys.exit(f"No {' and no '.join(missing)} here. Install them: apt-get install {' '.join(missing)}")


def lay_out_release(root: Path, public_key: Path, to: Path) -> None:
    """Lay out the signed release of a repository: the very bytes whose signature was verified. Exits without it."""
    shutil.rmtree(to, ignore_errors=True)
    try:
        with verified_release(Files(root), SignedBy(public_key=str(public_key.absolute()))) as verified:
            copy_release_files(verified, to)
    except CreditRiskError as error:
        sys.exit(f"{error}\nWhat is built holds the signed scorer that the gate let pass. Run `make run`.")


def wheels(python: str) -> None:
    """Fill build/image/wheels: the locked packages for the image's Python on this machine's processor, and our own."""
    shutil.rmtree(WHEELS, ignore_errors=True)
    machine = os.uname().machine
    platforms = [f"--platform={glibc}_{machine}" for glibc in GLIBC]
    target = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *platforms]
    pip = [sys.executable, "-m", "pip"]
    lock = str(ROOT / "requirements" / "serving.txt")
    run(*pip, "download", "--quiet", "--require-hashes", "--no-deps", *target, "--dest", str(WHEELS), "-r", lock)
    with tempfile.TemporaryDirectory() as scratch:  # setuptools leaves a build/lib that would go stale
        for name in ("src", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source, Path(scratch) / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
                )
            else:
                shutil.copy(source, scratch)
        run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(WHEELS), scratch)


def debian_base(mirror: str, name: str = BASE, packages: tuple[str, ...] = PACKAGES, then: str = "true") -> str:
    """A base image from Debian's packages, for a machine that reaches no image registry; then: run inside it once."""
    lacking("debootstrap")
    known = subprocess.run(podman_command("image", "exists", name), check=False)
    if known.returncode == 0:
        return name
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        include = f"--include={','.join(packages)}"
        run("debootstrap", "--variant=minbase", include, "bookworm", folder, mirror, stderr=subprocess.STDOUT)
        run("chroot", folder, "sh", "-ec", then, stderr=subprocess.STDOUT)
        shutil.rmtree(Path(folder) / "var" / "cache" / "apt")
        archive = Path(folder + ".tar")
        run("tar", "-C", folder, "-cf", str(archive), ".")
        try:
            podman("import", str(archive), name)
        finally:
            archive.unlink()
    return name


def build(base: str, tag: str) -> None:
    # Docker's format: the other one has no health check.
    flags = ["--isolation=chroot", "--format=docker", "--network=host", f"--build-arg=BASE={base}", f"--tag={tag}"]
    subprocess.run([*PODMAN, "build", *flags, str(ROOT)], check=True)


def try_it(tag: str) -> dict[str, Any]:
    """Run it locked up, decide one application, look around inside, end it. Returns what was measured."""
    name, port = f"credit-risk-try-{os.getpid()}", free_port()
    os.environ["CREDIT_RISK_LEDGER_KEY"] = secrets.token_hex(32)  # by its name alone: a command line can be read
    with tempfile.TemporaryDirectory() as folder:
        trial_settings(Path(folder) / "trial.yaml")
        os.chown(folder, UID, UID)
        mounted = [*LOCKED_UP, "--env=CREDIT_RISK_LEDGER_KEY", f"--volume={folder}:/var/lib/credit-risk"]
        key = podman(
            "run", "--rm", *mounted, tag, "keys", "add", "try", "--scope", "decide", "--scope", "read", *SETTINGS
        )
        begun = time.monotonic()
        podman("run", "--detach", "--name", name, *mounted, tag, "serve", *SETTINGS, "--port", str(port))
        try:
            url = f"http://127.0.0.1:{port}"
            wait(name, url)
            took = time.monotonic() - begun
            decided(url, key)
            looked_at(name)
            healthy(tag, name, port)
            resident = memory(name)
            podman("stop", "--time", "30", name)
            code = podman("inspect", "--format", "{{.State.ExitCode}}", name)
        finally:
            subprocess.run([*PODMAN, "rm", "--force", name], check=False, stdout=subprocess.DEVNULL)
    size = int(podman("image", "inspect", "--format", "{{.Size}}", tag))
    return {"image_mb": size // 10**6, "start_s": round(took, 1), "memory_mb": resident, "exit_code": code}


def trial_settings(path: Path) -> None:
    """The container's settings for a trial: a development key may sign, and no registry need have stated anything."""
    lines = (ROOT / "configs" / "deploy" / "container.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    own = [line for line in lines if not line.startswith("  statement:")]
    path.write_text("".join(["environment: trial\n", *own]), encoding="utf-8")
    path.chmod(0o644)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, body: Any = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  (this machine alone)
        return json.load(answer)


def wait(name: str, url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        try:
            ask(f"{url}/health")
        except OSError:
            running = podman("inspect", "--format", "{{.State.Running}}", name)
            if running != "true":
                break
            time.sleep(0.1)
        else:
            return
    sys.exit(f"not ready:\n{run(*PODMAN, 'logs', name, stderr=subprocess.STDOUT)}")


def decided(url: str, key: str) -> None:
    """The API's own example is decided, recorded and read back."""
    described = ask(f"{url}/openapi.json")["paths"]["/decide"]["post"]["requestBody"]["content"]
    example = described["application/json"]["example"]
    headers = {"X-API-Key": key}
    reply = ask(f"{url}/decide", example, **headers)
    record = ask(f"{url}/decisions/{reply['decision_id']}", **headers)
    if record["inputs"] != example or record["decided"]["decision"] != reply["decision"]:
        sys.exit(f"decided {reply}, recorded {record}")
    print(f"one application: {reply['decision']}, score {reply['score']}, read back from the ledger")


def looked_at(name: str) -> None:
    """It runs as nobody, cannot write outside its two places, and holds nothing to build with."""
    # Through the image's own Python: there need be no other tool in it.
    probe = """
import os, shutil
tools = [tool for tool in ("gcc", "cc", "make", "pip", "pip3", "git") if shutil.which(tool)]
try:
    open("/srv/credit-risk/written", "w")
    writable = True
except OSError:
    writable = False
capabilities = [line.split()[1] for line in open("/proc/1/status") if line.startswith("CapEff")]
print(os.getuid(), writable, tools, capabilities)
"""
    found = podman("exec", name, "python", "-c", probe)
    expected = f"{UID} False [] ['0000000000000000']"
    if found != expected:
        sys.exit(f"inside the container: got {found}, expected {expected}")
    print(f"inside: uid {UID}, nothing writable, no build tools, no capabilities")


def healthy(tag: str, name: str, port: int) -> None:
    """The image's health check, at the port that is used here."""
    check = json.loads(podman("image", "inspect", "--format", "{{json .HealthCheck}}", tag))["Test"]
    podman("exec", name, *(word.replace(":3000", f":{port}") for word in check[1:]))


def memory(name: str) -> int:
    """Megabytes that its processes hold, what they share counted once (proportional set size)."""
    group = int(podman("inspect", "--format", "{{.State.Pid}}", name))
    children = Path(f"/proc/{group}/task/{group}/children").read_text(encoding="utf-8").split()
    lines = [
        line
        for pid in (str(group), *children)
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        if line.startswith("Pss:")
    ]
    return sum(int(line.split()[1]) for line in lines) // 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    base = "docker.io/library/python:3.11-slim"
    options.add_argument("--base", default=base, help="the base image, or `debootstrap` to make one here")
    options.add_argument("--mirror", default="http://deb.debian.org/debian", help="Debian's packages for debootstrap")
    options.add_argument("--python", default="3.11", help="the Python of the base (default: 3.11)")
    public_key = ROOT / "build" / "signing" / "signing.pub"
    options.add_argument("--public-key", type=Path, default=public_key, help="whose signature the image believes")
    options.add_argument("--tag", default="localhost/credit-risk:latest", help="the image's name")
    asked = options.parse_args()
    lacking(*TOOLS)
    if not asked.public_key.is_file():
        sys.exit(f"{asked.public_key} is missing: whose signature the image believes. `credit-risk sign` makes one.")
    lay_out_release(ROOT, asked.public_key, IMAGE / "release")
    shutil.copy(asked.public_key, IMAGE / "signing.pub")
    WHEELS.mkdir(parents=True, exist_ok=True)
    wheels(asked.python)
    base = debian_base(asked.mirror) if asked.base == "debootstrap" else asked.base
    build(base, asked.tag)
    print(json.dumps(try_it(asked.tag)))


if __name__ == "__main__":
    main()

"""Moving the data to S3 is the two commands that docs/data.md names, tried on a server that speaks the protocol."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tools import PATIENCE, free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def documented(file):
    """The commands of the block under "Move to S3", without the part that makes them run without activation."""
    section = (ROOT / file).read_text(encoding="utf-8").split("Move to S3", 1)[1]
    block = re.search(r"```bash\n(.*?)```", section, re.DOTALL).group(1)
    return [line.split("#")[0].split() for line in block.splitlines() if line.startswith(".venv/bin/dvc ")]


def bucket():
    """The bucket that the document names: the test changes no letter of the commands."""
    return re.search(r"s3://([^/\s]+)", " ".join(documented("docs/data.md")[0])).group(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of an S3 server on this machine, with one bucket."""
    port = free_port()
    log = (tmp_path_factory.mktemp("s3") / "log").open("w+")
    process = subprocess.Popen(
        [BIN / "moto_server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, process, log)
        direct(urllib.request.Request(f"{address}/{bucket()}", method="PUT", data=b"")).close()
        yield address
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        log.close()


def direct(request):
    """Open past any proxy: the server is on this machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE)


def wait_for(address, process, log):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            direct(address).close()
        except urllib.error.URLError:
            log.seek(0)
            assert process.poll() is None, f"the S3 server ended: {log.read()}"
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"no S3 server at {address} after {PATIENCE} s")


@pytest.fixture
def dvc(tmp_path):
    """Run DVC with credentials from the environment, and nothing else of this machine's DVC, AWS or proxy settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environment = kept | {
        "HOME": str(tmp_path / "home"),
        "DVC_GLOBAL_CONFIG_DIR": str(tmp_path / "nowhere"),
        "DVC_SYSTEM_CONFIG_DIR": str(tmp_path / "nowhere"),
        "DVC_NO_ANALYTICS": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    def run(root, *arguments):
        done = subprocess.run(
            [BIN / "dvc", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"dvc {' '.join(arguments)} said\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


def git(root, *arguments):
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def owner(tmp_path, dvc):
    """A repository with data of its own, tracked and committed, and no remote."""
    root = tmp_path / "owner"
    (root / "data").mkdir(parents=True)
    (root / "data" / "applications.csv").write_text("income,default\n1000,0\n2000,1\n", encoding="utf-8")
    git(root, "init", "--quiet")
    dvc(root, "init", "--quiet")
    dvc(root, "add", "data")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Data")
    return root


@pytest.mark.weekly
def test_two_commands_move_the_data_to_s3_and_a_clone_pulls_them(server, owner, dvc, tmp_path):
    (_, *add), (_, *push) = documented("docs/data.md")
    assert add[:3] == ["remote", "add", "-d"]

    dvc(owner, *add)
    dvc(owner, "remote", "modify", "--local", add[3], "endpointurl", server)  # not AWS but this machine
    assert "2 files pushed" in dvc(owner, *push)

    git(owner, "commit", "--quiet", "--message", "Remote", ".dvc/config")
    git(tmp_path, "clone", "--quiet", str(owner), "clone")
    clone = tmp_path / "clone"
    assert not (clone / "data").exists()
    dvc(clone, "remote", "modify", "--local", add[3], "endpointurl", server)
    dvc(clone, "pull", "data.dvc")

    here, there = ((root / "data" / "applications.csv").read_bytes() for root in (owner, clone))
    assert here == there


def test_the_readme_names_the_same_two_commands():
    assert documented("README.md") == documented("docs/data.md")

"""What this machine lacks, each with the command that mends it: make doctor.

The one script that is more than three lines over the command line: it must run before there is an environment, so it
uses the standard library alone, and syntax that an older Python can read far enough to be told that it is too old.
"""

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
NEEDED_GB = 3  # .venv takes 1.5, pip's downloads 0.5, data and models the rest
LOOPBACK = ("127.0.0.1", "localhost")
INSTALL_SETTINGS = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PIP_INDEX_URL",
    "PIP_CERT",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
)


def python():
    found = "Python {}.{}.{}".format(*sys.version_info[:3])
    fit = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return fit, found, "install Python 3.11, 3.12 or 3.13 and name it: make setup PYTHON=python3.12"


def venv_module():
    found = importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")
    return found, "Python's venv and ensurepip", "apt-get install python3-venv (Debian keeps them apart from Python)"


def git():
    inside = shutil.which("git") and (ROOT / ".git").exists()
    return (
        inside,
        "git, and a clone made by it",
        "install git and clone the repository; DVC needs both, an archive will not do",
    )


def make():
    return shutil.which("make"), "make", "apt-get install make, or xcode-select --install"


def openmp():
    name = {"linux": "libgomp.so.1", "darwin": "libomp.dylib"}.get(sys.platform)
    mend = "apt-get install libgomp1, dnf install libgomp, or brew install libomp"
    if sys.platform == "darwin":
        places = ("/opt/homebrew/opt/libomp/lib", "/usr/local/opt/libomp/lib")
        return any((Path(place) / name).exists() for place in places), "OpenMP, which LightGBM needs", mend
    try:
        ctypes.CDLL(name)
    except OSError:
        return False, "OpenMP, which LightGBM needs", mend
    return True, "OpenMP, which LightGBM needs", mend


def disk():
    free = shutil.disk_usage(ROOT).free / 1e9
    enough = free >= NEEDED_GB or (VENV / ".stamp").exists()
    return enough, f"{free:.0f} GB free on this disk", f"free {NEEDED_GB} GB, or clone to another disk"


def proxies():
    named = [name for name in INSTALL_SETTINGS if os.environ.get(name) or os.environ.get(name.lower())]
    bypassed = not urllib.request.getproxies() or all(urllib.request.proxy_bypass(host) for host in LOOPBACK)
    what = "proxies and package index: " + (
        ", ".join(named) + " set" if named else "nothing set, the public index is used"
    )
    return bypassed, what, "let this machine talk to itself: export NO_PROXY=" + ",".join(LOOPBACK)


def certificate():
    path = os.environ.get("PIP_CERT")
    return (
        not path or Path(path).exists(),
        "PIP_CERT names a file or nothing",
        "export PIP_CERT=/path/to/your/ca-bundle.pem",
    )


def environment():
    stamp = VENV / ".stamp"
    made = stamp.exists() and stamp.read_text(encoding="utf-8").strip() == os.environ.get("WANTED", "").strip()
    return made, ".venv as the lock and pyproject.toml say", "make setup"


def data():
    dvc = VENV / "bin" / "dvc"
    ask = [str(dvc), "status", "--quiet", "data.dvc"]
    same = dvc.exists() and subprocess.run(ask, cwd=str(ROOT), check=False).returncode == 0
    return same, "data/ as data.dvc says", "make data"


MACHINE = (python, venv_module, git, make, openmp, disk, certificate)
REPOSITORY = (proxies, environment, data)


def main(arguments):
    """Print a line a check and return 1 if one fails; with --machine only what fails before there is an environment."""
    before_setup = arguments == ["--machine"]
    failed = 0
    for check in MACHINE if before_setup else MACHINE + REPOSITORY:
        fit, what, mend = check()
        failed += not fit
        if not fit:
            print(f"  MISSING  {what}\n           → {mend}")
        elif not before_setup:
            print(f"  ok       {what}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

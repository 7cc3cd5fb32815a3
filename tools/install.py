"""Install what a lock pins into .venv, for `make setup`: install.py requirements/dev.txt, or install.py --project.

uv installs, because it takes seconds where pip takes a minute; the lock pins uv itself, and pip fetches that. uv does
not read pip's settings, so they are handed over here. Where one of them cannot be, or where uv fails, pip installs.
uv links what its cache holds and looks at it no more: what was installed is compared with the packages' own lists.
Standard library alone: it runs before there is an environment.
"""

import ast
import csv
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PIP = [str(BIN / "python"), "-m", "pip"]
UV = [str(BIN / "uv"), "pip"]
FIRST = ("setuptools", "uv")  # setuptools builds the one package that has no wheel, without a network of its own
INSTALL = ["install", "--quiet", "--no-build-isolation"]

# Which of pip's sections speak to `pip install`, the strongest last.
SECTIONS = ("global", "install", ":env:")
# pip's settings that uv knows by another name; several values stand apart by what the second entry says.
SAME_IN_UV = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "constraint": ("UV_CONSTRAINT", " "),
    "cert": ("SSL_CERT_FILE", ""),
    "client-cert": ("SSL_CLIENT_CERT", ""),
    "proxy": ("ALL_PROXY HTTPS_PROXY HTTP_PROXY", ""),
    "timeout": ("UV_HTTP_TIMEOUT", ""),
    "default-timeout": ("UV_HTTP_TIMEOUT", ""),
    "retries": ("UV_HTTP_RETRIES", ""),
}
# pip's settings that change nothing of what a lock installs: screen, log and cache, and what we ask for anyway.
NOTHING_TO_HAND_OVER = {
    *("break-system-packages", "cache-dir", "compile", "config-file", "disable-pip-version-check", "log", "no-color"),
    *("no-compile", "no-input", "no-build-isolation", "no-cache-dir", "no-python-version-warning", "no-warn-conflicts"),
    *("no-warn-script-location", "prefer-binary", "progress-bar", "quiet", "require-hashes", "require-virtualenv"),
    *("require-venv", "root-user-action", "upgrade", "verbose"),
}


class NotForUv(ValueError):
    """A setting of pip's that uv has no counterpart for."""


def pip_settings(listing: str, which_holds: Callable[[str], str]) -> dict[str, str]:
    """What holds for `pip install`, of what `pip config list` prints: lines of section.name='value'.

    The list has its files by their names, not by their strength. which_holds: is asked for a section.name that several
    files set (`pip config get`).
    """
    lines = re.findall(r"^((global|install|:env:)\.([\w-]+))=(.*)$", listing, re.MULTILINE)
    times = Counter(key for key, *_ in lines)
    return {
        name.replace("_", "-"): which_holds(key) if times[key] > 1 else str(ast.literal_eval(value))
        for key, _, name, value in sorted(lines, key=lambda line: SECTIONS.index(line[1]))
    }


def asked_of_pip(*question: str) -> str:
    """What `pip config` answers."""
    return subprocess.run([*PIP, "config", *question], check=True, capture_output=True, text=True).stdout


def uv_settings(settings: dict[str, str], environment: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """The same settings as environment variables and flags of uv's; its own variables, where set already, stay.

    Raises NotForUv for a setting that cannot be handed over.
    """
    variables, flags = {}, []
    for name, value in settings.items():
        if name in SAME_IN_UV:
            targets, between = SAME_IN_UV[name]
            values = value.split() if between else [value]
            if any("," in each for each in values) and between == ",":
                raise NotForUv(name)
            variables |= dict.fromkeys(targets.split(), (between or " ").join(values))
        elif name == "no-index":
            flags += ["--no-index"] if value.lower() not in {"0", "false", "no", "off", ""} else []
        elif name not in NOTHING_TO_HAND_OVER:
            raise NotForUv(name)
    if "SSL_CERT_FILE" not in {*variables, *environment}:
        variables["UV_SYSTEM_CERTS"] = "1"  # as pip does: what this machine trusts
    # Whichever index has the file: the hashes of the lock say that it is the right one.
    variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    # uv wants every constraint exact where hashes are required. Every package of a lock has hashes and is checked
    # against them either way; without dependencies nothing comes in that the lock does not name.
    flags += ["--no-deps"] if "UV_CONSTRAINT" in variables else ["--require-hashes"]
    kept = {name: value for name, value in environment.items() if name.startswith("UV_")}
    return variables | kept, flags


def part_of(lock: str, names: tuple[str, ...]) -> str:
    """The lines of a lock that pin these packages."""
    return "".join(
        block
        for block in re.split(r"^(?=[^ \n])", lock, flags=re.MULTILINE)
        if block.startswith(tuple(f"{name}==" for name in names))
    )


def damaged(packages: Path) -> list[Path]:
    """Files below site-packages that are gone or of another length than their package's list (RECORD) says.

    Lengths alone: what breaks a cache cuts files short or loses them, and digests of all files would take longer than
    installing them.
    """
    bad = []
    for record in packages.glob("*.dist-info/RECORD"):
        with record.open(encoding="utf-8", newline="") as lines:
            sizes = [(packages / name, int(size)) for name, _, size in csv.reader(lines) if size]
        bad += [path for path, size in sizes if not path.is_file() or path.stat().st_size != size]
    return bad


def by_uv(arguments: list[str]) -> bool:
    """Whether uv could install it with pip's settings, whole; prints why not."""
    if not (BIN / "uv").exists():
        return False
    settings = pip_settings(asked_of_pip("list"), lambda key: asked_of_pip("get", key).strip())
    try:
        variables, flags = uv_settings(settings, dict(os.environ))
    except NotForUv as setting:
        print(f"pip installs, which takes a minute: uv has no counterpart of its setting '{setting}'", flush=True)
        return False
    command = [*UV, *INSTALL, "--python", str(BIN / "python"), *flags, *arguments]
    for past_the_cache in ([], ["--no-cache", "--reinstall"]):
        done = subprocess.run([*command, *past_the_cache], cwd=ROOT, env=os.environ | variables, check=False)
        if done.returncode:
            break
        bad = [path for packages in BIN.parent.glob("lib/python*/site-packages") for path in damaged(packages)]
        if not bad:
            return True
        print(f"uv's cache is damaged ({len(bad)} files, the first is {bad[0].name}); once more without it", flush=True)
    print("uv could not install it; pip tries, which takes a minute", flush=True)
    return False


def by_pip(*arguments: str) -> int:
    # Python compiles a module when it is first imported: --no-compile halves the wait.
    return subprocess.run([*PIP, *INSTALL, "--no-compile", *arguments], cwd=ROOT, check=False).returncode


def install_lock(lock: str) -> int:
    first = ROOT / ".venv" / "first.txt"
    first.write_text(part_of((ROOT / lock).read_text(encoding="utf-8"), FIRST), encoding="utf-8")
    failed = by_pip("--require-hashes", "--no-deps", "-r", str(first))
    if failed:
        return failed
    arguments = ["-r", lock]
    return 0 if by_uv(arguments) else by_pip("--require-hashes", *arguments)


def install_project() -> int:
    """The project itself, in place, with no index: all that it needs is there."""
    return by_pip("--no-deps", "--no-index", "-e", ".")


if __name__ == "__main__":
    raise SystemExit(install_project() if sys.argv[1:] == ["--project"] else install_lock(*sys.argv[1:]))

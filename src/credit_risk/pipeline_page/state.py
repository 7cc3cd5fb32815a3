"""What each stage reads and writes, and whether it is what dvc.lock says it was: as DVC answers, in sentences."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from credit_risk.config.dotted import value_at
from credit_risk.config.yaml_positions import plain_values, read_tree
from credit_risk.errors import CreditRiskError, NotFound

State = Literal["up to date", "stale", "waits", "never ran"]
CODE = "src/"
FIX = "Run the command in the repository's root."
CHANGED_FILES = 5  # named of a folder of code


class DvcError(CreditRiskError, RuntimeError):
    """DVC could not be asked; its own words say why."""


@dataclass(frozen=True)
class Artefact:
    """A file or folder that a stage reads or writes. digest, size: as dvc.lock has them; written: as it lies here."""

    path: str
    digest: str = ""
    size: int | None = None
    written: datetime | None = None


@dataclass(frozen=True)
class PipelineStage:
    """before: the stages it reads from. reasons: what is not as when it ran. waits_for: stale ones before it."""

    name: str
    purpose: str
    command: str
    deps: tuple[Artefact, ...]
    params: tuple[str, ...]
    outs: tuple[Artefact, ...]
    before: tuple[str, ...]
    reasons: tuple[str, ...]
    waits_for: tuple[str, ...]
    ran: bool

    @property
    def state(self) -> State:
        if not self.ran:
            return "never ran"
        return "stale" if self.reasons else "waits" if self.waits_for else "up to date"


def read(root: Path) -> list[PipelineStage]:
    """All stages, each behind those that it reads from. Raises NotFound without dvc.yaml, DvcError."""
    declared, locked = declared_stages(root), locked_stages(root)
    before = edges(declared)
    status = dvc_status(root)
    since = last_commit(root, "dvc.lock")
    answer: dict[str, PipelineStage] = {}
    for name in in_order(before):
        entry, lock = declared[name], locked.get(name, {})
        answer[name] = PipelineStage(
            name,
            str(entry.get("desc", "Data that is pulled, not made")),
            str(entry.get("cmd", "dvc pull")),
            tuple(artefacts(root, paths_of(entry, "deps"), lock.get("deps", ()))),
            tuple(f"{name} in {path}" if name else path for path, name in params_of(entry)),
            tuple(artefacts(root, outputs_of(entry), lock.get("outs", ()))),
            before[name],
            tuple(reasons(root, status.get(name, ()), lock, since)),
            tuple(each for each in before[name] if answer[each].state != "up to date"),
            bool(lock),
        )
    return list(answer.values())


def declared_stages(root: Path) -> dict[str, Mapping[str, Any]]:
    """The stages of dvc.yaml, and the files beside it by which DVC keeps data, by their names."""
    data = {path.name: _yaml(path) for path in sorted(root.glob("*.dvc")) if path.is_file()}
    return data | dict(plain_values(_yaml(root / "dvc.yaml").get("stages", {})))


def locked_stages(root: Path) -> dict[str, Mapping[str, Any]]:
    """What dvc.lock records of each stage's last run; of data, the same file as declares it."""
    path = root / "dvc.lock"
    data = {path.name: _yaml(path) for path in sorted(root.glob("*.dvc")) if path.is_file()}
    return data | (dict(_yaml(path).get("stages", {})) if path.is_file() else {})


def paths_of(entry: Mapping[str, Any], kind: str) -> list[str]:
    """The paths under deps or outs: an entry is a path, a path with options, or, of data, keys with a path."""
    return [
        str(each) if isinstance(each, str) else str(each.get("path", next(iter(each)))) for each in entry.get(kind, ())
    ]


def outputs_of(entry: Mapping[str, Any]) -> list[str]:
    return [path for kind in ("outs", "metrics", "plots") for path in paths_of(entry, kind)]


def params_of(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """File and key of each param; no key where the whole file is one."""
    for each in entry.get("params", ()):
        for path, names in each.items():
            yield from ((str(path), str(name)) for name in names or ("",))


def edges(declared: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The stages that each stage reads from: a path that it depends on is an output, lies in one, or holds one."""
    return {
        name: tuple(
            earlier
            for earlier, writer in declared.items()
            if earlier != name
            and any(overlap(dep, out) for dep in paths_of(entry, "deps") for out in outputs_of(writer))
        )
        for name, entry in declared.items()
    }


def overlap(first: str, second: str) -> bool:
    a, b = PurePosixPath(first), PurePosixPath(second)
    return a == b or a in b.parents or b in a.parents


def in_order(before: Mapping[str, Sequence[str]]) -> list[str]:
    """Each stage behind those that it reads from, else as they were declared."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name not in ordered:
            for earlier in before[name]:
                visit(earlier)
            ordered.append(name)

    for name in before:
        visit(name)
    return ordered


def artefacts(root: Path, paths: Sequence[str], locked: Sequence[Mapping[str, Any]]) -> Iterator[Artefact]:
    known = {str(entry["path"]): entry for entry in locked}
    for path in paths:
        entry, here = known.get(path, {}), root / path
        written = datetime.fromtimestamp(here.stat().st_mtime, UTC) if here.exists() else None
        yield Artefact(path, str(entry.get("md5", "")), entry.get("size"), written)


def dvc_status(root: Path) -> dict[str, list[Any]]:
    """What `dvc status` says of each stage that is not up to date."""
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603  (our own words)
    if done.returncode:
        raise DvcError(f"`dvc status` could not say what is stale: {done.stderr.strip().splitlines()[-1:]}.")
    answer: dict[str, list[Any]] = json.loads(done.stdout or "{}")
    return answer


def reasons(root: Path, changed: Sequence[Any], lock: Mapping[str, Any], since: str) -> Iterator[str]:
    """Each cause in a sentence: the command, a param with both values, code with its files, an input, an output."""
    for cause in changed:
        if isinstance(cause, str):
            yield cause
            continue
        for kind, items in cause.items():
            for path, how in items.items():
                if isinstance(how, Mapping):
                    yield from (_param(root, lock, path, name, state) for name, state in how.items())
                elif kind == "changed outs":
                    yield f"output {path}: {how}"
                elif path.startswith(CODE):
                    yield f"code {path}: {how}{_files(root, path, since)}"
                else:
                    yield f"input {path}: {how}"


def _param(root: Path, lock: Mapping[str, Any], path: str, name: str, state: str) -> str:
    before = lock.get("params", {}).get(path, {}).get(name, "not there")
    file = root / path
    now = value_at(plain_values(_yaml(file)), name) if file.is_file() else None
    if isinstance(before, Mapping | list) or isinstance(now, Mapping | list | tuple):
        return f"param {name} in {path}: {state}"
    return f"param {name} in {path}: {before} → {'not there' if now is None else now}"


def _files(root: Path, path: str, since: str) -> str:
    """The files below a path that differ from the commit that last recorded a run."""
    if not since:
        return ""
    names = _git(root, "diff", "--name-only", since, "--", path).splitlines()
    more = f" and {len(names) - CHANGED_FILES} more" if len(names) > CHANGED_FILES else ""
    return f", since the run that was committed {', '.join(names[:CHANGED_FILES])}{more}" if names else ""


def last_commit(root: Path, path: str) -> str:
    """The commit that changed a path last; nothing outside a repository."""
    return _git(root, "log", "-1", "--format=%H", "--", path).strip()


def _git(root: Path, *words: str) -> str:
    """What git answers; nothing where there is no git, or no repository."""
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run([git, *words], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout if done.returncode == 0 else ""


def _yaml(path: Path) -> Any:
    if not path.is_file():
        raise NotFound(path, FIX)
    return read_tree(path, FIX)

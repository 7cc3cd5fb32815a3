"""Whether reports are as their stages wrote them, and by which run and commit: what an audit's figures stand on.

Whoever edits a report has four witnesses to silence: the report's own seal, the chain of the gate's record, dvc.lock,
and each run in dvc.lock's history that had the same inputs. All four lie where the editor may write, so a report that
is sealed, judged and recorded anew together with another line of code, or another library, is found by running its
stage alone.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.compliance import dataset_facts
from credit_risk.config import Config
from credit_risk.data import digest, provenance
from credit_risk.data.files import Files
from credit_risk.modelling import evidence
from credit_risk.stages import gate as judging

LOCK, LIBRARIES = "dvc.lock", "requirements/dev.txt"  # what a run read and wrote, and what it was computed with
OF_DATA = ("validation", "preparation")  # reports about data: they carry no seal
TIMED = ("latency",)  # its figures are other ones in each run
STAGE = re.compile(r"^  (\S[^\n]*):\n", re.MULTILINE)  # the head of a stage in dvc.lock
OUTPUTS = "    outs:\n"
REWRITTEN = "the run in reports/gate.json was rewritten: its entries do not follow one another"


@dataclass(frozen=True)
class ReportOnRecord:
    """A report with what speaks against it, the run that holds it, and who committed it.

    run: the hash of its entry in the chain of the gate's record; None where no chain holds exactly this report.
    commit, author, day: of the commit that wrote the file as it is; None where none has.
    """

    report: str
    file: str
    sha256: str
    run: str | None
    commit: str | None
    author: str | None
    day: str | None
    faults: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "faults": list(self.faults)}


def examine(config: Config, files: Files) -> list[ReportOnRecord]:
    """Every report that a verdict can stand on and that is there, held against its seal and all records of runs."""
    names = [*OF_DATA, *judging.REPORTS, *(f"parts/{name}" for name in judging.parts_judged(config))]
    witnesses = Witnesses.read(files)
    return [witnesses.examined(name) for name in names if files.report(name).is_file()]


@dataclass(frozen=True)
class Witnesses:
    """What else knows the reports. verdict: the chain of the gate's record, by report; now, before: of dvc.lock."""

    files: Files
    verdict: Mapping[str, Mapping[str, str]]
    rewritten: bool
    now: Mapping[str, "RecordedStage"]
    before: Sequence["EarlierRun"]

    @classmethod
    def read(cls, files: Files) -> "Witnesses":
        recorded = judging.object_of(files.report("gate")) or {}
        return cls(files, *_chained(recorded.get("run")), runs(_text(files)), list(_runs_before(files)))

    def examined(self, name: str) -> ReportOnRecord:
        path, entry = self.files.report(name), self.verdict.get(name)
        file, sha256 = path.relative_to(self.files.root).as_posix(), digest.of_file(path)
        faults = [REWRITTEN] if self.rewritten else []
        if name not in OF_DATA:
            faults += _of_seal(file, judging.object_of(path))
        if entry and entry["sha256"] != sha256:
            faults.append(f"{file} is not the report that the verdict was reached on: it was written anew since")
        before = [] if name in TIMED else self.before
        faults += _of_runs(file, dataset_facts.file_md5(path), self.now, before)
        run = entry["hash"] if entry and entry["sha256"] == sha256 and not self.rewritten else None
        return ReportOnRecord(name, file, sha256, run, *_written_by(self.files, file), tuple(faults))


def _of_seal(file: str, report: Mapping[str, Any] | None) -> list[str]:
    if report is not None and report.get(evidence.SEAL) == evidence.sealed(report)[evidence.SEAL]:
        return []
    return [f"{file} was altered: its seal is not that of its content"]


def _chained(run: Any) -> tuple[dict[str, dict[str, str]], bool]:
    """The entries of a gate record's chain by report, and whether their hashes do not follow one another."""
    if run is None:
        return {}, False  # a record from before, or none
    try:
        entries = {entry["report"]: entry for entry in run}
        follows = evidence.chained({name: entry["sha256"] for name, entry in entries.items()}) == run
    except (TypeError, LookupError):
        return {}, True
    return entries, not follows


@dataclass(frozen=True)
class RecordedStage:
    """A stage as dvc.lock has it. made_of: the digest of its command, inputs, code and settings; outputs: by file."""

    made_of: str
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class EarlierRun:
    """The stages of a committed dvc.lock, and who committed it."""

    commit: str
    author: str
    stages: Mapping[str, RecordedStage]


def runs(lock: str) -> dict[str, RecordedStage]:
    """The stages of a dvc.lock by name; cut by its lines, because parsing each committed version takes a second."""
    _, *cut = STAGE.split(lock)  # name, content, name, content
    stages = {}
    for name, content in zip(cut[::2], cut[1::2], strict=True):
        inputs, _, outputs = content.partition(OUTPUTS)
        made_of = hashlib.sha256(" ".join(inputs.split()).encode()).hexdigest()
        stages[name] = RecordedStage(made_of, _files(outputs))
    return stages


def _files(outputs: str) -> dict[str, str]:
    try:
        listed = YAML(typ="safe", pure=True).load(outputs) or []
        return {str(output["path"]): str(output["md5"]) for output in listed}
    except (YAMLError, LookupError, TypeError):
        return {}


def _text(files: Files) -> str:
    path = files.root / LOCK
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _runs_before(files: Files) -> Iterator[EarlierRun]:
    """The runs with today's libraries that git has on record, the newest first; none outside a repository."""
    libraries = provenance.git(files.root, "hash-object", "--", LIBRARIES)
    for line in (provenance.git(files.root, "log", "--format=%H%x09%an", "--", LOCK) or "").splitlines():
        commit, author = line.split("\t", 1)
        text = provenance.git(files.root, "show", f"{commit}:./{LOCK}")
        same = provenance.git(files.root, "rev-parse", "--verify", "--quiet", f"{commit}:./{LIBRARIES}") == libraries
        if same and text is not None:  # not where the commit took it away
            yield EarlierRun(commit, author, runs(f"{text}\n"))


def _written_by(files: Files, file: str) -> tuple[str | None, str | None, str | None]:
    """Commit, author and day by which the file came to be as it is; unknown where it is not as committed."""
    line = provenance.git(files.root, "log", "-1", "--format=%H%x09%an%x09%as", "--", file)
    if not line or provenance.not_committed(files.root, [files.root / file]):
        return None, None, None
    commit, author, day = line.split("\t")
    return commit, author, day


def _of_runs(file: str, md5: str, now: Mapping[str, RecordedStage], before: Sequence[EarlierRun]) -> list[str]:
    """Where dvc.lock has the report otherwise, or where a run with the same inputs wrote another one."""
    faults = []
    for name, stage in now.items():
        if file not in stage.outputs:
            continue
        if stage.outputs[file] != md5:
            faults.append(f"{file} is not what the stage {name} wrote, as {LOCK} recorded it")
        for run in before:
            earlier = run.stages.get(name)
            if earlier and earlier.made_of == stage.made_of and earlier.outputs.get(file, md5) != md5:
                by = f"commit {run.commit[:12]} by {run.author}"
                faults.append(f"{file} is not what the stage {name} wrote from the same inputs in {by}")
                break
    return faults

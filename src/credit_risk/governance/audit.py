"""Whether a scorer meets a framework's controls: each verdict stands on evidence that is named with its SHA-256.

The controls are data (configs/policies/<framework>.yaml, key `controls`). Evidence that is missing, or that speaks
about another scorer, fails: an audit that cannot see something does not take it for granted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text as Styled
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.comparison.compare import named
from credit_risk.config import Config
from credit_risk.config.schema import GUARDED_ROLES, Gate, Scalar, Section, Text
from credit_risk.data import digest, identifiers
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.errors import CheckFailed, ConfigError, CreditRiskError, UsageError
from credit_risk.measures import gate
from credit_risk.measures.dotted import value_at
from credit_risk.measures.gate import Verdict
from credit_risk.report.summary import STYLES
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import gate as judging

OF_DATA = ("validation", "preparation")  # reports about data, which name no scorer; every other one must


class UnknownFramework(UsageError):
    """An audit was asked for by a name that no policy has."""

    def __init__(self, asked: str, known: Sequence[str]) -> None:
        super().__init__(
            f"there is no regulatory framework {asked!r}; known: {', '.join(known) or 'none'}. "
            "Name one of these, or write configs/policies/<framework>.yaml with controls."
        )


class Evidence(Section):
    """Where a control is answered: a report of a stage, a file of the repository or one of the scorer's own files.

    measure: the dotted name of a value inside it.
    """

    report: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    file: Text | None = None
    scorer: Text | None = None
    measure: Text | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.report, self.file, self.scorer)) != 1:
            raise ValueError("give one of report, file and scorer")
        return self


class Check(Section):
    """What the evidence must show: a number with its interval inside limits, a value, or what a check by name finds."""

    at_least: float | None = None
    at_most: float | None = None
    exact: bool = False
    equals: Scalar | None = None
    by: Literal["prohibited_bases_apart", "reasons_are_specific"] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        has_limits = self.at_least is not None or self.at_most is not None
        if has_limits + (self.equals is not None) + (self.by is not None) != 1:
            raise ValueError("give limits, equals, or by")
        return self


class Control(Section):
    """One requirement in our own words, where it stands, and how it is answered."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    requirement: Text
    source: Text
    dated: date
    secondary: bool
    evidence: Evidence
    check: Check

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if (self.evidence.measure is None) != (self.check.by is not None):
            raise ValueError("a check by name reads a whole file of the scorer; any other needs evidence.measure")
        if self.check.by is not None and self.evidence.scorer is None:
            raise ValueError("a check by name reads the scorer's own config: evidence: {scorer: config.json}")
        return self


class NotCovered(Section):
    """What the framework also asks and this audit does not see, so that nobody takes it for granted."""

    source: Text
    why: Text


class Words(Section):
    """Parts of column names that are a prohibited basis, and phrases that are no specific reason."""

    prohibited: tuple[str, ...] = ()
    unspecific: tuple[str, ...] = ()


class Framework(Section):
    """What one framework asks of a scorer; `names` are other names of the same framework."""

    version: Literal[1]
    framework: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    names: tuple[str, ...] = ()
    title: Text
    reviewed: date
    statements: Mapping[str, Scalar] = {}
    words: Words
    controls: Annotated[tuple[Control, ...], Field(min_length=1)]
    not_covered: tuple[NotCovered, ...] = ()


@dataclass(frozen=True)
class Audited:
    """A control with its verdict and the evidence it was reached on; sha256 is None where the file is not there."""

    id: str
    requirement: str
    source: str
    dated: date
    secondary: bool
    verdict: Verdict
    found: str
    file: str
    sha256: str | None
    measure: str | None

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "dated": self.dated.isoformat()}


class _NoEvidence(CreditRiskError, LookupError):
    """The evidence of a control cannot be used; the message says why."""


def known_frameworks(policies: Path) -> dict[str, Path]:
    """Every name an audit can be asked for by, with its file."""
    paths = sorted(path for path in policies.glob("*.yaml") if "\ncontrols:" in path.read_text(encoding="utf-8"))
    return {name: path for path in paths for name in _names(path)}


def read_framework(policies: Path, asked: str) -> Framework:
    """A framework by any of its names. Raises UnknownFramework with the known ones, ConfigError for a faulty file."""
    known = known_frameworks(policies)
    name = asked.strip().lower().replace("-", "_")
    if name not in known:
        raise UnknownFramework(asked, sorted(known))
    return _framework(known[name])


def audit(model_path: Path, framework: str, files: Files, config: Config) -> dict[str, Any]:
    """The record of the audit of one scorer, verdict first; see `raise_unless_passed` for what blocks."""
    policy = read_framework(files.policies, framework)
    scorer = Scorer.load(model_path)
    found = [_audited(control, policy, model_path, scorer, files) for control in policy.controls]
    path = known_frameworks(files.policies)[policy.framework]
    return {
        "verdict": _overall(found),
        "project": config.project.name,
        "framework": policy.framework,
        "title": policy.title,
        "reviewed": policy.reviewed.isoformat(),
        "policy": {"file": named(path, files), "sha256": digest.of_file(path)},
        "scorer": scorer.digest,
        "model_path": named(model_path, files),
        "controls": [one.as_dict() for one in found],
        "waivers": _waivers(files),
        "not_covered": [one.model_dump() for one in policy.not_covered],
    }


def raise_unless_passed(record: Mapping[str, Any], output: Path) -> None:
    """Raise CheckFailed with every control that is not met, or not shown to be."""
    if record["verdict"] == "PASS":
        return
    lines = [f"{one['verdict']} {one['id']}: {one['found']}" for one in record["controls"] if one["verdict"] != "PASS"]
    answer = f"The scorer does not pass the audit by {record['framework']}. All stands in {output}."
    raise CheckFailed("\n  ".join([answer, *lines]))


def render(record: Mapping[str, Any]) -> RenderableType:
    """The record as a table for people, with what it does not cover below."""
    table = Table(
        "control",
        "verdict",
        "found",
        "evidence",
        "source",
        title=f"{record['project']}: {record['title']}",
        title_justify="left",
    )
    for one in record["controls"]:
        sha = one["sha256"][:12] if one["sha256"] else "not there"
        source = f"{one['source']} ({one['dated']}{', secondary source' if one['secondary'] else ''})"
        evidence = f"{one['file']} {sha}"
        verdict = Styled(one["verdict"], style=STYLES[one["verdict"]])
        table.add_row(Styled(one["id"]), verdict, *map(Styled, (one["found"], evidence, source)))
    gaps = [Styled(f"Not covered: {one['source']}: {one['why']}") for one in record["not_covered"]]
    gaps += [Styled(f"Waived: {one['check']} by {one['person']}: {one['reason']}") for one in record["waivers"]]
    verdict = Styled("The audit says ") + Styled(record["verdict"], style=STYLES[record["verdict"]]) + Styled(".")
    return Group(table, *gaps, verdict)


def _names(path: Path) -> Iterator[str]:
    policy = _framework(path)
    yield from (policy.framework, *policy.names)


def _framework(path: Path) -> Framework:
    try:
        return Framework.model_validate(YAML(typ="safe").load(path))
    except YAMLError as error:
        raise ConfigError(path, [str(error).splitlines()[0]]) from None
    except ValidationError as error:
        raise ConfigError(path, [f"{'.'.join(map(str, its['loc']))}: {its['msg']}" for its in error.errors()]) from None


def _waivers(files: Files) -> list[Any]:
    """The waivers by which the gate let something pass: an auditor must see them beside its verdict."""
    path = files.report("gate")
    try:
        raw = read_json(path) if path.is_file() else {}
    except ValueError:
        return []  # the control that reads the gate's record fails for this
    return list(raw.get("waivers", [])) if isinstance(raw, Mapping) else []


def _overall(found: Sequence[Audited]) -> Verdict:
    verdicts = {one.verdict for one in found}
    if "FAIL" in verdicts or not found:
        return "FAIL"
    return "CANNOT SAY" if "CANNOT SAY" in verdicts else "PASS"


def _audited(control: Control, policy: Framework, model_path: Path, scorer: Scorer, files: Files) -> Audited:
    evidence = control.evidence
    path = _path(evidence, model_path, files)
    verdict: Verdict
    try:
        if control.check.by is not None:
            verdict, found = CHECKS[control.check.by](scorer.config, policy.words)
        else:
            verdict, found = _judged(control, _content(evidence, path, scorer, files))
    except _NoEvidence as missing:
        verdict, found = "FAIL", str(missing)
    stated = control.model_dump(include={"id", "requirement", "source", "dated", "secondary"})
    sha256 = digest.of_file(path) if path.is_file() else None
    return Audited(
        **stated, verdict=verdict, found=found, file=named(path, files), sha256=sha256, measure=evidence.measure
    )


def _path(evidence: Evidence, model_path: Path, files: Files) -> Path:
    if evidence.report is not None:
        return files.report(evidence.report)
    return model_path / evidence.scorer if evidence.scorer is not None else files.root / str(evidence.file)


def _content(evidence: Evidence, path: Path, scorer: Scorer, files: Files) -> Mapping[str, Any]:
    """What the evidence holds. Raises _NoEvidence if it is not there, garbled, or about another scorer."""
    name = named(path, files)
    if not path.is_file():
        raise _NoEvidence(f"the evidence {name} is not there; run `make run`")
    try:
        raw = YAML(typ="safe").load(path) if path.suffix in (".yaml", ".yml") else read_json(path)
    except (ValueError, YAMLError):
        raise _NoEvidence(f"the evidence {name} cannot be read; the file was altered") from None
    if not isinstance(raw, Mapping):
        raise _NoEvidence(f"the evidence {name} holds no values by name; the file was altered")
    if evidence.report is not None and evidence.report not in OF_DATA:
        speaks_of = _scorer_of(raw)
        if speaks_of is None:
            raise _NoEvidence(f"the evidence {name} names no scorer, so it may speak about any")
        if speaks_of != scorer.digest:
            raise _NoEvidence(f"the evidence {name} speaks about another scorer: {str(speaks_of)[:12]}…")
    if evidence.report == "gate":
        try:
            judging.check(files)  # judged again: a verdict can be written by anybody
        except CreditRiskError as error:
            raise _NoEvidence(" ".join(str(error).split())) from None
    return raw


def _scorer_of(report: Mapping[str, Any]) -> Any:
    digests = report.get("digests")
    return report.get("scorer", digests.get("scorer") if isinstance(digests, Mapping) else None)


def _judged(control: Control, content: Mapping[str, Any]) -> tuple[Verdict, str]:
    check, measure = control.check, str(control.evidence.measure)
    if check.equals is not None:
        value = value_at(content, measure)
        # The type counts too: true is not 1.
        met = type(value) is type(check.equals) and value == check.equals
        return ("PASS" if met else "FAIL"), f"{measure} is {value!r}, expected {check.equals!r}"
    unknown = content.get("unknown")
    limits = check.model_dump(include={"at_least", "at_most", "exact"})
    asked = Gate(name="control", measure=measure, reason=control.requirement, **limits)
    (judged,) = gate.decide([asked], content, unknown if isinstance(unknown, Mapping) else {})
    return judged.verdict, judged.sentence.rstrip(".")


def _prohibited_bases_apart(config: Config, words: Words) -> tuple[Verdict, str]:
    """No input is called after a prohibited basis, and none declared as protected or a proxy is an input."""
    named_so = {name: identifiers.named(name, words.prohibited) for name in (*config.inputs, *config.features)}
    found = [f"{name} ({word})" for name, word in named_so.items() if word]
    found += [name for name in config.named(*GUARDED_ROLES) if name in (*config.inputs, *config.features)]
    if found:
        return "FAIL", f"the model or a formula reads {', '.join(found)}"
    kept = ", ".join(config.named(*GUARDED_ROLES)) or "none declared"
    return "PASS", f"none of {len(named_so)} inputs and features is called after a prohibited basis; kept apart: {kept}"


def _reasons_are_specific(config: Config, words: Words) -> tuple[Verdict, str]:
    """Every feature belongs to one reason, no two reasons read alike, and none is a phrase that says nothing."""
    families = config.reasons.families
    found, texts = [], [family.text.lower() for family in families]
    for feature in config.features:
        count = sum(feature in family.features for family in families)
        found += [] if count == 1 else [f"{feature} belongs to {count} reasons"]
    for family, text in zip(families, texts, strict=True):
        found += [f"{family.id} says {phrase!r}" for phrase in words.unspecific if phrase.lower() in text]
        found += [f"{family.id} reads like another reason"] if texts.count(text) > 1 else []
    if found:
        return "FAIL", "; ".join(found)
    return "PASS", f"{len(families)} reasons, version {config.reasons.version}, cover every feature once"


CHECKS: Mapping[str, Callable[[Config, Words], tuple[Verdict, str]]] = {
    "prohibited_bases_apart": _prohibited_bases_apart,
    "reasons_are_specific": _reasons_are_specific,
}

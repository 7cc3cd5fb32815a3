"""Whether a scorer meets a framework's controls: each verdict stands on evidence that is named with its SHA-256.

The controls are data (configs/policies/<framework>.yaml, key `controls`). Evidence that is missing, or that speaks
about another scorer, fails: an audit that cannot see something does not take it for granted. So does a report that is
not as its stage wrote it (`report_seals`), whichever framework is asked about, and a question that
a person must answer and nobody has, or whose answer has expired, and a control that nobody assesses.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text as Styled
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.comparison.compare import named
from credit_risk.compliance import identifiers, policies
from credit_risk.config import Config
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.config.dotted import value_at
from credit_risk.config.schema import Gate
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.errors import CheckFailed, CreditRiskError
from credit_risk.governance import records, report_seals, repository_checks
from credit_risk.governance.records import Entered
from credit_risk.governance.report_seals import OF_DATA, ReportOnRecord
from credit_risk.governance.repository_checks import Scope
from credit_risk.governance.scorer_policy import (
    EvidenceCheck,
    EvidenceSource,
    ScorerControl,
    ScorerPolicy,
    ScorerWords,
)
from credit_risk.measures.verdict import gate
from credit_risk.measures.verdict.gate import Verdict
from credit_risk.report.summary import STYLES
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import gate as judging


@dataclass(frozen=True)
class Audited:
    """A control with its verdict and the evidence it was reached on; sha256 is None where the file is not there.

    kind: computed, human or not assessed. binding: whether it counts today; one that applies from a later day does not.
    of_scorer: whether it is answered by the scorer and the figures about it alone, and not by stores or persons.
    """

    id: str
    requirement: str
    source: str
    dated: date
    secondary: bool
    verdict: Verdict
    sentence: str
    file: str
    sha256: str | None
    measure: str | None
    kind: str = "computed"
    status: str = "in_force"
    binding: bool = True
    of_scorer: bool = True

    def as_dict(self) -> dict[str, Any]:
        facts = asdict(self)
        facts["found"] = facts.pop("sentence")  # as records have called it from the first
        return {**facts, "dated": self.dated.isoformat()}


class _NoEvidence(CreditRiskError, LookupError):
    """The evidence of a control cannot be used; the message says why."""


def audit(
    model_path: Path,
    framework: str,
    files: Files,
    config: Config,
    *,
    site: Path | None = None,
    answers: Sequence[Entered] = (),
    applies: Sequence[str] | None = None,
    today: date | None = None,
) -> dict[str, Any]:
    """The record of the audit of one scorer, verdict first; see `raise_unless_passed` for what blocks.

    site: the environment's file, whose stores are looked at. answers: what persons put on record. applies: what holds
    of this lender, as the inventory says it; None where nobody has said, and then every control applies.
    """
    today = today or datetime.now(UTC).date()
    path, policy = policies.find(files.policies, framework, ScorerPolicy)
    scorer = Scorer.load(model_path)
    scope = Scope(files, config, policy, scorer, site, today, os.environ)
    not_applicable = _not_applicable(scope, applies)
    applicable = [control for control in policy.controls if control.id not in not_applicable]
    audited = [_audited(control, scope, model_path, answers) for control in applicable]
    reports = report_seals.examine(config, files)
    return {
        "verdict": _overall([control for control in audited if control.binding], reports),
        "project": config.project.name,
        "framework": policy.framework,
        "title": policy.title,
        "reviewed": policy.reviewed.isoformat(),
        "policy": {"file": named(path, files), "sha256": digest.of_file(path)},
        "scorer": scorer.digest,
        "model_path": named(model_path, files),
        "controls": [entry.as_dict() for entry in audited],
        "reports": [report.as_dict() for report in reports],
        "counts": counts(audited),
        "not_applicable": [
            {"id": control.id, "applies_to": list(control.applies_to), "why": not_applicable[control.id]}
            for control in policy.controls
            if control.id in not_applicable
        ],
        "waivers": _waivers(files),
        "not_covered": [entry.model_dump(include={"source", "why"}) for entry in policy.not_covered],
    }


def counts(audited: Sequence[Audited]) -> dict[str, dict[str, int]]:
    """How many controls of each kind came to which verdict."""
    kinds = dict.fromkeys(control.kind for control in audited)
    return {kind: dict(Counter(control.verdict for control in audited if control.kind == kind)) for kind in kinds}


def raise_unless_passed(record: Mapping[str, Any], output: Path, *, missing: bool = True) -> None:
    """Raise CheckFailed with every control that is not met, or not shown to be, and each report that was altered.

    missing: whether what stores and persons owe counts too, and a control that nobody assesses.
    """
    lines = [
        f"{control['verdict']} {control['id']}: {control['found']}"
        for control in record["controls"]
        if control["verdict"] != "PASS" and control["binding"] and (missing or control["of_scorer"])
    ]
    lines += [f"FAIL {fault}" for fault in _faults(record)]
    if not lines and record["controls"]:
        return
    answer = f"The scorer does not pass the audit by {record['framework']}. All stands in {output}."
    raise CheckFailed("\n  ".join([answer, *lines]))


def render(record: Mapping[str, Any]) -> RenderableType:
    """The record as a table for people, with what it does not cover below."""
    table = Table(
        *(Column(heading, overflow="fold") for heading in ("control", "verdict", "found", "evidence", "source")),
        title=f"{record['project']}: {record['title']}",
        title_justify="left",
    )
    for entry in record["controls"]:
        sha = entry["sha256"][:12] if entry["sha256"] else "not there"
        source = f"{entry['source']} ({entry['dated']}{', secondary source' if entry['secondary'] else ''})"
        evidence = f"{entry['file']} {sha}"
        verdict = Styled(entry["verdict"], style=STYLES[entry["verdict"]])
        table.add_row(Styled(entry["id"]), verdict, *map(Styled, (entry["found"], evidence, source)))
    gaps = [Styled(f"Not covered: {entry['source']}: {entry['why']}") for entry in record["not_covered"]]
    gaps += [Styled(f"Waived: {entry['check']} by {entry['person']}: {entry['reason']}") for entry in record["waivers"]]
    gaps += [Styled(f"Does not apply: {entry['id']}: {entry['why']}") for entry in record["not_applicable"]]
    of_reports = [Styled(_of_report(report)) for report in record["reports"]]
    of_reports += [Styled(f"FAIL {fault}", style=STYLES["FAIL"]) for fault in _faults(record)]
    of_kinds = [
        Styled(f"{kind}: {', '.join(f'{count} {verdict}' for verdict, count in verdicts.items())}")
        for kind, verdicts in record["counts"].items()
    ]
    verdict = Styled("The audit says ") + Styled(record["verdict"], style=STYLES[record["verdict"]]) + Styled(".")
    return Group(table, *gaps, *of_reports, *of_kinds, verdict)


def _of_report(report: Mapping[str, Any]) -> str:
    """Which verdict and which commit a report is of, in a line."""
    run = f"in the verdict's run as {report['run'][:12]}" if report["run"] else "in no verdict's run"
    by = "not committed as it is"
    if report["commit"]:
        by = f"committed by {report['author']} on {report['day']} ({report['commit'][:12]})"
    return f"{report['file']} {report['sha256'][:12]}: {run}; {by}"


def _faults(record: Mapping[str, Any]) -> list[str]:
    """What speaks against the reports, each sentence once."""
    return list(dict.fromkeys(fault for report in record["reports"] for fault in report["faults"]))


def _waivers(files: Files) -> list[Any]:
    """The waivers by which the gate let something pass: an auditor must see them beside its verdict."""
    path = files.report("gate")
    try:
        raw = read_json(path) if path.is_file() else {}
    except ValueError:
        return []  # the control that reads the gate's record fails for this
    return list(raw.get("waivers", [])) if isinstance(raw, Mapping) else []


def _overall(audited: Sequence[Audited], reports: Sequence[ReportOnRecord]) -> Verdict:
    if not audited or any(report.faults for report in reports):
        return "FAIL"
    return _worst(control.verdict for control in audited)


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=("PASS", "CANNOT SAY", "FAIL").index)


def _not_applicable(scope: Scope, applies: Sequence[str] | None) -> dict[str, str]:
    """Why a control is not asked of this lender, by its id: it is made for others, or no column holds its basis."""
    reasons = {}
    for control in scope.policy.controls:
        others = sorted(set(control.applies_to) - set(applies)) if applies is not None else []
        basis = control.evidence.contrasts_of if control.evidence and control.evidence.where_held else None
        if others:
            reasons[control.id] = f"{', '.join(others)} does not hold of this lender, by its inventory"
        elif basis is not None and not _columns_of(basis, scope):
            reasons[control.id] = _not_held(basis, scope)
    return reasons


def _not_held(basis: str, scope: Scope) -> str:
    kept = ", ".join(scope.config.named(*GUARDED_ROLES)) or "there is none"
    return f"{basis} is not held: no column that is kept apart ({kept}) is called so or says so in its `why`"


def _columns_of(basis: str, scope: Scope) -> list[str]:
    """The columns that hold a basis: kept apart and called after it, or protected because of it."""
    words, columns = scope.policy.words.bases[basis], scope.config.columns
    called = [name for name in scope.config.named(*GUARDED_ROLES) if identifiers.named(name, words)]
    because = [name for name in scope.config.named("protected") if identifiers.named(columns[name].why or "", words)]
    return list(dict.fromkeys([*called, *because]))


def _audited(control: ScorerControl, scope: Scope, model_path: Path, answers: Sequence[Entered]) -> Audited:
    verdict, sentence, path = _verdict(control, scope, model_path, answers)
    binding = control.applies_from is None or control.applies_from <= scope.today
    if not binding:
        sentence = f"applies from {control.applies_from}: {sentence}"
    stated = control.model_dump(include={"id", "requirement", "source", "dated", "secondary", "status"})
    return Audited(
        **stated,
        verdict=verdict,
        sentence=sentence,
        file=named(path, scope.files),
        sha256=digest.of_file(path) if path.is_file() else None,
        measure=_measure(control.evidence) if control.evidence else None,
        kind=control.kind,
        binding=binding,
        of_scorer=control.evidence is not None,
    )


def _verdict(
    control: ScorerControl, scope: Scope, model_path: Path, answers: Sequence[Entered]
) -> tuple[Verdict, str, Path]:
    if control.person is not None:
        verdict, sentence = _of_person(control, answers, scope.today)
        return verdict, sentence, scope.files.root / records.FILE
    if control.not_assessed is not None:
        return "FAIL", f"not assessed: {control.not_assessed}", scope.files.policies / f"{scope.policy.framework}.yaml"
    if control.by is not None:
        reached = repository_checks.answer(control.by, scope)
        return reached.verdict, reached.sentence, reached.path
    return _of_evidence(control, scope, model_path)


def _of_person(control: ScorerControl, answers: Sequence[Entered], today: date) -> tuple[Verdict, str]:
    """The last answer on record, as long as it holds."""
    entry = records.last(answers, "attest", control.id)
    if control.person is None or entry is None:
        question = control.person.question if control.person else control.requirement
        return "FAIL", f"nobody has answered: {question} (credit-risk attest --control {control.id})"
    until = date.fromisoformat(entry.facts["until"])
    sentence = f"{entry.by} on {entry.at:%Y-%m-%d}, until {until}: {entry.reason}"
    if until < today:
        return "FAIL", f"the answer has expired: {sentence}"
    return ("PASS" if entry.facts["met"] is True else "FAIL"), sentence


def _of_evidence(control: ScorerControl, scope: Scope, model_path: Path) -> tuple[Verdict, str, Path]:
    evidence, check = control.evidence, control.check
    if evidence is None or check is None:
        return "FAIL", "the control names no evidence", scope.files.config
    path = _path(evidence, model_path, scope.files)
    try:
        if check.by is not None:
            verdict, sentence = CHECKS[check.by](scope.scorer.config, scope.policy.words)
        else:
            content = _content(evidence, path, scope.scorer, scope.files)
            if evidence.contrasts_of is not None:
                verdict, sentence = _of_contrasts(check, evidence.contrasts_of, content, scope)
            else:
                verdict, sentence = _judged(check, str(evidence.measure), content)
    except _NoEvidence as missing:
        return "FAIL", str(missing), path
    return verdict, sentence, path


def _path(evidence: EvidenceSource, model_path: Path, files: Files) -> Path:
    if evidence.report is not None:
        return files.report(evidence.report)
    return model_path / evidence.scorer if evidence.scorer is not None else files.root / str(evidence.file)


def _content(evidence: EvidenceSource, path: Path, scorer: Scorer, files: Files) -> Mapping[str, Any]:
    """What the evidence holds. Raises _NoEvidence if it is not there, garbled, or about another scorer."""
    name = named(path, files)
    if not path.is_file():
        raise _NoEvidence(f"the evidence {name} is not there; run `make run`")
    try:
        raw = YAML(typ="safe", pure=True).load(path) if path.suffix in (".yaml", ".yml") else read_json(path)
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


def _measure(evidence: EvidenceSource) -> str | None:
    return f"contrasts of {evidence.contrasts_of}" if evidence.contrasts_of else evidence.measure


def _of_contrasts(check: EvidenceCheck, basis: str, content: Mapping[str, Any], scope: Scope) -> tuple[Verdict, str]:
    """Each column with this basis has a contrast, and every contrast that is declared of one is within the limits."""
    judged: list[tuple[Verdict, str]] = []
    for column in (columns := _columns_of(basis, scope)):
        declared = [contrast.name for contrast in scope.config.fairness.contrasts if contrast.attribute == column]
        judged += [_judged(check, f"contrasts.{name}.ratio", content) for name in declared]
        if not declared:
            judged.append(
                ("FAIL", f"{column} holds the basis {basis}, and fairness.contrasts compares no groups of it")
            )
    if not columns:
        judged.append(("FAIL", _not_held(basis, scope)))
    return _worst(verdict for verdict, _ in judged), "; ".join(sentence for _, sentence in judged)


def _judged(check: EvidenceCheck, measure: str, content: Mapping[str, Any]) -> tuple[Verdict, str]:
    if check.equals is not None:
        value = value_at(content, measure)
        # The type counts too: true is not 1.
        met = type(value) is type(check.equals) and value == check.equals
        return ("PASS" if met else "FAIL"), f"{measure} is {value!r}, expected {check.equals!r}"
    unknown = content.get("unknown")
    limits = check.model_dump(include={"at_least", "at_most", "exact"})
    limit = Gate(name="control", measure=measure, reason="a control of a framework", **limits)
    (judged,) = gate.decide([limit], content, unknown if isinstance(unknown, Mapping) else {})
    return judged.verdict, judged.sentence.rstrip(".")


def _prohibited_bases_apart(config: Config, words: ScorerWords) -> tuple[Verdict, str]:
    """No input is called after a prohibited basis, and none declared as protected or a proxy is an input."""
    named_so = {name: identifiers.named(name, words.prohibited) for name in (*config.inputs, *config.features)}
    faults = [f"{name} ({word})" for name, word in named_so.items() if word]
    faults += [name for name in config.named(*GUARDED_ROLES) if name in (*config.inputs, *config.features)]
    if faults:
        return "FAIL", f"the model or a formula reads {', '.join(faults)}"
    kept = ", ".join(config.named(*GUARDED_ROLES)) or "none declared"
    return "PASS", f"none of {len(named_so)} inputs and features is called after a prohibited basis; kept apart: {kept}"


def _reasons_are_specific(config: Config, words: ScorerWords) -> tuple[Verdict, str]:
    """Every feature belongs to one reason, no two reasons read alike, and none is a phrase that says nothing."""
    families = config.reasons.families
    of_families = [[text.lower() for text, _ in config.reasons.wordings(family).values()] for family in families]
    faults, texts = [], [text for texts_of_family in of_families for text in texts_of_family]
    for feature in config.features:
        count = sum(feature in family.features for family in families)
        faults += [] if count == 1 else [f"{feature} belongs to {count} reasons"]
    for family, its_texts in zip(families, of_families, strict=True):
        faults += [
            f"{family.id} says {phrase!r}"
            for phrase in words.unspecific
            for text in its_texts
            if phrase.lower() in text
        ]
        faults += [f"{family.id} reads like another reason"] if any(texts.count(text) > 1 for text in its_texts) else []
    if faults:
        return "FAIL", "; ".join(faults)
    return "PASS", f"{len(families)} reasons, version {config.reasons.version}, cover every feature once"


CHECKS: Mapping[str, Callable[[Config, ScorerWords], tuple[Verdict, str]]] = {
    "prohibited_bases_apart": _prohibited_bases_apart,
    "reasons_are_specific": _reasons_are_specific,
}

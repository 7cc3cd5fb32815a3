"""A candidate against a baseline on the same raw rows, and whether the candidate may take its place.

What is asked of the candidate: the config's gates on what a test file can answer (`test.`, `fairness.contrasts.`),
its gates on the comparison itself (`comparison.`), and the thresholds that a caller gives beside them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from credit_risk.config import Config
from credit_risk.config.schema import Gate, Source
from credit_risk.data import digest, tables
from credit_risk.data.files import Files
from credit_risk.data.writing import read_parquet
from credit_risk.domain import decision, fairness, gate, metrics, split, waiver
from credit_risk.domain.decision import Decisions
from credit_risk.domain.fairness import Cases, Grouping, Measure
from credit_risk.domain.gate import Check
from credit_risk.domain.inputs import Inputs, Mask, Matrix
from credit_risk.domain.intervals import Interval, bootstrap, delong, paired_difference
from credit_risk.domain.metrics import Economics, Sample
from credit_risk.domain.split import Labels
from credit_risk.errors import CheckFailed, DataError, ScorerError
from credit_risk.records.scorer import Scorer
from credit_risk.stages.evaluate import flat
from credit_risk.stages.gate import read_waivers
from credit_risk.stages.prepare import Book, modelled
from credit_risk.stages.summary import STYLES

ANSWERED = ("test.", "fairness.contrasts.", "comparison.")  # gates of the config that a test file can answer
RATES_APART = 0.01  # approval rates further apart than this are not equal: ties of the PD forbid it
SWAPS = ("approved by both", "newly approved", "newly declined", "declined by both")
NO_LIMIT = Gate(name="comparison", measure="comparison.differences.auc", reason="a candidate is held against a limit")

Numbers = dict[str, Any]
Unknown = dict[str, str]


@dataclass(frozen=True)
class Contender:
    """One scorer and what it decides of the rows."""

    scorer: Scorer
    decisions: Decisions
    approved: Mask

    @property
    def pd(self) -> Matrix:
        return self.decisions.pd

    @property
    def cut_off(self) -> float:
        return decision.cut_off(self.scorer.config.policy)


@dataclass(frozen=True)
class Contest:
    """Candidate and baseline on the same rows; figures are taken where both give a PD."""

    config: Config
    book: Book
    group: Labels
    candidate: Contender
    baseline: Contender

    @cached_property
    def scored(self) -> Mask:
        return ~(np.isnan(self.candidate.pd) | np.isnan(self.baseline.pd))

    def sample(self, contender: Contender, cut_off: float) -> Sample:
        """Outcomes and PDs with this lender's economics, whatever economics the scorer was assembled under."""
        policy, rows = self.config.policy, self.scored
        economics = Economics(cut_off, policy.margin, policy.lgd, policy.cost)
        return Sample.of(self.book.bad[rows], contender.pd[rows], self.group[rows], economics)

    @property
    def draw(self) -> Numbers:
        return self.config.evaluation.model_dump(include={"replicates", "seed", "confidence"})


def compare(
    config: Config,
    files: Files,
    *,
    candidate: Path,
    baseline: Path,
    test_data: Path,
    accuracy_threshold: float | None = None,
    fairness_threshold: float | None = None,
    today: date | None = None,
) -> Numbers:
    """The record of the comparison, verdict first; see `raise_unless_passed` for what blocks.

    A gate of the config can be waived for the candidate as in `gate`; a threshold of the caller cannot.
    Raises DataError if no row is left that no training saw, ScorerError for scorers of another outcome.
    """
    scorers = {"candidate": Scorer.load(candidate), "baseline": Scorer.load(baseline)}
    refuse_other_outcomes(config, scorers)
    trained_here = {"candidate": learned_here(files, candidate), "baseline": learned_here(files, baseline)}
    book, places, rows = unseen(config, files, test_data, known=any(trained_here.values()))
    contest = held(config, scorers, book, places, test_data)
    if not contest.scored.any():
        raise DataError(f"none of the {len(book.bad)} rows of {test_data} gets a PD from both scorers.")
    unknown: Unknown = {}
    measures = {
        "test": candidate_figures(contest, unknown),
        "fairness": {"contrasts": contrasts(contest, unknown)},
        "comparison": compared(contest, unknown),
        "candidate": accuracy(contest) | alike(contest, unknown),
    }
    own, _ = gate.applicable(asked(config), scorers["candidate"].model.kind)
    gates = [*own, *thresholds(accuracy_threshold, fairness_threshold)]
    checks = gate.decide(gates, measures, unknown)
    if not any(one.measure.startswith("comparison.") for one in config.gates):
        checks.append(no_limit())
    waived = waiver.apply(
        checks,
        read_waivers(files.waivers),
        gates=[one.name for one in config.gates],
        scorer=scorers["candidate"].digest,
        today=today or datetime.now(UTC).date(),
    )
    let_pass = [one.check for one in waived]
    return {
        "verdict": gate.overall([check for check in checks if check not in let_pass]),
        "title": "Candidate against baseline",
        "checks": [check.as_dict() for check in checks],
        "waivers": [one.waiver.model_dump(mode="json") for one in waived],
        "candidate": {"path": named(candidate, files), "digest": scorers["candidate"].digest},
        "baseline": {"path": named(baseline, files), "digest": scorers["baseline"].digest},
        "data": {"path": named(test_data, files), "sha256": digest.of_file(test_data)},
        "rows": rows | counts(contest),
        "notes": [training_note(name, trained_here[name]) for name in trained_here],
        "not_judged_here": sorted(one.name for one in config.gates if one not in gates),
        "measures": measures,
        "swap_set": swap_set(contest),
        "unknown": unknown,
    }


def refuse_other_outcomes(config: Config, scorers: Mapping[str, Scorer]) -> None:
    """Raise ScorerError for a scorer that was fitted to another definition of good and bad."""
    parts = ("definition", "bad", "good", "indeterminate", "performance_window_months")
    for name, scorer in scorers.items():
        other = [part for part in parts if getattr(scorer.config.outcome, part) != getattr(config.outcome, part)]
        if other:
            raise ScorerError(
                f"the {name} was fitted to an outcome with another {' and '.join(other)} than the config's; "
                "what they call bad differs, so they cannot be compared on one file."
            )


def learned_here(files: Files, scorer: Path) -> bool:
    """Whether the scorer holds a model of artifacts/model, whose training rows stand in artifacts/inputs."""
    here = (files.model / "model.txt", files.model / "scorecard.json")
    pairs = ((scorer / one.name, one) for one in here)
    same = any(ours.is_file() and its.is_file() and digest.of_file(its) == digest.of_file(ours) for its, ours in pairs)
    return same and files.inputs("train").is_file() and files.inputs("selection").is_file()


def unseen(config: Config, files: Files, test_data: Path, *, known: bool) -> tuple[Book, Labels, Numbers]:
    """The rows a model may be measured on, their places in the file, and how many were left out and why.

    Rows that equal one of training or selection are refused where those are known: they would be remembered.
    """
    book = modelled(config, read(config, config, test_data).reset_index(drop=True))
    places = np.asarray(book.table.index, dtype=np.int64)
    rows: Numbers = {"left_out": dict(book.left_out), "stand_in_training": None}
    if known:
        inputs = Inputs.of(config)
        seen = [split.row_keys(inputs.table(read_parquet(files.inputs(part)))) for part in ("train", "selection")]
        new = ~np.isin(split.row_keys(book.inputs), np.concatenate(seen))
        rows["stand_in_training"] = int((~new).sum())
        if not new.any():
            raise DataError(f"every row of {test_data} equals a row of training or selection. Name another file.")
        book = Book(book.table[new], book.inputs[new], book.bad[new], book.left_out)
        places = places[new]
    return book, places, rows


def read(columns: Config, config: Config, path: Path) -> Any:
    """The file as this lender writes it, with the columns that a config, perhaps a scorer's own, declares."""
    data = config.data.model_copy(update={"sources": (Source(path=str(path.resolve())),)})
    return tables.read_sources(columns.model_copy(update={"data": data}), Path())


def held(config: Config, scorers: Mapping[str, Scorer], book: Book, places: Labels, path: Path) -> Contest:
    """Both scorers' decisions on the same rows, each read by its own declaration of the columns."""
    decided = {}
    for name, scorer in scorers.items():
        raw = read(scorer.config, config, path)
        decisions = scorer.decide(raw.iloc[places])
        decided[name] = Contender(scorer, decisions, fairness.approvals(decisions, config.fairness))
    applicant = config.only("applicant")
    group = split.groups(split.row_keys(book.inputs), book.table[applicant] if applicant else None)
    return Contest(config, book, np.unique(group, return_inverse=True)[1], decided["candidate"], decided["baseline"])


def candidate_figures(contest: Contest, unknown: Unknown) -> Numbers:
    """The candidate's own figures under the names that evaluate gives them, so that the same gates read them."""
    sample = contest.sample(contest.candidate, contest.candidate.cut_off)
    return flat("test", bootstrap(sample, **contest.draw), metrics.why_undefined(sample), unknown)


def compared(contest: Contest, unknown: Unknown) -> Numbers:
    """Candidate minus baseline on the same rows: at the cut-off of each, and with as many approved as the baseline's.

    AUC by DeLong where each row is an applicant of its own, by the bootstrap of applicants otherwise.
    """
    one, other = contest.candidate, contest.baseline
    own = (contest.sample(one, one.cut_off), contest.sample(other, other.cut_off))
    found = paired_difference(*own, **contest.draw)
    independent = len(np.unique(contest.group[contest.scored])) == int(contest.scored.sum())
    if independent:
        rows, confidence = contest.scored, contest.config.evaluation.confidence
        found["auc"] = delong(contest.book.bad[rows], one.pd[rows], other.pd[rows], confidence=confidence)
    why = metrics.why_undefined(own[0]) | metrics.why_undefined(own[1])
    return {
        "differences": flat("comparison.differences", found, why, unknown),
        "auc_interval": "DeLong" if independent else "bootstrap of applicants",
        "equal_approval_rate": at_equal_approvals(contest, unknown),
        "baseline_scored_candidate_not": int((~np.isnan(other.pd) & np.isnan(one.pd)).sum()),
    }


def at_equal_approvals(contest: Contest, unknown: Unknown) -> Numbers:
    """Profit and bad rate, candidate minus baseline, if the candidate approved as many as the baseline does.

    Both cut-offs are set on all rows and stay in the draws. Not known where ties of the PD keep the rates apart.
    """
    path = "comparison.equal_approval_rate"
    second = contest.sample(contest.baseline, contest.baseline.cut_off)
    share = float(metrics.measure(second)["approval_rate"])
    cut_off = equal_cut_off(contest.candidate.pd[contest.scored], share)
    first = contest.sample(contest.candidate, cut_off)
    reached = float(metrics.measure(first)["approval_rate"])
    found = paired_difference(first, second, **contest.draw)
    wanted = {name: found[name] for name in ("profit_per_application", "bad_rate_of_approved")}
    why = metrics.why_undefined(first) | metrics.why_undefined(second)
    if abs(reached - share) > RATES_APART:
        apart = f"ties of the PD allow the candidate {reached:.3f} approved where the baseline approves {share:.3f}"
        wanted = {name: Interval(math.nan, math.nan, math.nan, one.n) for name, one in wanted.items()}
        why = dict.fromkeys(wanted, apart)
    return {"approval_rate": share, "cut_off": cut_off, **flat(path, wanted, why, unknown)}


def equal_cut_off(pd: Matrix, share: float) -> float:
    """The PD below which as near as ties allow to this share of the rows lies."""
    ordered = np.sort(pd)
    above = np.nextafter(ordered[-1], math.inf)
    candidates = np.append(np.unique(ordered), above)
    below = np.searchsorted(ordered, candidates, side="left") / len(ordered)
    return float(candidates[np.abs(below - share).argmin()])


def accuracy(contest: Contest) -> Numbers:
    """Share of the candidate's scored rows that are called right at its cut-off: bads at or above it, goods below."""
    pds = contest.candidate.pd
    rows = ~np.isnan(pds)
    right = (pds[rows] >= contest.candidate.cut_off) == contest.book.bad[rows]
    confidence = contest.config.evaluation.confidence
    return fairness.flat({"accuracy": fairness.rate(right, contest.group[rows], min_n=1, confidence=confidence)})


def cases(contest: Contest) -> Cases:
    return Cases(contest.candidate.approved, contest.candidate.pd, contest.book.bad, contest.group)


def groupings(contest: Contest) -> dict[str, Grouping]:
    """The groups of the declared attributes. Raises DataError for a value that belongs to none."""
    declared = contest.config.fairness.attributes
    return {name: fairness.grouped(name, contest.book.table[name], each) for name, each in declared.items()}


def contrasts(contest: Contest, unknown: Unknown) -> Numbers:
    """The declared contrasts of the candidate's approvals on these rows."""
    settings, confidence = contest.config.fairness, contest.config.evaluation.confidence
    groups, numbers = groupings(contest), {}
    for each in settings.contrasts:
        found = fairness.contrast(
            each, cases(contest), groups[each.attribute], min_n=settings.min_n, confidence=confidence
        )
        for name, figure in found.items():
            if not figure.known:
                unknown[f"fairness.contrasts.{each.name}.{name}"] = figure.why
        numbers[each.name] = fairness.flat(found)
    return numbers


def alike(contest: Contest, unknown: Unknown) -> Numbers:
    """The lowest approval ratio, lowest group over highest, of all declared attributes; not known while one is not."""
    settings, everything = contest.config.fairness, contest.config.evaluation
    groups = groupings(contest)
    # One attribute is picked after seeing all, so each interval is widened to hold for all at once.
    confidence = 1 - (1 - everything.confidence) / max(len(groups), 1)
    found = {
        name: fairness.widest(cases(contest), each, min_n=settings.min_n, confidence=confidence)["ratio"]
        for name, each in groups.items()
    }
    whys = [f"{name}: {one.why}" for name, one in found.items() if not one.known]
    if whys or not found:
        why = "; ".join(whys) or settings.unavailable or "no protected attribute is declared"
        unknown["candidate.fairness"] = why
        return fairness.flat({"fairness": Measure.unknown(len(contest.book.bad), why)}) | {"least_alike": None}
    ends = (min(getattr(one, end) for one in found.values()) for end in ("value", "low", "high", "n"))
    worst = min(found, key=lambda name: found[name].value)
    return fairness.flat({"fairness": Measure(*ends)}) | {"least_alike": worst}


def swap_set(contest: Contest) -> list[Numbers]:
    """Who would be decided otherwise, and how they turned out, with Wilson's interval of the bad rate."""
    new, old = contest.candidate.approved, contest.baseline.approved
    lines = []
    for name, rows in zip(SWAPS, (new & old, new & ~old, ~new & old, ~new & ~old), strict=True):
        confidence = contest.config.evaluation.confidence
        found = fairness.rate(contest.book.bad[rows], contest.group[rows], min_n=1, confidence=confidence)
        line = {"group": name, "rows": int(rows.sum()), "bads": int(contest.book.bad[rows].sum())}
        lines.append(line | fairness.flat({"bad_rate": found}))
    return lines


def asked(config: Config) -> list[Gate]:
    """The config's gates on figures that a test file can answer, and that no candidate drops the hard rows."""
    complete = Gate(
        name="candidate_scores_all",
        measure="comparison.baseline_scored_candidate_not",
        at_most=0,
        exact=True,
        reason="figures of a candidate that leaves hard rows out flatter it",
    )
    return [*(one for one in config.gates if one.measure.startswith(ANSWERED)), complete]


def thresholds(accuracy_threshold: float | None, fairness_threshold: float | None) -> list[Gate]:
    """The caller's own limits as gates."""
    given = (("accuracy", accuracy_threshold), ("fairness", fairness_threshold))
    return [
        Gate(name=name, measure=f"candidate.{name}", at_least=limit, reason=f"--{name}-threshold")
        for name, limit in given
        if limit is not None
    ]


def no_limit() -> Check:
    sentence = (
        "no gate of the config has a measure that begins with comparison., so nothing says how much worse than the "
        "baseline a candidate may be. Declare one, as on comparison.differences.auc."
    )
    return Check(NO_LIMIT, "CANNOT SAY", None, None, None, sentence)


def counts(contest: Contest) -> Numbers:
    return {
        "compared": len(contest.book.bad),
        "bads": int(contest.book.bad.sum()),
        "scored_by_both": int(contest.scored.sum()),
        "applicants": int(contest.group.max(initial=-1)) + 1,
    }


def training_note(name: str, here: bool) -> str:
    if here:
        return f"The {name} was trained on artifacts/inputs: rows that equal one of training or selection are left out."
    return f"Where the {name} was trained is not known here, so rows that it has seen cannot be told from new ones."


def named(path: Path, files: Files) -> str:
    """A file as the record names it: never by a path of this machine."""
    root, whole = files.root.resolve(), path.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path.name


def raise_unless_passed(record: Mapping[str, Any], output: Path) -> None:
    """Raise CheckFailed with every check that blocks."""
    if record["verdict"] == "PASS":
        return
    waived = [one["check"] for one in record["waivers"]]
    blocking = [one for one in record["checks"] if one["verdict"] != "PASS" and one["name"] not in waived]
    lines = [f"{one['verdict']} {one['name']}: {one['sentence']}" for one in blocking]
    answer = f"The candidate may not take the baseline's place. All stands in {output}."
    raise CheckFailed("\n  ".join([answer, *lines]))


def render(record: Mapping[str, Any]) -> RenderableType:
    """The record as tables for people."""
    lines: list[RenderableType] = [
        _table("difference", ("candidate minus baseline", "low", "high"), _differences(record)),
        _table("swap set", ("rows", "bads", "bad rate", "low", "high"), _swaps(record["swap_set"])),
        _checks(record["checks"]),
        *(Text(f"Waived: {one['check']} by {one['person']} until {one['expires']}") for one in record["waivers"]),
        *(Text(note) for note in record["notes"]),
    ]
    if record["not_judged_here"]:
        lines.append(Text(f"Not judged here, but by `credit-risk gate`: {', '.join(record['not_judged_here'])}."))
    verdict = record["verdict"]
    return Group(*lines, Text("The verdict is ") + Text(verdict, style=STYLES[verdict]) + Text("."))


def _differences(record: Mapping[str, Any]) -> Iterable[tuple[str, Sequence[float | None]]]:
    comparison = record["measures"]["comparison"]
    for name in ("auc", "ks", "brier", "approval_rate", "profit_per_application"):
        yield name, [comparison["differences"].get(f"{name}{end}") for end in ("", "_low", "_high")]
    for name in ("profit_per_application", "bad_rate_of_approved"):
        ends = [comparison["equal_approval_rate"].get(f"{name}{end}") for end in ("", "_low", "_high")]
        yield f"{name}, as many approved", ends


def _swaps(lines: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, Sequence[float | None]]]:
    for line in lines:
        yield line["group"], [line[key] for key in ("rows", "bads", "bad_rate", "bad_rate_low", "bad_rate_high")]


def _table(first: str, headings: Sequence[str], lines: Iterable[tuple[str, Sequence[float | None]]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, values in lines:
        table.add_row(name, *map(_number, values))
    return table


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "not known"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _checks(checks: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("check", "verdict", "finding"):
        table.add_column(heading)
    for one in checks:
        table.add_row(one["name"], Text(one["verdict"], style=STYLES[one["verdict"]]), Text(one["sentence"]))
    return table

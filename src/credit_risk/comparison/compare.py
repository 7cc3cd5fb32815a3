"""A candidate against a baseline on the same raw rows, and whether the candidate may replace it.

What is asked of the candidate: the config's gates on what a test file can answer (`test.`, `fairness.contrasts.`),
its gates on the comparison itself (`comparison.`), and the thresholds that a caller gives beside them.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from credit_risk.comparison.figures import (
    Comparison,
    Numbers,
    ScorerDecisions,
    Unknown,
    accuracy,
    candidate_figures,
    compared,
    contrasts,
    counts,
    lowest_approval_ratio,
    swap_set,
)
from credit_risk.config import Config
from credit_risk.config.columns import Source
from credit_risk.config.schema import Gate
from credit_risk.data import digest, split
from credit_risk.data.files import Files, SplitName
from credit_risk.data.reading import tables
from credit_risk.data.repository import opened
from credit_risk.data.split import Labels
from credit_risk.errors import CheckFailed, DataError, ScorerError
from credit_risk.measures import fairness
from credit_risk.measures.verdict import gate, waiver
from credit_risk.measures.verdict.gate import Check
from credit_risk.modelling.accounts import Accounts, modelled, read_inputs
from credit_risk.report.summary import STYLES
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages.gate import read_waivers

ANSWERED = ("test.", "fairness.contrasts.", "comparison.")  # gates of the config that a test file can answer
SEEN: tuple[SplitName, ...] = ("train", "selection")  # splits that the model was fitted or chosen on
OWN_ROWS = "the candidate's test part"
NO_LIMIT = Gate(name="comparison", measure="comparison.differences.auc", reason="a candidate is held against a limit")


def compare(
    config: Config,
    files: Files,
    *,
    candidate: Path,
    baseline: Path,
    test_data: Path | None,
    baseline_root: Path | None = None,
    accuracy_threshold: float | None = None,
    fairness_threshold: float | None = None,
    today: date | None = None,
) -> Numbers:
    """The record of the comparison, verdict first; see `raise_unless_passed` for what blocks.

    test_data: None takes the candidate's own test rows. baseline_root: the repository that made the baseline, whose
    training and selection rows are left out as well.
    A gate of the config can be waived for the candidate as in `gate`; a threshold of the caller cannot.
    Raises DataError if no row is left that no training saw, ScorerError for scorers of another outcome.
    """
    paths = {"candidate": candidate, "baseline": baseline}
    scorers = {name: Scorer.load(path) for name, path in paths.items()}
    refuse_other_outcomes(config, scorers)
    trainers = {"candidate": (config, files), "baseline": opened(baseline_root) if baseline_root else (config, files)}
    known = {name: learned_here(trainers[name][1], path) for name, path in paths.items()}
    if test_data is None and not known["candidate"]:
        raise DataError(f"{candidate} was not trained here, so it has no test rows here. Name --test-data.")
    rows_of, named_data = partial(read, config=config, root=files.root, path=test_data), str(test_data or OWN_ROWS)
    learned = {trainers[name][1].root: trainers[name] for name in known if known[name]}
    accounts, row_index, rows = unseen(config, rows_of, list(learned.values()), named_data)
    if test_data is None:
        kept = np.isin(accounts.keys, split.row_keys(read_inputs(config, files, "test")))
        accounts, row_index = accounts.take(kept), row_index[kept]
    comparison = decisions_of_both(config, scorers, accounts, row_index, rows_of)
    if not comparison.scored.any():
        raise DataError(f"none of the {len(accounts.bad)} rows of {named_data} gets a PD from both scorers.")
    unknown: Unknown = {}
    measures = measured(comparison, unknown)
    gates, _ = gate.applicable(answered(config), scorers["candidate"].model.kind)
    gates = [*gates, *thresholds(accuracy_threshold, fairness_threshold)]
    checks = gate.decide(gates, measures, unknown)
    return judged(config, files, checks, scorers["candidate"].digest, today) | {
        **{name: {"path": named(path, files), "digest": scorers[name].digest} for name, path in paths.items()},
        "data": data_named(config, files, test_data),
        "rows": rows | counts(comparison),
        "notes": [training_note(name, known[name]) for name in known],
        "not_judged_here": sorted(declared.name for declared in config.gates if declared not in gates),
        "measures": measures,
        "swap_set": swap_set(comparison),
        "unknown": unknown,
    }


def measured(comparison: Comparison, unknown: Unknown) -> Numbers:
    """Every figure of the comparison, by the name that gates call it by; `unknown` takes why one is missing."""
    return {
        "test": candidate_figures(comparison, unknown),
        "fairness": {"contrasts": contrasts(comparison, unknown)},
        "comparison": compared(comparison, unknown),
        "candidate": accuracy(comparison) | lowest_approval_ratio(comparison, unknown),
    }


def judged(config: Config, files: Files, checks: list[Check], scorer: str, today: date | None) -> Numbers:
    """The verdict over all checks, less those that are waived for this scorer (by its digest)."""
    if not any(declared.measure.startswith("comparison.") for declared in config.gates):
        checks = [*checks, no_limit()]
    waived = waiver.apply(
        checks,
        read_waivers(files.root, files.waivers),
        gates=[declared.name for declared in config.gates],
        scorer=scorer,
        today=today or datetime.now(UTC).date(),
    )
    let_pass = [waiver_used.check.gate.name for waiver_used in waived]
    return {
        "verdict": gate.overall(checks, let_pass),
        "title": "Candidate against baseline",
        "checks": [check.as_dict() for check in checks],
        "waivers": [waiver_used.waiver.model_dump(mode="json") for waiver_used in waived],
    }


def refuse_other_outcomes(config: Config, scorers: Mapping[str, Scorer]) -> None:
    """Raise ScorerError for a scorer that was fitted to another definition of good and bad."""
    parts = ("definition", "bad", "good", "indeterminate", "performance_window_months")
    for name, scorer in scorers.items():
        differing = [part for part in parts if getattr(scorer.config.outcome, part) != getattr(config.outcome, part)]
        if differing:
            raise ScorerError(
                f"the {name} was fitted to an outcome with another {' and '.join(differing)} than the config's; "
                "what they call bad differs, so they cannot be compared on one file."
            )


def learned_here(files: Files, scorer: Path) -> bool:
    """Whether the scorer holds a model of artifacts/model, whose training rows stand in artifacts/inputs."""
    fitted_here = (files.model / "model.txt", files.model / "scorecard.json")
    pairs = ((scorer / path.name, path) for path in fitted_here)
    same = any(ours.is_file() and its.is_file() and digest.of_file(its) == digest.of_file(ours) for its, ours in pairs)
    return same and files.inputs("train").is_file() and files.inputs("selection").is_file()


def unseen(
    config: Config, rows_of: Callable[[Config], Any], trainers: Sequence[tuple[Config, Files]], data: str
) -> tuple[Accounts, Labels, Numbers]:
    """The rows a model may be measured on, their index in the data, and how many were left out and why.

    Rows that equal one of training or selection are refused where those are known: they would be remembered. Each
    trainer, a config and its repository, knows its own by its own declaration of the columns. Of rows with weights a
    sample of the population is taken.
    """
    accounts = modelled(config, rows_of(config).reset_index(drop=True))
    row_index = np.asarray(accounts.table.index, dtype=np.int64)
    rows: Numbers = {"left_out": dict(accounts.left_out), "stand_in_training": None}
    if trainers:
        new = ~np.isin(row_index, np.concatenate([remembered(*trainer, rows_of) for trainer in trainers]))
        rows["stand_in_training"] = int((~new).sum())
        if not new.any():
            raise DataError(f"every row of {data} equals a row of training or selection. Name another file.")
        accounts = accounts.take(new)
        row_index = row_index[new]
    of_population = accounts.weights.representative(config.evaluation.seed)
    accounts, row_index = accounts.take(of_population), row_index[of_population]
    return accounts, row_index, rows


def remembered(config: Config, files: Files, rows_of: Callable[[Config], Any]) -> Labels:
    """The index of each row of the data that equals one of this repository's training or selection rows.

    The day until which it knew outcomes is no bound here: the data may hold accounts that matured later.
    """
    outcome = config.outcome.model_copy(update={"observed_until": None})
    accounts = modelled(config.model_copy(update={"outcome": outcome}), rows_of(config).reset_index(drop=True))
    seen = [split.row_keys(read_inputs(config, files, part)) for part in SEEN]
    return np.asarray(accounts.table.index, dtype=np.int64)[np.isin(accounts.keys, np.concatenate(seen))]


def read(columns: Config, *, config: Config, root: Path, path: Path | None) -> Any:
    """The file, or the lender's own sources, with the columns that a config, perhaps a scorer's own, declares."""
    sources = config.data.sources if path is None else (Source(path=str(path.resolve())),)
    data = config.data.model_copy(update={"sources": sources})
    return tables.read_sources(columns.model_copy(update={"data": data}), root)


def decisions_of_both(
    config: Config,
    scorers: Mapping[str, Scorer],
    accounts: Accounts,
    row_index: Labels,
    rows_of: Callable[[Config], Any],
) -> Comparison:
    """Both scorers' decisions on the same rows, each read by its own declaration of the columns."""
    both = {}
    for name, scorer in scorers.items():
        decisions = scorer.decide(rows_of(scorer.config).iloc[row_index])
        both[name] = ScorerDecisions(scorer, decisions, fairness.approvals(decisions, config.fairness))
    group = np.unique(accounts.applicants(config), return_inverse=True)[1]
    return Comparison(config, accounts, group, both["candidate"], both["baseline"])


def answered(config: Config) -> list[Gate]:
    """The config's gates on figures that a test file can answer, and that no candidate drops the hard rows."""
    complete = Gate(
        name="candidate_scores_all",
        measure="comparison.baseline_scored_candidate_not",
        at_most=0,
        exact=True,
        reason="figures of a candidate that leaves hard rows out flatter it",
    )
    return [*(declared for declared in config.gates if declared.measure.startswith(ANSWERED)), complete]


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


def data_named(config: Config, files: Files, test_data: Path | None) -> dict[str, str]:
    """What was compared on, by name and digest."""
    if test_data is not None:
        return {"path": named(test_data, files), "sha256": digest.of_file(test_data)}
    own = tables.source_paths(config, files.root)
    return {"path": ", ".join(named(path, files) for path in own), "sha256": digest.of_files(files.root, own)}


def training_note(name: str, here: bool) -> str:
    if here:
        return f"The {name} was trained on artifacts/inputs: rows that equal one of training or selection are left out."
    return f"Where the {name} was trained is not known here, so rows that it has seen cannot be left out."


def named(path: Path, files: Files) -> str:
    """A file as the record names it: never by a path of this machine."""
    root, whole = files.root.resolve(), path.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path.name


def raise_unless_passed(record: Mapping[str, Any], output: Path) -> None:
    """Raise CheckFailed with every check that blocks."""
    if record["verdict"] in gate.LETS_THROUGH:
        return
    waived = [used["check"] for used in record["waivers"]]
    blocking = [check for check in record["checks"] if check["verdict"] != "PASS" and check["name"] not in waived]
    lines = [f"{check['verdict']} {check['name']}: {check['sentence']}" for check in blocking]
    answer = f"The candidate may not take the baseline's place. All stands in {output}."
    raise CheckFailed("\n  ".join([answer, *lines]))


def render(record: Mapping[str, Any]) -> RenderableType:
    """The record as tables for people."""
    lines: list[RenderableType] = [
        _table("difference", ("candidate minus baseline", "low", "high"), _differences(record)),
        _table("swap set", ("rows", "bads", "bad rate", "low", "high"), _swaps(record["swap_set"])),
        _checks(record["checks"]),
        *(Text(f"Waived: {used['check']} by {used['person']} until {used['expires']}") for used in record["waivers"]),
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
    for check in checks:
        verdict = check["verdict"]
        table.add_row(check["name"], Text(verdict, style=STYLES[verdict]), Text(check["sentence"]))
    return table

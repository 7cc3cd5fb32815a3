"""Are groups of applicants decided alike, and is there a model that does it better? (DVC stage `fairness`)"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.config.fairness import Alternatives, Fairness
from credit_risk.data.files import Files, SplitName
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.writing import read_json, read_parquet, write_directory, write_figures
from credit_risk.measures import fairness, proxies
from credit_risk.measures.fairness import Cases, Grouping
from credit_risk.measures.figure import Figure, Figures, flat, flat_names, reported
from credit_risk.modelling import alternatives, evidence, fitting
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.modelling.alternatives import Selection, Training
from credit_risk.modelling.assembly import load_scorers
from credit_risk.scoring import decision
from credit_risk.scoring.decision import Decisions
from credit_risk.scoring.features import Features, FeatureTable
from credit_risk.scoring.model import Boosted
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

LIGHTGBM = Boosted.kind
SEEN: tuple[SplitName, ...] = ("test", "train")
CUT_OFFS = 19  # of the sweep: those that approve 5, 10 … 95 % of the rows
Tables = dict[str, pd.DataFrame]
Numbers = dict[str, Any]


def run(config: Config, files: Files) -> None:
    """Write reports/fairness.json and reports/fairness/*.csv; without protected columns, that and why."""
    alternatives.check_sign_off(config.fairness.alternatives)
    candidate, challenger, _ = load_scorers(config, files).values()
    report: Numbers = {"scorer": candidate.digest, "unavailable": config.fairness.unavailable}
    tables: Tables = {}
    unknown: dict[str, str] = {}
    if config.fairness.unavailable:
        log.info("protected columns are not available: %s", config.fairness.unavailable)
        report["contrasts"] = {}
    else:
        test, train = (ProtectedSplit(config, files, name, candidate) for name in SEEN)
        report |= operating(config, test) | measured(config, test, tables, unknown)
        report |= proxy_figures(config, train, unknown)
        report["alternatives"] = searched(config, files, candidate, challenger, train=train, tables=tables)
    write_directory(files.reports / "fairness", lambda directory: _fill(directory, tables), mark="groups.csv")
    evidence.write(files, "fairness", {**report, "unknown": unknown})


def _fill(directory: Path, tables: Tables) -> None:
    for name, table in tables.items():
        write_figures(directory / f"{name}.csv", table)


@dataclass(frozen=True)
class ProtectedSplit:
    """One split with its protected columns, which no other stage opens, and the model's decisions."""

    config: Config
    files: Files
    name: SplitName
    scorer: Scorer

    @property
    def settings(self) -> Fairness:
        return self.config.fairness

    @cached_property
    def rows(self) -> Mask:
        """The rows that are looked at: all, or of weighed ones a sample of the population."""
        weights = Weights.of(read_parquet(self.files.outcomes(self.name)))
        return weights.representative(self.config.evaluation.seed)

    @cached_property
    def inputs(self) -> Matrix:
        return read_inputs(self.config, self.files, self.name)[self.rows]

    @cached_property
    def features(self) -> FeatureTable:
        return Features.of(self.config).table(self.inputs)

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        return read_parquet(self.files.outcomes(self.name))[self.rows]

    @cached_property
    def bad(self) -> Mask:
        return np.asarray(self.outcomes["bad"].to_numpy(), dtype=bool)

    @cached_property
    def groupings(self) -> dict[str, Grouping]:
        """The groups of each attribute. Raises DataError for a value that belongs to none."""
        protected = read_parquet(self.files.protected(self.name), columns=list(self.settings.attributes))[self.rows]
        values = {
            str(name): ages(cells, self.outcomes["date"]) if cells.dtype.kind == "M" else cells
            for name, cells in protected.items()
        }
        return {name: fairness.grouped(name, values[name], each) for name, each in self.settings.attributes.items()}

    @cached_property
    def decisions(self) -> Decisions:
        return self.scorer.decide_inputs(self.inputs, features=self.features)

    @cached_property
    def cases(self) -> Cases:
        applicant, _ = pd.factorize(self.outcomes["group"])
        return Cases(fairness.approvals(self.decisions, self.settings), self.decisions.pd, self.bad, applicant)


def ages(born: pd.Series, applied: pd.Series) -> pd.Series:
    """Dates of birth as ages in whole years on the day of application, which bands are written for; row by row."""
    day = pd.Series(applied.to_numpy(), index=born.index)
    before_birthday = (day.dt.month * 100 + day.dt.day) < (born.dt.month * 100 + born.dt.day)
    years: pd.Series = (day.dt.year - born.dt.year - before_birthday).astype(np.float64)
    return years


def operating(config: Config, test: ProtectedSplit) -> Numbers:
    """What was measured and how: the cut-off in force, what a referral counts as, and the rows."""
    return {
        "operating": {
            "cut_off": decision.cut_off(config.policy),
            "refer_within": config.policy.refer_within,
            "refer_counts_as": config.fairness.refer_counts_as,
            "approval_rate": float(test.cases.approved.mean()),
            "referred": float((test.decisions.outcome == decision.REFER).mean()),
            "min_n": config.fairness.min_n,
            "confidence": config.evaluation.confidence,
        },
        "rows": {"test": len(test.cases), "test_scored": int((~np.isnan(test.cases.pd)).sum())},
    }


def measured(config: Config, test: ProtectedSplit, tables: Tables, unknown: dict[str, str]) -> Numbers:
    """Groups, declared contrasts, intersections and the sweep; tables are filled, reasons go to `unknown`."""
    settings, cases, groupings = config.fairness, test.cases, test.groupings
    how: dict[str, Any] = {"min_n": settings.min_n, "confidence": config.evaluation.confidence}
    groups = {name: fairness.by_group(cases, each, **how) for name, each in groupings.items()}
    tables["groups"] = _group_table(groups)
    crossings = [fairness.crossed(*(groupings[name] for name in pair)) for pair in settings.intersections]
    tables["intersections"] = pd.concat([pd.DataFrame(), *(_crossing(cases, each, how) for each in crossings)])
    # So much beside the cut-off do approvals end, if a referral counts for one side.
    beside = config.policy.refer_within * (1 if settings.refer_counts_as == "decline" else -1)
    grid = np.clip(np.nanquantile(cases.pd, np.linspace(0, 1, CUT_OFFS + 2)[1:-1]) + beside, 0, 1)
    approved = {
        float(cut_off): fairness.approvals_at(float(cut_off), test.decisions, config.policy, settings)
        for cut_off in np.unique([*grid, decision.cut_off(config.policy)])
    }
    tables["sweep"] = fairness.sweep(approved, cases, groupings, settings.contrasts, **how)
    return {
        "attributes": {
            name: {
                **reported(f"attributes.{name}", fairness.widest(cases, groupings[name], **how), unknown),
                "groups": {
                    group: reported(f"attributes.{name}.groups.{group}", figures, unknown)
                    | {"rows": figures["approval_rate"].n}
                    for group, figures in of_groups.items()
                },
            }
            for name, of_groups in groups.items()
        },
        "contrasts": {
            each.name: {
                **each.model_dump(exclude={"name"}),
                "rows": int(groupings[each.attribute].rows(each.group).sum()),
                "reference_rows": int(groupings[each.attribute].rows(each.reference).sum()),
                **reported(
                    f"contrasts.{each.name}", fairness.contrast(each, cases, groupings[each.attribute], **how), unknown
                ),
            }
            for each in settings.contrasts
        },
    }


def _group_table(groups: Mapping[str, Mapping[str, Figures]]) -> pd.DataFrame:
    lines = [
        {"attribute": name, "group": group, "rows": figures["approval_rate"].n, **flat(figures),
         "not_measured": "; ".join(f"{which}: {figure.why}" for which, figure in figures.items() if not figure.known)}
        for name, of_groups in groups.items()
        for group, figures in of_groups.items()
    ]  # fmt: skip
    names = ["attribute", "group", "rows", *flat_names(fairness.MEASURES), "not_measured"]
    return pd.DataFrame(lines, columns=names)


def _crossing(cases: Cases, grouping: Grouping, how: Mapping[str, Any]) -> pd.DataFrame:
    """Approvals of every intersection; the ratio is to the one approved most often, its interval good for all pairs."""
    compared = fairness.against_highest(cases, grouping, **how)
    lines = []
    for name in grouping.names:
        here = cases.take(grouping.rows(name))
        rate = fairness.rate(here.approved, here.applicant, **how)
        ratio = compared[name]["ratio"] if name in compared else Figure.unknown(rate.n, "none")
        assessed = "assessed" if rate.known else f"not assessed: {rate.why}"
        line = {"attributes": grouping.attribute, "group": name, "rows": rate.n, "assessed": assessed}
        lines.append(line | flat({"approval_rate": rate, "ratio": ratio}))
    return pd.DataFrame(lines)


def proxy_figures(config: Config, train: ProtectedSplit, unknown: dict[str, str]) -> Numbers:
    """How well what an application carries tells guarded groups from others, on training rows (see `guarded_groups`).

    Asked of every input too, not of features alone: a policy rule may read one that the model never sees. The largest
    of them is for one gate over all, so the intervals hold for all at once.
    """
    columns, pairs = train.features.columns, guarded_groups(config, train, unknown)
    unordered = frozenset(name for name in columns if fitting.is_plain(config, name))
    confidence = 1 - (1 - config.evaluation.confidence) / max(len(pairs), 1)
    by_group = {}
    for name, (member, others) in pairs.items():
        log.info("how well an application tells: %s", name)
        rows = np.flatnonzero(member | others)
        applicant, _ = pd.factorize(train.outcomes["group"].to_numpy()[rows])
        seen = {column: values[rows] for column, values in columns.items()}
        group_and_rest = proxies.GroupAndRest(seen, unordered, member[rows], applicant)
        by_group[name] = proxies.measure(
            group_and_rest, min_n=config.fairness.min_n, confidence=confidence, seed=config.evaluation.seed
        )
    largest, most = proxies.largest(by_group)
    return {
        "proxies": {
            name: {"feature": figures.feature}
            | reported(f"proxies.{name}", {"auc": figures.auc, "strongest": figures.strongest}, unknown)
            for name, figures in by_group.items()
        },
        "proxy_largest": {"contrast": largest} | reported("proxy_largest", {"auc": most}, unknown),
    }


def guarded_groups(config: Config, train: ProtectedSplit, unknown: dict[str, str]) -> dict[str, tuple[Mask, Mask]]:
    """Members and others by name: each declared contrast, and the groups of each guarded column that none compares."""
    contrasts, min_n, of = config.fairness.contrasts, config.fairness.min_n, train.groupings
    pairs = {it.name: (of[it.attribute].rows(it.group), of[it.attribute].rows(it.reference)) for it in contrasts}
    for column in sorted(set(config.named(*GUARDED_ROLES)) - {each.attribute for each in contrasts}):
        cells = read_parquet(train.files.protected(train.name), columns=[column])[column][train.rows]
        groups = proxies.groups_of(cells, min_n=min_n)
        if not groups:
            unknown[f"proxies.{column}"] = f"no group of it and of the others has the {min_n} rows of fairness.min_n"
        pairs |= {f"{column}: {group}": (member, ~member) for group, member in groups.items()}
    return pairs


def searched(
    config: Config, files: Files, candidate: Scorer, challenger: Scorer, *, train: ProtectedSplit, tables: Tables
) -> Numbers:
    """The search for less discriminatory alternatives on the selection rows; it reports, and changes nothing.

    Variants are LightGBM's, whatever the candidate's kind. A LightGBM candidate is fitted once more beside them, on as
    many rows as they get; a scorecard stands there as it is.
    """
    settings = config.fairness
    facts: Numbers = settings.alternatives.model_dump() | {"searched": False, "admissible": [], "chosen": None}
    if settings.alternatives.mode == "off":
        return facts | {"sentence": "The search for less discriminatory alternatives is switched off."}
    selection, left_out = _selection(config, ProtectedSplit(config, files, "selection", candidate))
    facts |= {"contrasts": [each.name for each in selection.contrasts], "contrasts_left_out": left_out}
    if not selection.contrasts:
        why = "no declared contrast has two groups that are large enough among the selection rows"
        return facts | {"sentence": f"Alternatives were not searched for: {why}."}
    training = Training(train.features.matrix, train.bad, train.groupings)
    frontier = alternatives.search(
        config,
        settings,
        training,
        selection,
        {challenger.model.kind: challenger.model.margin(selection.matrix)},
        model=None if candidate.model.kind == LIGHTGBM else candidate.model.margin(selection.matrix),
        trees=int(read_json(files.model / "training.json")["trees"]),
        progress=log.info,
    )
    tables["frontier"] = frontier
    chosen = frontier[frontier["chosen"]]
    return facts | {
        "searched": True,
        "rows": {"training": min(len(train.bad), alternatives.TRAINING_ROWS), "selection": len(selection.cases)},
        "candidates": len(frontier) - 1,
        "admissible": frontier["candidate"][frontier["admissible"]].tolist(),
        "chosen": None if chosen.empty else str(chosen["candidate"].iloc[0]),
        "sentence": sentence(frontier, config, candidate.model.kind, rows=len(selection.cases)),
    }


def _selection(config: Config, part: ProtectedSplit) -> tuple[Selection, dict[str, str]]:
    """The rows that judge, and the contrasts they are too few for, with the reason."""
    made = part.decisions
    decided = (made.rule != decision.NO_RULE) | np.isnan(made.pd) | (made.outcome == decision.REFUSED)
    matrix = part.features.matrix
    every = Selection(matrix, part.cases, decided, part.groupings, config.fairness.contrasts)
    kept = alternatives.assessable(every, min_n=config.fairness.min_n)
    left_out = {
        each.name: "; ".join(
            f"{name}: {fairness.too_few(rows, config.fairness.min_n)}"
            for name in (each.group, each.reference)
            if (rows := int(part.groupings[each.attribute].rows(name).sum())) < config.fairness.min_n
        )
        for each in config.fairness.contrasts
        if each not in kept
    }
    return Selection(matrix, part.cases, decided, part.groupings, kept), left_out


def sentence(frontier: pd.DataFrame, config: Config, kind: str, *, rows: int) -> str:
    """What the search found, and what somebody would have to do about it."""
    settings = config.fairness.alternatives
    admissible = frontier[frontier["admissible"]]
    tried = f"{len(frontier) - 1} alternatives were judged on the selection rows"
    if admissible.empty:
        contrast, loss = frontier["worst_contrast"].iloc[0], f"a loss of at most {settings.most_auc_lost:g} AUC"
        open_ = frontier[~frontier["kind"].isin(["model", "reduction"]) & (frontier["gain_high"] > 0)]
        open_ = open_[open_["auc_lost_low"] <= settings.most_auc_lost]
        if open_.empty:
            return (
                f"{tried}; none that could be adopted is less uneven in the contrast {contrast} at {loss}, whatever "
                f"chance allows.{_bound(frontier, settings)}"
            )
        return (
            f"CANNOT SAY. {tried}; of {len(open_)} that could be adopted chance leaves open whether they are less "
            f"uneven in the contrast {contrast} at {loss}.{_settled(open_, rows)}{_bound(frontier, settings)}"
        )
    best = admissible.loc[[admissible["evenness"].idxmax()]].to_dict("records")[0]
    finding = (
        f"{tried}; {len(admissible)} could be adopted and are clearly less uneven. The least uneven is "
        f"“{best['candidate']}”: {best['evenness']:.3f} against {frontier['evenness'].iloc[0]:.3f}, "
        f"for {best['auc_lost']:.4f} AUC. To adopt it, {adoption(best, kind)}, and run the pipeline again."
    )
    if settings.mode == "select":
        return f"{finding} It is chosen under the sign-off of {settings.sign_off}; nothing was changed by this choice."
    return f"{finding} Nothing was chosen: the mode is report."


def _settled(undecided: pd.DataFrame, rows: int) -> str:
    """How many selection rows would show the largest observed gain to be one, if it stays; intervals shrink by root."""
    best = undecided.loc[[undecided["gain"].idxmax()]].to_dict("records")[0] if undecided["gain"].notna().any() else {}
    if not best or best["gain"] <= 0:
        return ""
    needed = rows * ((best["gain"] - best["gain_low"]) / best["gain"]) ** 2
    return (
        f" “{best['candidate']}” gains most; about {needed:,.0f} selection rows in the place of {rows:,} would show it."
    )


def _bound(frontier: pd.DataFrame, settings: Alternatives) -> str:
    """What the best reduction reaches at the loss allowed, which says whether looking further is worth it."""
    fairer = (frontier["kind"] == "reduction") & (frontier["evenness"] > frontier["evenness"].iloc[0])
    reached = frontier[fairer & (frontier["auc_lost"] <= settings.most_auc_lost)]
    if reached.empty:
        return ""
    best = reached.loc[[reached["evenness"].idxmax()]].to_dict("records")[0]
    return (
        " A reduction, which reads the groups while it is fitted and so is no proposal, reaches "
        f"{best['evenness']:.3f} against {frontier['evenness'].iloc[0]:.3f} "
        f"for {best['auc_lost']:.4f} AUC: a fairer model may exist."
    )


def adoption(candidate: Mapping[Any, Any], kind: str) -> str:
    """What a person would change to adopt an alternative, if models of this kind are the candidate now."""
    if candidate["kind"] == "challenger":
        return f"set model.candidate: {candidate['candidate']} in configs/credit.yaml"
    first = "" if kind == LIGHTGBM else f"set model.candidate: {LIGHTGBM} in configs/credit.yaml, "
    if candidate["kind"] == "constraint":
        changes = alternatives.CONSTRAINTS[candidate["candidate"]]
        return (
            f"{first}set "
            + ", ".join(f"{name}: {value:g}" for name, value in changes.items())
            + " in configs/model.yaml"
        )
    return f"{first}take {candidate['dropped'].replace(' ', ', ')} out of the model's features in configs/credit.yaml"

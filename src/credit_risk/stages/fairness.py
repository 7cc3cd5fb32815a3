"""Are groups of applicants decided alike, and is there a model that does it better? (DVC stage `fairness`)"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.alternatives import findings, search  # part: alternatives
from credit_risk.config import Config
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.data.files import Files, SplitName
from credit_risk.data.inputs import Mask
from credit_risk.data.writing import read_parquet, write_directory, write_figures
from credit_risk.measures import fairness, proxies
from credit_risk.measures.fairness import Cases, Grouping
from credit_risk.measures.figure import Figure, Figures, flat, flat_names, reported
from credit_risk.modelling import evidence, fitting
from credit_risk.modelling.assembly import load_scorers
from credit_risk.modelling.protected_split import ProtectedSplit
from credit_risk.scoring import decision
from credit_risk.scoring.model import Boosted

log = logging.getLogger(__name__)

LIGHTGBM = Boosted.kind
SEEN: tuple[SplitName, ...] = ("test", "train")
CUT_OFFS = 19  # of the sweep: those that approve 5, 10 … 95 % of the rows
Tables = dict[str, pd.DataFrame]
Numbers = dict[str, Any]


def run(config: Config, files: Files) -> None:
    """Write reports/fairness.json and reports/fairness/*.csv; without protected columns, that and why."""
    search.check_sign_off(config.fairness.alternatives)  # part: alternatives
    scorers = list(load_scorers(config, files).values())
    candidate = scorers[0]
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
        report["alternatives"] = findings.searched(train, scorers[1], tables)  # part: alternatives
    write_directory(files.reports / "fairness", lambda directory: _fill(directory, tables), mark="groups.csv")
    evidence.write(files, "fairness", {**report, "unknown": unknown})


def _fill(directory: Path, tables: Tables) -> None:
    for name, table in tables.items():
        write_figures(directory / f"{name}.csv", table)


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

"""What the search for less discriminatory alternatives finds for a candidate, and what somebody would have to do."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.alternatives import search
from credit_risk.alternatives.search import Selection, Training
from credit_risk.config import Config
from credit_risk.config.fairness import Alternatives
from credit_risk.data.writing import read_json
from credit_risk.measures import fairness
from credit_risk.modelling.protected_split import ProtectedSplit
from credit_risk.scoring import decision
from credit_risk.scoring.model import Boosted
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

LIGHTGBM = Boosted.kind


def searched(train: ProtectedSplit, challenger: Scorer, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """The search for less discriminatory alternatives on the selection rows; it reports, and changes nothing.

    train: the training rows, as the candidate decides them; tables: takes the table `frontier`.
    Variants are LightGBM's, whatever the candidate's kind. A LightGBM candidate is fitted once more beside them, on as
    many rows as they get; a scorecard stands there as it is.
    """
    config, files, candidate = train.config, train.files, train.scorer
    settings = config.fairness
    declared = settings.alternatives or search.OFF
    facts: dict[str, Any] = declared.model_dump() | {"searched": False, "admissible": [], "chosen": None}
    if declared.mode == "off":
        return facts | {"sentence": "The search for less discriminatory alternatives is switched off."}
    selection, small = _selection(config, ProtectedSplit(config, files, "selection", candidate))
    left_out = {
        name: "; ".join(f"{group}: {fairness.too_few(rows, settings.min_n)}" for group, rows in groups.items())
        for name, groups in small.items()
    }
    facts |= {"contrasts": [each.name for each in selection.contrasts], "contrasts_left_out": left_out}
    if not selection.contrasts:
        return facts | {"sentence": not_searched(small, settings.min_n)}
    training = Training(train.features.matrix, train.bad, train.groupings)
    frontier = search.search(
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
        "rows": {"training": min(len(train.bad), search.TRAINING_ROWS), "selection": len(selection.cases)},
        "candidates": len(frontier) - 1,
        "admissible": frontier["candidate"][frontier["admissible"]].tolist(),
        "chosen": None if chosen.empty else str(chosen["candidate"].iloc[0]),
        "sentence": sentence(frontier, declared, candidate.model.kind, rows=len(selection.cases)),
    }


def _selection(config: Config, part: ProtectedSplit) -> tuple[Selection, dict[str, dict[str, int]]]:
    """The rows that judge, and the contrasts they are too few for: the rows that there are of each small group."""
    made = part.decisions
    decided = (made.rule != decision.NO_RULE) | np.isnan(made.pd) | (made.outcome == decision.REFUSED)
    matrix = part.features.matrix
    every = Selection(matrix, part.cases, decided, part.groupings, config.fairness.contrasts)
    kept = search.assessable(every, min_n=config.fairness.min_n)
    small = {
        each.name: {
            name: rows
            for name in (each.group, each.reference)
            if (rows := int(part.groupings[each.attribute].rows(name).sum())) < config.fairness.min_n
        }
        for each in config.fairness.contrasts
        if each not in kept
    }
    return Selection(matrix, part.cases, decided, part.groupings, kept), small


def not_searched(small: Mapping[str, Mapping[str, int]], min_n: int) -> str:
    """Why nothing was searched for, and how many more selection rows of each small group a contrast needs.

    small: by contrast, the rows of each of its groups that has fewer than `min_n`.
    """
    if not small:
        return (
            "CANNOT SAY. Alternatives were not searched for: fairness.contrasts declares no contrast to judge them by."
        )
    needs = (
        f"{contrast} needs " + " and ".join(f"{min_n - rows:,} more of {group}" for group, rows in groups.items())
        for contrast, groups in small.items()
    )
    return (
        f"CANNOT SAY. Alternatives were not searched for: no declared contrast has {min_n:,} selection rows "
        f"(fairness.min_n) in each of its groups; {', '.join(needs)}."
    )


def sentence(frontier: pd.DataFrame, settings: Alternatives, kind: str, *, rows: int) -> str:
    """What the search found, and what somebody would have to do about it."""
    admissible = frontier[frontier["admissible"]]
    tried = f"{len(frontier) - 1} alternatives were judged on the selection rows"
    if admissible.empty:
        contrast, loss = frontier["worst_contrast"].iloc[0], f"a loss of at most {settings.most_auc_lost:g} AUC"
        adoptable = frontier[~frontier["kind"].isin(["model", "reduction"])]
        if len(adoptable) and adoptable["gain"].isna().all():
            nobody = f"in a group of the contrast {contrast} the model, or each of them, approves nobody"
            return f"CANNOT SAY. {tried}; {nobody}, so there is no ratio to compare."
        open_ = adoptable[adoptable["gain"].isna() | (adoptable["gain_high"] > 0)]
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
        changes = search.CONSTRAINTS[candidate["candidate"]]
        return (
            f"{first}set "
            + ", ".join(f"{name}: {value:g}" for name, value in changes.items())
            + " in configs/model.yaml"
        )
    return f"{first}take {candidate['dropped'].replace(' ', ', ')} out of the model's features in configs/credit.yaml"

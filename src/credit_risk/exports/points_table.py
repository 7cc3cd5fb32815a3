"""The card as a table of whole points: CSV for machines, HTML for people."""

from collections.abc import Mapping

import pandas as pd

from credit_risk.exports.card import Card
from credit_risk.report.artefacts import Cells, cells
from credit_risk.report.templates import template


def points_table(card: Card) -> pd.DataFrame:
    """Feature, bin, points and whole points; the base first."""
    return card.exact.table(card.config)


def page(card: Card, cost: Mapping[str, float]) -> str:
    """The table with what the points decide and what rounding them costs; equal cards give an equal page."""
    return template("exports").render(
        title=card.config.project.title,
        digest=card.original.digest,
        decides=decides(card),
        cost=costs(cost),
        tables={"points": _points(points_table(card)), "reasons": _reasons(card)},
    )


def decides(card: Card) -> str:
    """Which sums of points are declined, referred and approved, in words."""
    limits, totals = card.thresholds, card.totals
    between = f", {limits.decline + 1} to {limits.refer} go to a person" if limits.refer > limits.decline else ""
    return (
        f"Sums lie between {totals[0]} and {totals[-1]}. {limits.decline} points or fewer are declined{between}, "
        f"{limits.refer + 1} or more are approved; rules, exclusions and faults of the application come before."
    )


def costs(cost: Mapping[str, float]) -> str:
    """What rounding costs, in words. cost: see Card.cost."""
    return (
        f"What rounding costs, on {cost['rows']:,.0f} test rows: no score moves by more than "
        f"{cost['largest_change_of_score']:.2f} points, {cost['share_decided_otherwise']:.2%} are decided otherwise, "
        f"and {cost['share_with_another_first_reason']:.2%} of the declines have another first reason."
    )


def _points(table: pd.DataFrame) -> Cells:
    rows = [(name, its_bin, whole, f"{exact:.2f}") for name, its_bin, exact, whole in table.itertuples(index=False)]
    return cells(("Characteristic", "Bin", "Points", "Before rounding"), rows, "", texts=2)


def _reasons(card: Card) -> Cells:
    lost = dict(zip(card.config.features, card.mean, strict=True))
    rows = [
        (family.id, "; ".join(text for text, _ in card.config.reasons.wordings(family).values()), name, lost[name])
        for family in card.config.reasons.families
        for name in family.features
        if name in card.features
    ]
    return cells(("Family", "Text", "Characteristic", "Lost by the population"), rows, "", texts=3)

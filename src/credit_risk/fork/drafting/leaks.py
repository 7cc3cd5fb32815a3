"""Columns that know too much: written after the outcome, or by which a protected group can be guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from pandas import Series

from credit_risk.data.inputs import Mask, Matrix
from credit_risk.fork.drafting.names import AFTERWARDS, parts
from credit_risk.fork.drafting.profile import FEW_VALUES, UNREAD, Profile, as_numbers
from credit_risk.fork.reading import cells
from credit_risk.measures import leak

NEARLY_PERFECT = 0.9  # Gini of one column alone; honest columns of one lender reach 0.6
MARKED = 0.05  # share of the bads that one end of a column makes sure of (see measures.leak)
TELLS = 0.7  # Gini at which a column alone tells a protected group: an AUC of 0.85
CONFIDENCE = 0.95


def against_leaks(profile: Profile, inputs: Mapping[str, Matrix], bad: Mask, known: Mask) -> Profile:
    """A feature that alone knows nearly all was probably written after the outcome: it is left out, and says so.

    One that the owner named stays a feature, with what speaks against it as a note.
    """
    if profile.role != "feature":
        return profile
    values, outcome = inputs[profile.name][known], bad[known]
    if profile.kind == "category":
        values = leak.bad_rates(values, outcome, values)
    gini = leak.gini_alone(values, outcome)
    marks = leak.marked(values, outcome, confidence=CONFIDENCE)
    why = None
    if gini >= NEARLY_PERFECT:
        why = f"alone it ranks with a Gini of {gini:.2f}: known only after the outcome?"
    elif marks > MARKED:
        why = f"one end of it makes sure of {marks:.0%} of the bads: known only after the outcome?"
    if why:
        noted = replace(profile, gini=gini, notes=(*profile.notes, why))
        return noted if profile.named else replace(profile, role="ignore", gini=gini, why=why, suspected=True)
    if parts(profile.name) & AFTERWARDS:
        note = "its name speaks of after the outcome: is it known on the day of application?"
        return replace(profile, gini=gini, notes=(*profile.notes, note))
    return replace(profile, gini=gini)


def with_proxies(
    profile: Profile, inputs: Mapping[str, Matrix], drafts: Sequence[Profile], columns: Mapping[str, Series]
) -> Profile:
    """A feature by which alone a protected group can be guessed is kept from the model too, unless the owner named it.

    How well is noted for every proxy, and for a feature from half of that on.
    """
    if profile.role not in ("feature", "proxy") or profile.kind in ("text", *UNREAD):
        return profile
    values = inputs.get(profile.name, as_numbers(columns[profile.name], profile))
    strongest, ground = 0.0, ""
    for guarded in (draft for draft in drafts if draft.role == "protected"):
        for member in _groups(guarded, columns[guarded.name]):
            ranked = leak.bad_rates(values, member, values) if profile.kind == "category" else values
            strongest, ground = max((strongest, ground), (leak.gini_alone(ranked, member), guarded.name))
    if not ground:
        return profile
    why = f"alone it tells {ground} with a Gini of {strongest:.2f}"
    if profile.role == "proxy":
        return replace(profile, why=f"{profile.why}; {why}")
    if strongest >= TELLS and not profile.named:
        return replace(profile, role="proxy", why=why)
    return replace(profile, notes=(*profile.notes, why)) if strongest >= TELLS / 2 else profile


def _groups(guarded: Profile, column: Series) -> list[Mask]:
    """The larger groups of a protected column, or its upper half where it is a number."""
    if guarded.kind in ("number", "integer") and len(guarded.groups) > FEW_VALUES:
        values = cells.numbers_of(column)
        return [np.asarray(values > np.nanmedian(values))]
    frequent = [word for word, count in guarded.groups.items() if count >= 0.05 * len(column)]
    return [column.eq(word).to_numpy(dtype=np.bool_, na_value=False) for word in frequent[:10]]

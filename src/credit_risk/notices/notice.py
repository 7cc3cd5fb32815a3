"""A notice of adverse action as facts: of a decline alone, with the reasons that stand on record for it.

A referral is no adverse action and gets none. Principal reasons are those of the decision; the score's key factors are
its own, found anew: up to so many, whatever their weight, where the decision's are the principal ones alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from credit_risk.data.inputs import Inputs
from credit_risk.errors import CheckFailed
from credit_risk.ledger.entry import StoredDecision
from credit_risk.notices.settings import Notices, NoticeWording
from credit_risk.scoring.features import Features
from credit_risk.scoring.reasons import Explainer
from credit_risk.scoring.scorer import Scorer


class NoNotice(CheckFailed, ValueError):
    """A decision cannot be notified: no decline, erased, without a reason, or in a language that lacks a text."""


@dataclass(frozen=True)
class Notice:
    """The answer to one applicant, in one language. factors: of the score; none where it is not disclosed."""

    reference: str
    language: str
    title: str
    opening: str
    reasons_heading: str
    reasons: tuple[str, ...]
    ecoa: str
    score_heading: str
    score: str
    factors_heading: str
    factors: tuple[str, ...]
    appeal: str
    send_by: date
    appeal_by: date


def of_decision(record: StoredDecision, settings: Notices, language: str, factors: Sequence[str] | None) -> Notice:
    """The notice of a decline. Raises NoNotice for anything else. factors: of the score; None if not known."""
    if record.decision != "decline":
        raise NoNotice(f"{record.decision_id} is a {record.decision}: only a decline is an adverse action.")
    if record.erased or record.decided is None:
        raise NoNotice(f"{record.decision_id} was erased: nobody is there to be notified.")
    reasons = [str(reason["text"]) for reason in record.decided.get("reasons", ())]
    if not reasons:
        raise NoNotice(f"{record.decision_id} has no reason on record, and a notice without one is none.")
    if settings.score.enabled and factors is None:
        raise NoNotice("its scorer is not here (--scorer), so nobody can name the score's key factors.")
    wording = _wording(settings, language)
    decided_on = record.at.date()
    appeal_by = decided_on + timedelta(days=settings.deadlines.appeal_days)
    sender, score = settings.sender, record.decided.get("score")
    disclosed = settings.score.enabled and score is not None
    fields = {
        "lender": sender.lender,
        "address": sender.address,
        "agency": sender.agency,
        "decided_on": decided_on.isoformat(),
        "days": settings.deadlines.appeal_days,
        "low": f"{settings.score.low:.0f}",
        "high": f"{settings.score.high:.0f}",
        "score": f"{score:.0f}" if disclosed else "",
        "reference": record.decision_id,
    }
    return Notice(
        reference=record.decision_id,
        language=language,
        title=wording.title.format(**fields),
        opening=wording.opening.format(**fields),
        reasons_heading=wording.reasons_heading.format(**fields),
        reasons=tuple(_in_language(text, wording, settings, language) for text in reasons),
        ecoa=wording.ecoa.format(**fields),
        score_heading=wording.score_heading.format(**fields) if disclosed else "",
        score=wording.score.format(**fields) if disclosed else "",
        factors_heading=wording.factors_heading.format(**fields) if disclosed else "",
        factors=tuple(_in_language(text, wording, settings, language) for text in factors or ()) if disclosed else (),
        appeal=wording.appeal.format(**fields),
        send_by=decided_on + timedelta(days=settings.deadlines.notice_days),
        appeal_by=appeal_by,
    )


def _wording(settings: Notices, language: str) -> NoticeWording:
    if language not in settings.languages:
        raise NoNotice(f"there is no wording in {language!r}; known: {', '.join(settings.languages)}.")
    return settings.languages[language]


def _in_language(text: str, wording: NoticeWording, settings: Notices, language: str) -> str:
    """A text as it reads in a language; decisions of the past may cite one that is no longer translated."""
    if language == settings.own:
        return text
    translated = (wording.reasons or {}).get(text)
    if translated is None:
        raise NoNotice(f"{text!r} has no wording in {language!r}: add it to configs/notices.yaml.")
    return translated


def key_factors(scorer: Scorer, applications: Sequence[Mapping[str, Any]], count: int) -> list[tuple[str, ...]]:
    """The texts of what lowered each score most, at most so many, all that is true of the applicant counted."""
    settings = scorer.config.reasons.model_copy(update={"least": 0.0, "count": count})
    explainer: Explainer = replace(scorer.explainer, settings=settings)
    inputs = Inputs.of(scorer.config)
    features = Features.of(scorer.config).table(np.vstack([inputs.single_row(each) for each in applications]))
    explanations = explainer.explain(
        features.matrix, explainer.truth_of(features.columns, np.arange(len(applications)))
    )
    return [tuple(reason.text for reason in explanation.reasons) for explanation in explanations.rows()]

"""What only a person can decide, and the mark that stands in a config where nobody has: `???` blocks everything."""

from dataclasses import dataclass

OPEN = "???"


@dataclass(frozen=True)
class OpenDecision:
    """One value of the config that no data can show. flag: the option that gives it when a config is drafted."""

    path: str
    asks: str
    flag: str


DECISIONS = (
    OpenDecision(
        "project.legal_basis", "by what right the applicants' data are used, and who says so", "--legal-basis"
    ),
    OpenDecision(
        "outcome.definition", "what a bad account is, as in 90 days late within twelve months", "--definition"
    ),
    OpenDecision("outcome.favourable", "what an applicant gets who is approved", "--favourable"),
    OpenDecision("outcome.performance_window_months", "after how many months the outcome is known", "--window"),
    OpenDecision(
        "outcome.population", "whose outcomes these are: booked (accepted accounts) or all applicants", "--population"
    ),
    OpenDecision("policy.margin", "what a good account earns, as a share of the exposure", "--margin"),
    OpenDecision("policy.lgd", "what a bad account loses, as a share of the exposure", "--lgd"),
    OpenDecision("policy.cost", "what it costs to open any account, as a share of the exposure", "--cost"),
    OpenDecision(
        "fairness.unavailable", "why there is no protected column, in words for a regulator", "--no-protected"
    ),
)

_ASKS = {decision.path: decision.asks for decision in DECISIONS}


_ASKS_OF_KEY = {  # of the key itself, or of the one it stands under
    "observed_until": "the last day on which outcomes were looked up, as 2026-01-31",
    "why": "whether the column's role is right, and why; the comment says what speaks for it",
    "text": "what this code under `special` says of an applicant; if it is an amount take it out of both",
    "true_when": "of whom the text is true, as a formula over the application: times_late > 0 (docs/explain.md)",
}


def question(path: str) -> str:
    """What has to be decided at a key of the config, as the sentence that refuses it."""
    parents, _, key = path.rpartition(".")
    asks = _ASKS.get(path) or _ASKS_OF_KEY.get(key) or _ASKS_OF_KEY.get(parents.rpartition(".")[2])
    asks = asks or "a person has to say this"
    return f"not decided yet: {asks}. Write the answer in the place of {OPEN}, a number without quotes"


def trial_notice(suggested: tuple[str, ...]) -> str:
    """What every report says of a config with values that no person has decided; empty without any."""
    if not suggested:
        return ""
    return (
        f"TRIAL: nobody has decided {', '.join(suggested)}; a program suggested what stands there, and nothing that "
        "rests on it may decide about anybody."
    )

"""What `credit-risk gate` says in a terminal."""

from credit_risk.comparison import command

CHECKS = [
    {"name": "auc", "verdict": "PASS", "sentence": "AUC is 0.8."},
    {"name": "level", "verdict": "FAIL", "sentence": "It is off."},
]
RECORD = {"verdict": "FAIL", "checks": CHECKS, "waivers": [], "recommended": "models/scorer"}
UNJUDGED = {"not_judged": [{"contrast": "under_25", "sentence": "s"}, {"contrast": "women", "sentence": "s"}]}


def test_it_counts_what_passes_and_names_what_does_not_and_which_contrasts_nobody_judges():
    assert command._verdicts(RECORD) == ["FAIL: 1 of 2 checks pass", "  FAIL level: It is off."]
    assert command._verdicts(RECORD | UNJUDGED)[0] == (
        "FAIL: 1 of 2 checks pass; 2 declared contrasts are not judged: under_25, women"
    )


def test_an_open_gate_says_so_after_waivers_and_what_nobody_judged():
    used = {
        "check": "level",
        "person": "Rita Vogel",
        "role": "head of risk",
        "expires": "2026-12-31",
        "reason": "small",
    }
    assert command._open(RECORD) == ["The gate is open for models/scorer."]
    assert command._open(RECORD | UNJUDGED | {"waivers": [used]}) == [
        "Waived: level by Rita Vogel (head of risk) until 2026-12-31: small",
        "2 declared contrasts are not judged: under_25, women.",
        "The gate is open for models/scorer.",
    ]

"""Sabotages of reasons, of exclusions and of what applicants read."""

from collections.abc import Callable
from typing import Any

from declared import AGREEMENT, Sabotage, add_gates, put_wordings_on_record
from trial import FROM_SCORER, Trial

from credit_risk.stages import assemble, gate

GATES = (
    {"name": "reasons_true", "measure": "explain.reasons.untrue", "at_most": 0.02},
    {"name": "reasons_enough", "measure": "explain.reasons.mean_count", "at_least": 1.15},
    {"name": "reasons_worded", "measure": "explain.wordings.doubts", "at_most": 0, "exact": True},
    {"name": "reasons_whole_list", "measure": "explain.interventional.whole_list", "at_least": 0.5},
)


def reworded(change: Callable[[Any], None]) -> Callable[[Trial], None]:
    """Reasons edited under a version of their own that is on record, and all of it explained and judged again."""

    def harm(trial: Trial) -> None:
        add_gates(trial, *GATES)
        trial.edit_config(change)
        put_wordings_on_record(trial)
        trial.run(assemble, *FROM_SCORER)

    return harm


def _nothing(_: Any) -> None:
    """Reasons as they were."""


def _never_true(tree: Any) -> None:
    """The family of lateness is worded for applicants who are later than nearly anybody is."""
    tree["reasons"]["families"][0]["true_when"] = "months_late > 12"


def _exchanged(tree: Any) -> None:
    """The texts of lateness and of credit use change places; the features stay."""
    late, used = tree["reasons"]["families"][:2]
    late["text"], used["text"] = used["text"], late["text"]


def _one_each(tree: Any) -> None:
    tree["reasons"].update(least=0.95)


def _one_at_most(tree: Any) -> None:
    tree["reasons"].update(count=1)


def text_under_the_same_version(trial: Trial) -> None:
    """Another text under the version that stands beside the old one in every record."""
    trial.edit_config(lambda tree: tree["reasons"]["families"][0].update(text="payments were made late"))
    trial.run(gate)


def version_not_on_record(trial: Trial) -> None:
    """A new version of the wordings that nobody put on record."""
    trial.edit_config(lambda tree: tree["reasons"].update(version="2"))
    trial.run(assemble, *FROM_SCORER)


def draft_of_wordings(trial: Trial) -> None:
    """Wordings that nobody has read."""
    trial.edit_config(lambda tree: tree["reasons"].update(version="0-draft"))
    trial.run(gate)


def exclusion_that_does_not_act(trial: Trial) -> None:
    """The exclusions taken out of the scorer's own copy of the config, so that it decides whom it is not meant for."""
    trial.edit_json(trial.files.scorer / "config.json", lambda tree: tree["outcome"].update(exclusions=[]))
    trial.run(*FROM_SCORER)


def rule_taken_out_of_the_scorer(trial: Trial) -> None:
    """A policy rule taken out of the scorer's own copy of the config."""
    trial.edit_json(trial.files.scorer / "config.json", lambda tree: tree["policy"].update(rules=[]))
    trial.run(*FROM_SCORER)


OF_REASONS = (
    Sabotage(
        "reason that is not true of whom it is told",
        reworded(_never_true),
        {"reasons_true": r"FAIL .*\(explain.reasons.untrue\)"},
        may=("reasons_for_everybody",),
    ),
    Sabotage(
        "texts of two families exchanged",
        reworded(_exchanged),
        {"reasons_worded": r"FAIL .*\(explain.wordings.doubts\) is [1-9]"},
    ),
    Sabotage(
        "one reason each, by its weight",
        reworded(_one_each),
        {"reasons_enough": r"FAIL .*\(explain.reasons.mean_count\)"},
        may=AGREEMENT,
    ),
    Sabotage(
        "one reason each, by number",
        reworded(_one_at_most),
        {"reasons_enough": r"FAIL .*\(explain.reasons.mean_count\)"},
        may=AGREEMENT,
    ),
    Sabotage(
        "text changed under the same version",
        text_under_the_same_version,
        {"config": r"REFUSED .*the wordings of version '1' are on record"},
        quick=True,
    ),
    Sabotage(
        "version of wordings that is not on record",
        version_not_on_record,
        {"record": r"REFUSED wordings '2' are not on record"},
    ),
    Sabotage(
        "wordings that nobody has read",
        draft_of_wordings,
        {
            "record": r"REFUSED not promotable: .*whose version is a draft",
            "stale": r"REFUSED .*assembled under other reasons",
        },
        quick=True,
    ),
    Sabotage(
        "exclusion that does not act",
        exclusion_that_does_not_act,
        {"scorer": r"REFUSED .*assembled under other outcome.exclusions"},
        quick=True,
    ),
    Sabotage(
        "policy rule taken out of the scorer",
        rule_taken_out_of_the_scorer,
        {"scorer": r"REFUSED .*assembled under other policy"},
        quick=True,
    ),
)
CONTROLS_OF_REASONS = (Sabotage("reasons as they were, under a new version", reworded(_nothing), {}),)

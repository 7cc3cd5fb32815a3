"""A first policy floor for a lender's own config: what its drafted gates ask for, for the model-risk office to own."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

# What no waiver may lift: a model that fails one of these is wrong, and not only short of rows.
NEVER_WAIVED = (
    "monotone.violations",
    "leak.strongest_share",
    "leak.marked",
    "leak.order",
    "leak.encoded",
    "leak.rows_across_splits",
    "explain.reasons.guarded",
)
ELSEWHERE = ("comparison.", "latency.")  # of two models, or of the machine: neither is what this model may go below
HEAD = """\
# What no model of this repository may go below, whoever wrote its config. Give this file to the team that validates
# (.github/CODEOWNERS). A config may ask for more; where it asks for less, `credit-risk config` and the gate refuse it
# with both lines. Name the directions, groups and contrasts that nobody may drop. docs/gates.md explains each key.
"""


def text(config_text: str) -> str:
    """The floor of a drafted config: its gates with the same limits, and neither smaller groups nor fewer bands.

    Its directions, groups and contrasts stay open to the model's authors until somebody names them here.
    """
    draft = YAML(typ="safe", pure=True).load(config_text)
    floor = {
        "version": 1,
        "least_confidence": 0.9,
        "least_group": draft["fairness"]["min_n"],
        "least_bands": len(draft["policy"]["bands"]),
        "referrals_count_as": draft["fairness"]["refer_counts_as"],
        "most_waivers": 3,
        "out_of_time": draft["split"]["by"] == "time",
        "stress": {
            scenario["name"]: scenario["odds"] for scenario in draft["robustness"]["scenarios"] if "odds" in scenario
        },
        "checks": [_check(gate) for gate in draft["gates"] if not gate["measure"].startswith(ELSEWHERE)],
        "directions": {},
        "attributes": {},
        "contrasts": [],
        "reported": {},
    }
    written = StringIO()
    yaml = YAML()
    yaml.width = 120
    yaml.dump(floor, written)
    return HEAD + written.getvalue()


def _check(gate: Mapping[str, Any]) -> dict[str, Any]:
    check = {name: gate[name] for name in ("measure", "at_least", "at_most", "exact", "of") if name in gate}
    return check | ({"waivable": False} if gate["measure"] in NEVER_WAIVED else {})

"""What changed since the champion, the scorer in use: settings, rows, and how the test rows are decided.

Its release lies in reports/parts/champion, where the registry or a person put it: the scorer with its config, the gate
record with its facts. Without it nothing is known of a change, and that is said.
"""

from collections.abc import Mapping
from typing import Any

from credit_risk.config import Config
from credit_risk.config.changes import Change, changes, of_outcome, shown
from credit_risk.config.schema import Gate
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.errors import DataError, NotFound
from credit_risk.measures.verdict.gate import Check

NONE = "No champion lies in reports/parts/champion, so nobody sees what changed since (docs/gates.md)."
ANOTHER_OUTCOME = Gate(
    name="definition_of_bad",
    measure="changed.outcome",
    at_most=0,
    exact=True,
    reason="a model of another outcome is another model: somebody says by name that it may take the champion's place",
)
RATE, ROWS = "bad rate of ", "rows of "  # how the facts of a group begin
Facts = dict[str, float]


def release(files: Files) -> Files:
    """Where the champion's release lies, if it does."""
    return Files(files.parts / "champion")


def differing(config: Config, files: Files) -> list[Change] | None:
    """Every key that differs from the champion's config; None without a champion. Raises DataError for half of one."""
    path = release(files).scorer / "config.json"
    if not release(files).root.is_dir():
        return None
    try:
        before = Config.from_dict(read_json(path)).as_dict()  # keys that are newer than it, with their defaults
    except (NotFound, LookupError, TypeError, AttributeError, ValueError) as error:
        sentence = f"{path} is no config of a scorer ({error}); fetch the champion again (docs/gates.md)."
        raise DataError(sentence) from None
    return [change for change in changes(before, config.as_dict()) if change.key != "version"]


def facts(files: Files, metrics: Mapping[str, Any], fairness: Mapping[str, Any]) -> Facts:
    """Rows by part, their bad rate, rows left out; of the test rows each decision's share, each group's bad rate."""
    try:
        prepared = read_json(files.report("preparation"))
        parts = prepared["parts"]
        known = {f"{name} rows": float(part["rows"]) for name, part in parts.items()}
        known["bad rate"] = sum(part["bads"] for part in parts.values()) / sum(known.values())
        known["rows left out"] = float(sum(prepared["left_out"].values()))
    except (NotFound, DataError, LookupError, TypeError, ZeroDivisionError):
        known = {}
    for attribute, figures in fairness.get("attributes", {}).items():
        for group, its in figures["groups"].items():
            if its["bad_rate"] is not None:
                name = f"{attribute}: {group}"
                known |= {f"{RATE}{name}": float(its["bad_rate"]), f"{ROWS}{name}": float(its["rows"])}
    return known | {name: float(share) for name, share in metrics.get("decisions", {}).items() if share is not None}


def check(changed: list[Change] | None) -> list[Check]:
    """A check that fails where bad means another thing than to the champion; a signed waiver of it is the approval."""
    if changed is None:
        return []
    keys = [change.key for change in of_outcome(changed)]
    number = float(len(keys))
    finding = f"differs from the champion's in {', '.join(keys)}" if keys else "is the champion's"
    sentence = f"The definition of a bad account ({ANOTHER_OUTCOME.measure}) {finding}."
    return [Check(ANOTHER_OUTCOME, "FAIL" if keys else "PASS", number, number, number, sentence)]


def record(files: Files, changed: list[Change] | None, now: Facts) -> dict[str, Any]:
    """What the gate's record says of it: sentences for people, the settings key by key, facts old and new."""
    if changed is None:
        return {"champion": None, "sentence": NONE, "settings": [], "facts": []}
    try:
        before = read_json(release(files).report("gate")).get("facts", {})
    except (NotFound, DataError, AttributeError):
        before = {}
    names = [*now, *(name for name in before if name not in now)]
    moved = [(name, before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name)]
    scorer = digest.of_directory(release(files).scorer)
    count = f"{len(changed)} {'key' if len(changed) == 1 else 'keys'} of the config"
    return {
        "champion": scorer,
        "sentence": f"Changed since the champion ({scorer[:12]}): {count}, {len(moved)} facts of rows and decisions.",
        "settings": [
            {"kind": change.kind, "key": change.key, "old": shown(change.old), "new": shown(change.new)}
            for change in changed
        ],
        "facts": [{"fact": name, "old": old, "new": new} for name, old, new in moved],
    }

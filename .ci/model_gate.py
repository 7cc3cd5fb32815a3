"""The model's verdict as a check of its own: exit 1 where the gate does not pass.

RESULT: how the pipeline's job ended. SOURCE: own or lender. VERDICT: the gate's. REQUIRED: `true` once main has had its
first PASS (the variable MODEL_GATE is `required`); until then a FAIL is said and blocks nothing but promotion, which
needs a PASS from the first day.
"""

import os
from pathlib import Path

FIRST = "Not promotable yet: main has had no PASS. Once it has: gh variable set MODEL_GATE --body required"


def outcome(result: str, source: str, verdict: str, *, required: bool) -> tuple[str, bool]:
    """A sentence for the summary, and whether the check passes."""
    if result == "skipped":
        return "Nothing that decides was changed; the gate was not asked.", True
    if result != "success" or not verdict:
        return "No verdict: the pipeline did not come to one.", False
    if source != "own":
        return f"The gate says {verdict} about the simulated lender, and nothing about your model.", not required
    if verdict.startswith("PASS"):
        return f"The gate says {verdict}.", True
    return f"The gate says {verdict}. " + ("" if required else FIRST), not required


if __name__ == "__main__":
    asked = {name.lower(): os.environ.get(name, "") for name in ("RESULT", "SOURCE", "VERDICT")}
    sentence, passes = outcome(**asked, required=os.environ.get("REQUIRED") == "true")
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
        summary.write(sentence + "\n")
    print(f"::{'notice' if passes else 'error'} title=Model gate::{sentence}")
    raise SystemExit(0 if passes else 1)

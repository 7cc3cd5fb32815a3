"""Another scorer, which nobody signed, comes to the path of a signed one between verifying and using it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from credit_risk.scoring import signing

Exchange = Callable[[Path], list[Path]]


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Exchange:
    """A function: from now on whatever a signature is verified of, a moment later another scorer lies at this path.

    It returns a list of the times that this was done.
    """
    refusal = signing.refusal
    done: list[Path] = []

    def begin(scorer: Path) -> list[Path]:
        def verified_then_exchanged(path: Path, *more: Any) -> str | None:
            verdict = refusal(path, *more)
            if path.is_dir():  # a scorer, and not a gate's record or a statement
                approve_nearly_everybody(scorer)
                done.append(scorer)
            return verdict

        monkeypatch.setattr(signing, "refusal", verified_then_exchanged)
        return done

    return begin


def approve_nearly_everybody(scorer: Path) -> None:
    """A scorer that says log-odds of default two lower than it should."""
    facts = json.loads((scorer / "scorer.json").read_text())
    facts["calibration"]["intercept"] -= 2.0
    (scorer / "scorer.json").write_text(json.dumps(facts))

"""What a promotion waits for of documents: the texts that persons owe. Asked by registry.conditions, by name."""

from datetime import date
from pathlib import Path

from credit_risk.documents import settings
from credit_risk.errors import CreditRiskError
from credit_risk.scoring.signing import SignedBy


def refusals(root: Path, signed_by: SignedBy, scorer: str, today: date) -> list[str]:  # noqa: ARG001  (as every part's)
    """The texts that nobody has written, a sentence each."""
    try:
        missing = settings.missing_texts(root, settings.load(root))
    except CreditRiskError as error:
        return [str(error)]
    return [f"{settings.TEXTS.as_posix()}/{name}.md is not written" for name in missing]

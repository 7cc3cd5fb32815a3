"""Which scorer may decide a file: one that is verified where the environment says whose signature counts."""

import logging
from pathlib import Path

from credit_risk.config import environment
from credit_risk.scoring.release_files import signature_of, verified_scorer
from credit_risk.scoring.scorer import Scorer
from credit_risk.scoring.signing import SignaturePolicy

log = logging.getLogger(__name__)


def that_may_decide(path: Path, settings: Path, root: Path) -> Scorer:
    """The scorer, verified where the environment says whose signature counts. Raises SignatureRefused, NotFound.

    On a developer's machine a scorer without any signature decides too, and that is said; one whose signature does not
    hold decides nowhere.
    """
    policy = environment.read(settings, "serving", SignaturePolicy)
    unsigned, developers = not signature_of(path).is_file(), environment.is_developers(settings)
    if not developers and policy.gate != "required":
        fault = "a scorer that the gate stopped, or that nobody signed, could decide: expected required"
        environment.refuse(settings, [(("serving", "gate"), fault)])
    if policy.signed_by is not None and not (unsigned and developers):
        return verified_scorer(path, policy.signed_by, root)
    log.warning(
        "Nobody vouches for %s: no signature was verified (%s). For looking, never for deciding.", path, settings
    )
    return Scorer.load(path)

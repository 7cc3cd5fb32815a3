"""What `make run` ends with, for tests of what follows: a scorer that was measured, judged and signed."""

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.scoring import signing
from credit_risk.stages import gate
from measured import measure


def judge(files: Files, **test: float) -> None:
    """Write figures of exactly this scorer, judge them, and sign what comes of it."""
    measure(files, **test)
    gate.run(load(files.config), files)
    signing.sign_release(files, signing.private_key(files.root, {}))

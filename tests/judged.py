"""What `make run` ends with, for tests of what follows: a scorer that was measured, judged and signed."""

from credit_risk.config import load
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json
from credit_risk.modelling import training_record
from credit_risk.scoring import signing
from credit_risk.stages import gate


def judge(files: Files, **test: float) -> None:
    """Write figures of exactly this scorer, judge them, and sign what comes of it."""
    measured = {"auc": 0.75, "auc_low": 0.71, "auc_high": 0.79} | test
    figures = {
        "scorer": digest.of_directory(files.scorer),
        "challenger": digest.of_directory(files.challenger),
        "trained_on": training_record.of_model(files),
        "test": measured,
        "monotone": {"violations": 0},
    }
    write_json(files.report("metrics"), figures)
    gate.run(load(files.config), files)
    signing.sign_release(files, signing.private_key(files.root, {}))

"""What tests of releases do to a repository: judge its scorer, assemble another, open its registry."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from credit_risk.config import load
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json
from credit_risk.records import signing
from credit_risk.records.registry.registry import Registry
from credit_risk.records.registry.settings import load as load_settings
from credit_risk.stages import assemble, gate

WHY = "a reason of five words"


def judge(files: Files, **test: float) -> None:
    """Write figures of exactly this scorer, judge them, and sign what comes of it."""
    measured = {"auc": 0.75, "auc_low": 0.71, "auc_high": 0.79} | test
    figures = {
        "scorer": digest.of_directory(files.scorer),
        "challenger": digest.of_directory(files.challenger),
        "test": measured,
        "monotone": {"violations": 0},
    }
    write_json(files.report("metrics"), figures)
    gate.run(load(files.config), files)
    signing.sign_release(files, signing.private_key(files.root, {}))


def assemble_again(files: Files, lgd: float) -> None:
    """Another scorer, under another policy."""
    config = files.config.read_text()
    files.config.write_text(config.replace(f"lgd: {load(files.config).policy.lgd}", f"lgd: {lgd}"))
    assert load(files.config).policy.lgd == lgd
    assemble.run(load(files.config), files)
    judge(files)


@contextmanager
def registry(files: Files, **settings: Any) -> Iterator[Registry]:
    found = load_settings(files.root / "configs" / "deploy" / "local.yaml", files.root)
    with Registry.opened("simulated-lender", found.model_copy(update=settings), files.root) as opened:
        yield opened

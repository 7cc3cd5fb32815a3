"""The chain of reports that a gate's record holds: which of them is another one than then."""

import hashlib

import pytest

from credit_risk.data.files import Files
from credit_risk.data.writing import write_text
from credit_risk.modelling import evidence


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_each_entry_vouches_for_all_before_it(tmp_path):
    files = Files(tmp_path)
    for name in ("preparation", "metrics", "parts/attacks"):
        write_text(files.report(name), name)
    start = "0" * 64
    first = sha256(f"{start}\nreports/preparation.json {sha256('preparation')}")
    second = sha256(f"{first}\nreports/metrics.json {sha256('metrics')}")
    third = sha256(f"{second}\nreports/parts/attacks.json {sha256('parts/attacks')}")
    assert evidence.chain(files, ("metrics", "fairness", "parts/attacks")) == [
        {"report": "preparation", "sha256": sha256("preparation"), "hash": first},
        {"report": "metrics", "sha256": sha256("metrics"), "hash": second},
        {"report": "parts/attacks", "sha256": sha256("parts/attacks"), "hash": third},
    ]


BEFORE = evidence.chained({"metrics": "m", "fairness": "f"})


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        ({"metrics": "m", "fairness": "f"}, []),
        ({"metrics": "other", "fairness": "f"}, ["reports/metrics.json"]),
        ({"metrics": "m"}, ["reports/fairness.json"]),
        ({"metrics": "m", "fairness": "f", "parts/attacks": "a"}, ["reports/parts/attacks.json"]),
    ],
)
def test_a_report_that_is_another_one_gone_or_new_since_is_named(now, changed):
    assert evidence.changed_since(BEFORE, evidence.chained(now)) == changed


def test_of_a_record_without_a_chain_every_report_changed():
    assert evidence.changed_since(None, BEFORE) == ["reports/metrics.json", "reports/fairness.json"]

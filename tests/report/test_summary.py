"""The closing screen: figures with intervals, the verdict and its reasons, and where the report is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json
from credit_risk.errors import NotFound
from credit_risk.report import summary

METRICS = {
    "kind": "lightgbm",
    "information": {"confidence": 0.95},
    "test": {
        "auc": 0.75,
        "auc_low": 0.71,
        "auc_high": 0.79,
        "ks": 0.4,
        "ks_low": None,
        "ks_high": None,
        "brier": None,
    },
    "challengers": {"scorecard": {"auc": 0.74}, "logistic": {"auc": 0.73}},
}
GATE = {
    "verdict": "FAIL",
    "stale": ["reports/metrics.json measured another scorer"],
    "checks": [
        {"name": "discrimination", "verdict": "CANNOT SAY", "sentence": "test.auc straddles the limit."},
        {"name": "monotone", "verdict": "PASS", "sentence": "monotone.violations is 0, inside the limit of at most 0."},
    ],
    "waivers": [],
    "not_applicable": [],
}
PASSING = {"verdict": "PASS", "stale": [], "checks": [GATE["checks"][1]], "waivers": [], "not_applicable": []}
WAIVER = {
    "person": "Ada Lovelace",
    "role": "validator",
    "check": "discrimination",
    "reason": "the portfolio is small and grows",
    "expires": "2030-06-30",
    "scorer": None,
}


@pytest.fixture
def screen(tmp_path: Path, trained: tuple[Config, Files]) -> Callable[..., str]:
    def show(gate: dict[str, Any] = GATE, **split: Any) -> str:
        files = Files(tmp_path)
        write_json(files.report("metrics"), METRICS)
        write_json(files.report("gate"), gate)
        write_json(files.report("preparation"), {"split": {"out_of_time": True, **split}})
        console = Console(width=140, record=True, color_system=None)
        with console.capture() as captured:
            console.print(summary.screen(trained[0], files))
        return captured.get()

    return show


def line(text: str, start: str) -> list[str]:
    return next(each.split("  ") for each in text.splitlines() if each.startswith(start))


def cells(text: str, start: str) -> list[str]:
    return [cell.strip() for cell in line(text, start) if cell.strip()]


def test_a_figure_stands_with_its_interval_beside_both_challengers(screen: Callable[..., str]):
    text = screen()
    assert text.startswith("A simulated lender")
    assert cells(text, "AUC") == ["AUC", "0.7500", "0.7100 to 0.7900", "0.7400", "0.7300"]
    assert "95% interval" in text.replace("95 %", "95%")
    assert cells(text, "approved in the end")[0] == "approved in the end"
    assert cells(text, "approved by PD alone*")[0] == "approved by PD alone*"
    assert "* before referrals and policy rules" in text


def test_what_is_not_known_is_said_and_never_a_number(screen: Callable[..., str]):
    text = screen()
    assert cells(text, "KS") == ["KS", "0.4000", "not known", "not known", "not known"]
    assert cells(text, "Brier score") == ["Brier score"] + ["not known"] * 4


def test_the_verdict_stands_with_every_check_that_does_not_pass_and_what_is_stale(screen: Callable[..., str]):
    text = screen()
    assert "The gate says FAIL." in text
    assert "1 of 2 checks pass." in text.splitlines()
    assert cells(text, "discrimination") == ["discrimination", "CANNOT SAY", "test.auc straddles the limit."]
    assert cells(text, "stale") == ["stale", "FAIL", "reports/metrics.json measured another scorer"]
    assert "monotone" not in text


def test_where_every_check_passes_one_line_says_so(screen: Callable[..., str]):
    text = screen(PASSING)
    assert "1 of 1 checks pass." in text.splitlines()
    assert "The gate says PASS." in text
    assert not any(word in text for word in ("monotone", "verdict", "finding", "stale", "Waived"))


def test_what_is_stale_is_said_although_every_check_passes(screen: Callable[..., str]):
    text = screen(PASSING | {"verdict": "FAIL", "stale": GATE["stale"]})
    assert "1 of 1 checks pass." in text.splitlines()
    assert cells(text, "stale") == ["stale", "FAIL", "reports/metrics.json measured another scorer"]


def test_a_waived_check_is_listed_as_what_it_is_and_by_whom_it_is_waived(screen: Callable[..., str]):
    text = screen(GATE | {"verdict": "PASS", "stale": [], "waivers": [WAIVER]})
    assert "1 of 2 checks pass." in text.splitlines()
    assert cells(text, "discrimination") == ["discrimination", "CANNOT SAY", "test.auc straddles the limit."]
    assert "Waived: discrimination by Ada Lovelace until 2030-06-30" in text.splitlines()
    assert "The gate says PASS." in text
    assert "Waived" not in screen()


def test_a_pass_that_needs_waivers_says_so_and_lists_those_that_it_does_not_need(screen: Callable[..., str]):
    unneeded = WAIVER | {"check": "monotone"}
    text = screen(
        GATE | {"verdict": "PASS WITH WAIVERS", "stale": [], "waivers": [WAIVER], "waivers_not_needed": [unneeded]}
    )
    assert "The gate says PASS WITH WAIVERS." in text
    assert "Given and not needed now: a waiver of monotone by Ada Lovelace until 2030-06-30." in " ".join(text.split())


def test_the_screen_begins_with_what_changed_since_the_champion(screen: Callable[..., str]):
    settings = [{"kind": "other", "key": f"key{index}", "old": "1", "new": "2"} for index in range(14)]
    facts = [{"fact": "bad rate", "old": 0.22, "new": 0.25}]
    text = screen(
        PASSING | {"changed": {"sentence": "Changed since the champion.", "settings": settings, "facts": facts}}
    )
    lines = text.splitlines()
    assert lines.index("Changed since the champion.") < lines.index("1 of 1 checks pass.")
    assert "  key0: 1 → 2" in lines
    assert "  and 2 more keys: see the page" in lines
    assert "  bad rate: 22.0% → 25.0%" in lines


def test_the_report_is_named_and_a_test_that_is_not_out_of_time_too(screen: Callable[..., str], tmp_path: Path):
    text = "".join(screen(out_of_time=False, why_random="no date").splitlines())
    assert "No out-of-time test: no date." in text
    assert "These figures came with the repository, its page did not" in text
    Files(tmp_path).page.touch()
    text = "".join(screen().splitlines())
    assert str(Path("reports") / "index.html") in text
    assert "came with the repository" not in text
    assert "out-of-time" not in text


@pytest.mark.parametrize("name", ["metrics", "gate", "preparation"])
def test_a_pipeline_that_has_not_ended_says_what_to_run(
    screen: Callable[..., str], tmp_path: Path, trained: tuple[Config, Files], name: str
):
    screen()
    Files(tmp_path).report(name).unlink()
    with pytest.raises(NotFound, match=rf"{name}.json: there is no such file.*make run"):
        summary.screen(trained[0], Files(tmp_path))


def test_contrasts_that_no_gate_judges_stand_beside_the_count_of_checks(screen: Callable[..., str]):
    sentence = "under_25 is not judged: approval ratio 0.832 (0.768 to 0.896); too few rows."
    text = screen(PASSING | {"not_judged": [{"contrast": "under_25", "sentence": sentence}]})
    assert "1 of 1 checks pass; 1 declared contrast is not judged: under_25." in text.splitlines()
    assert sentence in text.splitlines()

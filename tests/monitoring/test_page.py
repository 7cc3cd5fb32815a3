"""The page says what the report says, what changed first, and fetches nothing."""

import re

import pytest

from credit_risk.monitoring import page


def point(value: float | None, low: float | None, high: float | None, n: int, why: str = "") -> dict[str, object]:
    return {"value": value, "low": low, "high": high, "n": n, "why": why}


def series(verdict: str, value: float) -> dict[str, object]:
    psi = point(value, value / 2, value * 2, 1234)
    return {"psi": psi, "verdict": verdict, "missing": point(0.05, 0.04, 0.06, 1234), "missing_then": 0.04}


def window(month: str, income: str) -> dict[str, object]:
    return {"month": month, "decisions": 1234, "series": {"score": series("IN", 0.01), "income": series(income, 0.3)}}


def estimate(month: str, why: str, truth: dict[str, float], verdict: dict[str, str]) -> dict[str, object]:
    foretold = {"bad_rate": point(0.06, 0.04, 0.09, 40), "auc": point(0.8, 0.75, 0.85, 40)}
    foretold |= {"profit": point(0.02, 0.01, 0.03, 40)}
    return {"month": month, "approvals": 40, "why": why, "foretold": foretold, "truth": truth, "verdict": verdict}


def shift(value: float, verdict: str) -> dict[str, object]:
    return {"now": point(value, value - 0.01, value + 0.01, 5000), "then": 0.69, "verdict": verdict}


def change() -> dict[str, object]:
    return {"noticed_on": "2026-03-20", "before": 0.7, "after": 0.66}


@pytest.fixture
def report():
    return {
        "as_of": "2026-04-15",
        "performance_window_months": 12,
        "confidence": 0.95,
        "not_known": "Booked accounts alone.",
        "counts": {"decisions": 2468, "by_state": {"good": 90, "bad": 10}},
        "drift": {
            "verdict": "CANNOT SAY",
            "rule": "OUT: 2 of the last 3 months",
            "threshold": 0.1,
            "verdicts": {"score": "IN", "income": "CANNOT SAY"},
            "windows": [window("2026-02", "IN"), window("2026-03", "OUT")],
        },
        "backtest": {
            "asset_correlation": 0.04,
            "withheld": "",
            "bands": [
                {
                    "band": "A <b>",
                    "rows": 100,
                    "bads": 10,
                    "not_known": 0,
                    "mean_pd": 0.08,
                    "verdict": "IN",
                    "bad_rate": point(0.1, 0.05, 0.17, 100),
                    "correlated": {"low": 0.04, "high": 0.21, "verdict": "OUT"},
                }
            ],
            "figures": {"auc": point(0.7, 0.6, 0.8, 100), "ks": point(None, None, None, 0, "one class only")},
        },
        "shifts": {
            "verdict": "OUT",
            "most": 0.04,
            "baseline": ["2025-12"],
            "verdicts": {"approve": "OUT", "mix of reasons": "IN"},
            "months": [
                {"month": "2026-02", "series": {"approve": shift(0.7, "IN")}},
                {"month": "2026-03", "series": {"approve": shift(0.5, "OUT"), "mix of reasons": shift(0.02, "IN")}},
            ],
        },
        "detection": {
            "verdict": "OUT",
            "why": "",
            "series": {
                "approve": {"n": 73000, "changes": [change()], "verdict": "OUT", "why": ""},
                "refused": {"n": 900, "changes": [], "verdict": "CANNOT SAY", "why": "900 decisions"},
            },
        },
        "fairness": {
            "months": ["2025-04", "2026-03"],
            "verdict": "OUT",
            "why": "",
            "attributes": {"sex": {"female": point(0.6, 0.57, 0.63, 1000), "male": point(0.9, 0.88, 0.92, 1000)}},
            "contrasts": [
                {
                    "name": "women",
                    "group": "female",
                    "reference": "male",
                    "ratio": point(0.667, 0.63, 0.7, 2000),
                    "verdict": "OUT",
                }
            ],
        },
        "estimates": {
            "assumption": "As if each PD were right.",
            "vintages": [
                estimate("2025-01", "", {"bad_rate": 0.05, "auc": 0.71}, {"bad_rate": "IN", "auc": "OUT"}),
                estimate("2026-02", "not matured", {}, {}),
            ],
        },
        "overrides": [
            {
                "by_model": "decline",
                "to": "approve",
                "overrides": 3,
                "rate": point(0.1, 0.03, 0.26, 30),
                "reasons": {
                    "income_proved": {
                        "overrides": 3,
                        "rate": point(0.1, 0.03, 0.26, 30),
                        "bad_rate": point(0.5, 0.06, 0.94, 2),
                    }
                },
                "bad_rate": point(0.5, 0.06, 0.94, 2),
            }
        ],
        "declined": {
            "months": ["2025-01"],
            "left_out": [],
            "eligible": 60,
            "drawn": 3,
            "weight": 20.0,
            "naive": {"bad_rate": point(0.05, 0.03, 0.08, 200), "auc": 0.7},
            "unbiased": {"bad_rate": point(0.12, 0.07, 0.19, 203), "auc": point(0.74, 0.6, 0.8, 203)},
            "why": "",
            "bound": None,
        },
        "vintages": {"2025-01": [point(0.0, 0.0, 0.1, 40) | {"month": 1}, point(0.05, 0.01, 0.2, 40) | {"month": 2}]},
    }


def test_what_changed_comes_first(report):
    assert page.changes(report["drift"]) == [
        "income: IN in 2026-02, OUT in 2026-03 (PSI 0.300 (0.150 to 0.600), 1,234 decisions)"
    ]
    text = page.page(report, "A lender")
    assert text.index("income: IN in 2026-02, OUT in 2026-03") < text.index("<h2>Drift") < text.index("<h2>Vintages")


def test_each_figure_stands_with_count_and_interval_or_its_reason(report):
    text = re.sub(r"<[^>]+>", " ", page.page(report, "A lender"))
    assert re.search(
        r"A &lt;b&gt;\s+IN\s+OUT\s+100\s+10\s+0\s+8\.0%\s+10\.0% \(5\.0% to 17\.0%\)\s+4\.0% to 21\.0%", text
    )
    assert "With correlation 0.04" in text
    assert re.search(
        r"decline\s+approve\s+income_proved 3 \(10.0%, bad 50% of 2\)\s+3\s+10\.0% \(3\.0% to 26\.0%\)"
        r"\s+50\.0% \(6\.0% to 94\.0%\)\s+2",
        text,
    )
    assert re.search(r"auc\s+0\.700 \(0\.600 to 0\.800\)\s+100", text)
    assert re.search(r"ks\s+not available\s+0\s+one class only", text)
    assert re.search(r"2025-01\s+2\s+5\.0% \(1\.0% to 20\.0%\)\s+40", text)
    assert re.search(
        r"income\s+CANNOT SAY\s+0\.300 \(0\.150 to 0\.600\)\s+1234\s+5\.0% \(4\.0% to 6\.0%\)\s+4\.0%", text
    )


def test_an_estimate_stands_beside_what_came(report):
    text = re.sub(r"<[^>]+>", " ", page.page(report, "A lender"))
    assert "As if each PD were right." in text
    foretold = r"6\.0% \(4\.0% to 9\.0%\)"
    assert re.search(rf"2025-01\s+OUT\s+40\s+{foretold}\s+5\.0%\s+0\.800 \(0\.750 to 0\.850\)\s+0\.710", text)
    assert re.search(rf"2026-02\s+40\s+{foretold}\s+0\.800 .*\s+not matured", text)


def test_groups_stand_with_their_contrasts(report):
    text = re.sub(r"<[^>]+>", " ", page.page(report, "A lender"))
    assert re.search(r"women\s+OUT\s+female\s+male\s+0\.667 \(0\.630 to 0\.700\)\s+2000", text)
    assert re.search(r"sex\s+female\s+60\.0% \(57\.0% to 63\.0%\)\s+1000", text)
    report["fairness"] |= {"why": "no protected attribute was recorded", "contrasts": [], "attributes": {}}
    assert page.page(report, "A lender").count("no protected attribute was recorded") == 2


def test_shifts_and_noticed_changes_stand_with_their_levels(report):
    text = re.sub(r"<[^>]+>", " ", page.page(report, "A lender"))
    assert re.search(r"approve\s+OUT\s+2026-03\s+50\.0% \(49\.0% to 51\.0%\)\s+5000\s+69\.0%", text)
    assert re.search(r"mix of reasons\s+IN\s+2026-03\s+0\.0200 \(0\.0100 to 0\.0300\)\s+5000", text)
    assert re.search(r"approve\s+OUT\s+73000\s+1\s+2026-03-20\s+70\.0%\s+66\.0%", text)
    assert page.noticed(report["detection"]) == ["approve: a change was noticed on 2026-03-20, from 70.0% to 66.0%"]
    report["shifts"] = report["detection"] = {"verdict": "CANNOT SAY", "why": "nothing is set"}
    assert page.page(report, "A lender").count("nothing is set.") == 2


def test_the_declined_stand_beside_what_approvals_say(report):
    text = re.sub(r"<[^>]+>", " ", page.page(report, "A lender"))
    assert re.search(r"Bad rate of approvals\s+5\.0% \(3\.0% to 8\.0%\)\s+200", text)
    assert re.search(r"Bad rate with the declined\s+12\.0% \(7\.0% to 19\.0%\)\s+203", text)
    assert "3 of 60 declined" in text
    bound = {"low": 0.04, "high": 0.24, "approved": 200, "declined": 50, "confidence": 0.95}
    report["declined"] |= {"unbiased": None, "why": "nobody was approved at random", "bound": bound}
    text = re.sub(r"<[^>]+>", " ", page.page(report, "A lender"))
    assert re.search(r"4\.0% to 24\.0%, whatever they would have done\s+250", text)


def test_what_is_missing_is_said(report):
    report["backtest"] = {"asset_correlation": 0.04} | {
        "withheld": "2 of 10 matured approvals have no known outcome",
        "bands": [],
        "figures": {},
    }
    report["drift"] = {"verdict": "CANNOT SAY", "why": "no scorer is there"}
    report["vintages"] = {}
    report["overrides"][0]["overrides"] = 0
    text = page.page(report, "A lender")
    assert text.count("2 of 10 matured approvals have no known outcome.") == 2
    assert "no scorer is there." in text
    assert "no booked account is a month old." in text
    assert "nobody decided against the scorer." in text
    assert "<svg" not in text


def test_the_page_fetches_nothing(report):
    text = page.page(report, "A lender")
    assert "default-src 'none'" in text
    assert text.count("<svg") == 2
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b", text)
    assert not re.search(r"@import|url\((?!#)|\bsrc=|https?://", text)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', text))


def test_equal_reports_give_an_equal_page(report):
    assert page.page(report, "A lender") == page.page(report, "A lender")

"""The report's page: whole in itself, true to the artefacts, and never a pass by absence."""

import json
import math
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pandas import DataFrame
from playwright.sync_api import sync_playwright

from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_csv, write_json
from credit_risk.modelling import resplits
from credit_risk.report import figures, pictures
from credit_risk.report import page as page_of_run
from credit_risk.stages import evaluate, explain, fairness, gate, report, robustness, stability
from tools import needed

LENDER = Path(__file__).parent.parent / "lender"
FIGURES = {
    "auc": 0.775, "gini": 0.55, "ks": 0.42, "brier": 0.136, "ece": 0.0112, "calibration_slope": 0.968,
    "calibration_in_the_large": 0.0194, "average_precision": 0.555, "approval_rate": 0.7012,
    "bad_rate_of_approved": 0.125, "profit_per_application": 0.0664,
}  # fmt: skip
DECIDED = {"final_approval_rate": 0.6412, "final_profit_per_application": 0.0612}


class Page(HTMLParser):
    """What a test asks of a page: its tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.silent = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.silent += tag in ("style", "svg")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("style", "svg")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def with_ends(figures: dict[str, float], width: float) -> dict[str, float]:
    return {
        name + end: value + shift
        for name, value in figures.items()
        for end, shift in (("", 0), ("_low", -width), ("_high", width))
    }


def metrics() -> dict[str, Any]:
    difference = with_ends(dict.fromkeys(FIGURES, 0.011), 0.005)
    return {
        "scorer": "5c" * 32,
        "kind": "lightgbm",
        "challenger": "5d" * 32,
        "test": with_ends(FIGURES | DECIDED, 0.014),
        "challengers": {name: with_ends(FIGURES, 0.02) for name in ("scorecard", "logistic")},
        "differences": dict.fromkeys(("scorecard", "logistic"), difference),
        "information": {"cut_off": 0.244, "replicates": 1000, "confidence": 0.95},
        "monotone": {"violations": 0, "perturbations": 1234, "largest": 0.0, "untested_features": 0},
        "leak": {"strongest_share": 0.79, "strongest_gini": 0.43, "rows_across_splits": 0, "strongest_feature": "x"},
        "rows": {"train": 600, "selection": 200, "test": 200, "test_not_scored": 0},
        "unknown": {"stability.score_psi": "the split is random"},
    }


def selection() -> dict[str, Any]:
    difference = with_ends(dict.fromkeys(FIGURES, 0.011), 0.005)
    return {"kind": "lightgbm", "sentence": "Take LightGBM: it ranks better.", "scorecard": difference, "unknown": {}}


def gate_record(config: Config) -> dict[str, Any]:
    check = {"value": 0.775, "low": 0.761, "high": 0.789, "at_least": 0.7, "at_most": None, "verdict": "PASS"}
    words = {"measure": "test.auc", "sentence": "test.auc is inside the limit.", "reason": "it must rank"}
    return {
        "verdict": "PASS",
        "stale": [],
        "kind": "lightgbm",
        "recommended": "models/scorer",
        "checks": [{**check, **words, "name": one.name} for one in config.gates],
        "waivers": [],
        "digests": {
            "scorer": "5c" * 32,
            "challenger": "5d" * 32,
            "data": "da" * 32,
            "config": "c0" * 32,
            "code": "cd" * 32,
        },
    }


def preparation() -> dict[str, Any]:
    part = {"rows": 300, "goods": 240, "bads": 60, "bad_rate": 0.2}
    return {
        "rows_read": 1000,
        "left_out": {"outcome not known": 100},
        "split": {"by": "random", "out_of_time": False, "why_random": "the data has no date"},
        "parts": {"train": part, "selection": part, "test": part},
        "population": "booked",
        "outcome": "90 days past due",
        "inputs_digest": {"data/applications.csv": "ab" * 32},
    }


def fairness_report() -> dict[str, Any]:
    figures = with_ends({"ratio": 0.91, "difference": -0.06, "equal_opportunity": -0.05}, 0.04)
    women = {"group": "female", "reference": "male", "rows": 90, "reference_rows": 110, **figures}
    return {
        "scorer": "5c" * 32,
        "operating": {"cut_off": 0.244, "refer_counts_as": "decline", "min_n": 50},
        "contrasts": {"women": women},
        "alternatives": {"sentence": "The search is switched off.", "searched": False},
        "unknown": {},
    }


def explain_report() -> dict[str, Any]:
    return {
        "scorer": "5c" * 32,
        "rows": {"declined_by_model": 61},
        "additivity": {"largest": 2e-14},
        "reasons": with_ends(
            {
                "at_best": 0.002,
                "not_lower": 0.01,
                "in_doubt": 0.012,
                "untrue": 0.004,
                "none": 0.001,
                "mean_count": 1.31,
            },
            0.001,
        ),
        "stability": with_ends({"top_reason": 0.9, "overlap": 0.88}, 0.02),
        "interventional": with_ends({"top_reason": 0.86, "whole_list": 0.8}, 0.03),
        "importance": {"required": 0.4, "required_least": 0.1, "required_least_feature": "utilisation"},
        "unknown": {},
    }


def robustness_report() -> dict[str, Any]:
    return {
        "scorer": "5c" * 32,
        "baseline": {"approval_rate": 0.7, "expected_profit": 0.05},
        "scenarios": {"odds_doubled": {"approval_rate": 0.52, "held_profit": -0.013}},
        "missing": {"scored_by_accident": 0, "injected": 1800},
        "invalid": {"scored_by_accident": 2, "injected": 1500},
        "unknown": {},
    }


def splits_report() -> dict[str, Any]:
    """Three splits, of which two pass."""
    return {
        "kind": "lightgbm",
        "splits": 3,
        "passing_share": 2 / 3,
        "passing": 2,
        "same_kind": 1.0,
        "blocked_by": {"discrimination": 1},
        "auc": {"mean": 0.77, "spread": 0.01, "least": 0.76, "most": 0.78},
        "pooled": with_ends({**FIGURES, "largest_gap": 0.2}, 0.005),
        "rows": {"all": 1000, "bads": 200},
        "unknown": {},
    }


def splits_table() -> DataFrame:
    area = with_ends({"auc": 0.77, "calibration_slope": 1.01, "calibration_in_the_large": 0.02}, 0.02)
    blocked = ["", "discrimination", ""]
    return DataFrame([{"kind": "lightgbm", **area, "largest_gap": 0.2, "blocked_by": each} for each in blocked])


MEASURED = {"fairness": fairness_report, "explain": explain_report, "robustness": robustness_report}


def tables() -> dict[str, DataFrame]:
    models = ["lightgbm", "scorecard", "logistic"]
    bins = {
        "mean_pd": [0.1, 0.4],
        "bad_rate": [0.12, 0.35],
        "low": [0.08, 0.3],
        "high": [0.15, 0.41],
        "rows": [100, 100],
    }
    counts = {"rows": [100, 100], "goods": [60, 90], "bads": [40, 10], "bad_rate": [0.4, 0.1]}
    ends = {"low": [0.3, 0.05], "high": [0.5, 0.2]}
    curve = {"direction": ["increasing"] * 2, "mean_pd": [0.2, 0.3], "low": [0.19, 0.28], "high": [0.21, 0.32]}
    roc = {"false_positive_rate": [0, 0.2, 1], "true_positive_rate": [0, 0.6, 1]}
    return {
        "roc": DataFrame([{"model": m, **{k: v[i] for k, v in roc.items()}} for m in models for i in range(3)]),
        "ks": DataFrame({"score": [480, 510, 560], "goods": [0.1, 0.2, 1], "bads": [0.3, 0.62, 1]}),
        "calibration": DataFrame({"model": ["lightgbm"] * 2, "bin": [1, 2], **bins}),
        "gains": DataFrame({"band": ["B", "A"], **counts, **ends, "lift": [1.6, 0.4]}),
        "deciles": DataFrame({"decile": [1, 2], **counts, **ends}),
        "scores": DataFrame({"low": [480, 520], "high": [520, 560], "goods": [60, 90], "bads": [40, 10]}),
        "profit": DataFrame({"cut_off": [0.1, 0.3, 0.9], "profit": [0.01, 0.06, -0.1], "approval_rate": [0.2, 0.7, 1]}),
        "effects": DataFrame({"feature": ["months"] * 2, "value": [0, 3], **curve}),
        "segments": DataFrame({"segment": ["x"], "value": ["up to 5"], "rows": [9], "bad_rate": [1], "mean_pd": [1]}),
        "monotone": DataFrame({"input": ["months"], "direction": ["both"], "perturbations": [50], "violations": [0]}),
    }  # fmt: skip


def make(root: Path) -> tuple[Config, Files]:
    """A config and every artefact of the report, small enough to read."""
    shutil.copytree(LENDER, root / "configs")
    config, files = load(root / "configs" / "credit.yaml"), Files(root)
    contract = {"rows": 1000, "columns": 9, "checked": ["missing", "range"], "findings": [], "passed": True}
    write_json(files.report("metrics"), metrics())
    write_json(files.report("gate"), gate_record(config))
    write_json(files.report("preparation"), preparation())
    write_json(files.report("selection"), selection())
    write_json(files.report("validation"), {"passed": True, "contract": contract, "drift": {"note": "not assessed"}})
    for name, measured in MEASURED.items():
        write_json(files.report(name), measured())
    for name, table in tables().items():
        write_csv(files.plots / f"{name}.csv", table)
    write_json(files.report("splits"), splits_report())
    write_csv(files.reports / "stability" / "splits.csv", splits_table())
    boosting = DataFrame({"trees": [1, 2, 3], "log_loss": [0.6, 0.5, 0.51], "spread": [0.01] * 3})
    write_csv(files.model / "boosting.csv", boosting)
    return config, files


@pytest.fixture(scope="module", autouse=True)
def drawings() -> Iterator[dict[tuple, Any]]:
    """What was drawn already: tests here change figures and words, and most pages show the same pictures."""
    kept: dict[tuple, Any] = {}
    draw_anew = pictures._drawn

    def drawn(name: str, title: str, table: DataFrame, draw: Any, *size: Any) -> Any:
        key = (name, title, table.to_csv(), getattr(draw, "func", draw), str(getattr(draw, "keywords", "")), size)
        return kept.get(key) or kept.setdefault(key, draw_anew(name, title, table, draw, *size))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "_drawn", drawn)
        yield kept


@pytest.fixture
def made(tmp_path: Path) -> tuple[Config, Files]:
    """Artefacts that a test may change."""
    return make(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, str]:
    """A config and the page of unchanged artefacts, made once."""
    config, files = make(tmp_path_factory.mktemp("report"))
    report.run(config, files)
    text = files.page.read_text(encoding="utf-8")
    assert str(files.root) not in text
    return config, text


TOO_WIDE = """() => {
    document.querySelectorAll("details").forEach((each) => (each.open = true));
    const wider = (each) => each.scrollWidth > each.clientWidth + 1;
    const cards = [...document.querySelectorAll(".panel, figure, details, .tiles > div")].filter(wider);
    const loose = [...document.querySelectorAll("table")].filter((each) => !each.closest(".scroll"));
    return [document.documentElement, ...cards, ...loose].filter((each) => each.tagName === "TABLE" || wider(each))
        .map((each) => each.tagName + " " + each.innerText.slice(0, 60));
}"""


@pytest.mark.slow
def test_nothing_is_wider_than_its_card_on_a_phone_a_laptop_and_a_large_screen(whole):
    """With everything unfolded; a table that does not fit scrolls within its card; a long name is broken."""
    page = whole[1].replace("<li>", f"<li>fairness.contrasts.{'personal_status_' * 8}ratio ")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    needed(browser, "no chromium, chromium-browser or google-chrome on the PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        for width in (390, 1280, 1920):
            tab = opened.new_context(viewport={"width": width, "height": 900}, bypass_csp=True).new_page()
            tab.set_content(page)
            assert tab.evaluate("document.documentElement.clientWidth") == width
            assert tab.evaluate(TOO_WIDE) == [], width
        opened.close()


def page_of(config: Config, files: Files) -> Page:
    report.run(config, files)
    return Page(files.page.read_text(encoding="utf-8"))


def part(page: Page, name: str) -> str:
    """The text of one of the three parts, up to the next; the navigation before them names them too."""
    starts = {"fairness": "Fairness", "explain": "Reasons and explanation", "robustness": "Robustness"}
    after = {"fairness": "Reasons and explanation", "explain": "Robustness", "robustness": "Outcome and population"}
    begin = page.text.index(starts[name] + " ", page.text.index("By segment"))
    return page.text[begin : page.text.index(after[name] + " ", begin)]


def badges(text: str) -> list[str]:
    return re.findall(r'class="badge (\w+)"', text)


def test_the_page_fetches_nothing_and_runs_nothing(whole):
    page = Page(whole[1])
    assert not page.named("script")
    assert not page.named("link")
    assert not page.named("img")
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("href", "src")]
    assert links
    assert all(value is not None and value.startswith("#") for value in links)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "http:" not in whole[1]
    assert "https:" not in whole[1]
    assert "@import" not in whole[1]


def test_ids_are_unique_and_every_anchor_and_drawing_part_has_its_target(whole):
    page = Page(whole[1])
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(attributes["href"] or "")[1:] for _, attributes in page.tags if "href" in attributes}
    clips = {str(attributes["clip-path"])[5:-1] for _, attributes in page.tags if "clip-path" in attributes}
    assert clips
    assert targets | clips <= set(ids)


def test_every_headline_figure_stands_on_the_page_as_written(whole):
    page, measured = Page(whole[1]), metrics()
    for measure in figures.DECIDED:
        assert figures.value_of(measured, "test", measure)[0] in page.text
    for measure in {*figures.HEADLINE, *figures.FURTHER} - {*figures.DECIDED}:
        for node in ("test", "challengers.scorecard", "challengers.logistic"):
            text, why = figures.value_of(measured, node, measure)
            assert why is None
            assert text in page.text
        assert figures.value_of(measured, "differences.scorecard", measure, signed=True)[0] in page.text
        assert figures.value_of(selection(), "scorecard", measure, signed=True)[0] in page.text


@pytest.mark.parametrize(
    ("numbers", "kind", "signed", "text"),
    [
        ((0.775, 0.761, 0.789), "plain", False, "0.775 (0.761 to 0.789)"),
        ((0.0112, 0.0101, 0.0289), "plain", False, "0.0112 (0.0101 to 0.0289)"),
        ((-0.0004, -0.0004, 0.0), "plain", True, "−0.00040 (−0.00040 to 0.00000)"),
        ((0.7012, 0.69, 0.712), "percent", False, "70.1% (69.0% to 71.2%)"),
        ((0.0664, 0.0611, 0.0724), "exposure", False, "6.64% (6.11% to 7.24%)"),
        ((-0.015, -0.025, 0.007), "percent", True, "−1.50 pp (−2.50 to +0.70)"),
        ((0.775, None, None), "plain", False, "0.775 (interval not available)"),
        ((None, None, None), "plain", False, "not available"),
        ((0.0, 0.0, 0.0), "plain", False, "0.000 (0.000 to 0.000)"),
    ],
)
def test_a_figure_is_written_in_one_way(numbers, kind, signed, text):
    assert figures.interval(numbers, kind, signed=signed) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.42e-13, "1.4e−13"), (-2e-5, "−2.0e−05"), (0.0, "0.000"), (0.0006, "0.001"), (0.775, "0.775")]
)
def test_a_figure_that_is_not_quite_0_is_not_written_as_0(value, text):
    assert figures.written(value) == text


def test_a_pass_is_said_in_words_for_the_gate_and_each_check(whole):
    config, text = whole
    page = Page(text)
    assert "Every check passes: this scorer may be promoted." in page.text
    assert badges(text)[: 1 + len(config.gates)] == ["pass"] * (1 + len(config.gates))
    assert "0.775 (0.761 to 0.789)" in page.text
    assert "at least 0.7" in page.text


def test_without_a_gate_record_there_is_no_pass(made):
    config, files = made
    files.report("gate").unlink()
    page = page_of(config, files)
    assert "Not available. reports/gate.json was not written." in page.text
    assert "There is no verdict" in page.text
    begin = page.text.index("There is no verdict")
    verdict = page.text[begin : page.text.index("How well it ranks", begin)]
    assert "pass" not in badges(files.page.read_text())[:2]
    assert "✓" not in verdict
    assert "PASS" not in verdict


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record["digests"].update(scorer="00" * 32), "speak about different scorers"),
        (lambda record: record["checks"].pop(), "was not judged"),
        (lambda record: record["checks"][0].update(verdict="FAIL"), "although a check does not"),
        (lambda record: record["checks"][0].update(verdict="fine"), "although a check does not"),
        (
            lambda record: record.update(stale=["reports/metrics.json measured another scorer"]),
            "measured another scorer",
        ),
    ],
)
def test_whatever_speaks_against_a_pass_takes_it_away(made, change, said):
    config, files = made
    record = read_json(files.report("gate"))
    change(record)
    write_json(files.report("gate"), record)
    page = page_of(config, files)
    assert said in page.text
    assert "may be promoted" not in page.text
    assert badges(files.page.read_text())[0] == "unsure"


def test_checks_are_counted_by_what_they_are_about_and_the_figures_stand_first(made):
    """Three about ranking, of which one cannot say and one is waived; two about fairness, of which one fails."""
    config, files = made
    record = read_json(files.report("gate")) | {"verdict": "FAIL"}
    check = record["checks"][0]
    named = [("a", "test.auc", "PASS"), ("b", "test.ks", "CANNOT SAY"), ("c", "selection.x", "FAIL")]
    named += [("d", "fairness.x.ratio", "FAIL"), ("e", "fairness.y.ratio", "CANNOT SAY"), ("f", "cost.new", "PASS")]
    record["checks"] = [check | {"name": name, "measure": of, "verdict": verdict} for name, of, verdict in named]
    waiver = {"check": "c", "person": "Ada Berg", "role": "risk", "reason": "a trial", "expires": "2030-01-01"}
    record["waivers"] = [waiver]
    record["not_applicable"] = [{"sentence": "A gate of the other kind does not apply."}]
    write_json(files.report("gate"), record)
    text = page_of(config, files).text
    words = [" ".join(text[text.index("Checks by what they are about") :].split())]
    assert "Ranking ? CANNOT SAY 2 of 3 B Fairness ✕ FAIL 0 of 2 D, E Operations ✓ PASS 1 of 1" in words[0]
    places = [text.index(part) for part in ("Headline figures", "Every check, with its", "A gate of the other kind")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("figure", "limits", "distance"),
    [
        ((0.75, 0.72, 0.76), (0.7, None), (1, "half-widths")),  # 0.02 above the limit, and 0.02 is half of 0.72 to 0.76
        ((1.0, 0.9, 1.1), (0.8, 1.3), (1, "half-widths")),  # 0.1 to the lower limit, 0.2 to the upper
        ((1.0, 0.9, 1.1), (0.5, 1.3), (2, "half-widths")),  # 0.4 to the lower limit, 0.2 to the upper
        ((0.75, 0.68, 0.8), (0.7, None), (-1 / 3, "half-widths")),  # across the limit, which CANNOT SAY
        ((0.005, 0.001, 0.009), (None, 0.0), (-2.25, "half-widths")),  # a limit of 0 is none to an interval
        ((0.97, 0.97, 0.97), (0.9, 1.1), (0.7, "of half the span")),  # 0.07 to the lower limit, and 0.1 to the middle
        ((0.76, 0.76, 0.76), (None, 0.95), (0.2, "of the limit")),  # 0.19 of 0.95
        ((-0.3, -0.3, -0.3), (-0.2, None), (-0.5, "of the limit")),
        ((3, 3, 3), (None, 0), (-math.inf, "beyond a limit of 0")),
        ((0, 0, 0), (None, 0), None),
        ((0, 0, 0), (0, 0), None),
        ((0.75, None, None), (0.7, None), None),  # an interval is asked for, and there is none
        ((None, None, None), (0.7, None), None),
        ((0.75, 0.8, 0.7), (0.8, None), None),  # an interval upside down
        ((0.75, 0.7, 0.8), (None, None), None),
    ],
)
def test_the_distance_of_a_check_from_its_limits(figure, limits, distance):
    check = dict(zip(("value", "low", "high", "at_least", "at_most"), figure + limits, strict=True))
    found = figures.distance_to_limit(check)
    if distance is None:
        assert found is None
    else:
        assert found == (pytest.approx(distance[0]), distance[1])


def in_short(page: Page) -> str:
    """The text of the page's first section; the navigation names it, too."""
    return page.text[page.text.index("In short May we use it?") : page.text.index("Headline figures")]


def test_the_page_names_the_three_checks_nearest_their_limits_and_what_has_no_distance(made):
    config, files = made
    record = read_json(files.report("gate")) | {"verdict": "FAIL"}
    check = record["checks"][0]  # 0.775 (0.761 to 0.789), at least 0.7: 61/14 of its half-widths
    exact = {"value": 0, "low": 0, "high": 0, "at_least": None, "at_most": 0}
    unknown = {"value": None, "low": None, "high": None, "verdict": "CANNOT SAY", "sentence": "Late is not known."}
    record["checks"] = [
        check | {"name": "wide"},
        check | exact | {"name": "none_at_all"},
        check | {"name": "late", **unknown},
        check | {"name": "across", "at_least": 0.768, "verdict": "CANNOT SAY"},
        check | {"name": "share", "value": 0.4, "low": 0.4, "high": 0.4, "at_least": None, "at_most": 0.5},
        check | exact | {"name": "broken", "value": 2, "low": 2, "high": 2, "verdict": "FAIL"},
    ]
    write_json(files.report("gate"), record)
    said = in_short(page_of(config, files))
    assert "Broken ✕ FAIL beyond a limit of 0 2.000 at most 0 " in said
    assert "Across ? CANNOT SAY −0.50 half-widths 0.775 (0.761 to 0.789) at least 0.768" in said
    assert "Share ✓ PASS 0.20 of the limit 0.400 at most 0.5" in said
    assert said.index("Broken ✕") < said.index("Across ?") < said.index("Share ✓")
    assert "Wide" not in said  # the fourth
    assert "1 check that passes has a limit of exactly 0" in said
    assert "Late is not known." in said[said.index("What is not judged?") : said.index("What could go wrong first?")]


def test_a_pass_says_beside_it_which_declared_contrasts_it_does_not_speak_of(made):
    config, files = made
    contrasts = [{"contrast": name, "sentence": f"{name} is not judged: too few."} for name in ("under_25", "women")]
    write_json(files.report("gate"), read_json(files.report("gate")) | {"not_judged": contrasts})
    said = in_short(page_of(config, files))
    answer = said[said.index("May we use it?") : said.index("For whom?")]
    assert "may be promoted. 2 declared contrasts are not judged: under_25, women." in answer
    assert "under_25 is not judged: too few." in said


def test_what_is_not_judged_is_folded_after_four_points_and_names_no_ends_of_intervals(made):
    config, files = made
    unknown = {"bands.gap": "too few", "bands.gap_low": "too few", "bands.gap_high": "too few", "test.auc": "no rows"}
    unknown |= {f"bands.{name}": "too few" for name in "ABCD"}
    write_json(files.report("metrics"), read_json(files.report("metrics")) | {"unknown": unknown})
    said = in_short(page_of(config, files))
    points = said[said.index("What is not judged?") : said.index("What could go wrong first?")]
    assert "bands.D: too few. 1 more, and whatever no check names bands.gap: too few. Whatever no check" in points
    assert "_low" not in points
    assert "_high" not in points
    assert "test.auc" not in points  # a check says it


def test_the_page_opens_with_what_is_declared_and_says_what_is_not(whole):
    said = in_short(Page(whole[1]))
    assert "May we use it? ✓ PASS Every check passes: this scorer may be promoted." in said
    assert "For applicants like those whose accounts were opened." in said
    assert "Predicts: 90 days late within twelve months. Approved means: the loan is paid out." in said
    assert "Not for (each goes to a person): long terms: product withdrawn" in said
    assert f"scorer {'5c' * 32} , wordings 1." in said
    assert "Owner: nobody is named in configs/model-inventory.yaml ." in said
    assert "Expiry: configs/model-inventory.yaml holds no approval; the verdict rests on no waiver." in said
    assert "a PSI above 0.1" in said
    assert "a waiver ends" not in said
    assert "there is no out-of-time test, because the data has no date." in said
    assert "stability.score_psi: the split is random." in said
    assert "no attack was run, reports/parts/attacks.json was not written." in said


def test_a_verdict_on_waivers_ends_with_the_first_of_them(made):
    config, files = made
    record = read_json(files.report("gate")) | {"verdict": "PASS WITH WAIVERS"}
    record["checks"][0]["verdict"] = "CANNOT SAY"
    waiver = {"check": record["checks"][0]["name"], "person": "Ada Berg", "role": "risk", "reason": "a trial"}
    record["waivers"] = [waiver | {"expires": "2030-03-01"}, waiver | {"expires": "2030-01-31"}]
    write_json(files.report("gate"), record)
    said = in_short(page_of(config, files))
    assert "holds no approval; the first waiver that the verdict rests on ends on 2030-01-31." in said
    assert "a waiver ends, or new data" in said


INVENTORY = """owner: Ada Berg
validator: Bo Dahl
approval: {by: Cy Ek, on: 2026-02-03, until: 2027-02-03}
review_after: [redevelopment, severe_finding]
"""


def test_who_answers_for_the_model_and_until_when_is_read_from_the_inventory(made):
    config, files = made
    inventory = files.config.parent / "model-inventory.yaml"
    inventory.write_text(INVENTORY)
    said = in_short(page_of(config, files))
    assert "Owner: Ada Berg; developer not named, validator Bo Dahl." in said
    assert "Expiry: approved by Cy Ek on 2026-02-03, until 2027-02-03; the verdict rests on no waiver." in said
    assert "By the inventory an approval counts no more after: redevelopment, severe finding." in said
    inventory.write_text("owner: [")
    assert "Owner: nobody is named in configs/model-inventory.yaml" in in_short(page_of(config, files))


def test_without_a_gate_the_opening_claims_no_use_and_no_distance(made):
    config, files = made
    files.report("gate").unlink()
    said = in_short(page_of(config, files))
    assert "There is no verdict: nothing here lets this scorer through." in said
    assert "Until when? Not available. reports/gate.json was not written." in said
    assert "scorer not available" in said
    assert "What could go wrong first? not available : no check has a figure" in said


def test_a_fail_is_shown_as_one(made):
    config, files = made
    record = read_json(files.report("gate")) | {"verdict": "FAIL"}
    record["checks"][0]["verdict"] = "FAIL"
    write_json(files.report("gate"), record)
    page = page_of(config, files)
    assert "This scorer may not be promoted: at least one check fails." in page.text
    assert badges(files.page.read_text())[0] == "fail"


def test_a_figure_that_is_not_known_says_why(made):
    config, files = made
    figures = metrics()
    figures["test"]["auc"] = None
    figures["unknown"]["test.auc"] = "one class only: 0 bads among 200 rows"
    write_json(files.report("metrics"), figures)
    assert "AUC not available one class only: 0 bads among 200 rows." in page_of(config, files).text


@pytest.mark.parametrize("name", page_of_run.REPORTS)
@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "was not written"), ("{ broken", "is not JSON"), ("[]", "lacks ")],
)
def test_a_report_that_is_missing_or_broken_is_said_to_be(made, name, content, why):
    config, files = made
    files.report(name).unlink() if content is None else files.report(name).write_text(content)
    page = page_of(config, files)
    assert f"Not available. reports/{name}.json {why}" in page.text
    assert ("may be promoted" in page.text) == (name in ("preparation", "validation", "explain", "selection"))


@pytest.mark.parametrize("name", ["fairness", "robustness"])
@pytest.mark.parametrize(
    ("content", "why"), [(None, "was not written"), ("{ broken", "is not JSON"), ("[]", "holds no figures")]
)
def test_a_part_whose_report_is_missing_or_broken_is_not_available_and_says_nothing_else(made, name, content, why):
    config, files = made
    files.report(name).unlink() if content is None else files.report(name).write_text(content)
    said = part(page_of(config, files), name)
    assert f"Not available. reports/{name}.json {why}." in said
    assert not any(word in said for word in ("interval", "would", "approved alike"))


def test_the_verdict_begins_with_what_changed_since_the_champion(made):
    config, files = made
    setting = {"kind": "threshold", "key": "gates[<b>].at_least", "old": "0.7", "new": "0.6"}
    facts = [{"fact": "test rows", "old": 6000, "new": 5000}, {"fact": "approve", "old": 0.7, "new": None}]
    changed = {"champion": "ab", "sentence": "Changed since the champion.", "settings": [setting], "facts": facts}
    write_json(files.report("gate"), gate_record(config) | {"changed": changed})
    page = page_of(config, files)
    said = page.text[page.text.index("The gate’s verdict", page.text.index("Features not read")) :]
    assert said.index("Changed since the champion.") < said.index("Every check passes")
    assert "test rows: 6,000 → 5,000 approve: 70.0% → not known" in said
    assert "threshold gates[<b>].at_least 0.7 0.6" in said


def test_other_splits_stand_beside_the_run_with_what_blocked_them(whole):
    page = Page(whole[1])
    said = page.text[page.text.index("Is it one draw?") :]
    assert "2 of 3 splits pass every gate that reads test or selection rows (67%)." in said
    assert "discrimination does not pass in 1 of 3." in said
    assert "between 0.760 and 0.780, 0.770 on average, with a standard deviation of 0.010" in said
    assert "AUC 0.775 (0.761 to 0.789) 0.775 (0.770 to 0.780)" in said  # the test's, then all rows'
    assert "Worst score band, in log-odds not available 0.200 (0.195 to 0.205)" in said


def test_without_other_splits_the_page_says_so(made):
    config, files = made
    files.report("splits").unlink()
    said = page_of(config, files).text
    assert "Not available. reports/splits.json was not written." in said
    assert "splits pass" not in said


def test_of_three_parts_without_a_report_each_says_so(made):
    config, files = made
    for name in MEASURED:
        files.report(name).unlink()
    page = page_of(config, files)
    missing = re.findall(r"Not available\. (reports/\w+\.json) was not written\.", page.text)
    assert missing == ["reports/fairness.json", "reports/explain.json", "reports/robustness.json"]


def test_the_figures_of_fairness_reasons_and_robustness_stand_on_the_page(whole):
    page = Page(whole[1])
    assert "Where 100 “male” are approved, 91 of equally many “female” are (87 to 95): more than chance" in page.text
    assert "The search is switched off." in page.text
    assert "on the 61 test applications that the model declines" in page.text
    assert "Sent to a person 1.20 % (1.10 to 1.30)" in page.text
    assert "Odds doubled: 52.0% would be approved instead of 70.0%." in page.text
    assert "they WOULD LOSE 1.30% of the exposure per application, where 5.00% is expected now." in page.text
    assert "1,800 applications with a gap had to stay without a PD. None was decided" in page.text
    assert "2 WERE DECIDED as if nothing were wrong." in page.text
    assert "Not run: reports/parts/attacks.json was not written." in page.text


@pytest.mark.parametrize("name", ["fairness", "robustness"])
def test_figures_of_another_scorer_are_said_to_be(made, name):
    config, files = made
    write_json(files.report(name), MEASURED[name]() | {"scorer": "00" * 32})
    page = page_of(config, files)
    assert "another scorer" in part(page, name)
    assert "another scorer" not in part(page, "robustness" if name == "fairness" else "fairness")


def test_where_protected_columns_are_not_kept_the_page_says_why_and_claims_nothing(made):
    config, files = made
    write_json(files.report("fairness"), {"scorer": "5c" * 32, "unavailable": "the law forbids it", "contrasts": {}})
    said = part(page_of(config, files), "fairness")
    assert "Protected columns are not available here: the law forbids it. Nothing on this page says whether" in said
    assert "no gate" not in said


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "was not written"), ("", "is not a table"), ("other\n1\n", "lacks "), ("rows\n", "")],
)
def test_a_picture_that_cannot_be_drawn_says_so_in_its_place(made, content, why):
    config, files = made
    splits = files.reports / "stability" / "splits.csv"
    for path in (*files.plots.glob("*.csv"), files.model / "boosting.csv", splits):
        path.unlink() if content is None else path.write_text(content)
    page = page_of(config, files)
    for name in ("roc", "ks", "calibration", "gains", "scores", "profit", "effects", "boosting"):
        folder = "artifacts/model" if name == "boosting" else "reports/plots"
        assert f"Not available. {folder}/{name}.csv {why}" in page.text
    assert page.text.count(f"Not available. reports/stability/splits.csv {why}") == 2  # the picture and the table
    assert not page.named("svg")


def test_words_from_config_and_artefacts_are_escaped(made):
    config, files = made
    project = config.project.model_copy(update={"title": "<b>&amp;", "notice": "<script>alert(1)</script>"})
    record = gate_record(config)
    record["checks"][0]["sentence"] = "<img src=x onerror=alert(1)>"
    write_json(files.report("gate"), record)
    write_csv(files.plots / "segments.csv", tables()["segments"].assign(value="</table><script>"))
    hostile = tables()["effects"].assign(feature='"><script>')
    write_csv(files.plots / "effects.csv", hostile)
    page = page_of(config.model_copy(update={"project": project}), files)
    assert not page.named("script")
    assert not page.named("img")
    assert not page.named("b")
    assert "<b>&amp;" in page.text
    assert "<script>alert(1)</script>" in page.text


def test_two_runs_are_byte_identical(made, drawings):
    config, files = made
    report.run(config, files)
    first = files.page.read_bytes()
    drawings.clear()
    report.run(config, files)
    assert files.page.read_bytes() == first


def test_title_landmarks_headings_and_text_alternatives(whole):
    config, text = whole
    page = Page(text)
    assert f"<title>{config.project.title}: model report</title>" in text
    assert page.named("html")[0]["lang"] == "en"
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert len(page.named(landmark)) == 1
    pictures = page.named("svg")
    assert len(pictures) == 9
    assert all(svg["role"] == "img" and len(svg["aria-label"] or "") > 20 for svg in pictures)
    assert all({"scope"} <= set(cell) for cell in page.named("th"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_rows_that_no_step_accounts_for_are_shown(made):
    config, files = made
    write_json(files.report("preparation"), preparation() | {"rows_read": 1007})
    assert "Rows that no step accounts for 7" in page_of(config, files).text


def test_a_random_split_and_booked_accounts_are_stated(whole):
    page = Page(whole[1])
    assert "No out-of-time test. The rows were split at random: the data has no date." in page.text
    assert "A model of booked accounts says nothing certain about applicants who were declined" in page.text


def test_a_split_by_time_shows_its_dates(made):
    config, files = made
    dates = {name: ["2020-01-01", "2020-06-30"] for name in ("train", "selection", "test")}
    split = {"by": "time", "out_of_time": True, "first_test_day": "2020-09-01", "embargo_months": 12, "dates": dates}
    write_json(files.report("preparation"), preparation() | {"split": split})
    page = page_of(config, files)
    assert "Split by time. The test starts on 2020-09-01, with an embargo of 12 months" in page.text
    assert "No out-of-time test" not in page.text


def test_the_page_takes_what_the_stages_write(trained, tmp_path, monkeypatch):
    config, built = trained
    monkeypatch.setattr(resplits, "FEWEST", 1)  # the page of fewer splits is made as that of many
    shutil.copytree(built.root, tmp_path / "root")
    files = Files(tmp_path / "root")
    for stage in (evaluate, stability, fairness, explain, robustness, gate):
        stage.run(config, files)
    page = page_of(config, files)
    missing = re.findall(r"Not available\. [^.]*\.\w+", page.text)
    # The lender has plain categories, which the shap library cannot follow.
    assert missing == ["Not available. reports/explain/interactions.csv", "Not available. reports/validation.json"]
    assert "reports/explain/interactions.csv has no rows" in page.text
    assert "interactions: the shap library cannot follow splits on plain categories." in page.text
    assert re.findall(r"Not run: [^.]*\.\w+", page.text) == ["Not run: reports/parts/attacks.json"]
    assert not [name for name in MEASURED if "another scorer" in part(page, name)]
    recorded = json.loads(files.report("gate").read_text())
    assert len(page.named("figure")) == len(page.named("svg")) + 1
    assert all(check["sentence"] in page.text for check in recorded["checks"])


def test_a_column_that_carries_its_interval_says_so_in_its_heading(tmp_path):
    path = tmp_path / "deciles.csv"
    path.write_text("decile,bad_rate,low,high\n1,0.5,0.4,0.6\n", encoding="utf-8")
    assert [heading for heading, _ in figures.table_of(path, {})["headings"]] == [
        "Decile",
        "Bad rate (interval)",
    ]
    path.write_text("decile,bad_rate\n1,0.5\n", encoding="utf-8")
    assert [heading for heading, _ in figures.table_of(path, {})["headings"]] == ["Decile", "Bad rate"]

"""The tab as a person meets it: a real browser on a real server, by mouse and by keyboard, on two widths."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))
import server

from credit_risk.monitoring.tab import NONE_YET
from credit_risk.serving.clients import key_file
from monitoring.test_page import report
from serving.conftest import root
from serving.test_page_in_browser import ENVIRONMENT, browser, page, tab, width

__all__ = ["browser", "page", "report", "root", "tab", "width"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(browser, root, tmp_path_factory) -> Path:
    return server.place(tmp_path_factory.mktemp("tab"), root)


@pytest.fixture(scope="module")
def url(folder) -> Iterator[str]:
    with server.serving(folder, environment=ENVIRONMENT) as served:
        yield served.url


@pytest.fixture
def reported(folder, report) -> Iterator[None]:
    path = folder / "reports" / "monitoring.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report), encoding="utf-8")
    yield
    path.unlink()


def section(page: Page, title: str):
    return page.get_by_role("region", name=title, exact=True)


def test_the_last_report_is_shown_with_counts_and_intervals(reported, page):
    page.get_by_role("tab", name="Monitoring").click()
    expect(page.locator("main.columns")).to_be_hidden()
    changed = section(page, "What changed since the month before")
    expect(changed).to_contain_text("2,468 decisions until 2026-04-15")
    expect(changed).to_contain_text(
        "income: IN in 2026-02, OUT in 2026-03 (PSI 0.300 (0.150 to 0.600), 1,234 decisions)"
    )
    expect(page.locator(".verdicts li")).to_have_count(4)
    drift = page.get_by_role("row", name="income")
    expect(drift.first).to_contain_text("0.300 (0.150 to 0.600)")
    expect(page.get_by_role("img", name="PSI of income by month: 0.300, 0.300")).to_be_visible()
    expect(page.get_by_role("row", name="approve OUT 2026-03")).to_contain_text("50.0 % (49.0 % to 51.0 %)")
    expect(page.get_by_role("row", name="auc").first).to_contain_text("0.700 (0.600 to 0.800)")
    expect(page.get_by_role("row", name="good").last).to_contain_text("90")
    for heading in ("Foretold and come", "Vintages", "Estimates before maturity", "Overrides", "The declined"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()


def test_words_of_a_report_are_text_and_never_markup(reported, page):
    page.get_by_role("tab", name="Monitoring").click()
    expect(page.get_by_role("rowheader", name="A <b>")).to_be_visible()
    expect(page.locator("#measured b")).to_have_count(0)


def test_the_keyboard_alone_goes_there_and_back(reported, page):
    page.get_by_role("tab", name="Application").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-monitoring"
    expect(page.locator("#measured section").first).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#monitoring")).to_be_hidden()
    expect(page.get_by_role("button", name="Decide")).to_be_visible()


def test_where_nothing_was_measured_it_says_so_and_what_comes_is_shown(page, folder, report):
    page.get_by_role("tab", name="Monitoring").click()
    expect(page.locator("#measured")).to_contain_text(NONE_YET)
    path = folder / "reports" / "monitoring.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report), encoding="utf-8")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#measured")).to_contain_text("2,468 decisions")
    path.unlink()


@pytest.mark.weekly
def test_where_access_is_on_it_takes_a_key_with_the_scope_admin(browser, root, tmp_path):
    folder = server.place(tmp_path, root, access={"mode": "keys", "keys_file": "keys.json"})
    keys = {scope: key_file.add_key(folder / "keys.json", scope, [scope], 1) for scope in ("decide", "admin")}
    with server.serving(folder, environment=ENVIRONMENT) as served, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{served.url}/#monitoring")
        page.get_by_label("Admin key").fill(keys["decide"])
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_role("alert")).to_contain_text("This needs the scope 'admin'")
        page.get_by_label("Admin key").fill(keys["admin"])
        page.get_by_role("button", name="Show").click()
        expect(page.locator("#measured")).to_contain_text(NONE_YET)
        assert keys["admin"] not in page.content()

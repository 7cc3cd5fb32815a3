"""The page as a person meets it: a real browser on a real server, by mouse and by keyboard, on two widths."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
import server

from credit_risk.serving.clients import key_file
from tools import needed

pytestmark = pytest.mark.slow

ENVIRONMENT = {"CREDIT_RISK_LEDGER_KEY": "5e" * 32}
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WORDS = {"approve": "Approve", "decline": "Decline", "refer": "Refer to a person"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needed(BROWSER, "no chromium, chromium-browser or google-chrome on the PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def url(browser, root, tmp_path_factory) -> Iterator[str]:
    folder = server.place(tmp_path_factory.mktemp("page"), root)
    with server.serving(folder, environment=ENVIRONMENT) as found:
        yield found.url


@pytest.fixture(params=[1280, 390], ids=["wide", "narrow"])
def width(request) -> int:
    return request.param


@pytest.fixture(scope="module")
def tab(browser) -> Iterator[Page]:
    """One for all: a process of the browser each would cost more than what the tests ask of it."""
    with browser.new_context() as context:
        opened = context.new_page()
        opened.add_init_script("addEventListener('securitypolicyviolation', (e) => console.error(e.violatedDirective))")
        yield opened


@pytest.fixture
def page(tab, url, width) -> Iterator[Page]:
    """The page anew, on a width; whatever the console says or is asked of another place fails the test at its end."""
    said: list[str] = []
    asked: list[str] = []
    heard = {
        "console": lambda message: said.append(message.text) if message.type in ("error", "warning") else None,
        "pageerror": lambda error: said.append(str(error)),
        "request": lambda request: asked.append(request.url),
    }
    for event, hear in heard.items():
        tab.on(event, hear)
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto(url)
    yield tab
    overflow = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    for event, hear in heard.items():
        tab.remove_listener(event, hear)
    # The browser itself reports each refused application as a failed load.
    assert [one for one in said if "status of 422" not in one] == []
    assert [one for one in asked if not one.startswith(url)] == []
    assert overflow == 0


def decide(page: Page, application: dict[str, Any]) -> Locator:
    """Paste an application, press Decide, and give what is answered."""
    page.get_by_text("Paste it as JSON").click()
    page.locator("#json").fill(json.dumps(application))
    page.get_by_role("button", name="Decide").click()
    answer = page.locator("#answer")
    expect(answer).to_be_visible()
    return answer


def test_an_example_is_decided_with_its_score_and_what_it_rests_on(page):
    page.get_by_role("button", name="Fill in an example").click()
    with page.expect_response("**/decide?explain=true") as sent:
        page.get_by_role("button", name="Decide").click()
    reply = sent.value.json()
    answer = page.locator("#answer")
    expect(answer.locator(".said strong")).to_have_text(WORDS[reply["decision"]])
    score = f"Score {reply['score']:.0f} in band {reply['band']}; the cut-off lies at "
    assert answer.locator("svg.scale").get_attribute("aria-label").startswith(score)
    told = answer.locator("tbody tr .num").all_text_contents()
    added = sorted((one["log_odds"] for one in reply["contributions"]), reverse=True)
    assert [float(one.replace("−", "-")) for one in told] == pytest.approx(added, abs=0.006)
    assert page.evaluate("document.activeElement.id") == "result"


def test_an_approval_gives_no_reasons_and_no_notice(page, application):
    answer = decide(page, application)
    expect(answer.locator(".said strong")).to_have_text("Approve")
    expect(answer.get_by_text("Principal reasons")).to_have_count(0)
    expect(answer.locator("#letter")).to_have_count(0)


def test_a_decline_shows_its_reasons_and_the_draft_of_a_notice_that_states_them(page, risky):
    page.get_by_label("Applicant").fill("person 7")
    answer = decide(page, risky)
    expect(answer.locator(".said strong")).to_have_text("Decline")
    first = answer.locator("ol li").first
    expect(first).to_contain_text("payments were late (R01)")
    expect(first).to_contain_text("among applications that were just accepted")
    letter = answer.locator("#letter").inner_text()
    assert "To: person 7" in letter
    assert "1. payments were late" in letter
    assert "Statement of rights" in letter


def test_what_a_policy_rule_declines_names_the_rule(page, application):
    answer = decide(page, application | {"months_late": 7})
    expect(answer).to_contain_text("by policy rule: very late")
    expect(answer.locator("#letter")).to_contain_text("1. six months late or more")


def test_a_referral_says_why_nothing_was_scored_and_shows_no_figure(page, application):
    answer = decide(page, application | {"months_late": None})
    expect(answer.locator(".said strong")).to_have_text("Refer to a person")
    expect(answer).to_contain_text("months_late: missing, expected a whole number from 0 to 24")
    expect(answer.locator("svg")).to_have_count(0)
    expect(answer.locator("#letter")).to_have_count(0)


def test_what_is_refused_marks_its_fields_and_leads_to_them(page, application):
    answer = decide(page, application | {"income": -5, "term_months": 0})
    alert = answer.get_by_role("alert")
    expect(alert).to_contain_text("2 faults; nothing was decided.")
    income = page.get_by_label("income")
    expect(income).to_have_attribute("aria-invalid", "true")
    expect(income.locator("..")).to_contain_text("got -5, expected a number from 0 to 10,000,000")
    assert page.locator("[aria-invalid]").count() == 2
    alert.get_by_role("link", name="term_months").click()
    assert page.evaluate("document.activeElement.dataset.name") == "term_months"
    described = page.evaluate(
        "document.getElementById(document.activeElement.getAttribute('aria-describedby').split(' ').at(-1)).textContent"
    )
    assert described == "got 0, expected a whole number from 1 to 480"
    page.get_by_role("button", name="Fill in an example").click()
    assert page.locator("[aria-invalid]").count() == 0


def test_what_is_left_empty_is_named_field_by_field(page):
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("alert").first).to_contain_text("nothing was decided")
    assert page.locator("[aria-invalid]").count() == 6  # income and months_late may be empty


def test_the_form_follows_what_is_pasted_and_the_json_what_is_entered(page, application):
    page.get_by_text("Paste it as JSON").click()
    page.locator("#json").fill(json.dumps(application))
    expect(page.get_by_label("income")).to_have_value("6000")
    expect(page.get_by_label("existing_customer")).to_have_value("true")
    page.get_by_label("income").fill("7000")
    assert json.loads(page.locator("#json").input_value()) == application | {"income": 7000}
    page.locator("#json").fill("[1")
    expect(page.locator("#json-wrong")).to_contain_text("This is not an application")
    expect(page.get_by_label("income")).to_have_value("7000")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sex": "female"}, "sex: expected no such field"),
        ({"income": "much"}, "income: got much, expected a number from 0 to 10,000,000"),
        ({"purpose": "boat"}, "purpose: got boat"),
    ],
)
def test_what_is_pasted_and_no_field_can_hold_is_refused_and_not_left_out(page, application, wrong, said):
    answer = decide(page, application | wrong)
    expect(answer.get_by_role("alert")).to_contain_text(said)
    page.get_by_role("button", name="Empty the form").click()
    assert page.locator("#json").input_value() == ""


def test_what_is_no_application_or_no_number_is_not_sent(page, application):
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.get_by_role("button", name="Fill in an example").click()
    page.get_by_label("income").fill("")
    page.get_by_label("income").press_sequentially("1e")
    page.get_by_role("button", name="Decide").click()
    expect(page.locator("#answer").get_by_role("alert")).to_contain_text("income: got no number, expected a number")
    page.get_by_label("income").fill("10")
    page.get_by_text("Paste it as JSON").click()
    page.locator("#json").fill("[1")
    page.get_by_role("button", name="Decide").click()
    expect(page.locator("#answer").get_by_role("alert")).to_contain_text("This is not an application")
    assert sent == []


def test_the_keyboard_alone_decides(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "example":
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "decide"
    page.keyboard.press("Enter")
    expect(page.locator("#answer .said")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "result"


def test_markup_in_what_is_sent_stays_text(page, application):
    page.get_by_label("Applicant").fill("<img src=x onerror=alert(1)>")
    answer = decide(page, application | {"months_late": 7})
    expect(answer.locator("#letter")).to_contain_text("To: <img src=x onerror=alert(1)>")
    expect(answer.locator("img")).to_have_count(0)


@pytest.mark.weekly
def test_where_access_is_on_the_page_asks_for_a_key_and_says_what_is_wrong_with_it(browser, root, tmp_path):
    folder = server.place(tmp_path, root, access={"mode": "keys", "keys_file": "keys.json"})
    key = key_file.add_key(folder / "keys.json", "branch 4", ["decide"], 1)
    with server.serving(folder, environment=ENVIRONMENT) as found, browser.new_context() as context:
        page = context.new_page()
        page.goto(found.url)
        page.get_by_role("button", name="Fill in an example").click()
        page.get_by_role("button", name="Decide").click()
        expect(page.get_by_role("alert").first).to_contain_text("X-API-Key")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Decide").click()
        expect(page.locator("#answer .said")).to_be_visible()
        assert key not in page.content()


@pytest.mark.weekly
def test_a_service_that_is_gone_is_said_so(browser, root, tmp_path):
    folder = server.place(tmp_path, root)
    with browser.new_context() as context:
        page = context.new_page()
        with server.serving(folder, environment=ENVIRONMENT) as found:
            page.goto(found.url)
        page.get_by_role("button", name="Fill in an example").click()
        page.get_by_role("button", name="Decide").click()
        expect(page.get_by_role("alert").first).to_contain_text("The service did not answer")

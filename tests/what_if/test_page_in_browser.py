"""The page in a browser: its figures are the pipeline's at the same policy, and it is moved by keyboard."""

import shutil

import pandas as pd
import pytest
from playwright.sync_api import expect, sync_playwright

from credit_risk.cli import main
from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.modelling.assembly import load_current
from credit_risk.modelling.protected_split import ProtectedSplit
from credit_risk.modelling.scored_split import read_scored
from credit_risk.stages import assemble, evaluate, fairness
from credit_risk.what_if.grid import TriedPolicy, in_force
from credit_risk.what_if.rows import judged
from tools import needed

pytestmark = pytest.mark.slow

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def tab(shown):
    needed(BROWSER, "no chromium, chromium-browser or google-chrome on the PATH: apt-get install chromium")
    said = []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        page = opened.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((shown[1].reports / "what-if.html").as_uri())
        yield page
        assert said == []
        opened.close()


@pytest.fixture
def page(tab):
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.reload()
    return tab


def figures_at(page, index, margin, lgd):
    return page.evaluate(
        """([index, margin, lgd]) => {
            const policy = data.policies[index];
            return {...book(policy, margin, lgd), decided: decided(policy), cutOff: policy.cut_off,
                    within: policy.refer_within, swaps: swaps(start, policy),
                    contrasts: data.contrasts.map((each) => contrastAt(each, policy)),
                    limit: data.approvals_end === "upper" ? policy.upper : policy.lower};
        }""",
        [index, margin, lgd],
    )


def test_the_policy_taken_through_the_pipeline_gives_the_figures_of_the_page(page, shown, tmp_path):
    """Taken by the page's own command, assembled anew, and measured by the stages `evaluate` and `fairness`."""
    root = tmp_path / "taken"
    shutil.copytree(shown[1].root, root)
    page.locator("#cut-off").focus()
    page.keyboard.press("ArrowRight")
    while not page.evaluate("data.contrasts[0].at[state.policy.lower] && state.policy.cut_off > 0.2"):
        page.keyboard.press("ArrowRight")
    command = page.locator("#take").input_value()
    assert command.startswith("credit-risk what-if take --cut-off 0.2")
    assert main([*command.split()[1:], "--write", "--root", str(root)]) == 0
    config, files = load(root / "configs" / "credit.yaml"), Files(root)
    assemble.run(config, files)

    index = page.evaluate("data.policies.indexOf(state.policy)")
    seen = figures_at(page, index, config.policy.margin, config.policy.lgd)
    scorer = load_current(config, files.scorer)
    test = read_scored(config, files, {scorer.model.kind: scorer}, "test", representative=True)
    figures = evaluate.by_decision(config, test)
    for name, key in (("final_approval_rate", "approvalRate"), ("final_profit_per_application", "profit")):
        assert seen[key] == pytest.approx([figures[name].value, figures[name].low, figures[name].high], abs=1e-12), name
    mix = evaluate.decision_mix(test)
    shares = {name: sum(counts) / len(test.outcomes) for name, counts in seen["decided"].items()}
    assert shares == pytest.approx({"refused": 0.0} | mix, abs=1e-12)
    approved = test.decisions[test.model].approved
    assert seen["badRate"][0] == pytest.approx(test.outcomes["bad"][approved].mean(), abs=1e-12)

    protected = ProtectedSplit(config, files, "test", scorer)
    report = fairness.measured(config, protected, {}, {})["contrasts"]
    exact = 0
    for declared, at in zip(config.fairness.contrasts, seen["contrasts"], strict=True):
        for end, (ratio, difference) in at:
            if end == seen["limit"]:
                exact += 1
                of = report[declared.name]
                assert ratio == pytest.approx([of["ratio"], of["ratio_low"], of["ratio_high"]], abs=1e-12)
                assert difference[0] == pytest.approx(of["difference"], abs=1e-12)
    assert exact >= 1


def test_every_policy_of_the_grid_is_counted_as_the_rows_are_decided(page, shown):
    config, files = shown
    scorer = load_current(config, files.scorer)
    test = read_scored(config, files, {scorer.model.kind: scorer}, "test", representative=True)
    applicant, _ = pd.factorize(test.outcomes["group"])
    bad = test.outcomes["bad"].to_numpy(dtype=bool)
    rows = judged(scorer, test.all_inputs, bad, applicant)
    now = rows.outcomes(in_force(config.policy))
    words, moved = ("approve", "refer", "decline"), ~rows.fixed
    for index in range(page.evaluate("data.policies.length")):
        seen = figures_at(page, index, 0.3, 0.4)
        then = rows.outcomes(TriedPolicy(seen["cutOff"], seen["within"]))
        for code, word in enumerate((*words, "refused")):
            assert seen["decided"][word] == [int(((then == code) & (bad == which)).sum()) for which in (False, True)]
        for before, first in enumerate(words):
            for after, second in enumerate(words):
                both = moved & (now == before) & (then == after)
                assert seen["swaps"][f"{first} {second}"] == [int((both & (bad == of)).sum()) for of in (False, True)]


def test_it_is_moved_by_keyboard_and_says_what_it_shows(page):
    expect(page.locator("#take-says")).to_have_text("This is the policy in force.")
    expect(page.locator("#take")).to_be_hidden()
    page.keyboard.press("Tab")
    expect(page.locator("#cut-off")).to_be_focused()
    before = page.locator("#summary").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#summary").inner_text() != before
    assert page.locator("#cut-off").get_attribute("aria-valuetext").startswith("PD of ")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    expect(page.locator("#take")).to_have_value(page.locator("#take").input_value())
    assert "--refer-within 0 " in page.locator("#take").input_value() + " "
    page.get_by_role("button", name="The policy in force").press("Enter")
    assert page.locator("#summary").inner_text() == before
    # With double the margin approving pays further up, at (0.24 − 0.01) / (0.24 + 0.5).
    page.evaluate("state.margin = 0.24")
    page.get_by_role("button", name="break even").press("Enter")
    assert page.evaluate("state.policy.cut_off") == pytest.approx(0.3108, abs=0.02)
    # (0.5 × 0.5 + 0.01) / 0.5
    assert page.evaluate("marginAt(0.5, 0.5)") == pytest.approx(0.52, abs=1e-12)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("#cut-off").focus()
    page.keyboard.press("End")
    assert page.evaluate("document.documentElement.scrollWidth") == width

"""`credit-risk what-if` on a trained lender."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from credit_risk.cli import main
from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.modelling.assembly import load_current
from credit_risk.modelling.protected_split import ProtectedSplit
from credit_risk.scoring import decision
from credit_risk.what_if import aggregates, settings
from credit_risk.what_if.grid import TriedPolicy, in_force
from credit_risk.what_if.rows import judged

SETTINGS = Path(__file__).parents[2] / "configs" / "what-if.yaml"


@pytest.fixture(scope="module")
def rows(shown):
    config, files = shown
    test = ProtectedSplit(config, files, "test", load_current(config, files.scorer))
    return test, judged(test.scorer, test.inputs, test.bad, test.cases.applicant)


def under(config, cut_off, within, lgd):
    """The config with a policy of this cut-off; the margin is solved for here anew, not by what is tested."""
    margin = (cut_off * lgd + config.policy.cost) / (1 - cut_off)
    policy = config.policy.model_copy(update={"margin": margin, "lgd": lgd, "refer_within": within})
    return config.model_copy(update={"policy": policy})


@pytest.mark.parametrize(("cut_off", "within"), [(0.1, 0.0), (0.25, 0.03), (0.5, 0.1)])
@pytest.mark.parametrize("rule", ["decline", "refer"])
def test_rows_are_decided_as_the_scorer_decides_them_under_that_policy(rows, cut_off, within, rule):
    test, _ = rows
    config = under(test.config, cut_off, within, 0.5)
    ruled = config.policy.rules[0].model_copy(update={"where": "months_late >= 2", "decision": rule})
    policy = config.policy.model_copy(update={"rules": (ruled,)})
    scorer = replace(test.scorer, config=config.model_copy(update={"policy": policy}))
    tried = judged(scorer, test.inputs, test.bad, test.cases.applicant)
    expected = scorer.decide_inputs(test.inputs, reasons=False).outcome
    assert np.array_equal(tried.outcomes(TriedPolicy(cut_off, within)), expected)
    assert len(np.unique(expected)) >= (2 if within == 0 and rule == "decline" else 3)


def test_a_group_too_small_to_be_withheld_alone_withholds_its_attribute(shown, rows):
    config, files = shown
    test, tried = rows
    least = settings.load(files.root / "configs" / "what-if.yaml")
    few = least.model_copy(update={"smallest_cell": int((test.groupings["age"].code == 2).sum()) + 1})
    numbers = aggregates.of_rows(config, few, tried, test.groupings)
    of_age = next(each for each in numbers["contrasts"] if each["attribute"] == "age")
    assert of_age["at"] == {}
    assert of_age["why"] == "the cells of a group are too small at every cut-off"
    assert numbers["in_force"] is not None


def test_no_cell_of_any_group_in_the_page_is_smaller_than_declared(shown, rows):
    test, tried = rows
    numbers = json.loads((shown[1].reports / "what-if.json").read_text())
    ends = [limit["pd"] for limit in numbers["limits"]]
    for each in numbers["contrasts"]:
        grouping, shown_at = test.groupings[each["attribute"]], [ends[int(at)] for at in each["at"]]
        assert len(shown_at) >= 3
        for name in grouping.names:
            pds = tried.pd[grouping.rows(name) & tried.by_pd]
            cells = np.histogram(pds, bins=[0, *sorted(shown_at), 1])[0]
            assert ((cells == 0) | (cells >= 10)).all(), (each["name"], name, cells)
    both = tried.by_pd | tried.by_pd_or_referred
    assert np.histogram(tried.pd[both], bins=[0, *ends, 1])[0].min() >= 10


def test_the_page_is_the_same_each_time_and_holds_no_row(shown, tmp_path):
    root = tmp_path / "again"
    shutil.copytree(shown[1].root, root)
    page = root / "reports" / "what-if.html"
    before = page.read_bytes()
    assert main(["what-if", "page", "--root", str(root)]) == 0
    assert page.read_bytes() == before
    assert str(root).encode() not in before
    assert b"http:" not in before.replace(b"http://www.w3.org", b"")


def test_a_patch_is_what_git_applies_and_the_policy_has_the_cut_off(shown, tmp_path, capsys):
    root = tmp_path / "lender"
    shutil.copytree(shown[1].root / "configs", root / "configs")
    before = (root / "configs" / "credit.yaml").read_text(encoding="utf-8")
    words = ["what-if", "take", "--cut-off", "0.25", "--refer-within", "0.01", "--lgd", "0.6", "--root", str(root)]
    assert main(words) == 0
    (tmp_path / "policy.patch").write_text(capsys.readouterr().out, encoding="utf-8")
    assert (root / "configs" / "credit.yaml").read_text(encoding="utf-8") == before
    subprocess.run(["git", "apply", tmp_path / "policy.patch"], cwd=root, check=True)
    patched = (root / "configs" / "credit.yaml").read_text(encoding="utf-8")
    assert in_force(load(root / "configs" / "credit.yaml").policy) == TriedPolicy(0.25, 0.01)
    assert len([line for line in patched.splitlines() if line not in before.splitlines()]) == 3

    (root / "configs" / "credit.yaml").write_text(before, encoding="utf-8")
    assert main([*words, "--write"]) == 0
    assert (root / "configs" / "credit.yaml").read_text(encoding="utf-8") == patched
    capsys.readouterr()
    assert main([*words, "--write"]) == 0
    assert "policy in force" in capsys.readouterr().out


def test_a_scorer_of_another_policy_is_refused(harmed, capsys):
    _, files = harmed
    shutil.copy(SETTINGS, files.root / "configs")
    assert main(["what-if", "take", "--cut-off", "0.3", "--write", "--root", str(files.root)]) == 0
    assert main(["what-if", "page", "--root", str(files.root)]) == 2
    assert "dvc repro assemble" in capsys.readouterr().err
    assert not (Files(files.root).reports / "what-if.html").exists()


def test_without_its_settings_it_says_which_file(harmed, capsys):
    _, files = harmed
    assert main(["what-if", "page", "--root", str(files.root)]) == 2
    assert "what-if.yaml" in capsys.readouterr().err


def test_who_is_in_doubt_is_counted_and_not_approved(shown):
    numbers = json.loads((shown[1].reports / "what-if.json").read_text())
    assert numbers["in_doubt"] >= 0
    assert (
        sum(sum(each) for each in numbers["fixed"]) + sum(numbers["by_pd"]) + sum(numbers["ruled"]) == numbers["rows"]
    )
    assert decision.OUTCOMES == ("approve", "refer", "decline", "refused")  # the order of `fixed`, which the page reads

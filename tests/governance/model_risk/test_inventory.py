"""The inventory's entry: three persons, a tier by declared rules, an approval that holds; and what of it is missing."""

import re
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json, write_text
from credit_risk.errors import ConfigError, NotFound
from credit_risk.governance.model_risk import giving_opinion, inventory
from credit_risk.governance.model_risk.inventory import Approval, Dependency, Inventory, Materiality, VendorData

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 30)
CONFIG = SimpleNamespace(project=SimpleNamespace(name="cards"), columns={"score": None})
POLICY = inventory.load_tiers(ROOT)
ENTRY = Inventory(
    version=1,
    model="cards",
    owner="Olu Ade",
    developer="Kim Lee",
    validator="Ada Berg",
    intended_use="cards for private customers",
    population="residents who apply online",
    frameworks=("ecoa",),
    materiality=Materiality(exposure=1, decisions_a_year=1, automated=True),
    approval=Approval(by="Olu Ade", on=date(2026, 11, 1), until=date(2027, 11, 1)),
)


def faults(today=TODAY, **changes):
    entry = ENTRY.model_copy(update=changes)
    return inventory.faults(entry, inventory.tier_of(entry, POLICY), CONFIG, today)


def test_a_whole_entry_has_no_fault():
    assert faults() == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"owner": ""}, "owner is '', expected a first and a last name"),
        ({"developer": "the team"}, "developer is 'the team'"),
        ({"validator": "Lee, Kim"}, "developer and validator are one person, Kim Lee"),
        ({"owner": "ADA BERG"}, "owner and validator are one person, ADA BERG"),
        ({"intended_use": " "}, "intended_use is empty"),
        ({"population": ""}, "population is empty"),
        ({"model": "loans"}, "it is the entry of 'loans'"),
        ({"approval": Approval()}, "nobody has approved its use: tier 3 is approved by the model's owner"),
        ({"approval": Approval(by="Kim Lee", on=TODAY, until=TODAY)}, "Kim Lee developed it and approved its use"),
        ({"approval": Approval(by="Olu Ade", on=TODAY, until=date(2029, 12, 1))}, "tier 3 is reviewed by 2029-11-30"),
        (
            {"materiality": Materiality(exposure=0, decisions_a_year=1, automated=True)},
            "materiality.exposure is 0, and the tier follows from it",
        ),
        (
            {"materiality": Materiality(exposure=1, decisions_a_year=0, automated=True)},
            "materiality.decisions_a_year is 0, and it decides by itself",
        ),
        ({"dependencies": (Dependency(name="the bureau", owner="IT"),)}, "nobody answers for the bureau"),
    ],
)
def test_what_is_missing_is_named(changes, sentence):
    (fault,) = faults(**changes)
    assert sentence in fault


@pytest.mark.parametrize(("today", "count"), [(date(2027, 11, 1), 0), (date(2027, 11, 2), 1), (date(2026, 10, 31), 1)])
def test_an_approval_holds_from_its_day_to_its_last(today, count):
    assert len(faults(today)) == count


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"columns": ("income",)}, "delivers income, which the config does not know"),
        ({"contract_until": date(2026, 11, 29)}, "ended on 2026-11-29"),
        ({"looked_through": date(2023, 11, 29)}, "last looked through on 2023-11-29"),
    ],
)
def test_vendor_data_are_known_under_contract_and_looked_through(changes, sentence):
    whole = VendorData(vendor="B", columns=("score",), contract_until=TODAY, looked_through=date(2023, 11, 30))
    assert faults(vendor_data=(whole,)) == []
    (fault,) = faults(vendor_data=(whole.model_copy(update=changes),))
    assert sentence in fault


@pytest.mark.parametrize(
    ("exposure", "decisions", "automated", "tier"),
    [
        (0, 0, True, 3),
        (9_999_999, 9_999, True, 3),
        (10_000_000, 0, True, 2),
        (0, 10_000, True, 2),
        (0, 10_000, False, 3),
        (100_000_000, 0, False, 1),
        (0, 100_000, True, 1),
    ],
)
def test_the_tier_follows_from_the_limits_it_reaches(exposure, decisions, automated, tier):
    materiality = Materiality(exposure=exposure, decisions_a_year=decisions, automated=automated)
    assert inventory.tier_of(ENTRY.model_copy(update={"materiality": materiality}), POLICY).tier == tier


def test_the_parts_of_a_tier_are_reports_about_exactly_the_scorer(tmp_path):
    files, second = Files(tmp_path), POLICY.tiers[1].model_copy(update={"parts": ("measured",)})
    (fault,) = inventory.faults_of_parts(second, files, "s")
    assert fault.startswith("reports/parts/measured.json is not there")
    write_json(files.part("measured"), {"scorer": "another"})
    assert "about another scorer" in inventory.faults_of_parts(second, files, "s")[0]
    write_json(files.part("measured"), {"scorer": "s"})
    assert inventory.faults_of_parts(second, files, "s") == []


def test_the_shipped_entry_is_read_and_owes_what_nobody_wrote():
    entry = inventory.load(ROOT)
    config = Config.model_construct(project=SimpleNamespace(name=entry.model), columns={})
    missing = inventory.faults(entry, inventory.tier_of(entry, POLICY), config, TODAY)
    assert [fault.split()[0] for fault in missing] == [
        *("owner", "developer", "validator", "intended_use", "population"),
        *("materiality.exposure", "materiality.decisions_a_year", "nobody"),
    ]


def test_a_missing_or_faulty_file_is_said(tmp_path):
    with pytest.raises(NotFound):
        inventory.load(tmp_path)
    assert inventory.applies_if_there(tmp_path) is None
    text = (ROOT / inventory.TIERS).read_text()
    write_text(tmp_path / inventory.TIERS, text.replace("  config: {opinion: true, approval: false}\n", ""))
    with pytest.raises(ConfigError, match="config has no needs"):
        inventory.load_tiers(tmp_path)


def test_no_word_is_given_of_a_scorer_that_is_not_there(tmp_path):
    with pytest.raises(NotFound, match="There is no scorer yet: `make run` makes it"):
        giving_opinion.digest_of_scorer(Files(tmp_path))


def test_a_model_that_decides_nothing_by_itself_needs_no_count_of_decisions():
    assert faults(materiality=Materiality(exposure=1, decisions_a_year=0, automated=False)) == []


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("applies: [us, eu, us_listed]", "applies: [usa]", "no policy knows 'usa'; known: eu, us, us_listed"),
        ("frameworks: [ecoa, model_risk]", "frameworks: [ecoa, sox2]", "no policy knows 'sox2'; known: ai_act"),
    ],
)
def test_a_word_that_no_policy_knows_is_refused_for_its_controls_would_be_asked_of_nobody(
    tmp_path, before, after, sentence
):
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    text = (tmp_path / inventory.FILE).read_text()
    assert inventory.load(tmp_path).model == "uci-card-default"
    write_text(tmp_path / inventory.FILE, text.replace(before, after))
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        inventory.load(tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("exposure: 100_000_000", "exposure: 10"),
        ("decisions_a_year: 10_000\n", "decisions_a_year: 0\n"),
        ("tier: 3", "tier: 2"),
    ],
)
def test_tiers_out_of_their_order_are_refused(tmp_path, before, after):
    text = (ROOT / inventory.TIERS).read_text()
    assert before in text
    write_text(tmp_path / inventory.TIERS, text.replace(before, after, 1))
    with pytest.raises(ConfigError, match="expected a higher number and lower limits"):
        inventory.load_tiers(tmp_path)

"""The PMML document: its points by bin, its reason codes, and by a real evaluator the points of every application."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from lxml import etree

from credit_risk.exports import pmml
from credit_risk.exports.equality import EqualityTrial
from credit_risk.exports.pmml_text import NAMESPACE
from tools import needed

IN = {"p": NAMESPACE}
NEEDED = Path(__file__).parents[2] / "requirements" / "pmml.in"
EVALUATE = """
import json, sys
from jpmml_evaluator import make_evaluator
evaluator = make_evaluator(sys.argv[1])
for line in sys.stdin:
    try:
        answer = evaluator.evaluate(json.loads(line))
        print(json.dumps([answer["points"], answer["reason_1"]]))
    except Exception as error:
        print(json.dumps([None, f"{type(error).__name__}: {error}"]))
"""


def root_of(card):
    return etree.fromstring(pmml.document(card))


def test_each_bin_has_its_whole_points_and_each_characteristic_its_family(small_card):
    root = root_of(small_card)
    scorecard = root.find("p:Scorecard", IN)
    assert scorecard.get("initialScore") == "500"
    late, debt = scorecard.findall(".//p:Characteristic", IN)
    assert (late.get("name"), late.get("reasonCode"), late.get("baselineScore")) == ("late", "R01", "-3")
    assert [its.get("partialScore") for its in late.findall("p:Attribute", IN)] == ["0", "0", "-50"]
    assert [its.get("partialScore") for its in debt.findall("p:Attribute", IN)] == ["-5", "10", "-20"]
    missing, low, high = (its[0] for its in debt.findall("p:Attribute", IN))
    assert missing.get("operator") == "isMissing"
    assert [(its.get("operator"), its.get("value")) for its in (low, high)] == [
        ("lessThan", "0.5"),
        ("greaterOrEqual", "0.5"),
    ]


def test_special_codes_are_answers_beyond_the_range_with_bins_of_their_own(hard_card):
    root = root_of(hard_card)
    field = root.find("p:DataDictionary/p:DataField[@name='bureau']", IN)
    limits = [(float(its.get("leftMargin")), float(its.get("rightMargin"))) for its in field]
    assert limits == [(0, 9), (-9, -9), (-8, -8), (-7.5, -7.5), (-5, -5)]
    bureau = root.find(".//p:Characteristic[@name='bureau']", IN)
    scores = [int(its.get("partialScore")) for its in bureau.findall("p:Attribute", IN)]
    assert scores[:4] == [-30, -26, -22, -25]  # no_record, frozen, never_seen, missing
    no_record = bureau.find("p:Attribute", IN)[0]
    assert [float(its.get("value")) for its in no_record] == [-9, -7.5]


def test_every_field_that_is_named_is_there(hard_card):
    root = root_of(hard_card)
    there = {its.get("name") for its in root.iterfind("p:DataDictionary/p:DataField", IN)}
    for derived in root.iterfind("p:TransformationDictionary/p:DerivedField", IN):  # each may name those before it
        assert {its.get("field") for its in derived.iterfind(".//p:FieldRef", IN)} <= there
        assert derived.get("name") not in there
        there.add(derived.get("name"))
    assert {its.get("field") for its in root.iterfind(".//p:SimplePredicate", IN)} <= there


@pytest.mark.weekly
def test_an_evaluator_gives_every_scored_application_the_points_of_the_card(hard_card, hard_applications, tmp_path):
    needed(shutil.which("java"), "Java is not installed: apt-get install default-jre-headless")
    folder = tmp_path / "evaluator"
    install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--target", str(folder), "-r", str(NEEDED)]
    subprocess.run(install, check=True)
    comparison = EqualityTrial.of(hard_card, hard_applications, 2_000)
    (tmp_path / "card.pmml").write_bytes(pmml.document(hard_card))
    rows = comparison.applications[list(hard_card.config.inputs)].astype(object)
    lines = [json.dumps(row) for row in rows.where(rows.notna(), None).to_dict("records")]
    answers = subprocess.run(
        [sys.executable, "-c", EVALUATE, str(tmp_path / "card.pmml")],
        input="\n".join(lines),
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    points = pd.Series([json.loads(answer)[0] for answer in answers])
    expected = comparison.expected["points"]
    scored = expected.notna()
    assert scored.sum() > 500
    assert points[scored].tolist() == expected[scored].tolist()

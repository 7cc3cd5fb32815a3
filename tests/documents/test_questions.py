"""What an examiner asks, and where a bundle answers it: each link leads into it, and what a person owes is said."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from credit_risk.data.writing import read_json, write_json, write_text
from credit_risk.documents import bundle, settings
from credit_risk.documents.questions import answered
from credit_risk.documents.settings import Question
from credit_risk.errors import ConfigError
from credit_risk.scoring import signing

ROOT = Path(__file__).parents[2]
DECLARED = """\
version: 1
documents:
  card:
    title: Card
    source: house
    sections: [{heading: Use, person: use, ask: For what?}]
questions:
  - ask: How well?
    at: ["reports/metrics.json#test.auc", documents/card.html]
  - ask: For <what>?
    at: [documents/card.html]
    person: [governance/texts/use.md, "configs/model-inventory.yaml#owner"]
"""


@pytest.mark.parametrize(
    ("at", "person", "state"),
    [
        (["reports/metrics.json#test.auc", "reports"], [], "answered"),
        (["reports/metrics.json#none", "reports/metrics.json#zero"], [], "answered"),  # computed: nothing, and 0
        (["verify.py", "manifest.sig"], [], "answered"),  # written last, in every bundle
        (["reports/metrics.json#lost"], [], "open"),
        (["reports/metrics.json#blank"], [], "open"),
        (["reports/other.json#auc"], [], "open"),
        (["reports/torn.json#auc"], [], "open"),
        (["empty"], [], "open"),
        (["reports/metrics.json", "reports/other.json"], [], "partly"),
        (["reports/metrics.json"], ["configs/names.yaml#owner"], "answered"),
        (["reports/metrics.json"], ["configs/names.yaml#persons"], "owed"),  # an empty list is nobody
        (["reports/metrics.json"], ["configs/names.yaml#exposure"], "owed"),
        (["reports/metrics.json"], ["governance/texts/sample.md"], "owed"),
        (["reports/metrics.json"], ["governance/texts/use.md"], "answered"),
        ([], ["governance/texts/lost.md"], "owed"),
        (["reports/other.json"], ["governance/texts/lost.md"], "open"),
        (["reports/other.json"], ["governance/texts/use.md"], "partly"),
    ],
)
def test_a_question_is_answered_by_what_is_there_and_says_something(tmp_path, at, person, state):
    write_json(tmp_path / "reports" / "metrics.json", {"test": {"auc": 0.7}, "none": [], "zero": 0, "blank": ""})
    write_text(tmp_path / "reports" / "torn.json", "{")
    write_text(tmp_path / "configs" / "names.yaml", "owner: Ada Berg\npersons: []\nexposure: 0\n")
    write_text(tmp_path / settings.TEXTS / "use.md", "For cards.")
    write_text(tmp_path / settings.TEXTS / "sample.md", "SAMPLE: for cards")
    (tmp_path / "empty").mkdir()
    (question,) = answered((Question(ask="?", at=tuple(at), person=tuple(person)),), tmp_path)
    assert question.state == state


@pytest.mark.parametrize(
    ("link", "position"),
    [
        ("reports/metric.json#test.auc", "questions.0.at.0"),
        ("documents/cart.html", "questions.0.at.0"),
        ("governance/texts/usage.md", "questions.0.at.0"),
        ("src/credit_risk/cli.py", "questions.0.at.0"),
    ],
)
def test_a_link_that_leads_to_what_no_bundle_holds_is_refused(tmp_path, link, position):
    write_text(tmp_path / settings.FILE, DECLARED.replace("reports/metrics.json#test.auc", link))
    with pytest.raises(ConfigError) as refused:
        settings.load(tmp_path)
    assert f"a bundle holds no '{link.partition('#')[0]}'" in str(refused.value)
    assert position in str(refused.value)


def test_a_question_without_an_answer_is_refused(tmp_path):
    write_text(tmp_path / settings.FILE, DECLARED + "  - {ask: Why?}\n")
    with pytest.raises(ConfigError, match="say where it is answered"):
        settings.load(tmp_path)


def test_the_index_page_leads_to_each_answer_and_says_what_a_person_owes(tmp_path):
    root, folder = tmp_path / "root", tmp_path / "evidence"
    write_text(root / settings.FILE, DECLARED)
    write_json(root / "reports" / "metrics.json", {"test": {"auc": 0.7}})
    write_text(root / "models" / "scorer" / "scorer.json", "{}")
    write_text(root / "configs" / "model-inventory.yaml", "owner: ''\n")
    signing.make_keys(tmp_path / "own.key")
    manifest = bundle.write(root, folder, tmp_path / "own.key", datetime(2026, 12, 1, tzinfo=UTC), {})
    expected = {"answered": ["How well?"], "owed": ["For <what>?"], "partly": [], "open": []}
    assert manifest["questions"] == expected == read_json(folder / "manifest.json")["questions"]
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert '<a href="reports/metrics.json">reports/metrics.json</a>: <code>test.auc</code>' in index
    assert "For &lt;what&gt;? <strong>A person owes it.</strong>" in index
    assert "configs/model-inventory.yaml: owner is still to be written by a person" in index


def test_every_question_of_this_repository_leads_into_the_bundle():
    questions = settings.load(ROOT).questions
    assert len({question.ask for question in questions}) == len(questions)

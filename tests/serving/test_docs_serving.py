"""docs/serving.md says what is: its request gets its reply, and its tables name what there is, no more and no less."""

import json
import re
from pathlib import Path

import pytest

from credit_risk.serving.problems import TITLES
from credit_risk.serving.settings import Serving

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
OWN = ("decision_id", "decided_at")  # of each decision; the model differs with the machine that fitted it


def section(title: str) -> str:
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return found


def first_cells(title: str) -> list[str]:
    """The first cell of each row of the section's table, its head left out."""
    return re.findall(r"^\| `?([\w.]+)`? \|", section(title), re.MULTILINE)[1:]


def test_the_request_of_the_page_gets_the_reply_of_the_page(client):
    sent, told = map(json.loads, re.findall(r"```json\n(.*?)```", section("Ask for a decision"), re.DOTALL))
    reply = client.post("/decide", json=sent).json()
    assert list(told) == list(reply)
    for name in reply.keys() - {*OWN, "model", "reasons", "pd", "score"}:
        assert told[name] == reply[name]
    assert told["model"] | {"scorer": ""} == reply["model"] | {"scorer": ""}
    assert [told["pd"], told["score"]] == pytest.approx([reply["pd"], reply["score"]], rel=1e-6)
    assert len(told["reasons"]) == len(reply["reasons"])
    for one, other in zip(told["reasons"], reply["reasons"], strict=True):
        contributions = [each.pop("contribution") for each in (one, other)]
        references = [each.pop("reference") for each in (one, other)]
        assert contributions[0] == pytest.approx(contributions[1], rel=1e-6)
        assert references[0] == pytest.approx(references[1], rel=1e-6)
        assert one == other


def test_every_setting_is_explained():
    leaves = []
    for name, field in Serving.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        leaves += [f"{name}.{key}" for key in inner] if inner else [name]
    assert sorted(first_cells("Settings")) == sorted(leaves)


def test_every_refusal_is_in_the_table():
    assert [int(cell) for cell in first_cells("Refusals")] == sorted(TITLES)


def test_every_metric_is_in_the_table(client, application):
    client.post("/decide", json=application)
    names = re.findall(r"^# TYPE (credit_risk_\w+) ", client.get("/metrics").text, re.MULTILINE)
    assert sorted(first_cells("Metrics")) == sorted(name for name in names if not name.endswith("_created"))

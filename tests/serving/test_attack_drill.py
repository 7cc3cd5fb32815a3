"""The threat model names a test for each line, and the drill says of none that it was held which was not tried."""

import ast
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import attack_drill
from attack_drill import Attack, attacks, outcomes, result, table

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "docs" / "threat-model.md"


def test_every_line_of_the_threat_model_names_a_test_that_is_there():
    listed = attacks(MODEL.read_text(encoding="utf-8"))
    missing = []
    for attack in listed:
        file, _, name = attack.test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8")) if (ROOT / file).is_file() else ast.Module([], [])
        if name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
            missing.append(attack.test)
    assert missing == []
    assert len({attack.test for attack in listed}) == len(listed)


def test_the_page_has_each_attack_and_security_links_the_model():
    page = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    written = page.partition(attack_drill.BEGIN)[2].partition(attack_drill.END)[0]
    for attack in attacks(MODEL.read_text(encoding="utf-8")):
        assert f"| {attack.who} | {attack.tries} |" in written
    assert "docs/threat-model.md" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_a_row_without_a_test_is_an_error():
    with pytest.raises(ValueError, match="2 rows, of which 1"):
        attacks("## Held and refused\n| who | tries to | answer | test |\n|---|---|---|---|\n"
                "| a | b | held | `t.py::t` |\n| a | c | perhaps | |\n")  # fmt: skip


REPORT = ET.fromstring(
    '<testsuites><testsuite><testcase classname="tests.a.test_b" name="test_c[1]"/>'
    '<testcase classname="tests.a.test_b" name="test_c[2]"/>'
    '<testcase classname="tests.a.test_b" name="test_d[1]"/>'
    '<testcase classname="tests.a.test_b" name="test_d[2]"><failure/></testcase>'
    '<testcase classname="tests.a.test_b" name="test_e"><skipped/></testcase></testsuite></testsuites>'
)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("tests/a/test_b.py::test_c", (2, "held")),
        ("tests/a/test_b.py::test_d", (2, "GOT THROUGH")),
        ("tests/a/test_b.py::test_e", (0, "NOT TRIED")),
        ("tests/a/test_b.py::test_f", (0, "NOT TRIED")),
    ],
)
def test_held_is_what_was_tried_and_failed_in_no_case(test, expected):
    attack = Attack("a client", "do it", "held", test, "")
    assert result(attack, outcomes(REPORT)) == expected
    assert f"| a client | do it | {expected[0]} | {expected[1]} |" in table([attack], outcomes(REPORT))

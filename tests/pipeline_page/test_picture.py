"""Rows, arrows and the page."""

from datetime import UTC, datetime
from types import SimpleNamespace

from credit_risk.pipeline_page import picture
from credit_risk.pipeline_page.page import page
from credit_risk.pipeline_page.state import Artefact, PipelineStage

BEFORE = {"a": (), "b": ("a",), "c": ("a",), "d": ("a", "b", "c"), "e": ("a",)}
CONFIG = SimpleNamespace(project=SimpleNamespace(title="Lender"))


def stage(name, before=(), *, reasons=(), waits_for=(), ran=True):
    files = (Artefact(f"reports/{name}.json", "ab" * 16, 1_234, datetime(2026, 3, 1, 9, 5, tzinfo=UTC)),)
    return PipelineStage(
        name, f"What {name} does", "run", files, ("p in x.yaml",), files, before, reasons, waits_for, ran
    )


STAGES = [
    stage("a"),
    stage("b", ("a",), reasons=("param p in x.yaml: 1 → <2>",)),
    stage("c", ("a",), waits_for=("b",)),
    stage("d", ("a", "b", "c"), ran=False),
]


def test_a_stage_stands_below_all_that_it_reads_from():
    assert picture.rows(BEFORE) == {"a": 0, "b": 1, "c": 1, "d": 2, "e": 1}


def test_an_arrow_that_a_chain_shows_is_left_out():
    assert picture.needed_edges(BEFORE) == [("b", "a"), ("c", "a"), ("d", "b"), ("d", "c"), ("e", "a")]


def test_boxes_do_not_touch_and_a_row_is_in_the_middle():
    drawn = picture.drawing(STAGES)
    boxes = {box.stage.name: (box.x, box.y) for box in drawn.boxes}
    assert drawn.width == 2 * picture.WIDTH + picture.ACROSS
    assert boxes["b"][0] + picture.WIDTH + picture.ACROSS == boxes["c"][0]
    assert boxes["a"][0] + picture.WIDTH / 2 == drawn.width / 2
    assert len(drawn.arrows) == 4


def test_the_state_is_what_was_found():
    assert [each.state for each in STAGES] == ["up to date", "stale", "waits", "never ran"]


def test_the_page_links_what_is_there_and_escapes_what_it_quotes(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "reports" / "a.json").write_text("{}", encoding="utf-8")
    (tmp_path / "docs" / "pipeline.md").write_text("# The pipeline\n\n## a\n", encoding="utf-8")
    text = page(CONFIG, tmp_path, tmp_path / "reports", STAGES)
    assert '<a href="a.json">reports/a.json</a>' in text
    assert 'href="../docs/pipeline.md#a"' in text
    assert 'href="b.json"' not in text
    assert "1 → &lt;2&gt;" in text
    assert "1 up to date; 1 stale; 1 waits; 1 never ran" in text
    assert "Waits, behind b." in text
    assert "1,234" in text
    assert "2026-03-01 09:05" in text
    assert "<script" not in text
    assert str(tmp_path) not in text

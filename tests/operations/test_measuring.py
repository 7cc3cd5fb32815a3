"""What a program takes, by the system's own count; stages by DVC's own words."""

import sys
from datetime import UTC, datetime

import pytest

from credit_risk.operations import measuring, use_record
from credit_risk.operations.measuring import Consumption, NotStarted, Segment

BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
# A program that says what DVC says: one stage that works, in a process of its own, and two that need not.
LIKE_DVC = f"""
import subprocess, sys
print("'data.dvc' didn't change, skipping")
print("Stage 'prepare' didn't change, skipping")
print("Running stage 'train':")
subprocess.run([sys.executable, "-c", {BUSY!r}])
print("Stage 'report' is cached - skipping run, checking out outputs")
"""


def run(source: str, **more) -> list[Segment]:
    return list(measuring.measured([sys.executable, "-c", source], {}, **more))


@pytest.fixture(scope="module")
def segments():
    return run(LIKE_DVC)


def test_each_stage_is_seen_and_whether_it_was_in_the_cache(segments):
    assert [(each.name, each.cached) for each in segments] == [
        ("prepare", True),
        ("train", False),
        ("report", True),
        (None, False),
    ]


def test_a_stage_has_the_processor_time_of_the_process_that_it_was(segments):
    train, whole = segments[1].taken, segments[-1].taken
    assert 0.28 <= train.cpu_seconds <= whole.cpu_seconds
    assert segments[0].taken == Consumption()


def test_the_whole_has_the_exit_code_and_what_it_printed_is_shown(capsys):
    assert [each.exit_code for each in run("print('words'); raise SystemExit(3)")] == [3]
    assert capsys.readouterr().out == "words\n"


def test_what_runs_on_is_recorded_period_by_period_and_each_second_counts_once():
    segments = run(BUSY, every_s=0.1)
    assert len(segments) >= 3
    assert [each.exit_code for each in segments] == [None] * (len(segments) - 1) + [0]
    assert 0.28 <= sum(each.taken.cpu_seconds for each in segments) < 0.6


def test_a_program_that_is_not_there_is_said():
    with pytest.raises(NotStarted, match="no-such-program cannot be started"):
        list(measuring.measured(["no-such-program"], {}))


def test_a_reading_since_another_is_never_negative():
    assert Consumption(2, 1, 0.5).since(Consumption(1, 3, 0.25)) == Consumption(1, 0, 0.25)


def test_facts_come_back_as_they_were_added(tmp_path):
    record, now = use_record.UseRecord(tmp_path), datetime(2026, 6, 1, tzinfo=UTC)
    added = [
        use_record.of_segment(Segment("train", False, Consumption(2, 1, 0.5)), "run", "dvc", "r1", now),
        use_record.of_segment(Segment(None, False, Consumption(3, 2, 1), 0), "run", "dvc", "r1", now),
    ]
    for use in added:
        record.add(use)
    assert record.read() == added
    assert [use.kind for use in added] == ["stage", "run"]
    assert use_record.pipeline_runs(added) == added[1:]

"""Byte strings are found wherever they begin, and nothing else is."""

import os

import pytest

from credit_risk.retention import byte_search
from credit_risk.retention.byte_search import count_in

A, B = b"abcdefghijk", b"ABCDEFGHIJKLMNOP"


@pytest.fixture
def count(tmp_path):
    def count(content: bytes, *needles: bytes) -> int:
        path = tmp_path / "file"
        path.write_bytes(content)
        return count_in(path, needles)

    return count


@pytest.mark.parametrize("before", range(17))
def test_a_string_is_found_at_every_offset(count, before):
    assert count(b"." * before + A + b"....", A, B) == 1
    assert count(b"." * before + A, A) == 1


def test_a_string_of_which_only_the_beginning_stands_there_is_not_found(count):
    assert count(A[:-1] + b"." + A[:8], A) == 0


def test_two_that_begin_alike_are_guarded_groups(count):
    assert count(b"." + A, A, A[:-1] + b"!") == 1


def test_each_counts_once(count):
    assert count(A + B + A, A, B) == 2


def test_nothing_is_in_an_empty_or_a_short_file(count):
    assert (count(b"", A), count(b"abc", A), count(A)) == (0, 0, 0)


def test_a_string_over_the_end_of_a_piece_is_found(count, monkeypatch):
    monkeypatch.setattr(byte_search, "CHUNK", 16)
    for before in range(40):
        assert count(b"." * before + B + b"." * 20, B) == 1, before


def test_among_noise_it_is_as_bytes_find(count):
    noise = os.urandom(100_000)
    needles = [noise[start : start + 12] for start in range(0, 90_000, 1_111)] + [os.urandom(12) for _ in range(50)]
    assert count(noise, *needles) == sum(needle in noise for needle in needles) == 82

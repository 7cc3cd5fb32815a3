"""The chain's arithmetic."""

import hashlib
import struct

import pytest

from credit_risk.ledger import chain
from credit_risk.ledger.chain import Row
from credit_risk.scoring.signed_chain import Head

ROW = Row(1, "decision", 7, "id", None, 3, "{}", b"sealed")
START = chain.genesis(b"ledger")


def test_a_hash_is_over_the_one_before_and_every_column_with_its_length():
    numbers = struct.pack(">qqqiiiii", 1, 7, 3, 8, 2, -1, 2, 6)
    by_hand = hashlib.sha256(START.hash + numbers + b"decision" + b"id" + b"{}" + b"sealed").digest()
    assert chain.link(START.hash, ROW) == by_hand


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 2},
        {"kind": "erasure"},
        {"at": 8},
        {"decision_id": "ie"},
        {"request": b""},  # an empty key is not the same as none
        {"key": 4},
        {"facts": "[]"},
        {"sealed": b"sealeD"},
        {"facts": "{}s", "sealed": b"ealed"},  # a byte that moves from one column to the next
    ],
)
def test_no_column_can_change_without_the_hash(change):
    assert chain.link(START.hash, ROW._replace(**change)) != chain.link(START.hash, ROW)


def test_rows_are_numbered_and_hashed_behind_the_head():
    rows, end = chain.continued(START, [ROW, ROW])
    first = chain.link(START.hash, ROW)
    assert [row.seq for row in rows] == [1, 2]
    assert rows[0].hash == first
    assert end == Head(2, chain.link(first, ROW._replace(seq=2)))


def test_every_ledger_begins_another_chain():
    assert chain.genesis(b"a") != chain.genesis(b"b")


def test_a_signature_is_of_one_head_one_ledger_and_one_key():
    signed = chain.signed(START, 0, b"ledger", b"key")
    others = [
        chain.signed(Head(1, START.hash), 0, b"ledger", b"key"),
        chain.signed(Head(0, b"0" * 32), 0, b"ledger", b"key"),
        chain.signed(START, 1, b"ledger", b"key"),
        chain.signed(START, 0, b"another", b"key"),
        chain.signed(START, 0, b"ledger", b"kez"),
    ]
    assert signed not in others


def test_a_head_is_read_as_it_was_written():
    assert Head.parse(str(START)) == START


@pytest.mark.parametrize("text", ["", "1", "1:", "1:abcd", "x:" + "0" * 64, "-1:" + "0" * 64])
def test_a_head_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Head.parse(text)

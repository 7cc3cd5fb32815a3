"""What chains share: a hash covers the entry before, a walk names what is missing, facts are signed as they stand."""

import hashlib
from pathlib import Path

import pytest

from credit_risk.scoring import signing
from credit_risk.scoring.signed_chain import BEGINNING, ChainWalk, Head, SignedFacts, fault_against, link
from credit_risk.scoring.signing import SignedBy

BY = SignedBy(public_key="build/signing/signing.pub")


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    signing.private_key(tmp_path, {})
    return tmp_path


def test_the_hash_of_an_entry_is_over_the_one_before_and_its_exact_text():
    by_hand = hashlib.sha256(b"00" * 32 + b"\na").digest()
    assert link(bytes(32), "a") == by_hand
    assert link(BEGINNING.hash, "a") != link(BEGINNING.hash, "b")
    assert link(BEGINNING.hash, "a") != link(link(BEGINNING.hash, "a"), "a")


def test_signed_facts_are_read_as_they_were_signed(root):
    signed = SignedFacts.sign({"live": ["Zoë"], "at": 1}, BY, root)
    assert SignedFacts.parse(str(signed)).verified(BY, root) == {"live": ["Zoë"], "at": 1}


def test_a_walk_says_what_is_missing_and_where_it_ends():
    walk = ChainWalk(BEGINNING)
    assert walk.fault_of(Head(1, b"a"), lambda previous: previous == BEGINNING.hash) is None
    assert walk.fault_of(Head(4, b"d"), lambda previous: True) == "entries 2 to 3 are missing"
    assert walk.fault_of_end(Head(5, b"e")) == "entries 5 to 5 are missing: the end was cut off"
    assert walk.fault_of_end(Head(4, b"e")) == "entry 4 is not the one that the head names"
    assert walk.fault_of_end(Head(4, b"d")) is None


def test_a_remembered_head_is_held_against_the_chain():
    assert fault_against(Head(2, b"b"), Head(3, b"c"), b"b") is None
    assert "made anew" in str(fault_against(Head(2, b"b"), Head(3, b"c"), b"x"))
    assert "made anew" in str(fault_against(Head(2, b"b"), Head(3, b"c"), None))
    assert "cut off" in str(fault_against(Head(4, b"d"), Head(3, b"c"), None))

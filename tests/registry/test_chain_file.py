"""Chains in files: what somebody could do to one, and that it shows; nothing from before is signed silently."""

import json
import multiprocessing
from pathlib import Path

import pytest

from credit_risk.errors import NotFound
from credit_risk.registry.chain_file import ChainFile
from credit_risk.scoring import signing
from credit_risk.scoring.signed_chain import (
    BEGINNING,
    Head,
    link,
)
from credit_risk.scoring.signing import SignatureRefused, SignedBy

BY = SignedBy(public_key="build/signing/signing.pub")


@pytest.fixture
def four(root) -> ChainFile:
    chain = ChainFile(root / "trail" / "audit.jsonl")
    for number in range(1, 5):
        chain.append({"what": f"step {number}"}, (BY, root))
    return chain


def faults(chain: ChainFile, root: Path, *remembered: Head) -> str:
    return "; ".join(chain.verify(BY, root, remembered).faults)


def edit(chain: ChainFile, change) -> None:
    lines = chain.path.read_text().splitlines()
    chain.path.write_text("".join(f"{line}\n" for line in change(lines)))


def rewritten(lines: list[str]) -> list[str]:
    """The same steps as somebody else's, each chained as it must be."""
    previous, anew = BEGINNING, []
    for line in lines:
        body = {"what": json.loads(line)["what"].replace("step", "other"), "seq": previous.seq + 1}
        previous = Head(previous.seq + 1, link(previous.hash, json.dumps(body, sort_keys=True)))
        anew.append(json.dumps(body | {"hash": previous.hash.hex()}, sort_keys=True))
    return anew


def test_an_untouched_chain_holds_and_gives_what_was_put_in(four, root):
    verified = four.verify(BY, root)
    assert (verified.head.seq, verified.faults, verified.unverified) == (4, (), ())
    assert list(four.entries()) == [{"what": f"step {number}"} for number in range(1, 5)]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda lines: [lines[0], lines[1].replace("step", "stop"), *lines[2:]], "entry 2 is not what was recorded"),
        (lambda lines: [lines[0], *lines[2:]], "entries 2 to 2 are missing"),
        (lambda lines: lines[1:], "entries 1 to 1 are missing"),
        (lambda lines: lines[:3], "entries 4 to 4 are missing: the end was cut off"),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], "entries 2 to 2 are missing"),
        (lambda lines: [*lines, lines[3]], "entry 4 stands before the chain"),
        (lambda lines: [*lines[:3], lines[3].replace("step 4", "step 5")], "entry 4 is not what was recorded"),
        (lambda lines: [*lines[:2], "no JSON", *lines[2:]], "entry 0 stands before the chain"),
        (lambda lines: [*lines[:2], "[]", *lines[2:]], "entry 0 stands before the chain"),
        (rewritten, "entry 4 is not the one that the head names"),
        (lambda lines: rewritten(lines)[:2], "entries 3 to 4 are missing: the end was cut off"),
        (lambda lines: rewritten([*lines, lines[0]]), "entries 5 to 5 stand behind the head"),
        (lambda lines: [json.dumps({"what": json.loads(line)["what"]}) for line in lines], "entry 4 is not the one"),
        (lambda lines: [], "entries 1 to 4 are missing"),
    ],
)
def test_what_somebody_did_to_the_file_is_named(four, root, change, fault):
    edit(four, change)
    assert fault in faults(four, root)


def test_a_head_put_back_with_its_entries_shows_against_one_written_down_since(root):
    chain = ChainFile(root / "audit.jsonl")
    chain.append({"what": "first"}, (BY, root))
    before, signed = chain.path.read_bytes(), chain.head_file.read_text()
    head = chain.append({"what": "second"}, (BY, root))
    chain.path.write_bytes(before)
    assert "entries 2 to 2 are missing" in faults(chain, root)
    chain.head_file.write_text(signed)
    assert faults(chain, root) == ""
    assert faults(chain, root, head) == "the chain once reached entry 2 and now ends at 1: the end was cut off"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda head: head.unlink(), "nothing is signed"),
        (lambda head: head.write_text("{}"), "does not count"),
        (lambda head: head.write_text("[" * 100_000), "does not count"),
        (lambda head: head.write_text(head.read_text().replace("audit", "audio")), "does not count"),
    ],
)
def test_a_head_that_was_changed_does_not_count(four, root, change, fault):
    change(four.head_file)
    assert fault in faults(four, root)


def test_the_head_of_another_chain_does_not_count(four, root):
    other = ChainFile(root / "costs.jsonl")
    other.append({"what": "else"}, (BY, root))
    four.head_file.write_text(other.head_file.read_text())
    assert "is the head of another chain, costs.jsonl" in faults(four, root)


def test_without_the_key_the_entry_stands_and_its_head_lags_behind(four, root, monkeypatch):
    signing.make_keys(root / "another.key")
    monkeypatch.setenv(signing.VARIABLE, str(root / "another.key"))
    with pytest.raises(SignatureRefused, match="another key than the one that counts"):
        four.append({"what": "step 5"}, (BY, root))
    assert [entry["what"] for entry in four.entries()][-1] == "step 5"
    assert faults(four, root) == "entries 5 to 5 stand behind the head: they were put in"
    monkeypatch.delenv(signing.VARIABLE)
    four.append({"what": "step 6"}, (BY, root))
    verified = four.verify(BY, root)
    assert verified.faults == ()
    (note,) = verified.unverified
    assert (note["up_to"], note["why"]) == (5, "entries 5 to 5 stand behind the head: they were put in")


def test_lines_from_before_are_kept_covered_and_called_unverified(root):
    chain = ChainFile(root / "audit.jsonl")
    chain.path.write_text('{"what": "old 1"}\n{"what": "old 2"}\n')
    assert chain.append({"what": "new"}, (BY, root)).seq == 3
    chain.append({"what": "newer"}, (BY, root))
    assert [entry["what"] for entry in chain.entries()] == ["old 1", "old 2", "new", "newer"]
    verified = chain.verify(BY, root)
    assert verified.faults == ()
    assert [(note["up_to"], note["why"]) for note in verified.unverified] == [
        (2, "nothing is signed: there is no audit.head.json")
    ]
    edit(chain, lambda lines: [lines[0].replace("old", "odd"), *lines[1:]])
    assert "entry 3 is not what was recorded behind entry 2" in faults(chain, root)


def test_a_tampered_chain_is_not_signed_silently_by_the_next_entry(four, root):
    edit(four, rewritten)
    four.append({"what": "step 5"}, (BY, root))
    (note,) = four.verify(BY, root).unverified
    assert (note["up_to"], note["why"]) == (4, "entry 4 is not the one that the head names")


def test_a_line_that_a_crash_cut_off_goes_with_the_next_entry(four, root):
    with four.path.open("a") as file:
        file.write('{"what": "half')
    assert faults(four, root) == ""
    assert four.append({"what": "step 5"}, (BY, root)).seq == 5
    assert faults(four, root) == ""


def put(path: Path) -> None:
    for number in range(25):
        ChainFile(path).append({"what": f"line\u2028{number}"})


def test_several_processes_add_to_one_chain(root):
    path = root / "audit.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=put, args=(path,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    chain = ChainFile(path)
    assert len(list(chain.entries())) == 100
    assert faults(chain, root) == "nothing is signed: there is no audit.head.json"


def test_a_chain_that_is_not_there_is_said(root):
    with pytest.raises(NotFound, match="Nothing was recorded yet"):
        ChainFile(root / "audit.jsonl").verify(BY, root)

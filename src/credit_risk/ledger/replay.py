"""Deciding stored applications again: the same scorer must decide the same, to the last digit that is stated."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import orjson

from credit_risk.data.inputs import Inputs
from credit_risk.ledger import chain
from credit_risk.ledger.chain import DECISION
from credit_risk.ledger.database.stored import decrypted
from credit_risk.ledger.entry import StoredDecision, stored_decision
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import MAX_FAULTS_SHOWN, rows
from credit_risk.scoring.decision import as_stated
from credit_risk.scoring.scorer import Scorer

Decide: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], Sequence[Mapping[str, Any]]]

TOGETHER = 500


@dataclass
class Replay:
    """Counts of decisions: made again the same, of erased persons, of other scorers (by digest), and different.

    differ: a sentence for each of the first different ones; count: how many there are.
    """

    same: int = 0
    erased: int = 0
    of_others: dict[str, int] = field(default_factory=dict)
    count: int = 0
    differ: list[str] = field(default_factory=list)

    def raise_unless_the_same(self) -> None:
        """Raises LedgerBroken if a decision came out otherwise, or if there was none that could come out at all."""
        if self.count:
            sentences = "\n".join(f"  {line}" for line in self.differ)
            raise LedgerBroken(f"{self.count} of {self.count + self.same} decisions came out otherwise.\n{sentences}")
        if not self.same:
            raise LedgerBroken(
                f"No decision could be made again: {self.left_out()}. Name their scorers with --scorer; where an old "
                "one comes from is in docs/ledger.md."
            )

    def left_out(self) -> str:
        """How many were not decided again, and by which scorers those were that are not here."""
        others = [f"{count} of scorer {digest[:12]}" for digest, count in sorted(self.of_others.items())]
        return ", ".join([f"{self.erased} of erased persons", *(others or ["0 of other scorers"])])


def decider(scorer: Scorer) -> Decide:
    """A function that decides stored applications with this scorer, many at a time, and gives their records."""
    inputs = Inputs.of(scorer.config)

    def decide(applications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        decisions = scorer.decide_inputs(np.vstack([inputs.single_row(application) for application in applications]))
        return [decisions.record(row) for row in range(len(applications))]

    return decide


def replay(ledger: Ledger, scorers: Mapping[str, Decide]) -> Replay:
    """Decide every readable decision again with the scorer of its digest.

    scorers: digest → a function that decides applications and gives the record of each (see Decisions.record). Its
    names are compared with what was stored under them; numbers in their shortest decimal form, which stands for one
    float alone.
    """
    replayed = Replay()
    for page in decision_pages(ledger):
        for digest in dict.fromkeys(record.by.scorer for record in page):
            mine = [record for record in page if record.by.scorer == digest]
            if digest not in scorers:
                replayed.of_others[digest] = replayed.of_others.get(digest, 0) + len(mine)
                continue
            readable = [record for record in mine if not record.erased]
            replayed.erased += len(mine) - len(readable)
            again = scorers[digest]([record.inputs or {} for record in readable]) if readable else []
            for record, decided in zip(readable, again, strict=True):
                _compare(replayed, record, decided)
    return replayed


def _compare(replayed: Replay, record: StoredDecision, again: Mapping[str, Any]) -> None:
    if not (names := differences(record, again)):
        replayed.same += 1
        return
    replayed.count += 1
    if len(replayed.differ) < MAX_FAULTS_SHOWN:
        replayed.differ.append(f"entry {record.seq}, decision {record.decision_id}: {', '.join(names)}")


def differences(record: StoredDecision, again: Mapping[str, Any]) -> list[str]:
    """The names of what another decision on the same application has otherwise than the record: none, or it differs.

    Records from before decisions were stated to fixed decimals are compared to these decimals.
    """
    stored = as_stated(record.decided or {})
    return [name for name, value in as_stated(again).items() if orjson.dumps(stored.get(name)) != orjson.dumps(value)]


def decision_pages(ledger: Ledger) -> Iterator[list[StoredDecision]]:
    """All decisions in pages of TOGETHER, the oldest first."""
    page: list[StoredDecision] = []
    previous = chain.genesis(ledger.ledger_id).hash
    for row, key in rows(ledger, ledger.head().seq):
        if not chain.follows(previous, row):  # a row that somebody changed need not even be JSON
            raise LedgerBroken(
                f"entry {row.seq} is not in the chain as it was recorded: run `credit-risk ledger verify`."
            )
        previous = row.hash
        if row.kind == DECISION:
            page.append(stored_decision(row, decrypted(ledger.secret, row, key)))
        if len(page) == TOGETHER:
            yield page
            page = []
    if page:
        yield page

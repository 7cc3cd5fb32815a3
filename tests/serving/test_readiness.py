"""Whether a decision could be recorded now, for many who ask at once."""

import asyncio
from types import SimpleNamespace

import pytest

from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.serving import readiness
from credit_risk.serving.readiness import Readiness


def refuse() -> None:
    raise LedgerUnavailable("the disk is full.")


@pytest.fixture
def asked(monkeypatch):
    """Asks once, while somebody who asked later begins the next look before the first one wakes up."""

    def ask(ready) -> None:
        looking = Readiness(SimpleNamespace(ledger=SimpleNamespace(ready=ready), probe=lambda: None), every=60)
        wait = asyncio.wait

        async def overtaken(looks, timeout):
            answer = await wait(looks, timeout=timeout)
            looking._look = asyncio.get_running_loop().create_future()
            return answer

        monkeypatch.setattr(readiness.asyncio, "wait", overtaken)
        try:
            asyncio.run(looking.check())
        finally:
            looking.close()

    return ask


def test_who_asks_gets_the_answer_of_the_own_look_though_another_has_begun(asked):
    asked(lambda: None)


def test_a_ledger_that_cannot_be_had_is_said_though_another_look_has_begun(asked):
    with pytest.raises(LedgerUnavailable, match="disk is full"):
        asked(refuse)

"""A process that records decisions and says each one that is durable: `recorder.py URL NAME SUBMITTERS [HOW-MANY]`.

The tests kill it at any moment, or watch its system calls. Coroutines submit, as a service's requests do.
"""

import asyncio
import os
import sys
from itertools import count, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ledger_trial import KEY, entry

from credit_risk.ledger.commit.event_loop_commit import EventLoopCommit, group_commit
from credit_risk.ledger.commit.group_commit import GroupCommit
from credit_risk.ledger.ledger import Ledger


async def record(commit: EventLoopCommit | GroupCommit, name: str, how_many: int | None) -> None:
    for number in islice(count(), how_many):
        recorded = await commit.record(entry(f"{name}-{number}", f"{name}-{number}"))
        # One write a decision: what stands in the pipe was answered, and nothing is answered by halves.
        os.write(1, f"{name}-{number} {recorded.decision_id}\n".encode())


async def record_all(ledger: Ledger, name: str, submitters: int, how_many: int | None) -> None:
    commit = group_commit(ledger, most_waiting=1024)
    os.write(2, b"opened\n")  # what was synced before was the making of the ledger
    await asyncio.gather(*(record(commit, f"{name}-{place}", how_many) for place in range(submitters)))
    commit.close()


if __name__ == "__main__":
    with Ledger.open(sys.argv[1], key=KEY, busy_timeout_s=30) as opened:
        most = int(sys.argv[4]) if len(sys.argv) > 4 else None
        asyncio.run(record_all(opened, sys.argv[2], int(sys.argv[3]), most))

"""A process that records decisions and says each one that is durable: `recorder.py URL NAME SUBMITTERS [HOW-MANY]`.

The tests kill it at any moment, or watch its system calls. Threads submit, as a service's requests would.
"""

import os
import sys
from itertools import count, islice
from pathlib import Path
from threading import Thread

sys.path.insert(0, str(Path(__file__).parent))

from ledger_trial import KEY, entry

from credit_risk.records.ledger import GroupCommit, Ledger


def record(commit: GroupCommit, name: str, how_many: int | None) -> None:
    for number in islice(count(), how_many):
        recorded = commit.submit(entry(f"{name}-{number}", f"{name}-{number}")).result()
        # One write a decision: what stands in the pipe was answered, and nothing is answered by halves.
        os.write(1, f"{name}-{number} {recorded.decision_id}\n".encode())


def main(url: str, name: str, submitters: int, how_many: int | None) -> None:
    with Ledger.open(url, key=KEY, busy_timeout_s=30) as ledger:
        commit = GroupCommit(ledger)
        os.write(2, b"opened\n")  # what was synced before was the making of the ledger
        threads = [Thread(target=record, args=(commit, f"{name}-{place}", how_many)) for place in range(submitters)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        commit.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None)

"""Kill -9 a registration at any moment: nothing is half-registered, and the same command finishes it.

One in `make test-weekly`, twenty in `make registry-drill`.
"""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from credit_risk.data import digest
from credit_risk.registry.lifecycle import standing
from registry_trial import assemble_again, registry

KILLS = int(os.environ.get("REGISTRY_KILLS", "1"))
LONGEST = 10.0  # seconds into which the kills fall; a registration takes about eight with its imports


def command(files, *words: str) -> subprocess.Popen:
    python = [sys.executable, "-W", "ignore", "-m", "credit_risk.cli"]
    return subprocess.Popen(
        [*python, *words, "--root", str(files.root)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@pytest.mark.weekly
def test_a_killed_registration_is_whole_or_not_there_and_can_be_tried_again(files):
    draw, killed = random.Random(7), 0
    for kill in range(KILLS):
        process = command(files, "register", "--by", "Kim Lee")
        time.sleep(draw.uniform(LONGEST / 3, LONGEST))
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with registry(files) as opened:  # whatever the history says is there is whole
            events = opened.events()
            for event in events:
                opened.verify(event.version, events)
        if events and events[-1].scorer == digest.of_directory(files.scorer):
            assemble_again(files, lgd=0.5 + kill / 100)  # it was done before the kill: another scorer for the next one
    begun = time.monotonic()
    process = command(files, "register", "--by", "Kim Lee")
    said = process.communicate()[0].decode()
    assert process.returncode == 0, said
    with registry(files) as opened:
        events = opened.events()
        assert set(standing(events).roles.values()) == {"candidate"}
        for event in events:
            opened.verify(event.version, events)
    took = time.monotonic() - begun
    print(f"{KILLS} kills, {killed} in the middle, {len(events)} versions whole; a registration {took:.1f} s")

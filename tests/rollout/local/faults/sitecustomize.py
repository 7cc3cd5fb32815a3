"""What goes wrong in a candidate during the drill. Python runs this at the start of each process with it on its path;
it touches the green colour's service alone, and only while the file that DRILL_FAULT names says what should go wrong.
"""

import asyncio
import importlib.util
import json
import os
import random
import sys
from pathlib import Path

TARGET = "credit_risk.serving.engine"


class Finder:
    """Lets the engine's module load as ever, then puts a fault before its decisions."""

    def find_spec(self, name, path=None, target=None):
        if name != TARGET:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            module.DecisionEngine.decide = faulty(module.DecisionEngine.decide)

        spec.loader.exec_module = exec_module
        return spec


def faulty(decide):
    async def decided(self, body, asked):
        try:
            fault = Path(os.environ["DRILL_FAULT"]).read_text()
        except FileNotFoundError:
            return await decide(self, body, asked)
        if fault == "slow":
            await asyncio.sleep(0.2)
        elif fault.startswith("errors") and random.random() < float(fault.split()[1]):
            raise RuntimeError("a fault of the drill")
        elif fault == "crash":
            os._exit(1)
        elif fault == "scores":
            body = json.dumps(json.loads(body) | {"utilisation": 0.6}).encode()
        elif fault == "approvals":
            body = json.dumps(json.loads(body) | {"months_late": 5}).encode()
        return await decide(self, body, asked)

    return decided


if os.environ.get("CREDIT_RISK_SETTINGS", "").endswith("green.yaml") and "DRILL_FAULT" in os.environ:
    sys.meta_path.insert(0, Finder())

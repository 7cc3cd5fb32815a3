"""Hold the rulesets in .github/rulesets against those of the live repository; exit 1 where they differ.

What GitHub adds (ids, dates, links, parameters that the file does not name) does not count; what the file names must
be so. Put a file in force: gh api --method POST repos/OWNER/REPO/rulesets --input .github/rulesets/main.json
"""

import json
import os
import subprocess
from pathlib import Path


def ask(path):
    command = ["gh", "api", path]  # gh is on every hosted runner
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(answer)


def differences(wanted, live, place=""):
    """Each place where what is wanted is not what is live, as a sentence."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        found = [differences(value, live.get(key), f"{place}/{key}") for key, value in wanted.items()]
        return [line for lines in found for line in lines]
    if place.endswith("/rules") and isinstance(live, list):
        return differences({rule["type"]: rule for rule in wanted}, {rule["type"]: rule for rule in live}, place + "/")
    if isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        found = [differences(*pair, f"{place}/{at}") for at, pair in enumerate(zip(wanted, live, strict=True))]
        return [line for lines in found for line in lines]
    return [] if wanted == live else [f"{place}: wanted {json.dumps(wanted)}, live {json.dumps(live)}"]


def main():
    repository = "repos/" + os.environ["GITHUB_REPOSITORY"] + "/rulesets"
    live = {ruleset["name"]: ruleset["id"] for ruleset in ask(repository)}
    found = []
    for path in sorted(Path(".github/rulesets").glob("*.json")):
        wanted = json.loads(path.read_text(encoding="utf-8"))
        name = wanted["name"]
        if name not in live:
            found.append(f"{name}: not in force; gh api --method POST {repository} --input {path}")
            continue
        answer = ask(f"{repository}/{live[name]}")
        if "bypass_actors" not in answer:  # shown to who may change the ruleset alone
            wanted.pop("bypass_actors", None)
        found += differences(wanted, answer, name)
    return "\n".join(found)


if __name__ == "__main__":
    raise SystemExit(main() or None)

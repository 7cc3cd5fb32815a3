"""Hold .github/rulesets and .github/environments.json against the live repository; exit 1 where they differ.

What GitHub adds (ids, dates, links, parameters that the file does not name) does not count; what the file names must
be so. An environment that the live repository has not holds no secret, and is passed over. Put a ruleset in force:
gh api --method POST repos/OWNER/REPO/rulesets --input .github/rulesets/main.json
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
    if place.endswith(("/rules", "/protection_rules")) and isinstance(live, list):
        return differences({rule["type"]: rule for rule in wanted}, {rule["type"]: rule for rule in live}, place + "/")
    if isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        found = [differences(*pair, f"{place}/{at}") for at, pair in enumerate(zip(wanted, live, strict=True))]
        return [line for lines in found for line in lines]
    return [] if wanted == live else [f"{place}: wanted {json.dumps(wanted)}, live {json.dumps(live)}"]


def of_environments(live):
    """The same of each environment that is there. live: GitHub's answer for all of them."""
    wanted = json.loads(Path(".github/environments.json").read_text(encoding="utf-8"))
    there = {environment["name"]: environment for environment in live["environments"]}
    found = [differences(wanted[name], there[name], f"environment {name}") for name in sorted(wanted.keys() & there)]
    return [line for lines in found for line in lines]


def main():
    environments = "repos/" + os.environ["GITHUB_REPOSITORY"] + "/environments?per_page=100"
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
    return "\n".join([*found, *of_environments(ask(environments))])


if __name__ == "__main__":
    raise SystemExit(main() or None)

"""Exit 1 unless exactly the planned jobs ran and succeeded. NEEDS is GitHub's `needs` as JSON.

GitHub counts a skipped required check as passed: a plan that failed would skip everything behind it, and pass. The
summary names each failed job of this run with its link and its first error, as far as GitHub tells them.
"""

import json
import os
import subprocess
from pathlib import Path


def bad_jobs(needs: dict[str, dict]) -> dict[str, str]:
    """Jobs by name whose result is not what the plan asks for, with the result."""
    planned = json.loads(needs.get("plan", {}).get("outputs", {}).get("jobs") or "[]")
    expected = {name: "success" if name in {"plan", *planned} else "skipped" for name in needs}
    wrong = {name: job["result"] for name, job in needs.items() if job["result"] != expected[name]}
    absent = {name: "absent" for name in ("plan", *planned) if name not in needs}
    return wrong | absent | ({} if planned else {"plan": "without any job"})


def asked(path: str) -> dict | list:
    """What GitHub's API answers; nothing where it does not."""
    done = subprocess.run(["gh", "api", path], capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        return {}


def first_errors() -> list[str]:
    """A line of Markdown for each failed job of this run."""
    repository = f"repos/{os.environ['GITHUB_REPOSITORY']}"
    jobs = asked(f"{repository}/actions/runs/{os.environ['GITHUB_RUN_ID']}/jobs?per_page=100")
    lines = []
    for job in jobs.get("jobs", []) if isinstance(jobs, dict) else []:
        if job["conclusion"] == "failure":
            notes = asked(f"{repository}/check-runs/{job['id']}/annotations")
            errors = (
                [note for note in notes if note["annotation_level"] == "failure"] if isinstance(notes, list) else []
            )
            first = errors[0] if errors else {}
            where = f"`{first['path']}:{first['start_line']}` " if first.get("path") else ""
            text = first.get("message", "see its log").splitlines()[0][:300].replace("|", "\\|")
            lines.append(f"| [{job['name']}]({job['html_url']}) | {where}{text} |")
    return lines


def main() -> str | None:
    bad = bad_jobs(json.loads(os.environ["NEEDS"]))
    if not bad:
        return None
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        lines = [f"Not as planned: {', '.join(f'{name} ({result})' for name, result in bad.items())}", ""]
        if errors := first_errors():
            lines += ["| failed job | first error |", "|---|---|", *errors]
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write("\n".join(lines) + "\n")
    return f"Not every job did what the plan asks for: {bad}"


if __name__ == "__main__":
    raise SystemExit(main())

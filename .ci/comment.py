"""Write build/comment.md: which settings change and what the run of COMMIT says; exit 1 for reports that are none.

Either may be missing, and then the comment says that it is. build/settings.md is what settings_changes.py wrote.
CONCLUSION: how CI ended. RUN: its address. build/untrusted holds what that run left: data, never code. The comment
always names its commit, so that no older verdict stands under a newer one.
"""

import os
import subprocess
import sys
from pathlib import Path

COMMENT = Path("build/comment.md")
SETTINGS = Path("build/settings.md")
UNTRUSTED = Path("build/untrusted")
NO_SETTINGS = "**Not known which settings this pull request changes**: GitHub did not say.\n"


def review(run: str) -> subprocess.CompletedProcess[str]:
    command = [".venv/bin/credit-risk", "review", "--before", "reports", "--after", str(UNTRUSTED)]
    command += ["--page", f"{run}#artifacts", "--output", str(COMMENT)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main() -> int:
    commit, run = os.environ["COMMIT"], os.environ["RUN"]
    COMMENT.parent.mkdir(exist_ok=True)
    title, code, body = f"Commit {commit}, [CI]({run}): {os.environ['CONCLUSION']}.\n\n", 0, ""
    if (UNTRUSTED / "gate.json").is_file():
        done = review(run)
        code = done.returncode
        sys.stderr.write(done.stderr)
        body = COMMENT.read_text(encoding="utf-8") if code == 0 else ""
    settings = SETTINGS.read_text(encoding="utf-8") if SETTINGS.is_file() else NO_SETTINGS
    body = body or f"**No verdict for {commit}.** See [its run]({run}).\n"
    COMMENT.write_text(f"{title}{settings}\n{body}", encoding="utf-8")
    return code


if __name__ == "__main__":
    raise SystemExit(main())

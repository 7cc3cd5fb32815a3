"""A fork's second pull request, executed by act: its data lie where no runner comes, and it is green and says so."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from fork_trial import ROOT, SAMPLE

sys.path.insert(0, str(Path(__file__).parents[2] / "workflows"))

from runner import REPOSITORY, Clone, clone, pristine, without_lints

__all__ = ["clone", "pristine"]

OWNER = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"))
}


def as_its_owner(clone: Clone, command: str) -> str:
    """What a line of shell answers in the clone, typed by the fork's owner."""
    environment = OWNER | clone.environment()
    done = subprocess.run(
        ["bash", "-c", command], cwd=clone.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def drafted(clone: Clone) -> None:
    """docs/fork.md's own commands on German credit, and the remote that they make taken away from beside the clone."""
    clone.write("configs/credit.yaml", SAMPLE)
    (clone.root / "tests/fork").mkdir()
    shutil.copy(ROOT / "tests/fork/german_credit.csv", clone.root / "tests/fork")
    as_its_owner(clone, "git rm -r --quiet data.dvc sample-remote/files")
    page = (ROOT / "docs/fork.md").read_text(encoding="utf-8")
    draft = re.search(r"```bash\n\.venv/bin/(credit-risk init .*?)```", page, re.DOTALL)
    as_its_owner(clone, draft.group(1))
    as_its_owner(clone, "dvc add --quiet data && dvc push --quiet")
    as_its_owner(clone, "git add --all && git commit --quiet --message 'Our data and our config'")
    remote = clone.root / ".dvc" / as_its_owner(clone, "dvc config remote.storage.url")
    shutil.move(remote.resolve(strict=True), clone.room / "out of reach")


def test_it_is_green_and_says_on_what_data_it_ran(clone):
    drafted(clone)
    clone.replace("configs/credit.yaml", "refer_within: 0.02", "refer_within: 0.03")
    without_lints(clone)
    request = {"number": 2, "head": {"repo": {"full_name": REPOSITORY}}}
    run = clone.act("pull_request", "ci.yml", {"pull_request": request})
    worked = ("plan", "code", "test", "workflows", "pipeline", "model-gate", "image", "ci-ok")
    assert run.jobs == dict.fromkeys(worked, "success"), str(run)
    assert run.summary.count("Data: **the simulated lender** with its own config, because") == 2, "pipeline and image"
    assert "lies beside the repository that wrote it and no runner reaches it" in run.summary
    assert "about the simulated lender, and nothing about your model" in run.summary
    assert "4,000 rows" in run.log

"""What GitHub enforces, or lets pass, and neither actionlint nor zizmor says: each rule a function from the workflows.

A rule takes the workflows by file name (each parsed) and yields a sentence for each place that breaks it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

Workflows = dict[str, dict[str, Any]]
Rule = Callable[[Workflows], Iterator[str]]

ROLE = "role-to-assume"
PACKAGES = ".ci/packages"
LEVELS = {"none": 0, "read": 1, "write": 2}
RUNS_TESTS = re.compile(r"\bmake (?:test|coverage|test-workflows|removal|rehearse|ci)\b|\.ci/test |\bpytest\b")
HANDLES_DECISIONS = re.compile(r"credit-risk (?:score|batch)\b|decisions\.parquet")
STORES = re.compile(r"\bmake rehearse\b")  # starts a router, as tests do
OWN_SWITCH = "vars."


def jobs(workflows: Workflows) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file, workflow in workflows.items():
        for name, job in workflow["jobs"].items():
            yield file, name, job


def called(job: dict[str, Any]) -> str | None:
    """The file name of the workflow of this repository that the job calls."""
    uses = str(job.get("uses", ""))
    return uses.rpartition("/")[2] if uses.startswith("./.github/workflows/") else None


def runs(job: dict[str, Any]) -> str:
    return "\n".join(str(step.get("run", "")) for step in job.get("steps", []))


def granted(workflows: Workflows, file: str) -> dict[str, str]:
    """The most that any job of the workflow asks for, by scope, those of the workflows it calls included."""
    most: dict[str, str] = {}
    for job in workflows[file]["jobs"].values():
        inner = called(job)
        asked = job.get("permissions") or {}
        for scope, level in {**(granted(workflows, inner) if inner else {}), **asked}.items():
            most[scope] = max(level, most.get(scope, "none"), key=LEVELS.__getitem__)
    return most


def permissions_within_the_callers(workflows: Workflows) -> Iterator[str]:
    """A called workflow that asks for more than its caller grants is refused when the run starts."""
    for file, name, job in jobs(workflows):
        if inner := called(job):
            given = job.get("permissions") or {}
            for scope, level in granted(workflows, inner).items():
                if LEVELS[level] > LEVELS[given.get(scope, "none")]:
                    yield f"{file}: {name} calls {inner}, which asks for {scope}: {level}"


def id_token_where_a_role_is_assumed(workflows: Workflows) -> Iterator[str]:
    """OIDC gives a token only to a job with id-token: write."""
    for file, name, job in jobs(workflows):
        for step in job.get("steps", []):
            given = step.get("with", {})
            if (given.get("role") or given.get(ROLE)) and (job.get("permissions") or {}).get("id-token") != "write":
                yield f"{file}: {name} assumes a role and has no id-token: write"


def no_variable_in_the_condition_of_a_job_with_an_environment(workflows: Workflows) -> Iterator[str]:
    """A job's `if` is read before its environment: a variable that only the environment has is empty there."""
    for file, name, job in jobs(workflows):
        if "environment" in job and "vars." in str(job.get("if", "")):
            yield f"{file}: {name} has an environment, and its `if` reads a variable"


def no_environment_on_a_calling_job(workflows: Workflows) -> Iterator[str]:
    for file, name, job in jobs(workflows):
        if called(job) and "environment" in job:
            yield f"{file}: {name} calls a workflow, and an environment cannot stand there"


def no_artifact_of_decisions(workflows: Workflows) -> Iterator[str]:
    """Whoever may read the repository may download an artifact."""
    for file, name, job in jobs(workflows):
        uploads = [step for step in job.get("steps", []) if "upload-artifact" in step.get("uses", "")]
        if uploads and HANDLES_DECISIONS.search(runs(job)):
            yield f"{file}: {name} handles decisions and uploads an artifact"


def schedules_in_a_caller_of_their_own(workflows: Workflows) -> Iterator[str]:
    """Sixty quiet days switch off a workflow with a schedule whole, whatever else starts it."""
    for file, workflow in workflows.items():
        if "schedule" in workflow["on"]:
            if set(workflow["on"]) != {"schedule"}:
                yield f"{file}: has a schedule and is started by something else too"
            for name, job in workflow["jobs"].items():
                if not called(job) and job.get("steps") and name != "due":
                    yield f"{file}: {name} does work; a schedule only calls"
                if called(job) and "needs.due.outputs.due" not in str(job.get("if", "")):
                    yield f"{file}: {name} runs whether or not anybody has switched it on"


def tests_have_their_packages(workflows: Workflows) -> Iterator[str]:
    """The hosted image has neither HAProxy nor all that tests start."""
    for file, name, job in jobs(workflows):
        lines = runs(job)
        tested = RUNS_TESTS.search(lines) or 'make "$TARGET"' in lines
        if tested and not (PACKAGES in lines and lines.index(PACKAGES) < tested_at(lines)):
            yield f"{file}: {name} runs tests before {PACKAGES}, or without"


def tested_at(lines: str) -> int:
    found = RUNS_TESTS.search(lines)
    return found.start() if found else lines.index('make "$TARGET"')


def secrets_have_a_way_without(workflows: Workflows) -> Iterator[str]:
    """A step that reads a secret must not be what a repository without it fails on.

    It is skipped by a condition, or lies in a job that somebody started by hand or switched on by a variable.
    """
    for file, name, job in jobs(workflows):
        by_hand = set(workflows[file]["on"]) <= {"workflow_dispatch", "workflow_call", "push"} and (
            OWN_SWITCH in str(job) or "environment" in job or "needs" in job
        )
        for step in job.get("steps", []):
            if re.search(r"\bsecrets\.(?!GITHUB_TOKEN)", str(step)) and not (
                step.get("if") or job.get("if") or by_hand
            ):
                yield f"{file}: {name} reads a secret in a step that nothing skips"


def the_signing_key_is_read_in_an_environment(workflows: Workflows) -> Iterator[str]:
    """A secret of the repository is read by a workflow of any branch; an environment says which branches may."""
    for file, name, job in jobs(workflows):
        if re.search(r"\bsecrets\.SIGNING_KEY", str(job.get("steps"))) and "environment" not in job:
            yield f"{file}: {name} reads the signing key outside an environment, so the workflow of any branch may"


def callable_workflows_name_their_own_queue(workflows: Workflows) -> Iterator[str]:
    """In a called workflow `github.workflow` is its caller: the two would wait for each other, or cancel each other."""
    for file, workflow in workflows.items():
        group = str(workflow.get("concurrency", {}).get("group", ""))
        if "workflow_call" in workflow["on"] and "github.workflow" in group:
            yield f"{file}: its concurrency group is its caller's"


def self_hosted_runners_have_another_label(workflows: Workflows) -> Iterator[str]:
    """`self-hosted` alone is also the machine that serves; and no branch's code runs on a machine of yours."""
    for file, name, job in jobs(workflows):
        labels = job.get("runs-on", "")
        if labels in ("self-hosted", ["self-hosted"]):
            yield f"{file}: {name} runs on any self-hosted runner"
        if "pull_request" in workflows[file]["on"] and ("self-hosted" in str(labels) or "vars." in str(labels)):
            yield f"{file}: {name} runs a pull request's code on a machine of yours"


def repositories_are_compared_by_their_full_names(workflows: Workflows) -> Iterator[str]:
    """`head.repo.fork` is also true for pull requests inside a team's own fork."""
    for file, workflow in workflows.items():
        if "head.repo.fork" in str(workflow):
            yield f"{file}: asks whether the head is a fork"


def a_reported_run_was_not_cancelled(workflows: Workflows) -> Iterator[str]:
    """`workflow_run` fires for cancelled runs too."""
    for file, workflow in workflows.items():
        if "workflow_run" in workflow["on"]:
            for name, job in workflow["jobs"].items():
                if "workflow_run.conclusion" not in str(job.get("if", "")):
                    yield f"{file}: {name} also runs after a cancelled run"


def uploads_know_whether_code_scanning_is_on(workflows: Workflows) -> Iterator[str]:
    """Private repositories without Code Security refuse the upload."""
    for file, name, job in jobs(workflows):
        for step in job.get("steps", []):
            if re.search(r"codeql-action/|dependency-review-action|scorecard-action", step.get("uses", "")):
                known = f"{job.get('if', '')} {step.get('if', '')} {job.get('env', '')}"
                if "visibility" not in known:
                    yield f"{file}: {name} needs code scanning and does not ask whether it is on"


def who_deploys_is_who_started_the_run(workflows: Workflows) -> Iterator[str]:
    """A name that somebody types is anybody's."""
    for file, workflow in workflows.items():
        if re.search(r"'by': '\$\{\{ *inputs\.", str(workflow)) or "inputs.by" in str(workflow):
            yield f"{file}: takes the name of who deploys from an input"


RULES: tuple[Rule, ...] = (
    permissions_within_the_callers,
    id_token_where_a_role_is_assumed,
    no_variable_in_the_condition_of_a_job_with_an_environment,
    no_environment_on_a_calling_job,
    no_artifact_of_decisions,
    schedules_in_a_caller_of_their_own,
    tests_have_their_packages,
    secrets_have_a_way_without,
    the_signing_key_is_read_in_an_environment,
    callable_workflows_name_their_own_queue,
    self_hosted_runners_have_another_label,
    repositories_are_compared_by_their_full_names,
    a_reported_run_was_not_cancelled,
    uploads_know_whether_code_scanning_is_on,
    who_deploys_is_who_started_the_run,
)

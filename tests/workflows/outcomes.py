"""What is green where, for docs/workflows.md, each cell with its test: python tests/workflows/outcomes.py writes it.

A cell is an outcome and the name of a test that executes it; without a name it is taken from GitHub's documents.
"""

from runner import ROOT, read

PAGE = ROOT / "docs/workflows.md"
BEGIN = "<!-- from tests/workflows/outcomes.py: python tests/workflows/outcomes.py -->\n"
END = "<!-- end of outcomes -->\n"
WHERE = ("nothing switched on", "own data, which no runner reaches", "private, no paid features", "public fork")
Cell = tuple[str, str]  # the outcome, and the test or nothing

ALL, FORK = "test_all_of_ci_is_green", "test_it_is_green_and_says_on_what_data_it_ran"
PLANNED = "test_a_pull_request_runs_one_python_and_no_workflow_test"
SCANNED = "test_findings_are_uploaded_where_code_scanning_takes_them"
COMMENT = "test_the_pull_request_that_github_names_gets_the_comment"
SCHEDULED = "test_nothing_that_is_scheduled_runs_before_somebody_switches_it_on"
SCORECARD = "test_scorecard_is_skipped_with_a_sentence_where_it_cannot_be"
ON_GITHUB = "test_what_only_github_can_run_is_wired"
STORE = "test_nobody_is_decided_about_without_a_store_for_decisions"  # part: batch-runs
SIGNS = "test_a_private_repository_says_how_it_signs"  # part: registry
RELEASED = "test_a_release_is_signed_attested_pushed_and_published"  # part: registry
NO_DATA = "test_data_out_of_reach_become_the_simulated_lenders_or_stop_the_job"  # part: registry
LENDER = ("green, on the simulated lender, and says so", FORK)
COLLECTED = "test_a_run_that_failed_is_followed_by_the_metrics"  # part: operations
PASSED = "test_a_pass_on_main_is_registered_attacked_audited_and_rehearsed"


def same(outcome: str, test: str = "") -> tuple[Cell, ...]:
    return ((outcome, test),) * len(WHERE)


def green(fork: str = FORK) -> tuple[Cell, ...]:
    """Green anywhere. A private repository's run differs in nothing that these jobs read."""
    return (("green", ALL), ("green", fork), ("green", ""), ("green", ALL))


OUTCOMES: dict[tuple[str, str], tuple[Cell, ...]] = {
    ("ci", "plan"): green(),
    ("ci", "code"): green(),
    ("ci", "test"): green(),
    ("ci", "workflows"): same("skipped, but where workflows change", PLANNED),
    ("ci", "pipeline"): (("green", ALL), LENDER, ("green", ""), ("green", ALL)),
    ("ci", "model-gate"): (
        ("green, “not promotable yet” where the gate does not open", "test_the_verdict_is_a_check_of_its_own"),
        ("green, says that nothing of yours was judged", FORK),
        ("as the first", ""),
        ("as the first", ""),
    ),
    ("ci", "image"): (("green", ALL), LENDER, ("green", ""), ("green", ALL)),
    ("ci", "ci-ok"): green(),
    ("security", "checks"): (
        ("green", SCANNED),
        ("green", ""),
        ("green, findings in the log and a sentence", SCANNED),
        ("green, findings in the log and a sentence", SCANNED),
    ),
    ("security", "codeql"): (
        ("green", ON_GITHUB),
        ("green", ""),
        ("skipped, `checks` says why", "test_a_private_repository_without_code_security_runs_no_codeql"),
        ("green", ""),
    ),
    ("removal", "remove"): same("green, only where parts change"),
    ("pr-report", "comment"): (("green", COMMENT), ("green", ""), ("green", ""), ("off until enabled", "")),
    ("pipeline-metrics", "collect"): same("green", COLLECTED),  # part: operations
    ("schedules", "due"): (*((("skipped with a sentence", SCHEDULED),) * 3), ("off until enabled", "")),
    ("risk-model-pipeline", "training"): (
        ("green", PASSED),
        ("green, on the simulated lender", ""),
        ("green", ""),
        ("green", ""),
    ),
    ("scorecard", "scorecard"): (
        ("green", ON_GITHUB),
        ("green", ""),
        ("skipped with a sentence", SCORECARD),
        ("skipped with a sentence", SCORECARD),
    ),
    ("batch-score", "score"): same("skipped with a sentence", STORE),  # part: batch-runs
    # of the part: registry
    ("release", "model"): (
        ("green, signed keyless", ""),
        ("red: this needs the repository's own data", NO_DATA),
        ("red until `SIGNING` is set, green with a key", SIGNS),
        ("green with a key", RELEASED),
    ),
    # end of part
}


def table() -> str:
    """Job by job; a letter names the test below, a dash says: from GitHub's documents."""
    tests = list(dict.fromkeys(test for cells in OUTCOMES.values() for _, test in cells if test))
    lines = [f"| workflow | job | {' | '.join(WHERE)} |", "|---|---|" + "---|" * len(WHERE)]
    for (workflow, job), cells in OUTCOMES.items():
        if (ROOT / f".github/workflows/{workflow}.yml").is_file():
            texts = [f"{outcome} ({tests.index(test) + 1 if test else '–'})" for outcome, test in cells]
            lines.append(f"| {workflow} | {job} | {' | '.join(texts)} |")
    named = [f"{number}. `{test}`" for number, test in enumerate(tests, 1)]
    return "\n".join([*lines, "", "(–) is from documents; nobody has run it on GitHub. The tests:", "", *named])


def page(text: str) -> str:
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n\n{END}{after}"


def jobs_on_request() -> set[tuple[str, str]]:
    """Every job that starts on a pull request or after its run."""
    found = {path.stem: read(path) for path in (ROOT / ".github/workflows").glob("*.yml")}
    started = {name for name, each in found.items() if {"pull_request", "workflow_run"} & set(each["on"])}
    return {(name, job) for name in started for job in found[name]["jobs"]}


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""docs/workflows.md's picture and table, from the YAML: python tests/workflows/layers.py writes them."""

from runner import ROOT, read

PAGE = ROOT / "docs/workflows.md"
BEGIN, END = "<!-- from the YAML: python tests/workflows/layers.py -->\n", "<!-- end -->\n"
LAYERS = {
    "CI, every change": ("ci", "pr-report", "removal", "security"),
    "CD, main, develop and tags": (
        "ai-model-ci-cd",
        "risk-model-pipeline",
        "_train",
        "_deploy",
        "release",  # part: registry
        "deploy",
        "rollback",
        "auto-scaler",
    ),
    "Operations, on schedules": (
        "schedules",
        "retrain",
        "batch-score",  # part: batch-runs
        "pipeline-metrics",  # part: operations
        "drift-monitor",
        "lock",
        "portable",
        "proofs",
        "repo-settings",
        "scorecard",
    ),
}
ONLY_ON_GITHUB = {
    ("security", "codeql"): "CodeQL stubbed: it cannot run here; inputs checked",
    ("security", "checks"): "executed; Trivy, dependency review and uploads stubbed",
    ("scorecard", "scorecard"): "Scorecard stubbed: it asks GitHub; inputs checked",
    ("ci", "image"): "executed up to `make image`, which needs podman and a base image, and is run by hand",
    ("release", "image"): "executed; `make image` and the push are noted and not run",  # part: registry
    ("proofs", "prove"): "executed with one of its targets",
    ("removal", "remove"): "not run: `make removal` is run by hand",
    ("portable", "portable"): "not run: neither Windows nor macOS is here",
    ("lock", "lock"): "executed with a package index of its own",
    ("ai-model-ci-cd", "code-quality"): "not run: `CI` executes its targets",
    ("ai-model-ci-cd", "integration-tests"): "not run: `CI` executes the tests",
    ("ai-model-ci-cd", "build-and-push"): "executed; `make image` and the push are noted and not run",
    ("ai-model-ci-cd", "deploy-staging"): "not run: `deploy` executes what it calls",  # part: rollout
    ("risk-model-pipeline", "retraining"): "not run: `retrain` executes what it calls",  # part: retraining
    ("auto-scaler", "scale"): "executed where there is no machine",  # part: rollout-local
}


def layers() -> dict[str, list[str]]:
    """The workflows of each layer; those of an optional part that was taken out are left out."""
    return {
        layer: [name for name in names if (ROOT / f".github/workflows/{name}.yml").is_file()]
        for layer, names in LAYERS.items()
    }


def picture() -> str:
    lines = ["```mermaid", "flowchart LR", '  subgraph hooks["Before a commit"]', "    pre-commit", "  end"]
    for at, (layer, names) in enumerate(layers().items()):
        lines.append(f'  subgraph layer{at}["{layer}"]')
        lines += [f"    {name}" for name in names]
        lines.append("  end")
    lines += ["  hooks --> layer0 --> layer1 --> layer2"]
    return "\n".join([*lines, "```"])


def table() -> str:
    lines = ["| workflow | when | job | waits for | in our tests |", "|---|---|---|---|---|"]
    for name in (name for names in layers().values() for name in names):
        found = read(ROOT / f".github/workflows/{name}.yml")
        when = ", ".join(found["on"])
        for job, what in found["jobs"].items():
            needs = ", ".join(what.get("needs", []))
            lines.append(f"| {name} | {when} | {job} | {needs} | {ONLY_ON_GITHUB.get((name, job), 'executed')} |")
    return "\n".join(lines)


def generated() -> str:
    return f"{BEGIN}\n{picture()}\n\n{table()}\n\n{END}"


def page(text: str) -> str:
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    return before + generated() + after


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

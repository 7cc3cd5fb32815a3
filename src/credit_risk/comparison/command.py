"""`credit-risk train` and `credit-risk gate`: the stages of these names, or a comparison on files of your own."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option, Typer

from credit_risk.command_line import GATES, HERE, MODEL, Json, Root, Schema, add, say, show
from credit_risk.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from credit_risk.data.files import Files

TRAIN_EXAMPLE = """
example:
  credit-risk train --training-data old.csv --validation-data new.csv --output-model trial/scorer
"""
GATE_EXAMPLE = """
example:
  credit-risk gate --candidate-model new/scorer --baseline-model models/scorer --test-data matured.csv
"""
BASELINE_ROOT = (
    "The repository that made the baseline: what it learned from is left out of the comparison too, which without "
    "--test-data is made on the candidate's own test rows."
)
ACCURACY = (
    "Least share of right calls at the cut-off, as 0.85; where every fifth account goes bad that is out of reach at a "
    "cut-off that pays, so by default only the config's gates count."
)
FAIRNESS = (
    "Least approval ratio, lowest group over highest, of every declared attribute, as 0.95; few samples can prove that "
    "much, so by default only the config's declared contrasts count."
)


def add_commands(app: Typer) -> None:
    """Add the commands that compare a scorer with another, or with the config's gates."""
    add(app, "train", _train, group=MODEL, more=TRAIN_EXAMPLE)
    add(app, "gate", _gate, group=GATES, more=GATE_EXAMPLE)


def _train(
    root: Root = HERE,
    config: Schema = None,
    training_data: Annotated[Path | None, Option(help="Raw applications with outcomes to fit on.")] = None,
    validation_data: Annotated[Path | None, Option(help="Raw applications with outcomes to measure on.")] = None,
    output_model: Annotated[Path | None, Option(help="The scorer directory to write.")] = None,
) -> None:
    """Fit the model and its challengers: on the prepared rows, or on files of your own."""
    if len({given is None for given in (training_data, validation_data, output_model)}) > 1:
        raise UsageError("Give --training-data, --validation-data and --output-model together, or none of them.")
    from credit_risk.comparison import train_files
    from credit_risk.data.repository import opened
    from credit_risk.stages import train

    settings, files = opened(root, config)
    if training_data and validation_data and output_model:
        train_files.run(settings, training_data, validation_data, output_model)
    else:
        train.run(settings, files)


def _gate(
    root: Root = HERE,
    config: Schema = None,
    check: Annotated[bool, Option("--check", help="Exit 1 unless the record lets this scorer through.")] = False,
    candidate_model: Annotated[Path | None, Option(help="A scorer directory that would replace the baseline.")] = None,
    baseline_model: Annotated[Path | None, Option(help="The scorer directory it is compared with.")] = None,
    test_data: Annotated[Path | None, Option(help="A raw file with outcomes that neither was trained on.")] = None,
    baseline_root: Annotated[Path | None, Option(help=BASELINE_ROOT)] = None,
    accuracy_threshold: Annotated[float | None, Option(help=ACCURACY)] = None,
    fairness_threshold: Annotated[float | None, Option(help=FAIRNESS)] = None,
    output: Annotated[Path | None, Option(help="Where a comparison goes (default: reports/comparison.json).")] = None,
    markdown: Annotated[Path | None, Option(help="Write the verdict as Markdown too, for a pull request.")] = None,
    junit: Annotated[Path | None, Option(help="Write the verdict as JUnit XML too, for CI tools.")] = None,
    json: Json = False,
) -> None:
    """Judge the measured scorer by the config's gates: reports/gate.json; or a candidate against a baseline."""
    from credit_risk.comparison import compare
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text, read_json
    from credit_risk.stages import gate

    settings, files = opened(root, config)
    if candidate_model and baseline_model and (test_data or baseline_root) and not check:
        record = compare.compare(
            settings,
            files,
            candidate=candidate_model,
            baseline=baseline_model,
            test_data=test_data,
            baseline_root=baseline_root,
            accuracy_threshold=accuracy_threshold,
            fairness_threshold=fairness_threshold,
        )
        _write_texts(record, markdown, junit)
        _conclude(record, output or files.report("comparison"), json=json)
        return
    if candidate_model or baseline_model or test_data or baseline_root:
        raise UsageError(_incomplete(check, candidate_model, baseline_model, test_data))
    if accuracy_threshold is not None or fairness_threshold is not None:
        raise UsageError("A threshold is for a comparison: it needs --candidate-model and what goes with it.")
    if check:
        _say_whether_open(files, json=json)
    else:
        gate.run(settings, files)
        record = read_json(files.report("gate"))
        _write_texts(record, markdown, junit)
        say(json_text(record) if json else "\n".join(_verdicts(record)))


def _conclude(record: Mapping[str, Any], path: Path, *, json: bool) -> None:
    """Write and show a comparison. Raises CheckFailed with every check that blocks."""
    from credit_risk.comparison import compare
    from credit_risk.data.writing import json_text, write_json

    write_json(path, record)
    if json:
        say(json_text(record))
    else:
        show(compare.render(record))
    compare.raise_unless_passed(record, path)


def _say_whether_open(files: "Files", *, json: bool) -> None:
    """Say that the record of the last run lets the scorer through. Raises CheckFailed with the reasons if not."""
    from credit_risk.data.writing import json_text
    from credit_risk.stages import gate

    try:
        record = gate.check(files)
    except CheckFailed as refusal:
        if json:
            say(json_text({"verdict": "FAIL", "reasons": str(refusal).splitlines()}))
        raise
    say(json_text(record) if json else "\n".join(_open(record)))


def _open(record: Mapping[str, Any]) -> list[str]:
    waived = [
        f"Waived: {waiver['check']} by {waiver['person']} ({waiver['role']}) until {waiver['expires']}: "
        f"{waiver['reason']}"
        for waiver in record["waivers"]
    ]
    return [
        *waived,
        *(f"{sentence}." for sentence in _not_judged(record)),
        f"The gate is open for {record['recommended']}.",
    ]


def _not_judged(record: Mapping[str, Any]) -> list[str]:
    from credit_risk.report.gate_output import contrasts_not_judged

    return contrasts_not_judged(record)


def _verdicts(record: Mapping[str, Any]) -> list[str]:
    checks = record["checks"]
    blocking = [check for check in checks if check["verdict"] != "PASS"]
    counted = f"{record['verdict']}: {len(checks) - len(blocking)} of {len(checks)} checks pass"
    return [
        "; ".join([counted, *_not_judged(record)]),
        *(f"  {check['verdict']} {check['name']}: {check['sentence']}" for check in blocking),
    ]


def _incomplete(check: bool, candidate: Path | None, baseline: Path | None, data: Path | None) -> str:
    """What a comparison lacks, or why it cannot be had with --check."""
    given = {"--candidate-model": candidate, "--baseline-model": baseline, "--test-data": data}
    missing = [option for option, path in given.items() if path is None]
    if missing:
        return f"A comparison needs {' and '.join(missing)} too: candidate, baseline and data go together."
    return f"--check reads the record of the last run alone: take it away, or {', '.join(given)}." if check else ""


def _write_texts(record: Mapping[str, Any], markdown: Path | None, junit: Path | None) -> None:
    from credit_risk.data.writing import write_text
    from credit_risk.report import gate_output

    if markdown:
        write_text(markdown, gate_output.markdown(record))
    if junit:
        write_text(junit, gate_output.junit(record))

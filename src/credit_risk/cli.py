"""The one command line: it alone parses arguments, sets up logging and decides exit codes.

Exit codes: 0 the work is done and nothing objects; 1 it is done and the answer is no (a contract
is broken, the gate blocks); 2 it could not be done, and the message says why and what mends it.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from credit_risk import command_line
from credit_risk.command_line import Commands, Run
from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json, write_text
from credit_risk.errors import CreditRiskError, UsageError

STAGES = {
    "dictionary": "write reports/dictionary.md: what every column means, may hold, does hold and is used for",
    "prepare": "take out, group and split the rows; write inputs, outcomes and protected columns apart",
    "select": "choose the candidate on the selection rows: LightGBM if it earns its place, else the scorecard",
    "assemble": "put the fitted models together with the policy: models/scorer and models/challenger",
    "evaluate": "measure model and challengers with intervals; write reports/metrics.json and the plots' tables",
    "fairness": "measure approvals by protected group, and search for less discriminatory alternatives",
    "explain": "check the reasons of declines, and what the model looks at",
    "robustness": "stress the decisions, and put gaps and nonsense into applications",
    "latency": "measure what one decision costs, in bare LightGBM predictions",
    "report": "write reports/index.html, the page for the risk manager",
}

EPILOG = """
The usual order is `make run`, which runs these stages through DVC. Each command can be run alone.
Everything particular to your data and policy stands in configs/credit.yaml; `credit-risk config` checks it.
"""


def console() -> None:
    """Entry point of the installed command."""
    raise SystemExit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    options = parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr, force=True)
    logging.getLogger("credit_risk").setLevel(logging.INFO)  # our progress, not that of the libraries
    try:
        options.run(options)
    except CreditRiskError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted; what was finished is kept.", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line with every sub-command."""
    top = argparse.ArgumentParser(
        prog="credit-risk",
        description="From application data to a decided, documented and gated credit model.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _config(commands)
    _validate(commands)
    for name, what in STAGES.items():
        _command(commands, name, what, _stage(name))
    _train(commands)
    _gate(commands)
    _review(commands)
    _summary(commands)
    _score(commands)
    _tune(commands)
    _bench(commands)
    _power(commands)
    for room in sorted(Path(__file__).parent.glob("*/command.py")):  # a room that a fork took away is not there
        import_module(f"credit_risk.{room.parent.name}.command").register(commands)
    return top


def _command(commands: Commands, name: str, what: str, run: Run, example: str = "") -> argparse.ArgumentParser:
    command = command_line.command(commands, name, what, run, epilog=f"example:\n  {example}" if example else None)
    command.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    command.add_argument(
        "--config", "--schema", type=Path, help="the config to go by (default: configs/credit.yaml below the root)"
    )
    return command


def _context(options: argparse.Namespace) -> tuple[Config, Files]:
    files = Files(options.root)
    return load(options.config or files.config), files


def _stage(name: str) -> Run:
    def run(options: argparse.Namespace) -> None:
        import_module(f"credit_risk.stages.{name}").run(*_context(options))

    return run


def _config(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        gate = import_module("credit_risk.stages.gate")
        config, files = _context(options)
        path = options.config or files.config
        for sentence in gate.unmeasured(config, files):
            logging.getLogger("credit_risk").warning(sentence)
        print(f"{path}: {len(config.columns)} columns, {len(config.features)} features, {len(config.gates)} gates")

    _command(commands, "config", "check the config: every problem at once, each with its line", run)


def _validate(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        from credit_risk.stages import validate_data

        config, files = _context(options)
        named = options.reference or files.scorer
        reference = named if named.suffix == ".json" else named / "reference.json"
        asked = options.reference is not None or reference.is_file()
        # The pipeline's own report is of the config's own data; a check of anything else must not take its place.
        of_the_stage = not (options.dataset or options.compliance or options.reference)
        report = validate_data.validate(
            config,
            files,
            paths=(options.dataset,) if options.dataset else (),
            reference=reference if asked and (options.dataset or options.reference) else None,
            drift_threshold=options.drift_threshold,
            frameworks=tuple(options.compliance.split(",")) if options.compliance else (),
            table=files.table if of_the_stage else None,
        )
        output = options.output or (files.report("validation") if of_the_stage else None)
        if output:
            write_json(output, report.as_dict())
        Console(highlight=False).print(validate_data.render(report))
        validate_data.raise_unless_passed(report, output)

    command = _command(
        commands,
        "validate-data",
        "hold a data set against the contract that the config declares, and against drift",
        run,
        "credit-risk validate-data --dataset new.csv --drift-threshold 0.1 --compliance gdpr,sox",
    )
    command.add_argument("--dataset", "--data-path", type=Path, help="the file to check (default: the config's own)")
    command.add_argument("--drift-threshold", type=float, help="the highest PSI that is not drift; needs a reference")
    command.add_argument("--reference", type=Path, help="a scorer or its reference.json (default: models/scorer)")
    command.add_argument("--compliance", help="frameworks whose data controls apply too, as in gdpr,sox")
    command.add_argument(
        "--output",
        type=Path,
        help="where the JSON report goes (default: reports/validation.json for the config's own data)",
    )


def _train(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        from credit_risk.stages import train

        config, files = _context(options)
        named = (options.training_data, options.validation_data, options.output_model)
        if not any(named):
            train.run(config, files)
        elif all(named):
            from credit_risk.comparison import train_files

            train_files.run(config, *named)
        else:
            raise UsageError("give --training-data, --validation-data and --output-model together, or none of them")

    command = _command(
        commands,
        "train",
        "fit the model and its challengers: on the prepared rows, or on files of your own",
        run,
        "credit-risk train --training-data old.csv --validation-data new.csv --output-model trial/scorer",
    )
    command.add_argument("--training-data", type=Path, help="raw applications with outcomes to fit on")
    command.add_argument("--validation-data", type=Path, help="raw applications with outcomes to measure on")
    command.add_argument("--output-model", type=Path, help="the scorer directory to write")


def _gate(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        from credit_risk.stages import gate

        config, files = _context(options)
        contest = (options.candidate_model, options.baseline_model, options.test_data)
        if any(contest):
            _compare(options, config, files)
            return
        if options.accuracy_threshold is not None or options.fairness_threshold is not None:
            raise UsageError("a threshold is for a comparison: give --candidate-model and what goes with it too")
        if options.check:
            found = gate.check(files)
            for one in found["waivers"]:
                print(
                    f"Waived: {one['check']} by {one['person']} ({one['role']}) until {one['expires']}: {one['reason']}"
                )
            print(f"The gate is open for {found['recommended']}.")
        else:
            gate.run(config, files)
            record = read_json(files.report("gate"))
            _gate_texts(options, record)
            blocking = [one for one in record["checks"] if one["verdict"] != "PASS"]
            print(
                f"{record['verdict']}: {len(record['checks']) - len(blocking)} of {len(record['checks'])} checks pass"
            )
            for one in blocking:
                print(f"  {one['verdict']} {one['name']}: {one['sentence']}")

    command = _command(
        commands,
        "gate",
        "judge the measured scorer by the config's gates: reports/gate.json; or a candidate against a baseline",
        run,
        "credit-risk gate --candidate-model new/scorer --baseline-model models/scorer --test-data matured.csv",
    )
    command.add_argument("--check", action="store_true", help="exit 1 unless the record lets this scorer through")
    command.add_argument("--candidate-model", type=Path, help="a scorer directory that would take the baseline's place")
    command.add_argument("--baseline-model", type=Path, help="the scorer directory it is compared with")
    command.add_argument("--test-data", type=Path, help="a raw file with outcomes that neither was trained on")
    command.add_argument(
        "--accuracy-threshold",
        type=float,
        help="least share of right calls at the cut-off, as 0.85; where every fifth account goes bad that is out of "
        "reach at a cut-off that pays, so by default only the config's gates count",
    )
    command.add_argument(
        "--fairness-threshold",
        type=float,
        help="least approval ratio, lowest group over highest, of every declared attribute, as 0.95; few samples can "
        "prove that much, so by default only the config's declared contrasts count",
    )
    command.add_argument("--output", type=Path, help="where a comparison goes (default: reports/comparison.json)")
    command.add_argument("--markdown", type=Path, help="write the verdict as Markdown too, for a pull request")
    command.add_argument("--junit", type=Path, help="write the verdict as JUnit XML too, for CI tools")


def _compare(options: argparse.Namespace, config: Config, files: Files) -> None:
    from credit_risk.comparison import compare

    if not (options.candidate_model and options.baseline_model and options.test_data) or options.check:
        raise UsageError("give --candidate-model, --baseline-model and --test-data together, and without --check")
    record = compare.compare(
        config,
        files,
        candidate=options.candidate_model,
        baseline=options.baseline_model,
        test_data=options.test_data,
        accuracy_threshold=options.accuracy_threshold,
        fairness_threshold=options.fairness_threshold,
    )
    output = options.output or files.report("comparison")
    write_json(output, record)
    _gate_texts(options, record)
    Console(highlight=False).print(compare.render(record))
    compare.raise_unless_passed(record, output)


def _gate_texts(options: argparse.Namespace, record: dict[str, Any]) -> None:
    from credit_risk.report import gate_output

    for path, text in ((options.markdown, gate_output.markdown), (options.junit, gate_output.junit)):
        if path:
            write_text(path, text(record))


def _review(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        from credit_risk.report import review

        text = review.review(options.after or Files(options.root).reports, options.before, page=options.page)
        write_text(options.output, text)

    command = _command(
        commands,
        "review",
        "what a change does to gate and figures, as Markdown for its reviewer; reports need not be trusted",
        run,
        "credit-risk review --before main/reports --after reports --output comment.md",
    )
    command.add_argument("--after", type=Path, help="the changed run's reports (default: reports)")
    command.add_argument("--before", type=Path, help="the reports it is compared with (default: none)")
    command.add_argument("--page", help="https address where the changed run keeps its report page, to link to")
    command.add_argument("--output", type=Path, required=True, help="where the Markdown goes")


def _summary(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        from credit_risk.report import summary

        Console(highlight=False).print(summary.screen(*_context(options)))

    _command(commands, "summary", "one screen: headline figures, the gate's verdict, where the report is", run)


def _score(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        from credit_risk.batch import score
        from credit_risk.scoring.scorer import Scorer

        scorer = Scorer.load(options.scorer or Files(options.root).scorer)
        score.score(scorer, options.input, options.output, reasons=not options.without_reasons, strict=options.strict)

    command = _command(
        commands,
        "score",
        "decide every application of a file, in bounded memory; a killed run goes on where it stopped",
        run,
        "credit-risk score --input applications.parquet --output decisions.parquet",
    )
    command.add_argument("--scorer", type=Path, help="the scorer directory (default: models/scorer)")
    command.add_argument("--input", type=Path, required=True, help="applications, CSV or Parquet by suffix")
    command.add_argument("--output", type=Path, required=True, help="decisions, CSV or Parquet by suffix")
    command.add_argument(
        "--without-reasons", action="store_true", help="faster, for simulation: declines carry no reasons"
    )
    command.add_argument("--strict", action="store_true", help="exit 1 if any application is refused")


def _tune(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        from credit_risk.modelling import tuning

        config, files = _context(options)
        tuning.tune(config, files, trials=options.trials or config.tune.trials)

    command = _command(commands, "tune", "search LightGBM's parameters, resumable; write configs/model.yaml", run)
    command.add_argument("--trials", type=int, help="how many parameter sets to try (default: tune.trials)")


def _bench(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        from credit_risk.studies import pipeline_bench

        pipeline_bench.run(*_context(options), rows=options.rows)

    command = _command(commands, "bench", "measure the pipeline against bare LightGBM, and how it grows", run)
    command.add_argument("--rows", type=int, nargs="+", default=[30_000, 300_000, 3_000_000], help="sizes to measure")


def _power(commands: Commands) -> None:
    def run(options: argparse.Namespace) -> None:
        power = import_module("credit_risk.studies.gate_power")
        config, files = _context(options)
        if not options.docs_only:
            found = power.run(
                config, files, power.QUICK if options.quick else power.StudyPlan(), workers=options.workers
            )
            if options.quick:
                print("It runs. So few draws are no evidence, and nothing was written.")
                return
            write_json(files.root / power.FIGURES, found)
        print(power.write_documents(files.root))

    what = "measure how often the statistical gates are wrong, on simulated lenders whose truth is known"
    command = _command(commands, "gate-power", what, run, "credit-risk gate-power --quick")
    command.add_argument("--quick", action="store_true", help="a tenth of the draws, and no documents: does it run?")
    command.add_argument("--workers", type=int, default=2, help="processes that share the work (default: 2)")
    command.add_argument("--docs-only", action="store_true", help="write the page again from build/gate-power.json")


if __name__ == "__main__":
    console()

"""The command line as a person meets it: help that teaches, exit codes to rely on, errors in one sentence."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from credit_risk.cli import commands, main
from credit_risk.command_line import FIRST, GROUPS, environment_file, repeated
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import write_json

ROOT = Path(__file__).parents[1]
COMMAND = Path(sys.executable).with_name("credit-risk")

# What was promised (shared/DESIGN.md 6, shared/SEED.md), with the flags that must be given to say anything.
COMMANDS = {
    **dict.fromkeys(("config", "validate-data", "prepare", "train", "assemble", "evaluate", "gate", "report"), ()),
    "summary": (),
    "tune": (),  # part: tuning
    "bench": (),  # part: studies
    "score": ("--scorer", "--input", "--output"),  # part: batch
}
SCRIPTS = {
    "validate_model.py": (
        *("--candidate-model", "--baseline-model", "--test-data", "--accuracy-threshold", "--fairness-threshold"),
    ),
    "train_risk_model.py": ("--training-data", "--validation-data", "--output-model"),
    "validate_data.py": ("--dataset", "--schema", "--drift-threshold"),
    "validate_financial_data.py": ("--data-path", "--schema"),
    "deploy.py": ("--environment", "--model-version", "--config-file"),  # part: rollout
    "blue_green_deploy.py": ("--current-version", "--new-version", "--health-check-endpoint"),  # part: rollout
    "deploy_risk_model.py": ("--model-version", "--environment", "--traffic-shift"),  # part: rollout
    "auto_scaler.py": ("--metric", "--threshold", "--action", "--increment"),  # part: rollout-local
    "collect_metrics.py": ("--pipeline-duration", "--test-coverage", "--build-success"),  # part: operations
    # of the part: operations
    "optimize_resources.py": ("--model-complexity", "--data-size", "--available-gpus", "--allocated-gpus"),
    "cost_tracker.py": ("--runner-type", "--duration", "--compute-units", "--estimated-cost"),
    # end of part
    "audit_model.py": ("--model-path", "--regulatory-framework"),  # part: governance
    "compliance_check.py": ("--dataset", "--privacy-policy", "--check-types"),  # part: governance
    "log_model.py": ("--model-path", "--metrics-path", "--run-name", "--tags"),  # part: mlflow
    "validate_model_signature.py": ("version", "--url"),  # part: mlflow
}


def run(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a shell would; NO_COLOR and a fixed width keep its text plain."""
    plain = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **environment}
    return subprocess.run(
        [*map(str, command)], check=False, cwd=cwd, env=plain, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small lender's repository: config and data, nothing made yet."""
    (tmp_path / "data").mkdir()
    shutil.copytree(ROOT / "tests" / "lender", tmp_path / "configs")
    lender(1_500, seed=7).applications.to_csv(tmp_path / "data" / "applications.csv", index=False)
    return tmp_path


def helped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The help text of a command, its lines joined to one."""
    assert main([*arguments, "--help"]) == 0
    return " ".join(capsys.readouterr().out.split())


def every_command(below: Any = None, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Each command by its words, the verbs of a command included."""
    below = below or commands()
    every = {}
    for name, command in below.commands.items():
        every[*path, name] = command
        if hasattr(command, "commands"):
            every |= every_command(command, (*path, name))
    return every


EVERY = every_command()


def test_help_lists_every_command_in_its_group_the_usual_dozen_first(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    names = [words[0] for words in EVERY if len(words) == 1]
    assert set(COMMANDS) <= set(names)
    for name in names:
        assert re.search(rf"\n  {name} +[A-Z]", text), f"--help does not say what {name} does"
    assert "configs/credit.yaml" in text
    headings = [heading for heading in ("What everybody needs", *GROUPS) if f"\n{heading}:\n" in text]
    assert headings == sorted(headings, key=lambda heading: text.index(f"\n{heading}:\n"))
    assert headings[0] == "What everybody needs"
    assert {"data", "model", "gates", "serving", "ledger"} <= set(headings)
    assert len(FIRST) == 12
    usual = [name for name in FIRST if name in names]  # those of a part that was taken out are not there
    assert {"config", "validate-data", "gate", "summary", "sign", "serve"} <= set(usual)
    assert all(text.index(f"\n  {name} ") < text.index(f"\n{GROUPS[0]}:\n") for name in usual)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_the_help_of_a_command_teaches(capsys, words):
    command, text = EVERY[words], helped(capsys, *words)
    assert len(command.help) > 20
    assert command.help.endswith(".")
    assert command.help[0].isupper()
    assert "--root" in text or words in (("merge-config",), ("simulated-years",))  # they read what they are handed
    for flag in COMMANDS.get(words[0], ()):
        assert flag in text
    needed = [parameter for parameter in command.params if parameter.required]
    if needed and len(words) == 1:
        assert f"example: credit-risk {words[0]} " in text
        example = text.split("example: ")[1]
        for parameter in needed:
            assert (parameter.opts[0] if parameter.opts[0].startswith("--") else parameter.name.upper()) in example


# What a person never types: git starts the first, a rollout the second.
STARTED_BY_PROGRAMS = {("merge-config",), ("supervise",)}


def test_every_command_stands_in_a_document_a_target_or_a_stage():
    files = [*(ROOT / "docs").glob("*.md"), *(ROOT / "make").glob("*.mk")]
    files += [ROOT / name for name in ("README.md", "Makefile", "dvc.yaml")]
    text = " ".join(" ".join(file.read_text(encoding="utf-8") for file in files).split())
    typed = {words for words, command in EVERY.items() if not hasattr(command, "commands")} - STARTED_BY_PROGRAMS
    missing = [
        " ".join(words) for words in typed if not re.search(rf"(credit-risk |`){' '.join(words)}(?![\w-])", text)
    ]
    assert missing == []


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_option_of_a_command_is_explained(words):
    for parameter in EVERY[words].params:
        assert parameter.help, f"{words} {parameter.opts} has no help"


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_config_is_credit_yaml_and_environment_is_an_environment_in_every_command(words):
    by_flag = {flag: parameter for parameter in EVERY[words].params for flag in parameter.opts}
    assert "--settings" not in by_flag
    if "--config" in by_flag:
        assert "configs/credit.yaml" in by_flag["--config"].help
    if "--environment" in by_flag:
        assert by_flag["--environment"].metavar == "NAME|FILE"


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_an_example_is_a_command_line_that_parses(words):
    for line in (EVERY[words].epilog or "").splitlines():
        if line.strip().startswith("credit-risk "):
            arguments = shlex.split(line)[1:]
            below = commands()
            while arguments and arguments[0] in getattr(below, "commands", {}):
                below = below.commands[arguments.pop(0)]
            below.make_context(below.name, arguments)


@pytest.mark.parametrize(
    "words",
    [
        *("config", "validate-data", "gate", "summary", "keys list"),
        *("ledger verify", "ledger head", "ledger show"),
        *("registry history", "registry as-of", "registry head"),  # part: registry
        "registry diff",  # part: mlflow
        "fork-check",  # part: fork
        *("audit", "audit-log verify", "compliance", "lineage"),  # part: governance
        *("status", "environment"),  # part: rollout
    ],
)
def test_what_a_machine_would_read_is_to_be_had_as_json(words):
    assert "--json" in {flag for parameter in EVERY[tuple(words.split())].params for flag in parameter.opts}


def test_a_command_module_offers_one_function():
    package = ROOT / "src"
    for path in sorted(package.rglob("command.py")):
        module = import_module(".".join(path.relative_to(package).with_suffix("").parts))
        own = {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
        assert {name for name in own if not name.startswith("_")} == {"add_commands"}


def test_a_module_is_imported_by_its_name_alone_where_it_may_be_gone():
    """Elsewhere an import statement stands, late where it is heavy, so that types and import order see it."""
    package = ROOT / "src" / "credit_risk"
    by_name = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "import_module(" in path.read_text(encoding="utf-8")
    }
    assert by_name == {
        "cli/__init__.py",
        "stages/command.py",  # stages beside it; that each is there, test_dvc_yaml.py shows
        "registry/versions.py",  # part: registry
        "registry/conditions.py",  # part: registry; the part `governance`
        "ledger/doer.py",  # part: registry; which is sought there
        "rollout/targets.py",  # part: rollout
        "serving/web.py",  # part: monitoring
        "config/permission.py",  # the part `roles`
        "documents/computed.py",  # part: documents; the part `roles`
        "editing/schemas.py",  # part: editing; classes of other parts
        "editing/readers.py",  # part: editing; what other parts read their files by
        "attacks/toolbox.py",  # part: attacks; a library
        "governance/repository_checks.py",  # part: governance; the part `retention`
    }


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").glob("*_*.py")))
def test_a_script_answers_help_with_its_own_name_and_the_flags_of_the_seed(tmp_path, script):
    done = run(sys.executable, "-W", "error", ROOT / "scripts" / script, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith(f"Usage: {script} ")
    for flag in SCRIPTS.get(script, ()):
        assert flag in done.stdout


def test_a_script_names_itself_and_the_nearest_option_when_one_is_mistyped(tmp_path):
    done = run(sys.executable, ROOT / "scripts" / "validate_model.py", "--candidate-modle", "x", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: validate_model.py [OPTIONS]\n")
    assert "No such option: --candidate-modle" in done.stderr
    assert "--candidate-model" in done.stderr


def test_the_scripts_of_the_seed_that_this_issue_makes_are_there():
    there = {path.name for path in (ROOT / "scripts").glob("*.py")}
    assert {"train_risk_model.py", "validate_data.py", "validate_financial_data.py"} <= there


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["no-such-command"], "no-such-command"),
        (["validate-dta"], "Did you mean 'validate-data'"),
        (["ledger", "hed"], "Did you mean 'head'?"),
        (["prepare", "--confg", "x"], "--config"),
        ([], "COMMAND"),
        (["prepare", "--no-such-flag"], "--no-such-flag"),
        (["score", "--input", "a.csv"], "--output"),  # part: batch
        (["tune", "--trials", "many"], "expected a whole number, got many."),  # part: tuning
        (["serve", "--port", "99999"], "expected at most 65535, got 99999."),
        (["serve", "--workers", "0"], "expected at least 1, got 0."),
        (["gate", "--accuracy-threshold", "high"], "expected a number, got high."),
        (["deploy", "--traffic-percentage", "200"], "expected at most 100, got 200."),  # part: rollout
        (["train", "--training-data", "a.csv"], "--validation-data"),
    ],
)
def test_a_command_line_that_makes_no_sense_exits_2_and_says_what(tmp_path, arguments, what):
    shutil.copytree(ROOT / "tests" / "lender", tmp_path / "configs")
    done = run(COMMAND, *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert what in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", [["prepare"], ["ledger", "head"], ["serve"]])
def test_every_help_says_what_the_exit_codes_mean(capsys, command):
    assert helped(capsys, *command).count("exit codes: 0 ") == 1


def test_what_is_in_order_exits_0(root, capsys):
    assert main(["config", "--root", str(root)]) == 0
    said = capsys.readouterr()
    assert "14 columns, 8 features, 2 gates" in said.out
    assert said.err == ""


def test_a_config_below_the_policy_floor_exits_2_with_both_lines(root, capsys):
    path = root / "configs" / "credit.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("at_least: 0.6,", "at_least: 0.5,"), encoding="utf-8")
    assert main(["config", "--root", str(root)]) == 2
    complaint = capsys.readouterr().err
    assert "discrimination judges at_least 0.5" in complaint
    assert "gate_floor.yaml line 9: checks.0: the floor" in complaint


def test_a_broken_contract_exits_1_and_its_report_is_written(root, capsys):
    table = (root / "data" / "applications.csv").read_text(encoding="utf-8")
    (root / "data" / "applications.csv").write_text(table.replace(",car,", ",boat,"), encoding="utf-8")
    assert main(["validate-data", "--root", str(root)]) == 1
    said = capsys.readouterr()
    assert "boat" in said.out
    assert "Traceback" not in said.err
    assert said.err.strip() != ""
    assert (root / "reports" / "validation.json").is_file()


def test_a_check_of_another_file_leaves_the_report_of_the_pipeline_alone(root):
    assert main(["validate-data", "--root", str(root)]) == 0
    report = root / "reports" / "validation.json"
    before = report.read_bytes()
    other = str(shutil.copy(root / "data" / "applications.csv", root / "other.csv"))
    assert main(["validate-data", "--root", str(root), "--dataset", other]) == 0
    assert report.read_bytes() == before
    assert main(["validate-data", "--root", str(root), "--dataset", other, "--output", str(root / "mine.json")]) == 0
    assert (root / "mine.json").is_file()


@pytest.mark.parametrize(
    "command",
    [
        "config",
        "validate-data",
        "prepare",
        "train",
        "assemble",
        "evaluate",
        "gate",
        "report",
        "summary",
        "tune",  # part: tuning
        "bench",  # part: studies
    ],
)
def test_without_a_config_every_command_exits_2_with_one_sentence(tmp_path, capsys, command):
    assert main([command, "--root", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "credit.yaml: there is no such file." in said.err
    assert len(said.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        *(["train"], ["assemble"], ["evaluate"], ["gate"], ["gate", "--check"], ["summary"]),
        ["tune"],  # part: tuning
        ["score", "--input", "data/applications.csv", "--output", "decisions.csv"],  # part: batch
        ["validate-data", "--dataset", "nowhere.csv"],
        ["validate-data", "--drift-threshold", "0.1", "--reference", "nowhere"],
        ["validate-data", "--compliance", "no_such_law"],  # part: compliance
    ],
)
def test_a_command_too_early_says_what_is_missing_and_what_mends_it(root, monkeypatch, capsys, arguments):
    """Nothing was made yet: the answer is a sentence, not a traceback."""
    monkeypatch.chdir(root)
    assert main(arguments) in (1, 2)
    said = capsys.readouterr()
    assert said.err.strip().endswith((".", "`"))
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate-data", "--output", "configs"],
        [
            *("train", "--training-data", "data/applications.csv", "--validation-data", "data/applications.csv"),
            *("--output-model", "configs"),
        ],
    ],
)
def test_a_folder_that_is_no_output_of_ours_is_never_replaced(root, monkeypatch, capsys, arguments):
    """A mistyped path must not cost anybody a folder."""
    monkeypatch.chdir(root)
    before = sorted(root.rglob("*"))
    assert main(arguments) == 2
    assert "configs" in capsys.readouterr().err
    assert [path for path in before if not path.exists()] == []


def test_the_problems_of_a_config_are_listed_one_a_line(root, capsys):
    path = root / "configs" / "credit.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("folds: 3", "foldz: 3"), encoding="utf-8")
    assert main(["prepare", "--root", str(root)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{path}: 2 problems",
        "  credit.yaml line 37: model.folds: this key is missing",
        "  credit.yaml line 39: model.foldz: unknown key 'foldz'; did you mean 'folds'?",
    ]


def test_a_path_that_cannot_be_used_is_a_sentence_and_another_fault_of_the_system_is_none(root, monkeypatch, capsys):
    (root / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr("credit_risk.stages.prepare.run", lambda *_: (root / "file").mkdir(parents=True))
    assert main(["prepare", "--root", str(root)]) == 2
    assert capsys.readouterr().err == f"[Errno 17] File exists: '{root}/file'\n"

    def broken(*_: object) -> None:
        raise OSError("of no file")

    monkeypatch.setattr("credit_risk.stages.prepare.run", broken)
    with pytest.raises(OSError, match="of no file"):
        main(["prepare", "--root", str(root)])


def test_an_interrupt_exits_130_without_a_traceback(root, monkeypatch, capsys):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("credit_risk.stages.prepare.run", interrupted)
    assert main(["prepare", "--root", str(root)]) == 130
    assert capsys.readouterr().err == "Interrupted; what was finished is kept.\n"


def test_config_refuses_a_gate_on_what_is_nearly_what_the_last_run_measured(root, capsys):
    (root / "reports").mkdir(exist_ok=True)
    taken = {"test": {"auk": 0.8, "auk_low": 0.7, "auk_high": 0.9}, "unknown": {"monotone.violations": "no steps"}}
    write_json(root / "reports" / "metrics.json", taken)
    assert main(["config", "--root", str(root)]) == 2
    said = capsys.readouterr()
    assert "gates.0.measure: no run measures test.auc; did you mean test.auk?" in said.err
    assert "monotone" not in said.err  # it was looked at, and the report says why it is not known


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (["--help"], {"pandas", "numpy", "pydantic", "sqlalchemy", "bentoml", "rich", "ruamel.yaml"}),
        (["serve", "--help"], {"pandas", "numpy", "sqlalchemy", "bentoml", "rich", "ruamel.yaml"}),
        (["config"], set()),
    ],
)
def test_help_and_config_do_not_wait_for_what_they_do_not_need(root, arguments, more):
    heavy = {"lightgbm", "mlflow", "sklearn", "matplotlib", *more}
    code = (
        "import sys; from credit_risk.cli import main\n"
        f"assert main({arguments!r}) == 0\n"
        f"sys.exit(sorted({heavy!r} & set(sys.modules)) or 0)"
    )
    done = run(sys.executable, "-c", code, cwd=root)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_installed_command_goes_from_data_to_a_scorer(root):
    done = run(COMMAND, "validate-data", cwd=root)
    # The others share a process, which imports the libraries once; DVC runs each as a program of its own.
    stages = ("prepare", "train", "select", "assemble")
    rest = run(
        sys.executable, "-c", f"from credit_risk.cli import main; exit(any(main([s]) for s in {stages}))", cwd=root
    )
    for said in (done, rest):
        assert said.returncode == 0, said.stderr
        assert "Traceback" not in said.stderr
        assert "Warning" not in said.stderr
    for written in ("reports/validation.json", "artifacts/inputs/train.parquet", "artifacts/model/model.txt"):
        assert (root / written).is_file()
    assert (root / "reports/selection.json").is_file()
    assert sorted(path.name for path in (root / "models").iterdir()) == ["challenger", "scorer"]


def test_json_is_all_that_stands_on_the_screen(root, capsys):
    assert main(["config", "--root", str(root), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["columns"], printed["features"], printed["gates"], printed["unmeasured"]) == (14, 8, 2, [])
    assert main(["validate-data", "--root", str(root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((root / "reports" / "validation.json").read_text())


def test_json_is_printed_of_a_no_too(root, capsys):
    table = (root / "data" / "applications.csv").read_text(encoding="utf-8")
    (root / "data" / "applications.csv").write_text(table.replace(",car,", ",boat,"), encoding="utf-8")
    assert main(["validate-data", "--root", str(root), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_an_environment_is_a_name_in_configs_deploy_or_a_file():
    root = Path("root")
    assert environment_file(root, None) == root / "configs" / "deploy" / "local.yaml"
    assert environment_file(root, "staging") == root / "configs" / "deploy" / "staging.yaml"
    assert environment_file(root, "here.yaml") == Path("here.yaml")
    assert environment_file(root, "other/place") == Path("other/place")


def test_an_option_that_may_be_repeated_takes_several_words():
    words = ["--tags", "a=1", "b=2", "--by", "Kim", "--tags", "c=3"]
    spread = ["--tags", "a=1", "--tags", "b=2", "--by", "Kim", "--tags", "c=3"]
    assert repeated(words, {"--tags"}) == spread
    assert repeated(words, set()) == words


def test_options_before_the_verb_hold_for_it(tmp_path, capsys):
    assert main(["ledger", "--root", str(tmp_path), "--environment", "nowhere", "head"]) == 2
    assert f"{tmp_path / 'configs' / 'deploy' / 'nowhere.yaml'}: there is no such file" in capsys.readouterr().err
    assert main(["ledger", "--environment", "nowhere", "head", "--environment", "else", "--root", str(tmp_path)]) == 2
    assert "else.yaml" in capsys.readouterr().err


def test_the_shell_completes_commands_and_options(tmp_path):
    for typed, completed in (
        ("credit-risk validate", "validate-data"),
        ("credit-risk gate --cand", "--candidate-model"),
    ):
        words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
        done = run(COMMAND, cwd=tmp_path, _CREDIT_RISK_COMPLETE="complete_bash", **words)
        assert done.stdout.split() == [completed]

"""The command line as a person meets it: help that teaches, exit codes to rely on, errors in one sentence."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from credit_risk.cli import main, parser
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import write_json

ROOT = Path(__file__).parents[1]
COMMAND = Path(sys.executable).with_name("credit-risk")

# What was promised (shared/DESIGN.md 6, shared/SEED.md), with the flags that must be given to say anything.
COMMANDS = {
    **dict.fromkeys(("config", "validate-data", "prepare", "train", "assemble", "evaluate", "gate", "report"), ()),
    **dict.fromkeys(("summary", "tune", "bench"), ()),
    "score": ("--scorer", "--input", "--output"),
}
SCRIPTS = {
    "train_risk_model.py": ("--training-data", "--validation-data", "--output-model"),
    "validate_data.py": ("--dataset", "--schema", "--drift-threshold"),
    "validate_financial_data.py": ("--data-path", "--schema", "--compliance"),
    "log_model.py": ("--model-path", "--metrics-path", "--run-name", "--tags"),
    "validate_model_signature.py": ("version", "--url"),
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
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--help"])
    assert end.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def subcommands() -> dict[str, object]:
    return dict(next(action for action in parser()._actions if action.choices).choices)


def test_help_lists_every_command_with_what_it_does(capsys):
    text = helped(capsys)
    assert set(COMMANDS) <= set(subcommands())
    for name in subcommands():
        assert re.search(rf"\b{name} [a-z]", text), f"--help does not say what {name} does"
    assert "configs/credit.yaml" in text


@pytest.mark.parametrize("name", subcommands())
def test_the_help_of_a_command_teaches(capsys, name):
    text = helped(capsys, name)
    description = text.split("options:")[0].split("]")[-1].strip()
    assert len(description) > 30
    assert "--root" in text
    assert "--config" in text
    for flag in COMMANDS.get(name, ()):
        assert flag in text
    needed = [action for action in subcommands()[name]._actions if action.required]
    if needed:
        assert f"example: credit-risk {name} " in text
        example = text.split("example: ")[1]
        assert all((action.option_strings or [action.dest.upper()])[0] in example for action in needed)


@pytest.mark.parametrize("name", subcommands())
def test_every_flag_of_a_command_is_explained(name):
    for action in subcommands()[name]._actions:
        assert action.help, f"{name} {action.option_strings} has no help"


@pytest.mark.parametrize("name", subcommands())
def test_an_example_is_a_command_line_that_parses(name):
    epilog = subcommands()[name].epilog
    for line in (epilog or "").splitlines():
        if line.strip().startswith("credit-risk "):
            assert parser().parse_args(shlex.split(line)[1:]).run


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").glob("*_*.py")))
def test_a_script_answers_help_with_the_flags_of_the_seed(tmp_path, script):
    done = run(sys.executable, "-W", "error", ROOT / "scripts" / script, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for flag in SCRIPTS.get(script, ()):
        assert flag in done.stdout


def test_the_scripts_of_the_seed_that_this_issue_makes_are_there():
    there = {path.name for path in (ROOT / "scripts").glob("*.py")}
    assert {"train_risk_model.py", "validate_data.py", "validate_financial_data.py"} <= there


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["no-such-command"], "no-such-command"),
        ([], "COMMAND"),
        (["prepare", "--no-such-flag"], "--no-such-flag"),
        (["score", "--input", "a.csv"], "--output"),
        (["tune", "--trials", "many"], "many"),
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


def test_what_is_in_order_exits_0(root, capsys):
    assert main(["config", "--root", str(root)]) == 0
    said = capsys.readouterr()
    assert "14 columns, 8 features, 2 gates" in said.out
    assert said.err == ""


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
        "tune",
        "bench",
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
        *(["train"], ["assemble"], ["evaluate"], ["gate"], ["gate", "--check"], ["summary"], ["tune"]),
        ["score", "--input", "data/applications.csv", "--output", "decisions.csv"],
        ["validate-data", "--dataset", "nowhere.csv"],
        ["validate-data", "--drift-threshold", "0.1", "--reference", "nowhere"],
        ["validate-data", "--compliance", "no_such_law"],
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
@pytest.mark.filterwarnings("ignore:Setting an item of incompatible dtype:DeprecationWarning")
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


def test_an_interrupt_exits_130_without_a_traceback(root, monkeypatch, capsys):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("credit_risk.stages.prepare.run", interrupted)
    assert main(["prepare", "--root", str(root)]) == 130
    assert capsys.readouterr().err == "Interrupted; what was finished is kept.\n"


def test_config_tells_of_a_gate_on_what_the_last_run_did_not_measure(root, capsys):
    (root / "reports").mkdir(exist_ok=True)
    taken = {"test": {"auk": 0.8, "auk_low": 0.7, "auk_high": 0.9}, "unknown": {"monotone.violations": "no steps"}}
    write_json(root / "reports" / "metrics.json", taken)
    assert main(["config", "--root", str(root)]) == 0
    said = capsys.readouterr()
    assert "discrimination: the last run did not measure test.auc; did you mean test.auk?" in said.err
    assert "monotone" not in said.err  # it was looked at, and the report says why it is not known


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"], ["config"]])
def test_help_and_config_do_not_wait_for_lightgbm(root, arguments):
    code = (
        "import sys; from credit_risk.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "sys.exit(sorted({'lightgbm', 'optbinning', 'mlflow', 'sklearn', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = run(sys.executable, "-c", code, cwd=root)
    assert done.returncode == 0, done.stderr


def test_the_installed_command_goes_from_data_to_a_scorer(root):
    for command, written in (
        (["validate-data"], "reports/validation.json"),
        (["prepare"], "artifacts/inputs/train.parquet"),
        (["train"], "artifacts/model/model.txt"),
        (["select"], "reports/selection.json"),
        (["assemble"], "models/scorer/scorer.json"),
    ):
        done = run(COMMAND, *command, cwd=root)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert "Warning" not in done.stderr
        assert (root / written).is_file()
    assert sorted(path.name for path in (root / "models").iterdir()) == ["challenger", "scorer"]

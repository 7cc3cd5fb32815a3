"""dvc.yaml tells the truth: every stage is explained, tested, and runs again when code or config it uses changes."""

import ast
import json
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import grimp
import pytest
from ruamel.yaml import YAML

import parts
from credit_risk.config import Config, load
from credit_risk.config.schema import Parameters
from credit_risk.data import digest
from credit_risk.errors import ConfigError
from credit_risk.stages import command

ROOT = Path(__file__).parents[1]
PIPELINE = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")
STAGES = PIPELINE["stages"]
SOURCE = PurePosixPath("src/credit_risk")
PARTS = PurePosixPath("reports/parts")  # what optional parts measured: none but their stages writes there
OF_PARTS = {name: part for part, its in parts.read(ROOT).items() for name in its.commands if name in STAGES}


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("credit_risk", cache_dir=None)


def module_of(stage):
    """Of the core's stages the module of its name, of an optional part's what it measures by."""
    return (
        f"credit_risk.{OF_PARTS[stage]}.measure"
        if stage in OF_PARTS
        else f"credit_risk.stages.{stage.replace('-', '_')}"
    )


def file_of(module):
    """Where a module lies, as dvc.yaml would write it."""
    path = PurePosixPath("src", *module.split("."))
    return path / "__init__.py" if (ROOT / path / "__init__.py").is_file() else path.with_suffix(".py")


def with_packages(modules):
    """Modules and the packages they lie in: importing one runs the __init__.py of each package above it."""
    return {".".join(module.split(".")[: end + 1]) for module in modules for end in range(module.count(".") + 1)}


def holds_code(path):
    """Whether there is more in a file than a docstring; an empty __init__.py changes nothing."""
    return any(not isinstance(node, ast.Expr) for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body)


def covers(dep, path):
    return dep == path or dep in path.parents


def paths(entries):
    """The paths of deps or outs: an entry is a path, or a path with options."""
    return [PurePosixPath(entry if isinstance(entry, str) else next(iter(entry))) for entry in entries]


def is_key(section, name):
    """Whether `policy.margin` leads to a field below a section."""
    first, _, rest = name.partition(".")
    field = section.model_fields.get(first)
    return field is not None and (not rest or is_key(field.annotation, rest))


def outputs(stage):
    return [path for kind in ("outs", "metrics", "plots") for path in paths(STAGES[stage].get(kind, ()))]


def test_the_stages_are_those_of_the_pipeline():
    assert {"validate-data", "prepare", "train", "assemble", "evaluate", "gate", "report"} <= set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_says_what_it_is_for_in_one_breath(stage):
    assert 20 <= len(STAGES[stage]["desc"]) <= 120


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_runs_the_command_of_its_name(stage):
    assert STAGES[stage]["cmd"].split()[:2] == ["credit-risk", stage]


def test_what_dvc_says_outside_the_environment_stands_in_the_readme_with_its_mend():
    command = STAGES["validate-data"]["cmd"].split()[0]
    asked = subprocess.run(
        ["/bin/bash", "-c", command], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
    )
    said = asked.stderr.strip().removeprefix("/bin/bash: line 1: ")
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"`source .venv/bin/activate`. Where it is not, DVC says `{said}`" in page


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_a_module_a_test_and_a_page(stage):
    folder, name = module_of(stage).split(".")[1:]
    assert (ROOT / file_of(module_of(stage))).is_file()
    assert (ROOT / "tests" / folder / f"test_{name}.py").is_file()
    headings = [line.strip() for line in (ROOT / "docs" / "pipeline.md").read_text(encoding="utf-8").splitlines()]
    assert headings.count(f"## {stage}") == 1


@pytest.mark.parametrize("stage", command.STAGES)
def test_a_command_of_the_table_runs_a_stage_that_takes_config_and_files(stage):
    """They are imported by name, so no type checker sees it."""
    assert stage in STAGES
    tree = ast.parse((ROOT / file_of(module_of(stage))).read_text(encoding="utf-8"))
    (run,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run"]
    taken = {argument.arg: ast.unparse(argument.annotation) for argument in run.args.args}
    assert taken == {"config": "Config", "files": "Files"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_runs_again_when_code_that_it_imports_is_edited(graph, stage):
    module = module_of(stage)
    imported = map(file_of, with_packages({module, *graph.find_upstream_modules(module)}))
    deps = paths(STAGES[stage]["deps"])
    unseen = [str(path) for path in imported if holds_code(path) and not any(covers(dep, path) for dep in deps)]
    assert sorted(unseen) == [], f"{stage} imports these, and its deps do not cover them"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_names_no_code_that_is_not_there(stage):
    for dep in paths(STAGES[stage]["deps"]):
        if covers(SOURCE, dep):
            assert (ROOT / dep).exists(), f"{stage} depends on {dep}, which does not exist"


SECTIONS = {
    "configs/credit.yaml": Config,
    "configs/model.yaml": Parameters,
}


@pytest.mark.parametrize("stage", STAGES)
def test_the_params_are_sections_of_the_config(stage):
    for entry in STAGES[stage].get("params", ()):
        assert isinstance(entry, dict), f"{entry!r} would be read from params.yaml, which does not exist"
        for path, names in entry.items():
            root = SECTIONS[path]
            for name in names or ():
                assert is_key(root, name), f"{stage}: {path} has no {name}"
                assert (root, name) != (Config, "parameters"), "parameters stand in configs/model.yaml"


def test_dvc_can_record_every_param_the_days_that_the_config_proposes_included(tmp_path):
    """DVC writes params as JSON, which knows no day: a bare one would end every run before its first stage."""
    text = (ROOT / "configs" / "credit.yaml").read_text(encoding="utf-8")
    proposed = re.sub(r"^  # (observed_until: )", r"  \1", text, flags=re.MULTILINE)
    assert proposed != text
    (tmp_path / "credit.yaml").write_text(proposed, encoding="utf-8")
    shutil.copy(ROOT / "configs" / "model.yaml", tmp_path)
    with pytest.raises(ConfigError, match="an account's age needs a column of role date"):  # and no fault of the day
        load(tmp_path / "credit.yaml")
    named = [entry for stage in STAGES.values() for entry in stage.get("params", ())]
    assert {path for entry in named for path in entry} <= {"configs/credit.yaml", "configs/model.yaml"}
    for name in ("credit.yaml", "model.yaml"):
        assert json.dumps(YAML(typ="safe", pure=True).load(tmp_path / name))


@pytest.mark.parametrize(("day", "code"), [('"2005-10-31"', 0), ("2005-10-31", 1)])
def test_make_names_the_line_of_a_bare_day_before_dvc_ends_without_a_word(tmp_path, day, code):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "credit.yaml").write_text(f"outcome:\n  observed_until: {day}\n")
    (tmp_path / "make").mkdir()
    (tmp_path / "days.mk").write_text("include Makefile\n.PHONY: days\ndays:\n\t@$(DAYS)\n")
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = subprocess.run(["make", "-f", "days.mk", "days"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (made.returncode > 0) is bool(code)
    assert ("configs/credit.yaml:2:" in made.stdout and "Write this day in quotes" in made.stdout) is bool(code)


@pytest.mark.parametrize("stage", STAGES)
def test_no_output_lies_inside_the_data(stage):
    """data.dvc tracks all of data/: a stage that writes there would change what was pulled."""
    assert outputs(stage) != []
    for out in outputs(stage):
        assert out.parts[0] in ("artifacts", "models", "reports"), f"{stage} writes {out}"
        assert ".." not in out.parts


def test_every_file_that_a_stage_needs_is_made_by_a_stage_before_it():
    made = []
    for stage, spec in STAGES.items():
        for dep in paths(spec["deps"]):
            if dep.parts[0] in ("artifacts", "models", "reports") and dep != PARTS:
                assert any(covers(out, dep) or covers(dep, out) for out in made), f"{stage} needs {dep}: nobody made it"
        made += outputs(stage)


@pytest.mark.parametrize("stage", ["gate", "report"])
def test_what_optional_parts_measured_is_watched_and_its_folder_is_always_there(stage):
    """DVC knows no optional file, but a folder changes when a file in it comes or goes."""
    assert PARTS in paths(STAGES[stage]["deps"])
    tracked = subprocess.run(["git", "ls-files", str(PARTS)], cwd=ROOT, capture_output=True, text=True, check=True)
    of_stages = {f"reports/parts/{part}.json" for part in OF_PARTS.values()}
    assert set(tracked.stdout.split()) - of_stages == {"reports/parts/README.md"}
    inside = [(name, out) for name in STAGES for out in outputs(name) if covers(out, PARTS) or covers(PARTS, out)]
    assert inside == [(name, PARTS / f"{part}.json") for name, part in OF_PARTS.items()]


def test_the_gate_runs_again_for_the_code_that_its_digest_covers_and_for_no_other():
    code = [dep.relative_to(SOURCE) for dep in paths(STAGES["gate"]["deps"]) if covers(SOURCE, dep)]
    assert sorted(map(str, code)) == sorted(digest.JUDGES)


def test_stages_holds_one_module_a_stage_of_its_name_and_nothing_else():
    modules = {path.stem for path in (ROOT / SOURCE / "stages").rglob("*.py")} - {"__init__", "command"}
    assert modules == {stage.replace("-", "_") for stage in STAGES.keys() - OF_PARTS.keys()}


def test_each_command_of_a_stage_alone_has_its_stage_and_its_module():
    """They are imported by their names: one that is not there would show when it is run."""
    assert set(command.STAGES) <= STAGES.keys() - OF_PARTS.keys()
    assert all((ROOT / file_of(module_of(name))).is_file() for name in command.STAGES)


def test_no_stage_imports_another():
    for stage in STAGES:
        tree = ast.parse((ROOT / file_of(module_of(stage))).read_text(encoding="utf-8"))
        imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert [name for name in imported if name.startswith("credit_risk.stages")] == [], stage


def test_no_two_stages_write_the_same():
    made = [out for stage in STAGES for out in outputs(stage)]
    assert [(str(a), str(b)) for a in made for b in made if a is not b and covers(a, b)] == []


def test_every_plot_is_drawn_from_an_output():
    made = [out for stage in STAGES for out in outputs(stage)]
    drawn = {path for plot in PIPELINE["plots"] for spec in plot.values() for axis in "xy" for path in spec[axis]}
    assert drawn
    for path in drawn:
        assert any(covers(out, PurePosixPath(path)) for out in made), f"nobody writes {path}"

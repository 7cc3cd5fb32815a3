"""The frame holds: what documents name exists, what is pinned is pinned, the lock is what pyproject.toml asks for."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def files(*patterns):
    """What git holds or would hold after `git add --all`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def makefiles():
    """The core's targets, and those of each optional part that is here."""
    return [text("Makefile"), *map(text, files("make/*.mk"))]


def targets():
    return {name for made in makefiles() for name in re.findall(r"^([a-z][a-z-]*):(?!=)", made, re.MULTILINE)}


def code_in(markdown):
    """Every fenced block and every span between backticks."""
    fence = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
    return fence.findall(markdown) + re.findall(r"`([^`\n]+)`", fence.sub("", markdown))


def prose_of(markdown):
    return re.sub(r"^ *```.*?^ *```|`[^`\n]+`", "", markdown, flags=re.MULTILINE | re.DOTALL)


def anchors(markdown):
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^ *```.*?^ *```", "", markdown, flags=re.MULTILINE | re.DOTALL), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def locked(file):
    """Each requirement of a lock, with the lines that belong to it."""
    blocks = re.split(r"^(?=[^ \n])", text(file), flags=re.MULTILINE)
    return [(Requirement(block.split("\\\n")[0].strip()), block) for block in blocks if block]


def direct():
    """What pyproject.toml asks for, extras included; an extra that names another is that other's packages."""
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for lines in extras for line in lines)]
    return [one for one in map(Requirement, lines) if one.name != PROJECT["name"]]


LOCKS = files("requirements/*.txt")
DOCUMENTS = files("*.md")
PRESENT = [name for name in DOCUMENTS if name != "CHANGELOG.md"]  # history names parts that were taken out since
WORKFLOWS = files(".github/*.yml", ".github/*.yaml")


def test_there_is_something_to_check():
    assert "requirements/dev.txt" in LOCKS
    assert {"README.md", "docs/install.md"} <= set(DOCUMENTS)
    assert ".github/workflows/ci.yml" in WORKFLOWS


def listed(*words):
    """The targets that make lists, as often as it does, and the lines that list none."""
    lines = subprocess.run(["make", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    found = [re.fullmatch(r"  make ([a-z-]+) +\S.*", line) for line in lines]
    return [one[1] for one in found if one], [line for line, one in zip(lines, found, strict=True) if not one]


def test_bare_make_lists_what_everybody_needs():
    described, others = listed()
    assert 10 <= len(described) <= 15
    assert others == []
    assert {"setup", "data", "run", "serve", "ci", "help-all"} <= set(described) <= targets()


def test_a_target_that_is_not_there_is_answered_with_the_nearest():
    done = subprocess.run(["make", "verdct"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, "no target 'verdct'. Did you mean `make verdict`?" in done.stderr) == (2, True)


def test_help_all_lists_every_target_once_in_groups():
    described, groups = listed("help-all")
    assert sorted(described) == sorted(targets())
    titles = re.findall(r"^##@ (.+)$", "\n".join(makefiles()), re.MULTILINE)
    assert sorted(line for line in groups if line) == sorted(set(titles))


def test_every_target_is_phony():
    for made in makefiles():
        phony = re.search(r"^\.PHONY: (.*?[^\\])$", made, re.MULTILINE | re.DOTALL).group(1)
        assert set(phony.replace("\\", "").split()) == set(re.findall(r"^([a-z][a-z-]*):(?!=)", made, re.MULTILINE))


@pytest.mark.parametrize("document", PRESENT)
def test_every_make_target_that_a_document_names_exists(document):
    named = {name for code in code_in(text(document)) for name in re.findall(r"\bmake ([a-z][a-z-]*)(?![\w=-])", code)}
    assert named <= targets(), f"{document} names targets that the Makefile does not have"


@pytest.mark.parametrize("document", PRESENT)
def test_links_inside_the_repository_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(text(document))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), f"{document}: {link} leads nowhere"
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), f"{document}: {link} has no heading"


def test_the_readme_shows_the_first_command_early():
    lines = text("README.md").splitlines()
    first = next(number for number, line in enumerate(lines, 1) if line.startswith("make run"))
    assert first < 25


def test_the_readme_tells_of_every_stage_in_order():
    table = text("README.md").split("| stage |", 1)[1].split("\n\n", 1)[0]
    stages = YAML(typ="safe", pure=True).load(text("dvc.yaml"))["stages"]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == list(stages)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_by_hash(lock):
    loose = [str(requirement) for requirement, block in locked(lock) if "--hash=sha256:" not in block]
    inexact = [str(r) for r, _ in locked(lock) if [spec.operator for spec in r.specifier] != ["=="]]
    assert (loose, inexact) == ([], [])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_place(lock):
    named = [line for line in text(lock).splitlines() if re.search(r"://|@ |^--|^-[a-z]\b|^ *# *(from|index)", line)]
    assert named == []


def test_the_lock_is_the_one_that_pyproject_asks_for():
    pins = [requirement for requirement, _ in locked("requirements/dev.txt")]
    for asked in direct():
        found = [pin for pin in pins if canonicalize_name(pin.name) == canonicalize_name(asked.name)]
        versions = [next(iter(pin.specifier)).version for pin in found]
        assert versions, f"{asked.name} is not in requirements/dev.txt: run `make lock`"
        assert all(asked.specifier.contains(version, prereleases=True) for version in versions), (
            f"requirements/dev.txt has {asked.name} {versions}, pyproject.toml asks for {asked}: run `make lock`"
        )


def test_the_lock_holds_nothing_that_pyproject_no_longer_asks_for():
    asked = {canonicalize_name(requirement.name) for requirement in direct()}
    blocks = {canonicalize_name(r.name): block for r, block in locked("requirements/dev.txt")}
    said = {name for name, block in blocks.items() if "credit-risk (pyproject.toml)" in block}
    assert said <= asked, "run `make lock`"


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_action_is_pinned_by_its_commit_and_says_its_version(workflow):
    used = re.findall(r"^\s*(?:- )?uses: *(.*)$", text(workflow), re.MULTILINE)
    loose = [use for use in used if not re.fullmatch(r"\./\S+|[\w./-]+@[0-9a-f]{40} +# v\d+(\.\d+)*", use)]
    assert loose == []


def test_the_readme_counts_no_tests():
    """The number changes with every change, and says nothing."""
    assert re.findall(r"\d[\d,]* (?:passed|tests)\b", text("README.md")) == []


DATABASE = b"SQLite format 3\0"
MACHINE = re.compile(r"(?<![\w.~-])/(?:root|home|work|Users)/\w|(?<![\w.-])/tmp/(?:pytest|tmp)")


def test_git_holds_no_database():
    """A database belongs to a machine: it holds its paths and its people."""
    named = files("*.db", "*.sqlite", "*.sqlite3", "*.db-wal", "*.duckdb")
    begun = [name for name in files() if (ROOT / name).read_bytes()[: len(DATABASE)] == DATABASE]
    assert named + begun == []


def test_git_holds_no_path_of_the_machine_that_wrote_a_file():
    """In whatever a program wrote; sources may name /tmp, and tests make paths up."""
    written = files(":!tests", ":!src")
    assert [name for name in written if MACHINE.search((ROOT / name).read_text("utf-8", "ignore"))] == []


@pytest.mark.parametrize(
    ("before", "folder", "after"),
    [
        ('"', "root", 'credit/x"'),
        ("file://", "home", "ada/x"),
        ("sqlite:///", "work", "x.db"),
        ("C:", "Users", "ada"),
        ("", "tmp", "tmpa1b2/x"),
    ],
)
def test_a_path_of_a_machine_is_known(before, folder, after):
    assert MACHINE.search(f"{before}/{folder}/{after}")


@pytest.mark.parametrize(
    ("before", "folder", "after"),
    [
        ("BENTOML_HOME=", "tmp", "bentoml"),
        ("docs", "home", "x"),
        (".", "root", "x"),
        ("https://x.org", "work", "x"),
    ],
)
def test_other_paths_are_not_taken_for_one(before, folder, after):
    assert not MACHINE.search(f"{before}/{folder}/{after}")


def test_the_changelog_tells_of_this_version():
    assert re.search(rf"^## {re.escape(PROJECT['version'])}\b", text("CHANGELOG.md"), re.MULTILINE)


@pytest.fixture
def setup(tmp_path):
    """`make setup` with stand-ins for Python and uv that note what they are asked; says which big steps were taken."""
    for name in ("Makefile", "pyproject.toml", "requirements/dev.txt", "tools/doctor.py", "tools/install.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".git").mkdir()
    stand_in = tmp_path / "python"
    stand_in.write_text(
        "#!/usr/bin/env bash\n"
        'echo "$(basename "$0") $@" >>asked\n'
        'if [ "$(basename "$0")" = uv ]; then exit "${UV_EXIT:-0}"\n'
        'elif [ "$1 $2" = "-m venv" ]; then rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python\n'
        '    echo "command = $0 -m venv --clear $PWD/.venv" >.venv/pyvenv.cfg\n'
        'elif [ "$1 $2 $3" = "-m pip install" ]; then cp "$0" .venv/bin/uv; exit "${PIP_EXIT:-0}"\n'
        'elif [ "$1 $2 $3" = "-m pip config" ]; then exit\n'
        f'else exec {sys.executable} "$@"; fi\n',
        encoding="utf-8",
    )
    stand_in.chmod(0o755)

    def steps(**environment):
        (tmp_path / "asked").write_text("", encoding="utf-8")
        done = subprocess.run(
            ["make", "setup", f"PYTHON={stand_in}"],
            cwd=tmp_path,
            env=os.environ | environment,
            check=False,
            capture_output=True,
            text=True,
        )
        asked = (tmp_path / "asked").read_text(encoding="utf-8")
        signs = {"venv": r"python -m venv", "lock": r"^uv .*-r requirements/dev\.txt", "project": r"python .*-e \."}
        signs["lock by pip"] = r"python -m pip .*-r requirements/dev\.txt"
        steps.said = done.stdout
        return [step for step, sign in signs.items() if re.search(sign, asked, re.MULTILINE)], done.returncode == 0

    steps.root = tmp_path
    return steps


def test_the_environment_is_made_once_and_again_only_for_another_lock(setup):
    lock, project = setup.root / "requirements/dev.txt", setup.root / "pyproject.toml"
    assert setup() == (["venv", "lock", "project"], True)
    lock.touch()
    assert setup() == ([], True)
    project.write_text(project.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert setup() == (["project"], True)
    lock.write_text(lock.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert setup() == (["venv", "lock", "project"], True)


def test_an_environment_left_half_made_is_made_again(setup):
    assert setup(PIP_EXIT="1") == (["venv"], False)
    assert setup() == (["venv", "lock", "project"], True)


def test_an_environment_whose_python_is_gone_is_made_again(setup):
    assert setup() == (["venv", "lock", "project"], True)
    (setup.root / ".venv/bin/python").unlink()
    (setup.root / ".venv/bin/python").symlink_to(setup.root / "python3.11.6")
    assert setup() == (["venv", "lock", "project"], True)
    assert setup() == ([], True)


def test_an_environment_that_was_made_in_a_folder_that_is_gone_is_made_again(setup):
    assert setup() == (["venv", "lock", "project"], True)
    (setup.root / ".venv/pyvenv.cfg").write_text("command = python -m venv --clear /nowhere/.venv\n", encoding="utf-8")
    assert setup() == (["venv", "lock", "project"], True)
    assert setup() == ([], True)


def test_what_uv_cannot_install_pip_installs(setup):
    assert setup(UV_EXIT="2") == (["venv", "lock", "project", "lock by pip"], True)
    assert "pip tries" in setup.said


def test_setup_says_one_line_and_nothing_the_second_time(setup):
    setup()
    assert re.fullmatch(r"Making \.venv from requirements/dev\.txt: .*\n", setup.said)
    setup()
    assert setup.said == ""

"""Optional parts come off whole: what one owns, what may name it, what removal leaves; on made-up trees."""

import re
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import parts

ROOT = Path(__file__).resolve().parent.parent
DECLARED = """\
# What comes off.

[sails]
purpose = "speed"
paths = ["src/credit_risk/sails", "make/sails.mk", "docs/sails.md", ".github/workflows/regatta.yml"]
extra = "sails"
commands = ["hoist"]

[spinnaker]
purpose = "more speed"
paths = ["src/credit_risk/sails/spinnaker"]
needs = ["sails"]

[oars]
purpose = "calm days"
paths = ["src/credit_risk/oars", "tests/oars_trial.py", "harbour/calm.py"]
commands = ["hull paint"]
"""
PROJECT = """\
[project]
name = "credit-risk"
dependencies = ["numpy>=2"]

[project.optional-dependencies]
sails = [  # a comment
    "canvas[strong]>=1",
]
keel = ["lead"]
dev = [
    "credit-risk[keel,sails]",
    "ruff",
]

[tool.setuptools.package-data]
"credit_risk.sails" = ["*.j2"]
"credit_risk.page" = ["*.j2"]
"""
LOCK = """\
canvas==1.0 \\
    --hash=sha256:aa
    # via credit-risk (pyproject.toml)
cotton==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:bb
    # via canvas
cotton==3.0 ; python_full_version >= '3.12' \\
    --hash=sha256:bc
    # via canvas
lead==1.0 \\
    --hash=sha256:cc
    # via
    #   canvas
    #   credit-risk (pyproject.toml)
numpy==2.0 \\
    --hash=sha256:dd
    # via
    #   canvas
    #   credit-risk (pyproject.toml)
ruff==0.1 \\
    --hash=sha256:ee
    # via credit-risk (pyproject.toml)
"""
FILES = {
    "parts.toml": DECLARED,
    "pyproject.toml": PROJECT,
    "requirements/dev.txt": LOCK,
    "Makefile": "include $(wildcard make/*.mk)\nrun:\n\techo run\n",
    "make/sails.mk": "hoist: ## Up\n\techo up\n",
    "README.md": "| page | |\n|---|---|\n| [docs/sails.md](docs/sails.md) | fast <!-- part: sails --> |\n| a | b |\n",
    "docs/sails.md": "`make hoist`\n",
    ".github/workflows/regatta.yml": "name: Regatta\n",
    ".github/CODEOWNERS": "# Who\n/docs/sails.md @a\n/src/ @b\n",
    ".gitattributes": "docs/sails.md merge=x\n* text=auto\n",
    "src/credit_risk/cli.py": "import credit_risk.hull\n",
    "src/credit_risk/hull/__init__.py": "",
    "src/credit_risk/sails/__init__.py": "from credit_risk import hull\n",
    "src/credit_risk/sails/spinnaker/__init__.py": "from credit_risk import sails\n",
    "src/credit_risk/oars/__init__.py": "",
    "tests/oars_trial.py": "",
    "harbour/calm.py": "",
    "config.yaml": "a: 1\n# part: sails\nwind:\n  from: west\n# end of part\nb: 2 # part: oars\n",
}


@pytest.fixture
def tree(tmp_path):
    """A made-up repository; call it with files to write over."""
    git(tmp_path, "init", "-q")

    def write(**changed):
        for name, text in (FILES | changed).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def git(root, *words):
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True, text=True).stdout


def commit(root):
    git(root, "add", "--all")
    git(root, "commit", "-q", "-m", "all")
    return root


def text(root, name):
    return (root / name).read_text(encoding="utf-8")


def test_parts_that_stand_alone_are_named_by_nobody(tree):
    assert parts.mentions(tree()) == []


@pytest.mark.parametrize(
    ("file", "line", "part"),
    [
        ("src/credit_risk/cli.py", "from credit_risk import sails\n", "sails"),
        ("src/credit_risk/cli.py", "from credit_risk.sails import mast\n", "sails"),
        ("src/credit_risk/cli.py", 'import_module("credit_risk.sails.mast")\n', "sails"),
        ("src/credit_risk/oars/__init__.py", "import credit_risk.sails\n", "sails"),
        ("src/credit_risk/sails/__init__.py", "import credit_risk.sails.spinnaker\n", "spinnaker"),
        ("tests/test_hull.py", "from oars_trial import row\n", "oars"),
        ("docs/hull.md", "see [sails](sails.md)\n", "sails"),
        ("docs/hull.md", "run `make hoist` first\n", "sails"),
        ("docs/hull.md", "`credit-risk hoist --high`\n", "sails"),
        ("Makefile", "run:\n\tmake hoist\n", "sails"),
        (".github/workflows/ci.yml", "    uses: ./.github/workflows/regatta.yml\n", "sails"),
        (".github/workflows/ci.yml", "        target:\n          - hoist\n", "sails"),
        ("Dockerfile", 'RUN pip install "credit-risk[sails]"\n', "sails"),
        ("config.yaml", "a: 1 # docs/sails.md says why\n", "sails"),
        ("docs/hull.md", "| `hull paint` | blue |\n", "oars"),
        ("scripts/colour.py", 'raise SystemExit(script("hull paint"))\n', "oars"),
        ("scripts/colour.py", 'raise SystemExit(script("hoist", "--high"))\n', "sails"),
        ("loadtest/row.py", "from harbour.calm import row\n", "oars"),
    ],
)
def test_what_names_a_part_from_outside_is_found(tree, file, line, part):
    found = parts.mentions(tree(**{file: line}))
    assert {(one.path, one.part) for one in found} == {(file, part)}, found


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("docs/hull.md", "see [sails](sails.md) <!-- part: sails -->\n"),
        ("docs/hull.md", "<!-- part: sails -->\nsee [sails](sails.md)\n<!-- end of part -->\n"),
        ("docs/hull.md", "sails, hoisted; other-sails.md; make hoisting; credit-risk hoist-all\n"),
        ("src/credit_risk/cli.py", "import credit_risk.sailsmanship\n"),
        ("config.yaml", "a: hoist # part: spinnaker, which needs sails\n"),
        ("CHANGELOG.md", "- `make hoist`\n"),
    ],
)
def test_what_is_marked_or_only_looks_like_it_is_not(tree, file, line):
    assert parts.mentions(tree(**{file: line})) == []


INSTALLED = {"canvas": ["canvas"], "cotton": ["Cotton"], "plumb": ["lead"], "numpy": ["numpy"], "ruff": ["ruff"]}


@pytest.mark.parametrize(
    ("file", "line", "parts_named"),
    [
        ("src/credit_risk/cli.py", "import canvas.strong\n", ["sails"]),
        ("src/credit_risk/oars/__init__.py", "from canvas import strong\n", ["sails"]),
        ("src/credit_risk/cli.py", "def late():\n    import cotton\n", ["sails"]),  # what canvas alone asks for
        ("src/credit_risk/cli.py", "import numpy, plumb, json, ruff\n", []),
        ("src/credit_risk/sails/__init__.py", "import canvas\n", []),
        ("src/credit_risk/sails/spinnaker/__init__.py", "import cotton\n", []),
        ("tests/test_hull.py", "import canvas\n", []),  # tests have all that `dev` brings
    ],
)
def test_what_a_part_alone_has_installed_is_imported_by_that_part_alone(tree, file, line, parts_named):
    assert [mention.part for mention in parts.imports_of_extras(tree(**{file: line}), INSTALLED)] == parts_named


def test_a_mark_of_no_part_and_a_block_without_an_end_are_errors(tree):
    with pytest.raises(parts.PartsError, match=r"config\.yaml:2: a mark names rudder"):
        parts.mentions(tree(**{"config.yaml": "a: 1\nb: 2 # part: rudder\n"}))
    with pytest.raises(parts.PartsError, match=r"config\.yaml: the block of sails is never ended"):
        parts.mentions(tree(**{"config.yaml": "# part: sails\nb: 2\n"}))
    with pytest.raises(parts.PartsError, match="without a beginning"):
        parts.mentions(tree(**{"config.yaml": "b: 2\n# end of part\n"}))


def test_a_need_that_is_not_declared_is_an_error(tree):
    with pytest.raises(parts.PartsError, match="oars needs rudder, which is not declared"):
        parts.read(tree(**{"parts.toml": DECLARED + 'needs = ["rudder"]\n'}))


def test_the_configs_that_go_are_named_apart(tree):
    declared = DECLARED.replace('"make/sails.mk"', '"make/sails.mk", "configs/deploy"', 1)
    root = commit(tree(**{"parts.toml": declared, "configs/deploy/sea.yaml": "port: 1\n"}))
    assert any("what was written into configs/deploy/sea.yaml" in sentence for sentence in parts.remove(root, "sails"))


def test_a_part_goes_whole_with_what_needs_it(tree):
    root = commit(tree())
    said = parts.remove(root, "sails")
    assert said[0] == "sails goes, and with it what needs it: spinnaker"
    assert "5 files" in said[1]
    left = parts.tracked(root)
    assert [name for name in left if "sail" in name or "regatta" in name or name == "make/sails.mk"] == []
    assert text(root, "README.md") == "| page | |\n|---|---|\n| a | b |\n"
    assert text(root, "config.yaml") == "a: 1\nb: 2 # part: oars\n"
    assert text(root, "parts.toml") == DECLARED[: DECLARED.index("[sails]")] + DECLARED[DECLARED.index("[oars]") :]
    assert text(root, ".github/CODEOWNERS") == "# Who\n/src/ @b\n"
    assert text(root, ".gitattributes") == "* text=auto\n"
    assert parts.mentions(root) == []
    assert git(root, "status", "--porcelain", "--untracked-files=all").startswith(("D  ", "M  "))
    assert "??" not in git(root, "status", "--porcelain")


def test_its_extra_goes_and_the_lock_holds_only_what_is_still_asked_for(tree):
    root = commit(tree())
    parts.remove(root, "sails")
    assert text(root, "pyproject.toml") == PROJECT.replace(
        'sails = [  # a comment\n    "canvas[strong]>=1",\n]\n', ""
    ).replace("keel,sails", "keel").replace('"credit_risk.sails" = ["*.j2"]\n', "")
    direct = "    # via credit-risk (pyproject.toml)\n"
    assert text(root, "requirements/dev.txt") == "".join(
        f"{name} \\\n    --hash=sha256:{digest}\n{direct}"
        for name, digest in (("lead==1.0", "cc"), ("numpy==2.0", "dd"), ("ruff==0.1", "ee"))
    )


def test_what_is_left_of_a_source_is_formatted_and_imports_what_it_uses(tree):
    marked = "def hoist():  # part: sails\n    pass  # part: sails\n"
    source = f"import os\n\nRIG = (\n    os.name,  # part: sails\n)\n\n\n{marked}\n\nOARS = 2\n"
    root = commit(tree(**{"src/credit_risk/hull/rig.py": source}))
    parts.remove(root, "sails")
    assert text(root, "src/credit_risk/hull/rig.py") == "RIG = ()\n\n\nOARS = 2\n"


def test_a_part_inside_another_goes_alone(tree):
    root = commit(tree())
    assert parts.remove(root, "spinnaker")[0] == "spinnaker goes"
    assert (root / "src/credit_risk/sails/__init__.py").is_file()
    assert not (root / "src/credit_risk/sails/spinnaker").exists()


def test_what_git_does_not_hold_goes_too(tree):
    """Commands are found by files that are there: a folder left with caches alone would still be looked into."""
    root = commit(tree(**{".gitignore": "__pycache__/\n"}))
    cache = root / "src/credit_risk/oars/__pycache__"
    cache.mkdir()
    (cache / "x.pyc").write_bytes(b"x")
    parts.remove(root, "oars")
    assert not cache.parent.exists()


def test_all_parts_can_go_one_after_the_other(tree):
    root = commit(tree())
    for name in ("oars", "sails"):
        parts.remove(root, name)
        commit(root)
    assert dict(parts.read(root)) == {}
    assert text(root, "config.yaml") == "a: 1\n"
    assert parts.mentions(root) == []


def test_parts_that_go_at_once_leave_what_they_leave_one_after_the_other(tree):
    root = commit(tree())
    parts.remove(root, "oars")
    commit(root)
    parts.remove(root, "sails")
    after = {path: text(root, path) for path in parts.tracked(root)}
    parts._git(root, "checkout", "-q", "--force", "HEAD~1")
    assert parts.remove(root, "oars", "sails")[0] == "oars, sails go, and with it what needs it: spinnaker"
    assert {path: text(root, path) for path in parts.tracked(root)} == after


def test_an_unknown_part_is_an_error_that_names_those_there_are(tree, monkeypatch, capsys):
    monkeypatch.chdir(commit(tree()))
    assert parts.main(["remove", "rudder"]) == 2
    assert "There is no part 'rudder'. The parts are: sails, spinnaker, oars." in capsys.readouterr().err
    assert parts.main(["remove", "spinaker"]) == 2
    assert "There is no part 'spinaker'. Did you mean 'spinnaker'? The parts are: sails," in capsys.readouterr().err


def test_a_folder_with_changes_is_refused_and_left_as_it_is(tree):
    root = commit(tree())
    (root / "Makefile").write_text("run:\n", encoding="utf-8")
    with pytest.raises(parts.PartsError, match="not committed"):
        parts.remove(root, "sails")
    (root / "Makefile").write_text(FILES["Makefile"], encoding="utf-8")
    (root / "new.txt").write_text("new\n", encoding="utf-8")
    with pytest.raises(parts.PartsError, match=r"\?\? new\.txt"):
        parts.remove(root, "sails")
    assert (root / "docs/sails.md").is_file()


def test_the_check_says_what_is_wrong_with_exit_code_1(tree, monkeypatch, capsys):
    monkeypatch.chdir(tree())
    assert parts.main(["check"]) == 0
    tree(**{"docs/hull.md": "see sails.md\n"})
    assert parts.main(["check"]) == 1
    assert "docs/hull.md:1 names docs/sails.md, which goes with the part sails" in capsys.readouterr().out


# This repository itself.


def test_nothing_outside_a_part_names_what_it_owns():
    assert list(map(str, parts.mentions(ROOT))) == []


def test_commands_of_parts_are_those_that_their_packages_add():
    """A command of a part that is not declared could be named anywhere without being found."""
    declared = {command for part in parts.read(ROOT).values() for command in part.commands}
    added = {}
    for path in (path for path in parts.tracked(ROOT) if path.endswith("/command.py")):
        if name := parts.owner(parts.read(ROOT), path):
            for app, command in re.findall(r'\badd\((\w+), "([a-z-]+)"', text(ROOT, path)):
                added[command if app == "app" else f"{app.replace('_', '-')} {command}"] = name
    assert {name: part for name, part in added.items() if name not in declared} == {}


def test_no_import_outside_a_part_is_of_a_package_that_its_extra_brings():
    modules = packages_distributions()
    assert list(map(str, parts.imports_of_extras(ROOT, modules))) == []
    known = {parts.normal(name) for names in modules.values() for name in names}
    extras = [part.extra for part in parts.read(ROOT).values() if part.extra]
    asked = {name for extra in extras for name in parts.requirements(text(ROOT, "pyproject.toml"), [extra])}
    assert asked <= known, "what is not installed here cannot be found in an import"


def test_every_path_of_a_part_is_there():
    owned = {path for part in parts.read(ROOT).values() for path in part.paths}
    assert [path for path in sorted(owned) if not (ROOT / path).exists()] == []


def test_every_extra_of_a_part_is_in_pyproject():
    project = text(ROOT, "pyproject.toml")
    for part in parts.read(ROOT).values():
        assert part.extra is None or parts.requirements(project, [part.extra])


def test_a_package_that_only_another_asks_for_any_more_says_so():
    digest = "    --hash=sha256:aa\n"
    asked_for = "    # via\n    #   credit-risk (pyproject.toml)\n    #   keel\n"
    keel = f"keel==1.0 \\\n{digest}    # via credit-risk (pyproject.toml)\n"
    lock = f"{keel}canvas==1.0 \\\n{digest}{asked_for}"
    assert parts.pruned_lock(lock, ["keel"]) == f"{keel}canvas==1.0 \\\n{digest}    # via keel\n"
    assert parts.pruned_lock(lock, ["keel", "canvas"]) == lock


def test_dropping_no_package_leaves_every_lock_as_it_is():
    wanted = parts.requirements(text(ROOT, "pyproject.toml"))
    for lock in (ROOT / "requirements" / name for name in ("dev.txt", "serving.txt")):
        whole = lock.read_text(encoding="utf-8")
        assert parts.pruned_lock(whole, wanted) == whole


def test_an_environment_without_any_part_is_what_the_service_reads():
    """Sections that nothing reads any more would say what they do not do."""
    left = parts.without(text(ROOT, "configs/deploy/local.yaml"), parts.read(ROOT))
    assert set(YAML(typ="safe", pure=True).load(left)) == {"serving"}


@pytest.mark.parametrize("extra", ["short", "noted", "long", "last"])
def test_an_extra_goes_alone_however_it_is_written(extra):
    written = {
        "short": 'short = ["a[x]>=1", "b"]\n',
        "noted": 'noted = ["c"]  # why\n',
        "long": 'long = [  # of d [too]\n    "d[x]",\n]\n',
        "last": 'last = [\n    "e",\n]\n',
    }
    assert parts.without_extras("".join(written.values()), [extra]) == "".join(
        line for name, line in written.items() if name != extra
    )


def test_removal_of_a_part_leaves_every_other_extra_here():
    project = text(ROOT, "pyproject.toml")
    extras = tomllib.loads(project)["project"]["optional-dependencies"]
    for extra in (part.extra for part in parts.read(ROOT).values() if part.extra):
        left = tomllib.loads(parts.without_extras(project, [extra]))["project"]["optional-dependencies"]
        assert set(left) == set(extras) - {extra}

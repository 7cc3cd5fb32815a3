"""The mutator changes one thing in each copy, and names what tests let pass."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mutants

PLUGINS = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
TOOL = Path(__file__).parents[1] / "tools" / "mutants.py"


def changed(source):
    return [ast.unparse(tree) for _, tree in mutants.mutants(ast.parse(source))]


def test_each_copy_differs_in_one_thing():
    assert changed("a < b == c") == ["a <= b == c", "a < b != c"]
    assert changed("a + b * c") == ["a - b * c", "a + b / c"]
    assert changed("a and (not b)") == ["a or not b", "a and (not not b)"]
    assert changed("x = 2") == ["x = 3"]
    assert changed("x = True") == ["x = False"]
    assert changed("a if b else c") == ["a if True else c", "a if False else c"]
    assert changed("[a for a in b if a if c]") == ["[a for a in b if c]", "[a for a in b if a]"]
    assert changed("-a") == ["+a"]


def test_texts_and_unions_of_types_stay():
    assert changed("x: float | None = 'text'") == []


def test_libraries_are_loaded_once_and_the_project_in_each_copy():
    source = "import numpy as np\nfrom scipy.stats import norm\nfrom credit_risk.config import Config\n"
    assert mutants.libraries(ast.parse(source), "credit_risk") == ["scipy.stats", "numpy"]


def test_the_line_is_named():
    ((what, _),) = mutants.mutants(ast.parse("\n\na < b"))
    assert what == "line 3: a < b → a <= b"


@pytest.mark.weekly
def test_what_no_test_sees_is_named_and_the_file_stays(tmp_path):
    module, tests = tmp_path / "src" / "adults.py", tmp_path / "test_adults.py"
    module.parent.mkdir()
    module.write_text("def adult(age):\n    return age >= 18\n")
    tests.write_text("import adults\ndef test():\n    assert adults.adult(19) and not adults.adult(17)\n")
    options = ["-c", "/dev/null", "--rootdir", str(tmp_path), "-o", "pythonpath=src", "-o", "addopts="]
    command = [sys.executable, str(TOOL), str(module), str(tests), *options]
    alone = {"capture_output": True, "text": True, "env": os.environ | {PLUGINS: "1"}}
    done = subprocess.run(command, check=False, **alone)
    assert done.stdout.splitlines() == [
        f"survives: {module} line 2: age >= 18 → age > 18",
        f"survives: {module} line 2: 18 → 19",
        f"{module}: 2 changes, 0 seen, 2 not",
    ]
    assert done.returncode == 1
    tests.write_text(tests.read_text() + "    assert adults.adult(18)\n")
    again = subprocess.run(command, check=False, **alone)
    assert (again.returncode, again.stdout) == (0, f"{module}: 2 changes, 2 seen, 0 not\n")
    assert module.read_text() == "def adult(age):\n    return age >= 18\n"

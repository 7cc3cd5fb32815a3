"""Edges, order and reasons on small pipelines; what DVC itself says of them, and of this repository."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from credit_risk.errors import NotFound
from credit_risk.pipeline_page import state

ROOT = Path(__file__).parents[2]
PIPELINE = """\
stages:
  count:
    desc: How many lines there are
    cmd: python src/count.py
    deps: [letters, src/count.py, made/copy.txt]
    params: [{settings.yaml: [of.what, least]}]
    outs: [made/count.json: {cache: false}]
  copy:
    desc: A copy of the letters
    cmd: cp letters/a.txt made/copy.txt
    deps: [letters/a.txt]
    outs: [made/copy.txt]
"""
COUNT = "import pathlib\npathlib.Path('made/count.json').write_text('1')\n"


@pytest.fixture
def root(tmp_path):
    for name, text in {
        "dvc.yaml": PIPELINE,
        "letters.dvc": "outs:\n- md5: aa.dir\n  size: 3\n  path: letters\n",
        "letters/a.txt": "a\n",
        "src/count.py": COUNT,
        "settings.yaml": "of: {what: lines}\nleast: 1\n",
        "made/.gitkeep": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_stage_stands_behind_those_whose_outputs_it_reads(root):
    edges = state.edges(state.declared_stages(root))
    assert edges == {"letters.dvc": (), "count": ("letters.dvc", "copy"), "copy": ("letters.dvc",)}
    assert state.in_order(edges) == ["letters.dvc", "copy", "count"]


def test_params_outputs_and_digests_are_read(root):
    entry = state.declared_stages(root)["count"]
    assert list(state.params_of(entry)) == [("settings.yaml", "of.what"), ("settings.yaml", "least")]
    assert state.outputs_of(entry) == ["made/count.json"]
    known, unknown = state.artefacts(root, ["letters", "nowhere"], [{"path": "letters", "md5": "aa.dir", "size": 3}])
    assert (known.digest, known.size, known.written is None) == ("aa.dir", 3, False)
    assert (unknown.digest, unknown.size, unknown.written) == ("", None, None)


def test_each_cause_is_a_sentence(root):
    changed = [
        {"changed deps": {"settings.yaml": {"of.what": "modified", "gone": "deleted"}, "src/count.py": "modified"}},
        {"changed deps": {"letters": "modified"}},
        {"changed outs": {"made/count.json": "not in cache"}},
        "changed command",
    ]
    lock = {"params": {"settings.yaml": {"of.what": "words", "gone": 3}}}
    assert list(state.reasons(root, changed, lock, "")) == [
        "param of.what in settings.yaml: words → lines",
        "param gone in settings.yaml: 3 → not there",
        "code src/count.py: modified",
        "input letters: modified",
        "output made/count.json: not in cache",
        "changed command",
    ]


def test_without_a_pipeline_it_says_where_it_looked(tmp_path):
    with pytest.raises(NotFound, match=r"dvc\.yaml"):
        state.read(tmp_path)


def test_where_dvc_cannot_answer_nothing_is_called_up_to_date(root, monkeypatch):
    monkeypatch.setattr(state.sys, "executable", "false")
    with pytest.raises(state.DvcError, match="could not say what is stale"):
        state.read(root)


def dvc(root, *words):
    command = [sys.executable, "-m", "dvc", *words]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def states(root):
    return {stage.name: (stage.state, stage.reasons) for stage in state.read(root)}


@pytest.mark.weekly
def test_what_is_stale_and_why_as_a_pipeline_runs_and_is_edited(root):
    (root / "letters.dvc").unlink()
    for words in (["git", "init", "-q"], ["git", "config", "user.email", "a@b.c"], ["git", "config", "user.name", "A"]):
        subprocess.run(words, cwd=root, check=True)
    dvc(root, "init", "-q")
    dvc(root, "add", "-q", "letters")
    assert {each[0] for each in states(root).values()} == {"up to date", "never ran"}
    dvc(root, "repro", "-q")
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", "commit", "-qm", "run"], cwd=root, check=True)
    assert states(root) == dict.fromkeys(("letters.dvc", "copy", "count"), ("up to date", ()))

    (root / "src" / "count.py").write_text(COUNT + "# changed\n", encoding="utf-8")
    (root / "settings.yaml").write_text("of: {what: words}\nleast: 1\n", encoding="utf-8")
    assert states(root)["count"] == (
        "stale",
        (
            "code src/count.py: modified, since the run that was committed src/count.py",
            "param of.what in settings.yaml: lines → words",
        ),
    )
    dvc(root, "repro", "-q")
    (root / "made" / "copy.txt").unlink()
    now = states(root)
    assert now["copy"] == ("stale", ("output made/copy.txt: deleted",))
    assert now["count"][0] == "stale"


@pytest.mark.weekly
def test_the_stages_and_arrows_of_this_repository_are_those_of_dvc(tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-local", ROOT, clone], check=True)
    (clone / "dvc.yaml").write_bytes((ROOT / "dvc.yaml").read_bytes())
    dot = dvc(clone, "dag", "--dot")
    stages = state.read(clone)
    assert {stage.name for stage in stages} == set(re.findall(r'^"([^"]+)";', dot, flags=re.MULTILINE))
    arrows = {(before, stage.name) for stage in stages for before in stage.before}
    assert arrows == set(re.findall(r'^"([^"]+)" -> "([^"]+)";', dot, flags=re.MULTILINE))
    assert {stage.name for stage in stages if stage.reasons} == set(json.loads(dvc(clone, "status", "--json")))

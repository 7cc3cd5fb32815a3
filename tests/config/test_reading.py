"""Reading a config: every problem at once, each with its line and the nearest known key; never a traceback."""

import shutil
from pathlib import Path

import pytest

from credit_risk.config import load, reading
from credit_risk.config.schema import Config
from credit_risk.errors import ConfigError, NotFound

LENDER = Path(__file__).parents[1] / "lender"


class Written:
    """The lender's two files, to be edited and loaded."""

    def __init__(self, root: Path) -> None:
        shutil.copytree(LENDER, root, dirs_exist_ok=True)
        self.path = root / "credit.yaml"
        self.model = root / "model.yaml"

    def edit(self, before: str, after: str, path: Path | None = None) -> int:
        """Replace a text that stands in the file once; returns the line it stood in."""
        path = path or self.path
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {path.name}"
        path.write_text(text.replace(before, after), encoding="utf-8")
        return text[: text.index(before)].count("\n") + 1

    def load(self) -> Config:
        return load(self.path)

    def problems(self) -> tuple[str, ...]:
        with pytest.raises(ConfigError) as refusal:
            self.load()
        return refusal.value.problems


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def test_a_sound_config_is_typed_and_frozen(written):
    config = written.load()
    assert config.policy.lgd == 0.5
    assert config.columns["employment"].categories == ("<1y", "1-4y", "4-7y", ">=7y")
    assert config.parameters.num_leaves == 8
    with pytest.raises(ValueError, match="frozen"):
        config.policy.lgd = 0.6
    assert config.features == (
        *("employment", "income", "purpose", "term_months", "utilisation", "months_late", "existing_customer"),
        "loan_to_income",
    )


def test_every_problem_comes_at_once_with_its_line(written):
    lines = [
        written.edit("min_rows: 100", "min_rows: -1"),
        written.edit("by: time", "by: tyme"),
        written.edit("folds: 3", "foldz: 3"),
        written.edit("lgd: 0.5", "lgd: -0.5"),
    ]
    leaves = written.edit("num_leaves: 8", "num_leaves: 1", written.model)
    with pytest.raises(ConfigError) as refusal:
        written.load()
    assert str(refusal.value).splitlines()[0] == f"{written.path}: 6 problems"
    model = Path(written.path).read_text(encoding="utf-8").splitlines().index("model:") + 1
    assert refusal.value.problems == (
        f"credit.yaml line {lines[0]}: contract.min_rows: Input should be greater than 0; got -1",
        f"credit.yaml line {lines[1]}: split.by: Input should be 'time' or 'random'; got 'tyme'; did you mean 'time'?",
        f"credit.yaml line {model}: model.folds: this key is missing",
        f"credit.yaml line {lines[2]}: model.foldz: unknown key 'foldz'; did you mean 'folds'?",
        f"credit.yaml line {lines[3]}: policy.lgd: Input should be greater than 0; got -0.5",
        f"model.yaml line {leaves}: num_leaves: Input should be greater than or equal to 2; got 1",
    )


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("tune: {", "tuna: {", "tuna: unknown key 'tuna'; did you mean 'tune'?"),
        ("  patience: 20", "  patient: 20", "model.patient: unknown key 'patient'; did you mean 'patience'?"),
        ("range: [0, 24]", "rnge: [0, 24]", "columns.months_late.rnge: unknown key 'rnge'; did you mean 'range'?"),
        (
            "{name: A, minimum",
            "{name: A, minimun",
            "policy.bands.0.minimun: unknown key 'minimun'; did you mean 'minimum'?",
        ),
        ("pdo: 20", "pd0: 20", "policy.scale.pd0: unknown key 'pd0'; did you mean 'pdo'?"),
        (
            "{formula: loan",
            "{formular: loan",
            "derived.loan_to_income.formular: unknown key 'formular'; did you mean 'formula'?",
        ),
        ("{path: ", "{pat: ", "data.sources.0.pat: unknown key 'pat'; did you mean 'path'?"),
        ("exact: true", "exakt: true", "gates.1.exakt: unknown key 'exakt'; did you mean 'exact'?"),
        ("{name: very late", "{naem: very late", "policy.rules.0.naem: unknown key 'naem'; did you mean 'name'?"),
        ("bins: 10", "zzzz: 10", "drift.zzzz: unknown key 'zzzz'; known here: bins, threshold, confidence"),
    ],
)
def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_key(written, before, after, problem):
    line = written.edit(before, after)
    assert f"credit.yaml line {line}: {problem}" in written.problems()


def test_an_unknown_key_is_one_problem_and_the_missing_one_another(written):
    """A list that holds one bad entry must not be called empty on top of it."""
    written.edit("{path: ", "{pat: ")
    assert len(written.problems()) == 2


def test_a_missing_key_points_at_the_section_it_is_missing_from(written):
    line = written.edit("  scale: {base: 600, odds: 50, pdo: 20}", "  scale: {base: 600, odds: 50}")
    assert written.problems() == (f"credit.yaml line {line}: policy.scale.pdo: this key is missing",)


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("lgd: 0.5", "lgd: half", "policy.lgd"),
        ("lgd: 0.5", "lgd: [0.5]", "policy.lgd"),
        ("lgd: 0.5", "lgd:", "policy.lgd"),
        ("lgd: 0.5", 'lgd: "0.5"', "policy.lgd"),
        ("folds: 3", "folds: 3.5", "model.folds"),
        ("folds: 3", 'folds: "3"', "model.folds"),
        ("max_trees: 200", "max_trees: true", "model.max_trees"),
        ("base: 600", "base: true", "policy.scale.base"),
        ("exact: true", "exact: 1", "gates.1.exact"),
        ("exact: true", "exact: yes", "gates.1.exact"),
        ("title: A simulated lender", "title: 12", "project.title"),
        ("title: A simulated lender", "title: 2024-01-01", "project.title"),
        ("title: A simulated lender", "title: !!python/object/apply:os.system [true]", "project.title"),
        ("segments: [purpose, utilisation]", "segments: purpose", "evaluation.segments"),
        ("range: [0, 24]", "range: 24", "columns.months_late.range"),
        ("range: [0, 24]", "range: [0]", "columns.months_late.range.1"),
        ("range: [0, 24]", "range: [false, true]", "columns.months_late.range.0"),
        ("categories: [female, male]", "categories: [1, 2]", "columns.sex.categories.0"),
        ("tune: {trials: 3, seed: 7}", "tune: 3", "tune"),
        ("scale: {base: 600, odds: 50, pdo: 20}", "scale:", "policy.scale"),
        ("version: 4", "version: 5", "version"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(written, before, after, place):
    line = written.edit(before, after)
    assert any(problem.startswith(f"credit.yaml line {line}: {place}: ") for problem in written.problems())


def test_a_number_in_quotes_is_refused_with_what_to_write_and_a_word_is_not(written):
    written.edit("lgd: 0.5", 'lgd: "0.5"')
    assert written.problems()[0].endswith(
        "policy.lgd: Input should be a valid number; got '0.5'; write it without quotes"
    )
    written.edit('lgd: "0.5"', "lgd: half")
    assert written.problems()[0].endswith("got 'half'")


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "1" + "0" * 400])
@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("lgd: 0.5", "lgd: {}", "policy.lgd"),
        ("base: 600", "base: {}", "policy.scale.base"),
        ("range: [0, 10]}", "range: [0, {}]}}", "columns.utilisation.range.1"),
        ("at_least: 0.6", "at_least: {}", "gates.0.at_least"),
        ("{name: C, minimum: 0}", "{{name: C, minimum: {}}}", "policy.bands.2.minimum"),
    ],
)
def test_a_number_that_is_not_finite_is_refused(written, value, before, after, place):
    line = written.edit(before, after.format(value))
    assert any(problem.startswith(f"credit.yaml line {line}: {place}: ") for problem in written.problems())


def test_yes_and_no_stay_words(written):
    """YAML 1.1 reads German's ja/nein in English as true and false; YAML 1.2 does not."""
    written.edit("bad: [bad]", "bad: [yes, on]")
    written.edit("good: [good]", "good: [no, off]")
    written.edit("categories: [female, male]", "categories: [yes, no]")
    written.edit("groups: {female: [female], male: [male]}", "groups: {female: [yes], male: [no]}")
    config = written.load()
    assert config.outcome.bad == ("yes", "on")
    assert config.outcome.good == ("no", "off")
    assert config.columns["sex"].categories == ("yes", "no")


def test_words_of_an_outcome_keep_their_type(written):
    written.edit("bad: [bad]", 'bad: [1, "1a", true, 2.5]')
    bad = written.load().outcome.bad
    assert [(type(value), value) for value in bad] == [(int, 1), (str, "1a"), (bool, True), (float, 2.5)]


@pytest.mark.parametrize("name", ["credit.yaml", "model.yaml"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "the file must hold keys and values, as in `version: 2`"),
        (b"# only a comment\n", "the file must hold keys and values"),
        (b"- a\n- b\n", "the file must hold keys and values"),
        (b"a word\n", "the file must hold keys and values"),
        (b"a: 1\nb: [1\nc: 2\n", "line 3: got no end of a bracket; expected the one that closes"),
        (
            b"a: 1\nb: 'open\n",
            "line 3: got no end of a text in quotes; expected the quote that closes (begun in line 2)",
        ),
        (b"a: 1\n\tb: 2\n", "line 2: got a tab; expected blanks before a key"),
        (b"a:\n  b: 1\n    c: 2\n", "line 3: got a second `:`; expected one `key: value` as far in as its neighbours"),
        (b"a:\n  b: 1\n c: 2\n", "line 3: got a line that begins where no neighbour does; expected it as far in as"),
        (
            b"a:\n  b: 1\n  c 2\nd: 3\n",
            "line 4: got a word alone; expected `key: value`, with a blank after the colon (begun in line 3)",
        ),
        (b"a: @b\n", "line 1: got a sign that means something in YAML; expected quotes around"),
        (b"a: 1\na: 2\n", 'line 2: found duplicate key "a"'),
        (b"a:\n  b: 1\n  c: 1\n  b: 2\n", 'line 4: found duplicate key "b"'),
        (b"a: *nowhere\n", "line 1: found undefined alias 'nowhere'"),
        (b"a: 1\n---\nb: 2\n", "line 2: but found another document"),
        (b"a: 1\nb: \xff\n", "byte 8 is not UTF-8; save the file as UTF-8"),
        (b"a: 1\nb: \x00\n", "line 2: "),
        (b"a: " + b"[" * 500, "nested"),
        (b"a: 1" + b"0" * 5_000, "digits"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem_of_that_file(written, name, text, problem):
    path = written.path.with_name(name)
    path.write_bytes(text)
    with pytest.raises(ConfigError) as refusal:
        written.load()
    assert str(refusal.value).splitlines()[0] == f"{path}: 1 problem"
    assert refusal.value.problems[0].startswith(problem) or problem in refusal.value.problems[0]


def test_a_duplicate_key_deep_in_the_file_has_its_line(written):
    line = written.edit("  folds: 3\n", "  folds: 3\n  folds: 4\n")
    assert written.problems()[0].startswith(f'line {line + 1}: found duplicate key "folds"')


def test_two_keys_that_are_one_word_are_duplicates(written):
    """A column called 12 and one called "12" are one column of the data."""
    columns = '  status: {role: target}\n  12: {role: ignore, why: a}\n  "12": {role: ignore, why: b}\n'
    line = written.edit("  status: {role: target}\n", columns)
    assert any(f"line {line + 2}" in problem and "12" in problem for problem in written.problems())


def test_a_column_with_a_number_for_a_name_keeps_its_line(written):
    line = written.edit("  status: {role: target}\n", "  status: {role: target}\n  12: {role: ignoer}\n")
    assert written.problems()[0].startswith(f"credit.yaml line {line + 1}: columns.12.role: ")


@pytest.mark.parametrize("key", ["~", "[a, b]"])
def test_a_key_that_is_no_word_is_refused(written, key):
    line = written.edit(
        "  status: {role: target}\n", f"  status: {{role: target}}\n  ? {key}\n  : {{role: ignore, why: a}}\n"
    )
    assert any(f"line {line + 1}" in problem for problem in written.problems())


def test_parameters_stand_in_their_own_file_only(written):
    """A `parameters:` section in credit.yaml would be a key that nothing reads."""
    line = written.edit("tune: {", "parameters: {num_leaves: 5}\ntune: {")
    assert any(problem.startswith(f"credit.yaml line {line}: parameters: ") for problem in written.problems())


def test_problems_of_the_model_file_carry_its_name_and_line(written):
    line = written.edit("num_leaves: 8", "num_leafs: 8", written.model)
    assert written.problems() == (
        "model.yaml line 1: num_leaves: this key is missing",
        f"model.yaml line {line}: num_leafs: unknown key 'num_leafs'; did you mean 'num_leaves'?",
    )


@pytest.mark.parametrize("name", ["credit.yaml", "model.yaml"])
def test_a_file_that_is_not_there_is_named(written, name):
    path = written.path.with_name(name)
    path.unlink()
    with pytest.raises(NotFound, match=f"{name}: there is no such file"):
        written.load()


def test_a_folder_in_place_of_the_file_is_refused_in_a_sentence(tmp_path):
    with pytest.raises((ConfigError, NotFound), match=tmp_path.name):
        load(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(written):
    text = written.path.read_bytes()
    written.path.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert written.load().project.title == "A simulated lender"


def test_anchors_and_merges_are_read(written):
    written.edit("sex: {role: protected", "sex: &guarded {role: protected")
    written.edit("age: {role: protected, type: integer, range: [18, 110], why: age}", "age: {<<: *guarded, why: age}")
    age = written.load().columns["age"]
    assert (age.role, age.type, age.categories, age.why) == ("protected", "category", ("female", "male"), "age")


def test_a_config_survives_being_written_as_json(written):
    config = written.load()
    assert Config.from_dict(config.as_dict()) == config


def test_a_tree_that_is_changed_is_nobody_elses(written):
    title = written.load().project.title
    reading.tree_of(written.path)["project"]["title"] = "another"
    assert reading.tree_of(written.path)["project"]["title"] == title
    assert written.load().project.title == title

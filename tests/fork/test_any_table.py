"""What `init` accepts its own pipeline accepts: random tables, written in random ways, come back as they were.

Each table is drafted, loaded, checked against its contract and read as the next extract to score. Either every value
is the one that was written, or one sentence says what stands in the way; few may be refused so. A table with a flaw
that no reader can mend is refused by file and line, or column. `make tables TABLES=10000` tries more.
"""

import csv
import datetime as dt
import decimal
import io
import os
import random
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit_risk.config import load
from credit_risk.data import contract
from credit_risk.data.inputs import spelled
from credit_risk.data.reading import tables
from credit_risk.errors import CreditRiskError
from credit_risk.fork import init
from credit_risk.fork.drafting.request import InitRequest

ZONES = ("UTC", "Europe/Berlin")  # the second with two offsets a year
TABLES = int(os.environ.get("TABLES", "300"))
MOST_REFUSED = 0.1  # of tables, or asked about: a reader that refuses everything is none
N = 60
TODAY = date(2026, 11, 29)
NAMES = (
    "class",
    "income",
    "Größe",
    "what for",
    "a.b",
    "not",
    "amount in $",
    "x1",
    "Månadslön",
    "line\nbreak",
    " padded ",
    "",
)
WORDS = ("car", "home loan", "a, b; c|d", 'say "so"', "Größe", "naïve", "x\ty", "O'Neill", "low", "high", "A1", "B2")
GAPS = ("", "NA", "N/A", "NULL", "\\N", "(null)", "<NA>", "#DIV/0!", "NaN", "n/a", "?", ".")
FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d", "%b-%Y", "%Y/%m/%d")
FLAWS = (None, None, None, "a row cut off", "a name twice", "a list")
KINDS = ("whole", "money", "share", "percent", "dollar", "word", "switch", "step", "day", "code")


@dataclass(frozen=True)
class Written:
    """A column: its values, None where nothing is known, and the texts that stand for them in a CSV file."""

    values: list
    texts: list


def numeral(value: float, point: str, mark: str | None, digits: int) -> str:
    text = f"{value:,.{digits}f}" if mark else f"{value:.{digits}f}"
    return text.translate(str.maketrans({",": mark or "", ".": point}))


def column(kind: str, rng: random.Random, signs: tuple[str, str | None], gap: str, form: str) -> Written:
    if kind == "word":
        values = [rng.choice(rng_words) for rng_words in [rng.sample(WORDS, 4)] * N]
        texts = list(values)
    elif kind == "switch":
        values = [rng.choice((True, False)) for _ in range(N)]
        texts = [("yes" if value else "no") for value in values]
    elif kind == "step":
        values = [rng.choice(("< 1 year", "1 year", "2 years", "10+ years")) for _ in range(N)]
        texts = list(values)
    elif kind == "code":
        values = [rng.choice((-9, -8, *range(40))) for _ in range(N)]
        texts = list(map(str, values))
    elif kind == "day":
        values = [date(2023, 1, 1) + dt.timedelta(days=rng.randrange(700)) for _ in range(N)]
        values = [value.replace(day=1) if form == "%b-%Y" else value for value in values]
        texts = [value.strftime(form) for value in values]
    else:
        digits = {"whole": 0, "share": 4}.get(kind, 2)
        top = {"share": 1, "percent": 60}.get(kind, rng.choice((90, 9_000, 3_000_000)))
        values = [
            round(rng.uniform(-top if kind == "money" and rng.random() < 0.1 else 0, top), digits) for _ in range(N)
        ]
        before, after = {"percent": ("", "%"), "dollar": ("$", "")}.get(kind, ("", ""))
        texts = [f"{before}{numeral(value, *signs, digits)}{after}" for value in values]
        if before:
            texts = [f"-{text.replace('-', '')}" if "-" in text else text for text in texts]
    gap = "" if gap in ("?", ".") and kind in ("word", "switch", "step") else gap  # among words these are words
    missing = [kind not in ("day",) and rng.random() < rng.choice((0, 0.1)) for _ in range(N)]
    return Written(
        [None if is_missing else value for value, is_missing in zip(values, missing, strict=True)],
        [gap if is_missing else text for text, is_missing in zip(texts, missing, strict=True)],
    )


@dataclass(frozen=True)
class Lender:
    """A table and how it is written. flaw: what is wrong with the file, if anything is."""

    columns: dict[str, Written]
    suffix: str
    seed: int
    flaw: str | None


@st.composite
def lenders(draw):
    """A lender's table and how it is written: a seed for the cells, choices for all else."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    signs = draw(st.sampled_from(((".", None), (".", None), (".", ","), (",", None), (",", "."), (",", " "))))
    gap, form = draw(st.sampled_from(GAPS)), draw(st.sampled_from(FORMS))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=6))
    names = rng.sample(NAMES, len(kinds))
    columns = {name: column(kind, rng, signs, gap, form) for name, kind in zip(names, kinds, strict=True)}
    ids = [700_000 + index for index in range(N)]
    outcome = [rng.choice((0, 0, 1)) for _ in range(N - 2)] + [0, 1]
    columns["loan_no"] = Written(ids, list(map(str, ids)))
    columns["defaulted"] = Written(outcome, list(map(str, outcome)))
    suffix, flaw = draw(st.sampled_from(("csv", "csv", "csv", "parquet"))), draw(st.sampled_from(FLAWS))
    fits = flaw != ("a list" if suffix == "csv" else "a row cut off")
    return Lender(columns, suffix, draw(st.integers(0, 2**32)), flaw if fits else None)


def write_csv(path: Path, columns: dict[str, Written], rng: random.Random, flaw: str | None) -> str:
    """Write the file; the words by which its flaw must be named."""
    encoding = rng.choice(("utf-8", "utf-8-sig", "cp1252", "utf-16"))
    stream = io.StringIO(newline="")
    delimiter = rng.choice((",", ";", "\t", "|"))
    if any("," in text for its in columns.values() for text in its.texts if text not in WORDS) and rng.random() < 0.8:
        delimiter = ";"
    quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    end = rng.choice(("\n", "\r\n", "\r"))
    quoting = csv.QUOTE_ALL if end == "\r" else quoting  # Python leaves a line feed bare there
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=end)
    before = rng.choice(("", "", "", f"sep={delimiter}{end}", f"Loans of 2024{end}by the warehouse{end}", end))
    after = rng.choice(("", "", "", f"Total rows: {N}{end}", end * 2))
    pad = rng.choice((0, 0, 12))
    writer.writerow([*columns, "loan_no"] if flaw == "a name twice" else columns)
    words = "'loan_no' stands in the header more than once"
    for number, row in enumerate(zip(*(its.texts for its in columns.values()), strict=True)):
        cells = [text.ljust(pad) for text in row]
        if flaw == "a row cut off" and number == N // 2:
            words = f"line {len((before + stream.getvalue()).splitlines()) + 1} has {len(cells) - 1}"
            cells = cells[:-1]
        writer.writerow([*cells, cells[0]] if flaw == "a name twice" else cells)
    path.write_bytes((before + stream.getvalue() + after).encode(encoding))
    return words


def write_parquet(path: Path, columns: dict[str, Written], rng: random.Random, flaw: str | None) -> str:
    """Write the file; the words by which its flaw must be named."""
    arrays = {}
    for name, its in columns.items():
        array = pa.array(its.values)
        if pa.types.is_string(array.type):
            array = rng.choice(
                (array, array.dictionary_encode(), array.cast(pa.binary()), array.cast(pa.string_view()))
            )
        elif pa.types.is_floating(array.type) and rng.random() < 0.3:
            exact = [None if value is None else decimal.Decimal(str(value)) for value in its.values]
            array = pa.array(exact, pa.decimal128(20, 4))
        elif pa.types.is_date(array.type):
            array = array.cast(
                rng.choice(
                    (pa.date32(), pa.timestamp("ns"), pa.timestamp("s"), *(pa.timestamp("us", zone) for zone in ZONES))
                )
            )
        arrays[name] = array
    table = pa.table(arrays)
    if rng.random() < 0.3:
        table = table.append_column("__index_level_0__", pa.array(sorted(rng.sample(range(9 * N), N))))
    if flaw == "a list":
        table = table.append_column("products", pa.array([["card", "loan"]] * N))
    if flaw == "a name twice":
        table = table.append_column(" loan_no ", pa.array(range(N)))
    pq.write_table(table, path)
    return "'products'" if flaw == "a list" else "two columns have one name"


def drafted(path: Path):
    """The config that init drafts of a file, loaded, with every open decision filled."""
    request = InitRequest(data=path, target="defaulted", bad=("1",), roles={"loan_no": "id"}, accept=True)
    made = init.drafted(request, tables.no_progress)
    config = path.parent / "credit.yaml"
    config.write_text(made.config, encoding="utf-8")
    config.with_name("model.yaml").write_text(made.parameters, encoding="utf-8")
    (path.parent / "data").mkdir(exist_ok=True)
    path.replace(path.parent / "data" / path.name)
    return load(config)


def assert_alike(name: str, cells: pd.Series, written: list, kind: str) -> None:
    """Every cell is what was written; a missing one is missing."""
    for got, value in zip(cells.tolist(), written, strict=True):
        if value is None or (isinstance(value, str) and not value.strip()):
            assert pd.isna(got), (name, got, value)
        elif isinstance(value, date):
            assert pd.Timestamp(got) == pd.Timestamp(value), (name, got, value)
        elif kind in ("category", "ordered", "text"):
            assert got == spelled(value if isinstance(value, str) else str(value)), (name, got, value)
        else:
            assert float(got) == float(value), (name, got, value)


def answer(lender: Lender) -> str:
    """Read what was written: "read" if every value came back, "flaw" if its flaw was named, else the refusal."""
    rng = random.Random(lender.seed)
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / f"loans.{lender.suffix}"
        words = (write_csv if lender.suffix == "csv" else write_parquet)(path, lender.columns, rng, lender.flaw)
        try:
            config = drafted(path)
            reading = tables.inspect_sources(config, Path(room))
            findings = contract.check(reading.table, config, today=TODAY).failures
            following = pd.concat(tables.read_table(Path(room) / "data" / path.name, config, config.inputs))
        except CreditRiskError as error:
            assert path.name in str(error), str(error)  # noqa: PT017 - a sentence that names the file
            assert lender.flaw is None or words in str(error), (words, str(error))  # noqa: PT017
            return "flaw" if lender.flaw else str(error)
        assert lender.flaw is None, (lender.flaw, words)
        assert not reading.unreadable, reading.unreadable
        assert not findings, findings
        if "data.decimal" in config.suggested:
            return "asked about its decimal sign"
        by_name = {" ".join(spelled(name).split()): its.values for name, its in lender.columns.items()}
        for name in reading.table:
            if name in by_name and config.columns[name].role != "target":
                assert_alike(name, reading.table[name], by_name[name], config.columns[name].type)
        for name in config.inputs:
            assert_alike(name, following[name], by_name[name], config.columns[name].type)
    return "read"


def test_tables_come_back_as_they_were_written_or_are_refused_in_a_sentence():
    answers: Counter[str] = Counter()

    @given(lenders())
    @settings(max_examples=TABLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=TABLES <= 300)
    def each(lender):
        answers[answer(lender)] += 1

    each()
    refused = {sentence: count for sentence, count in answers.items() if sentence not in ("read", "flaw")}
    assert sum(refused.values()) <= MOST_REFUSED * answers.total(), refused
    assert answers["flaw"], "no table had a flaw, so nothing says that flaws are named"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_value_that_changes_on_the_way_is_seen(kind):
    """The comparison itself: a digit more, a word less, a gap filled."""
    with pytest.raises(AssertionError):
        assert_alike("a", pd.Series([1.0, 2.0]), [1, 2.5], "number")
    with pytest.raises(AssertionError):
        assert_alike("a", pd.Series(["x"]), [f"y {kind}"], "category")
    with pytest.raises(AssertionError):
        assert_alike("a", pd.Series([np.float64(0)]), [None], "number")

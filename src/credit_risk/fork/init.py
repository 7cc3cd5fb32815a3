"""From a lender's file to a config of its own: profile, draft, and a remote for the data outside the repository."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from dvc.config import Config as DvcConfig
from pandas import DataFrame, Series
from ruamel.yaml import YAML

from credit_risk.config import floor, load
from credit_risk.config.columns import KEY_ROLES
from credit_risk.config.reading import tree_of, undecided
from credit_risk.data.contract import repeats
from credit_risk.data.inputs import Mask, folded, word_of
from credit_risk.data.reading.cells import LOST_DIGITS
from credit_risk.data.reading.csv_rows import Progress
from credit_risk.data.reading.tables import lacks
from credit_risk.data.writing import write_text
from credit_risk.errors import CreditRiskError, DataError, NotFound, UsageError
from credit_risk.fork import first_person
from credit_risk.fork.drafting import draft, floor_draft
from credit_risk.fork.drafting.draft import Answers, Facts
from credit_risk.fork.drafting.maturity import Immature, immature
from credit_risk.fork.drafting.profile import Profile, Role, is_index_name, profiles
from credit_risk.fork.reading import cells, sources
from credit_risk.fork.reading.sources import LenderTable

Words: TypeAlias = tuple[str, ...]

MOST_OUTCOMES = 10  # words for one side of an outcome
COARSE = 0.05  # share of rows that repeat the inputs of another, beyond which they are few answers, not copies
SAMPLE = "uci-card-default"  # the project of the config that this repository ships
PARAMETERS = """\
# LightGBM's parameters under its own names: `make run` uses this file as it stands, a search for better ones writes it.
learning_rate: 0.05
num_leaves: {leaves}
max_depth: 5
min_child_samples: {child}
reg_alpha: 0.0
reg_lambda: 5.0
colsample_bytree: 0.6
subsample: 0.8
monotone_constraints_method: intermediate
"""


class ConfigInTheWay(CreditRiskError, FileExistsError):
    """The fork has a config of its own already."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(
            f"{path} is the config of {name!r}, not the sample's: it would be lost. Give --replace to write a new one "
            "in its place, or --output to write the draft beside it."
        )


@dataclass(frozen=True)
class InitRequest:
    """What `credit-risk init` is to draft.

    bad, good, indeterminate: words of the target column; good: its only other word, if none is named.
    joined: files of which each has one column in common with those before it, by which its rows are joined to them.
    """

    data: Path
    target: str
    bad: tuple[str, ...]
    good: tuple[str, ...] = ()
    indeterminate: tuple[str, ...] = ()
    roles: Mapping[str, Role] | None = None
    answers: Answers | None = None
    name: str | None = None
    accept: bool = False
    joined: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.data, *self.joined)


@dataclass(frozen=True)
class Drafted:
    """A first config: the texts of both files, what was found, and what nobody has decided yet."""

    config: str
    parameters: str
    facts: Facts
    profiles: tuple[Profile, ...]

    @property
    def open(self) -> int:
        return sum(1 for _ in undecided(YAML().load(self.config)))


def drafted(request: InitRequest, progress: Progress) -> Drafted:
    """Profile the file and write the draft. Raises DataError or UsageError for what cannot be used, all at once."""
    roles: dict[str, Role] = {request.target: "target", **(request.roles or {})}
    lender = _read(request, roles, progress)
    table = lender.table
    _refuse_unknown(roles, table)
    missing = cells.missing_words({str(name): column for name, column in table.items() if name != request.target})
    own = _own_missing_words(table, request, missing)
    unknown = own.get(request.target, missing)
    bad, good, neither = _outcomes(table[request.target], request, unknown)
    facts = _facts(request, lender, missing, (bad, good, neither))
    outcome, answers = table[request.target].map(_word), request.answers or {}
    is_bad, is_judged = outcome.isin(bad).to_numpy(), outcome.isin((*bad, *good)).to_numpy()
    of_columns = [
        _exact(_no_index(_joining(_measured(column, lender.units), lender.keys), lender.indexes), lender.rounded)
        for column in profiles(table, is_bad, is_judged, roles, missing, own=own)
    ]
    _refuse_nothing_to_read(request.data, of_columns)
    known = {str(name): each.where(~each.isin([*own.get(str(name), missing)])) for name, each in table.items()}
    facts = _with_rows(facts, of_columns, known, (is_bad, is_judged), answers)
    config = draft.text(facts, of_columns, answers, accept=request.accept)
    return Drafted(config, _parameters(facts.rows), facts, tuple(of_columns))


def _with_rows(
    facts: Facts,
    of_columns: Sequence[Profile],
    known: Mapping[str, Series],
    outcomes: tuple[Mask, Mask],
    answers: Answers,
) -> Facts:
    """The facts with what only rows show. known: cells by column; outcomes: which are bad, which judged; (rows,)."""
    bad, judged = outcomes
    features = [column.name for column in of_columns if column.role == "feature"]
    compared = [column.name for column in of_columns if column.role not in ("ignore", *KEY_ROLES)]
    repeated, coarse = (
        float(repeats(DataFrame({name: known[name] for name in names})).mean()) for names in (compared, features)
    )
    weight = next((column.name for column in of_columns if column.role == "weight"), None)
    weighed = weight and float(np.average(bad[judged], weights=cells.numbers_of(known[weight])[judged]))
    return replace(
        facts,
        coarse=coarse > COARSE,
        duplicates=min(1.0, max(0.01, float(np.ceil(200 * repeated) / 100))),
        immature=_immature(of_columns, known, bad, judged, answers),
        weight=weight,
        weighed_bad_rate=answers.get("outcome.population_bad_rate", weighed),
    )


def _read(request: InitRequest, roles: Mapping[str, str], progress: Progress) -> LenderTable:
    for path in request.paths:
        if not path.is_file():
            raise NotFound(path, "Name the file with your applications and their outcomes: --data FILE.")
    if len({path.name for path in request.paths}) < len(request.paths):
        raise UsageError("two files have one name, and lie side by side in data/: rename one of them.")
    ignored = {name for name, role in roles.items() if role == "ignore"}
    as_written = {name for name, role in roles.items() if role in ("target", *KEY_ROLES)}
    return sources.read(request.paths, request.target, progress, ignored=ignored, as_written=as_written)


def _measured(column: Profile, units: Mapping[str, str]) -> Profile:
    return replace(column, unit=units.get(column.name)) if column.kind in ("number", "integer") else column


def _joining(column: Profile, keys: Collection[str]) -> Profile:
    """A column that joins files holds no amount, so it is no feature unless the owner says so."""
    if column.name not in keys or column.named or column.role != "feature":
        return column
    kind: cells.Kind = "integer" if column.kind == "integer" and all(map(cells.is_exact, column.groups)) else "text"
    return replace(column, role="ignore", kind=kind, range=None, categories=None, why="joins the files")


def _no_index(column: Profile, indexes: Collection[str]) -> Profile:
    """A column that pandas saved as the table's index numbers its rows, unless its name says that it is an id."""
    may_be_id = column.role in KEY_ROLES and not is_index_name(column.name)
    if column.name not in indexes or column.named or may_be_id:
        return column
    why = "the index that pandas saved with the table, nothing of an applicant"
    return replace(column, role="ignore", why=why, suspected=False)


def _exact(column: Profile, rounded: Collection[str]) -> Profile:
    """A key whose digits a float has lost already is none. Raises UsageError where the owner says that it is one."""
    if column.name not in rounded or column.role not in KEY_ROLES:
        return column
    if column.named:
        raise UsageError(f"--{column.role} {column.name}: {LOST_DIGITS}.")
    return replace(column, role="ignore", kind="text", why=LOST_DIGITS, suspected=True)


def _immature(
    of_columns: Sequence[Profile], known: Mapping[str, Series], bad: Mask, judged: Mask, answers: Answers
) -> Immature | None:
    """What speaks against judging the youngest accounts, where there is a day of application in one form."""
    day = next((column for column in of_columns if column.role == "date" and len(column.formats) < 2), None)
    if day is None:
        return None
    months = answers.get("outcome.performance_window_months", draft.WINDOW)
    return immature(cells.days_of(known[day.name], day.formats), bad, judged, months)


def checked(made: Drafted, request: InitRequest) -> None:
    """Hold a draft against the schema with every open decision filled: only a fault of ours can fail here."""
    whole = draft.text(made.facts, made.profiles, request.answers or {}, accept=True)
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "credit.yaml"
        path.write_text(whole, encoding="utf-8")
        path.with_name("model.yaml").write_text(made.parameters, encoding="utf-8")
        load(path)


def install(
    made: Drafted, request: InitRequest, root: Path, config: Path, *, remote: str | None, replace: bool
) -> list[str]:
    """Put config, data and DVC's remote where they belong; returns what was done, a sentence each."""
    _refuse_own_config(config, replace=replace)
    done = [_move_remote(root, remote)]
    for path in request.paths:
        target = root / "data" / path.name
        if path.resolve() != target.resolve():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            done.append(f"Copied {path.name} to data/.")
    done += [
        f"Took the sample's {name} out of data/ (`make data` of the sample brings it back)."
        for name in _remove_sample(root)
    ]
    write_text(config.with_name("model.yaml"), made.parameters)
    write_text(config.parent / floor.NAME, floor_draft.text(made.config))
    write_text(config, made.config)
    done.append(f"Wrote {config}, and model.yaml and {floor.NAME} beside it.")
    return [*done, first_person.write(root)]


def _refuse_unknown(roles: Mapping[str, str], table: DataFrame) -> None:
    names = list(map(str, table))
    if lacking := [name for name in roles if name not in names]:
        raise UsageError(f"{lacks(lacking, names)}.")


def _own_missing_words(table: DataFrame, request: InitRequest, missing: Words) -> dict[str, Words]:
    """By column, where other words mean "not known" than in the rest: the outcome, and NA where it is Namibia."""
    own: dict[str, Words] = {}
    for name, column in table.items():
        words = set(column.dropna().unique())
        if name == request.target:
            named = {*map(_word, (*request.bad, *request.good, *request.indeterminate))}
            gaps = tuple(word for word in cells.outcome_gaps(words) if word not in named)
            own |= {str(name): (*missing, *(word for word in gaps if word not in missing))}
        elif real := cells.real_gaps(words) & set(missing):
            own[str(name)] = tuple(word for word in missing if word not in real)
    return {name: words for name, words in own.items() if words != missing}


def _outcomes(column: Series, request: InitRequest, missing: Sequence[str]) -> tuple[Words, Words, Words]:
    """Bad, good and indeterminate words, every word of the column in exactly one of them."""
    words = {_word(word) for word in column.dropna().unique() if word not in missing}
    by_folded = {folded(word): word for word in words}
    bad, neither, good = (
        tuple(by_folded.get(folded(word), word) for word in map(_word, given))
        for given in (request.bad, request.indeterminate, request.good)
    )
    good = good or tuple(sorted(words - set(bad) - set(neither)))
    _refuse_no_outcome(column, request, words)
    if not request.good and 1 < len(good) <= MOST_OUTCOMES:
        raise UsageError(
            f"besides bad, the column {request.target!r} says {_some(good)}: good is never everything else. "
            "Name what is good with --good, what is neither (as an account that runs) with --indeterminate."
        )
    if strange := sorted({*bad, *good, *neither} - words):
        raise UsageError(
            f"the column {request.target!r} never says {', '.join(map(repr, strange))}; it says {_some(words)}."
        )
    if rest := sorted(words - {*bad, *good, *neither}):
        raise UsageError(
            f"the column {request.target!r} says {_some(rest)} too: give each to --bad, --good or --indeterminate."
        )
    if not good:
        unknown = int((column.isna() | column.isin([*missing])).sum())
        mend = "is it the outcome? Name what is good with --good."
        if unknown:
            mend = (
                f"in {unknown:,} rows the outcome is not known, and a gap is never good. Where it stands for good, "
                "write a word for good in these cells; name a word that only looks like a gap, as -, with --good."
            )
        raise UsageError(f"besides bad, the column {request.target!r} says nothing: {mend}")
    return bad, good, neither


def _refuse_no_outcome(column: Series, request: InitRequest, words: Collection[str]) -> None:
    """Raise UsageError for a column that repeats the header, or says more than outcomes do."""
    if request.target in words:
        row = int(np.flatnonzero(column == request.target)[0]) + 1
        raise UsageError(
            f"{request.data}: row {row:,} holds the header again, as where files were put one below the other: take "
            "such lines out."
        )
    are_numbers = all(map(cells.is_number, words))
    is_named = 0 < len(request.good) <= MOST_OUTCOMES and not are_numbers
    if len(words) <= MOST_OUTCOMES or is_named:
        return
    what = f"words, as {min(words)!r}"
    if are_numbers:
        numbers = sorted(map(float, words))
        what = f"numbers, from {numbers[0]:.12g} to {numbers[-1]:.12g}"
    raise UsageError(
        f"the column {request.target!r} holds {len(words):,} different {what}: is it the outcome? If the outcome is a "
        "number, as a loss, or a day of default, add a column to the file that says of each row whether it is bad (a "
        "loss above what you bear, a day within the performance window), and name it with --target; if these are words "
        "for outcomes, name the good ones with --good."
    )


def _facts(
    request: InitRequest,
    lender: LenderTable,
    missing: Words,
    outcomes: tuple[Words, Words, Words],
) -> Facts:
    table, data = lender.table, lender.data
    bad, good, neither = outcomes
    meanings = dict.fromkeys(bad, "bad") | dict.fromkeys(good, "good") | dict.fromkeys(neither, "indeterminate")
    counted = table[request.target].fillna("").map(_word).value_counts()
    outcome = table[request.target].map(_word)
    bads, goods = int(outcome.isin(bad).sum()), int(outcome.isin(good).sum())
    name = (
        request.name
        or re.sub(r"^[^a-z]+", "", re.sub(r"[^a-z0-9]+", "-", request.data.stem.lower())).strip("-")
        or "lender"
    )
    return Facts(
        name=name,
        path=data.sources[0].path,
        joined=data.sources[1:],
        joins=lender.joins,
        delimiter=data.delimiter,
        quote=data.quote,
        encoding=data.encoding,
        decimal=data.decimal,
        thousands=data.thousands,
        header_line=data.header_line,
        footer_lines=data.footer_lines,
        missing=missing,
        max_bytes=data.max_bytes,
        rows=len(table),
        bad=bad,
        good=good,
        indeterminate=neither,
        outcomes=tuple((str(word), int(rows), meanings.get(str(word), "not known")) for word, rows in counted.items()),
        bad_rate=bads / (bads + goods),
        doubtful_numbers=lender.doubtful,
    )


def _word(value: str) -> str:
    """The word by which the config names an outcome: 1.0 and 1 are one."""
    try:
        return word_of(float(value)) if re.fullmatch(r"-?\d+\.0*", value) else value
    except TypeError:
        return value


def _refuse_nothing_to_read(path: Path, of_columns: Sequence[Profile]) -> None:
    if any(column.role == "feature" for column in of_columns):
        return
    why = "; ".join(f"{column.name}: {column.why or column.role}" for column in of_columns)
    raise DataError(f"{path}: no column is left that a model could read ({why}). Name one with --feature.")


def _parameters(rows: int) -> str:
    """Leaves of a hundredth of the training rows, ten at least: what a small book can carry."""
    child = int(np.clip(0.6 * rows / 100, 10, 60))
    return PARAMETERS.format(leaves=15 if rows >= 5_000 else 7, child=child)


def _refuse_own_config(path: Path, *, replace: bool) -> None:
    if replace or not path.is_file():
        return
    name = (tree_of(path).get("project") or {}).get("name", "another project")
    if name != SAMPLE:
        raise ConfigInTheWay(path, name)


def _move_remote(root: Path, remote: str | None) -> str:
    """Give DVC a default remote outside the repository, so that private data never end in git."""
    known = default_remote(root)
    if known and remote is None:
        return f"DVC's default remote stays {known!r}."
    url = remote or str(Path("..") / f"{root.resolve().name}-data")
    if "://" not in url and (root / url).resolve().is_relative_to(root.resolve()):
        raise UsageError(f"--remote {url} lies in the repository: private data would end in git. Name one outside.")
    done = _dvc(root, "remote", "add", "--force", "--default", "storage", url)
    if done.returncode:
        raise UsageError(f"DVC refused the remote {url}: {done.stderr.strip()}")
    return (
        f"DVC's default remote is {url} now; `.venv/bin/dvc remote modify storage url s3://YOUR-BUCKET` names another."
    )


def default_remote(root: Path) -> str | None:
    """The name of DVC's default remote; None without one."""
    name: str | None = _dvc_config(root)["core"].get("remote")
    return name


def remote_address(root: Path, name: str) -> str:
    """Where DVC's remote of that name lies; a folder as a whole path."""
    return str(_dvc_config(root)["remote"][name]["url"])


def _dvc_config(root: Path) -> Mapping[str, Any]:
    """DVC's settings as its commands see them, without starting one."""
    return DvcConfig(str(root / ".dvc"))  # type: ignore[no-any-return]


def _dvc(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    dvc = Path(sys.executable).with_name("dvc")
    return subprocess.run([dvc, *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603


def _remove_sample(root: Path) -> list[str]:
    """Remove the sample's files from data/."""
    names = sample_files(root)
    for name in names:
        (root / "data" / name).unlink()
    return names


def sample_files(root: Path) -> list[str]:
    """The files in data/ that are still what the sample remote holds."""
    names = []
    for listing in (root / "sample-remote" / "files" / "md5").glob("*/*.dir"):
        for entry in json.loads(listing.read_text(encoding="utf-8")):
            path = root / "data" / entry["relpath"]
            if path.is_file() and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == entry["md5"]:
                names.append(entry["relpath"])
    return names


def _some(words: Sequence[str] | set[str]) -> str:
    return ", ".join(map(repr, sorted(words)[:12])) + (", …" if len(words) > 12 else "")

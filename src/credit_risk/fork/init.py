"""From a lender's file to a config of its own: profile, draft, and a remote for the data outside the repository."""

import re
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pandas import DataFrame, Series
from ruamel.yaml import YAML

from credit_risk.config import floor, load
from credit_risk.config.columns import KEY_ROLES
from credit_risk.config.reading import tree_of, undecided
from credit_risk.data.contract import repeats
from credit_risk.data.inputs import Mask
from credit_risk.data.reading.cells import LOST_DIGITS
from credit_risk.data.reading.csv_rows import Progress
from credit_risk.data.reading.tables import lacks
from credit_risk.data.writing import write_text
from credit_risk.errors import CreditRiskError, DataError, NotFound, UsageError
from credit_risk.fork import first_person
from credit_risk.fork.data_remote import move_remote, remove_sample
from credit_risk.fork.drafting import draft, floor_draft
from credit_risk.fork.drafting.draft import Answers, Facts
from credit_risk.fork.drafting.maturity import Immature, immature
from credit_risk.fork.drafting.outcomes import Words, outcome_word, outcomes_of, own_missing_words
from credit_risk.fork.drafting.profile import Profile, Role
from credit_risk.fork.drafting.profiling import profiles
from credit_risk.fork.drafting.request import InitRequest
from credit_risk.fork.drafting.roles import is_index_name
from credit_risk.fork.reading import cells, sources
from credit_risk.fork.reading.sources import LenderTable

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
    _refuse_unknown(roles, table, request.paths)
    missing = cells.missing_words({str(name): column for name, column in table.items() if name != request.target})
    own = own_missing_words(table, request, missing)
    unknown = own.get(request.target, missing)
    bad, good, neither = outcomes_of(table[request.target], request, unknown)
    facts = _facts(request, lender, missing, (bad, good, neither))
    outcome, answers = table[request.target].map(outcome_word), request.answers or {}
    is_bad, is_judged = outcome.isin(bad).to_numpy(), outcome.isin((*bad, *good)).to_numpy()
    of_columns = [
        _exact(_no_index(_joining(_measured(column, lender.units), lender.keys), lender.indexes), lender.rounded)
        for column in profiles(table, is_bad, is_judged, roles, missing, own=own)
    ]
    _refuse_nothing_to_read(request.data, of_columns)
    known = {str(name): each.where(~each.isin([*own.get(str(name), missing)])) for name, each in table.items()}
    facts = _with_rows(facts, of_columns, known, (is_bad, is_judged), answers)
    of_columns = _weighed(of_columns, known, facts, is_bad)
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


def _weighed(of_columns: list[Profile], known: Mapping[str, Series], facts: Facts, bad: Mask) -> list[Profile]:
    """The columns with how many of the population say each word, where rows stand for more or fewer than one account.

    Of whom a wording is true, as of the half with the lower incomes, is a matter of the population, not of its sample.
    """
    if facts.weighed_bad_rate is None:
        return of_columns
    weight = np.ones(len(bad)) if facts.weight is None else cells.numbers_of(known[facts.weight])
    share = float(np.average(bad, weights=weight))
    rate = facts.weighed_bad_rate
    weight = weight * np.where(bad, rate / share, (1 - rate) / (1 - share))
    return [
        replace(column, weighed=dict(Series(weight).groupby(known[column.name].to_numpy()).sum()))
        if column.role == "feature"
        else column
        for column in of_columns
    ]


def _read(request: InitRequest, roles: Mapping[str, str], progress: Progress) -> LenderTable:
    for path in request.paths:
        if not path.is_file():
            raise NotFound(path, "Name the file with your applications and their outcomes: --data FILE.")
    if len({path.name for path in request.paths}) < len(request.paths):
        raise UsageError("two files have one name, and lie side by side in data/: rename one of them.")
    ignored = {name for name, role in roles.items() if role == "ignore"}
    as_written = {name for name, role in roles.items() if role in ("target", *KEY_ROLES)}
    return sources.read(
        request.paths, request.target, progress, ignored=ignored, as_written=as_written, encoding=request.encoding
    )


def _measured(column: Profile, units: Mapping[str, str]) -> Profile:
    return replace(column, unit=units.get(column.name)) if column.kind in ("number", "integer") else column


def _joining(column: Profile, keys: Collection[str]) -> Profile:
    """A column that joins files holds no amount, so it is no feature unless the owner says so."""
    if column.name not in keys or column.named or column.role != "feature":
        return column
    kind: cells.Kind = "integer" if all(map(cells.is_exact, column.groups)) else "text"
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
    done = [move_remote(root, remote)]
    for path in request.paths:
        target = root / "data" / path.name
        if path.resolve() != target.resolve():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            done.append(f"Copied {path.name} to data/.")
    done += [
        f"Took the sample's {name} out of data/ (`make data` of the sample brings it back)."
        for name in remove_sample(root)
    ]
    write_text(config.with_name("model.yaml"), made.parameters)
    write_text(config.parent / floor.NAME, floor_draft.text(made.config))
    write_text(config, made.config)
    done.append(f"Wrote {config}, and model.yaml and {floor.NAME} beside it.")
    return [*done, first_person.write(root)]


def _refuse_unknown(roles: Mapping[str, str], table: DataFrame, paths: Sequence[Path]) -> None:
    names = list(map(str, table))
    if lacking := [name for name in roles if name not in names]:
        is_single = len(names) == 1 and len(names[0].split()) > 1
        fixed = (
            " Its lines have no delimiter: columns at fixed positions? Write it with one, as a CSV."
            if is_single
            else ""
        )
        raise UsageError(f"{', '.join(map(str, paths))}: {lacks(lacking, names)}.{fixed}")


def _facts(
    request: InitRequest,
    lender: LenderTable,
    missing: Words,
    outcomes: tuple[Words, Words, Words],
) -> Facts:
    table, data = lender.table, lender.data
    bad, good, neither = outcomes
    meanings = dict.fromkeys(bad, "bad") | dict.fromkeys(good, "good") | dict.fromkeys(neither, "indeterminate")
    counted = table[request.target].fillna("").map(outcome_word).value_counts()
    outcome = table[request.target].map(outcome_word)
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
